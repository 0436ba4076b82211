//! The two roles of a one-to-one channel.

use crate::layout::control::EndLines;
use crate::layout::overlay::Control;
use crate::sys::byte_lock::Byte;

/// Which end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The one that sends.
    Sender,
    /// The one that receives.
    Receiver,
}

impl Role {
    /// The byte whose lock is the role. (0 is the gate; 1 is kept free for repairs that belong to nobody.)
    pub(crate) fn byte(self) -> Byte {
        match self {
            Self::Sender => Byte(2),
            Self::Receiver => Byte(3),
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::Sender => Self::Receiver,
            Self::Receiver => Self::Sender,
        }
    }

    /// The lines that the holder of this role writes.
    #[inline(always)]
    pub(crate) fn lines(self, control: &Control) -> &EndLines {
        match self {
            Self::Sender => &control.producer().end,
            Self::Receiver => &control.consumer().end,
        }
    }
}

impl std::fmt::Display for Role {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Sender => "sender",
            Self::Receiver => "receiver",
        })
    }
}
