//! The message queues of a channel: that they come and go with it, whoever dies; what stands in their way; and what a stranger to
//! them may find or leave there.

mod support;

use nix::errno::Errno;
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_close, mq_getattr, mq_open, mq_send, mq_unlink};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, fchmod, fstat};
use ringway::{OpenError, Options, SegmentError, WaitStrategy, Waiter, bytes, mpmc, observe, spsc};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;
use support::{Child, Dir, PATIENCE, hang, role, tell};

const NAME: &str = "channel";

fn with_queues(options: Options) -> Options {
    options.capacity(2).waiter(Waiter::MessageQueue).wait(WaitStrategy::Sleep)
}

/// Only a wake wakes it.
fn deaf(options: Options) -> Options {
    with_queues(options).slice(Duration::MAX)
}

/// The name of the queue of this bed, as SPEC.md has it.
fn queue(dir: &Dir, dorm: usize, bed: usize) -> String {
    let instance = observe::stat(NAME, Some(dir.path())).expect("a channel").instance;
    let digits: String = instance.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("/ringway.{digits}.{dorm:x}.{bed:x}")
}

fn open(name: &str) -> Result<MqdT, Errno> {
    mq_open(name, MQ_OFlag::O_RDWR | MQ_OFlag::O_NONBLOCK, Mode::empty(), None)
}

fn is_there(name: &str) -> bool {
    match open(name) {
        Ok(found) => mq_close(found).is_ok(),
        Err(Errno::ENOENT) => false,
        Err(error) => panic!("{name}: {error}"),
    }
}

// That they come and go.

#[test]
fn they_are_there_as_long_as_the_channel() {
    let dir = Dir::new();
    let tx = spsc::Sender::<u64>::create_with(NAME, &with_queues(dir.options())).unwrap();
    let names = [queue(&dir, 0, 0), queue(&dir, 1, 0)];
    for name in &names {
        let found = open(name).unwrap();
        let seen = fstat(&found).unwrap();
        assert_eq!((seen.st_uid, seen.st_mode & 0o777), (nix::unistd::geteuid().as_raw(), 0o600));
        let attributes = mq_getattr(&found).unwrap();
        assert_eq!((attributes.maxmsg(), attributes.msgsize(), attributes.curmsgs()), (1, 1, 0));
        mq_close(found).unwrap();
    }
    let rx = spsc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
    drop(tx);
    assert!(names.iter().all(|name| is_there(name)), "somebody is still here");
    drop(rx);
    assert!(!names.iter().any(|name| is_there(name)));
}

#[test]
fn what_is_persistent_keeps_them_until_it_is_removed() {
    let dir = Dir::new();
    drop(mpmc::Sender::<u64>::create_with(NAME, &with_queues(dir.options()).persistent(true)).unwrap());
    let names: Vec<_> = (0..4).map(|dorm| queue(&dir, dorm, 0)).collect();
    assert!(names.iter().all(|name| is_there(name)));
    // As after a restart of the machine: who comes makes them anew.
    names.iter().for_each(|name| mq_unlink(name.as_str()).unwrap());
    drop(mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap());
    assert!(names.iter().all(|name| is_there(name)));
    observe::remove(NAME, Some(dir.path())).unwrap();
    assert!(!names.iter().any(|name| is_there(name)));
}

/// Three threads of a process sleep at a bell, and it is killed: `clean`, or the next one who opens, removes the queues of all.
#[test]
fn those_of_the_killed_go_with_the_segment() {
    let dir = Dir::new();
    if role().is_some() {
        let options = with_queues(dir.options()).lanes(2, 4096);
        let rx = bytes::mpmc::Receiver::create_with(NAME, &options).expect("an end");
        for _ in 0..3 {
            let rx = rx.clone();
            thread::spawn(move || rx.recv());
        }
        // The third bed has a queue as soon as three sleep at the same time.
        let third = queue(&dir, 0, 2);
        support::until("three sleep", || is_there(&third));
        tell("asleep");
        hang();
    }
    for is_cleaned in [true, false] {
        let mut child = Child::start(&here!(), "sleepers", &dir);
        child.expect("asleep");
        let names: Vec<_> = (0..3).map(|bed| queue(&dir, 0, bed)).chain([queue(&dir, 3, 0)]).collect();
        assert!(names.iter().all(|name| is_there(name)));
        child.kill();
        if is_cleaned {
            let cleaned = observe::clean(Some(dir.path())).unwrap();
            assert!(matches!(cleaned[..], [ref one] if matches!(one.removed, Ok(true))), "{cleaned:?}");
        } else {
            let opened = bytes::mpmc::Sender::open_with(NAME, &dir.options());
            assert!(opened.unwrap_err().is_not_found());
        }
        assert!(!names.iter().any(|name| is_there(name)));
        assert!(dir.files().is_empty());
    }
}

/// Persistent or not: nobody finds by its name what has none any more.
#[test]
fn the_last_one_takes_them_along_whose_file_was_removed_by_hand() {
    for is_persistent in [false, true] {
        let dir = Dir::new();
        let options = with_queues(dir.options()).persistent(is_persistent);
        let tx = spsc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let names = [queue(&dir, 0, 0), queue(&dir, 1, 0)];
        std::fs::remove_file(dir.path().join(NAME)).unwrap();
        assert!(names.iter().all(|name| is_there(name)), "somebody is still here");
        drop(tx);
        let left: Vec<_> = names.iter().filter(|name| is_there(name)).collect();
        left.iter().for_each(|name| mq_unlink(name.as_str()).unwrap());
        assert!(left.is_empty(), "persistent: {is_persistent}: {left:?}");
    }
}

#[test]
fn those_of_the_heap_have_no_names() {
    let (mut tx, mut rx) = spsc::channel_with::<u64>(&deaf(Options::new())).unwrap();
    let name = format!("/ringway.{}.{}", nix::unistd::geteuid(), std::process::id());
    // Other tests may be making some at this moment.
    support::until("it has lost its name", || !is_there(&name));
    let receiving = thread::spawn(move || (0..100).all(|number| rx.recv() == Ok(number)));
    (0..100).for_each(|number| tx.send(number).unwrap());
    assert!(receiving.join().unwrap());
}

// What stands in their way.

/// No room for queues is an error for who makes the channel, and nothing is left.
#[test]
fn no_room_for_a_queue_is_told_and_leaves_nothing() {
    let dir = Dir::new();
    if role().is_some() {
        let (_, hard) = getrlimit(Resource::RLIMIT_MSGQUEUE).unwrap();
        setrlimit(Resource::RLIMIT_MSGQUEUE, 0, hard).unwrap();
        let options = with_queues(dir.options());
        for made in [
            spsc::Sender::<u64>::create_with(NAME, &options).map(drop),
            mpmc::Receiver::<u64>::open_or_create_with(NAME, &options).map(drop),
            spsc::channel_with::<u64>(&with_queues(Options::new())).map(drop),
            mpmc::channel_with::<u64>(&with_queues(Options::new())).map(drop),
        ] {
            let error = made.unwrap_err();
            assert!(matches!(&error, OpenError::Segment(SegmentError::NoQueue { .. })), "{error:?}");
            assert!(error.to_string().contains("RLIMIT_MSGQUEUE"), "{error}");
            assert!(dir.files().is_empty());
        }
        return tell("told");
    }
    let mut child = Child::start(&here!(), "limited", &dir);
    child.expect("told");
    child.succeed();
}

/// Who has no descriptor left for a bed's queue sleeps without one, a little at a time, and gets what is sent.
#[test]
fn without_a_descriptor_left_one_looks_now_and_then() {
    let dir = Dir::new();
    if role().is_some() {
        let options = deaf(dir.options());
        let tx = mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let receivers: Vec<_> = (0..3).map(|_| mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap()).collect();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let second = queue(&dir, 0, 1);
        let fill = std::fs::File::open("/dev/null").unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, fill.as_raw_fd() as u64 + 1, hard).unwrap();
        let (got, all) = std::sync::mpsc::channel();
        let threads: Vec<_> = receivers
            .into_iter()
            .map(|rx| {
                let got = got.clone();
                thread::spawn(move || rx.iter().for_each(|number| got.send(number).unwrap()))
            })
            .collect();
        for number in 0..50 {
            tx.send(number).unwrap();
            assert_eq!(all.recv_timeout(PATIENCE), Ok(number));
        }
        assert_eq!(mq_unlink(second.as_str()), Err(Errno::ENOENT), "the second bed's");
        drop(tx);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        return tell("done");
    }
    let mut child = Child::start(&here!(), "poor", &dir);
    child.expect("done");
    child.succeed();
}

// What strangers may do.

/// Whoever could write to a queue could wake us for nothing, and whoever could read it could take our wakes.
#[test]
fn a_queue_that_others_may_use_is_refused() {
    let dir = Dir::new();
    let _tx = spsc::Sender::<u64>::create_with(NAME, &with_queues(dir.options())).unwrap();
    let found = open(&queue(&dir, 1, 0)).unwrap();
    fchmod(&found, Mode::from_bits_truncate(0o622)).unwrap();
    let error = spsc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err();
    let OpenError::Segment(SegmentError::Untrusted { mode, .. }) = error else { panic!("{error:?}") };
    assert_eq!(mode, 0o622);
    fchmod(&found, Mode::from_bits_truncate(0o600)).unwrap();
    mq_close(found).unwrap();
    assert!(spsc::Receiver::<u64>::open_with(NAME, &dir.options()).is_ok());
}

/// Messages that nobody of the channel has sent, again and again, and names taken away, wake for nothing at most.
#[test]
fn messages_of_strangers_and_names_that_are_gone_do_no_harm() {
    let dir = Dir::new();
    let mut tx = spsc::Sender::<u64>::create_with(NAME, &deaf(dir.options())).unwrap();
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, &deaf(dir.options())).unwrap();
    let names = [queue(&dir, 0, 0), queue(&dir, 1, 0)];
    let found = names.each_ref().map(|name| open(name).unwrap());
    let receiving = thread::spawn(move || (0..300).all(|number| rx.recv() == Ok(number)));
    for number in 0..300 {
        for one in &found {
            assert!(matches!(mq_send(one, b"x", 0), Ok(()) | Err(Errno::EAGAIN)));
        }
        if number == 100 {
            names.iter().for_each(|name| mq_unlink(name.as_str()).unwrap());
        }
        tx.send(number).unwrap();
    }
    assert!(receiving.join().unwrap());
    found.into_iter().for_each(|one| mq_close(one).unwrap());
}

/// Whose process gets which number can be foreseen.
#[test]
fn who_takes_the_name_of_a_queue_of_the_heap_stops_nobody() {
    const NOBODY: u32 = 65534;
    let dir = Dir::new();
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    if role().is_none() {
        return Child::start(&here!(), "robbed", &dir).succeed();
    }
    let name = format!("/ringway.{NOBODY}.{}", std::process::id());
    let flags = MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL | MQ_OFlag::O_RDWR;
    let theirs = mq_open(name.as_str(), flags, Mode::S_IRUSR, Some(&MqAttr::new(0, 1, 1, 0))).unwrap();
    nix::unistd::seteuid(NOBODY.into()).unwrap();
    let made = spsc::channel_with::<u64>(&deaf(Options::new()));
    nix::unistd::seteuid(0.into()).unwrap();
    mq_unlink(name.as_str()).unwrap();
    mq_close(theirs).unwrap();
    let (mut tx, mut rx) = made.unwrap();
    let receiving = thread::spawn(move || (0..100).all(|number| rx.recv() == Ok(number)));
    (0..100).for_each(|number| tx.send(number).unwrap());
    assert!(receiving.join().unwrap());
}
