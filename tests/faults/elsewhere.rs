//! Faults of where a peer lives: in other namespaces, where it has another pid, another user's number, another clock; and pids that
//! somebody else gets.

use crate::here;
use crate::support::{Child, Dir, PATIENCE, hear, role, skip, tell};
use nix::sys::signal::Signal;
use ringway::{DisconnectReason, Options, RecvTimeoutError, mpmc, spsc};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const NAME: &str = "channel";
/// Said by a receiver whose sender is gone.
const GONE: Result<u64, RecvTimeoutError> = Err(RecvTimeoutError::Disconnected);
/// As root of a user namespace of its own: what everybody may do who may do anything of this.
const USER: [&str; 3] = ["unshare", "--user", "--map-root-user"];
/// All that containers do not share, and yet the same process.
const ALL_BUT_PID: [&str; 4] = ["--ipc", "--uts", "--net", "--mount"];
/// And as pid 1, killed with the program that starts it.
const PID: [&str; 3] = ["--pid", "--fork", "--kill-child"];

fn options(dir: &Dir) -> Options {
    dir.patient().capacity(8).slice(Duration::from_millis(5))
}

/// The command that starts another one so, if it may here.
fn permitted(more: &[&'static str]) -> Option<Vec<&'static str>> {
    let by: Vec<_> = USER.into_iter().chain(more.iter().copied()).collect();
    let tried = Command::new(by[0]).args(&by[1..]).arg("true").stderr(Stdio::null()).status();
    if tried.is_ok_and(|status| status.success()) {
        return Some(by);
    }
    skip(format_args!("not permitted here: {}", by.join(" ")));
    None
}

/// A peer that sends, takes, and keeps in hand what it is told to.
fn peer(dir: &Dir) {
    let mut tx = spsc::Sender::<u64>::open_with(NAME, &options(dir)).expect("the sender's end");
    let jobs = mpmc::Receiver::<u64>::open_with("jobs", &options(dir)).expect("a place");
    tell(format_args!("{} {}", std::process::id(), nix::unistd::Uid::effective()));
    loop {
        match hear().as_str() {
            "send" => {
                tx.send(1).expect("room");
                tell("sent");
            }
            "hold" => {
                let job = jobs.recv_ref().expect("a job");
                tell(*job);
                std::mem::forget(job);
            }
            "wait" => {
                let time = Duration::from_millis(40);
                let start = Instant::now();
                assert!(jobs.recv_timeout(time).is_err_and(|error| error.is_timeout()));
                let took = start.elapsed();
                tell(if (time..time * 100).contains(&took) { "waited".to_owned() } else { format!("{took:?}") });
            }
            other => panic!("do what? {other}"),
        }
    }
}

/// The scene of a peer that is started by `by`: it sends, waits, stands still if it can be told to, and is killed with a job in hand.
fn lives_elsewhere(test: &str, dir: &Dir, by: &[&str], stops: bool) -> String {
    let mut rx = spsc::Receiver::<u64>::create_with(NAME, &options(dir)).unwrap();
    let tx = mpmc::Sender::<u64>::create_with("jobs", &options(dir)).unwrap();
    let rest = mpmc::Receiver::<u64>::open_with("jobs", &options(dir)).unwrap();
    let mut child = Child::start_by(by, test, "peer", dir, &[]);
    let who = child.hear();
    for _ in 0..3 {
        child.tell("send");
        child.expect("sent");
        assert_eq!(rx.recv(), Ok(1));
    }
    child.tell("wait");
    child.expect("waited");
    tx.send(9).unwrap();
    child.tell("hold");
    child.expect("9");
    let silence = Duration::from_millis(if stops { 300 } else { 30 });
    if stops {
        child.signal(Signal::SIGSTOP);
    }
    assert!(rx.recv_timeout(silence).is_err_and(|error| error.is_timeout()));
    assert_eq!((rx.disconnect_reason(), rest.try_recv_ref().is_err(), tx.receiver_count()), (None, true, 2));
    assert!(spsc::Sender::<u64>::open_with(NAME, &dir.options()).is_err_and(|error| error.is_role_taken()));
    child.kill();
    assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
    let job = rest.recv_ref_timeout(PATIENCE).expect("the job of the dead");
    assert_eq!((*job, job.attempt()), (9, 2));
    job.commit();
    who
}

/// Fault 48. A peer in namespaces of its own, as in another container, is a peer as any: alive while it is stopped, dead when it is
/// killed.
#[test]
fn a_peer_in_other_namespaces_is_a_peer_as_any() {
    let dir = Dir::new();
    if role().is_some() {
        return peer(&dir);
    }
    let uid = nix::unistd::Uid::effective();
    if let Some(by) = permitted(&ALL_BUT_PID) {
        let who = lives_elsewhere(&here!(), &dir, &by, true);
        assert!(who.ends_with(" 0"), "{who}: here it is {uid}");
    }
    if let Some(by) = permitted(&[&ALL_BUT_PID[..], &PID].concat()) {
        assert_eq!(lives_elsewhere(&here!(), &dir, &by, false), "1 0", "the first of its own");
    }
    assert!(dir.files().is_empty());
}

/// Fault 52. A peer whose monotonic clock is another one, as after a machine has slept or was moved: times are each process's own,
/// and nobody is taken for dead by a time.
#[test]
fn a_peer_with_another_clock_is_a_peer_as_any() {
    let dir = Dir::new();
    if role().is_some() {
        return peer(&dir);
    }
    for days in ["--monotonic=864000", "--monotonic=-1"] {
        let clock = ["--time", days, "--fork", "--kill-child"];
        if let Some(by) = permitted(&clock) {
            lives_elsewhere(&here!(), &dir, &by, false);
        }
    }
    assert!(dir.files().is_empty());
}

/// Where the C library has no wait by the monotonic clock, as its module says.
const BY_THE_WALL: [&str; 1] = ["src/sys/posix.rs"];

/// Fault 52. No time of the day is asked for: who sets that clock changes nothing.
#[test]
fn nobody_asks_for_the_time_of_day() {
    let top = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![top.join("src")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(&path).expect("a directory").map(|entry| entry.expect("an entry").path()));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let inside = path.strip_prefix(top).expect("below the top").to_str().expect("text");
            if BY_THE_WALL.contains(&inside) || inside.contains("/tests/") {
                continue;
            }
            read += 1;
            let text = std::fs::read_to_string(&path).expect("text");
            for clock in ["SystemTime", "CLOCK_REALTIME", "gettimeofday"] {
                assert!(!text.contains(clock), "{inside}: {clock}");
            }
        }
    }
    assert!(read > 100, "the sources are found");
}

/// Fault 47. The pid of a process that was killed is another's by now: dead it is all the same. (In a namespace of its own, where the
/// next pid can be chosen.)
#[test]
fn a_pid_that_another_process_has_got_brings_nobody_back() {
    let dir = Dir::new();
    let (name, test) = (NAME, here!());
    match role().as_deref() {
        Some("sender") => {
            let mut tx = spsc::Sender::<u64>::open_with(name, &options(&dir)).unwrap();
            tx.send(1).unwrap();
            tell(std::process::id());
            crate::support::hang();
        }
        Some("impostor") => {
            tell(std::process::id());
            crate::support::hang();
        }
        Some(_) => {
            let mut rx = spsc::Receiver::<u64>::create_with(name, &options(&dir)).unwrap();
            let mut sender = Child::start(&test, "sender", &dir);
            let pid: u32 = sender.hear().parse().unwrap();
            assert_eq!((rx.recv(), rx.sender_count()), (Ok(1), 1));
            sender.kill();
            for _ in 0..50 {
                if let Err(error) = std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()) {
                    return tell(format_args!("SKIPPED: the next pid cannot be chosen: {error}"));
                }
                let mut impostor = Child::start(&test, "impostor", &dir);
                if impostor.hear() != pid.to_string() {
                    continue;
                }
                assert_eq!((rx.recv_timeout(PATIENCE), rx.disconnect_reason()), (GONE, Some(DisconnectReason::Died)));
                assert!(spsc::Sender::<u64>::open_with(name, &dir.options()).is_ok());
                assert!(!impostor.has_ended());
                return tell("well");
            }
            tell("SKIPPED: others were always faster");
        }
        None => {
            let Some(by) = permitted(&["--pid", "--fork", "--kill-child", "--mount-proc"]) else { return };
            Child::start_by(&by, &test, "first", &dir, &[]).be_well();
        }
    }
}
