//! Who is told of something finds it so. Before each step of an operation somebody else looks, whom it may tell just then: so a word
//! that comes before what it is about is found without a race, and without a death in between.

use crate::bytes;
use crate::channel::mpmc::core::{self, Core};
use crate::channel::mpmc::lease::Lessor;
use crate::channel::mpmc::{Receiver, Sender, channel, channel_with};
use crate::channel::open::{self, Asked};
use crate::channel::options::Options;
use crate::channel::spsc;
use crate::channel::tests::stage::Stage;
use crate::layout::error::Kind;
use crate::layout::status::Status;
use crate::membership::member::{self, Member};
use crate::membership::role::Role;
use crate::membership::seat::Hold;
use crate::ring::lane::{Own, Phase};
use crate::ring::mpmc::word::{State, Word};
use crate::ring::mpmc::{Owner, Resolved};
use crate::ring::parcel::Parcel;
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use crate::sync::step;
use crate::sys::fork::Mark;
use crate::wait::barrier;
use crate::wait::deadline::Deadline;
use crate::wait::event_count::{Event, Notifier};
use std::cell::Cell;
use std::io::Write;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// Nobody is this member, so it is dead.
const DEAD: Owner = Owner::leased(200, 1);

/// Performs an operation. Once `is_told` is true, so is `is_so`, before each step and behind the last.
fn throughout<R>(
    what: &str,
    is_told: impl Fn() -> bool + 'static,
    is_so: impl Fn() -> bool + 'static,
    operation: impl FnOnce() -> R,
) -> R {
    let steps = Rc::new(Cell::new(0));
    let lie = Rc::new(Cell::new(None));
    let look = {
        let (steps, lie) = (Rc::clone(&steps), Rc::clone(&lie));
        Rc::new(move || {
            let is_told = is_told();
            if is_told && !is_so() && lie.get().is_none() {
                lie.set(Some(steps.get()));
            }
            steps.set(steps.get() + 1);
            is_told
        })
    };
    assert!(!look(), "{what}: told before it began");
    let before_each = Rc::clone(&look);
    step::before_each(Some(Box::new(move || _ = before_each())));
    let result = operation();
    step::before_each(None);
    assert!(look(), "{what}: nobody is told");
    assert_eq!(lie.get(), None, "{what}: told too early, before this step of {}", steps.get());
    result
}

fn core_of<T: Payload>(tx: &Sender<T>) -> Arc<Core<T>> {
    Arc::clone(tx.core())
}

// What wakes.

/// The only message is taken, and somebody is about to sleep for room.
fn tells_of_room<T: Payload, R>(name: &str, core: &Arc<Core<T>>, receive: impl FnOnce() -> R) -> R {
    let [told, so] = [Arc::clone(core), Arc::clone(core)];
    told.ring().many().page().room.arms.fetch_add(1, Relaxed);
    let bell = move || told.ring().many().page().room.bell.load(Relaxed);
    let before = bell();
    throughout(name, move || bell() != before, move || !so.ring().is_full(), receive)
}

fn room(name: &str, receive: fn(&Receiver<u64>)) {
    let (tx, rx) = channel::<u64>(1).unwrap();
    tx.send(1).unwrap();
    assert_eq!(rx.recv(), Ok(1));
    tx.send(2).unwrap();
    tells_of_room(name, tx.core(), || receive(&rx));
}

#[test]
fn who_is_told_of_room_finds_it() {
    room("recv", |rx| assert_eq!(rx.recv(), Ok(2)));
    room("recv_many", |rx| assert_eq!(rx.recv_many(&mut [0; 2]), Ok(1)));
    room("recv_ref", |rx| rx.recv_ref().unwrap().commit());
}

#[test]
fn who_is_told_of_room_for_bytes_finds_it() {
    type Receive = fn(&bytes::mpmc::Receiver);
    let ways: [(&str, Receive); 2] = [
        ("bytes, recv", |rx| assert_eq!(rx.recv().unwrap(), [2])),
        ("bytes, recv_ref", |rx| rx.recv_ref().unwrap().commit()),
    ];
    for (name, receive) in ways {
        let (tx, rx) = bytes::mpmc::channel(1).unwrap();
        tx.send(&[1]).unwrap();
        assert_eq!(rx.recv().unwrap(), [1]);
        tx.send(&[2]).unwrap();
        tells_of_room(name, tx.core(), || receive(&rx));
    }
}

/// What a dead consumer had claimed is delivered to another: that makes room, too.
#[test]
fn who_is_told_of_room_that_a_dead_one_kept_finds_it() {
    let (tx, rx) = channel::<u64>(1).unwrap();
    let core = core_of(&tx);
    let ring = core.ring();
    let record = ring.lease_record(DEAD, 0..ring.many().tables.records as usize).unwrap();
    tx.send(5).unwrap();
    ring.record(record).consuming.store(1, Relaxed);
    ring.many().page().head.0.store(1, Relaxed);
    ring.orphan(DEAD);
    core.leave_orphans();
    assert_eq!(tells_of_room("swept", &core, || rx.recv()), Ok(5));
}

/// The end that nobody takes over is said to be broken, and then its survivor is woken.
#[test]
fn who_is_woken_since_the_other_end_died_finds_that() {
    let asked = Asked { kind: Kind::Bytes, role: Role::Sender, size: 1, align: 1 };
    let (_, control, seats) = open::pair(asked, &Options::new().capacity(64)).unwrap();
    let dead = Status::loaded(Role::Sender.lines(&control).presence.status.load(Relaxed));
    // The survivor is about to sleep.
    Role::Receiver.lines(&control).presence.armed.store(7, Relaxed);
    let [told, so] = [control.clone(), control.clone()];
    throughout(
        "broken off",
        move || Role::Sender.lines(&told).ringing.bell.load(Relaxed) == 7,
        move || Status(Role::Sender.lines(&so).presence.status.load(Relaxed)).has(Status::LEFT | Status::BROKEN),
        || open::break_off(Role::Sender, &control, dead),
    );
    drop(seats);
}

// What is written over.

/// The sender sends whenever there is room, between any two steps of the receiver: nothing is written over that is not yet read.
fn overwritten(name: &str, receive: fn(&mut spsc::Receiver<u64>) -> u64) {
    // Room for one message, and one place.
    let (mut tx, mut rx) = spsc::channel_with::<u64>(&Options::new().capacity(1).frame_bytes(16)).unwrap();
    tx.try_send(1).unwrap();
    assert_eq!(rx.recv(), Ok(1));
    tx.try_send(2).expect("room again");
    step::before_each(Some(Box::new(move || _ = tx.try_send(3))));
    let got = receive(&mut rx);
    step::before_each(None);
    assert_eq!(got, 2, "{name}");
}

#[test]
fn nothing_is_written_over_before_it_is_read() {
    overwritten("recv", |rx| rx.recv().unwrap());
    overwritten("recv_ref", |rx| {
        let guard = rx.recv_ref().unwrap();
        let message = *guard;
        guard.commit();
        message
    });
    overwritten("recv_many", |rx| {
        let mut messages = [0];
        rx.recv_many(&mut messages).unwrap();
        messages[0]
    });
}

// What sends others to look.

/// Receivers that are busy look for what was left, whenever they looked who is here last.
#[test]
fn who_is_busy_is_sent_to_look_for_what_was_left() {
    let mut n = 0;
    loop {
        let (tx, _rx) = channel::<u64>(1).unwrap();
        let (core, busy) = (core_of(&tx), core_of(&tx));
        let left = Rc::new(Cell::new(n));
        let count = Rc::clone(&left);
        step::before_each(Some(Box::new(move || {
            if count.get() == 0 {
                busy.digest(Role::Receiver);
            }
            count.set(count.get() - 1);
        })));
        core.leave_orphans();
        step::before_each(None);
        assert!(core.has_orphans() && !core.is_undisturbed(Role::Receiver), "who looked before step {n} looks no more");
        if left.get() >= 0 {
            break;
        }
        n += 1;
    }
    assert!(n > 2);
}

#[test]
fn who_is_told_of_a_message_that_was_given_back_finds_it() {
    let (tx, rx) = channel_with::<u64>(&Options::new().capacity(1).in_hand(1)).unwrap();
    tx.send(1).unwrap();
    let guard = rx.recv_ref().unwrap();
    let [told, so] = [core_of(&tx), core_of(&tx)];
    let before = told.orphans();
    throughout(
        "a message in hand",
        move || told.orphans() != before,
        move || Owner(so.ring().many().hand(0).owner.load(Relaxed)).is_orphaned(),
        || drop(guard),
    );
}

#[test]
fn who_is_told_of_a_record_that_was_given_up_finds_it() {
    // One record for all: who needs one inherits it from the dead, and leaves it to others again.
    let (tx, _rx) = channel_with::<u64>(&Options::new().capacity(2).operations(1)).unwrap();
    let core = core_of(&tx);
    let ring = core.ring();
    let record = ring.lease_record(DEAD, 0..1).unwrap();
    assert!(ring.push_at_once(ring.record(record), &5));
    ring.record(record).consuming.store(1, Relaxed);
    ring.many().page().head.0.store(1, Relaxed);
    ring.orphan(DEAD);
    let [told, so] = [core_of(&tx), core_of(&tx)];
    let before = told.orphans();
    throughout(
        "an inherited record",
        move || told.orphans() != before,
        move || Owner(so.ring().record(0).owner.load(Relaxed)).is_orphaned(),
        || tx.try_send(6).unwrap(),
    );
}

fn options_of_bytes(stage: &Stage) -> Options {
    Options::new().dir(&stage.directory).lanes(1, 4096).capacity(2)
}

/// What the dead one was to send is made a tombstone, and that room, by the sender that finds none, at once.
#[test]
fn who_finds_no_room_makes_some_of_what_the_dead_left() {
    let (tx, _rx) = channel::<u64>(2).unwrap();
    let core = core_of(&tx);
    let ring = core.ring();
    let record = ring.lease_record(DEAD, 0..ring.many().tables.records as usize).unwrap();
    ring.record(record).producing.store(1, Relaxed);
    ring.many().page().tail.0.store(1, Relaxed);
    tx.try_send(6).unwrap();
    ring.orphan(DEAD);
    core.leave_orphans();
    assert_eq!(tx.try_send(7), Ok(()));
}

/// What each lane is.
fn phases(core: &Core<Parcel>) -> impl Iterator<Item = Option<Phase>> {
    let many = core.ring().many();
    (0..many.tables.lanes.count() as usize).map(|lane| Own(many.lane(lane).writer.own.load(Relaxed)).phase())
}

#[test]
fn who_finds_a_ticket_finds_its_message_in_the_lane() {
    let (tx, rx) = bytes::mpmc::channel_with(&Options::new().lanes(1, 4096).capacity(2)).unwrap();
    // Nothing stands in the way of the next one.
    tx.send(&[1]).unwrap();
    assert_eq!(rx.recv().unwrap(), [1]);
    let [told, so] = [Arc::clone(tx.core()), Arc::clone(tx.core())];
    throughout(
        "a ticket",
        move || told.ring().len() > 0,
        move || phases(&so).any(|phase| matches!(phase, Some(Phase::Whole | Phase::Queued))),
        || tx.try_send(&[7; 200]).unwrap(),
    );
    assert_eq!(rx.recv().unwrap(), [7; 200]);
}

/// A message that was delivered too often lies in its lane when the ticket is in the ring of the dead letters.
#[test]
fn who_finds_a_dead_letter_finds_it_in_its_lane() {
    let stage = Stage::new("dead-letters");
    let options = options_of_bytes(&stage).deliveries(1).dead_letters("letters");
    let letters = bytes::mpmc::Receiver::create_with("letters", &options_of_bytes(&stage)).unwrap();
    let (tx, rx) = (
        bytes::mpmc::Sender::create_with("work", &options).unwrap(),
        bytes::mpmc::Receiver::open_with("work", &options).unwrap(),
    );
    tx.send(&[7; 200]).unwrap();
    drop(rx.recv_ref().unwrap());
    let [told, so] = [Arc::clone(letters.core()), Arc::clone(letters.core())];
    throughout(
        "a dead letter",
        move || told.ring().len() > 0,
        move || phases(&so).any(|phase| matches!(phase, Some(Phase::Whole | Phase::Queued))),
        || assert!(rx.try_recv().is_err()),
    );
    assert_eq!(letters.recv().unwrap(), [7; 200]);
}

// What one call leaves to the next.

/// A long message that a call has begun, whose time is over then, is gone on with by whatever call comes next.
#[test]
fn what_was_begun_is_gone_on_with() {
    const PATIENCE: Duration = Duration::from_secs(20);
    let options = Options::new().lanes(1, 4096).chunk_bytes(4096).capacity(2);
    let (tx, rx) = bytes::mpmc::channel_with(&options).unwrap();
    let mut writer = tx.writer(Some(8192)).unwrap();
    writer.write_all(&[7; 4096]).unwrap();
    // The first call takes it up, at the latest the second one what has come of it.
    for _ in 0..2 {
        assert!(rx.recv_timeout(Duration::from_millis(1)).is_err(), "it is not at its end");
    }
    let mut rest = &[7; 4096][..];
    while !rest.is_empty() {
        let count = writer.write_timeout(rest, PATIENCE).expect("room again");
        rest = &rest[count..];
    }
    let sending = std::thread::scope(|scope| {
        let sending = scope.spawn(|| writer.finish_timeout(PATIENCE));
        let until = Deadline::after(PATIENCE / 2);
        while !until.is_over() {
            if let Ok(message) = rx.try_recv() {
                assert_eq!(message, [7; 8192]);
                break;
            }
            std::thread::yield_now();
        }
        sending.join().unwrap()
    });
    sending.expect("somebody receives it");
}

// Who comes and goes.

#[test]
fn who_sees_that_somebody_went_knows_how() {
    let (tx, rx) = channel::<u64>(1).unwrap();
    let [told, so] = [Arc::clone(rx.core()), Arc::clone(rx.core())];
    let epoch = move || told.ring().many().page().presence.epoch.load(Relaxed);
    let before = epoch();
    let went = move || so.ring().many().page().presence.sender_went.load(Relaxed) != 0;
    throughout("a sender left", move || epoch() != before, went, || drop(tx));
}

/// Ends that a dead predecessor had are not its successor's.
#[test]
fn who_has_come_and_opened_nothing_counts_for_nobody() {
    let (tx, _rx) = channel_with::<u64>(&Options::new().capacity(1).members(2)).unwrap();
    let [core, told, so] = [core_of(&tx), core_of(&tx), core_of(&tx)];
    let entry = core.ring().many().member(1);
    entry.senders.store(1, Relaxed);
    entry.receivers.store(1, Relaxed);
    let counts = |core: &Core<u64>| (core.count(Role::Sender), core.count(Role::Receiver));
    let before = counts(&core);
    let mark = Mark::of_this_process().unwrap();
    let member = throughout(
        "a successor",
        move || member::status(told.ring().many(), 1).has(Status::PRESENT),
        move || counts(&so) == before,
        || Member::join(core.ring().many(), 1, Hold::Process, mark),
    );
    drop(member);
}

fn lanes_of_bytes(stage: &Stage) -> (bytes::mpmc::Sender, bytes::mpmc::Sender) {
    let options = options_of_bytes(stage);
    let first = bytes::mpmc::Sender::create_with("lanes", &options).unwrap();
    let second = bytes::mpmc::Sender::open_with("lanes", &options).unwrap();
    // A writer that nobody drops: its lane stays WRITING.
    std::mem::forget(first.writer(None).unwrap());
    (first, second)
}

fn is_a_lane_in_use(core: &Core<Parcel>) -> bool {
    phases(core).any(|phase| phase != Some(Phase::Free))
}

/// Nobody looks again at what belongs to one who has said that it left.
#[test]
fn who_has_left_has_no_lane() {
    let stage = Stage::new("left-lanes");
    let (first, second) = lanes_of_bytes(&stage);
    let [told, so] = [Arc::clone(second.core()), Arc::clone(second.core())];
    assert!(is_a_lane_in_use(&told));
    throughout(
        "leaving",
        move || member::status(told.ring().many(), 0).has(Status::LEFT),
        move || !is_a_lane_in_use(&so),
        || drop(first),
    );
}

/// Nor at what belongs to one who is known to be dead.
#[test]
fn who_is_known_to_be_dead_has_been_cleared_up_after() {
    let stage = Stage::new("dead-lanes");
    let (first, second) = lanes_of_bytes(&stage);
    let [core, told, so] = [second.core(), second.core(), second.core()].map(Arc::clone);
    let seen = member::status(core.ring().many(), 0);
    let before = core.orphans();
    throughout(
        "burying",
        move || member::status(told.ring().many(), 0).has(Status::BROKEN),
        move || {
            let went = so.ring().many().page().presence.sender_went.load(Relaxed);
            so.orphans() != before && !is_a_lane_in_use(&so) && went == 2
        },
        || core::bury(core.ring(), 0, seen),
    );
    drop(first);
}

// What a thread gives back.

#[test]
fn who_takes_a_hand_finds_nothing_in_it() {
    let (tx, rx) = channel_with::<u64>(&Options::new().capacity(1).in_hand(1)).unwrap();
    tx.send(1).unwrap();
    let guard = rx.recv_ref().unwrap();
    let [told, so] = [core_of(&tx), core_of(&tx)];
    throughout(
        "a hand",
        move || told.ring().many().hand(0).owner.load(Relaxed) == Owner::FREE.0,
        move || so.ring().many().hand(0).held.load(Relaxed) == 0,
        || guard.commit(),
    );
}

fn is_unfenced(event: Event<'_>) -> bool {
    event.unfenced.load(Relaxed) != 0
}

/// A sleeper makes a barrier in the stead of whoever leases the record next only if that one says so.
#[test]
fn who_takes_a_record_finds_nothing_said_of_its_fences() {
    if !barrier::can_be_made() {
        println!("skipped: nobody gives its fence up without membarrier");
        return;
    }
    let (tx, _rx) = channel::<u64>(1).unwrap();
    let [core, told, so] = [core_of(&tx), core_of(&tx), core_of(&tx)];
    let record = core.ring().lease_record(core.me(), 0..1).unwrap();
    let (mut messages, mut room) = (Notifier::new(core.messages(), record), Notifier::new(core.room(), record));
    // Some thousand publications; and the process is registered in its own time.
    let until = Deadline::after(Duration::from_secs(20));
    let has_given_up = || is_unfenced(core.messages()) && is_unfenced(core.room());
    while !has_given_up() && !until.is_over() {
        messages.published(core.messages());
        room.published(core.room());
    }
    assert!(has_given_up());
    throughout(
        "a record",
        move || told.ring().record(0).owner.load(Relaxed) == Owner::FREE.0,
        move || !is_unfenced(so.messages()) && !is_unfenced(so.room()),
        || core.take_back(record, messages, room),
    );
}

/// Who sees a tombstone, and counts, knows of it.
#[test]
fn who_finds_a_tombstone_counts_it() {
    let (tx, _rx) = channel::<u64>(1).unwrap();
    let [core, told, so] = [core_of(&tx), core_of(&tx), core_of(&tx)];
    let ring = core.ring();
    let record = ring.lease_record(DEAD, 0..ring.many().tables.records as usize).unwrap();
    ring.record(record).producing.store(1, Relaxed);
    ring.many().page().tail.0.store(1, Relaxed);
    let resolved = throughout(
        "a tombstone",
        move || Word(told.ring().many().word(0).load(Relaxed)).at(0) == State::Tomb,
        move || so.ring().has_tombs() && so.ring().len() == 0,
        || ring.entomb(0, &*core),
    );
    assert_eq!(resolved, Resolved::Done);
}
