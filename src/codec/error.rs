//! The errors of typed ends over bytes: those of both, and those of the format.
//!
//! What could not be sent is handed back. `Debug` does not show it. `E` is the format's own error.

use crate::bytes;
use std::error::Error;
use std::fmt;

/// The errors of sending. Each variant that `bytes` has, with the message; and `Encode`.
macro_rules! send_error {
    (
        $(#[$doc:meta])* $error:ident,
        $($(#[$variant_doc:meta])* $variant:ident, $is:ident, $is_doc:literal;)*
    ) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $error<T, E = postcard::Error> {
            $($(#[$variant_doc])* $variant(T),)*
            /// The receiver went, or gave the message up, when so many bytes of it had been sent. Nobody gets it.
            Aborted {
                /// The message.
                message: T,
                /// Bytes of it that had been sent.
                bytes: u64,
            },
            /// The message is longer than a lane and would have to wait for a receiver, which was not asked for.
            TooLong {
                /// The message.
                message: T,
                /// How many bytes it has.
                bytes: usize,
                /// How many it may have.
                limit: usize,
            },
            /// The format cannot encode it. Nothing was sent.
            Encode {
                /// The message.
                message: T,
                /// Why.
                error: E,
            },
        }

        impl<T, E> $error<T, E> {
            /// The message.
            pub fn into_inner(self) -> T {
                match self {
                    $(Self::$variant(message))|* => message,
                    Self::Aborted { message, .. } | Self::TooLong { message, .. } | Self::Encode { message, .. } => message,
                }
            }

            $(
                #[doc = $is_doc]
                pub fn $is(&self) -> bool {
                    matches!(self, Self::$variant(_))
                }
            )*

            /// Whether the format could not encode it.
            pub fn is_encode(&self) -> bool {
                matches!(self, Self::Encode { .. })
            }
        }

        impl<T, E: fmt::Debug> fmt::Debug for $error<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(_) => f.write_str(concat!(stringify!($variant), "(..)")),)*
                    Self::Aborted { bytes, .. } => {
                        f.debug_struct("Aborted").field("bytes", bytes).finish_non_exhaustive()
                    }
                    Self::TooLong { bytes, limit, .. } => {
                        f.debug_struct("TooLong").field("bytes", bytes).field("limit", limit).finish_non_exhaustive()
                    }
                    Self::Encode { error, .. } => {
                        f.debug_struct("Encode").field("error", error).finish_non_exhaustive()
                    }
                }
            }
        }

        impl<T, E: fmt::Display> fmt::Display for $error<T, E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant(_) => bytes::$error::$variant.fmt(f),)*
                    Self::Aborted { bytes, .. } => bytes::SendError::Aborted { bytes: *bytes }.fmt(f),
                    Self::TooLong { bytes, limit, .. } => {
                        bytes::TrySendError::TooLong { bytes: *bytes, limit: *limit }.fmt(f)
                    }
                    Self::Encode { error, .. } => write!(f, "the message cannot be encoded: {error}"),
                }
            }
        }

        impl<T, E: Error + 'static> Error for $error<T, E> {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                match self {
                    Self::Encode { error, .. } => Some(error),
                    _ => None,
                }
            }
        }
    };
}

send_error!(
    /// The message was not sent. It is in here.
    SendError,
    /// No receiver is left.
    Disconnected, is_disconnected, "Whether no receiver is left.";
);
send_error!(
    /// The message was not sent now. It is in here.
    TrySendError,
    /// The channel has no room for it.
    Full, is_full, "Whether there was no room.";
    /// No receiver is left.
    Disconnected, is_disconnected, "Whether no receiver is left.";
);
send_error!(
    /// The message was not sent in time. It is in here, and nobody gets it.
    SendTimeoutError,
    /// There was no room, or a long message was not received, until the time was over.
    Timeout, is_timeout, "Whether the time was over.";
    /// No receiver is left.
    Disconnected, is_disconnected, "Whether no receiver is left.";
);

/// Why a message was not sent, before it is known to whom that is told.
pub(super) type Unsent<T, E> = SendTimeoutError<T, E>;

impl<T, E> SendTimeoutError<T, E> {
    pub(super) fn of(error: bytes::SendTimeoutError, message: T) -> Self {
        match error {
            bytes::SendTimeoutError::Timeout => Self::Timeout(message),
            // The end of a message is said twice only where it is written piece by piece.
            bytes::SendTimeoutError::Disconnected | bytes::SendTimeoutError::Ended => Self::Disconnected(message),
            bytes::SendTimeoutError::Aborted { bytes } => Self::Aborted { message, bytes },
            bytes::SendTimeoutError::TooLong { bytes, limit } => Self::TooLong { message, bytes, limit },
        }
    }

    /// What it is to one that waits without end.
    pub(super) fn lasting(self) -> SendError<T, E> {
        match self {
            Self::Timeout(message) | Self::Disconnected(message) => SendError::Disconnected(message),
            Self::Aborted { message, bytes } => SendError::Aborted { message, bytes },
            Self::TooLong { message, bytes, limit } => SendError::TooLong { message, bytes, limit },
            Self::Encode { message, error } => SendError::Encode { message, error },
        }
    }

    /// What it is to one that does not wait.
    pub(super) fn now(self) -> TrySendError<T, E> {
        match self {
            Self::Timeout(message) => TrySendError::Full(message),
            Self::Disconnected(message) => TrySendError::Disconnected(message),
            Self::Aborted { message, bytes } => TrySendError::Aborted { message, bytes },
            Self::TooLong { message, bytes, limit } => TrySendError::TooLong { message, bytes, limit },
            Self::Encode { message, error } => TrySendError::Encode { message, error },
        }
    }
}

/// The errors of receiving: that of `bytes`, or `Decode`.
macro_rules! recv_error {
    (
        $(#[$doc:meta])* $error:ident,
        $($(#[$variant_doc:meta])* $variant:ident, $is:ident, $is_doc:literal;)*
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $error<E = postcard::Error> {
            $($(#[$variant_doc])* $variant,)*
            /// Nothing is left, and no sender is.
            Disconnected,
            /// The sender went, or gave the message up, when so many bytes of it had come.
            Aborted {
                /// Bytes of the message that had come.
                bytes: u64,
            },
            /// The message is longer than the receiver takes. It is skipped.
            TooLong {
                /// How long it is, as far as is known.
                bytes: u64,
                /// What the receiver takes.
                limit: u64,
            },
            /// There is no memory for the message. It is skipped.
            OutOfMemory {
                /// How long it is, as far as is known.
                bytes: u64,
            },
            /// The message is none of this type. It is gone.
            Decode {
                /// How long it was.
                bytes: usize,
                /// Why.
                error: E,
            },
        }

        impl<E> $error<E> {
            $(
                #[doc = $is_doc]
                pub fn $is(&self) -> bool {
                    matches!(self, Self::$variant)
                }
            )*

            /// Whether nothing is left and no sender is. After any other error the next message can be received.
            pub fn is_disconnected(&self) -> bool {
                matches!(self, Self::Disconnected)
            }

            /// Whether the message was none of this type.
            pub fn is_decode(&self) -> bool {
                matches!(self, Self::Decode { .. })
            }
        }

        impl<E: fmt::Display> fmt::Display for $error<E> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self {
                    $(Self::$variant => bytes::$error::$variant.fmt(f),)*
                    Self::Disconnected => bytes::RecvError::Disconnected.fmt(f),
                    Self::Aborted { bytes } => bytes::RecvError::Aborted { bytes: *bytes }.fmt(f),
                    Self::TooLong { bytes, limit } => bytes::RecvError::TooLong { bytes: *bytes, limit: *limit }.fmt(f),
                    Self::OutOfMemory { bytes } => bytes::RecvError::OutOfMemory { bytes: *bytes }.fmt(f),
                    Self::Decode { bytes, error } => {
                        write!(f, "a message of {bytes} bytes cannot be decoded, and is gone: {error}")
                    }
                }
            }
        }

        impl<E: Error + 'static> Error for $error<E> {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                match self {
                    Self::Decode { error, .. } => Some(error),
                    _ => None,
                }
            }
        }
    };
}

recv_error!(
    /// No message was received. After any of these but `Disconnected` the next one can be.
    RecvError,
);
recv_error!(
    /// No message was received now. After any of these but `Disconnected` the next one can be.
    TryRecvError,
    /// No message is there, or not all of it.
    Empty, is_empty, "Whether no whole message was there.";
);
recv_error!(
    /// No message was received in time. After any of these but `Disconnected` the next one can be.
    RecvTimeoutError,
    /// No message, or not all of it, was there until the time was over.
    Timeout, is_timeout, "Whether the time was over.";
);

impl<E> From<bytes::RecvTimeoutError> for RecvTimeoutError<E> {
    fn from(error: bytes::RecvTimeoutError) -> Self {
        match error {
            bytes::RecvTimeoutError::Timeout => Self::Timeout,
            bytes::RecvTimeoutError::Disconnected => Self::Disconnected,
            bytes::RecvTimeoutError::Aborted { bytes } => Self::Aborted { bytes },
            bytes::RecvTimeoutError::TooLong { bytes, limit } => Self::TooLong { bytes, limit },
            bytes::RecvTimeoutError::OutOfMemory { bytes } => Self::OutOfMemory { bytes },
        }
    }
}

impl<E> RecvTimeoutError<E> {
    /// What it is to one that waits without end.
    pub(super) fn lasting(self) -> RecvError<E> {
        match self {
            Self::Timeout | Self::Disconnected => RecvError::Disconnected,
            Self::Aborted { bytes } => RecvError::Aborted { bytes },
            Self::TooLong { bytes, limit } => RecvError::TooLong { bytes, limit },
            Self::OutOfMemory { bytes } => RecvError::OutOfMemory { bytes },
            Self::Decode { bytes, error } => RecvError::Decode { bytes, error },
        }
    }

    /// What it is to one that does not wait.
    pub(super) fn now(self) -> TryRecvError<E> {
        match self {
            Self::Timeout => TryRecvError::Empty,
            Self::Disconnected => TryRecvError::Disconnected,
            Self::Aborted { bytes } => TryRecvError::Aborted { bytes },
            Self::TooLong { bytes, limit } => TryRecvError::TooLong { bytes, limit },
            Self::OutOfMemory { bytes } => TryRecvError::OutOfMemory { bytes },
            Self::Decode { bytes, error } => TryRecvError::Decode { bytes, error },
        }
    }
}
