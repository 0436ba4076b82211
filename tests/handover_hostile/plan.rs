//! What a round is, drawn from its seed by both sides.

use crate::support::Random;

/// The kinds of channel that are handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Numbers,
    Bytes,
    Stream,
}

/// What is passed in place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrong {
    Pipe,
    Directory,
    Device,
    Socket,
    Event,
    PathOnly,
    ShmFile,
    NoSeals,
    NoFutureWrite,
    NoShrink,
    NoGrow,
    NoSeal,
    OtherLength,
    NoRoom,
    HugePages,
    Empty,
}

/// What the hostile side does with the hand-over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Nothing,
    Silence,
    Noise,
    HalfAndWait,
    HalfAndGo,
    Dribble,
    FlipHello,
    Magic,
    Version,
    Role,
    Kind,
    Type,
    Length,
    LengthOfAll,
    NoDescriptor,
    TwoDescriptors,
    ManyDescriptors,
    LateDescriptor,
    WrongFile(Wrong),
    FlipHeader,
    NoiseInHeader,
    DescriptorWithVerdict,
    NoVerdict,
    OtherVerdict,
    Refusal,
    GoBeforeVerdict,
    NeverJoin,
    LetGoBeforeVerdict,
}

impl Deed {
    pub(crate) const ALL: &[Self] = &[
        Self::Nothing,
        Self::Silence,
        Self::Noise,
        Self::HalfAndWait,
        Self::HalfAndGo,
        Self::Dribble,
        Self::FlipHello,
        Self::Magic,
        Self::Version,
        Self::Role,
        Self::Kind,
        Self::Type,
        Self::Length,
        Self::LengthOfAll,
        Self::NoDescriptor,
        Self::TwoDescriptors,
        Self::ManyDescriptors,
        Self::LateDescriptor,
        Self::WrongFile(Wrong::Pipe),
        Self::WrongFile(Wrong::Directory),
        Self::WrongFile(Wrong::Device),
        Self::WrongFile(Wrong::Socket),
        Self::WrongFile(Wrong::Event),
        Self::WrongFile(Wrong::PathOnly),
        Self::WrongFile(Wrong::ShmFile),
        Self::WrongFile(Wrong::NoSeals),
        Self::WrongFile(Wrong::NoFutureWrite),
        Self::WrongFile(Wrong::NoShrink),
        Self::WrongFile(Wrong::NoGrow),
        Self::WrongFile(Wrong::NoSeal),
        Self::WrongFile(Wrong::OtherLength),
        Self::WrongFile(Wrong::NoRoom),
        Self::WrongFile(Wrong::HugePages),
        Self::WrongFile(Wrong::Empty),
        Self::FlipHeader,
        Self::NoiseInHeader,
        Self::DescriptorWithVerdict,
        Self::NoVerdict,
        Self::OtherVerdict,
        Self::Refusal,
        Self::GoBeforeVerdict,
        Self::NeverJoin,
        Self::LetGoBeforeVerdict,
    ];

    /// Whether the honest side waits until its time is over.
    pub(crate) fn stalls(self) -> bool {
        matches!(self, Self::Silence | Self::HalfAndWait | Self::Dribble | Self::NoVerdict)
    }
}

/// How the hostile side writes to its memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scribbling {
    Never,
    Seldom,
    Often,
    Always,
}

/// A round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) kind: Kind,
    /// Whether the honest side receives.
    pub(crate) honest_receives: bool,
    pub(crate) deed: Deed,
    pub(crate) scribbling: Scribbling,
    /// How long it lets the channel be before, in microseconds.
    pub(crate) begins_after: u64,
    /// Whether the hostile side sends and receives as well.
    pub(crate) moves: bool,
    pub(crate) lets_its_lock_go: bool,
    pub(crate) locks_everything: bool,
    /// After how long it kills itself, in microseconds; `None`: it does not.
    pub(crate) dies_after: Option<u64>,
    pub(crate) capacity: usize,
}

impl Plan {
    /// A seed whose plan has this deed, or any.
    pub(crate) fn seed(random: u64, deed: Option<Deed>) -> u64 {
        let at = deed.and_then(|deed| Deed::ALL.iter().position(|one| *one == deed)).map_or(0xff, |at| at as u64);
        random << 8 | at
    }

    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::with(seed | 1 << 63);
        let any =
            if random.below(3) == 0 { Deed::ALL[random.below(Deed::ALL.len() as u64) as usize] } else { Deed::Nothing };
        let deed = Deed::ALL.get((seed & 0xff) as usize).copied().unwrap_or(any);
        let kind = [Kind::Numbers, Kind::Bytes, Kind::Stream][random.below(3) as usize];
        let often = [Scribbling::Never, Scribbling::Seldom, Scribbling::Often, Scribbling::Always];
        Self {
            seed,
            kind,
            honest_receives: random.below(2) == 0,
            deed,
            scribbling: often[random.below(4) as usize],
            begins_after: if random.below(4) == 0 { 0 } else { random.below(20_000) },
            moves: random.below(4) != 0,
            lets_its_lock_go: random.below(6) == 0,
            locks_everything: random.below(6) == 0,
            dies_after: (random.below(4) == 0).then(|| random.below(30_000)),
            capacity: 64 + random.below(4096) as usize,
        }
    }

    /// Whether the honest side must find out during the hand-over.
    pub(crate) fn must_fail(&self) -> bool {
        match self.deed {
            Deed::Nothing | Deed::FlipHello | Deed::LateDescriptor | Deed::LetGoBeforeVerdict => false,
            // Only a sender has a header, and a length that is not a page.
            Deed::FlipHeader | Deed::NoiseInHeader => self.honest_receives,
            // What is written there afterwards may be seen first.
            Deed::NeverJoin => self.scribbling == Scribbling::Never,
            _ => true,
        }
    }

    /// Whether it may: a hand-over with which nothing was wrong succeeds.
    pub(crate) fn may_fail(&self) -> bool {
        let is_undisturbed =
            self.scribbling == Scribbling::Never && !self.lets_its_lock_go && self.dies_after.is_none();
        !(self.deed == Deed::Nothing && is_undisturbed)
    }
}
