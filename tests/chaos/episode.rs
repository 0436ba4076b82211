//! One episode: a channel, those who use it, and what is done to them, by a plan that follows from a seed.

use super::crew::{Crew, PATIENCE, Worker};
use super::ends::NAME;
use super::errands::Errand;
use super::history::{Finding, History, Life, Outcome, Role, Rules};
use super::log::Word;
use super::plan::{Job, Kind, Memory, Setting, Waiter};
use super::support::Random;
use super::surroundings::{Ballast, Surroundings};
use super::{check, check_time};
use std::time::{Duration, Instant};

/// What an episode counted.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) kills: u64,
    pub(crate) stops: u64,
    pub(crate) leaves: u64,
    pub(crate) forks: u64,
    pub(crate) errors_told: u64,
    pub(crate) full: u64,
    pub(crate) clocks: u64,
    pub(crate) sent: u64,
    pub(crate) in_doubt: u64,
    pub(crate) received: u64,
    pub(crate) marked: u64,
    pub(crate) may_be_lost: u64,
    /// ns.
    pub(crate) longest_wait: u64,
    /// ns, of the control process.
    pub(crate) longest_control: u64,
}

/// An episode that is over.
pub(crate) struct Over {
    pub(crate) counts: Counts,
    pub(crate) findings: Vec<Finding>,
    pub(crate) history: History,
}

struct Episode<'a> {
    setting: &'a Setting,
    around: &'a Surroundings,
    crew: Crew,
    random: Random,
    counts: Counts,
    /// Who is to go on, and when.
    stopped: Vec<(Instant, u32)>,
    ballast: Option<(Instant, Ballast)>,
}

/// Plays an episode with so many kills; if nobody is to be killed, so many other faults.
pub(crate) fn play(setting: &Setting, around: &Surroundings, kills: u64) -> Over {
    let mut episode = Episode {
        setting,
        around,
        crew: Crew::new(setting, &around.places()),
        random: Random::with(setting.seed ^ 0xfa17),
        counts: Counts::default(),
        stopped: Vec::new(),
        ballast: None,
    };
    let mut findings = Vec::new();
    let played = episode.start().and_then(|()| episode.faults(kills)).and_then(|()| episode.finish());
    findings.extend(played.err());
    let control = episode.crew.end_control();
    if findings.is_empty() {
        findings.extend(episode.left_behind());
    }
    episode.crew.end();
    let history = History { rules: rules(setting), lives: episode.crew.lives(), control };
    if findings.is_empty() {
        findings.extend(check::all(&history));
    }
    episode.count(&history);
    Over { counts: episode.counts, findings, history }
}

fn rules(setting: &Setting) -> Rules {
    let is_typed = matches!(setting.case.kind, Kind::Spsc | Kind::Mpmc);
    Rules {
        is_one_to_one: !setting.is_many(),
        is_at_least_once: setting.is_at_least_once,
        is_typed,
        capacity: is_typed.then_some(setting.capacity as u64),
        slice: setting.slice_ms * 1_000_000,
    }
}

impl Episode<'_> {
    fn start_one(&mut self, job: Job) -> Result<(), Finding> {
        let seed = self.random.next();
        let clock = self.random.below(16);
        let ahead = match clock {
            0 => 864_000,
            1 => -1,
            _ => 0,
        };
        let ahead = if self.around.clocks.is_ok() { ahead } else { 0 };
        self.counts.clocks += u64::from(ahead != 0);
        self.crew.start(job, seed, ahead)?;
        // The end of the only stream is the end of both.
        if let (true, Some(worker)) = (self.is_one_stream(), self.crew.workers.last_mut()) {
            worker.is_leaving = true;
        }
        Ok(())
    }

    fn start(&mut self) -> Result<(), Finding> {
        self.crew.start(Job::Control, 0, 0)?;
        let (senders, receivers) = (self.setting.senders, self.setting.receivers);
        self.start_one(Job::Send)?;
        if self.setting.case.memory == Memory::Memfd {
            // Who makes it has it alone until others can come.
            self.crew.until_descriptor()?;
        }
        for _ in 1..senders {
            self.start_one(Job::Send)?;
        }
        for _ in 0..receivers {
            self.start_one(Job::Receive)?;
        }
        if self.setting.has_elders {
            for at in [0, senders] {
                self.crew.workers[at].is_elder = true;
            }
        }
        // A stream's writer may have finished by then, if it is the only one.
        if self.setting.outlives_all() { Ok(()) } else { self.crew.until_here(|_| true) }
    }

    fn faults(&mut self, kills: u64) -> Result<(), Finding> {
        // A stream in a memfd is one, and ends with the first who is killed.
        let kills = if self.is_one_stream() { 1 } else { kills };
        let mut faults = 0;
        let give_up = Instant::now() + PATIENCE * 5;
        while if self.setting.has_kills() { self.counts.kills < kills } else { faults < 2 * kills } {
            self.rest()?;
            // The only stream is over.
            if self.is_one_stream() && self.crew.workers.len() < 2 {
                break;
            }
            self.fault()?;
            faults += 1;
            if Instant::now() > give_up {
                return Err(Finding::new("an episode comes to its end", "nobody could be killed any more"));
            }
        }
        Ok(())
    }

    fn is_one_stream(&self) -> bool {
        self.setting.is_stream() && self.setting.case.memory == Memory::Memfd
    }

    /// A moment without a new fault; what is to end in it does.
    fn rest(&mut self) -> Result<(), Finding> {
        let most = [600, 2500, 2500, 8000, 20_000][self.random.below(5) as usize];
        let until = Instant::now() + Duration::from_micros(300 + self.random.below(most));
        loop {
            self.due();
            self.crew.reap()?;
            let now = Instant::now();
            if now >= until {
                return Ok(());
            }
            std::thread::sleep((until - now).min(Duration::from_millis(1)));
        }
    }

    /// Lets those go on whose time is over.
    fn due(&mut self) {
        let now = Instant::now();
        let (due, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.stopped).into_iter().partition(|(at, _)| *at <= now);
        self.stopped = later;
        for (_, life) in due {
            if let Some(worker) = self.crew.workers.iter_mut().find(|worker| worker.life.id == life) {
                worker.go_on();
            }
        }
        self.ballast = self.ballast.take().filter(|(until, _)| *until > now);
    }

    fn fault(&mut self) -> Result<(), Finding> {
        let (kind, at) = (self.random.below(100), self.random.below(self.crew.workers.len().max(1) as u64) as usize);
        if at >= self.crew.workers.len() {
            return Ok(());
        }
        self.crew.workers[at].look();
        let kind = if self.setting.is_calm && kind < 60 { 60 + kind % 40 } else { kind };
        match kind {
            0..52 => return self.kill(at),
            52..60 => return self.leave(at),
            60..80 => self.stop(at),
            80..84 => self.errand(at, Errand::Fork),
            84..88 => self.errand(at, Errand::ForkAndGoOn),
            88..92 => self.errand(at, Errand::NoDescriptors),
            92..95 => self.errand(at, Errand::NoRoom),
            _ => {
                if let (None, Some(ballast)) = (&self.ballast, self.around.fill()) {
                    let until = Instant::now() + Duration::from_micros(self.random.below(30_000));
                    self.ballast = Some((until, ballast));
                    self.counts.full += 1;
                    self.errand(at, Errand::NoRoom);
                }
            }
        }
        Ok(())
    }

    /// Whether the channel is there, and its own, if this one goes at any instant.
    fn may_go(&self, at: usize) -> bool {
        let worker = &self.crew.workers[at];
        if worker.is_elder {
            return false;
        }
        if self.setting.outlives_all() || self.setting.has_elders {
            return true;
        }
        if self.is_one_stream() {
            return self.crew.workers.len() == 2 && self.crew.workers.iter().all(Worker::is_here);
        }
        let holds = |other: &Worker| {
            other.life.id != worker.life.id
                && other.life.role != worker.life.role
                && other.is_here()
                && !other.is_leaving
        };
        self.crew.workers.iter().any(holds)
    }

    fn kill(&mut self, at: usize) -> Result<(), Finding> {
        if !self.may_go(at) {
            return Ok(());
        }
        let waits = self.random.below(2) == 0;
        let job = job_of(&self.crew.workers[at]);
        let was_leaving = self.crew.workers[at].is_leaving;
        self.counts.kills += u64::from(self.crew.kill(at, waits)?);
        if was_leaving || self.is_one_stream() {
            return Ok(());
        }
        self.start_one(job)
    }

    fn leave(&mut self, at: usize) -> Result<(), Finding> {
        // One that waits for its predecessor's end could wait for its successor's instead, who is told to leave behind it.
        let is_in = self.crew.workers[at].is_here() && !self.crew.workers[at].is_leaving;
        if !self.may_go(at) || !is_in || self.is_one_stream() {
            return Ok(());
        }
        let job = job_of(&self.crew.workers[at]);
        self.crew.workers[at].tell_to_leave();
        self.counts.leaves += 1;
        self.start_one(job)
    }

    fn stop(&mut self, at: usize) {
        let time = match self.random.below(3) {
            0 => self.random.below(2000),
            1 => self.random.below(1000 * self.setting.slice_ms.min(60)),
            _ => self.random.below(3000 * self.setting.slice_ms.min(60)),
        };
        let worker = &mut self.crew.workers[at];
        if !worker.is_stopped() {
            worker.stop();
            self.stopped.push((Instant::now() + Duration::from_micros(time), worker.life.id));
            self.counts.stops += 1;
        }
    }

    fn errand(&mut self, at: usize, errand: Errand) {
        let worker = &mut self.crew.workers[at];
        if worker.is_here() {
            worker.ask(errand);
        }
    }

    /// All faults are over: the senders leave, then those who receive, and the last takes what is left.
    fn finish(&mut self) -> Result<(), Finding> {
        self.ballast = None;
        self.crew.workers.iter_mut().filter(|worker| worker.is_stopped()).for_each(Worker::go_on);
        self.crew.bury();
        if self.is_one_stream() {
            return self.crew.dismiss(false, |_| true);
        }
        self.crew.until_here(|worker| !worker.is_leaving)?;
        self.crew.workers.iter_mut().for_each(Worker::look);
        let is_stream = self.setting.is_stream();
        self.crew.dismiss(false, |worker| worker.life.role == Role::Sender)?;
        self.crew.dismiss(false, |worker| worker.is_leaving)?;
        if let Some(last) = self.crew.workers.last().map(|worker| worker.life.id) {
            self.crew.dismiss(false, |worker| worker.life.id != last)?;
            self.crew.dismiss(!is_stream, |worker| worker.life.id == last)?;
        }
        Ok(())
    }

    /// What should not be left of anything.
    fn left_behind(&mut self) -> Vec<Finding> {
        let mut findings = Vec::new();
        self.forks(&mut findings);
        let last = self.crew.past.iter().max_by_key(|worker| worker.log.get(Word::LeaveEnded));
        if let Some(last) = last.filter(|_| !self.setting.is_stream()) {
            let (left, in_hand) = (last.log.get(Word::Left), last.log.get(Word::InHand));
            if (left, in_hand) != (0, 0) {
                let text = format!("{left} messages are left when all were taken, and {in_hand} in hand");
                findings.push(Finding::new("what is gone leaves no trace", text).of(&[last.life.id]));
            }
        }
        for worker in &self.crew.past {
            let [descriptors, maps] = worker.grown();
            let (most, most_maps) = self.growth();
            if descriptors > most || maps > most_maps {
                let text = format!("process {} has {descriptors} descriptors and {maps} mappings more", worker.life.id);
                findings.push(Finding::new("nobody's death costs the others anything", text).of(&[worker.life.id]));
            }
            let untold = worker.log.get(Word::Untold);
            if untold > 0 {
                let said = std::fs::read_to_string(self.crew.places().words(worker.life.id)).unwrap_or_default();
                let text = format!("process {}: {}", worker.life.id, said.trim());
                findings.push(Finding::new("what is lacking is told", text).of(&[worker.life.id]));
            }
        }
        self.files(&mut findings);
        findings
    }

    /// How many descriptors and mappings a process may get by and by: its queues', and annexes.
    fn growth(&self) -> (usize, usize) {
        let queues = if self.setting.case.waiter == Waiter::MessageQueue { 64 } else { 0 };
        let annexes = if self.setting.case.kind == Kind::ManyBytes { 16 } else { 0 };
        (8 + queues, 16 + annexes)
    }

    fn forks(&mut self, findings: &mut Vec<Finding>) {
        let give_up = Instant::now() + Duration::from_secs(2);
        let sum = |word| self.crew.past.iter().map(|worker| worker.log.get(word)).sum::<u64>();
        // One that was killed when it was about to fork has begun what never ends.
        while sum(Word::ForksEnded) < sum(Word::ForksBegun) && Instant::now() < give_up {
            if !self.crew.past.iter().any(|worker| {
                worker.log.get(Word::ForksBegun) > worker.log.get(Word::ForksEnded) && worker.life.killed.is_none()
            }) {
                // Its child, if it has one, does not live for long.
                std::thread::sleep(Duration::from_millis(60));
                break;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.counts.forks = sum(Word::ForksEnded);
        self.counts.errors_told = sum(Word::Told);
        for worker in self.crew.past.iter().filter(|worker| worker.log.get(Word::ForksWrong) > 0) {
            let said = std::fs::read_to_string(self.crew.places().words(worker.life.id)).unwrap_or_default();
            let text = format!("a child of process {} was told something else: {}", worker.life.id, said.trim());
            findings.push(Finding::new("a forked child is told that it is one", text).of(&[worker.life.id]));
        }
    }

    /// The channel is sound, can be removed, and then nothing is there.
    fn files(&mut self, findings: &mut Vec<Finding>) {
        let places = self.around.places();
        if let (true, Some(directory)) = (self.setting.is_persistent, places.of_channel(self.setting.case.memory)) {
            match ringway::observe::inspect(NAME, Some(directory), 8) {
                Ok(seen) if seen.wrong().is_empty() => {}
                Ok(seen) => findings.push(Finding::new("an observer finds nothing wrong", seen.wrong().join("; "))),
                Err(error) => findings.push(Finding::new("what is persistent is there", error.to_string())),
            }
            if let Err(error) = ringway::observe::remove(NAME, Some(directory)) {
                findings.push(Finding::new("what nobody holds can be removed", error.to_string()));
            }
        }
        // A forked child's copies may be the last of a segment.
        let give_up = Instant::now() + Duration::from_secs(1);
        let mut left = self.around.left_over();
        while !left.is_empty() && Instant::now() < give_up {
            std::thread::sleep(Duration::from_millis(5));
            left = self.around.left_over();
        }
        if !left.is_empty() {
            findings.push(Finding::new("nothing is left behind", left.join(", ")));
        }
    }

    fn count(&mut self, history: &History) {
        let counts = &mut self.counts;
        let is_of = |role| history.lives.iter().filter(move |life: &&Life| life.role == role);
        for op in is_of(Role::Sender).flat_map(|life| &life.ops).filter(|op| op.what.is_send()) {
            counts.sent += op.done;
            counts.in_doubt += u64::from(matches!(op.outcome, Outcome::Unfinished | Outcome::Aborted));
        }
        for delivery in check::deliveries(history) {
            counts.received += 1;
            counts.marked += u64::from(delivery.op.is_marked());
        }
        if self.setting.is_stream() {
            let streams = |role| is_of(role).flat_map(|life| &life.ops);
            counts.sent = streams(Role::Sender).map(|op| op.position).sum();
            counts.received = streams(Role::Receiver).map(|op| op.position).sum();
        }
        counts.may_be_lost = check::may_be_lost(history);
        (counts.longest_wait, counts.longest_control) = check_time::longest(history);
    }
}

fn job_of(worker: &Worker) -> Job {
    if worker.life.role == Role::Sender { Job::Send } else { Job::Receive }
}
