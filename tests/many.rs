//! Nobody's death stops the rest: many processes that are killed or stopped at random, at any instruction, one at a time or
//! all at once, and started again. What was sent arrives once, or again and marked; the others go on; nothing is left.
//!
//! Each thread writes down what it has sent and received, with one store each to a file of its own that survives it.
//! `RINGWAY_KILLS` and `RINGWAY_ROUNDS` make it longer, `RINGWAY_STOP_MS` the one long stop; `RINGWAY_SEED` repeats the
//! choices.

mod support;

#[path = "many/crew.rs"]
mod crew;
#[path = "many/ledger.rs"]
mod ledger;
#[path = "many/log.rs"]
mod log;

use crew::{Job, Message, NAME, THREADS, checked, links_into, log_path, message};
use ledger::Ledger;
use log::{Entry, Fate, Log};
use nix::sys::signal::Signal;
use ringway::mpmc::{Receiver, Sender};
use ringway::{OpenError, Options, TryRecvError, observe};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};
use support::{Child, Dir, Random, hear, number, role, tell};

/// Nobody stands still so much longer than one who needs nobody, however slow the machine.
const STILL: Duration = Duration::from_secs(10);

/// A process at work, or dead and not yet read.
struct Worker {
    child: Child,
    job: Job,
    id: u64,
    logs: Vec<Log>,
}

/// A round: a channel, and those who use it.
struct Crew<'a> {
    test: &'a str,
    dir: &'a Dir,
    logs: &'a Dir,
    random: Random,
    environment: Vec<(&'static str, String)>,
    /// One of the same priority that needs nobody.
    control: Child,
    workers: Vec<Worker>,
    dying: Vec<Worker>,
    ledger: Ledger,
    next: u64,
    /// The longest time between two operations of a worker's, for each job.
    stall: BTreeMap<&'static str, Duration>,
    /// Time that nobody is to blame for.
    excused: Duration,
    died: u64,
}

impl<'a> Crew<'a> {
    fn new(test: &'a str, dir: &'a Dir, logs: &'a Dir, random: Random) -> Self {
        let environment = vec![("LOGS", logs.path().display().to_string())];
        Self {
            control: Child::start_with(test, "control", dir, &environment),
            test,
            dir,
            logs,
            random,
            environment,
            workers: Vec::new(),
            dying: Vec::new(),
            ledger: Ledger::default(),
            next: 1,
            stall: BTreeMap::new(),
            excused: Duration::ZERO,
            died: 0,
        }
    }

    fn start(&mut self, job: Job) -> Worker {
        let id = self.next;
        self.next += THREADS;
        let logs = (id..id + THREADS).map(|id| Log::open(&log_path(self.logs.path(), id))).collect();
        let mut environment = self.environment.clone();
        environment.push(("WORKER", id.to_string()));
        environment.push(("SEED", self.random.next().to_string()));
        environment.push(("STRATEGY", self.random.below(8).to_string()));
        Worker { child: Child::start_with(self.test, job.name(), self.dir, &environment), job, id, logs }
    }

    fn start_all(&mut self) {
        for job in Job::ALL {
            let worker = self.start(job);
            self.workers.push(worker);
        }
    }

    fn until_all_are_here(&self) {
        support::until("all workers are here", || {
            self.workers.iter().all(|worker| worker.logs.iter().all(Log::is_here))
        });
    }

    /// Kills one, and puts another into its place.
    fn kill(&mut self, at: usize) {
        let worker = &mut self.workers[at];
        assert!(!worker.child.has_ended(), "{} {} gave up", worker.job.name(), worker.id);
        worker.child.kill_now();
        let next = self.start(self.workers[at].job);
        let dead = std::mem::replace(&mut self.workers[at], next);
        self.dying.push(dead);
        self.reap(false);
    }

    fn kill_all(&mut self) {
        for worker in &mut self.workers {
            assert!(!worker.child.has_ended(), "{} {} gave up", worker.job.name(), worker.id);
            worker.child.kill_now();
        }
        self.dying.append(&mut self.workers);
    }

    /// Reads the logs of those who are dead; of all who are to be, if `waits`.
    fn reap(&mut self, waits: bool) {
        let mut at = 0;
        while at < self.dying.len() {
            if !waits && !self.dying[at].child.has_ended() {
                at += 1;
                continue;
            }
            let mut worker = self.dying.swap_remove(at);
            worker.child.rest();
            support::until("a killed worker ends", || worker.child.has_ended());
            self.died += 1;
            self.ledger.may_be_lost += THREADS * worker.job.may_lose();
            self.ledger.may_be_late += THREADS * worker.job.may_leave();
            self.read(&worker);
        }
    }

    fn read(&mut self, worker: &Worker) {
        for (log, id) in worker.logs.iter().zip(worker.id..) {
            match worker.job {
                Job::Send => self.ledger.sender(id, log),
                _ => self.ledger.receiver(id, log),
            }
            let stall = self.stall.entry(worker.job.name()).or_default();
            *stall = (*stall).max(Duration::from_nanos(log.stall_ns()));
            std::fs::remove_file(log_path(self.logs.path(), id)).expect("a log");
        }
    }

    /// Everybody who is there goes on: each thread sends or receives something.
    fn until_all_have_moved(&self) {
        let done = |worker: &Worker| worker.logs.iter().map(Log::done).collect::<Vec<_>>();
        let before: Vec<_> = self.workers.iter().map(done).collect();
        for (worker, before) in self.workers.iter().zip(before) {
            support::until(&format!("{} {} goes on", worker.job.name(), worker.id), || {
                worker.logs.iter().zip(&before).all(|(log, before)| log.done() > *before)
            });
        }
    }

    /// Everybody stops: the senders first, then, when nobody sends any more, those who have received the rest. What nobody
    /// has received is received here.
    fn finish(mut self, tx: Sender<Message>, rx: &Receiver<Message>) -> Ledger {
        self.reap(true);
        let workers = std::mem::take(&mut self.workers);
        let (senders, receivers) = workers.into_iter().partition(|worker| worker.job == Job::Send);
        self.stop(senders);
        drop(tx);
        self.stop(receivers);
        while let Ok(guard) = rx.recv_ref() {
            let (sender, number) = checked(*guard);
            let (attempt, position) = (guard.attempt(), guard.position());
            self.ledger.delivery(0, Entry { sender, number, attempt, position, fate: Fate::Committed });
            self.ledger.marked += u64::from(attempt > 1);
            guard.commit();
        }
        self.ledger.may_be_late += self.ledger.returned;
        self.check_stalls();
        assert_eq!(self.logs.files(), Vec::<String>::new());
        self.ledger
    }

    /// Nobody stood still for long, beside one who needs nobody.
    fn check_stalls(&mut self) {
        let path = log_path(self.logs.path(), 0);
        let log = Log::open(&path);
        log.stop();
        self.control.expect("done");
        self.control.tell("end");
        let control = Duration::from_nanos(log.stall_ns());
        eprintln!("  longest stalls {:?}, of the control {control:?}", self.stall);
        let excused = STILL + control + self.excused;
        assert!(self.stall.values().all(|stall| *stall < excused), "a survivor stood still");
        std::fs::remove_file(path).expect("a log");
    }

    fn stop(&mut self, workers: Vec<Worker>) {
        for worker in &workers {
            worker.logs.iter().for_each(Log::stop);
        }
        for mut worker in workers {
            worker.child.expect("done");
            self.read(&worker);
            worker.child.tell("end");
            worker.child.succeed();
        }
    }
}

/// What the tables of a channel may still hold when only `members` of this process are left.
#[derive(Debug, Clone, Copy)]
struct Sizes {
    capacity: usize,
    members: usize,
    operations: usize,
    in_hand: usize,
}

impl Sizes {
    fn options(self, dir: &Dir) -> Options {
        let Self { capacity, members, operations, in_hand } = self;
        dir.options().capacity(capacity).members(members).operations(operations).in_hand(in_hand)
    }
}

/// Words in a table of the segment's that say that somebody has the entry: of records and of hands. (The layout is
/// `src/layout/tables.rs`: two pages, then 128 bytes a member or record; from the next page on two words and a message a hand.)
fn leased(path: &Path, sizes: Sizes) -> [usize; 2] {
    let bytes = std::fs::read(path).expect("the segment");
    let records = 2 * 4096 + 128 * sizes.members;
    let hands = (records + 128 * sizes.operations).next_multiple_of(4096);
    let hand = (16 + size_of::<Message>()).next_multiple_of(128);
    assert!(hand > 128 && bytes.len() > hands + hand * sizes.in_hand);
    let is_leased = |at: usize| bytes[at..][..8] != [0; 8];
    [
        (0..sizes.operations).filter(|index| is_leased(records + 128 * index)).count(),
        (0..sizes.in_hand).filter(|index| is_leased(hands + hand * index)).count(),
    ]
}

/// Nothing of the dead's is left: no message, no record, no hand, no place among the members. `rx` is the only end anywhere.
fn nothing_is_left(dir: &Dir, rx: Receiver<Message>, sizes: Sizes) {
    assert_eq!((rx.sender_count(), rx.receiver_count()), (0, 1));
    assert_eq!((rx.len(), rx.in_hand(), rx.stats().dropped), (0, 0, 0));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    let path = rx.path().expect("a file").to_owned();
    let [records, hands] = leased(&path, sizes);
    assert!(records <= 1 && hands == 0, "{records} records and {hands} hands are leased, and this thread keeps one");
    // As many members as there can be.
    let others: Vec<_> =
        (1..sizes.members).map(|_| Sender::<Message>::open_with(NAME, &dir.options()).unwrap()).collect();
    let more = Sender::<Message>::open_with(NAME, &dir.options());
    assert!(matches!(more, Err(OpenError::TooManyMembers { .. })), "{more:?}");
    let tx = others[0].clone();
    drop(others);
    // As many hands.
    let mut held = Vec::new();
    for number in 0..sizes.in_hand as u64 {
        tx.try_send(message(0, number)).unwrap();
        held.push(rx.try_recv_ref().unwrap());
    }
    tx.try_send(message(0, 9)).unwrap();
    assert!(rx.try_recv_ref().unwrap_err().is_empty());
    assert_eq!(rx.recv(), Ok(message(0, 9)));
    held.into_iter().for_each(ringway::mpmc::Guard::commit);
    // And as many operations: each of these threads keeps its record until all have one.
    let barrier = Barrier::new(sizes.operations);
    std::thread::scope(|scope| {
        for number in 0..sizes.operations as u64 {
            let (tx, rx, barrier) = (&tx, &rx, &barrier);
            scope.spawn(move || {
                tx.send(message(0, number)).unwrap();
                rx.recv().unwrap();
                barrier.wait();
            });
        }
    });
    assert_eq!((rx.len(), rx.in_hand()), (0, 0));
    drop((tx, rx));
    assert_eq!(links_into(dir), Vec::<std::path::PathBuf>::new());
}

fn round(test: &str, random: &mut Random, kills: u64) -> u64 {
    let (dir, logs) = (Dir::new(), Dir::new());
    let sizes = Sizes {
        capacity: [1, 2, 7, 64, 1024][random.below(5) as usize],
        members: 24,
        operations: [6, 20, 64][random.below(3) as usize],
        in_hand: [4, 64][random.below(2) as usize],
    };
    // Never sends: somebody who is there, so that the channel is the same one all the time.
    let tx = Sender::<Message>::create_with(NAME, &sizes.options(&dir)).unwrap();
    let mut crew = Crew::new(test, &dir, &logs, random.clone());
    random.next();
    let began = Instant::now();
    crew.start_all();
    crew.until_all_are_here();
    let mut killed = 0;
    while killed < kills {
        std::thread::sleep(Duration::from_micros(crew.random.below(6000)));
        let many = if crew.random.below(10) == 0 { 2 } else { 1 };
        for _ in 0..many {
            let victim = crew.random.below(crew.workers.len() as u64) as usize;
            crew.kill(victim);
            killed += 1;
        }
    }
    crew.until_all_are_here();
    crew.reap(true);
    crew.until_all_have_moved();
    assert_eq!((tx.sender_count() as u64, tx.receiver_count() as u64), (1 + 3 * THREADS, 5 * THREADS));
    let took = began.elapsed();
    eprintln!("{sizes:?}: {killed} kills in {took:?}");
    end(&dir, crew, tx, sizes);
    killed
}

/// Everybody stops; what they wrote down is added up, and nothing is left of anybody.
fn end(dir: &Dir, crew: Crew<'_>, tx: Sender<Message>, sizes: Sizes) -> Ledger {
    let rx = Receiver::<Message>::open_with(NAME, &dir.options()).unwrap();
    let mut ledger = crew.finish(tx, &rx);
    let empty = empty_positions(dir, &rx, &ledger);
    ledger.check();
    eprintln!(
        "  sent {}, in doubt {}, received {}, marked {}, given back {}, late {} of {}, in hand of the killed {}, lost {} of {}, \
         positions of tombstones and of the lost {empty}",
        ledger.sent(),
        ledger.in_doubt,
        ledger.received,
        ledger.marked,
        ledger.returned,
        ledger.late,
        ledger.may_be_late,
        ledger.unknown,
        ledger.lost,
        ledger.may_be_lost
    );
    assert!(ledger.received > 0, "nothing went through: this shows nothing");
    assert!(empty >= ledger.lost);
    ledger.empty = empty;
    let path = rx.path().expect("a file").to_owned();
    nothing_is_left(dir, rx, sizes);
    if path.exists() {
        // It is persistent.
        observe::remove(NAME, Some(dir.path())).unwrap();
    }
    assert!(dir.files().is_empty(), "{:?}", dir.files());
    ledger
}

/// Positions that no message came from.
fn empty_positions(dir: &Dir, rx: &Receiver<Message>, ledger: &Ledger) -> u64 {
    let tx = Sender::<Message>::open_with(NAME, &dir.options()).unwrap();
    tx.send(message(0, 0)).unwrap();
    let guard = rx.recv_ref().unwrap();
    let position = guard.position();
    guard.commit();
    position - ledger.arrived()
}

/// Fault 39.
#[test]
fn whoever_is_killed_the_others_go_on_and_what_was_sent_arrives_once_or_marked() {
    if let Some(role) = role() {
        assert!(crew::is_worker(&role, &Dir::new()));
        return;
    }
    let mut random = Random::new();
    let kills = number("RINGWAY_KILLS", 40);
    for _ in 0..number("RINGWAY_ROUNDS", 2) {
        round(&here!(), &mut random, kills);
    }
}

/// All of them at once, again and again: a persistent channel keeps what was sent and committed.
/// Fault 42.
#[test]
fn when_all_are_killed_at_once_a_persistent_channel_keeps_what_was_sent() {
    if let Some(role) = role() {
        assert!(crew::is_worker(&role, &Dir::new()));
        return;
    }
    let (dir, logs) = (Dir::new(), Dir::new());
    let sizes = Sizes { capacity: 64, members: 24, operations: 40, in_hand: 30 };
    let test = here!();
    let mut crew = Crew::new(&test, &dir, &logs, Random::new());
    crew.environment.push(("PERSISTENT", "1".to_owned()));
    drop(Sender::<Message>::create_with(NAME, &sizes.options(&dir).persistent(true)).unwrap());
    let waves = number("RINGWAY_KILLS", 40) / 10 + 1;
    for _ in 0..waves {
        crew.start_all();
        if crew.random.below(4) > 0 {
            crew.until_all_are_here();
            crew.until_all_have_moved();
        }
        std::thread::sleep(Duration::from_micros(crew.random.below(10_000)));
        crew.kill_all();
        // The next come while the last are on their way out; or behind them.
        if crew.random.below(2) == 0 {
            crew.reap(true);
            let seen = observe::stat(NAME, Some(dir.path()));
            assert!(seen.is_ok_and(|seen| !seen.is_in_use));
        }
    }
    crew.start_all();
    crew.until_all_are_here();
    crew.until_all_have_moved();
    let tx = Sender::<Message>::open_with(NAME, &dir.options().persistent(true)).unwrap();
    eprintln!("{sizes:?}: all were killed at once, {waves} times");
    end(&dir, crew, tx, sizes);
}

/// All of them at once: an ephemeral channel is another one afterwards, whoever comes.
/// Fault 42.
#[test]
fn when_all_are_killed_at_once_an_ephemeral_channel_is_no_more() {
    let dir = Dir::new();
    if let Some(role) = role() {
        let tx = Sender::<Message>::open_or_create_with(NAME, &dir.patient().capacity(9)).unwrap();
        let rx = Receiver::<Message>::open_or_create_with(NAME, &dir.patient().capacity(9)).unwrap();
        tell(format_args!("{:x?}", tx.instance_id()));
        let held = (role == "holder").then(|| {
            tx.send(message(1, 1)).unwrap();
            rx.recv_ref().unwrap()
        });
        tell("here");
        hear();
        drop(held);
        loop {
            tx.send(message(2, 2)).unwrap();
            rx.recv().unwrap();
        }
    }
    let mut last = String::new();
    for round in 0..4 {
        let mut children: Vec<_> =
            ["holder", "other", "other", "holder"].map(|role| Child::start(&here!(), role, &dir)).into();
        let instances: Vec<_> = children.iter_mut().map(Child::hear).collect();
        assert!(instances.iter().all(|instance| *instance == instances[0] && *instance != last), "{instances:?}");
        last = instances[0].clone();
        for child in &mut children {
            child.expect("here");
        }
        children[1].tell("go");
        children[2].tell("go");
        for child in &mut children {
            child.kill_now();
        }
        if round % 2 == 0 {
            children.into_iter().for_each(Child::kill);
            assert_eq!(dir.files(), [NAME]);
            assert!(Receiver::<Message>::open_with(NAME, &dir.options()).unwrap_err().is_not_found());
        }
    }
    let rx = support::in_time("a receiver of what nobody has", {
        let options = dir.patient();
        move || Receiver::<Message>::create_with(NAME, &options).unwrap()
    });
    assert_ne!(format!("{:x?}", rx.instance_id()), last);
    assert_eq!((rx.len(), rx.in_hand(), rx.disconnect_reason()), (0, 0, None));
    drop(rx);
    assert!(dir.files().is_empty());
}

/// Short stops at random moments, and many: nobody is taken for dead, so nothing is lost, or comes again, or is passed over.
/// Fault 45.
#[test]
fn whoever_is_stopped_at_random_is_alive() {
    if let Some(role) = role() {
        assert!(crew::is_worker(&role, &Dir::new()));
        return;
    }
    let (dir, logs) = (Dir::new(), Dir::new());
    let sizes = Sizes { capacity: 16, members: 24, operations: 40, in_hand: 30 };
    let tx = Sender::<Message>::create_with(NAME, &sizes.options(&dir)).unwrap();
    let test = here!();
    let mut crew = Crew::new(&test, &dir, &logs, Random::new());
    crew.environment.push(("RETURNS", "0".to_owned()));
    crew.start_all();
    crew.until_all_are_here();
    let stops = number("RINGWAY_KILLS", 40);
    let long = Duration::from_millis(number("RINGWAY_STOP_MS", 1000));
    crew.excused = long;
    let done = |crew: &Crew<'_>| -> u64 { crew.workers.iter().flat_map(|worker| &worker.logs).map(Log::done).sum() };
    let mut still = 0;
    for stop in 0..stops {
        let victim = crew.random.below(crew.workers.len() as u64) as usize;
        crew.workers[victim].child.signal(Signal::SIGSTOP);
        let before = done(&crew);
        // One long one; and the others shorter than anybody's patience, or longer.
        let time = if stop == 0 { long } else { Duration::from_micros(1000 + crew.random.below(8000)) };
        std::thread::sleep(time);
        assert_eq!((tx.sender_count() as u64, tx.receiver_count() as u64), (1 + 3 * THREADS, 5 * THREADS));
        still += u64::from(done(&crew) == before);
        crew.workers[victim].child.signal(Signal::SIGCONT);
        std::thread::sleep(Duration::from_micros(crew.random.below(2000)));
    }
    crew.until_all_have_moved();
    eprintln!("{sizes:?}: {stops} stops, of which {still} stopped all");
    let ledger = end(&dir, crew, tx, sizes);
    assert_eq!((ledger.lost, ledger.marked, ledger.unknown, ledger.late), (0, 0, 0, 0));
    assert_eq!(ledger.empty, 0, "nobody's position was made a tombstone");
}
