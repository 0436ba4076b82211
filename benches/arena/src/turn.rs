//! One turn: a contestant's workers are started, watched, and heard.

use crate::board::Board;
use crate::contestant::{Ends, Failure};
use crate::entry::Entry;
use crate::interrupt;
use crate::many::total;
use crate::scratch::{Scratch, TurnDir};
use crate::task::{Part, Role, Said, Seen, Task, Work};
use crate::trace;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::{self, File};
use std::os::fd::{AsFd, FromRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What the other worker has when one has ended badly.
const GRACE: Duration = Duration::from_millis(500);
/// How long a signal to the arena can go unnoticed.
const LOOK: Duration = Duration::from_millis(100);

/// What is the same in all turns of a run.
#[derive(Debug)]
pub struct Stage {
    /// Where files lie.
    pub scratch: Scratch,
    /// Sender's and receiver's processor.
    pub cpus: [usize; 2],
    /// How long to look at the weather.
    pub weather_us: u64,
    /// A turn that takes longer than this hangs.
    pub patience: Duration,
}

/// What a turn is of.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Who.
    pub entry: &'a Entry,
    /// Their place in the list of all.
    pub index: usize,
    /// Bytes of a message.
    pub bytes: usize,
    /// Messages that a channel holds.
    pub capacity: usize,
    /// What.
    pub work: Work,
}

/// How a turn went.
#[derive(Debug)]
pub enum Ended {
    /// As it should.
    Done {
        /// What the sender has seen.
        sender: Box<Seen>,
        /// What the receiver has seen.
        receiver: Box<Seen>,
        /// The system calls of both, if they were counted.
        system_calls: u64,
    },
    /// It did not work.
    Failed(String),
    /// A message came that was not sent.
    Wrong(String),
}

/// A worker that runs; killed and waited for when this is dropped.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    end: OwnedFd,
    out: PathBuf,
    err: PathBuf,
    /// What became of it.
    pub ended: Option<String>,
}

impl Worker {
    fn start(task: &Task, dir: &TurnDir, name: &str) -> Result<Self, Failure> {
        let (out, err) = (dir.dir.join(name), dir.dir.join(format!("{name}.err")));
        let child = Command::new("/proc/self/exe")
            .args(["worker", &serde_json::to_string(task)?])
            .stdin(Stdio::null())
            .stdout(File::create(&out)?)
            .stderr(File::create(&err)?)
            .spawn()?;
        // SAFETY: a child that nobody has waited for; the descriptor is new and nobody else's.
        let end = unsafe {
            let descriptor = libc::syscall(libc::SYS_pidfd_open, child.id(), 0);
            OwnedFd::from_raw_fd(Errno::result(descriptor)? as i32)
        };
        Ok(Self { child, end, out, err, ended: None })
    }

    /// Its process.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
    }

    fn heard(&self) -> Said {
        // Its last line: contestants may have something to say, too.
        let said = fs::read_to_string(&self.out).map_err(Failure::from).and_then(|out| {
            let last = out.lines().next_back().unwrap_or_default();
            Ok(serde_json::from_str(last)?)
        });
        said.unwrap_or_else(|_: Failure| {
            let err = fs::read_to_string(&self.err).unwrap_or_default();
            let last = err.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it said nothing");
            Said::Failed(format!("{}: {last}", self.ended.as_deref().unwrap_or("it did not end")))
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.ended.is_none() {
            self.kill();
            let _ = self.child.wait();
        }
    }
}

impl Stage {
    /// One turn. `traced`: system calls are counted, and all else is slow.
    pub fn turn(&mut self, asked: Asked<'_>, traced: bool) -> Result<Ended, Failure> {
        let dir = self.scratch.turn()?;
        let board_path = dir.dir.join("board");
        let board = Board::create(&board_path)?;
        let task = |part| Task {
            entry: asked.index,
            part,
            parent: std::process::id() as i32,
            cpus: self.cpus,
            board: board_path.clone(),
            names: dir.names.clone(),
            dirs: dir.dirs.clone(),
            capacity: asked.capacity,
            bytes: asked.bytes,
            work: asked.work,
            idle: asked.entry.idle,
            weather_us: if traced { 0 } else { self.weather_us },
            traced,
        };
        let start = |part, name: &str| Worker::start(&task(part), &dir, name);
        let mut workers = Vec::new();
        for (part, name) in parts(asked.entry, &asked.work) {
            workers.push(start(part, &name)?);
        }
        let watched = if traced {
            trace::count(&mut workers, &board, self.patience)
        } else {
            watch(&mut workers, self.patience).map(|()| 0)
        };
        let ended = match watched {
            Ok(system_calls) => hear(&workers, &asked, system_calls),
            Err(Stopped::Hung) => Ended::Failed(format!("no end after {} s: killed", self.patience.as_secs())),
            Err(Stopped::Untraced(why)) => Ended::Failed(why),
            Err(Stopped::Interrupted) => Ended::Failed("interrupted".into()),
        };
        drop(workers);
        task(Part::All).places().for_each(|place| asked.entry.clean(&place));
        if interrupt::signal().is_some() {
            return Err("interrupted".into());
        }
        Ok(ended)
    }
}

/// The workers of a turn, receivers first.
fn parts(entry: &Entry, work: &Work) -> Vec<(Part, String)> {
    let roles = [(Role::Receiver, "receiver"), (Role::Sender, "sender")];
    let each = |sides: usize| {
        let each = move |(role, name)| (0..sides).map(move |n| (Part::OneOf(role, n), format!("{name}-{n}")));
        roles.into_iter().flat_map(each).collect()
    };
    match (entry.ends, *work) {
        (Ends::Threads, _) => vec![(Part::All, "all".to_owned())],
        (Ends::Processes, Work::Many { sides, .. }) => each(sides),
        (Ends::Processes, Work::Pairs { pairs, .. }) => each(pairs),
        (Ends::Processes, _) => {
            let two = roles.map(|(role, name)| (Part::One(role), name.to_owned()));
            two.into_iter().chain((0..entry.idle).map(|n| (Part::Idle(n), format!("idle-{n}")))).collect()
        }
    }
}

/// Why nobody watches any longer.
#[derive(Debug)]
pub enum Stopped {
    /// It took too long.
    Hung,
    /// The arena is to end.
    Interrupted,
    /// System calls cannot be counted here.
    Untraced(String),
}

/// Sleeps until all have ended. When one has ended badly, the others have little time left.
fn watch(workers: &mut [Worker], patience: Duration) -> Result<(), Stopped> {
    let mut until = Instant::now() + patience;
    loop {
        let running: Vec<usize> = (0..workers.len()).filter(|&n| workers[n].ended.is_none()).collect();
        if running.is_empty() {
            return Ok(());
        }
        if interrupt::signal().is_some() {
            return Err(Stopped::Interrupted);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            if running.len() == workers.len() {
                return Err(Stopped::Hung);
            }
            running.iter().for_each(|&n| workers[n].kill());
        }
        let mut fds: Vec<PollFd<'_>> =
            running.iter().map(|&n| PollFd::new(workers[n].end.as_fd(), PollFlags::POLLIN)).collect();
        let timeout = PollTimeout::try_from(left.min(LOOK).max(Duration::from_millis(1))).unwrap_or(PollTimeout::ZERO);
        // A signal, or nothing yet: the next look tells.
        let _ = poll(&mut fds, timeout);
        drop(fds);
        for n in running {
            let Ok(Some(status)) = workers[n].child.try_wait() else { continue };
            workers[n].ended = Some(status.to_string());
            if !status.success() {
                until = until.min(Instant::now() + GRACE);
            }
        }
    }
}

/// What the workers say. Of those that failed, the one is heard that tells more than that the other has.
fn hear(workers: &[Worker], asked: &Asked<'_>, system_calls: u64) -> Ended {
    let mut seen = Vec::new();
    let mut failures = Vec::new();
    for worker in workers {
        match worker.heard() {
            Said::Done(sides) => seen.push(sides),
            Said::Wrong(why) => return Ended::Wrong(why),
            Said::Failed(why) => failures.push(why),
        }
    }
    failures.sort_by_key(|why| why.contains("the other side has failed") || why.contains("SIGKILL"));
    if let Some(why) = failures.into_iter().next() {
        return Ended::Failed(why);
    }
    if let Work::Many { sides, messages, before, .. } = asked.work {
        return match total::of(seen.concat(), sides, before + messages) {
            Ok([sender, receiver]) => Ended::Done { sender: sender.into(), receiver: receiver.into(), system_calls },
            Err(why) => Ended::Wrong(why),
        };
    }
    if let Work::Pairs { pairs, .. } = asked.work {
        return match total::of_pairs(seen.concat(), pairs) {
            Ok([sender, receiver]) => Ended::Done { sender: sender.into(), receiver: receiver.into(), system_calls },
            Err(why) => Ended::Failed(why),
        };
    }
    if asked.entry.ends == Ends::Processes {
        // They were started in the other order.
        seen.reverse();
    }
    match <[Seen; 2]>::try_from(seen.concat()) {
        Ok([sender, receiver]) => Ended::Done { sender: sender.into(), receiver: receiver.into(), system_calls },
        Err(sides) => Ended::Failed(format!("{} sides were heard", sides.len())),
    }
}
