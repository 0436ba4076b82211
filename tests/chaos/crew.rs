//! The processes of an episode: starting, stopping and killing them, and what they have written down.

use super::errands::Errand;
use super::history::{Finding, Life, Role, id};
use super::log::{self, Log, Word};
use super::plan::{Brief, Job, Places, Setting};
use super::worker::BRIEF;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs::{self, File, OpenOptions};
use std::os::fd::AsRawFd;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Nothing takes so long, however slow the machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A process at work, or dead and not yet read.
pub(crate) struct Worker {
    pub(crate) life: Life,
    pub(crate) log: Log,
    process: Child,
    /// Descriptors and mappings when it was first looked at, and last.
    sizes: Option<([usize; 2], [usize; 2])>,
    errands: u64,
    pub(crate) is_elder: bool,
    is_stopped: bool,
    /// It was told to leave, and may have.
    pub(crate) is_leaving: bool,
}

pub(crate) struct Crew {
    setting: Setting,
    places: Places,
    next: u32,
    /// Those who are there, or on their way.
    pub(crate) workers: Vec<Worker>,
    /// Those who are dead, or have left.
    pub(crate) past: Vec<Worker>,
    /// Of a channel without a name.
    pub(crate) descriptor: Option<File>,
    pub(crate) control: Option<Worker>,
}

impl Crew {
    pub(crate) fn new(setting: &Setting, places: &Places) -> Self {
        Self {
            setting: setting.clone(),
            places: places.clone(),
            next: 1,
            workers: Vec::new(),
            past: Vec::new(),
            descriptor: None,
            control: None,
        }
    }

    /// Starts a process. One that may not leave a trace in the history is `Job::Control`.
    pub(crate) fn start(&mut self, job: Job, seed: u64, ahead: i64) -> Result<(), Finding> {
        let number = self.next;
        self.next += 1;
        let descriptor = self.descriptor.as_ref().map(|file| {
            fcntl(file, FcntlArg::F_SETFD(FdFlag::empty())).expect("a descriptor");
            file.as_raw_fd()
        });
        let brief = Brief {
            setting: self.setting.clone(),
            places: self.places.clone(),
            life: number,
            job,
            seed,
            descriptor,
            ahead,
        };
        let log = Log::open(&self.places.log(number));
        let said = File::create(self.places.words(number)).expect("a file");
        let started = log::now();
        let process = Command::new("/proc/self/exe")
            .env(BRIEF, serde_json::to_string(&brief).expect("text"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(said)
            .spawn()
            .map_err(|error| Finding::new("a process starts", error.to_string()))?;
        let role = if job == Job::Receive { Role::Receiver } else { Role::Sender };
        let life =
            Life { id: number, role, started, here: 0, left: None, killed: None, stops: Vec::new(), ops: Vec::new() };
        let worker = Worker {
            life,
            log,
            process,
            sizes: None,
            errands: 0,
            is_elder: false,
            is_stopped: false,
            is_leaving: false,
        };
        if job == Job::Control {
            self.control = Some(worker);
        } else {
            self.workers.push(worker);
        }
        Ok(())
    }

    /// Waits until all are there whom `which` names.
    pub(crate) fn until_here(&mut self, which: impl Fn(&Worker) -> bool) -> Result<(), Finding> {
        let give_up = Instant::now() + PATIENCE;
        loop {
            let Some(missing) = self.workers.iter_mut().find(|worker| which(worker) && !worker.is_here()) else {
                return Ok(());
            };
            missing.has_left(&self.places)?;
            if Instant::now() > give_up {
                return Err(missing.finding("whoever comes gets its end", "it never did"));
            }
            std::thread::sleep(Duration::from_micros(200));
        }
    }

    /// Takes the descriptor of a channel without a name from the one who makes it.
    pub(crate) fn until_descriptor(&mut self) -> Result<(), Finding> {
        self.until_here(|_| true)?;
        let maker = &self.workers[0];
        let number = maker.log.get(Word::Descriptor);
        let path = format!("/proc/{}/fd/{}", maker.process.id(), number.wrapping_sub(1));
        let file = OpenOptions::new().read(true).write(true).open(&path);
        self.descriptor = Some(file.map_err(|error| Finding::new("a channel has a descriptor", error.to_string()))?);
        Ok(())
    }

    /// `kill -9`; `waits` until the kernel has torn it down, which else may be still to come when others go on. `false`: it has just
    /// left.
    pub(crate) fn kill(&mut self, at: usize, waits: bool) -> Result<bool, Finding> {
        let mut worker = self.workers.remove(at);
        if worker.has_left(&self.places)? {
            self.past.push(worker);
            return Ok(false);
        }
        let before = log::now();
        worker.process.kill().expect("a child of ours");
        worker.life.killed = Some((before, u64::MAX));
        if waits {
            worker.bury();
        }
        self.past.push(worker);
        Ok(true)
    }

    /// Waits until the kernel is done with all who were killed.
    pub(crate) fn bury(&mut self) {
        self.past.iter_mut().for_each(Worker::bury);
    }

    /// Looks who of those who were killed is gone by now, and who of those who are to leave has left.
    pub(crate) fn reap(&mut self) -> Result<(), Finding> {
        for worker in self.past.iter_mut().filter(|worker| worker.is_dying()) {
            if worker.process.try_wait().expect("a child of ours").is_some() {
                worker.bury();
            }
        }
        let mut at = 0;
        while at < self.workers.len() {
            if self.workers[at].has_left(&self.places)? {
                let worker = self.workers.remove(at);
                self.past.push(worker);
            } else {
                at += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    /// Tells those to stop whom `which` names, and waits until they have left in good order.
    pub(crate) fn dismiss(&mut self, drains: bool, which: impl Fn(&Worker) -> bool) -> Result<(), Finding> {
        for worker in self.workers.iter_mut().filter(|worker| which(worker)) {
            worker.log.set(Word::Drain, u64::from(drains));
            worker.tell_to_leave();
        }
        let give_up = Instant::now() + PATIENCE;
        while let Some(at) = self.workers.iter().position(&which) {
            let worker = &mut self.workers[at];
            let Some(status) = worker.process.try_wait().expect("a child of ours") else {
                if Instant::now() > give_up {
                    return Err(worker.finding("whoever is told to leaves", "it hangs"));
                }
                worker.look();
                std::thread::sleep(Duration::from_micros(200));
                continue;
            };
            if !status.success() {
                return Err(worker.gave_up(&self.places, &status.to_string()));
            }
            let mut worker = self.workers.remove(at);
            worker.life.left = Some(worker.log.get(Word::LeaveBegun));
            self.past.push(worker);
        }
        Ok(())
    }

    /// Ends the control process; when the machine stood still, by what it saw.
    pub(crate) fn end_control(&mut self) -> Vec<(u64, u64)> {
        let Some(mut control) = self.control.take() else { return Vec::new() };
        control.log.set(Word::Stop, 1);
        let _ = control.process.wait();
        control.log.ops().iter().map(|op| (op.id, op.end)).collect()
    }

    /// Reads what all have written down, who write no more.
    pub(crate) fn lives(&mut self) -> Vec<Life> {
        let all = self.past.iter_mut().chain(&mut self.workers);
        let mut lives: Vec<Life> = all.map(Worker::read).collect();
        lives.sort_by_key(|life| life.id);
        lives
    }

    /// Kills all who are still there: for an episode that has failed.
    pub(crate) fn end(&mut self) {
        for worker in &mut self.workers {
            worker.life.killed.get_or_insert((log::now(), u64::MAX));
        }
        for worker in self.workers.iter_mut().chain(&mut self.control).chain(&mut self.past) {
            worker.bury();
        }
    }
}

impl Drop for Crew {
    fn drop(&mut self) {
        self.end();
    }
}

impl Worker {
    pub(crate) fn is_here(&self) -> bool {
        self.log.get(Word::Here) != 0
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.process.id()).expect("a pid"))
    }

    pub(crate) fn stop(&mut self) {
        self.life.stops.push((log::now(), u64::MAX));
        let _ = kill(self.pid(), Signal::SIGSTOP);
        self.is_stopped = true;
    }

    pub(crate) fn go_on(&mut self) {
        let _ = kill(self.pid(), Signal::SIGCONT);
        self.is_stopped = false;
        if let Some(stop) = self.life.stops.last_mut() {
            stop.1 = log::now();
        }
    }

    /// It is to leave when its operation is over.
    pub(crate) fn tell_to_leave(&mut self) {
        self.log.set(Word::Stop, 1);
        self.is_leaving = true;
    }

    /// Whether one that is to leave has, in good order. Nobody else ends by itself.
    fn has_left(&mut self, places: &Places) -> Result<bool, Finding> {
        match self.process.try_wait().expect("a child of ours") {
            None => Ok(false),
            Some(status) if self.is_leaving && status.success() => {
                self.life.left = Some(self.log.get(Word::LeaveBegun));
                Ok(true)
            }
            Some(status) => Err(self.gave_up(places, &status.to_string())),
        }
    }

    fn is_dying(&self) -> bool {
        self.life.killed.is_some_and(|(_, until)| until == u64::MAX)
    }

    pub(crate) fn ask(&mut self, errand: Errand) {
        self.errands += 1;
        self.log.set(Word::Errand, self.errands << 8 | errand as u64);
    }

    /// Looks how many descriptors and mappings it has.
    pub(crate) fn look(&mut self) {
        if !self.is_here() {
            return;
        }
        let of = |what: &str| format!("/proc/{}/{what}", self.process.id());
        let Ok(descriptors) = fs::read_dir(of("fd")) else { return };
        let Ok(maps) = fs::read_to_string(of("maps")) else { return };
        let now = [descriptors.count(), maps.lines().count()];
        if now[1] > 0 {
            self.sizes = Some((self.sizes.map_or(now, |(first, _)| first), now));
        }
    }

    /// How many more descriptors and mappings it has than at first.
    pub(crate) fn grown(&self) -> [usize; 2] {
        self.sizes.map_or([0, 0], |(first, last)| [0, 1].map(|at| last[at].saturating_sub(first[at])))
    }

    fn bury(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some((_, until)) = &mut self.life.killed {
            *until = log::now().min(*until);
        }
    }

    fn read(&mut self) -> Life {
        self.life.here = self.log.get(Word::Here);
        // Whoever was killed may have been about to leave.
        self.life.left = Some(self.log.get(Word::LeaveBegun)).filter(|at| *at > 0);
        self.life.ops = self.log.ops();
        self.life.clone()
    }

    fn gave_up(&self, places: &Places, status: &str) -> Finding {
        let said = fs::read_to_string(places.words(self.life.id)).unwrap_or_default();
        self.finding("nobody gives up", &format!("it ended with {status}, and said: {}", said.trim()))
    }

    fn finding(&self, rule: &'static str, what: &str) -> Finding {
        let role = if self.life.role == Role::Sender { "sender" } else { "receiver" };
        let text = format!("process {} ({role}): {what}", self.life.id);
        // Whatever it was doing is what it is about.
        let last = self.log.ops().last().map(|op| op.id);
        let finding = Finding::new(rule, text).of(&[self.life.id]);
        match last {
            Some(message) if message != id(0, 0) => finding.about(&[message]),
            _ => finding,
        }
    }
}
