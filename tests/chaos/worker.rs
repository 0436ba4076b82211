//! A process that sends or receives in every way there is, until it is told to stop, or is killed.

use super::ends::{How, NAME, Parting, Rx, Tx};
use super::errands::Errands;
use super::history::{Fate, Outcome, What};
use super::log::{self, Log, Slot, Word};
use super::message;
use super::plan::{Brief, Job, Kind, Memory};
use super::support::Random;
use super::{clock, control, streams};
use nix::sys::signal::Signal;
use ringway::{Backing, OpenError, Options};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;

/// In a worker's environment: its brief.
pub(crate) const BRIEF: &str = "RINGWAY_CHAOS_BRIEF";
/// Messages that a sender sends in its life as fast as it can. Then it is slow, but goes on: who waits for a message at the other end
/// leaves only when one comes, and its successor comes only then.
const MOST: u64 = 1 << 13;
const SLOWLY: Duration = Duration::from_millis(2);
/// How long it waits for somebody at the other end before it looks what it is to do.
const LOOK: Duration = Duration::from_millis(5);

pub(crate) fn main(brief: &str) -> ExitCode {
    // Nobody outlives the controller.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    let brief: Brief = serde_json::from_str(brief).expect("a brief");
    clock::go_ahead(brief.ahead);
    log::set_ahead((brief.ahead * 1_000_000_000) as u64);
    let log = Log::open(&brief.places.log(brief.life));
    match (brief.job, brief.setting.case.kind) {
        (Job::Control, _) => control::run(&log),
        (Job::Send, Kind::Stream) => streams::write(&brief, &log),
        (Job::Receive, Kind::Stream) => streams::read(&brief, &log),
        (Job::Send, _) => Worker::new(&brief, &log).send(),
        (Job::Receive, _) => Worker::new(&brief, &log).receive(),
    }
    ExitCode::SUCCESS
}

/// How this process comes to the channel.
pub(crate) fn way_in(brief: &Brief, strategy: u64) -> (How, Options) {
    let options = brief.setting.options(&brief.places, strategy);
    match (brief.setting.case.memory, brief.descriptor) {
        (Memory::Memfd, Some(number)) => {
            (How::Open, options.backing(Backing::inherited(number).expect("an inherited descriptor")))
        }
        (Memory::Memfd, None) => (How::Create, options),
        _ => (How::Either, options),
    }
}

struct Worker<'a> {
    brief: &'a Brief,
    log: &'a Log,
    random: Random,
    errands: Errands<'a>,
    /// What is kept open until the controller has it.
    descriptor: Option<OwnedFd>,
}

impl<'a> Worker<'a> {
    fn new(brief: &'a Brief, log: &'a Log) -> Self {
        let random = Random::with(brief.seed);
        Self { brief, log, random, errands: Errands::new(brief, log), descriptor: None }
    }

    /// Opens an end. What has no room is tried again: somebody will make some.
    fn open<E>(&mut self, make: impl Fn(How, &Options) -> Result<E, OpenError>) -> E {
        let strategy = self.random.below(10);
        loop {
            let (how, options) = way_in(self.brief, strategy);
            match make(how, &options) {
                Ok(end) => return end,
                Err(error) if error.is_no_space() => {
                    self.log.add(Word::Told, 1);
                    std::thread::sleep(Duration::from_micros(500));
                }
                Err(error) => panic!("no end: {error} ({error:?})"),
            }
        }
    }

    fn here(&mut self, descriptor: impl FnOnce() -> Result<OwnedFd, OpenError>) {
        if self.brief.setting.case.memory == Memory::Memfd && self.brief.descriptor.is_none() {
            let descriptor = descriptor().expect("a channel without a name has a descriptor");
            self.log.set(Word::Descriptor, descriptor.as_raw_fd() as u64 + 1);
            self.descriptor = Some(descriptor);
        }
        self.log.set(Word::Here, log::now());
    }

    fn is_stopped(&self) -> bool {
        self.log.get(Word::Stop) != 0
    }

    /// Now and then the next operation comes later.
    fn pause(&mut self) {
        let pace = self.brief.setting.pace;
        if pace > 0 && self.random.below(pace) == 0 {
            std::thread::sleep(Duration::from_micros(self.random.below(800)));
        }
    }

    fn send(mut self) {
        let kind = self.brief.setting.case.kind;
        let mut tx = Some(self.open(|how, options| Tx::make(kind, how, NAME, options)));
        self.here(|| tx.as_ref().expect("an end").descriptor());
        let (mut next, mut buffer, mut again) = (1, Vec::new(), None);
        while !self.is_stopped() {
            self.errands.run(&mut tx);
            if self.log.is_full() {
                std::thread::sleep(Duration::from_micros(500));
                continue;
            }
            if next > MOST {
                std::thread::sleep(SLOWLY);
            }
            let end = tx.as_mut().expect("an end");
            let before = next;
            let outcome = self.send_some(end, &mut next, &mut buffer, &mut again);
            match outcome {
                Outcome::Gone(_) => _ = end.wait_for_peer(LOOK),
                Outcome::Strange => panic!("message {before}: a strange error"),
                _ => {}
            }
            self.pause();
        }
        self.leave(tx);
    }

    /// Sends the next message, or some. What had no room is tried again under the same number; in a crowded log, in the same place.
    fn send_some(&mut self, tx: &mut Tx, next: &mut u64, buffer: &mut Vec<u8>, again: &mut Option<Slot>) -> Outcome {
        let what = self.way_to_send();
        let life = self.brief.life;
        let count = if what == What::SendMany { 1 + self.random.below(7) } else { 1 };
        let len = match self.brief.setting.case.kind {
            Kind::Bytes | Kind::ManyBytes => Some(self.brief.setting.len(&mut self.random)),
            _ => None,
        };
        // Into which a message may be written, and too short a one may not: nobody could tell whose it is.
        let (first, name) = (super::history::id(life, *next), message::name(life, *next, len));
        let slot = match again.take() {
            Some(slot) => {
                self.log.begin_again(slot, what, count, name);
                slot
            }
            None => self.log.begin(what, count, name),
        };
        let (outcome, done) = match what {
            What::SendMany => tx.send_many(first, count),
            _ => {
                let outcome = tx.send(what, first, len.unwrap_or(0), buffer);
                (outcome, u64::from(outcome == Outcome::Done))
            }
        };
        self.log.end(slot, outcome, done);
        if outcome == Outcome::NotNow {
            *again = self.log.is_crowded().then_some(slot);
        } else {
            *next += count;
        }
        outcome
    }

    fn way_to_send(&mut self) -> What {
        let ways: &[What] = match self.brief.setting.case.kind {
            Kind::Spsc | Kind::Mpmc => {
                &[What::Send, What::Send, What::Send, What::TrySend, What::SendTimeout, What::SendMany]
            }
            Kind::Bytes => &[What::Send, What::Send, What::Send, What::TrySend, What::SendTimeout, What::Writer],
            _ => &[
                What::Send,
                What::Send,
                What::Send,
                What::TrySend,
                What::SendTimeout,
                What::Writer,
                What::Loan,
                What::SendWith,
            ],
        };
        ways[self.random.below(ways.len() as u64) as usize]
    }

    fn receive(mut self) {
        let kind = self.brief.setting.case.kind;
        let mut rx = Some(self.open(|how, options| Rx::make(kind, how, NAME, options)));
        self.log.set(Word::Here, log::now());
        let mut again = None;
        loop {
            self.errands.run(&mut rx);
            let drains = self.log.get(Word::Drain) != 0;
            if self.is_stopped() && !drains {
                break;
            }
            if self.log.is_full() && !drains {
                std::thread::sleep(Duration::from_micros(500));
                continue;
            }
            let end = rx.as_mut().expect("an end");
            match self.receive_one(end, &mut again) {
                Outcome::Gone(_) if drains => {
                    let (left, in_hand) = end.left();
                    self.log.set(Word::Left, left as u64);
                    self.log.set(Word::InHand, in_hand as u64);
                    break;
                }
                Outcome::Gone(_) => _ = end.wait_for_peer(LOOK),
                Outcome::Strange => panic!("a strange error: {:?}", end.reason()),
                _ => {}
            }
            self.pause();
        }
        self.leave(rx);
    }

    fn receive_one(&mut self, rx: &mut Rx, again: &mut Option<Slot>) -> Outcome {
        let what = [What::Recv, What::Recv, What::TryRecv, What::RecvTimeout][self.random.below(4) as usize];
        let parting = self.brief.setting.is_at_least_once.then(|| Parting {
            fate: if self.random.below(30) == 0 { Fate::Returned } else { Fate::Committed },
            after: Duration::from_micros(if self.random.below(40) == 0 { self.random.below(1000) } else { 0 }),
        });
        let slot = match again.take() {
            Some(slot) => {
                self.log.begin_again(slot, what, 1, 0);
                slot
            }
            None => self.log.begin(what, 1, 0),
        };
        let outcome = rx.receive(what, parting, self.log, slot);
        if matches!(outcome, Outcome::NotNow | Outcome::TimedOut) && self.log.is_crowded() {
            *again = Some(slot);
        }
        outcome
    }

    fn leave<E>(self, end: E) {
        self.log.set(Word::LeaveBegun, log::now());
        drop(end);
        self.log.set(Word::LeaveEnded, log::now());
        self.errands.finish();
    }
}
