//! Persistent channels, between processes that need not live at the same time.

mod support;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use ringway::spsc::{self, Receiver, Sender};
use ringway::{
    Absent, DisconnectReason, FormatError, Kind, OpenError, Options, SegmentError, TryRecvError, TrySendError,
    WaitForPeerError, observe, stream,
};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use support::{Child, Dir, Random, descriptors, hang, hear, role, tell};

const NAME: &str = "queue";

fn persistent(dir: &Dir) -> Options {
    dir.options().capacity(16).slice(Duration::from_millis(5)).persistent(true)
}

/// A channel with these messages in it, and nobody attached.
fn left_behind(dir: &Dir, messages: &[u64]) -> [u8; 16] {
    let mut tx = Sender::<u64>::create_with(NAME, &persistent(dir)).unwrap();
    tx.send_many(messages).unwrap();
    tx.instance_id()
}

fn stat(dir: &Dir) -> observe::Segment {
    observe::stat(NAME, Some(dir.path())).unwrap()
}

fn remove(dir: &Dir) {
    observe::remove(NAME, Some(dir.path())).unwrap();
    assert!(dir.files().is_empty());
}

fn format_error<T>(result: Result<T, OpenError>) -> FormatError {
    match result.map(drop) {
        Err(OpenError::Format(error)) => error,
        other => panic!("{other:?}"),
    }
}

/// A sender in a child. It does not ask for a persistent channel: it takes what is there.
fn sender_role(options: &Options) {
    let mut tx = Sender::<u64>::open_or_create_with(NAME, options).expect("the sender's end");
    tell("here");
    loop {
        let line = hear();
        match line.split_once(' ').unwrap_or((&line, "")) {
            ("send", numbers) => {
                for number in numbers.split(' ') {
                    tx.send(number.parse().expect("a number")).expect("a persistent channel");
                }
                tell("sent");
            }
            ("leave", _) => return,
            ("exit", _) => std::process::exit(0),
            (what, _) => panic!("do what? {what}"),
        }
    }
}

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

fn start(test: &str, role: &str, dir: &Dir) -> Child {
    let mut child = Child::start(test, role, dir);
    child.expect("here");
    child
}

#[test]
fn what_a_process_sent_and_ended_is_received_by_a_later_one() {
    let dir = Dir::new();
    if is_child(&persistent(&dir)) {
        return;
    }
    for (ending, reason) in
        [("leave", DisconnectReason::Left), ("exit", DisconnectReason::Died), ("kill", DisconnectReason::Died)]
    {
        let mut child = start(&here!(), "sender", &dir);
        child.tell("send 1 2 3 4 5 6 7 8 9");
        child.expect("sent");
        if ending == "kill" {
            child.kill();
        } else {
            child.tell(ending);
            child.succeed();
        }
        let seen = stat(&dir);
        assert_eq!((seen.depth, seen.is_in_use, seen.is_persistent), (9, false, true), "{ending}");
        // Some of them to a receiver that is gone again before the next one comes.
        let mut child = start(&here!(), "receiver", &dir);
        for number in ["1", "2", "3"] {
            child.tell("recv");
            child.expect(number);
        }
        child.tell("leave");
        child.succeed();
        let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        assert_eq!((rx.len(), rx.instance_id(), rx.disconnect_reason()), (6, seen.instance, Some(reason)));
        for number in 4..10 {
            assert_eq!(rx.recv(), Ok(number), "{ending}");
        }
        assert_eq!((rx.try_recv(), rx.disconnect_reason()), (Err(TryRecvError::Disconnected), Some(reason)));
        // And it goes on when somebody comes again.
        let mut child = start(&here!(), "sender", &dir);
        rx.wait_for_peer(support::PATIENCE).unwrap();
        child.tell("send 10");
        child.expect("sent");
        assert_eq!(rx.recv(), Ok(10));
        child.tell("leave");
        child.succeed();
        drop(rx);
        assert_eq!(dir.files(), [NAME]);
        remove(&dir);
    }
}

#[test]
fn a_message_in_the_hand_of_a_killed_receiver_comes_again_marked_to_the_next() {
    let dir = Dir::new();
    if is_child(&persistent(&dir)) {
        return;
    }
    left_behind(&dir, &[5, 6]);
    for attempt in 1..=3 {
        let mut child = start(&here!(), "receiver", &dir);
        child.tell("hold");
        child.expect(&format!("5 attempt {attempt} again {}", attempt > 1));
        child.kill();
        assert!(!stat(&dir).is_in_use);
    }
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered(), guard.position()), (5, 4, true, 0));
    guard.commit();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered()), (6, 1, false));
    drop(guard);
    // Given back, and nobody is there in between.
    drop(rx);
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    assert_eq!(rx.recv_ref().map(|guard| (*guard, guard.is_redelivered())), Ok((6, true)));
}

/// Who ends how is drawn; the numbers go up through all of them.
/// Fault 42.
#[test]
fn both_sides_go_and_come_again_a_hundred_times_and_the_count_goes_up() {
    let dir = Dir::new();
    match role().as_deref() {
        // A whole life each: send or receive so many, and end.
        Some("sender") => {
            let mut tx = Sender::<u64>::open_with(NAME, &dir.options()).expect("the sender's end");
            let from = support::number("FROM", 0);
            for number in from..from + support::number("COUNT", 0) {
                tx.send(number).expect("room");
            }
            tell("done");
            return if support::number("HANGS", 0) != 0 {
                hang()
            };
        }
        Some("receiver") => {
            let mut rx = Receiver::<u64>::open_with(NAME, &dir.options()).expect("the receiver's end");
            let from = support::number("FROM", 0);
            for number in from..from + support::number("COUNT", 0) {
                assert_eq!(rx.recv(), Ok(number));
            }
            tell("done");
            return if support::number("HANGS", 0) != 0 {
                hang()
            };
        }
        _ => {}
    }
    let instance = left_behind(&dir, &[]);
    let mut random = Random::new();
    let (mut sent, mut received, mut killed) = (0, 0, 0);
    for round in 0..100 {
        let mut live = |role: &str, from: u64, count: u64, hangs: u64| {
            let environment = [("FROM", from), ("COUNT", count), ("HANGS", hangs)].map(|(key, n)| (key, n.to_string()));
            let mut child = Child::start_with(&here!(), role, &dir, &environment);
            child.expect("done");
            if hangs != 0 {
                killed += 1;
                child.kill();
            } else {
                child.succeed();
            }
        };
        let (to_send, to_receive) = (random.below(17 - (sent - received)), random.below(9));
        live("sender", sent, to_send, random.below(2));
        sent += to_send;
        let to_receive = to_receive.min(sent - received);
        live("receiver", received, to_receive, random.below(2));
        received += to_receive;
        let seen = stat(&dir);
        assert_eq!((seen.sent, seen.received, seen.depth), (sent, received, sent - received), "round {round}");
        assert_eq!((seen.is_in_use, seen.instance), (false, instance), "round {round}");
        assert_eq!([seen.sender, seen.receiver].map(|end| end.unwrap().generation), [round + 2, round + 1]);
        if round % 10 == 0 {
            let looked = observe::inspect(NAME, Some(dir.path()), 16).unwrap();
            assert_eq!(looked.wrong(), Vec::<String>::new(), "round {round}");
        }
    }
    eprintln!("{sent} sent, {received} received, {killed} of 200 killed");
    assert!(sent > 100 && received > 100 && (20..180).contains(&killed));
    let rest: Vec<_> = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap().try_iter().collect();
    assert_eq!(rest, (received..sent).collect::<Vec<_>>());
    remove(&dir);
}

#[test]
fn what_is_there_is_not_created_again_and_is_joined_by_who_opens_or_creates() {
    let dir = Dir::new();
    let instance = left_behind(&dir, &[1, 2]);
    for options in [persistent(&dir), dir.options()] {
        let error = Sender::<u64>::create_with(NAME, &options).unwrap_err();
        assert!(error.is_already_exists(), "{error}");
        assert!(Receiver::<u64>::create_with(NAME, &options).unwrap_err().is_already_exists());
        // Of whatever type.
        assert!(Sender::<[u8; 3]>::create_with(NAME, &options).unwrap_err().is_already_exists());
    }
    let mut tx = Sender::<u64>::open_or_create_with(NAME, &persistent(&dir)).unwrap();
    assert_eq!((tx.instance_id(), tx.len(), tx.capacity(), tx.disconnect_reason()), (instance, 2, 16, None));
    tx.send(3).unwrap();
    let mut rx = Receiver::<u64>::open_or_create_with(NAME, &dir.options()).unwrap();
    assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(1), Ok(2), Ok(3)));
    assert!(Sender::<u64>::open_with(NAME, &dir.options()).unwrap_err().is_role_taken());
    drop((tx, rx));
    remove(&dir);
    assert!(Sender::<u64>::open_with(NAME, &persistent(&dir)).unwrap_err().is_not_found());
}

/// Fault 9.
#[test]
fn who_asks_for_something_else_gets_an_error_and_changes_nothing() {
    let dir = Dir::new();
    left_behind(&dir, &[1, 2]);
    let path = dir.path().join(NAME);
    let before = std::fs::read(&path).unwrap();
    let options = || dir.options();
    let asked = format_error(Sender::<u64>::open_or_create_with(NAME, &options().capacity(17)));
    assert_eq!(asked, FormatError::Capacity { found: 16, asked: 17 });
    let asked = format_error(Receiver::<u32>::open_or_create_with(NAME, &options()));
    assert!(matches!(asked, FormatError::Type { .. }), "{asked}");
    let asked = format_error(Receiver::<u64>::open_with(NAME, &options().type_tag(1)));
    assert!(matches!(asked, FormatError::Type { .. }), "{asked}");
    let asked = format_error(stream::Writer::open_or_create_with(NAME, &options()));
    assert_eq!(asked, FormatError::Kind { found: Kind::Spsc, asked: Kind::Stream });
    assert_eq!(std::fs::read(&path).unwrap(), before, "not a byte is different");
    let rx = Receiver::<u64>::open_with(NAME, &options().capacity(16)).unwrap();
    assert_eq!(rx.len(), 2);
}

#[test]
fn who_insists_on_a_persistent_channel_gets_no_other() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &dir.options().capacity(16)).unwrap();
    let refused = format_error(Receiver::<u64>::open_or_create_with(NAME, &persistent(&dir)));
    assert_eq!(refused, FormatError::NotPersistent);
    assert_eq!(refused.to_string(), "the channel is not persistent: it was created to end with its last user");
    drop(tx);
    assert!(dir.files().is_empty(), "the refused one has not kept it");
    // What a dead process left of an ephemeral one is nothing, and is replaced by one that stays.
    let tx = Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    std::fs::copy(dir.path().join(NAME), dir.path().join("copy")).unwrap();
    drop(tx);
    std::fs::rename(dir.path().join("copy"), dir.path().join(NAME)).unwrap();
    assert!(!stat(&dir).is_in_use && !stat(&dir).is_persistent);
    drop(Receiver::<u64>::open_or_create_with(NAME, &persistent(&dir)).unwrap());
    assert!(stat(&dir).is_persistent);
    remove(&dir);
}

#[test]
fn what_cannot_be_persistent_says_so() {
    let dir = Dir::new();
    let options = persistent(&dir);
    let told = |error: OpenError| {
        assert!(matches!(error, OpenError::Options { .. }), "{error:?}");
        error.to_string()
    };
    let stream = "a stream cannot be persistent: its segment carries one stream";
    assert_eq!(told(stream::Writer::create_with(NAME, &options).unwrap_err()), stream);
    assert_eq!(told(stream::Reader::open_with(NAME, &options).unwrap_err()), stream);
    assert_eq!(told(stream::Reader::open_or_create_with(NAME, &options).unwrap_err()), stream);
    let process = "a channel that is made with both ends cannot be persistent: it has no name";
    assert_eq!(told(stream::pipe_with(&options).unwrap_err()), process);
    assert_eq!(told(spsc::channel_with::<u64>(&options).unwrap_err()), process);
    assert!(dir.files().is_empty());
}

#[test]
fn a_sender_buffers_unless_it_is_told_otherwise() {
    let dir = Dir::new();
    if is_child(&persistent(&dir)) {
        return;
    }
    for asks in [false, true] {
        left_behind(&dir, &[]);
        let options = if asks { persistent(&dir) } else { dir.options().slice(Duration::from_millis(5)) };
        let mut tx = Sender::<u64>::open_with(NAME, &options).unwrap();
        // A receiver that has left, one that was killed: all the same.
        drop(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap());
        tx.send_many(&[0; 8]).unwrap();
        start(&here!(), "receiver", &dir).kill();
        for _ in 0..8 {
            tx.send(1).unwrap();
        }
        assert_eq!((tx.try_send(2), tx.disconnect_reason()), (Err(TrySendError::Full(2)), None));
        assert!(tx.send_timeout(2, Duration::from_millis(20)).unwrap_err().is_timeout());
        assert_eq!(tx.wait_for_peer(Duration::from_millis(5)), Err(WaitForPeerError::Timeout));
        drop(tx);
        // Who minds says so.
        let mut tx = Sender::<u64>::open_with(NAME, &options.clone().absent(Absent::Wait)).unwrap();
        assert!(tx.try_send(2).unwrap_err().is_disconnected());
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
        drop(tx);
        remove(&dir);
    }
    left_behind(&dir, &[]);
    let mut tx = Sender::<u64>::open_with(NAME, &persistent(&dir).absent(Absent::Fail)).unwrap();
    assert!(tx.try_send(2).unwrap_err().is_disconnected());
    assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Absent));
}

/// A sender that buffers has no end to wait for but this one.
/// Fault 28.
#[test]
fn a_name_removed_by_hand_is_told_to_a_sender_that_buffers() {
    let dir = Dir::new();
    if is_child(&dir.options()) {
        return;
    }
    for ending in ["nobody", "left", "killed"] {
        let mut tx = Sender::<u64>::create_with(NAME, &persistent(&dir).capacity(1)).unwrap();
        match ending {
            "left" => drop(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap()),
            "killed" => {
                let mut child = Child::start(&here!(), "receiver", &dir);
                child.expect("here");
                child.kill();
            }
            _ => {}
        }
        tx.send(1).unwrap();
        std::fs::remove_file(dir.path().join(NAME)).unwrap();
        assert!(tx.send_timeout(2, support::PATIENCE).unwrap_err().is_disconnected(), "{ending}");
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Unlinked), "{ending}");
    }
}

#[test]
fn it_is_removed_by_who_asks_for_it_and_never_cleaned_nor_while_it_is_used() {
    let dir = Dir::new();
    if is_child(&persistent(&dir)) {
        return;
    }
    left_behind(&dir, &[1]);
    let clean = || {
        let cleaned = observe::clean(Some(dir.path())).unwrap();
        assert_eq!(cleaned.len(), 1);
        assert!(matches!(cleaned[0].removed, Ok(false)) && cleaned[0].is_persistent, "{cleaned:?}");
    };
    clean();
    let child = start(&here!(), "receiver", &dir);
    clean();
    let refused = observe::remove(NAME, Some(dir.path())).unwrap_err();
    assert!(matches!(refused, OpenError::Segment(SegmentError::InUse { .. })), "{refused}");
    child.kill();
    clean();
    // Empty, too: it is somebody's queue.
    assert_eq!(Receiver::<u64>::open_with(NAME, &dir.options()).unwrap().try_iter().count(), 1);
    clean();
    assert_eq!(stat(&dir).depth, 0);
    remove(&dir);
    assert!(observe::remove(NAME, Some(dir.path())).unwrap_err().is_not_found());
}

/// One end after the other comes and goes while somebody tries to remove the channel all the time. Who is there keeps its
/// name; what it sent is in it when the next one comes, unless that is another channel.
/// Fault 26.
#[test]
fn removing_takes_it_from_nobody_who_is_there() {
    let dir = Dir::new();
    let options = persistent(&dir);
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let coming = scope.spawn(|| {
            let (mut found, mut lost) = (0, 0);
            for number in 0.. {
                let mut tx = Sender::<u64>::open_or_create_with(NAME, &options).unwrap();
                tx.send(number).unwrap();
                let (instance, seen) = (tx.instance_id(), stat(&dir));
                assert_eq!((seen.instance, seen.depth, seen.is_in_use), (instance, 1, true));
                drop(tx);
                let mut rx = Receiver::<u64>::open_or_create_with(NAME, &options).unwrap();
                if rx.instance_id() == instance {
                    assert_eq!(rx.try_recv(), Ok(number));
                    found += 1;
                } else {
                    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
                    lost += 1;
                }
                if is_over.load(Relaxed) {
                    break;
                }
            }
            (found, lost)
        });
        let mut removed = 0;
        while removed < 200 && !coming.is_finished() {
            match observe::remove(NAME, Some(dir.path())) {
                Ok(()) => removed += 1,
                Err(OpenError::Segment(SegmentError::InUse { .. } | SegmentError::NotFound { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
        is_over.store(true, Relaxed);
        let (found, lost) = coming.join().unwrap();
        eprintln!("removed {removed} times; found {found} times what was sent, {lost} times another channel");
        assert!(found + lost > removed / 2, "two places in each round where nobody is there");
    });
}

/// A creator that has given the name and can then not go on leaves no channel that nobody asked for.
/// Fault 18.
#[test]
fn running_out_of_descriptors_leaves_no_channel_behind() {
    let dir = Dir::new();
    if role().is_some() {
        let create = || Sender::<u64>::create_with(NAME, &persistent(&dir));
        drop(create().unwrap());
        remove(&dir);
        let before = descriptors();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let mut outcomes = Vec::new();
        for spare in 0..4 {
            // Lower numbers are all taken, so the limit leaves so many.
            let fill: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
            let highest = fill.iter().map(std::os::fd::AsRawFd::as_raw_fd).max().unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, highest as u64 + 1 + spare, hard).unwrap();
            let result = create();
            setrlimit(Resource::RLIMIT_NOFILE, hard.min(1024), hard).unwrap();
            drop(fill);
            outcomes.push(result.is_ok());
            if result.is_ok() {
                drop(result);
                remove(&dir);
            }
            assert!(dir.files().is_empty(), "with {spare} to spare: {:?}", dir.files());
            assert_eq!(descriptors(), before, "with {spare} to spare");
        }
        assert!(!outcomes[0] && !outcomes[1] && outcomes[3], "{outcomes:?}");
        return tell("well");
    }
    let mut child = Child::start(&here!(), "poor", &dir);
    child.expect("well");
    child.succeed();
}
