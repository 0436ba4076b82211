//! Where ends are killed: a directory of a test's own, and children that are this test binary started again.
//!
//! A child plays a *scene* (see [`super::scenes`]): it prepares, and then performs one operation, before whose n-th step
//! it sends itself SIGKILL. If the operation is over before that, the child says in how many steps, and is killed all the
//! same, so that the operation's end is one more place to die. A test goes through n = 0, 1, 2, ... until it is told so.

use super::scenes;
use crate::channel::options::Options;
use crate::layout::fields::{Base, FIELDS};
use crate::layout::geometry::{CONSUMER_OFFSET, PRODUCER_OFFSET};
use crate::sync::step;
use std::cell::Cell;
use std::fmt::Debug;
use std::io::{Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

const SCENE: &str = "RINGWAY_TEST_SCENE";

thread_local! {
    /// In a child: whether it is to be stopped, not killed.
    static STOPS: Cell<bool> = const { Cell::new(false) };
}

/// A child of one of the tests; alone it does nothing.
#[test]
fn child() {
    let Ok(scene) = std::env::var(SCENE) else { return };
    let mut words = scene.splitn(5, ' ');
    let mut word = || words.next().expect("scene, name, fate, step, directory").to_owned();
    let (scene, name, fate, n, directory) = (word(), word(), word(), word(), word());
    STOPS.set(fate == "stop");
    scenes::play(&scene, &name, Path::new(&directory), n.parse().expect("a step"));
    panic!("the scene {scene} does not end in `act`");
}

/// In a child: performs the operation, ends before its n-th step, or else behind its last.
pub(super) fn act<R: Debug>(n: u64, operation: impl FnOnce() -> R) -> ! {
    let before = step::passed();
    if STOPS.get() {
        step::stop_before(n)
    } else {
        step::die_before(n)
    }
    let result = operation();
    let steps = step::passed() - before;
    let mut out = std::io::stdout();
    let _ = writeln!(out, "\ncompleted {steps}\nresult {result:?}").and_then(|()| out.flush());
    let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::SIGKILL);
    drop(result);
    unreachable!("a process outlived its own SIGKILL");
}

/// A test's directory.
pub(super) struct Stage {
    pub(super) directory: PathBuf,
}

impl Stage {
    pub(super) fn new(test: &str) -> Self {
        let directory = PathBuf::from(format!("/dev/shm/ringway-stage-{}-{test}", std::process::id()));
        std::fs::create_dir(&directory).expect("a directory of our own");
        Self { directory }
    }

    pub(super) fn options(&self) -> Options {
        scenes::options(&self.directory)
    }

    /// Has a child play `scene` and be killed before the n-th step of its operation: `Some(steps)` if it had no such step.
    pub(super) fn kill(&self, scene: &str, name: &str, n: u64) -> Option<u64> {
        let output = self.command(scene, name, "kill", n).output().expect("a child");
        assert_eq!(
            output.status.signal(),
            Some(9),
            "{scene} {n}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let steps = said.lines().find_map(|line| line.strip_prefix("completed "))?;
        Some(steps.parse().expect("a number of steps"))
    }

    fn command(&self, scene: &str, name: &str, fate: &str, n: u64) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command
            .args(["--exact", "channel::tests::stage::child", "--nocapture", "--test-threads=1"])
            .env(SCENE, format!("{scene} {name} {fate} {n} {}", self.directory.display()));
        command
    }

    /// Has a child play `scene` and be stopped before the n-th step of its operation; `None` if it has no such step.
    pub(super) fn stop(&self, scene: &str, name: &str, n: u64) -> Option<Stopped> {
        use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
        let child = self.command(scene, name, "stop", n).stdout(Stdio::piped()).spawn().expect("a child");
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().expect("a pid"));
        match waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a child") {
            WaitStatus::Stopped(..) => Some(Stopped(child)),
            WaitStatus::Signaled(_, nix::sys::signal::SIGKILL, _) => None,
            other => panic!("{scene} {n}: {other:?}"),
        }
    }

    /// Kills at every step of `scene`, one after the other, and has `check` look at what is left, with a name of its own
    /// each. `at_least` is the number of steps that the operation is known to have.
    pub(super) fn at_each_step(
        &self,
        scene: &str,
        at_least: u64,
        mut check: impl FnMut(&str, &mut dyn FnMut() -> bool),
    ) {
        let mut n = 0;
        loop {
            let name = format!("{scene}-{n}");
            let mut steps = None;
            let mut was_killed = false;
            check(&name, &mut || {
                was_killed = true;
                steps = self.kill(scene, &name, n);
                steps.is_some()
            });
            assert!(was_killed, "the check has killed nobody");
            self.must_be_empty(&name);
            if let Some(steps) = steps {
                println!("{scene}: killed before each of {steps} steps and after the last");
                assert!(steps >= at_least, "{scene}: {steps} steps, fewer than {at_least}");
                assert!(n >= at_least);
                return;
            }
            n += 1;
        }
    }

    /// All ends are gone: after a cleaning no file is there, and no descriptor of ours.
    pub(super) fn must_be_empty(&self, what: &str) {
        for cleaned in crate::observe::clean(Some(&self.directory)).expect("a directory") {
            assert!(matches!(cleaned.removed, Ok(true)), "{what}: {cleaned:?}");
        }
        let files: Vec<_> = std::fs::read_dir(&self.directory).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.is_empty(), "{what}: left behind: {files:?}");
        assert_eq!(self.descriptors(), 0, "{what}: descriptors of segments are left open");
    }

    /// Descriptors of this process for files in the directory, with or without a name. (Not all descriptors: other tests
    /// run beside this one.)
    pub(super) fn descriptors(&self) -> usize {
        let open = std::fs::read_dir("/proc/self/fd").expect("proc");
        open.filter_map(|fd| std::fs::read_link(fd.ok()?.path()).ok())
            .filter(|file| file.starts_with(&self.directory) && file != &self.directory)
            .count()
    }

    /// The inode under the name, if one is there.
    pub(super) fn inode(&self, name: &str) -> Option<u64> {
        use std::os::unix::fs::MetadataExt;
        Some(std::fs::metadata(self.directory.join(name)).ok()?.ino())
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

/// A word of a segment, read from its file.
pub(super) fn word(path: &Path, base: Base, name: &str) -> u64 {
    let field = FIELDS.iter().find(|field| field.base == base && field.name == name).expect("a field");
    let start = if base == Base::Producer { PRODUCER_OFFSET } else { CONSUMER_OFFSET };
    let mut bytes = [0; 8];
    let file = std::fs::File::open(path).expect("the segment");
    file.read_exact_at(&mut bytes[..field.bytes], start + field.offset as u64).expect("its pages");
    u64::from_le_bytes(bytes)
}

/// A child that is alive, and does nothing.
pub(super) struct Stopped(Child);

impl Stopped {
    /// Lets it complete its operation, and says what came of it. It is dead then.
    pub(super) fn go_on(mut self) -> String {
        let pid = nix::unistd::Pid::from_raw(self.0.id().try_into().expect("a pid"));
        nix::sys::signal::kill(pid, nix::sys::signal::SIGCONT).expect("a child");
        let mut said = String::new();
        self.0.stdout.take().expect("a pipe").read_to_string(&mut said).expect("what it said");
        assert_eq!(self.0.wait().expect("a child").signal(), Some(9), "{said}");
        said.lines().find_map(|line| line.strip_prefix("result ")).expect("a result").to_owned()
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
