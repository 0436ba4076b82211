//! front page
#![cfg_attr(docsrs, feature(doc_cfg))]
// A model has no files and no processes: what only they need is compiled there, and not used.
#![cfg_attr(loom, allow(dead_code))]

#[cfg(not(any(target_os = "linux", docsrs)))]
compile_error!("ringway needs Linux: futexes, locks of open file descriptions, files without a name");

mod channel;
mod layout;
mod membership;
mod memory;
#[cfg(not(loom))]
pub mod observe;
mod ring;
#[cfg(not(loom))]
pub mod stream;
mod sync;
mod sys;
mod wait;

pub use channel::end::Stats;
pub use channel::error::{
    OpenError, RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryGrantError, TryRecvError, TrySendError,
    WaitForPeerError,
};
pub use channel::options::{Absent, Options};
pub use channel::reason::DisconnectReason;
pub use channel::spsc;
pub use layout::error::{FormatError, Kind, TypeId};
pub use layout::geometry::Placement;
pub use membership::role::Role;
pub use memory::error::SegmentError;
pub use ring::payload::Payload;
pub use wait::strategy::WaitStrategy;
