//! Who does what: programs over the real `Lanes`, each step of which is replayed.

use crate::layout::lanes::LaneWords;
use crate::ring::lane::{Answer, Claimed, Finished, Flow, Lanes, Ticket};
use crate::ring::mpmc::{Oracle, Owner};
use crate::sync::AtomicU64;
use crate::sync::Ordering::{AcqRel, Acquire, Release};
use crate::sync::replay::{self, Operation};
use core::ops::Range;
use std::cell::Cell;

pub(super) const MESSAGES: usize = 3;
/// Bytes of the lane.
const LANE: usize = 2;
/// Of a message that is longer: three bytes.
const LONG: usize = 3;

/// A word, or a byte, that steps are made on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(usize)]
pub(super) enum Place {
    Own,
    Filled,
    WriterWaits,
    Freed,
    Reader,
    ReaderWaits,
    /// Of the writer's first message, of its second, and of that of the next member in its place.
    FirstTicket,
    SecondTicket,
    ThirdTicket,
    /// Of the member that writes.
    Life,
    FirstByte,
    SecondByte,
    /// No memory: what the judge is told.
    Note,
    /// Who is alive.
    Oracle,
}

impl Place {
    pub(super) const COUNT: usize = Self::Oracle as usize + 1;
    const ALL: [Self; Self::COUNT] = [
        Self::Own,
        Self::Filled,
        Self::WriterWaits,
        Self::Freed,
        Self::Reader,
        Self::ReaderWaits,
        Self::FirstTicket,
        Self::SecondTicket,
        Self::ThirdTicket,
        Self::Life,
        Self::FirstByte,
        Self::SecondByte,
        Self::Note,
        Self::Oracle,
    ];
}

/// A ticket's word.
pub(super) const UNSENT: u64 = 0;
pub(super) const IN_THE_RING: u64 = 1;
/// Given back, or of somebody who was found dead.
pub(super) const LEFT: u64 = 2;
pub(super) const DONE: u64 = 3;
const HELD: u64 = 16;
/// It was received before.
const MARKED: u64 = 1 << 8;
const GENERATION: u32 = 32;

/// Lives of the member that writes.
pub(super) const FIRST_LIFE: u64 = 1;
const DECLARED_DEAD: u64 = 2;
pub(super) const SECOND_LIFE: u64 = 3;

/// The member that writes, in both of its lives.
const WRITER: usize = 0;

/// What is told to the judge: `what << 8 | message << 4 | is marked`.
pub(super) const SENT: u64 = 1;
pub(super) const NOT_SENT: u64 = 2;
pub(super) const RECEIVED: u64 = 3;
/// Bytes of two messages in one, or in another order.
pub(super) const TORN: u64 = 4;

/// What somebody is there for. What is `wrong` with a program the machine must find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Role {
    /// Sends a message that fits, and then another one, if there is a lane for it.
    Whole,
    /// Sends one that is longer than its lane, and then one that fits.
    Flowing(Slip),
    /// Sends two that are longer.
    FlowingTwice,
    /// The first life of the writer's member is over: the next one comes, buries it, and sends a message that fits.
    Next,
    /// Receives a message, for good.
    Receiver(Slip),
    /// Receives this message, for good.
    ReceiverOf(usize),
    /// Has it in hand, and gives it back.
    GivesBack,
    /// Takes over what somebody who is dead held, or gave back.
    Heir,
    /// Finds the writer dead.
    Burier(Slip),
    /// Whoever comes when nobody else does anything any more.
    Aftermath,
}

/// What could be wrong with a program, or with the lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Slip {
    None,
    /// The reader says who it is before the lane is its.
    EarlyReader,
    /// The reader believes what it has read of a message that was cut.
    HeedsNoCut,
    /// The writer believes its last look when it gives up.
    HeedsNoDone,
    /// The writer believes that nobody who lives reads.
    FreesUnderReaders,
    /// The burier does not look again whether the dead one's place is still its.
    BuriesTheNext,
}

/// The lane. Its memory is never touched: each step is answered by the machine.
#[derive(Default)]
pub(super) struct Lane {
    words: LaneWords,
    tickets: [AtomicU64; MESSAGES],
    life: AtomicU64,
    bytes: [u8; LANE],
    note: u8,
    /// Whether copies are made to the lane at present, or from it.
    writes: Cell<bool>,
}

/// An oracle whose every answer is a step.
struct Asked;

impl Oracle for Asked {
    fn is_alive(&self, owner: Owner) -> bool {
        replay::answer(0, Operation::IsAlive(owner.0)).expect("asked in a replay") != 0
    }
}

impl Lanes for Lane {
    fn words(&self, _: usize) -> &LaneWords {
        &self.words
    }

    fn with_bytes<R>(&self, _: usize, bytes: Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R {
        let mut copy = [0; LANE];
        let address = |at: usize| core::ptr::from_ref(&self.bytes[at]).addr();
        if !self.writes.get() {
            for at in bytes.clone() {
                copy[at] = replay::answer(address(at), Operation::Read).expect("a replay") as u8;
            }
        }
        let result = use_it(copy[bytes.start..].as_mut_ptr());
        if self.writes.get() {
            for at in bytes {
                replay::answer(address(at), Operation::Write(copy[at].into()));
            }
        }
        result
    }

    fn lane_bytes(&self, _: usize) -> usize {
        LANE
    }

    fn lanes(&self) -> usize {
        1
    }

    fn most_of(&self, _: usize) -> usize {
        LANE
    }

    fn annexes(&self) -> core::ops::Range<usize> {
        1..1
    }
}

impl Lane {
    pub(super) fn place(&self, address: usize) -> Place {
        fn at<T>(word: &T) -> usize {
            core::ptr::from_ref(word).addr()
        }
        let (writer, reader) = (&self.words.writer, &self.words.reader);
        let places = [
            at(&writer.own),
            at(&writer.filled),
            at(&writer.writer_waits),
            at(&reader.freed),
            at(&reader.reader),
            at(&reader.reader_waits),
            at(&self.tickets[0]),
            at(&self.tickets[1]),
            at(&self.tickets[2]),
            at(&self.life),
            at(&self.bytes[0]),
            at(&self.bytes[1]),
            at(&self.note),
            0,
        ];
        Place::ALL[places.iter().position(|&place| place == address).expect("a word of the lane")]
    }

    pub(super) fn play(&self, me: usize, role: Role) {
        match role {
            Role::Whole => {
                self.send_whole(0);
                self.send_whole(1);
            }
            Role::Flowing(slip) => {
                self.send_flowing(0, slip);
                self.send_whole(1);
            }
            Role::FlowingTwice => {
                self.send_flowing(0, Slip::None);
                self.send_flowing(1, Slip::None);
            }
            Role::Next => self.come_next(),
            Role::Receiver(slip) => self.receive(me, slip),
            Role::ReceiverOf(message) => {
                if let Some((message, ticket)) = self.pop(me, message..message + 1) {
                    self.take_up(me, message, ticket, false, Slip::None);
                }
            }
            Role::GivesBack => self.give_back(me),
            Role::Heir => self.inherit(me),
            Role::Burier(slip) => self.bury(Owner::leased(WRITER, 1), FIRST_LIFE, slip),
            Role::Aftermath => self.clear_up(me),
        }
    }

    fn note(&self, what: u64, message: u64, is_marked: bool) {
        let note = what << 8 | message << 4 | u64::from(is_marked);
        replay::answer(core::ptr::from_ref(&self.note).addr(), Operation::Store(note));
    }

    fn owner(me: usize) -> Owner {
        Owner::leased(me, 1)
    }

    // Writers. The n-th byte of message m is 16 * (m + 1) + n.

    fn fill(&self, ticket: Ticket, message: u64, range: Range<usize>) {
        let bytes: Vec<u8> = range.clone().map(|n| 16 * (message as u8 + 1) + n as u8).collect();
        self.writes.set(true);
        self.pour(ticket, range.start as u64, &bytes);
    }

    fn send(&self, ticket: Ticket, message: u64) {
        self.tickets[message as usize].store(IN_THE_RING | ticket.generation << GENERATION, Release);
    }

    fn send_whole(&self, message: u64) {
        let Some(ticket) = self.take(WRITER, 0..1, 0) else { return };
        self.fill(ticket, message, 0..LANE);
        self.poured(ticket, LANE as u64, true);
        self.post(ticket, WRITER, true);
        self.send(ticket, message);
        self.posted(ticket, WRITER);
        self.note(SENT, message, false);
    }

    fn send_flowing(&self, message: u64, slip: Slip) {
        let Some(ticket) = self.take(WRITER, 0..1, 0) else { return };
        self.fill(ticket, message, 0..LANE);
        self.poured(ticket, LANE as u64, false);
        self.post(ticket, WRITER, false);
        self.send(ticket, message);
        let mut is_received = false;
        // Its time is over whenever the answer is not there.
        if self.answer(ticket) == Answer::Freed(LANE as u64) {
            self.fill(ticket, message, LANE..LONG);
            self.poured(ticket, LONG as u64, true);
            is_received = self.answer(ticket) == Answer::Done;
        }
        let has_reader = slip != Slip::FreesUnderReaders && self.is_read_by_the_living(ticket, &Asked);
        let was_done = self.withdraw(ticket, has_reader);
        is_received |= was_done && slip != Slip::HeedsNoDone;
        self.note(if is_received { SENT } else { NOT_SENT }, message, false);
    }

    fn come_next(&self) {
        let before = Owner::leased(WRITER, 1);
        if Asked.is_alive(before) {
            return;
        }
        self.bury(before, FIRST_LIFE, Slip::None);
        self.life.store(SECOND_LIFE, Release);
        self.send_whole(2);
    }

    // The dead.

    fn bury(&self, gone: Owner, life: u64, slip: Slip) {
        if self.life.load(Acquire) != life || Asked.is_alive(gone) {
            return;
        }
        self.bury_lanes(WRITER, || slip == Slip::BuriesTheNext || self.life.load(Acquire) == life);
        let _ = self.life.compare_exchange(life, DECLARED_DEAD, AcqRel, Acquire);
    }

    // Receivers.

    /// Takes one of these messages' tickets out of the ring; and which message it is.
    fn pop(&self, me: usize, mut among: Range<usize>) -> Option<(u64, Ticket)> {
        among.find_map(|message| {
            let word = &self.tickets[message];
            let there = word.load(Acquire);
            let held = there & !0xffff | (HELD + me as u64);
            (there & 0xff == IN_THE_RING && word.compare_exchange(there, held, AcqRel, Acquire).is_ok())
                .then_some((message as u64, Ticket { lane: 0, generation: there >> GENERATION }))
        })
    }

    /// Takes over a ticket that somebody left who is dead, or gave back.
    fn adopt(&self, me: usize) -> Option<(u64, Ticket)> {
        (0..MESSAGES).find_map(|message| {
            let word = &self.tickets[message];
            let there = word.load(Acquire);
            let is_left = match there & 0xff {
                LEFT => true,
                held if held >= HELD => {
                    held != HELD + me as u64 && !Asked.is_alive(Self::owner((held - HELD) as usize))
                }
                _ => false,
            };
            let held = there & !0xffff | MARKED | (HELD + me as u64);
            (is_left && word.compare_exchange(there, held, AcqRel, Acquire).is_ok())
                .then_some((message as u64, Ticket { lane: 0, generation: there >> GENERATION }))
        })
    }

    fn done(&self, message: u64) {
        self.tickets[message as usize].store(DONE, Release);
    }

    fn receive(&self, me: usize, slip: Slip) {
        if let Some((message, ticket)) = self.pop(me, 0..MESSAGES) {
            self.take_up(me, message, ticket, false, slip);
        }
    }

    fn give_back(&self, me: usize) {
        let Some((message, ticket)) = self.pop(me, 0..MESSAGES) else { return };
        if self.claim(ticket, Self::owner(me)) == Claimed::Whole {
            let word = &self.tickets[message as usize];
            word.store(LEFT | ticket.generation << GENERATION, Release);
        } else {
            self.finish(ticket, false);
            self.done(message);
        }
    }

    fn inherit(&self, me: usize) {
        if let Some((message, ticket)) = self.adopt(me) {
            self.take_up(me, message, ticket, true, Slip::None);
        }
    }

    fn read(&self, ticket: Ticket, at: usize, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        self.writes.set(false);
        self.draw(ticket, at as u64, count, &mut bytes);
        bytes
    }

    fn take_up(&self, me: usize, message: u64, ticket: Ticket, is_marked: bool, slip: Slip) {
        if slip == Slip::EarlyReader {
            self.words.reader.reader.store(Self::owner(me).0, Release);
        }
        let read = match self.claim(ticket, Self::owner(me)) {
            Claimed::Whole => Some(self.read(ticket, 0, LANE)),
            Claimed::Flowing => self.read_flowing(ticket),
            Claimed::Stale => None,
        };
        let finished = self.finish(ticket, read.is_some());
        self.done(message);
        let Some(bytes) = read else { return };
        if finished == Finished::Cut && slip != Slip::HeedsNoCut {
            return;
        }
        let is_it = bytes.iter().enumerate().all(|(n, &byte)| u64::from(byte) == 16 * (message + 1) + n as u64);
        self.note(if is_it { RECEIVED } else { TORN }, message, is_marked);
    }

    /// Gives up where something is not there yet.
    fn read_flowing(&self, ticket: Ticket) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        for _ in 0..2 {
            let Flow::Filled(filled, is_all) = self.flow(ticket) else { return None };
            bytes.extend(self.read(ticket, bytes.len(), filled as usize - bytes.len()));
            self.drained(ticket, filled);
            if is_all {
                return Some(bytes);
            }
        }
        None
    }

    fn clear_up(&self, me: usize) {
        let life = self.life.load(Acquire);
        // Whoever was declared dead has been buried before.
        if life != DECLARED_DEAD {
            self.bury(Owner::leased(WRITER, life.min(2) as u32), life, Slip::None);
        }
        while let Some((message, ticket)) = self.pop(me, 0..MESSAGES) {
            self.take_up(me, message, ticket, false, Slip::None);
        }
        while let Some((message, ticket)) = self.adopt(me) {
            self.take_up(me, message, ticket, true, Slip::None);
        }
    }
}
