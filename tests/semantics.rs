//! The promises of one-to-one channels between two processes, one test a promise. Numbers are those of the eight
//! semantics: 1 exactness, 3 who is gone, 5 what is left, 6 a stopped process, 8 nothing stale, nothing live removed.

mod support;

use nix::sys::signal::Signal;
use ringway::spsc::{Receiver, Sender};
use ringway::{
    Absent, DisconnectReason, FormatError, Kind, OpenError, Options, Role, SegmentError, TryRecvError, TrySendError,
    WaitForPeerError, WaitStrategy, observe, stream,
};
use std::time::{Duration, Instant};
use support::{Child, Dir, hang, hear, role, tell};

const NAME: &str = "channel";
const LONG: Duration = support::PATIENCE;

/// A sender in a child: sends what it is told to, then ends as it is told to.
fn sender_role(options: &Options) {
    let mut tx = Sender::<u64>::open_or_create_with(NAME, options).expect("the sender's end");
    tell("here");
    loop {
        let line = hear();
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("send", numbers) => {
                for number in numbers.split(' ') {
                    tx.send(number.parse().expect("a number")).expect("a receiver");
                }
                tell("sent");
            }
            ("leave", _) => return,
            ("exit", _) => std::process::exit(0),
            ("abort", _) => std::process::abort(),
            (what, _) => panic!("do what? {what}"),
        }
    }
}

/// A receiver in a child: takes what it is told to, then ends as it is told to.
fn receiver_role(options: &Options) {
    let mut rx = Receiver::<u64>::open_or_create_with(NAME, options).expect("the receiver's end");
    tell("here");
    loop {
        match hear().as_str() {
            "recv" => tell(rx.recv().expect("a message")),
            "hold" => {
                let guard = rx.recv_ref().expect("a message");
                tell(format_args!("{} attempt {} again {}", *guard, guard.attempt(), guard.is_redelivered()));
                hang();
            }
            "leave" => return,
            what => panic!("do what? {what}"),
        }
    }
}

/// If this is a child, what it does.
fn is_child(options: &Options) -> bool {
    match role().as_deref() {
        Some("sender") => sender_role(options),
        Some("receiver") => receiver_role(options),
        Some(other) => panic!("no role {other}"),
        None => return false,
    }
    true
}

/// Fault 31.
#[test]
fn s3_a_sender_that_leaves_is_left_after_its_last_message() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for ending in ["leave", "exit"] {
        let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().capacity(8)).unwrap();
        let mut child = Child::start(&here!(), "sender", &dir);
        child.expect("here");
        child.tell("send 1 2 3");
        child.expect("sent");
        assert_eq!(rx.disconnect_reason(), None);
        child.tell(ending);
        child.succeed();
        // std::process::exit runs no destructors: to the channel it is a death.
        let reason = if ending == "leave" { DisconnectReason::Left } else { DisconnectReason::Died };
        assert_eq!(rx.disconnect_reason(), Some(reason));
        assert_eq!(rx.len(), 3);
        assert_eq!([rx.recv(), rx.recv(), rx.try_recv().map_err(|_| ringway::RecvError)], [Ok(1), Ok(2), Ok(3)]);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
        assert!(rx.recv().is_err());
        assert!(rx.recv_timeout(LONG).unwrap_err().is_disconnected());
        assert_eq!(rx.disconnect_reason(), Some(reason));
        drop(rx);
        assert!(dir.files().is_empty());
    }
}

/// Fault 34.
#[test]
fn s3_a_killed_sender_has_died_after_its_last_message() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().capacity(8)).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 1 2");
    child.expect("sent");
    child.kill();
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(2)));
    assert!(rx.recv().is_err());
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
    assert_eq!((rx.sender_count(), rx.receiver_count()), (0, 1));
}

/// Faults 31 and 43.
#[test]
fn s3_a_sleeping_receiver_is_woken_by_every_ending() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for (ending, reason) in [
        ("leave", DisconnectReason::Left),
        ("kill", DisconnectReason::Died),
        ("abort", DisconnectReason::Died),
        ("exit", DisconnectReason::Died),
    ] {
        let options = dir.options().wait(WaitStrategy::Sleep);
        let mut rx = Receiver::<u64>::create_with(NAME, &options).unwrap();
        let mut child = Child::start(&here!(), "sender", &dir);
        child.expect("here");
        let waiting = std::thread::spawn(move || {
            let result = rx.recv();
            (result, rx.disconnect_reason(), rx.stats().sleeps)
        });
        if ending == "kill" {
            child.kill();
        } else {
            child.tell(ending);
            child.wait();
        }
        let (result, found, _) = waiting.join().unwrap();
        assert_eq!((result, found), (Err(ringway::RecvError), Some(reason)), "{ending}");
    }
}

#[test]
fn s3_when_the_receiver_is_gone_send_fails_with_room_left_and_hands_the_message_back() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for (kills, reason) in [(false, DisconnectReason::Left), (true, DisconnectReason::Died)] {
        let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(4)).unwrap();
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        tx.send(1).unwrap();
        if kills {
            child.kill();
            // The death of a receiver is found by asking, at the latest when the ring is full.
            assert_eq!(tx.disconnect_reason(), Some(reason));
            while tx.try_send(7).is_ok() {}
            assert!(tx.is_full());
        } else {
            child.tell("leave");
            child.succeed();
            assert!(!tx.is_full());
        }
        assert_eq!(tx.try_send(42), Err(TrySendError::Disconnected(42)));
        assert_eq!(tx.send(43).unwrap_err().into_inner(), 43);
        assert_eq!(tx.send_timeout(44, LONG).unwrap_err().into_inner(), 44);
        assert!(tx.try_reserve(1).unwrap_err().is_disconnected());
        assert!(tx.reserve_up_to(1).is_err());
        assert_eq!(tx.send_many(&[1, 2]).unwrap_err().into_inner(), 0);
        assert_eq!(tx.disconnect_reason(), Some(reason));
        assert_eq!(tx.receiver_count(), 0);
    }
}

/// Fault 44.
#[test]
fn s3_a_sleeping_sender_is_woken_by_every_ending() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for (kills, reason) in [(false, DisconnectReason::Left), (true, DisconnectReason::Died)] {
        let options = dir.options().wait(WaitStrategy::Sleep).capacity(2);
        let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        tx.send_many(&[1, 2]).unwrap();
        let waiting = std::thread::spawn(move || (tx.send(3), tx.disconnect_reason()));
        if kills {
            child.kill();
        } else {
            child.tell("leave");
            child.succeed();
        }
        let (result, found) = waiting.join().unwrap();
        assert_eq!((result.unwrap_err().into_inner(), found), (3, Some(reason)));
    }
}

#[test]
fn s3_a_spinning_end_notices_death_too() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().wait(WaitStrategy::Spin)).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    let waiting = std::thread::spawn(move || (rx.recv(), rx.disconnect_reason()));
    child.kill();
    assert_eq!(waiting.join().unwrap(), (Err(ringway::RecvError), Some(DisconnectReason::Died)));
}

#[test]
fn s3_a_new_sender_after_a_disconnect_goes_on_where_the_last_one_stopped() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().capacity(5)).unwrap();
    for round in 0..6_u64 {
        let mut child = Child::start(&here!(), "sender", &dir);
        child.expect("here");
        child.tell(format_args!("send {} {}", 10 * round, 10 * round + 1));
        child.expect("sent");
        // Even rounds are killed with one message not taken yet, odd ones leave.
        assert_eq!(rx.recv(), Ok(10 * round));
        if round % 2 == 0 {
            child.kill();
        } else {
            child.tell("leave");
            child.succeed();
        }
        assert_eq!(rx.recv(), Ok(10 * round + 1));
        assert!(rx.recv().is_err());
        assert!(rx.is_disconnected());
    }
    // And a receiver that is already asleep is woken by the newcomer's first message.
    let waiting = std::thread::spawn(move || {
        rx.wait_for_peer(LONG).unwrap();
        rx.recv()
    });
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 99");
    child.expect("sent");
    assert_eq!(waiting.join().unwrap(), Ok(99));
}

#[test]
fn s3_a_new_receiver_after_a_disconnect_goes_on_where_the_last_one_committed() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(10)).unwrap();
    tx.send_many(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
    for round in 0..4_u64 {
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        child.tell("recv");
        child.expect(&round.to_string());
        if round % 2 == 0 {
            child.kill();
        } else {
            child.tell("leave");
            child.succeed();
        }
        assert!(tx.is_disconnected() && !tx.is_full(), "{round}");
    }
    let mut child = Child::start(&here!(), "receiver", &dir);
    child.expect("here");
    assert_eq!(tx.disconnect_reason(), None);
    tx.send_many(&[10, 11, 12]).unwrap();
    for number in 4..13 {
        child.tell("recv");
        child.expect(&number.to_string());
    }
    assert!(tx.is_empty());
}

/// Fault 37.
#[test]
fn s3_a_message_in_a_killed_receivers_hand_comes_again_marked_and_counted() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(4)).unwrap();
    tx.send_many(&[5, 6]).unwrap();
    for attempt in 1..=4 {
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        child.tell("hold");
        child.expect(&format!("5 attempt {attempt} again {}", attempt > 1));
        assert_eq!(tx.len(), 1, "a message in hand is taken");
        child.kill();
    }
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered(), guard.position()), (5, 5, true, 0));
    guard.commit();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered(), guard.position()), (6, 1, false, 1));
}

/// Fault 45.
#[test]
fn s6_a_stopped_receiver_is_alive_and_nothing_of_its_is_taken() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let options = dir.options().capacity(2).slice(Duration::from_millis(5));
    let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut child = Child::start(&here!(), "receiver", &dir);
    child.expect("here");
    tx.send_many(&[1, 2]).unwrap();
    child.signal(Signal::SIGSTOP);
    let start = Instant::now();
    assert!(tx.send_timeout(3, Duration::from_secs(2)).unwrap_err().is_timeout());
    assert!(start.elapsed() >= Duration::from_secs(2));
    assert_eq!(tx.disconnect_reason(), None);
    assert_eq!(tx.receiver_count(), 1);
    let taken = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err();
    assert!(matches!(taken, OpenError::RoleTaken { role: Role::Receiver, pid } if pid == child.pid().as_raw() as u32));
    assert!(observe::clean(Some(dir.path())).unwrap().iter().all(|cleaned| matches!(cleaned.removed, Ok(false))));
    child.signal(Signal::SIGCONT);
    for number in ["1", "2"] {
        child.tell("recv");
        child.expect(number);
    }
    tx.send(3).unwrap();
    child.tell("recv");
    child.expect("3");
}

/// Fault 45.
#[test]
fn s6_a_stopped_sender_is_alive() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().slice(Duration::from_millis(5))).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.signal(Signal::SIGSTOP);
    assert!(rx.recv_timeout(Duration::from_secs(2)).unwrap_err().is_timeout());
    assert_eq!((rx.disconnect_reason(), rx.try_recv()), (None, Err(TryRecvError::Empty)));
    assert!(Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_role_taken());
    child.signal(Signal::SIGCONT);
    child.tell("send 8");
    child.expect("sent");
    assert_eq!(rx.recv(), Ok(8));
}

#[test]
fn s5_what_nobody_came_for_is_dropped_with_the_channel() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 1 2 3");
    child.expect("sent");
    let first = observe::stat(NAME, Some(dir.path())).unwrap();
    assert_eq!((first.depth, first.sent, first.is_in_use), (3, 3, true));
    child.tell("leave");
    child.succeed();
    assert!(dir.files().is_empty());
    assert!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_not_found());
    let rx = Receiver::<u64>::open_or_create_with(NAME, &dir.options()).unwrap();
    assert!(rx.is_empty());
    assert_ne!(rx.instance_id(), first.instance);
}

#[test]
fn s3_what_was_sent_before_the_receiver_came_is_received() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 1 2 3");
    child.expect("sent");
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    child.tell("leave");
    child.succeed();
    assert_eq!(rx.iter().collect::<Vec<_>>(), [1, 2, 3]);
    drop(rx);
    assert!(dir.files().is_empty());
}

#[test]
fn s3_waiting_for_a_peer_ends_when_one_is_there_and_only_then() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    assert_eq!(tx.wait_for_peer(Duration::ZERO), Err(WaitForPeerError::Timeout));
    assert_eq!(tx.wait_for_peer(Duration::from_millis(20)), Err(WaitForPeerError::Timeout));
    assert_eq!((tx.sender_count(), tx.receiver_count()), (1, 0));
    for kills in [false, true] {
        let mut child = Child::start(&here!(), "receiver", &dir);
        tx.wait_for_peer(LONG).unwrap();
        child.expect("here");
        tx.wait_for_peer(Duration::ZERO).unwrap();
        assert_eq!(tx.receiver_count(), 1);
        if kills {
            child.kill();
        } else {
            child.tell("leave");
            child.succeed();
        }
        assert_eq!(tx.receiver_count(), 0);
        let start = Instant::now();
        assert_eq!(tx.wait_for_peer(Duration::from_millis(20)), Err(WaitForPeerError::Timeout), "killed: {kills}");
        assert!(start.elapsed() >= Duration::from_millis(20));
    }
}

#[test]
fn s3_a_buffering_sender_does_not_mind_who_is_there() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for kills in [false, true] {
        let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(4).absent(Absent::Buffer)).unwrap();
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        if kills {
            child.kill();
        } else {
            child.tell("leave");
            child.succeed();
        }
        assert_eq!(tx.disconnect_reason(), None, "killed: {kills}");
        tx.send_many(&[1, 2, 3, 4]).unwrap();
        assert_eq!(tx.try_send(5), Err(TrySendError::Full(5)));
        assert!(tx.send_timeout(5, Duration::from_millis(5)).unwrap_err().is_timeout());
        assert_eq!(tx.disconnect_reason(), None, "killed: {kills}");
        assert_eq!(tx.wait_for_peer(Duration::from_millis(5)), Err(WaitForPeerError::Timeout), "killed: {kills}");
        let mut child = Child::start(&here!(), "receiver", &dir);
        child.expect("here");
        for number in ["1", "2", "3", "4"] {
            child.tell("recv");
            child.expect(number);
        }
    }
}

/// Fault 23.
#[test]
fn a_second_holder_of_a_role_is_refused_from_this_process_and_from_another() {
    let dir = Dir::new();
    match role().as_deref() {
        Some("second") => {
            tell(Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err());
            return;
        }
        _ if is_child(&dir.options()) => return,
        _ => {}
    }
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let pid = std::process::id();
    let same = Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err();
    assert!(matches!(same, OpenError::RoleTaken { role: Role::Sender, pid: holder } if holder == pid), "{same}");
    let mut child = Child::start(&here!(), "second", &dir);
    child.expect(&format!("the channel already has a sender: pid={pid}"));
    child.succeed();
    // The refused left nothing behind and took nothing along.
    assert_eq!(observe::stat(NAME, Some(dir.path())).unwrap().instance, tx.instance_id());
    drop(tx);
    assert!(dir.files().is_empty());
    // Killed without warning: the role is free at once.
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert!(Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_role_taken());
    child.kill();
    let tx = Sender::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert_eq!(tx.instance_id(), rx.instance_id());
}

/// Fault 3.
#[test]
fn opening_waits_for_the_side_that_starts_later() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let start = Instant::now();
    let none = Receiver::<u64>::open_with(NAME, &dir.options().open_timeout(Duration::from_millis(30))).unwrap_err();
    assert!(none.is_not_found() && start.elapsed() >= Duration::from_millis(30));
    let options = dir.patient();
    let opening = std::thread::spawn(move || Receiver::<u64>::open_with(NAME, &options).unwrap().recv());
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 4");
    child.expect("sent");
    assert_eq!(opening.join().unwrap(), Ok(4));
}

#[test]
fn opening_waits_for_a_role_that_is_given_up_later() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let _rx = Receiver::<u64>::create_with(NAME, &dir.options()).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    let options = dir.patient();
    let opening = std::thread::spawn(move || Sender::<u64>::open_with(NAME, &options).map(drop));
    child.kill();
    opening.join().unwrap().unwrap();
}

/// Faults 9 and 10.
#[test]
fn what_does_not_fit_is_refused_and_left_as_it_is() {
    let dir = Dir::new();
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().capacity(9).type_tag(1)).unwrap();
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    let tagged = || dir.options().type_tag(1);
    let format = |error: OpenError| match error {
        OpenError::Format(error) => error,
        other => panic!("{other}"),
    };
    let size = format(Sender::<[u64; 2]>::open_with(NAME, &tagged()).unwrap_err());
    assert_eq!(
        size.to_string(),
        "the channel's messages are of another type: size=8 align=8 tag=0x1, not size=16 align=8 tag=0x1"
    );
    let align = format(Sender::<[u32; 2]>::open_with(NAME, &tagged()).unwrap_err());
    assert!(matches!(align, FormatError::Type { found, asked } if (found.align, asked.align) == (8, 4)), "{align}");
    let tag = format(Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err());
    assert!(matches!(tag, FormatError::Type { found, asked } if (found.tag, asked.tag) == (1, 0)), "{tag}");
    let capacity = format(Sender::<u64>::open_or_create_with(NAME, &tagged().capacity(10)).unwrap_err());
    assert_eq!(capacity, FormatError::Capacity { found: 9, asked: 10 });
    let kind = format(stream::Writer::open_with(NAME, &dir.options()).unwrap_err());
    assert_eq!(kind, FormatError::Kind { found: Kind::Spsc, asked: Kind::Stream });
    assert!(Sender::<u64>::create_with(NAME, &tagged()).unwrap_err().is_already_exists());
    assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte is different");
    // The right one still gets in.
    Sender::<u64>::open_with(NAME, &tagged().capacity(9)).unwrap().send(3).unwrap();
    assert_eq!(rx.recv(), Ok(3));
}

/// Fault 9.
#[test]
fn s8_a_stale_segment_of_another_type_is_replaced() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    child.tell("send 1");
    child.expect("sent");
    child.kill();
    assert_eq!(dir.files(), [NAME]);
    let stale = observe::stat(NAME, Some(dir.path())).unwrap();
    assert_eq!((stale.is_in_use, stale.sender.unwrap().state), (false, observe::MemberState::Died));
    assert!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_not_found());
    let tx = Sender::<[u8; 3]>::create_with(NAME, &dir.options()).unwrap();
    assert_ne!(tx.instance_id(), stale.instance);
    assert_eq!((tx.len(), tx.disconnect_reason()), (0, None));
}

/// Fault 50.
#[test]
fn s8_executed_children_inherit_no_descriptor() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let listing = std::process::Command::new("ls").args(["-l", "/proc/self/fd"]).output().unwrap();
    let listing = String::from_utf8_lossy(&listing.stdout).into_owned();
    assert!(listing.contains("->"), "{listing}");
    assert!(!listing.contains("ringway-test"), "{listing}");
    drop((tx, rx));
}

/// Fault 28.
#[test]
fn s8_a_name_removed_by_hand_stops_nobody_who_is_there() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    let options = dir.options().slice(Duration::from_millis(5));
    let mut rx = Receiver::<u64>::create_with(NAME, &options).unwrap();
    let mut child = Child::start(&here!(), "sender", &dir);
    child.expect("here");
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    child.tell("send 1 2");
    child.expect("sent");
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(2)));
    // A slice goes by, and nobody says anything of the name.
    assert!(rx.recv_timeout(Duration::from_millis(20)).unwrap_err().is_timeout());
    // A newcomer gets another instance, and it stays when the old one goes.
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    assert_ne!(tx.instance_id(), rx.instance_id());
    child.tell("leave");
    child.succeed();
    assert!(rx.recv().is_err());
    assert!(rx.is_disconnected());
    drop(rx);
    assert_eq!(observe::stat(NAME, Some(dir.path())).unwrap().instance, tx.instance_id());
}

/// Fault 28.
#[test]
fn s8_a_name_removed_by_hand_before_anybody_came_is_told() {
    let dir = Dir::new();
    let mut rx = Receiver::<u64>::create_with(NAME, &dir.options().slice(Duration::from_millis(5))).unwrap();
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    assert!(rx.recv().is_err(), "nobody can ever come");
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Unlinked));
    assert_eq!(rx.wait_for_peer(LONG), Err(WaitForPeerError::Disconnected(DisconnectReason::Unlinked)));
    let mut tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(1)).unwrap();
    std::fs::remove_file(dir.path().join(NAME)).unwrap();
    tx.send(1).unwrap();
    assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Unlinked));
    assert!(matches!(
        Receiver::<u64>::open_with(NAME, &dir.options()),
        Err(OpenError::Segment(SegmentError::NotFound { .. }))
    ));
}
