//! Looking at many-to-many channels from outside: who is there, what is in hand, what the dead left, and what is wrong.

mod support;

use ringway::Options;
use ringway::mpmc::{Receiver, Sender};
use ringway::observe::{self, Inspection, Many, Member, MemberState, Page, Segment, SlotState};
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use support::{Child, Dir, Random, hang, role, tell};

const NAME: &str = "many";
/// Where the slots of a channel lie whose tables have four entries each, and messages of eight bytes.
const SLOTS: u64 = 12288;
const SHARED: u64 = 4096;
const MEMBERS: u64 = 8192;
const RECORDS: u64 = MEMBERS + 4 * 128;
const HANDS: u64 = RECORDS + 4 * 128;

/// Four members, records and hands; ten messages.
fn four(dir: &Dir) -> Options {
    dir.options().capacity(10).members(4).operations(4).in_hand(4)
}

fn stat(dir: &Dir) -> (Segment, Many) {
    let seen = observe::stat(NAME, Some(dir.path())).expect("a channel");
    let many = seen.many.clone().expect("of many");
    (seen, many)
}

fn inspect(dir: &Dir, slots: usize) -> Inspection {
    observe::inspect(NAME, Some(dir.path()), slots).expect("a file of ours")
}

fn states(many: &Many) -> Vec<(u64, MemberState, u32, u32)> {
    let told = |member: &Member| (member.index, member.state, member.senders, member.receivers);
    many.members.iter().map(told).collect()
}

/// Writes into the channel's file, past all rules.
fn put(dir: &Dir, at: u64, word: u64) {
    let file = OpenOptions::new().write(true).open(dir.path().join(NAME)).unwrap();
    file.write_all_at(&word.to_le_bytes(), at).unwrap();
}

// Who is there.

#[test]
fn every_attachment_is_told_with_its_ends() {
    use MemberState::{Attached, Left, Never};
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
    let (seen, many) = stat(&dir);
    assert_eq!((seen.sender, seen.receiver, seen.is_in_use, seen.kind.name()), (None, None, true, "mpmc"));
    assert_eq!((many.senders, many.sender_state, many.receivers, many.receiver_state), (1, Attached, 0, Never));
    assert_eq!((many.members_max, many.operations_max, many.in_hand_max), (4, 4, 4));
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let clones = (tx.clone(), rx.clone(), rx.clone());
    let (_, many) = stat(&dir);
    assert_eq!(states(&many), [(0, Attached, 2, 0), (1, Attached, 0, 3)]);
    assert_eq!((many.senders, many.receivers), (2, 3));
    assert_eq!((many.members[0].pid, many.members[0].generation), (std::process::id(), 1));
    drop((clones, rx));
    let (_, many) = stat(&dir);
    assert_eq!(states(&many), [(0, Attached, 1, 0), (1, Left, 0, 0)]);
    assert_eq!((many.receivers, many.receiver_state), (0, Left));
    let _rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert_eq!(stat(&dir).1.members[1].generation, 2, "the place was taken again");
}

#[test]
fn one_that_was_killed_is_told_before_anybody_has_buried_it_and_after() {
    if role().is_some() {
        let rx = Receiver::<u64>::open_with(NAME, &Dir::new().options()).unwrap();
        let guard = rx.recv_ref().unwrap();
        tell(*guard);
        hang();
    }
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
    (5..8).for_each(|n| tx.send(n).unwrap());
    let mut child = Child::start(&here!(), "holder", &dir);
    child.expect("5");
    let (seen, many) = stat(&dir);
    assert_eq!((seen.sent, seen.received, seen.depth), (3, 1, 2));
    assert_eq!((many.in_hand, many.operations), (1, 2), "one of each keeps its record");
    assert_eq!(many.members[1].pid.to_string(), child.pid().to_string());
    assert!(many.members[1].command.is_some());
    let hand = inspect(&dir, 0);
    let held = hand.field(Page::Hand(0), "held").expect("a hand in use");
    assert_eq!((held.number(), held.text.as_deref()), (Some(1), Some("message 0, delivery 1")));
    assert_eq!(hand.field(Page::Hand(0), "owner").unwrap().text.as_deref(), Some("member 1, generation 1"));
    child.kill();
    for when in ["not found yet", "buried"] {
        let (_, many) = stat(&dir);
        assert_eq!(states(&many)[1], (1, MemberState::Died, 0, 1), "{when}");
        assert_eq!((many.receivers, many.receiver_state, many.in_hand), (0, MemberState::Died, 1), "{when}");
        assert!(many.members[1].command.is_none(), "{when}");
        assert_eq!(inspect(&dir, usize::MAX).wrong(), Vec::<String>::new(), "{when}");
        // Who waits for a peer asks the kernel, and buries.
        assert!(tx.wait_for_peer(std::time::Duration::ZERO).is_err());
    }
    let hand = inspect(&dir, 0);
    let text = hand.field(Page::Hand(0), "owner").unwrap().text.clone().unwrap();
    assert_eq!(text, "orphaned by member 1, generation 1");
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let mut got: Vec<_> = (0..3).map(|_| rx.recv().unwrap()).collect();
    got.sort_unstable();
    assert_eq!((got, stat(&dir).1.in_hand), (vec![5, 6, 7], 0));
}

#[test]
fn a_persistent_one_that_all_have_left_is_told() {
    if role().is_some() {
        let rx = Receiver::<u64>::open_with(NAME, &Dir::new().options()).unwrap();
        let guard = rx.recv_ref().unwrap();
        tell(*guard);
        hang();
    }
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir).persistent(true)).unwrap();
    (0..4).for_each(|n| tx.send(n).unwrap());
    let mut child = Child::start(&here!(), "holder", &dir);
    child.expect("0");
    drop(tx);
    child.kill();
    for _ in 0..2 {
        let (seen, many) = stat(&dir);
        assert_eq!((seen.is_in_use, seen.is_persistent, seen.depth), (false, true, 3));
        assert_eq!(states(&many), [(0, MemberState::Left, 0, 0), (1, MemberState::Died, 0, 1)]);
        assert_eq!((many.in_hand, many.sender_state), (1, MemberState::Left));
        assert_eq!(inspect(&dir, usize::MAX).wrong(), Vec::<String>::new());
    }
    let locks: Vec<_> = inspect(&dir, 0).locks.into_iter().map(|lock| (lock.name, lock.is_held)).collect();
    let free = ["gate", "repairs", "member 0", "member 1"].map(|name| (name.to_owned(), false));
    assert_eq!(locks, free, "who looks takes no lock");
}

// What is in the ring.

#[test]
fn tombstones_are_no_messages() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    (0..3).for_each(|n| tx.send(n).unwrap());
    // As if the sender of message 1 had died in the middle and somebody had found out (SPEC.md: Entombing).
    put(&dir, SHARED + 648, 2);
    put(&dir, SLOTS + 16, 2);
    let (seen, many) = stat(&dir);
    assert_eq!((seen.sent, seen.depth, many.tombs, tx.len()), (3, 2, 1, 2));
    let inspected = inspect(&dir, usize::MAX);
    assert_eq!(inspected.wrong(), Vec::<String>::new());
    let told: Vec<_> = inspected.slots.unwrap().list.iter().map(|slot| slot.state).collect();
    assert_eq!(told[..4], [SlotState::Full, SlotState::Tomb, SlotState::Full, SlotState::Free]);
    assert_eq!((rx.recv(), rx.recv()), (Ok(0), Ok(2)));
    let (seen, many) = stat(&dir);
    assert_eq!((seen.received, seen.depth, many.tombs, many.is_closed), (3, 0, 0, false));
    tx.close();
    assert!(stat(&dir).1.is_closed);
    let tail = inspect(&dir, 0).field(Page::Shared, "tail").unwrap().text.clone();
    assert_eq!(tail.as_deref(), Some("closed at 3"));
}

#[test]
fn what_is_given_up_is_counted() {
    let dir = Dir::new();
    let rx = Receiver::<u64>::create_with(NAME, &four(&dir).deliveries(1)).unwrap();
    let tx = Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
    tx.send(1).unwrap();
    drop(rx.recv_ref().unwrap());
    assert!(rx.try_recv().is_err());
    assert_eq!(stat(&dir).1.dropped, 1);
}

#[test]
fn known_traffic_is_told_slot_by_slot() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    (0..10).for_each(|n| tx.send(n).unwrap());
    (0..4).for_each(|_| _ = rx.recv().unwrap());
    tx.send(10).unwrap();
    let seen = inspect(&dir, 5);
    assert_eq!(seen.wrong(), Vec::<String>::new());
    let slots = seen.slots.clone().unwrap();
    assert_eq!((slots.capacity, slots.head, slots.tail), (10, 4, 11));
    let list: Vec<_> = slots.list.iter().map(|slot| (slot.at - SLOTS, slot.position, slot.state)).collect();
    let expected = [
        (0, 10, SlotState::Full),
        (16, 11, SlotState::Free),
        (32, 12, SlotState::Free),
        (48, 13, SlotState::Free),
        (64, 4, SlotState::Full),
    ];
    assert_eq!(list, expected);
    let regions: Vec<_> = seen.regions.iter().map(|region| (region.name.as_deref().unwrap(), region.offset)).collect();
    let expected =
        [("Shared", SHARED), ("Members", MEMBERS), ("Records", RECORDS), ("Hands", HANDS), ("Frames", SLOTS)];
    assert_eq!(regions, expected);
    let text = |page, name| seen.field(page, name).unwrap().text.clone().unwrap();
    assert_eq!(text(Page::Record(0), "producing"), "position 10");
    assert_eq!(text(Page::Record(1), "consuming"), "position 3");
    assert!(text(Page::Member(1), "status").starts_with("generation 1 PRESENT"));
    assert!(text(Page::Member(1), "started").ends_with(" s ago"));
    assert_eq!(text(Page::Shared, "head"), "7 behind tail");
    let held: Vec<_> = seen.locks.iter().filter(|lock| lock.is_held).map(|lock| (lock.byte, &lock.name[..])).collect();
    assert_eq!(held, [(0, "gate"), (64, "member 0"), (65, "member 1")]);
}

// Right and wrong.

#[test]
fn nothing_is_wrong_with_many_at_work() {
    if role().is_some() {
        let dir = Dir::new();
        let (tx, rx) =
            (Sender::<u64>::open_with(NAME, &dir.options()).unwrap(), Receiver::<u64>::open_with(NAME, &dir.options()));
        let rx = rx.unwrap();
        tell("there");
        loop {
            let _ = (tx.try_send(1), tx.try_send_many(&[2; 3]), rx.try_recv_ref().map(|guard| guard.commit()));
            let _ = rx.try_recv_ref();
        }
    }
    let dir = Dir::new();
    let options = dir.options().capacity(7).members(8).operations(6).in_hand(3);
    let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for batch in [1, 4] {
            let (tx, rx, stop) = (tx.clone(), rx.clone(), &stop);
            scope.spawn(move || {
                while !stop.load(Relaxed) {
                    let _ = tx.try_send_many(&vec![7; batch]);
                    let _ = (rx.try_recv(), rx.try_recv_ref().map(|guard| guard.commit()), rx.try_recv_ref());
                }
            });
        }
        // Whatever fails here, the others are to end.
        let looks = std::panic::catch_unwind(|| {
            for round in 0..4 {
                let mut child = Child::start(&here!(), "worker", &dir);
                child.expect("there");
                for look in 0..300 {
                    let seen = inspect(&dir, if look % 2 == 0 { 0 } else { 7 });
                    assert_eq!(seen.wrong(), Vec::<String>::new(), "{round}: {seen:#?}");
                    let (seen, many) = stat(&dir);
                    assert!(seen.depth <= 7 && many.in_hand <= 3 && many.operations <= 6);
                }
                child.kill();
                assert_eq!(inspect(&dir, 7).wrong(), Vec::<String>::new(), "{round}: one was killed");
            }
        });
        stop.store(true, Relaxed);
        looks.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn what_is_wrong_is_said_at_its_field() {
    let owner = |member: u64, state: u64| 1 << 32 | member << 8 | state;
    for (page, name, at, value) in [
        (Page::Shared, "tail", SHARED, 1 << 56),
        (Page::Shared, "tail", SHARED, 11),
        (Page::Shared, "head", SHARED + 128, 1),
        (Page::Shared, "head", SHARED + 128, u64::MAX),
        (Page::Shared, "had_sender", SHARED + 264, 2 << 32),
        (Page::Shared, "receiver_went", SHARED + 272, 3),
        (Page::Shared, "barrierless", SHARED + 280, 2),
        (Page::Shared, "messages_calmed", SHARED + 392, 1),
        (Page::Shared, "room_calmed", SHARED + 520, u64::MAX),
        (Page::Shared, "tombs", SHARED + 648, 1),
        (Page::Member(3), "status", MEMBERS + 3 * 128, 1),
        (Page::Member(0), "status", MEMBERS, 1 << 32 | 1 << 7),
        (Page::Record(2), "owner", RECORDS + 2 * 128, owner(4, 1)),
        (Page::Record(2), "owner", RECORDS + 2 * 128, owner(1, 3)),
        (Page::Record(2), "owner", RECORDS + 2 * 128, 0x101),
        (Page::Record(2), "owner", RECORDS + 2 * 128, owner(1, 1) | 1 << 24),
        (Page::Record(0), "producing", RECORDS + 8, 1 << 8 | 1),
        (Page::Record(0), "consuming", RECORDS + 16, 1 << 8),
        (Page::Hand(3), "owner", HANDS + 3 * 128, u64::MAX),
        (Page::Hand(3), "held", HANDS + 3 * 128 + 8, 1),
        (Page::Hand(3), "held", HANDS + 3 * 128 + 8, 1 << 8),
    ] {
        let dir = Dir::new();
        let _tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
        put(&dir, at, value);
        let seen = inspect(&dir, 0);
        let field = seen.field(page, name).unwrap_or_else(|| panic!("{page}'s {name}: {seen:#?}"));
        assert!(field.problem.is_some(), "{page}'s {name} = {value:#x}: {:?}", seen.wrong());
        assert!(
            seen.wrong().iter().any(|wrong| wrong.starts_with(&format!("{page}'s {name}: "))),
            "{:?}",
            seen.wrong()
        );
    }
}

#[test]
fn slots_that_cannot_be_are_told() {
    // In slot 1, after three messages of which one was received.
    for (word, what) in [
        (5 << 8 | 1, "multiple of the capacity"),
        (3, "state 3"),
        (1 << 2, "taken over"),
        (10 << 8 | 1, "nobody has claimed"),
        (20 << 8, "before position 11 was taken"),
    ] {
        let dir = Dir::new();
        let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
        let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        (0..3).for_each(|n| tx.send(n).unwrap());
        rx.recv().unwrap();
        put(&dir, SLOTS + 16, word);
        for list in [0, 10] {
            let wrong = inspect(&dir, list).wrong();
            assert!(
                wrong.len() == 1 && wrong[0].starts_with("word of slot 1: ") && wrong[0].contains(what),
                "{wrong:?}"
            );
        }
        // At slot 0 nothing was left to take, and it was never freed.
        put(&dir, SLOTS + 16, 1);
        put(&dir, SLOTS, 0);
        assert!(inspect(&dir, 1).wrong()[0].contains("the head has passed it"));
    }
}

#[test]
fn any_bytes_can_be_looked_at() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &four(&dir)).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    (0..5).for_each(|n| tx.send(n).unwrap());
    let whole = fs::read(tx.path().unwrap()).unwrap();
    drop((tx, rx));
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.path().join(NAME)).unwrap();
    let mut random = Random::new();
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(4) {
            let at = [0, SHARED, MEMBERS, RECORDS, HANDS, SLOTS][random.below(6) as usize]
                + random.below(83) as usize as u64 * 8;
            let word = random.next() >> (random.below(8) * 8);
            bytes[at as usize..at as usize + 8].copy_from_slice(&word.to_le_bytes());
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
        }
        file.write_all_at(&bytes, 0).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        let seen = inspect(&dir, 100);
        // Who says that nothing is wrong agrees with who opens.
        let stat = observe::stat(NAME, Some(dir.path()));
        assert!(stat.is_ok() || !seen.wrong().is_empty(), "{stat:?}");
        if let Ok(stat) = stat {
            assert!(stat.depth <= stat.capacity);
        }
    }
}
