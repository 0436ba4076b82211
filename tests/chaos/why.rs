//! What the errors of all kinds of ends say, in one word.

use super::history::Outcome;
use ringway::{DisconnectReason, bytes};

/// An error that says why an operation was not done.
pub(crate) trait Why {
    /// `Gone(None)`: the other end is gone, and the end knows the reason.
    fn why(&self) -> Outcome;
}

/// What came of an operation at an end that knows why it is disconnected.
pub(crate) fn outcome<T>(result: Result<T, impl Why>, reason: impl FnOnce() -> Option<DisconnectReason>) -> Outcome {
    match result.map_err(|error| error.why()) {
        Ok(_) => Outcome::Done,
        Err(Outcome::Gone(_)) => Outcome::Gone(reason()),
        Err(other) => other,
    }
}

const GONE: Outcome = Outcome::Gone(None);

impl<T> Why for ringway::SendError<T> {
    fn why(&self) -> Outcome {
        GONE
    }
}

impl<T> Why for ringway::TrySendError<T> {
    fn why(&self) -> Outcome {
        if self.is_full() { Outcome::NotNow } else { GONE }
    }
}

impl<T> Why for ringway::SendTimeoutError<T> {
    fn why(&self) -> Outcome {
        if self.is_timeout() { Outcome::TimedOut } else { GONE }
    }
}

impl Why for ringway::RecvError {
    fn why(&self) -> Outcome {
        GONE
    }
}

impl Why for ringway::TryRecvError {
    fn why(&self) -> Outcome {
        if self.is_empty() { Outcome::NotNow } else { GONE }
    }
}

impl Why for ringway::RecvTimeoutError {
    fn why(&self) -> Outcome {
        if self.is_timeout() { Outcome::TimedOut } else { GONE }
    }
}

impl Why for bytes::SendError {
    fn why(&self) -> Outcome {
        match self {
            Self::Disconnected => GONE,
            Self::Aborted { .. } => Outcome::Aborted,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::TrySendError {
    fn why(&self) -> Outcome {
        match self {
            Self::Disconnected => GONE,
            Self::Full | Self::TooLong { .. } => Outcome::NotNow,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::SendTimeoutError {
    fn why(&self) -> Outcome {
        match self {
            Self::Timeout => Outcome::TimedOut,
            Self::Disconnected => GONE,
            Self::Aborted { .. } => Outcome::Aborted,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::LoanError {
    fn why(&self) -> Outcome {
        match self {
            Self::Disconnected => GONE,
            Self::Memory(_) | Self::TooLong { .. } => Outcome::NoMemory,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::RecvError {
    fn why(&self) -> Outcome {
        match self {
            Self::Disconnected => GONE,
            Self::Aborted { .. } => Outcome::Aborted,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::TryRecvError {
    fn why(&self) -> Outcome {
        match self {
            Self::Empty => Outcome::NotNow,
            Self::Disconnected => GONE,
            Self::Aborted { .. } => Outcome::Aborted,
            _ => Outcome::Strange,
        }
    }
}

impl Why for bytes::RecvTimeoutError {
    fn why(&self) -> Outcome {
        match self {
            Self::Timeout => Outcome::TimedOut,
            Self::Disconnected => GONE,
            Self::Aborted { .. } => Outcome::Aborted,
            _ => Outcome::Strange,
        }
    }
}

/// What an error of writing a message bit by bit holds.
impl Why for std::io::Error {
    fn why(&self) -> Outcome {
        let inner = self.get_ref().and_then(|inner| inner.downcast_ref::<bytes::SendError>());
        inner.map_or(Outcome::Strange, Why::why)
    }
}
