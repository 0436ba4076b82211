//! One end of a channel: a seat, a bell, and what is known of the other end.
//!
//! The hot path of an end is two loads and a comparison: is the other end's `status` the word that was digested last, by
//! this process? (What it is compared with reads 0 in a forked child.) Everything else hangs on a change of that word.

use super::error::WaitForPeerError;
use super::options::{Absent, Options};
use super::reason::DisconnectReason;
use crate::layout::control::EndLines;
use crate::layout::overlay::Control;
use crate::layout::status::Status;
use crate::membership::liveness::{self, Life};
use crate::membership::role::Role;
use crate::membership::seat::Seat;
use crate::ring::Corrupt;
#[cfg(not(loom))]
use crate::sync::edge::LOST;
use crate::sync::{Dorm, IS_USERS_MODEL, is_over};
use crate::sys::clock;
use crate::wait::awaited::{Awaited, TimedOut, sleep_on, wait};
use crate::wait::barrier;
use crate::wait::bell::{Ringer, Sleeper, Sleeps, UNHEARD, Waker};
use crate::wait::deadline::Deadline;
use crate::wait::flow::Flow;
use crate::wait::parker::{Bell, Woken};
use crate::wait::strategy::WaitStrategy;
use std::time::Duration;

/// The least time between two questions to the kernel by calls that do not sleep.
const PROBE_EVERY_NS: u64 = 4_000_000;

/// What one end has done so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// How often this end went to sleep.
    pub sleeps: u64,
    /// How often this end woke the other: one system call each.
    pub wakes: u64,
    /// How often this end asked the kernel whether the other is alive.
    pub probes: u64,
    /// How often this end, having published much and woken nobody, has left the memory fence after each publication to
    /// the other end, which makes a barrier before it sleeps instead (`membarrier`).
    pub unfenced: u64,
}

/// What is known of the other end's process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It died; the word is the last it stored.
    Died(Status),
    /// Nobody is there, and the segment's name is gone.
    Unlinked(Status),
}

/// One end.
#[derive(Debug)]
pub(crate) struct End {
    seat: Seat,
    /// The bell that we ring.
    ringer: Ringer,
    /// The other end's status as it was last echoed.
    echoed: Option<Status>,
    /// For a stream: the one generation of the other end that we talk to.
    bound: Option<u32>,
    is_stream: bool,
    verdict: Option<Verdict>,
    poisoned: Option<Corrupt>,
    is_lost: bool,
    closed: bool,
    probed_at: u64,
    strategy: WaitStrategy,
    slice: Duration,
    absent: Absent,
    flow: Flow,
    stats: Stats,
}

impl End {
    /// The end that sits on `seat`. Rings, so that a peer that waits for somebody, or that a dead predecessor was about to
    /// wake, looks up.
    pub(crate) fn new(seat: Seat, options: &Options, is_stream: bool) -> Self {
        let (ringer, has_rung) = Ringer::take_over(own_waker(&seat), sleeps(seat.peer_status()));
        let absent = options.absent.unwrap_or(if seat.is_kept() { Absent::Buffer } else { Absent::Wait });
        let mut end = Self {
            seat,
            ringer,
            echoed: None,
            bound: None,
            is_stream,
            verdict: None,
            poisoned: None,
            is_lost: false,
            closed: false,
            probed_at: 0,
            strategy: options.wait,
            slice: options.slice,
            absent,
            flow: Flow::default(),
            stats: Stats { wakes: u64::from(has_rung), ..Stats::default() },
        };
        end.digest();
        end
    }

    pub(crate) fn role(&self) -> Role {
        self.seat.role()
    }

    pub(crate) fn seat(&self) -> &Seat {
        &self.seat
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats { unfenced: self.ringer.given_up(), ..self.stats }
    }

    pub(crate) fn strategy(&self) -> WaitStrategy {
        self.strategy
    }

    pub(crate) fn slice(&self) -> Duration {
        self.slice
    }

    pub(crate) fn flow(&mut self) -> &mut Flow {
        &mut self.flow
    }

    /// Waits otherwise from now on, and tells the other end if that matters to it.
    pub(crate) fn set_strategy(&mut self, strategy: WaitStrategy) {
        let was_quiet = self.strategy.is_quiet();
        self.strategy = strategy;
        if was_quiet != strategy.is_quiet() && !self.seat.is_forked() && !self.closed {
            self.seat.change(Status::PRESENT | bits(strategy));
        }
    }

    /// Whether the fast path is open: not a forked child, and nothing new of the other end.
    #[inline(always)]
    pub(crate) fn is_undisturbed(&self) -> bool {
        self.seat.is_undisturbed()
    }

    /// Reads the other end's word, and says why nothing can be *sent* to it, if nothing can.
    ///
    /// A receiver asks too, for the echo, and receives all the same what is there.
    #[cold]
    #[inline(never)]
    pub(crate) fn digest(&mut self) -> Option<DisconnectReason> {
        if self.seat.is_forked() {
            return Some(DisconnectReason::Forked);
        }
        let status = self.seat.peer_status();
        if status.is_new() && self.echoed.is_some_and(|seen| !seen.is_new()) {
            // There was somebody, and now there never was: the file was emptied.
            return Some(self.poison(Corrupt { word: "status", found: status.0 }));
        }
        if self.echoed != Some(status) {
            self.echoed = Some(status);
            // Every publication of ours from here on is followed by what this word asks for; then the echo.
            self.ringer.heed(own_waker(&self.seat), sleeps(status));
            self.seat.echo(status);
        }
        let gone = self.gone(status);
        if self.is_stream && gone.is_none() && status.has(Status::PRESENT) && self.bound.is_none() {
            self.bound = Some(status.generation());
        }
        if self.seat.note(gone.is_none().then_some(status)) {
            // What is lost from here on closes the fast path again. (In a model nothing is.)
            #[cfg(not(loom))]
            LOST.fence_target();
        }
        if self.seat.is_lost() { Some(self.lose()) } else { gone }
    }

    /// Why the other end, of whom `status` is the word, is no peer to us, as far as this end has been told; whether the memory is
    /// there its caller asks.
    fn gone(&self, status: Status) -> Option<DisconnectReason> {
        if self.seat.is_forked() {
            return Some(DisconnectReason::Forked);
        }
        if self.is_lost {
            return Some(DisconnectReason::SegmentLost);
        }
        if self.poisoned.is_some() {
            return Some(DisconnectReason::Corrupt);
        }
        if self.closed {
            return Some(DisconnectReason::Closed);
        }
        if self.is_stream && self.bound.is_some_and(|bound| bound != status.generation()) {
            // Killed and replaced between two looks of ours.
            return Some(DisconnectReason::Died);
        }
        match self.verdict {
            Some(Verdict::Died(word)) if word == status => return self.unless_buffering(DisconnectReason::Died),
            Some(Verdict::Unlinked(word)) if word == status => return Some(DisconnectReason::Unlinked),
            _ => {}
        }
        match liveness::by_word(status) {
            Some(Life::Left) => self.unless_buffering(DisconnectReason::Left),
            Some(Life::Died) => Some(DisconnectReason::Died),
            Some(Life::Nobody) => (self.absent == Absent::Fail).then_some(DisconnectReason::Absent),
            Some(Life::Alive) | None => None,
        }
    }

    fn unless_buffering(&self, reason: DisconnectReason) -> Option<DisconnectReason> {
        (!self.buffers()).then_some(reason)
    }

    /// Whether this end sends whoever is there.
    fn buffers(&self) -> bool {
        self.absent == Absent::Buffer && self.role() == Role::Sender
    }

    /// Why there is no other end, as far as this end has been told or has found out; asks nobody.
    pub(crate) fn reason(&self) -> Option<DisconnectReason> {
        let gone = self.gone(self.seat.peer_status());
        if self.seat.is_lost() && !self.seat.is_forked() { Some(DisconnectReason::SegmentLost) } else { gone }
    }

    /// Asks the kernel whether the other end lives, unless it was asked a moment ago and `now` does not insist.
    pub(crate) fn probe(&mut self, now: bool) -> Option<DisconnectReason> {
        if self.seat.is_forked() {
            return Some(DisconnectReason::Forked);
        }
        let time = clock::coarse_ns();
        // Nobody dies in a model: who leaves has said so.
        if !IS_USERS_MODEL && (now || time.saturating_sub(self.probed_at) >= PROBE_EVERY_NS) {
            self.probed_at = time;
            self.stats.probes += 1;
            if self.poisoned.is_none() && self.seat.is_wiped() {
                return Some(self.poison(Corrupt { word: "status", found: 0 }));
            }
            let status = self.seat.peer_status();
            match self.seat.judge_peer(status) {
                Life::Alive => {}
                // To one who goes on without a receiver how the last one went is no end; that no other can come is.
                Life::Died if !self.buffers() || self.seat.has_name() => self.verdict = Some(Verdict::Died(status)),
                _ if !self.seat.has_name() => self.verdict = Some(Verdict::Unlinked(status)),
                Life::Died | Life::Nobody | Life::Left => {}
            }
        }
        self.digest()
    }

    /// Whether somebody is at the other end now. Asks the kernel.
    pub(crate) fn has_peer(&self) -> bool {
        !self.seat.is_forked() && self.seat.judge_peer(self.seat.peer_status()) == Life::Alive
    }

    /// How many hold the role now: 0 or 1. Asks the kernel.
    pub(crate) fn count(&self, role: Role) -> usize {
        let here = if role == self.role() { self.is_usable() && !self.closed } else { self.has_peer() };
        usize::from(here)
    }

    /// Why the channel is disconnected, if it is. Asks the kernel, and keeps nothing of the answer.
    pub(crate) fn ask(&self) -> Option<DisconnectReason> {
        let status = self.seat.peer_status();
        self.reason().or_else(|| match self.seat.judge_peer(status) {
            Life::Died => self.unless_buffering(DisconnectReason::Died),
            Life::Nobody | Life::Alive | Life::Left => None,
        })
    }

    /// Waits until somebody is at the other end.
    pub(crate) fn wait_for_peer(&mut self, deadline: Deadline) -> Result<(), WaitForPeerError> {
        let (strategy, slice) = (self.strategy, self.slice);
        // The word of one who was killed still says PRESENT: only the kernel knows.
        self.probe(true);
        match wait(&mut Peer(self), strategy, slice, deadline) {
            Ok(outcome) => outcome.map_err(WaitForPeerError::Disconnected),
            Err(TimedOut) => Err(WaitForPeerError::Timeout),
        }
    }

    /// The memory is gone: somebody truncated the file.
    #[cold]
    pub(crate) fn lose(&mut self) -> DisconnectReason {
        self.is_lost = true;
        self.poison(Corrupt { word: "bell", found: 0 })
    }

    /// The segment holds what it cannot hold: this end touches it no more. Why, for its user: what is lost reads as zeroes.
    #[cold]
    pub(crate) fn poison(&mut self, corrupt: Corrupt) -> DisconnectReason {
        self.poisoned = Some(corrupt);
        self.seat.note(None);
        self.is_lost |= self.seat.is_lost();
        if self.is_lost { DisconnectReason::SegmentLost } else { DisconnectReason::Corrupt }
    }

    pub(crate) fn is_usable(&self) -> bool {
        !self.seat.is_forked() && self.poisoned.is_none() && !is_over()
    }

    /// After a publication: wakes the other end if it sleeps.
    #[inline(always)]
    pub(crate) fn publish(&mut self) {
        if !self.ringer.is_calm(own_waker(&self.seat)) {
            self.publish_to_a_sleeper();
        }
    }

    /// As [`publish`](Self::publish), to an end that may sleep, or that does.
    #[inline(never)]
    fn publish_to_a_sleeper(&mut self) {
        self.stats.wakes += u64::from(self.ringer.published(own_waker(&self.seat)));
    }

    /// Wakes the other end if it sleeps or is about to, after something that happens seldom.
    pub(crate) fn ring(&mut self) {
        if self.ringer.ring(own_waker(&self.seat)) {
            self.stats.wakes += 1;
        }
    }

    /// Sleeps for at most a slice, unless `look` finds something first.
    pub(crate) fn sleep<R>(
        &mut self,
        deadline: Deadline,
        look: impl FnOnce(&mut Self) -> Option<R>,
    ) -> Result<R, Woken> {
        let slice = if self.is_heard() { self.slice } else { self.slice.min(UNHEARD) };
        self.stats.sleeps += 1;
        // The words outlive the look, which borrows the rest of this end.
        let control = self.seat.control().clone();
        let role = self.role();
        let dorm = dorm(&control, role.other());
        let sleeper = sleeper(role.lines(&control), role.other().lines(&control), dorm);
        sleep_on(sleeper, deadline, slice, || look(self))
    }

    /// Whether the other end is known to look whether we sleep.
    fn is_heard(&self) -> bool {
        !self.known_is_mute() && (!self.seat.status().has(Status::WAS_QUIET) || self.seat.is_echoed())
    }

    fn known_is_mute(&self) -> bool {
        self.seat.peer_status().has(Status::MUTE)
    }

    pub(crate) fn disarm(&self) {
        if self.is_usable() {
            sleeper(self.seat.own(), self.seat.peer(), None).disarm();
        }
    }

    /// Says that this end is done, and wakes the other. Idempotent. The seat stays ours until it is dropped.
    pub(crate) fn close(&mut self) {
        if self.closed || self.seat.is_forked() {
            return;
        }
        self.closed = true;
        self.seat.note(None);
        self.seat.change(Status::LEFT);
        self.ring();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if !is_over() {
            self.close();
        }
    }
}

/// Somebody at the other end, as something that is waited for.
struct Peer<'a>(&'a mut End);

impl Peer<'_> {
    /// A peer is who has joined and has not left; a dead one is found by the probes.
    fn found(end: &mut End) -> Option<Result<(), DisconnectReason>> {
        let gone = end.digest();
        let status = end.seat.peer_status();
        match gone {
            // Somebody who died is gone for this question even where sending goes on without them.
            None if status.has(Status::PRESENT) && end.verdict != Some(Verdict::Died(status)) => Some(Ok(())),
            // A peer that left may be followed by another.
            None | Some(DisconnectReason::Left | DisconnectReason::Absent | DisconnectReason::Died)
                if !end.is_stream && end.seat.can_be_succeeded() =>
            {
                None
            }
            None => None,
            Some(reason) => Some(Err(reason)),
        }
    }
}

impl Awaited for Peer<'_> {
    type Outcome = Result<(), DisconnectReason>;

    fn poll(&mut self) -> Option<Self::Outcome> {
        if self.0.is_undisturbed() { None } else { Self::found(self.0) }
    }

    fn look(&mut self) -> Option<Self::Outcome> {
        Self::found(self.0)
    }

    fn probe(&mut self, now: bool) -> Option<Self::Outcome> {
        self.0.probe(now);
        Self::found(self.0)
    }

    fn sleep(&mut self, deadline: Deadline) -> Result<Self::Outcome, Woken> {
        self.0.sleep(deadline, Self::found)
    }

    fn disarm(&mut self) {
        self.0.disarm();
    }

    fn lost(&mut self) -> Self::Outcome {
        Err(self.0.lose())
    }
}

/// What an end that waits like this says of itself.
pub(crate) fn bits(strategy: WaitStrategy) -> u64 {
    let quiet = if strategy.is_quiet() { Status::QUIET } else { 0 };
    quiet | if barrier::can_be_made() { 0 } else { Status::NO_BARRIER }
}

/// Where those lie who sleep on the bell of this role, if not on a futex.
#[inline(always)]
pub(crate) fn dorm(control: &Control, bell_of: Role) -> Option<&Dorm> {
    match bell_of {
        Role::Sender => control.dorm(0),
        Role::Receiver => control.dorm(1),
    }
}

/// The words by which the end of `own` wakes the end of `peer`.
#[inline(always)]
pub(crate) fn waker<'a>(own: &'a EndLines, peer: &'a EndLines, dorm: Option<&'a Dorm>) -> Waker<'a> {
    let bell = Bell::new(&own.ringing.bell, dorm);
    Waker { armed: &peer.presence.armed, bell, unfenced: &own.ringing.unfenced }
}

/// The words by which the end that sits here wakes the other.
#[inline(always)]
fn own_waker(seat: &Seat) -> Waker<'_> {
    waker(seat.own(), seat.peer(), dorm(seat.control(), seat.role()))
}

/// The words by which the end of `own` is woken.
fn sleeper<'a>(own: &'a EndLines, peer: &'a EndLines, dorm: Option<&'a Dorm>) -> Sleeper<'a> {
    let bell = Bell::new(&peer.ringing.bell, dorm);
    Sleeper { armed: &own.presence.armed, bell, unfenced: &peer.ringing.unfenced }
}

/// What the other end, of whom `status` is the word, says of its sleep.
fn sleeps(status: Status) -> Sleeps {
    if status.has(Status::QUIET) {
        Sleeps::Never
    } else if status.has(Status::NO_BARRIER) || status.is_new() {
        Sleeps::BehindAFence
    } else {
        Sleeps::BehindABarrier
    }
}
