//! What the controller asks of a process between two operations: to fork, to have no descriptor left, to make a channel where there is
//! no room.
//!
//! # Safety
//!
//! `fork` in a process with one thread; the child uses what it is to try, and ends with `_exit`.
#![allow(unsafe_code)]

use super::ends::{How, Rx, Tx};
use super::history::{Fate, Outcome, What};
use super::log::{Log, Word};
use super::plan::{Brief, Kind, Memory};
use nix::libc;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use ringway::{DisconnectReason, OpenError, Options, SegmentError, stream};
use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Errand {
    /// The child uses what it has inherited, while this process waits.
    Fork,
    /// The child lives for a while beside it, and then does.
    ForkAndGoOn,
    NoDescriptors,
    NoRoom,
}

impl Errand {
    pub(crate) const ALL: [Self; 4] = [Self::Fork, Self::ForkAndGoOn, Self::NoDescriptors, Self::NoRoom];
}

/// An end that a forked child has inherited.
pub(crate) trait Inherited {
    /// Uses it in some ways; whether each said that it was forked.
    fn says_forked(&mut self, log: &Log) -> bool;
}

impl Inherited for Tx {
    fn says_forked(&mut self, _: &Log) -> bool {
        let mut buffer = Vec::new();
        let forked = Outcome::Gone(Some(DisconnectReason::Forked));
        let ways = [What::TrySend, What::Send, What::SendTimeout];
        ways.into_iter().all(|what| self.send(what, 1, 20, &mut buffer) == forked)
            && self.wait_for_peer(Duration::from_secs(9)).is_err()
            && self.reason() == Some(DisconnectReason::Forked)
    }
}

impl Inherited for Rx {
    fn says_forked(&mut self, log: &Log) -> bool {
        let forked = Outcome::Gone(Some(DisconnectReason::Forked));
        // A log that is nobody's takes what would be written down.
        let slot = log.begin(What::None, 0, 0);
        let parting = super::ends::Parting { fate: Fate::Committed, after: Duration::ZERO };
        let ways = [What::TryRecv, What::Recv, What::RecvTimeout];
        ways.into_iter().all(|what| {
            self.receive(what, None, log, slot) == forked && self.receive(what, Some(parting), log, slot) == forked
        }) && self.wait_for_peer(Duration::from_secs(9)).is_err()
            && self.reason() == Some(DisconnectReason::Forked)
    }
}

fn forked(error: &std::io::Error) -> bool {
    stream::Ended::of(error).is_some_and(|ended| ended.reason == DisconnectReason::Forked)
}

impl Inherited for stream::Writer {
    fn says_forked(&mut self, _: &Log) -> bool {
        self.write(b"x").is_err_and(|error| forked(&error))
    }
}

impl Inherited for stream::Reader {
    fn says_forked(&mut self, _: &Log) -> bool {
        self.read(&mut [0]).is_err_and(|error| forked(&error))
    }
}

pub(crate) struct Errands<'a> {
    brief: &'a Brief,
    log: &'a Log,
    children: Vec<Pid>,
}

impl<'a> Errands<'a> {
    pub(crate) fn new(brief: &'a Brief, log: &'a Log) -> Self {
        Self { brief, log, children: Vec::new() }
    }

    /// Does what is asked for, if anything is.
    pub(crate) fn run<E: Inherited>(&mut self, end: &mut Option<E>) {
        let asked = self.log.get(Word::Errand);
        if asked == self.log.get(Word::ErrandDone) {
            return;
        }
        match Errand::ALL[(asked & 0xff) as usize] {
            Errand::Fork => self.fork(end, Duration::ZERO),
            Errand::ForkAndGoOn => self.fork(end, Duration::from_millis(30)),
            Errand::NoDescriptors => self.no_descriptors(),
            Errand::NoRoom => self.no_room(),
        }
        self.log.set(Word::ErrandDone, asked);
    }

    fn fork<E: Inherited>(&mut self, end: &mut Option<E>, after: Duration) {
        self.log.add(Word::ForksBegun, 1);
        let scratch = self.brief.places.logs.join(format!("fork.{}", self.brief.life));
        // SAFETY: this process has one thread.
        match unsafe { fork() }.expect("a fork") {
            ForkResult::Child => {
                std::thread::sleep(after);
                let asked = catch_unwind(AssertUnwindSafe(|| {
                    let scratch = Log::open(&scratch);
                    end.take().is_some_and(|mut end| end.says_forked(&scratch))
                }));
                let is_well = asked.unwrap_or(false);
                let _ = std::fs::remove_file(&scratch);
                self.log.add(Word::ForksWrong, u64::from(!is_well));
                self.log.add(Word::ForksEnded, 1);
                // SAFETY: ends the process without running anything.
                unsafe { libc::_exit(0) }
            }
            ForkResult::Parent { child } if after.is_zero() => self.bury(waitpid(child, None)),
            ForkResult::Parent { child } => self.children.push(child),
        }
        for child in std::mem::take(&mut self.children) {
            match waitpid(child, Some(WaitPidFlag::WNOHANG)) {
                Ok(WaitStatus::StillAlive) => self.children.push(child),
                status => self.bury(status),
            }
        }
    }

    /// A child is over; one that did not come to its end has not said whether it was told.
    fn bury(&self, status: nix::Result<WaitStatus>) {
        let is_well = matches!(status, Ok(WaitStatus::Exited(_, 0)));
        if !is_well {
            eprintln!("a forked child ended with {status:?}");
        }
        self.log.add(Word::ForksWrong, u64::from(!is_well));
    }

    /// Another channel, which is made and gone.
    fn another(&self) -> Result<(), OpenError> {
        let mut setting = self.brief.setting.clone();
        if setting.case.kind == Kind::Stream {
            setting.case.kind = Kind::Spsc;
        }
        setting.is_persistent = false;
        let options: Options = setting.options(&self.brief.places, 0);
        let name = format!("another.{}", self.brief.life);
        Tx::make(setting.case.kind, How::Create, &name, &options).map(drop)
    }

    fn no_descriptors(&self) {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
        setrlimit(Resource::RLIMIT_NOFILE, 0, hard).expect("a limit");
        let refused = self.another();
        setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("a limit");
        let is_told = match &refused {
            Err(OpenError::Segment(SegmentError::Io { source, .. })) => {
                source.raw_os_error() == Some(nix::errno::Errno::EMFILE as i32)
            }
            _ => false,
        };
        self.judge(is_told, "no descriptors", &refused);
    }

    /// The file system may be full, or on its way there or back: a channel is made, or there is no room for it.
    fn no_room(&self) {
        if !matches!(self.brief.setting.case.memory, Memory::Shm | Memory::SystemV) {
            return;
        }
        let made = self.another();
        let is_told = made.is_ok() || made.as_ref().is_err_and(|error| error.is_no_space());
        self.judge(is_told, "no room", &made);
    }

    fn judge(&self, is_told: bool, what: &str, found: &Result<(), OpenError>) {
        if !is_told {
            eprintln!("{what}: {found:?}");
        }
        self.log.add(if is_told { Word::Told } else { Word::Untold }, 1);
    }

    /// Waits for the children that are left.
    pub(crate) fn finish(self) {
        self.children.iter().for_each(|child| self.bury(waitpid(*child, None)));
    }
}
