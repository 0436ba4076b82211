//! What all ends of one attachment share: the ring, a place among its members, and what is known of the others.
//!
//! The hot path of an end is a load and a comparison: is the epoch of presence the one that was digested last, by this
//! process? (What it is compared with reads 0 in a forked child.) Everything else hangs on a change of that word.

use super::annexes::Annexes;
use super::dead_letters::DeadLetters;
use super::lease::{self, Lessor};
use super::open::Form;
use super::tally::{self, Lanes, Words};
use crate::channel::options::{Absent, Options};
use crate::channel::reason::DisconnectReason;
use crate::layout::annex::AnnexWord;
use crate::layout::many::Many;
use crate::layout::shared::EventCount;
use crate::layout::status::Status;
use crate::membership::member::{self, Member};
use crate::membership::role::Role;
use crate::ring::Corrupt;
use crate::ring::lane::{Claimed, Lanes as _, Own};
use crate::ring::mpmc::{Oracle, Owner, Ring};
use crate::ring::parcel::Content;
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::PRESENCE;
use crate::sync::{IS_USERS_MODEL, is_over, private};
use crate::sys::clock;
use crate::sys::fork::WipedWord;
use crate::wait::barrier;
use crate::wait::bell::UNHEARD;
use crate::wait::deadline::Deadline;
use crate::wait::event_count::{Event, Notifier};
use crate::wait::parker::{Bell, Woken};
use std::convert::Infallible;

/// The least time between two questions to the kernel by calls that do not sleep.
const PROBE_EVERY_NS: u64 = 4_000_000;

/// Hands that one process may lease in a row while others sleep for one. Who commits and takes the next message at once is
/// faster than anybody who has to be woken for that hand: without a limit those who wait would wait for seconds.
const HANDS_IN_A_ROW: u64 = 64;
/// For so many looks, some of which are turns for others, it then leaves the hands alone, if it does not sleep itself.
const LOOKS: u64 = 512;

/// The bells of the shared page, in their order; behind them come those of the lanes.
const MESSAGES: usize = 0;
const ROOM: usize = 1;
const FREE_HANDS: usize = 2;
const FREE_LANES: usize = 3;
pub(crate) const FIRST_LANE: usize = 4;

/// No epoch. (0 is that of a file that somebody has emptied.)
const UNKNOWN: u64 = u64::MAX;
/// How often a look at who is there is tried that somebody's coming or going disturbs.
const LOOKS_AROUND: u32 = 64;

/// What an attachment is poisoned with whose memory is gone.
const LOST: Corrupt = Corrupt { word: "bell", found: 0 };

/// How an end went, as `receiver_went` and `sender_went` say it.
const LEFT: u32 = 1;
const DIED: u32 = 2;

/// What this process has done at a channel so far, all its ends together.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sleeps: private::AtomicU64,
    pub(crate) wakes: private::AtomicU64,
    pub(crate) probes: private::AtomicU64,
}

/// One attachment.
#[derive(Debug)]
pub(crate) struct Core<T: Payload> {
    ring: Ring<T>,
    member: Member,
    me: Owner,
    /// The epoch that was digested last and found to let senders send; [`UNKNOWN`] if the next look must take the slow path.
    sendable: WipedWord,
    /// The same for receivers.
    receivable: WipedWord,
    id: u64,
    pub(super) instance: [u8; 16],
    absent: Absent,
    pub(super) attempts_max: Option<u32>,
    probed_at: private::AtomicU64,
    /// Hands leased since somebody here has slept for one.
    hands_in_a_row: private::AtomicU64,
    /// The count of orphans at which a receiver found none.
    pub(super) orphans_seen: private::AtomicU64,
    /// The position at which a receiver last looked for orphans although the ring was not empty.
    pub(super) sought_at: private::AtomicU64,
    /// The count of orphans at which a sender looked.
    pub(super) tidied: private::AtomicU64,
    /// The epoch at which the last sender was found gone; 0: never.
    senders_gone: private::AtomicU64,
    dead_letters: Option<DeadLetters<T>>,
    annexes: Annexes,
    /// Whose each record is.
    #[cfg(all(loom, not(test)))]
    threads: crate::sync::ThreadNumbers,
    poisoned: std::sync::OnceLock<Corrupt>,
    pub(crate) counts: Counts,
}

impl<T: Payload> Core<T> {
    /// The attachment that holds this place.
    pub(crate) fn new(
        form: Form,
        ring: Ring<T>,
        member: Member,
        [sendable, receivable]: [WipedWord; 2],
        instance: [u8; 16],
        options: &Options,
    ) -> Self {
        let me = Owner::leased(member.index(), member.generation());
        [&sendable, &receivable].into_iter().for_each(|known| known.set(UNKNOWN));
        let absent = options.absent.unwrap_or(if member.is_kept() { Absent::Buffer } else { Absent::Wait });
        let annexes = Annexes::new(member.annexes(&instance));
        let core = Self {
            ring,
            member,
            me,
            sendable,
            receivable,
            id: lease::new_id(),
            instance,
            absent,
            attempts_max: options.attempts_max,
            probed_at: private::AtomicU64::new(0),
            hands_in_a_row: private::AtomicU64::new(0),
            orphans_seen: private::AtomicU64::new(0),
            sought_at: private::AtomicU64::new(0),
            tidied: private::AtomicU64::new(0),
            senders_gone: private::AtomicU64::new(0),
            dead_letters: DeadLetters::new(form, options),
            annexes,
            #[cfg(all(loom, not(test)))]
            threads: Default::default(),
            poisoned: std::sync::OnceLock::new(),
            counts: Counts::default(),
        };
        if !barrier::can_be_made() {
            core.ring.many().page().presence.barrierless.store(1, Relaxed); // relaxed: the fence of the sleep orders it
        }
        core
    }

    pub(crate) fn ring(&self) -> &Ring<T> {
        &self.ring
    }

    pub(super) fn annexes(&self) -> &Annexes {
        &self.annexes
    }

    /// The numbers of those threads that have sent or received something here.
    #[cfg(all(loom, not(test)))]
    pub(super) fn threads(&self) -> &crate::sync::ThreadNumbers {
        &self.threads
    }

    /// Who we are, in records and hands.
    pub(crate) fn me(&self) -> Owner {
        self.me
    }

    /// A number that no other attachment in this process ever had.
    #[inline(always)]
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn member(&self) -> &Member {
        &self.member
    }

    /// Where receivers sleep.
    #[inline(always)]
    pub(crate) fn messages(&self) -> Event<'_> {
        messages(self.ring.many())
    }

    /// Where senders sleep.
    #[inline(always)]
    pub(crate) fn room(&self) -> Event<'_> {
        room(self.ring.many())
    }

    // Hands.

    /// Where receivers sleep until a hand is free.
    fn free_hands(&self) -> Event<'_> {
        event(self.ring.many(), &self.ring.many().page().free_hands, FREE_HANDS)
    }

    /// A hand; `None` if none is free, or if others have waited for one long enough.
    pub(crate) fn lease_hand(&self) -> Option<usize> {
        let in_a_row = self.hands_in_a_row.load(Relaxed); // relaxed, here and below: a count that need not be exact
        if in_a_row < HANDS_IN_A_ROW {
            let hand = self.ring.lease_hand(self.me)?;
            self.hands_in_a_row.store(in_a_row + 1, Relaxed); // relaxed: as above
            return Some(hand);
        }
        let is_others_turn = in_a_row < HANDS_IN_A_ROW + LOOKS && self.free_hands().may_have_sleepers();
        self.hands_in_a_row.store(if is_others_turn { in_a_row + 1 } else { 0 }, Relaxed); // relaxed: as above
        if is_others_turn { None } else { self.ring.lease_hand(self.me) }
    }

    /// A hand was freed: who waits for one may have it.
    pub(crate) fn freed_a_hand(&self) {
        if self.free_hands().may_have_sleepers() {
            let woken = self.free_hands().wake_one();
            self.counts.wakes.fetch_add(woken as u64, Relaxed); // relaxed: a count for people
        }
    }

    /// Sleeps until a hand is free, or for a moment: what is waited for may also be left by somebody who is dead.
    pub(crate) fn sleep_for_a_hand(&self, deadline: Deadline) -> Woken {
        // A hand that is freed while we lie down is found a moment later.
        let slept = self.free_hands().sleep(deadline.within(UNHEARD), || None::<Infallible>);
        self.hands_in_a_row.store(0, Relaxed); // relaxed: as above
        match slept {
            Err(Woken::TimedOut) => Woken::Look,
            Err(woken) => woken,
            Ok(never) => match never {},
        }
    }

    /// The message in a hand of ours is for whoever comes next.
    pub(crate) fn give_back(&self, hand: usize) {
        self.ring.give_back(hand, self.me);
        self.leave_orphans();
    }

    // Who is here.

    #[inline(always)]
    fn epoch(&self) -> u64 {
        self.ring.many().page().presence.epoch.load(PRESENCE.acquire())
    }

    /// Whether the fast path of this kind of end is open: not a forked child, and nobody came or went.
    #[inline(always)]
    pub(crate) fn is_undisturbed(&self, role: Role) -> bool {
        let known = match role {
            Role::Sender => &self.sendable,
            Role::Receiver => &self.receivable,
        };
        self.epoch() == known.get()
    }

    /// Looks who is here, and says why this kind of end has nobody at the other end, if it has not.
    ///
    /// A receiver receives all the same what is there.
    #[cold]
    #[inline(never)]
    pub(crate) fn digest(&self, role: Role) -> Option<DisconnectReason> {
        if let Some(reason) = self.why_unusable() {
            return Some(reason);
        }
        // Each failure is somebody else who came or went. Whoever meets so many in a row has not found anybody gone, and looks again the
        // next time: one who writes the epoch without end holds nobody up.
        let look = |_| {
            let epoch = self.epoch();
            let gone = self.gone(role);
            (self.epoch() == epoch).then_some((epoch, gone))
        };
        let (epoch, gone) = (0..LOOKS_AROUND).find_map(look).unwrap_or((UNKNOWN, None));
        match role {
            Role::Sender => self.sendable.set(if gone.is_none() { epoch } else { UNKNOWN }),
            // What is there can be received whoever has gone.
            Role::Receiver => {
                self.senders_gone.store(if gone.is_some() { epoch } else { 0 }, Relaxed); // relaxed: see below
                self.receivable.set(if self.has_orphans() { UNKNOWN } else { epoch });
            }
        }
        // Behind the opening of the fast path: what is lost from here on closes it again (edge `lost`).
        if self.is_lost() {
            return Some(self.lose());
        }
        if self.member.is_wiped(self.ring.many()) {
            return Some(self.poison(Corrupt { word: "status", found: 0 }));
        }
        gone
    }

    /// Whether memory of the segment, or of one of its annexes, is gone.
    fn is_lost(&self) -> bool {
        // In a model nothing is, and a fence would order what a program does not.
        #[cfg(not(loom))]
        crate::sync::edge::LOST.fence_target();
        self.annexes.is_lost() || self.ring.many().is_lost()
    }

    /// Whether the fast path of receivers is open, and somebody may still send: nobody came or went since that was found.
    #[inline(always)]
    pub(crate) fn may_more_come(&self) -> bool {
        // One look at the epoch: of two, the first may be the one at which they were found gone, and the second another.
        let epoch = self.epoch();
        // Relaxed: a value from another epoch than the present one says nothing.
        epoch == self.receivable.get() && epoch != self.senders_gone.load(Relaxed)
    }

    /// Why nothing more will be sent, if so.
    pub(crate) fn are_senders_gone(&self) -> Option<DisconnectReason> {
        if self.may_more_come() { None } else { self.digest(Role::Receiver) }
    }

    fn gone(&self, role: Role) -> Option<DisconnectReason> {
        if self.ring.is_closed() {
            return Some(DisconnectReason::Closed);
        }
        let presence = &self.ring.many().page().presence;
        let (had, went) = match role {
            Role::Sender => (&presence.had_receiver, &presence.receiver_went),
            Role::Receiver => (&presence.had_sender, &presence.sender_went),
        };
        if self.count(role.other()) > 0 || role == Role::Sender && self.absent == Absent::Buffer {
            return None;
        }
        // Relaxed, both: the epoch carries them.
        match (had.load(Relaxed) != 0, went.load(Relaxed)) {
            (true, DIED) => Some(DisconnectReason::Died),
            (true, _) if !self.member.has_name() => Some(DisconnectReason::Unlinked),
            (true, _) => Some(DisconnectReason::Left),
            (false, _) => (self.absent == Absent::Fail).then_some(DisconnectReason::Absent),
        }
    }

    /// Why this process may touch nothing, if so.
    pub(crate) fn why_unusable(&self) -> Option<DisconnectReason> {
        if self.member.is_forked() {
            return Some(DisconnectReason::Forked);
        }
        if is_over() {
            return Some(DisconnectReason::Closed);
        }
        self.poisoned.get().map(|corrupt| self.why_poisoned(*corrupt))
    }

    #[cold]
    fn why_poisoned(&self, corrupt: Corrupt) -> DisconnectReason {
        // What is lost reads as zeroes, which may have been met first.
        if corrupt == LOST || self.is_lost() { DisconnectReason::SegmentLost } else { DisconnectReason::Corrupt }
    }

    /// The memory is gone: somebody truncated a file.
    #[cold]
    pub(crate) fn lose(&self) -> DisconnectReason {
        self.poison(LOST)
    }

    /// The segment holds what it cannot hold: this process touches it no more.
    #[cold]
    pub(crate) fn poison(&self, corrupt: Corrupt) -> DisconnectReason {
        let _ = self.poisoned.set(corrupt);
        self.sendable.set(UNKNOWN);
        self.receivable.set(UNKNOWN);
        self.why_poisoned(corrupt)
    }

    /// The ends of this kind that are here, as far as is known.
    pub(crate) fn count(&self, role: Role) -> usize {
        member::count(self.ring.many(), role)
    }

    /// One more end of this kind.
    pub(crate) fn add(&self, role: Role) {
        if self.member.is_forked() {
            return;
        }
        let presence = &self.ring.many().page().presence;
        if self.member.add(self.ring.many(), role) {
            match role {
                Role::Sender => presence.had_sender.store(1, Relaxed), // relaxed: the epoch carries it
                Role::Receiver => presence.had_receiver.store(1, Relaxed), // relaxed: as above
            }
            stir(self.ring.many());
        }
    }

    /// One end of this kind less.
    pub(crate) fn remove(&self, role: Role) {
        if self.member.is_forked() || is_over() {
            return;
        }
        if self.member.remove(self.ring.many(), role) {
            went(self.ring.many(), role, LEFT);
            stir(self.ring.many());
        }
    }

    /// Says that nothing may be sent any more, by anybody.
    pub(crate) fn close(&self) {
        if self.why_unusable().is_none() && !self.ring.is_closed() {
            self.ring.close();
            stir(self.ring.many());
        }
    }

    // Who is dead.

    /// Asks the kernel who is alive, unless it was asked a moment ago and `now` does not insist. Whether it was asked.
    pub(crate) fn probe(&self, now: bool) -> bool {
        // Nobody dies in a model.
        if IS_USERS_MODEL || self.member.is_forked() {
            return false;
        }
        let time = clock::coarse_ns();
        let last = self.probed_at.load(Relaxed); // relaxed: a hint
        if !now && time.saturating_sub(last) < PROBE_EVERY_NS {
            return false;
        }
        self.probed_at.store(time, Relaxed); // relaxed: a hint
        self.counts.probes.fetch_add(1, Relaxed); // relaxed: a count for people
        if self.is_lost() {
            self.lose();
        }
        self.bury_the_dead();
        // Somebody may have gone and been killed before it could tell: the next look is a thorough one.
        self.sendable.set(UNKNOWN);
        self.receivable.set(UNKNOWN);
        true
    }

    fn bury_the_dead(&self) {
        let many = self.ring.many();
        for index in 0..many.tables.members as usize {
            if let Some(seen) = self.member.find_dead(many, index) {
                bury(&self.ring, index, seen);
            }
        }
    }

    /// Has receivers look for what somebody left.
    pub(crate) fn leave_orphans(&self) {
        leave_orphans(self.ring.many());
    }

    /// A message was delivered too often: it goes to the dead letters, or nowhere.
    pub(crate) fn give_up(&self, message: &T) {
        let is_kept = match self.ring.content_in_lane(message) {
            None => self.dead_letters.as_ref().is_some_and(|letters| letters.keep(*message)),
            Some(content) => match self.keep_from_lane(content) {
                Some(is_kept) => is_kept,
                // It is over, and was not even delivered too often.
                None => return,
            },
        };
        if !is_kept {
            self.ring.count_dropped();
        }
    }

    /// Keeps a message that is in a lane, and frees that; whether it could be kept. `None`: the message is over, or was given
    /// up by those who read and write it.
    fn keep_from_lane(&self, content: Content) -> Option<bool> {
        let many = self.ring.many();
        let (Content::Whole(ticket, _) | Content::Flow(ticket, _)) = content else { return None };
        let is_kept = match (content, many.claim(ticket, self.me)) {
            (Content::Whole(_, len), Claimed::Whole) => {
                let letters = self.dead_letters.as_ref();
                Some(letters.is_some_and(|letters| letters.keep_from_lane(self, ticket, len as usize)))
            }
            // What has come through its lane once cannot come again.
            _ => None,
        };
        many.finish(ticket, is_kept.is_some());
        self.counts.wakes.fetch_add(free_lanes(many).wake_any() as u64, Relaxed); // relaxed: a count for people
        is_kept
    }

    /// What was done.
    pub(crate) fn stats(&self) -> super::Stats {
        // Relaxed, all: counts for people.
        let count = |count: &private::AtomicU64| count.load(Relaxed);
        let is_usable = self.why_unusable().is_none();
        super::Stats {
            sleeps: count(&self.counts.sleeps),
            wakes: count(&self.counts.wakes),
            probes: count(&self.counts.probes),
            dropped: if is_usable { self.ring.dropped() } else { 0 },
        }
    }

    /// What the lanes are at; nothing, if this process may not look.
    pub(crate) fn lanes(&self) -> Vec<Lanes> {
        let many = self.ring.many();
        if self.why_unusable().is_some() {
            return Vec::new();
        }
        let read = |lane: u64| {
            let words = &many.lane(lane as usize).writer;
            // Relaxed, all: numbers for people.
            let [own, filled, annex] = [&words.own, &words.filled, &words.annex].map(|word| word.load(Relaxed));
            Ok::<_, Infallible>(Words { own: Own(own), filled, annex: AnnexWord(annex) })
        };
        tally::tally(&many.tables.lanes, read).unwrap_or_else(|never| match never {})
    }

    /// Whether somebody may have left something since a receiver of ours last found nothing.
    #[inline(always)]
    pub(crate) fn has_orphans(&self) -> bool {
        // Relaxed: a hint; who is too early looks once more for nothing.
        self.orphans() != self.orphans_seen.load(Relaxed)
    }

    /// How often anybody has left something.
    #[inline(always)]
    pub(crate) fn orphans(&self) -> u64 {
        self.ring.many().page().remains.orphans.load(PRESENCE.acquire())
    }
}

/// Marks what a dead member left, and says that it died. Idempotent.
///
/// *If the process dies here*: the member is found dead again; or it is known to be dead and nobody was told, and finds out
/// when it next asks ([`Core::probe`]).
pub(crate) fn bury<T: Payload>(ring: &Ring<T>, index: usize, seen: Status) {
    let many = ring.many();
    let entry = many.member(index);
    // Relaxed, both: the dead write no more.
    let had = [(Role::Sender, entry.senders.load(Relaxed)), (Role::Receiver, entry.receivers.load(Relaxed))];
    ring.orphan(Owner::leased(index, seen.generation()));
    many.bury_lanes(index, || member::status(many, index) == seen);
    for (role, _) in had.into_iter().filter(|(_, ends)| *ends > 0) {
        went(many, role, DIED);
    }
    // Before the word of the death, behind which nobody would look for it again.
    leave_orphans(many);
    if Member::declare_dead(many, index, seen) {
        stir(many);
    }
}

fn went<T>(many: &Many<T>, role: Role, how: u32) {
    let presence = &many.page().presence;
    match role {
        Role::Sender => presence.sender_went.store(how, Relaxed), // relaxed: the epoch carries it
        Role::Receiver => presence.receiver_went.store(how, Relaxed), // relaxed: as above
    }
}

/// Has everybody look who is here.
fn stir<T>(many: &Many<T>) {
    many.page().presence.epoch.fetch_add(1, PRESENCE.release());
    messages(many).wake_all();
    room(many).wake_all();
    if many.lanes() > 0 {
        free_lanes(many).wake_all();
    }
}

/// Has receivers look for what somebody left, be they ever so busy.
fn leave_orphans<T>(many: &Many<T>) {
    many.page().remains.orphans.fetch_add(1, PRESENCE.release());
    many.page().presence.epoch.fetch_add(1, PRESENCE.release());
    messages(many).wake_one();
}

/// Where receivers sleep.
#[inline(always)]
fn messages<T>(many: &Many<T>) -> Event<'_> {
    event(many, &many.page().messages, MESSAGES)
}

/// Where senders sleep.
#[inline(always)]
fn room<T>(many: &Many<T>) -> Event<'_> {
    event(many, &many.page().room, ROOM)
}

/// Where senders sleep until a lane is free.
pub(crate) fn free_lanes<T>(many: &Many<T>) -> Event<'_> {
    event(many, &many.page().free_lanes, FREE_LANES)
}

#[inline(always)]
fn event<'a, T>(many: &'a Many<T>, words: &'a EventCount, bell: usize) -> Event<'a> {
    Event {
        arms: &words.arms,
        calmed: &words.calmed,
        unfenced: &words.unfenced,
        bell: Bell::new(&words.bell, many.dorm(bell)),
        barrierless: &many.page().presence.barrierless,
    }
}

impl<T: Payload> Oracle for Core<T> {
    fn is_alive(&self, owner: Owner) -> bool {
        self.member.is_alive(self.ring.many(), owner.member(), owner.generation())
    }
}

impl<T: Payload> Lessor for Core<T> {
    fn take_back(&self, record: usize, mut messages: Notifier, mut room: Notifier) {
        if self.member.is_forked() {
            return;
        }
        messages.take_back(self.messages());
        room.take_back(self.room());
        self.ring.return_record(record);
    }
}

impl<T: Payload> Drop for Core<T> {
    /// The last end of this attachment is gone, so no operation is in flight; what threads still have of leases is void.
    fn drop(&mut self) {
        // In a model of one process nobody is left whom it would concern.
        if self.member.is_forked() || is_over() || IS_USERS_MODEL {
            return;
        }
        // Guards that were forgotten leave their messages behind.
        if self.ring.retire(self.me) {
            self.leave_orphans();
        }
        // And writers of messages their lanes.
        self.ring.many().bury_lanes(self.me.member(), || true);
        self.member.say_left(self.ring.many());
        stir(self.ring.many());
        self.member.leave();
    }
}
