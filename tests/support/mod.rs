//! What the tests of whole processes share: directories of their own, and children.
//!
//! A child is this test binary started again, with `--exact` the name of the test that starts it and a role in an
//! environment variable: so a child is a small, fresh process, and never the fork of one with threads. It talks to its
//! parent in lines: the parent's to its standard input, its own to its standard output, marked, so that what the test
//! harness prints there is passed over. Lines are the only barriers; nothing sleeps to let something else happen.
#![allow(dead_code)] // no test binary uses everything

pub(crate) mod pool;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Nothing in a test takes so long: who waits longer says what for, and fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const ROLE: &str = "RINGWAY_TEST_ROLE";
/// In a child: its parent's directory.
pub(crate) const DIR: &str = "RINGWAY_TEST_DIR";
const MARK: &str = "@@ ";

/// The name of the function that this stands in, as `--exact` wants it.
#[macro_export]
macro_rules! here {
    () => {{
        fn here() {}
        $crate::support::name_of(here)
    }};
}

pub(crate) fn name_of<F>(_: F) -> String {
    // "faults::going::a_test::{{closure}}::here": without the crate in front and without the last parts.
    let parts = std::any::type_name::<F>().split("::").skip(1);
    let parts: Vec<_> = parts.take_while(|part| !matches!(*part, "{{closure}}" | "here")).collect();
    parts.join("::")
}

/// What this process is to do, if it is a child.
pub(crate) fn role() -> Option<String> {
    let role = std::env::var(ROLE).ok()?;
    // A child whose parent was killed must not stay behind.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    Some(role)
}

/// A number from the environment of a child or of the person who runs the tests.
pub(crate) fn number(variable: &str, otherwise: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

/// The child's side of the talk: tells the parent something.
pub(crate) fn tell(line: impl std::fmt::Display) {
    let mut out = std::io::stdout().lock();
    // One write, so that a line is whole or not there, whenever the process is killed.
    let _ = out.write_all(format!("\n{MARK}{line}\n").as_bytes());
    let _ = out.flush();
}

/// The child's side of the talk: waits for a line of the parent's; ends the process if there is no parent any more.
pub(crate) fn hear() -> String {
    let mut line = String::new();
    match std::io::stdin().read_line(&mut line) {
        Ok(0) | Err(_) => std::process::exit(3),
        Ok(_) => line.trim_end().to_owned(),
    }
}

/// Says that something is not shown here, and why: past the harness, which keeps to itself what a test that passes has printed.
pub(crate) fn skip(why: impl std::fmt::Display) {
    aloud(&format!("SKIPPED: {why}"));
}

/// Says a line to whoever runs the tests. It stands by itself, behind whatever the harness has begun to print.
pub(crate) fn aloud(line: &str) {
    let _ = std::io::stderr().lock().write_all(format!("\n{line}\n").as_bytes());
}

/// Sleeps until the parent kills this child.
pub(crate) fn hang() -> ! {
    loop {
        std::thread::park();
    }
}

/// A directory in memory that only this test uses; gone when the test is over.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
    is_ours: bool,
}

impl Dir {
    /// A new one; or, in a child, the parent's.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        if let Some(path) = std::env::var_os(DIR) {
            return Self { path: path.into(), is_ours: false };
        }
        let count = COUNT.fetch_add(1, Relaxed);
        let path = PathBuf::from(format!("/dev/shm/ringway-test.{}.{count}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory in /dev/shm");
        Self { path, is_ours: true }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Options for a channel in here.
    pub(crate) fn options(&self) -> ringway::Options {
        ringway::Options::new().dir(&self.path)
    }

    /// The same, waiting for what is not there yet.
    pub(crate) fn patient(&self) -> ringway::Options {
        self.options().open_timeout(PATIENCE)
    }

    /// The files in here.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.path).expect("the test's directory");
        let mut names: Vec<_> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        names.sort();
        names
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        if self.is_ours {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

/// A child process. Killed when it is dropped.
#[derive(Debug)]
pub(crate) struct Child {
    process: std::process::Child,
    role: String,
    lines: mpsc::Receiver<String>,
    heard: Vec<String>,
}

impl Child {
    /// Starts the test `test` of this binary again, as `role`, in the same directory.
    pub(crate) fn start(test: &str, role: &str, dir: &Dir) -> Self {
        Self::start_with(test, role, dir, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn start_with(test: &str, role: &str, dir: &Dir, environment: &[(&str, String)]) -> Self {
        Self::start_by(&[], test, role, dir, environment)
    }

    /// The same, started by another program, which gets the command as its last arguments.
    pub(crate) fn start_by(by: &[&str], test: &str, role: &str, dir: &Dir, environment: &[(&str, String)]) -> Self {
        let this = std::env::current_exe().expect("this binary");
        let mut words = by.iter().map(std::ffi::OsStr::new).chain([this.as_os_str()]);
        let mut process = Command::new(words.next().expect("a program"))
            .args(words)
            .args([test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
            .env(ROLE, role)
            .env(DIR, dir.path())
            .envs(environment.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let out = BufReader::new(process.stdout.take().expect("a pipe"));
        let (tx, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                if let Some(line) = line.strip_prefix(MARK) {
                    let _ = tx.send(line.to_owned());
                }
            }
        });
        Self { process, role: role.to_owned(), lines, heard: Vec::new() }
    }

    pub(crate) fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).expect("a pid"))
    }

    /// The next line of the child's.
    pub(crate) fn hear(&mut self) -> String {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => {
                self.heard.push(line.clone());
                line
            }
            Err(why) => panic!("{} said nothing more ({why}); before: {:?}", self.role, self.heard),
        }
    }

    /// The next line of the child's within so long.
    pub(crate) fn hear_within(&mut self, time: Duration) -> Option<String> {
        self.lines.recv_timeout(time).ok()
    }

    /// Waits for exactly this line.
    #[track_caller]
    pub(crate) fn expect(&mut self, line: &str) {
        assert_eq!(self.hear(), line, "from {}, after {:?}", self.role, self.heard);
    }

    /// Says a line to the child.
    pub(crate) fn tell(&mut self, line: impl std::fmt::Display) {
        let pipe = self.process.stdin.as_mut().expect("a pipe");
        writeln!(pipe, "{line}").and_then(|()| pipe.flush()).expect("the child listens");
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).expect("a child of ours");
    }

    /// `kill -9`, and waits until the kernel has torn the process down.
    pub(crate) fn kill(mut self) {
        self.kill_now();
        let status = self.process.wait().expect("a child of ours");
        assert!(!status.success(), "{} was killed", self.role);
    }

    /// `kill -9`, and does not wait.
    pub(crate) fn kill_now(&mut self) {
        let _ = self.process.kill();
    }

    /// Whether the child has ended of its own.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("a child of ours").is_some()
    }

    /// Waits until the child says `well`, or why it could show nothing (which is said aloud), and has ended.
    #[track_caller]
    pub(crate) fn be_well(mut self) {
        let line = self.hear();
        if line.starts_with("SKIPPED") {
            aloud(&line);
        } else {
            assert_eq!(line, "well");
        }
        self.succeed();
    }

    /// Waits until the child has ended, which it does well.
    pub(crate) fn succeed(self) {
        let role = self.role.clone();
        let status = self.wait();
        assert!(status.success(), "{role} ended with {status}");
    }

    /// Waits until the child has ended.
    pub(crate) fn wait(mut self) -> ExitStatus {
        drop(self.process.stdin.take());
        let give_up = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.try_wait().expect("a child of ours") {
                return status;
            }
            assert!(Instant::now() < give_up, "{} does not end; it said {:?}", self.role, self.heard);
            // It has said all: what is waited for is the harness's way out.
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Every line that the child ever says from here on; ends when it has ended.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        self.lines.iter().collect()
    }

    /// The lines that are there now.
    pub(crate) fn pending(&mut self) -> Vec<String> {
        self.lines.try_iter().collect()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until something holds, which somebody else makes true.
#[track_caller]
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let give_up = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < give_up, "never: {what}");
        std::thread::sleep(Duration::from_micros(200));
    }
}

/// So many bytes that follow from the position.
pub(crate) fn fill(bytes: &mut [u8], at: u64) {
    for (n, part) in bytes.chunks_mut(8).enumerate() {
        let word = (at + n as u64 * 8).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        part.copy_from_slice(&word.to_le_bytes()[..part.len()]);
    }
}

/// The memory that this process has to itself, in KiB: nothing shared, and no file.
pub(crate) fn own_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("/proc");
    let line = status.lines().find(|line| line.starts_with("RssAnon")).expect("RssAnon");
    line.split_whitespace().nth(1).expect("a number").parse().expect("a number")
}

/// Runs `work` in a thread and fails, with what it is, if it is not over in time: a hang is a failure with a name.
pub(crate) fn in_time<R: Send + 'static>(what: &str, work: impl FnOnce() -> R + Send + 'static) -> R {
    let (tx, rx) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        let _ = tx.send(work());
    });
    match rx.recv_timeout(PATIENCE) {
        Ok(result) => {
            let _ = thread.join();
            result
        }
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("hangs: {what}"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("a thread that ended well has sent its result"),
        },
    }
}

/// A small generator of random numbers (xorshift64*), so that a seed that is printed can be used again.
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    /// With the seed in the variable, or another one each time. Prints it.
    pub(crate) fn new() -> Self {
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let seed = number("RINGWAY_SEED", time.as_nanos() as u64 | 1);
        eprintln!("RINGWAY_SEED={seed}");
        Self::with(seed)
    }

    pub(crate) fn with(seed: u64) -> Self {
        let mut random = Self(seed | 1);
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }
}

/// Open descriptors of this process.
pub(crate) fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("/proc").count()
}

/// Says that something is over when it is dropped, also by a panic: who waits for that in a scope does not hang.
#[derive(Debug)]
pub(crate) struct Over<'a>(pub(crate) &'a std::sync::atomic::AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
