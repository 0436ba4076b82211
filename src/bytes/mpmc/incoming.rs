//! Messages on their way in: what comes out of the ring, and the long ones that come through lanes side by side.
//!
//! A receiver that has taken up a message which is longer than its lane copies one chunk of it, looks what else is in the
//! ring, and so on: a short message never waits for more than a chunk of each long one that the same receiver has taken up.

use super::lanes::{Attached, lanes, longest, tell_of_free_lane, tell_writer};
use super::place::Whole;
use crate::bytes::{RecvError, RecvTimeoutError};
use crate::channel::mpmc::annexes::Unreadable;
use crate::channel::mpmc::transfer::{self, Got, Vain, Want};
use crate::channel::mpmc::waiting::{self, Rest, Resting, Waits};
use crate::channel::reason::DisconnectReason;
use crate::membership::role::Role;
use crate::ring::Corrupt;
use crate::ring::lane::{Claimed, Finished, Flow, Lanes, Ticket};
use crate::ring::parcel::Parcel;
use crate::ring::parcel::{self, Content};
use crate::sync::Ordering::Relaxed;
use crate::wait::awaited::{Awaited, wait};
use crate::wait::deadline::Deadline;
use crate::wait::parker::Woken;
use std::sync::{Mutex, PoisonError};

/// Room is asked for in steps of so many bytes at most before any of them has come.
const ROOM_AHEAD: usize = 16 << 20;

/// What was received, before it is done.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) body: Body,
    /// The hand that holds it.
    pub(super) hand: usize,
    pub(super) position: u64,
    pub(super) attempt: u32,
}

/// Where a received message is.
#[derive(Debug)]
pub(super) enum Body {
    /// In the hand, in a parcel; so many bytes.
    Inline(usize),
    /// In a lane, the whole of it.
    Whole(Whole),
    /// It came through a lane, and its writer waits to hear what became of it.
    Gathered(Ticket, Vec<u8>),
}

/// Why there is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacking {
    /// There is none now.
    Nothing,
    /// Nothing is left and no sender is, or this end cannot be used.
    Disconnected,
    /// Its sender gave up, or died, when so many bytes had come.
    Aborted(u64),
    /// It is longer than this receiver takes.
    TooLong(u64),
    /// There is no memory for so many bytes.
    OutOfMemory(u64),
}

impl Lacking {
    /// As users are told, by a receiver that takes so many bytes.
    pub(super) fn told(self, limit: u64) -> RecvTimeoutError {
        match self {
            Self::Nothing => RecvTimeoutError::Timeout,
            Self::Disconnected => RecvTimeoutError::Disconnected,
            Self::Aborted(bytes) => RecvTimeoutError::Aborted { bytes },
            Self::TooLong(bytes) => RecvTimeoutError::TooLong { bytes, limit },
            Self::OutOfMemory(bytes) => RecvTimeoutError::OutOfMemory { bytes },
        }
    }

    /// As users are told who wait without end.
    pub(super) fn told_for_good(self, limit: u64) -> RecvError {
        self.told(limit).lasting().unwrap_or(RecvError::Disconnected)
    }
}

/// A message that comes through a lane.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) ticket: Ticket,
    pub(super) hand: usize,
    pub(super) len: Option<u64>,
    pub(super) position: u64,
    pub(super) drawn: u64,
}

impl Stream {
    /// How many bytes are there to be drawn, and whether the message ends behind them; an error if it was cut.
    pub(super) fn available(&self, core: &Attached) -> Result<(u64, bool), Lacking> {
        match lanes(core).flow(self.ticket) {
            Flow::Filled(filled, is_all) => {
                let ahead = filled.checked_sub(self.drawn).filter(|ahead| *ahead <= self.length(core));
                let ahead = ahead.ok_or_else(|| corrupt(core, Corrupt { word: "filled", found: filled }))?;
                Ok((ahead, is_all))
            }
            Flow::Cut => Err(Lacking::Aborted(self.drawn)),
        }
    }

    fn length(&self, core: &Attached) -> u64 {
        lanes(core).lane_bytes(self.ticket.lane) as u64
    }

    /// So many more bytes have been copied.
    pub(super) fn drew(&mut self, core: &Attached, count: u64) {
        self.drawn += count;
        lanes(core).drained(self.ticket, self.drawn);
        tell_writer(core, self.ticket);
    }

    /// The message is done, or given up; its writer is told. Whether it knows that the message was received.
    pub(super) fn finish(&self, core: &Attached, is_read: bool) -> bool {
        finish(core, self.ticket, self.hand, is_read) == Finished::Answered && is_read
    }

    /// Says, or takes back, that the reader is about to sleep.
    fn waits(&self, core: &Attached, does_wait: bool) {
        // Relaxed: ordered by the fence of the sleep.
        lanes(core).words(self.ticket.lane).reader.reader_waits.store(u32::from(does_wait), Relaxed);
    }
}

/// A ticket's message is done, or given up: its writer is told, or the lane is free; and so is the hand.
pub(super) fn finish(core: &Attached, ticket: Ticket, hand: usize, is_read: bool) -> Finished {
    let finished = lanes(core).finish(ticket, is_read);
    match finished {
        Finished::Freed | Finished::Cut => tell_of_free_lane(core),
        // What is over may be so by our own doing: see `Lanes::claim`.
        Finished::Answered | Finished::Over => tell_writer(core, ticket),
    }
    commit(core, hand);
    finished
}

/// What was in this hand is done; who waits for a hand may have it.
pub(super) fn commit(core: &Attached, hand: usize) {
    core.ring().commit(hand);
    core.freed_a_hand();
}

/// A message that lies where this process cannot look is given back: others may, or this one later. One whose bytes are gone is
/// done, or each receiver in turn would find that.
fn unreadable(core: &Attached, (ticket, hand): (Ticket, usize), len: u64, why: Unreadable) -> Lacking {
    match why {
        Unreadable::Corrupt(reason) => corrupt(core, reason),
        Unreadable::Lost => {
            finish(core, ticket, hand, true);
            Lacking::Aborted(0)
        }
        Unreadable::NoMemory => {
            core.give_back(hand);
            Lacking::OutOfMemory(len)
        }
    }
}

fn corrupt(core: &Attached, corrupt: Corrupt) -> Lacking {
    core.poison(corrupt);
    Lacking::Disconnected
}

/// A stream, and what of it has been gathered.
#[derive(Debug)]
pub(super) struct Gathering {
    stream: Stream,
    bytes: Vec<u8>,
}

impl Gathering {
    /// Nobody will receive it.
    pub(super) fn give_up(&self, core: &Attached) {
        self.stream.finish(core, false);
    }

    /// Copies one chunk; whether there was any, and whether the message is complete.
    fn advance(&mut self, core: &Attached, chunk: usize, limit: u64) -> Result<(bool, bool), Lacking> {
        let (ahead, is_all) = self.stream.available(core)?;
        let count = ahead.min(chunk as u64);
        let total = self.stream.drawn + count;
        if total > limit {
            return Err(Lacking::TooLong(self.stream.len.unwrap_or(total)));
        }
        self.reserve(count as usize)?;
        lanes(core).draw(self.stream.ticket, self.stream.drawn, count as usize, &mut self.bytes);
        if count > 0 {
            self.stream.drew(core, count);
        }
        Ok((count > 0, is_all && count == ahead))
    }

    /// Room for so many bytes; for the rest of the message at once, if it is not much.
    fn reserve(&mut self, count: usize) -> Result<(), Lacking> {
        if self.bytes.capacity() - self.bytes.len() >= count {
            return Ok(());
        }
        let rest = self.stream.len.map_or(0, |len| len.saturating_sub(self.stream.drawn));
        let wanted = usize::try_from(rest).unwrap_or(usize::MAX).min(ROOM_AHEAD).max(count);
        self.bytes.try_reserve(wanted).map_err(|_| Lacking::OutOfMemory(self.stream.drawn + wanted as u64))
    }
}

/// What a look found.
pub(super) enum Found {
    Message(Received),
    /// Some bytes of a long one.
    Bytes,
    Lacking(Lacking),
}

/// Whatever comes next for one receiver.
pub(super) struct Incoming<'a> {
    core: &'a Attached,
    /// Long messages that were taken up.
    gathering: &'a mut Vec<Gathering>,
    /// Those that another thread of the same end has begun and left to whoever receives next.
    kept: Option<&'a Mutex<Vec<Gathering>>>,
    /// Where the next long one that is taken up is gathered.
    spare: Vec<u8>,
    waits: Waits,
    chunk: usize,
    limit: u64,
    rest: Rest,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(
        core: &'a Attached,
        gathering: &'a mut Vec<Gathering>,
        spare: Vec<u8>,
        waits: Waits,
        chunk: usize,
        limit: u64,
    ) -> Self {
        Self { core, gathering, kept: None, spare, waits, chunk, limit, rest: Rest::new(waits.slice, true) }
    }

    /// The same, of an end that has long messages from calls before.
    pub(super) fn with_kept(self, kept: &'a Mutex<Vec<Gathering>>) -> Self {
        Self { kept: Some(kept), ..self }
    }

    /// What was not used of the buffer that was given.
    pub(super) fn into_spare(self) -> Vec<u8> {
        self.spare
    }

    /// The next message, if nothing stands in the way and no long one is on its way.
    #[inline(always)]
    fn take_at_once(&mut self) -> Option<Result<Received, Lacking>> {
        if !self.gathering.is_empty() {
            return None;
        }
        let got = transfer::pop_in_front(self.core)?;
        match self.take_up(got)? {
            Found::Message(received) => Some(Ok(received)),
            Found::Lacking(lacking) => Some(Err(lacking)),
            Found::Bytes => None,
        }
    }

    /// The next message; waits for it.
    pub(super) fn wait(&mut self, deadline: Deadline) -> Result<Received, Lacking> {
        if let Some(taken) = self.take_at_once() {
            return taken;
        }
        let waits = self.waits;
        let received = loop {
            match waiting::flatten(wait(self, waits.strategy, waits.slice, deadline)) {
                Ok(Found::Message(received)) => break Ok(received),
                Ok(Found::Bytes) if deadline.is_over() => break Err(Lacking::Nothing),
                Ok(Found::Bytes) => {}
                Ok(Found::Lacking(lacking)) => break Err(lacking),
                Err(Vain::Gone(_)) => break Err(Lacking::Disconnected),
                Err(Vain::NotNow | Vain::InBetween) => break Err(Lacking::Nothing),
            }
        };
        if self.rest.has_slept && self.core.ring().has_something() {
            // The baton: see `wait::event_count`.
            transfer::count_wakes(self.core, self.core.messages().wake_one());
        }
        received
    }

    /// The next message, if it is there.
    ///
    /// *Progress*: lock-free but for a bounded number of rounds, each of which copies a chunk of each long message and takes
    /// what is next in the ring: as many as what is there at the call needs, however fast more comes.
    pub(super) fn take(&mut self) -> Result<Received, Lacking> {
        if let Some(taken) = self.take_at_once() {
            return taken;
        }
        for _ in 0..self.rounds() {
            let moved = match self.advance() {
                Some(Found::Message(received)) => return Ok(received),
                Some(Found::Lacking(lacking)) => return Err(lacking),
                Some(Found::Bytes) => true,
                None => false,
            };
            // Who has something to go on with need not ask for the dead yet.
            let got = if moved { transfer::pop(self.core, &mut Want::InHand) } else { self.try_recv() };
            match got {
                Ok(got) => match self.take_up(got) {
                    Some(Found::Message(received)) => return Ok(received),
                    Some(Found::Lacking(lacking)) => return Err(lacking),
                    Some(Found::Bytes) | None => {}
                },
                Err(_) if moved => {}
                Err(Vain::Gone(_)) if self.is_idle() => return Err(Lacking::Disconnected),
                Err(_) => return Err(Lacking::Nothing),
            }
        }
        Err(Lacking::Nothing)
    }

    fn try_recv(&self) -> Result<Got, Vain> {
        waiting::try_recv(self.core, &mut Want::InHand)
    }

    /// So often something is taken out of the ring or of the hands of the dead, and then what a lane holds is copied.
    fn rounds(&self) -> u64 {
        let tables = &lanes(self.core).tables;
        let chunks = (longest(self.core) as u64).div_ceil(self.chunk.max(1) as u64);
        self.core.ring().capacity() + tables.hands + chunks + 2
    }

    /// Whether no long message is on its way to this receiver.
    fn is_idle(&self) -> bool {
        self.gathering.is_empty() || self.core.why_unusable().is_some()
    }

    /// Copies a chunk of each long message.
    fn advance(&mut self) -> Option<Found> {
        if !self.gathering.is_empty() && self.core.why_unusable().is_some() {
            // Of a forked child these are the parent's, to the last word.
            return Some(Found::Lacking(Lacking::Disconnected));
        }
        let mut found = None;
        for at in 0..self.gathering.len() {
            let core = self.core;
            match self.gathering[at].advance(core, self.chunk, self.limit) {
                Ok((_, true)) => {
                    let Gathering { stream, bytes } = self.gathering.swap_remove(at);
                    let Stream { ticket, hand, position, .. } = stream;
                    let body = Body::Gathered(ticket, bytes);
                    return Some(Found::Message(Received { body, hand, position, attempt: 1 }));
                }
                Ok((true, false)) => found = Some(Found::Bytes),
                Ok((false, false)) => {}
                Err(lacking) => {
                    let Gathering { stream, bytes } = self.gathering.swap_remove(at);
                    stream.finish(core, false);
                    self.spare = bytes;
                    return Some(Found::Lacking(lacking));
                }
            }
        }
        found
    }

    /// What to do with what came out of the ring.
    fn take_up(&mut self, got: Got) -> Option<Found> {
        let core = self.core;
        let lanes = lanes(core);
        // It is in one, as was asked.
        let Got { position, attempt, hand: Some(hand) } = got else { return None };
        let parcel = core.ring().read_hand(hand);
        let content = match parcel::content(&parcel, lanes.lanes(), |lane| lanes.most_of(lane)) {
            Ok(content) => content,
            Err(reason) => return Some(Found::Lacking(corrupt(core, reason))),
        };
        let (ticket, len) = match content {
            Content::Inline(len) => {
                if len as u64 > self.limit {
                    commit(core, hand);
                    return Some(Found::Lacking(Lacking::TooLong(len as u64)));
                }
                return Some(Found::Message(Received { body: Body::Inline(len), hand, position, attempt }));
            }
            // Nothing comes through an annex.
            Content::Flow(ticket, _) if lanes.annexes().contains(&ticket.lane) => {
                return Some(Found::Lacking(corrupt(core, Corrupt { word: "parcel", found: parcel[0] })));
            }
            Content::Whole(ticket, len) => (ticket, Some(len)),
            Content::Flow(ticket, len) => (ticket, len),
        };
        match lanes.claim(ticket, core.me()) {
            Claimed::Whole => {
                let Content::Whole(_, len) = content else {
                    // It has said of the ticket that it is of a longer message.
                    return Some(Found::Lacking(corrupt(core, Corrupt { word: "parcel", found: parcel[0] })));
                };
                if len > self.limit {
                    finish(core, ticket, hand, true);
                    return Some(Found::Lacking(Lacking::TooLong(len)));
                }
                let whole = Whole::claimed(core, ticket, len).map(Body::Whole);
                let received = whole.map(|body| Received { body, hand, position, attempt });
                Some(
                    received
                        .map_or_else(|why| Found::Lacking(unreadable(core, (ticket, hand), len, why)), Found::Message),
                )
            }
            // It has said of an annex that a message comes through it.
            Claimed::Flowing if lanes.annexes().contains(&ticket.lane) => {
                let found = lanes.words(ticket.lane).writer.own.load(Relaxed); // relaxed: for people
                Some(Found::Lacking(corrupt(core, Corrupt { word: "own", found })))
            }
            Claimed::Flowing => {
                let stream = Stream { ticket, hand, len, position, drawn: 0 };
                if len.is_some_and(|len| len > self.limit) {
                    stream.finish(core, false);
                    return Some(Found::Lacking(Lacking::TooLong(len.unwrap_or(0))));
                }
                let mut bytes = std::mem::take(&mut self.spare);
                bytes.clear();
                self.gathering.push(Gathering { stream, bytes });
                Some(Found::Bytes)
            }
            _ => {
                finish(core, ticket, hand, false);
                None
            }
        }
    }
}

impl Resting for Incoming<'_> {
    fn rest(&mut self) -> &mut Rest {
        &mut self.rest
    }
}

impl Awaited for Incoming<'_> {
    type Outcome = Result<Found, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        let core = self.core;
        let is_calm = core.is_undisturbed(Role::Receiver) && !core.ring().has_something() && !core.has_orphans();
        if is_calm { self.advance().map(Ok) } else { self.look() }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        let found = self.advance();
        if matches!(found, Some(Found::Message(_) | Found::Lacking(_))) {
            return found.map(Ok);
        }
        match transfer::pop(self.core, &mut Want::InHand) {
            Ok(got) => self.take_up(got).or(Some(Found::Bytes)).map(Ok),
            Err(Vain::Gone(reason)) if self.is_idle() => Some(Err(reason)),
            Err(vain) => {
                let is_something = self.core.ring().has_something() || self.core.has_orphans();
                self.rest.is_starved = vain == Vain::InBetween && is_something;
                found.map(Ok)
            }
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        self.core.ring().entomb_head(&**self.core);
        if let Some(kept) = self.kept {
            self.gathering.append(&mut kept.lock().unwrap_or_else(PoisonError::into_inner));
        }
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        self.gathering.iter().for_each(|gathering| gathering.stream.waits(core, true));
        let slept = waiting::sleep_or_nap(core, core.messages(), self, deadline);
        self.gathering.iter().for_each(|gathering| gathering.stream.waits(core, false));
        slept
    }

    fn passes_on(&self) -> bool {
        self.rest.is_starved
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(waiting::lose(self.core))
    }
}

/// The rest of a message that comes through a lane, for one who reads only that.
pub(super) struct More<'a> {
    pub(super) core: &'a Attached,
    pub(super) stream: &'a Stream,
    pub(super) waits: Waits,
}

impl More<'_> {
    /// How many bytes are there, 0 at the message's end; waits for some.
    pub(super) fn wait(&mut self) -> Result<u64, Lacking> {
        let waits = self.waits;
        match waiting::flatten(wait(self, waits.strategy, waits.slice, Deadline::NEVER)) {
            Ok(found) => found,
            Err(_) => Err(Lacking::Disconnected),
        }
    }
}

impl Awaited for More<'_> {
    type Outcome = Result<Result<u64, Lacking>, DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        self.look()
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        if let Some(reason) = self.core.why_unusable() {
            return Some(Err(reason));
        }
        match self.stream.available(self.core) {
            Ok((0, false)) => None,
            Ok((ahead, _)) => Some(Ok(Ok(ahead))),
            Err(lacking) => Some(Ok(Err(lacking))),
        }
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.core.probe(now);
        self.look()
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        let core = self.core;
        core.counts.sleeps.fetch_add(1, Relaxed); // relaxed: a count for people
        self.stream.waits(core, true);
        let slept = core.messages().sleep(deadline.within(self.waits.slice), || self.look());
        self.stream.waits(core, false);
        // A wake that was meant for a message goes on to others.
        transfer::count_wakes(core, core.messages().wake_one());
        slept
    }

    fn disarm(&mut self) {}

    fn lost(&mut self) -> Self::Outcome {
        Err(waiting::lose(self.core))
    }
}

/// Whether a parcel is a short message that is not too long.
#[inline(always)]
pub(super) fn is_inline(parcel: &Parcel, limit: u64) -> bool {
    // Of no lanes: what is in one is not that.
    matches!(parcel::content(parcel, 0, |_| 0), Ok(Content::Inline(len)) if len as u64 <= limit)
}

/// A message to be read piece by piece.
#[derive(Debug)]
pub(super) enum Taken {
    Here(Received),
    Coming(Stream),
}

impl Incoming<'_> {
    /// The next message that is in the ring, for one who reads it piece by piece; waits for it.
    pub(super) fn next_to_read(core: &Attached, waits: Waits) -> Result<Taken, Lacking> {
        let mut gathering = Vec::new();
        // Nothing is gathered here: a chunk of nothing.
        let mut incoming = Incoming::new(core, &mut gathering, Vec::new(), waits, 0, u64::MAX);
        loop {
            let found = waiting::flatten(wait(&mut incoming, waits.strategy, waits.slice, Deadline::NEVER));
            match found {
                Ok(Found::Message(received)) => return Ok(Taken::Here(received)),
                Ok(Found::Lacking(lacking)) => return Err(lacking),
                Ok(Found::Bytes) => {
                    if let Some(Gathering { stream, .. }) = incoming.gathering.pop() {
                        return Ok(Taken::Coming(stream));
                    }
                }
                Err(_) => return Err(Lacking::Disconnected),
            }
        }
    }
}
