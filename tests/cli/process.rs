//! The program as a child process, and conditions that are waited for.
#![allow(dead_code)] // no test binary uses everything

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use ringway::observe::{self, MemberState, Segment};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Longer than anything here takes on a busy machine.
pub(crate) const LONG: Duration = Duration::from_secs(120);
/// How soon a death must be known. 200 ms is promised and is measured by hand: here a slow machine must not fail, and one
/// that never notices must.
pub(crate) const SOON: Duration = Duration::from_secs(15);

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A name that no other test, and no other run, uses.
pub(crate) fn unique(label: &str) -> String {
    format!("cli-{label}-{}-{}", std::process::id(), COUNT.fetch_add(1, Relaxed))
}

/// A directory in memory for one test alone.
pub(crate) struct Directory(pub(crate) PathBuf);

impl Directory {
    pub(crate) fn new(label: &str) -> Self {
        let path = Path::new("/dev/shm").join(unique(label));
        fs::DirBuilder::new().mode(0o700).create(&path).expect("a directory in /dev/shm");
        Self(path)
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).expect("the test's directory");
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(crate) fn arg(&self) -> String {
        format!("--dir={}", self.0.display())
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Undoes a `nohup` before the tests: the program would inherit it, and rightly ignore a SIGHUP ever after.
#[allow(unsafe_code)]
fn hear_hangups() {
    static ONCE: Once = Once::new();
    let default = SigAction::new(SigHandler::SigDfl, SaFlags::empty(), SigSet::empty());
    // SAFETY: the default action runs no code of ours.
    ONCE.call_once(|| _ = unsafe { sigaction(Signal::SIGHUP, &default) }.expect("a valid signal"));
}

/// The program, running. Killed when dropped.
pub(crate) struct Process {
    child: Child,
    line: String,
}

/// What is left of it.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code; 1000 + n if signal n killed it.
    pub(crate) code: i32,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    /// From the question to the end.
    pub(crate) took: Duration,
}

pub(crate) fn ringway(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ringway"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Starts `ringway ARGS`; stdin is a pipe, and so is stdout.
pub(crate) fn start(args: &[&str]) -> Process {
    Process::new(ringway(args).stdin(Stdio::piped()))
}

/// Runs `ringway ARGS` to its end, without input.
pub(crate) fn run(args: &[&str]) -> Ended {
    Process::new(&mut ringway(args)).end()
}

/// Runs `ringway SCRIPT` with a /dev/shm of its own that holds 64 KiB; before its output stands "mounted\n". `None` where
/// that is not permitted.
pub(crate) fn in_small(script: &str) -> Option<Ended> {
    let program = env!("CARGO_BIN_EXE_ringway");
    let script = format!("mount -t tmpfs -o size=64k tmpfs /dev/shm || exit; echo mounted; {program} {script}");
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", &script]);
    let ended = Process::new(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped())).end();
    if ended.stdout.starts_with(b"mounted") {
        return Some(ended);
    }
    // Past the harness, which keeps to itself what a test that passes has printed.
    let _ = writeln!(std::io::stderr(), "\nSKIPPED: a mount namespace is not permitted here: {}", ended.stderr.trim());
    None
}

impl Process {
    pub(crate) fn new(command: &mut Command) -> Self {
        hear_hangups();
        Self { line: format!("{command:?}"), child: command.spawn().expect("the program starts") }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn stdin(&mut self) -> ChildStdin {
        self.child.stdin.take().expect("stdin is still here")
    }

    pub(crate) fn stdout(&mut self) -> ChildStdout {
        self.child.stdout.take().expect("stdout is still here")
    }

    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("the child is ours").is_none()
    }

    pub(crate) fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.pid() as i32);
        nix::sys::signal::kill(pid, signal).expect("a child that has not been waited for");
    }

    /// Kills it, and is back when it is gone.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("the child is ours");
        self.child.wait().expect("the child is ours");
    }

    /// Closes its input, reads its output and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let asked = Instant::now();
        drop(self.child.stdin.take());
        let mut stdout = Vec::new();
        if let Some(mut pipe) = self.child.stdout.take() {
            // Its end is the program's end, for which nobody waits for ever.
            let left = || PollTimeout::try_from(LONG.saturating_sub(asked.elapsed())).expect("seconds");
            let mut part = [0; 65536];
            loop {
                let ready = poll(&mut [PollFd::new(pipe.as_fd(), PollFlags::POLLIN)], left()).expect("a pipe");
                assert!(ready > 0, "still running: {}", self.line);
                match pipe.read(&mut part).expect("its output") {
                    0 => break,
                    n => stdout.extend_from_slice(&part[..n]),
                }
            }
        }
        self.ended(asked, stdout)
    }

    /// Waits for its end, touching neither its input nor its output.
    pub(crate) fn end_by_itself(mut self) -> Ended {
        self.ended(Instant::now(), Vec::new())
    }

    fn ended(&mut self, asked: Instant, stdout: Vec<u8>) -> Ended {
        until(&self.line.clone(), || !self.is_running());
        let took = asked.elapsed();
        let status = self.child.wait().expect("the child is ours");
        let mut stderr = String::new();
        self.child.stderr.take().expect("stderr is a pipe").read_to_string(&mut stderr).expect("text");
        let code = status.code().unwrap_or_else(|| 1000 + status.signal().unwrap_or(0));
        Ended { code, stdout, stderr, took }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// It ended well and had nothing to say.
    #[track_caller]
    pub(crate) fn well(self) -> Vec<u8> {
        assert_eq!((self.code, self.stderr.as_str()), (0, ""), "{self:?}");
        self.stdout
    }

    /// It ended with code 1, and said so in one line that holds each of `parts`.
    #[track_caller]
    pub(crate) fn badly(self, parts: &[&str]) -> Self {
        assert_eq!(self.code, 1, "{self:?}");
        assert!(self.stderr.starts_with("ringway: ") && self.stderr.matches('\n').count() == 1, "{self:?}");
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing: {self:?}");
        }
        self
    }

    /// And that soon.
    #[track_caller]
    pub(crate) fn soon(self) -> Self {
        assert!(self.took < SOON, "{self:?}");
        self
    }
}

/// Waits until `condition` holds; fails if it never does.
#[track_caller]
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + LONG;
    while !condition() {
        assert!(Instant::now() < give_up, "still waiting: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// The channel as an observer sees it, if it is there.
pub(crate) fn seen(name: &str) -> Option<Segment> {
    observe::stat(name, None).ok()
}

/// Waits until somebody sends on the channel.
#[track_caller]
pub(crate) fn until_sending(name: &str) {
    until("a sender", || {
        seen(name).is_some_and(|seen| seen.sender.is_some_and(|end| end.state == MemberState::Attached))
    });
}

/// Waits until somebody receives from the channel.
#[track_caller]
pub(crate) fn until_receiving(name: &str) {
    until("a receiver", || {
        seen(name).is_some_and(|seen| seen.receiver.is_some_and(|end| end.state == MemberState::Attached))
    });
}

/// Waits until the ring is full and nothing moves: both ends have been given all that they take.
#[track_caller]
pub(crate) fn until_stuck(name: &str) {
    let mut last = (0, Instant::now());
    until("a full ring", || {
        let Some(seen) = seen(name) else { return false };
        if seen.sent != last.0 {
            last = (seen.sent, Instant::now());
        }
        seen.sent - seen.received == seen.capacity && last.1.elapsed() > Duration::from_millis(100)
    });
}

/// Sends `bytes` into a running program's input.
pub(crate) fn feed(stdin: &mut ChildStdin, bytes: &[u8]) {
    stdin.write_all(bytes).expect("the program reads");
}

/// Takes exactly so many bytes from a running program's output.
pub(crate) fn take(stdout: &mut ChildStdout, n: usize) -> Vec<u8> {
    let mut bytes = vec![0; n];
    stdout.read_exact(&mut bytes).expect("the program writes");
    bytes
}

/// Bytes that do not repeat.
pub(crate) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut step = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..len).map(|_| step() as u8).collect()
}
