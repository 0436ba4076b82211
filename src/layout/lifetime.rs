//! What becomes of a segment that nobody is attached to.

use crate::memory::segment::Stale;

/// How long a segment lives, as its creator has decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lifetime {
    /// As long as somebody is attached.
    Ephemeral,
    /// Until somebody removes it.
    Persistent,
}

impl Lifetime {
    /// What an option asks for.
    pub(crate) fn asked(is_persistent: bool) -> Self {
        if is_persistent { Self::Persistent } else { Self::Ephemeral }
    }

    /// The number that stands for it in a header.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Ephemeral => 1,
            Self::Persistent => 2,
        }
    }

    /// The lifetime with this number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        [Self::Ephemeral, Self::Persistent].into_iter().find(|lifetime| lifetime.code() == code)
    }

    /// As the program prints it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Ephemeral => "ephemeral",
            Self::Persistent => "persistent",
        }
    }

    /// What whoever finds the segment without users does with it.
    pub(crate) fn stale(self) -> Stale {
        match self {
            Self::Ephemeral => Stale::Remove,
            Self::Persistent => Stale::Keep,
        }
    }
}
