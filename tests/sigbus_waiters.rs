//! Files that are cut short, or emptied, under somebody who sleeps at a mutex of POSIX: the C library has it in a list of the
//! thread's, which is not to lead to where memory was.

mod support;

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::resource::{Resource, setrlimit};
use nix::unistd::gettid;
use ringway::{DisconnectReason, Options, WaitStrategy, Waiter, mpmc, spsc};
use std::fs::{File, OpenOptions};
use std::time::Duration;
use support::{Child, Dir, PATIENCE, hang, role, tell, until};

const NAME: &str = "cut";
const WAITERS: [Waiter; 2] = [Waiter::Condvar, Waiter::Semaphore];

fn options(dir: &Dir, waiter: &str) -> Options {
    let waiter = WAITERS.into_iter().find(|one| one.to_string() == waiter).expect("a waiter");
    dir.patient().capacity(8).waiter(waiter).wait(WaitStrategy::Sleep)
}

/// What a child is: `what.kind.waiter`.
fn child(role: &str) {
    setrlimit(Resource::RLIMIT_CORE, 0, 0).expect("no core files");
    let dir = Dir::new();
    let [what, kind, waiter]: [&str; 3] = role.split('.').collect::<Vec<_>>().try_into().expect("three parts");
    let options = options(&dir, waiter);
    match (what, kind) {
        ("peer", "spsc") => {
            let _tx = spsc::Sender::<u64>::open_or_create_with(NAME, &options).unwrap();
            tell("there");
            hang();
        }
        ("peer", _) => {
            let _tx = mpmc::Sender::<u64>::open_or_create_with(NAME, &options).unwrap();
            tell("there");
            hang();
        }
        _ => {
            ringway::sigbus_guard().expect("a guard");
            tell(format!("{:?}", lose_one(kind, &options)));
            sleep_elsewhere();
            tell("alive");
        }
    }
}

/// Sleeps in the channel until it is no more, and lets go of it.
fn lose_one(kind: &str, options: &Options) -> Option<DisconnectReason> {
    if kind == "spsc" {
        let mut rx = spsc::Receiver::<u64>::open_or_create_with(NAME, options).unwrap();
        tell(gettid());
        rx.recv().unwrap_err();
        rx.disconnect_reason()
    } else {
        let rx = mpmc::Receiver::<u64>::open_or_create_with(NAME, options).unwrap();
        tell(gettid());
        rx.recv().unwrap_err();
        rx.disconnect_reason()
    }
}

/// Takes other mutexes of the same thread, and gives them back.
fn sleep_elsewhere() {
    for _ in 0..3 {
        let options = Options::new().capacity(8).waiter(Waiter::Semaphore).wait(WaitStrategy::Sleep);
        let (_tx, mut rx) = spsc::channel_with::<u64>(&options).unwrap();
        assert!(rx.recv_timeout(Duration::from_millis(1)).is_err_and(|error| error.is_timeout()));
    }
}

/// What becomes of a segment under somebody who sleeps there; whether that is heard of as `reason`, and nobody dies of it.
fn scene(test: &str, reason: &str, happens: impl Fn(&File)) {
    for kind in ["spsc", "mpmc"] {
        for waiter in WAITERS {
            let dir = Dir::new();
            let mut peer = Child::start(test, &format!("peer.{kind}.{waiter}"), &dir);
            peer.expect("there");
            let mut tested = Child::start(test, &format!("sleeper.{kind}.{waiter}"), &dir);
            let thread = tested.hear();
            let stat = format!("/proc/{}/task/{thread}/stat", tested.pid());
            until("it sleeps", || std::fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") S ")));
            happens(&OpenOptions::new().read(true).write(true).open(dir.path().join(NAME)).expect("the segment"));
            for expected in [reason, "alive"] {
                let heard = tested.hear_within(PATIENCE);
                assert_eq!(heard.as_deref(), Some(expected), "{kind} {waiter}: {tested:?}");
            }
            tested.succeed();
        }
    }
}

#[test]
fn who_slept_where_the_file_was_cut_short_sleeps_elsewhere() {
    if let Some(role) = role() {
        return child(&role);
    }
    scene(&here!(), "Some(SegmentLost)", |file| file.set_len(0).expect("a shorter file"));
}

#[test]
fn who_slept_where_the_file_was_emptied_sleeps_elsewhere() {
    if let Some(role) = role() {
        return child(&role);
    }
    scene(&here!(), "Some(Corrupt)", |file| {
        let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
        let len = file.metadata().expect("its length").len();
        fallocate(file, hole, 0, i64::try_from(len).expect("a length")).expect("a hole");
    });
}
