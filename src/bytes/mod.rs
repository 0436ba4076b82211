//! Messages of any length.

mod error;
pub mod mpmc;

pub use error::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
