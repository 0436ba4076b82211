//! Workers: processes of two threads each that send or receive as fast as they can, in every way there is, until they are
//! told to stop, or are killed.

use super::log::Log;
use super::support::{self, Dir, Random, number, tell};
use ringway::mpmc::{Guard, Receiver, Sender};
use ringway::{DisconnectReason, Options, WaitStrategy};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::{Duration, Instant};

pub(crate) const NAME: &str = "channel";
/// Threads of each process, with a log and an end of their own each.
pub(crate) const THREADS: u64 = 2;
/// Messages that are sent, or received, at a time at most.
pub(crate) const BATCH: usize = 7;
/// Messages that a worker has in hand at most.
pub(crate) const HELD: usize = 3;

/// Sender and number, again and again, so that half a message is none; long, so that a death in the middle is not rare.
pub(crate) type Message = [u64; 64];

pub(crate) fn message(sender: u64, number: u64) -> Message {
    std::array::from_fn(|at| if at % 2 == 0 { sender } else { number ^ (at as u64 >> 1) })
}

/// Who sent it, and as which of its messages.
pub(crate) fn checked(found: Message) -> (u64, u64) {
    let [sender, number, ..] = found;
    assert!(found == message(sender, number), "message {number} of {sender} is not whole: {found:?}");
    (sender, number)
}

/// What a worker does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Job {
    Send,
    Receive,
    ReceiveMany,
    ReceiveRef,
}

impl Job {
    pub(crate) const ALL: [Self; 8] = [
        Self::Send,
        Self::Send,
        Self::Send,
        Self::Receive,
        Self::Receive,
        Self::ReceiveMany,
        Self::ReceiveRef,
        Self::ReceiveRef,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::ReceiveMany => "receive many",
            Self::ReceiveRef => "receive ref",
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|job| job.name() == name)
    }

    /// Messages that one of its threads may have taken, and not written down, at any time.
    pub(crate) fn may_lose(self) -> u64 {
        match self {
            Self::Send | Self::ReceiveRef => 0,
            Self::Receive => 1,
            Self::ReceiveMany => BATCH as u64,
        }
    }

    /// Messages that one of its threads leaves for others at most when it is killed.
    pub(crate) fn may_leave(self) -> u64 {
        match self {
            Self::Send => 0,
            Self::Receive => 1,
            Self::ReceiveMany => BATCH as u64,
            Self::ReceiveRef => 1 + HELD as u64,
        }
    }
}

/// Where the log of a worker lies.
pub(crate) fn log_path(logs: &std::path::Path, worker: u64) -> PathBuf {
    logs.join(format!("log.{worker}"))
}

/// If this is a worker, what it does.
pub(crate) fn is_worker(role: &str, dir: &Dir) -> bool {
    let logs = PathBuf::from(std::env::var_os("LOGS").expect("where the logs are"));
    let first = number("WORKER", 0);
    if role == "control" {
        control(&Log::open(&log_path(&logs, first)));
        tell("done");
        support::hear();
        return true;
    }
    let Some(job) = Job::named(role) else { return false };
    let options = dir
        .patient()
        .persistent(number("PERSISTENT", 0) == 1)
        .slice(Duration::from_millis(number("SLICE_MS", 5)))
        .wait(strategy(number("STRATEGY", 0)));
    std::thread::scope(|scope| {
        for worker in first..first + THREADS {
            let (log, options) = (Log::open(&log_path(&logs, worker)), options.clone());
            let mut worker = Worker::new(worker, log);
            scope.spawn(move || match job {
                Job::Send => worker.send(&options),
                Job::Receive => worker.receive(&options),
                Job::ReceiveMany => worker.receive_many(&options),
                Job::ReceiveRef => worker.receive_ref(&options),
            });
        }
    });
    assert_eq!(links_into(dir), Vec::<PathBuf>::new(), "descriptors are left");
    tell("done");
    support::hear();
    true
}

/// Open descriptors of files in this directory.
pub(crate) fn links_into(dir: &Dir) -> Vec<PathBuf> {
    let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc");
    let links = descriptors.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    // A file that has lost its name is "... (deleted)".
    links.filter(|link| link.starts_with(dir.path())).collect()
}

fn strategy(number: u64) -> WaitStrategy {
    match number {
        0..=3 => WaitStrategy::Sleep,
        4..=6 => WaitStrategy::SpinThenSleep(Duration::from_micros(20)),
        _ => WaitStrategy::Spin,
    }
}

/// What a process of the same priority sees that needs nobody.
fn control(log: &Log) {
    log.set_here();
    let mut last = Instant::now();
    while !log.is_stopped() {
        let now = Instant::now();
        log.step(u64::try_from((now - last).as_nanos()).expect("a short time"));
        last = now;
    }
}

struct Worker {
    id: u64,
    log: Log,
    random: Random,
    last: Option<Instant>,
    may_return: bool,
    pace: u64,
}

impl Worker {
    fn new(id: u64, log: Log) -> Self {
        let random = Random::with(number("SEED", 1).wrapping_add(id << 1));
        Self { id, log, random, last: None, may_return: number("RETURNS", 1) == 1, pace: number("PACE", 60) }
    }

    /// An operation is finished; now and then the next one comes later.
    fn step(&mut self) {
        let now = Instant::now();
        let stall = self.last.replace(now).map_or(Duration::ZERO, |last| now - last);
        self.log.step(u64::try_from(stall.as_nanos()).expect("a short time"));
        if self.random.below(self.pace) == 0 {
            std::thread::sleep(Duration::from_micros(self.random.below(500)));
            self.last = Some(Instant::now());
        }
    }

    fn send(&mut self, options: &Options) {
        let tx = Sender::<Message>::open_with(NAME, options).expect("a sender");
        self.log.set_here();
        let mut next = 1;
        while !self.log.is_stopped() {
            let sent = match self.random.below(8) {
                kind @ 0..=3 => self.send_one(&tx, next, kind),
                _ => {
                    let batch = 1 + self.random.below(BATCH as u64);
                    self.send_batch(&tx, next, batch)
                }
            };
            next += sent;
            self.log.sent_up_to(next - 1);
            self.step();
        }
    }

    /// Sends a message in one of the ways that there are for one; how many were sent: none when told to stop.
    fn send_one(&mut self, tx: &Sender<Message>, next: u64, kind: u64) -> u64 {
        let message = message(self.id, next);
        self.log.try_up_to(next);
        loop {
            let is_sent = match kind {
                0 => tx.try_send(message).is_ok(),
                1 => tx.send_timeout(message, Duration::from_micros(300)).is_ok(),
                _ => tx.send(message).is_ok(),
            };
            if is_sent {
                return 1;
            }
            if self.log.is_stopped() {
                return 0;
            }
            nobody_or_full(tx.disconnect_reason());
            let _ = tx.wait_for_peer(Duration::from_millis(1));
        }
    }

    fn send_batch(&mut self, tx: &Sender<Message>, next: u64, batch: u64) -> u64 {
        let messages: Vec<_> = (next..next + batch).map(|number| message(self.id, number)).collect();
        self.log.try_up_to(next + batch - 1);
        let mut sent = 0;
        loop {
            match tx.send_many(&messages[sent..]) {
                Ok(()) => return batch,
                Err(error) => sent += error.into_inner(),
            }
            if self.log.is_stopped() {
                return sent as u64;
            }
            nobody_or_full(tx.disconnect_reason());
            let _ = tx.wait_for_peer(Duration::from_millis(1));
        }
    }

    fn note(&self, message: Message, attempt: u32, position: u64) -> usize {
        let (sender, number) = checked(message);
        self.log.note(sender, number, attempt, position)
    }

    /// Nothing was received: whether to go on.
    fn goes_on(&self, rx: &Receiver<Message>) -> bool {
        let gone = rx.disconnect_reason();
        nobody_or_full(gone);
        if gone.is_some() && self.log.is_stopped() {
            return false;
        }
        let _ = rx.wait_for_peer(Duration::from_millis(1));
        true
    }

    /// With a log that is full no more is received.
    fn idle_if_full(&self) {
        while self.log.is_full() && !self.log.is_stopped() {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn receive(&mut self, options: &Options) {
        let rx = Receiver::<Message>::open_with(NAME, options).expect("a receiver");
        self.log.set_here();
        loop {
            let received = match self.random.below(4) {
                0 => rx.try_recv().ok(),
                1 => rx.recv_timeout(Duration::from_millis(1)).ok(),
                _ => rx.recv().ok(),
            };
            match received {
                Some(message) => _ = self.note(message, 0, 0),
                None if self.goes_on(&rx) => continue,
                None => return,
            }
            self.step();
            self.idle_if_full();
        }
    }

    fn receive_many(&mut self, options: &Options) {
        let rx = Receiver::<Message>::open_with(NAME, options).expect("a receiver");
        self.log.set_here();
        let mut messages = [message(0, 0); BATCH];
        loop {
            let room = 1 + self.random.below(BATCH as u64) as usize;
            let received = match self.random.below(4) {
                0 => rx.try_recv_many(&mut messages[..room]),
                _ => rx.recv_many(&mut messages[..room]),
            };
            match received {
                Ok(some @ 1..) => messages[..some].iter().for_each(|message| _ = self.note(*message, 0, 0)),
                _ if self.goes_on(&rx) => continue,
                _ => return,
            }
            self.step();
            self.idle_if_full();
        }
    }

    fn receive_ref(&mut self, options: &Options) {
        let rx = Receiver::<Message>::open_with(NAME, options).expect("a receiver");
        self.log.set_here();
        let mut held = VecDeque::new();
        loop {
            // Who waits with something in hand may wait for its own hand.
            let received = match self.random.below(4) {
                _ if !held.is_empty() => rx.try_recv_ref().ok(),
                0 => rx.try_recv_ref().ok(),
                1 => rx.recv_ref_timeout(Duration::from_millis(1)).ok(),
                _ => rx.recv_ref().ok(),
            };
            let is_something = received.is_some();
            if let Some(guard) = received {
                let entry = self.note(*guard, guard.attempt(), guard.position());
                assert_eq!(guard.is_redelivered(), guard.attempt() > 1);
                held.push_back((guard, entry));
            }
            // Who rests keeps no hand from others.
            if held.len() > self.random.below(HELD as u64) as usize || !is_something || self.log.is_full() {
                held.drain(..).for_each(|held| self.end(held));
            }
            if is_something {
                self.step();
                self.idle_if_full();
            } else if !self.goes_on(&rx) {
                return;
            }
        }
    }

    fn end(&mut self, (guard, entry): (Guard<'_, Message>, usize)) {
        if self.may_return && self.random.below(40) == 0 {
            self.log.returned(entry);
            drop(guard);
        } else {
            guard.commit();
            self.log.committed(entry);
        }
    }
}

/// Nothing but deaths keeps a worker from its work.
fn nobody_or_full(reason: Option<DisconnectReason>) {
    assert!(matches!(reason, None | Some(DisconnectReason::Died | DisconnectReason::Left)), "{reason:?}");
}
