//! The victim comes to a channel of any kind, in any memory, leaves it, takes it away, or only looks; it is killed at every call of the
//! kernel. See `spsc_doors.rs` and `mpmc_doors.rs` for what they do with others who are there.

use super::ends::{End, Kind, Side, Way, enter, pass};
use super::puppet::{Puppet, act};
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use nix::sched::{CloneFlags, unshare};
use ringway::{Backing, DisconnectReason, OpenError, Options, SegmentError, WaitStrategy, observe};
use std::cell::Cell;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Create(Side),
    OpenOrCreate,
    /// Somebody made it, and was killed.
    CreateOverStale,
    /// The other end is there.
    Open(Side),
    /// The other end stays.
    Leave(Side),
    LeaveLast,
    /// What is persistent, and nobody uses.
    Remove,
    /// Somebody made it, and was killed.
    Clean,
    /// The other end is there.
    Look,
}

/// Where the channel lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Memory {
    Shm,
    File,
    SystemV,
}

/// The message that is in a channel which somebody has left.
const LEFT: u8 = 7;

#[derive(Debug)]
struct Door {
    kind: Kind,
    memory: Memory,
    is_persistent: bool,
    what: What,
    /// Whether this process has System V segments of its own; `None`: it was not tried.
    has_own_segments: Cell<Option<bool>>,
}

/// Fault 2.
pub(crate) fn scenes() -> Vec<Entry> {
    use What::{Clean, Create, CreateOverStale, Leave, LeaveLast, Look, Open, OpenOrCreate, Remove};
    let on = |kind, memory, is_persistent, what| {
        Entry::new(Door { kind, memory, is_persistent, what, has_own_segments: Cell::default() })
    };
    let mut scenes = Vec::new();
    for kind in [Kind::Bytes, Kind::Lanes, Kind::Stream, Kind::Duplex] {
        let (source, sink) = (Side::Source, Side::Sink);
        let each = [Create(source), Create(sink), OpenOrCreate, Open(source), Open(sink), Leave(source), Leave(sink)];
        let both_sides_are_alike = kind == Kind::Duplex;
        let each = each.into_iter().filter(|what| {
            !(both_sides_are_alike && matches!(what, Create(Side::Sink) | Open(Side::Sink) | Leave(Side::Sink)))
        });
        scenes.extend(each.chain([LeaveLast, CreateOverStale, Clean]).map(|what| on(kind, Memory::Shm, false, what)));
    }
    for kind in [Kind::Spsc, Kind::Mpmc] {
        scenes.extend([Leave(Side::Source), Leave(Side::Sink), Clean].map(|what| on(kind, Memory::Shm, false, what)));
        let kept = [Create(Side::Source), OpenOrCreate, Open(Side::Sink), LeaveLast, Remove];
        scenes.extend(kept.map(|what| on(kind, Memory::Shm, true, what)));
    }
    for kind in [Kind::Bytes, Kind::Lanes] {
        scenes.extend([Create(Side::Source), LeaveLast, Remove].map(|what| on(kind, Memory::Shm, true, what)));
    }
    for memory in [Memory::File, Memory::SystemV] {
        let each = [Create(Side::Source), OpenOrCreate, CreateOverStale, Open(Side::Sink), LeaveLast, Clean, Look];
        scenes.extend(each.map(|what| on(Kind::Spsc, memory, false, what)));
    }
    scenes.extend([Create(Side::Source), Remove].map(|what| on(Kind::Spsc, Memory::SystemV, true, what)));
    scenes.extend([Kind::Spsc, Kind::Lanes].map(|kind| on(kind, Memory::Shm, false, Look)));
    scenes
}

impl Door {
    fn options(&self, place: &Place) -> Options {
        let options = match self.kind {
            Kind::Mpmc => place.many(),
            Kind::Lanes => place.lanes(),
            _ => place.options(),
        };
        let options = options.persistent(self.is_persistent);
        match self.memory {
            Memory::Shm => options,
            Memory::File => {
                let options = Options::new().capacity(self.capacity()).wait(WaitStrategy::Sleep);
                options.backing(Backing::File(place.directory().to_path_buf()))
            }
            Memory::SystemV => options.backing(Backing::SystemV),
        }
    }

    fn enter(&self, place: &Place, side: Side, way: Way) -> Box<dyn End> {
        enter(self.kind, side, way, &self.options(place)).unwrap_or_else(|error| panic!("{way:?} {side:?}: {error}"))
    }

    /// Which end the survivor has.
    fn survives(&self) -> Option<Side> {
        match self.what {
            What::Open(side) | What::Leave(side) => Some(side.other()),
            What::Look => Some(Side::Source),
            _ => None,
        }
    }

    fn makes(&self) -> bool {
        matches!(self.what, What::Create(_) | What::OpenOrCreate | What::CreateOverStale)
    }

    /// Whether the victim takes one away that is not in the file of its name.
    fn removes_a_segment(&self) -> bool {
        let removes = matches!(self.what, What::CreateOverStale | What::LeaveLast | What::Remove | What::Clean);
        removes && self.memory == Memory::SystemV
    }

    /// Where only the kernel is asked, nothing else changes anything; what is in two files has no one image, nor has what is in no file.
    fn has_images(&self) -> bool {
        let is_looked_at = matches!(self.what, What::Create(Side::Source) | What::Open(_) | What::Leave(_));
        is_looked_at && self.memory == Memory::Shm && !self.is_persistent && self.kind != Kind::Duplex
    }

    /// Segments that are not files, and that nobody but this scene can have made.
    fn must_leave_no_segment(&self) {
        if self.has_own_segments.get() == Some(true) {
            let table = std::fs::read_to_string("/proc/sysvipc/shm").expect("/proc");
            assert_eq!(table.lines().count(), 1, "left behind: {table}");
        }
    }

    /// The names that are there: none, all, or of two the one.
    fn names(&self, place: &Place) -> usize {
        self.kind.names().iter().filter(|name| place.directory().join(name).exists()).count()
    }

    /// What is listed is whole, and in use if the survivor uses it.
    fn must_be_whole(&self, place: &Place, is_in_use: bool) {
        for entry in observe::list(Some(place.directory())).expect("a directory") {
            match entry.segment {
                Ok(segment) => assert_eq!(segment.is_in_use, is_in_use, "{}", entry.name),
                // It goes before its name.
                Err(OpenError::Segment(SegmentError::Removed { .. })) if self.removes_a_segment() => {}
                Err(error) => panic!("half-made: {error}"),
            }
        }
    }

    /// The survivor goes on with a successor of the victim's; or, in a stream, leaves.
    fn go_on_with(&self, place: &Place, mut survivor: Box<dyn End>) {
        let side = self.survives().expect("a survivor");
        if self.kind.is_of_messages() {
            let mut other = self.enter(place, side.other(), Way::Open);
            match side {
                Side::Source => pass(&mut *survivor, &mut *other),
                Side::Sink => pass(&mut *other, &mut *survivor),
            }
            assert_eq!((survivor.reason(), other.reason()), (None, None));
        }
    }

    /// Nobody is there: whoever comes next has the name.
    fn comes_next(&self, place: &Place, asks_first: bool) {
        if asks_first {
            match enter(self.kind, Side::Sink, Way::Open, &self.options(place)) {
                Ok(_) => assert!(self.is_persistent, "nobody is there"),
                Err(error) => assert!(error.is_not_found(), "{error}"),
            }
        }
        let way = if self.is_persistent { Way::OpenOrCreate } else { Way::Create };
        let mut sink = self.enter(place, Side::Sink, way);
        let mut source = self.enter(place, Side::Source, Way::Open);
        if self.is_persistent && self.what == What::LeaveLast {
            assert_eq!(sink.take(), LEFT, "what is persistent keeps its messages");
        }
        pass(&mut *source, &mut *sink);
        drop((source, sink));
        if self.is_persistent {
            observe::remove(NAME, Some(place.directory())).expect("nobody is there");
        }
    }
}

impl Scene for Door {
    type Survivor = Option<Box<dyn End>>;

    fn name(&self) -> String {
        let what = match self.what {
            What::Create(side) => format!("create {side:?}"),
            What::Open(side) => format!("open {side:?}"),
            What::Leave(side) => format!("leave {side:?}"),
            what => format!("{what:?}"),
        };
        let memory = if self.memory == Memory::Shm { String::new() } else { format!(", {:?}", self.memory) };
        let kept = if self.is_persistent { ", persistent" } else { "" };
        format!("door {} {what}{memory}{kept}", self.kind.word())
    }

    fn capacity(&self) -> usize {
        if matches!(self.kind, Kind::Spsc | Kind::Mpmc | Kind::Lanes) { 4 } else { 320 }
    }

    fn points(&self) -> Points {
        if self.has_images() { Points::CallsAndChanges } else { Points::Calls }
    }

    fn maps(&self) -> bool {
        self.has_images() && !matches!(self.what, What::Leave(_))
    }

    fn survive(&self, place: &Place) -> Self::Survivor {
        if self.memory == Memory::SystemV && self.has_own_segments.get().is_none() {
            self.has_own_segments.set(Some(unshare(CloneFlags::CLONE_NEWIPC).is_ok()));
        }
        match self.what {
            What::CreateOverStale | What::Clean => Puppet::start(|| {
                let mut source = self.enter(place, Side::Source, Way::Create);
                source.put(LEFT);
                act(|| (), |()| true)
            })
            .kill(),
            What::Remove => drop(self.enter(place, Side::Source, Way::Create)),
            _ => {}
        }
        self.survives().map(|side| self.enter(place, side, Way::Create))
    }

    fn play(&self, place: &Place) {
        let options = self.options(place);
        let come = |side, way| act(|| enter(self.kind, side, way, &options), |end| end.is_ok());
        match self.what {
            What::Create(side) => come(side, Way::Create),
            What::OpenOrCreate => come(Side::Source, Way::OpenOrCreate),
            What::CreateOverStale => come(Side::Source, Way::Create),
            What::Open(side) => come(side, Way::Open),
            What::Leave(side) => {
                let end = self.enter(place, side, Way::Open);
                act(move || drop(end), |()| true)
            }
            What::LeaveLast => {
                let mut end = self.enter(place, Side::Source, Way::Create);
                end.put(LEFT);
                act(move || drop(end), |()| true)
            }
            What::Remove => act(|| observe::remove(NAME, Some(place.directory())), |result| result.is_ok()),
            What::Clean => act(|| observe::clean(Some(place.directory())), |result| result.is_ok()),
            What::Look => act(
                || {
                    let seen = observe::list(Some(place.directory())).expect("a directory").len();
                    let stat = observe::stat(NAME, Some(place.directory())).is_ok();
                    (seen, stat, observe::inspect(NAME, Some(place.directory()), 8).is_ok())
                },
                |seen| *seen == (1, true, true),
            ),
        }
    }

    /// Nothing is taken over of one that stands still; whatever has the name is whole.
    fn meanwhile(&self, place: &Place, survivor: &mut Self::Survivor) {
        for entry in observe::list(Some(place.directory())).expect("a directory") {
            entry.segment.unwrap_or_else(|error| panic!("half-made: {error}"));
        }
        let Some(survivor) = survivor else { return };
        place.nothing_can_be_cleaned();
        let reason = survivor.reason();
        let may_have_left = matches!(self.what, What::Leave(_)) && reason == Some(DisconnectReason::Left);
        assert!(reason.is_none() || may_have_left, "{reason:?} of one that lives");
    }

    fn bury(&self, place: &Place, survivor: Self::Survivor, fate: Fate) -> Progress {
        let names = self.names(place);
        let all = self.kind.names().len();
        self.must_be_whole(place, survivor.is_some());
        let is_done = match self.what {
            // It was there before, under a name that goes first.
            What::CreateOverStale => fate.is_complete,
            What::LeaveLast if self.is_persistent => names == all,
            _ if self.makes() => names == all,
            What::LeaveLast | What::Remove | What::Clean => names == 0,
            _ => true,
        };
        assert!(is_done || !fate.is_complete, "{names} names of {all}");
        if let Some(survivor) = survivor {
            self.go_on_with(place, survivor);
        }
        self.comes_next(place, fate.state % 2 == 0);
        self.must_leave_no_segment();
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}
