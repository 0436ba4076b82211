//! Scenes, and what is done to their victims.
//!
//! A new kind of channel is one more file with a `scenes()`: see `spsc_sender.rs`.

use super::puppet::{Over, Puppet};
use super::support::{self, Dir};
use super::walk::Walk;
use ringway::{Options, WaitStrategy, observe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) const NAME: &str = "channel";
/// How often the same state is tried for, if a victim goes another way: a clock is read again, an allocation calls the kernel.
const TRIES: usize = 5;

/// So many instructions before and behind a change are close to it: between two changes all find the same, and of four states in a row survivors look in each of their ways.
const CLOSE: usize = 4;
/// Of the instructions of an operation that is sampled, one of so many.
const STRIDE: usize = 101;
/// Who waits among many asks so often who is alive.
const SLICE: Duration = Duration::from_millis(1);

/// How far a victim has got, as its survivor finds it: numbers that only grow while the operation goes on.
pub(crate) type Progress = [u64; 2];

/// Whether victims are killed at every instruction of every scene that goes through a ring, and those scenes run, too, whose steps
/// others have: it takes long. (Who comes, leaves, recovers or takes away is killed at every call and in every image: see [`Points`].)
pub(crate) fn everywhere() -> bool {
    support::number("RINGWAY_STEP_ALL", 0) > 0
}

/// Which states of an operation a victim is killed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Points {
    /// All.
    EveryInstruction,
    /// A little before and behind each change of the segment, and at the end.
    CloseToChanges,
    /// The same, and each entry to and exit from the kernel: of one who recovers. Of two instructions between which neither the segment
    /// changes nor the kernel is called nobody can tell which was the last.
    CloseToChangesAndCalls,
    /// The same, and now and then between them.
    Sampled,
    /// Each entry to and exit from the kernel, and on both sides of each change of the segment: of one who comes or leaves. Random bytes,
    /// addresses and numbers of files, which are others each time, decide how many instructions there are between; nobody else sees
    /// those.
    CallsAndChanges,
    /// Each entry to and exit from the kernel, of an operation that does not map the segment: nothing else changes anything. It is not
    /// walked through, so it need not have the same number of instructions each time.
    Calls,
}

impl Points {
    /// Whether these become all instructions when victims are killed everywhere.
    fn grows(self) -> bool {
        !matches!(self, Self::CallsAndChanges | Self::CloseToChangesAndCalls | Self::Calls)
    }

    /// Whether a victim is killed at each entry to and exit from the kernel, too.
    fn has_calls(self) -> bool {
        match self {
            Self::CallsAndChanges | Self::Calls => true,
            Self::CloseToChangesAndCalls => everywhere(),
            _ => false,
        }
    }
}

/// How a victim ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fate {
    /// The operation was over.
    pub(crate) is_complete: bool,
    /// The state; another one each time.
    pub(crate) state: usize,
}

/// One operation, what comes before it, and what must hold when the process that performs it is killed or stands still.
pub(crate) trait Scene {
    /// What this process holds besides the victim.
    type Survivor;

    fn name(&self) -> String;

    fn capacity(&self) -> usize;

    fn points(&self) -> Points {
        Points::EveryInstruction
    }

    /// Whether the operation maps the segment; then it is walked through from there on. Before that only calls of the
    /// kernel change anything.
    fn maps(&self) -> bool {
        false
    }

    /// Before the victim is there.
    fn survive(&self, place: &Place) -> Self::Survivor;

    /// In the victim's process: prepares, and ends in [`act`](super::puppet::act).
    fn play(&self, place: &Place);

    /// The victim is about to perform the operation.
    fn settle(&self, _place: &Place, _survivor: &mut Self::Survivor) {}

    /// The victim is about to sleep: gives it what it waits for.
    fn relieve(&self, _survivor: &mut Self::Survivor) {
        panic!("the victim sleeps, and nobody was to relieve it");
    }

    /// Whether the victim is also made to stand still.
    fn freezes(&self) -> bool {
        true
    }

    /// The victim stands still: gets on without it, as far as is documented, and takes nothing over.
    fn meanwhile(&self, place: &Place, survivor: &mut Self::Survivor);

    /// The victim stood still, has gone on, and rests, alive: whether all can be used by the others.
    fn afterwards(&self, _place: &Place, _survivor: &mut Self::Survivor) {}

    /// The victim is dead: checks all that it left, and that the next pair can use it. How far the victim got.
    fn bury(&self, place: &Place, survivor: Self::Survivor, fate: Fate) -> Progress;

    /// How far a victim has got that has done nothing, and one that has done all.
    fn range(&self) -> [Progress; 2];

    /// Whether one that stood still and goes on is relieved wherever it sleeps.
    fn relieves_on_the_way(&self) -> bool {
        false
    }

    /// Victims have been killed in all states: whether all was met that can be.
    fn close(&self) {}
}

/// A directory of this process's own, with one channel.
#[derive(Debug)]
pub(crate) struct Place {
    dir: Dir,
    capacity: usize,
    descriptors: usize,
}

impl Place {
    pub(crate) fn new(capacity: usize) -> Self {
        let dir = Dir::new();
        Self { dir, capacity, descriptors: support::descriptors() }
    }

    /// On small rings each message has a frame to itself: then there are as many places as messages fit, and one that is
    /// written too early is one that is still read. On a ring of 4 frames are of a line, and hold two.
    pub(crate) fn options(&self) -> Options {
        let frame = if self.capacity < 4 { 32 } else { 64 };
        self.dir.options().capacity(self.capacity).frame_bytes(frame).wait(WaitStrategy::Sleep)
    }

    /// A many-to-many channel that has hardly more of anything than a scene needs, so that what is lost is missed.
    pub(crate) fn many(&self) -> Options {
        let options = self.dir.options().capacity(self.capacity).wait(WaitStrategy::Sleep).slice(SLICE);
        options.members(4).operations(4).in_hand(2)
    }

    /// A many-to-many channel of bytes with two lanes of a page, in chunks so small that a round is few instructions.
    pub(crate) fn lanes(&self) -> Options {
        self.many().lanes(2, 4096).annexes(0).chunk_bytes(64)
    }

    pub(crate) fn directory(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.dir.path().join(NAME)
    }

    /// Whoever is attached is alive, so nothing is cleaned away.
    pub(crate) fn nothing_can_be_cleaned(&self) {
        for cleaned in observe::clean(Some(self.dir.path())).expect("a directory") {
            assert!(matches!(cleaned.removed, Ok(false)), "{cleaned:?}");
        }
    }

    /// All ends are gone: no file is there, and no descriptor.
    fn must_be_empty(&self) {
        assert_eq!(self.dir.files(), [""; 0], "left behind");
        assert_eq!(support::descriptors(), self.descriptors, "descriptors are left open");
    }
}

/// What was done in a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) instructions: usize,
    pub(crate) changes: usize,
    pub(crate) kills: usize,
    pub(crate) freezes: usize,
    /// Victims that went another way than the first, and were replaced.
    pub(crate) strays: usize,
    pub(crate) time: Duration,
}

/// A scene that can be run.
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) run: Box<dyn Fn() -> Report>,
}

impl Entry {
    pub(crate) fn new(scene: impl Scene + 'static) -> Self {
        Self { name: scene.name(), run: Box::new(move || Stage::new(&scene).run()) }
    }
}

struct Stage<'a, S> {
    scene: &'a S,
    place: Place,
    walk: Walk,
    kills: usize,
    freezes: usize,
    strays: usize,
    start: Instant,
}

impl<'a, S: Scene> Stage<'a, S> {
    /// Walks through the operation once.
    fn new(scene: &'a S) -> Self {
        let start = Instant::now();
        let place = Place::new(scene.capacity());
        let (mut puppet, mut survivor) = begin(scene, &place);
        let walk = match scene.points() {
            Points::Calls => Walk::of_ends(&mut puppet),
            _ => Walk::record(&mut puppet, scene.maps(), place.path(), || scene.relieve(&mut survivor)),
        };
        puppet.kill();
        scene.bury(&place, survivor, Fate { is_complete: true, state: walk.last() });
        place.must_be_empty();
        Self { scene, place, walk, kills: 0, freezes: 0, strays: 0, start }
    }

    fn run(mut self) -> Report {
        self.kill_in_every_state();
        if self.scene.maps() || self.scene.points().has_calls() {
            self.kill_at_every_call();
        }
        if self.scene.freezes() {
            self.freeze_in_every_image();
        }
        self.scene.close();
        Report {
            instructions: self.walk.last(),
            changes: self.walk.changes.len(),
            kills: self.kills,
            freezes: self.freezes,
            strays: self.strays,
            time: self.start.elapsed(),
        }
    }

    /// The changes of the segment that count: in the middle of a long copy they are all alike, and nobody has been told of any.
    fn changes(&self) -> Vec<usize> {
        if everywhere() { self.walk.changes.clone() } else { self.walk.changes_but_of_copies() }
    }

    /// The states to be killed in; the first and the last are always among them.
    fn states(&self) -> Vec<usize> {
        let last = self.walk.last();
        let mut borders = self.changes();
        borders.push(last);
        let mut states: Vec<usize> = match self.scene.points() {
            points if everywhere() && points.grows() => (0..=last).collect(),
            Points::EveryInstruction => (0..=last).collect(),
            Points::CloseToChanges | Points::CloseToChangesAndCalls => {
                borders.iter().flat_map(|border| border.saturating_sub(CLOSE)..border + CLOSE).collect()
            }
            Points::Sampled => {
                let close = borders.iter().flat_map(|border| border.saturating_sub(CLOSE)..border + CLOSE);
                close.chain((0..last).step_by(STRIDE)).collect()
            }
            Points::CallsAndChanges => borders.iter().flat_map(|state| [state - 1, *state, state + 1]).collect(),
            Points::Calls => Vec::new(),
        };
        states.extend([0, last]);
        states.retain(|state| *state <= last);
        states.sort_unstable();
        states.dedup();
        states
    }

    fn kill_in_every_state(&mut self) {
        let mut before = None;
        for state in self.states() {
            let (puppet, survivor) = self.bring_to(state);
            puppet.kill();
            let is_complete = state == self.walk.last();
            before = Some(self.bury(survivor, Fate { is_complete, state }, before));
        }
    }

    /// A little more than the states: the kernel is entered, and the call is not yet performed, or just has been.
    fn kill_at_every_call(&mut self) {
        let mut before = None;
        let may_sleep = !self.walk.relieved.is_empty();
        for stops in 1.. {
            let (mut puppet, mut survivor) = begin(self.scene, &self.place);
            let result: Result<(), Over> = (0..stops).try_for_each(|_| {
                puppet.next_call()?;
                if may_sleep && puppet.enters_to_sleep() {
                    self.scene.relieve(&mut survivor);
                }
                Ok(())
            });
            puppet.kill();
            let is_complete = result.is_err();
            before = Some(self.bury(survivor, Fate { is_complete, state: stops }, before));
            if is_complete {
                // An entry and an exit each. One that sleeps does so as often as it pleases; and one that is walked through is slow, and
                // may ask once more than this one who is alive.
                assert!(may_sleep || stops > self.walk.calls.len(), "far fewer calls than instructions that call");
                return;
            }
        }
    }

    fn bury(&mut self, survivor: S::Survivor, fate: Fate, before: Option<Progress>) -> Progress {
        let progress = context(fate.state, || {
            let progress = self.scene.bury(&self.place, survivor, fate);
            self.place.must_be_empty();
            progress
        });
        let [least, most] = self.scene.range();
        let before = before.unwrap_or(least);
        let grows = |before: &Progress, now: &Progress| before.iter().zip(now).all(|(before, now)| before <= now);
        assert!(grows(&before, &progress), "state {}: {before:?}, then {progress:?}", fate.state);
        assert!(grows(&progress, &most), "state {}: {progress:?}, of {most:?}", fate.state);
        assert!(!fate.is_complete || progress == most, "done, and not all is there: {progress:?}");
        self.kills += 1;
        progress
    }

    /// In each different image the victim stands still; then it goes on, and all is well.
    fn freeze_in_every_image(&mut self) {
        let mut states = vec![0];
        states.extend(self.changes());
        states.push(self.walk.last());
        states.dedup();
        for state in states {
            let (mut puppet, mut survivor) = self.bring_to(state);
            context(state, || {
                self.scene.meanwhile(&self.place, &mut survivor);
                match state < self.walk.last() {
                    true if self.scene.relieves_on_the_way() => {
                        puppet.complete_with(|| self.scene.relieve(&mut survivor));
                    }
                    true => puppet.complete(),
                    false => {}
                }
                self.scene.afterwards(&self.place, &mut survivor);
                puppet.judge();
                let progress = self.scene.bury(&self.place, survivor, Fate { is_complete: true, state });
                assert_eq!(progress, self.scene.range()[1], "it went on, and not all is there");
                self.place.must_be_empty();
            });
            self.freezes += 1;
        }
    }

    /// A victim in that state.
    fn bring_to(&mut self, state: usize) -> (Puppet, S::Survivor) {
        for attempt in 0..TRIES {
            let (mut puppet, mut survivor) = begin(self.scene, &self.place);
            match self.walk.take(&mut puppet, state, attempt, || self.scene.relieve(&mut survivor)) {
                Ok(()) => return (puppet, survivor),
                Err(Over) => {
                    self.strays += 1;
                    puppet.kill();
                    let _ = self.scene.bury(&self.place, survivor, Fate { is_complete: false, state });
                    self.place.must_be_empty();
                }
            }
        }
        panic!("no victim comes to state {state} of {}: the operation is not the same each time", self.walk.last());
    }
}

/// A victim that stands at its first mark, and who survives it.
fn begin<S: Scene>(scene: &S, place: &Place) -> (Puppet, S::Survivor) {
    let mut survivor = scene.survive(place);
    let puppet = Puppet::start(|| scene.play(place));
    scene.settle(place, &mut survivor);
    (puppet, survivor)
}

/// Says in which state of the victim a check has failed.
fn context<R>(state: usize, check: impl FnOnce() -> R) -> R {
    struct Told(usize);
    impl Drop for Told {
        fn drop(&mut self) {
            if std::thread::panicking() {
                eprintln!("the victim's state was {}", self.0);
            }
        }
    }
    let told = Told(state);
    let result = check();
    drop(told);
    result
}
