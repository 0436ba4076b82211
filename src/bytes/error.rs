//! Placeholder until the shared one comes.
macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident $({ $($field:ident : $ty:ty),* })?),* $(,)? })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[allow(missing_docs)]
        pub enum $name { $($variant $({ $($field: $ty),* })?),* }
        impl std::fmt::Display for $name { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { write!(f, "{self:?}") } }
        impl std::error::Error for $name {})*
    };
}
errors! {
    /// x
    SendError { Disconnected, Aborted { bytes: u64 } }
    /// x
    TrySendError { Full, Disconnected, TooLong { bytes: usize, limit: usize } }
    /// x
    SendTimeoutError { Timeout, Disconnected, Aborted { bytes: u64 } }
    /// x
    RecvError { Disconnected, Aborted { bytes: u64 }, TooLong { bytes: u64, limit: u64 }, OutOfMemory { bytes: u64 } }
    /// x
    TryRecvError { Empty, Disconnected, Aborted { bytes: u64 }, TooLong { bytes: u64, limit: u64 }, OutOfMemory { bytes: u64 } }
    /// x
    RecvTimeoutError { Timeout, Disconnected, Aborted { bytes: u64 }, TooLong { bytes: u64, limit: u64 }, OutOfMemory { bytes: u64 } }
}
