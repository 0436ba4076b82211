//! The other crates.

#[cfg(feature = "aeron")]
use super::aeron;
use super::{crossbeam, iceoryx2, ipc_channel, kanal, ringfire, rtrb, shaq, std_mpsc};
use crate::entry::Entry;

/// Every mode of every other crate: those between processes first.
pub fn peers() -> Vec<Entry> {
    [
        shaq::entries(),
        ringfire::entries(),
        iceoryx2::entries(),
        #[cfg(feature = "aeron")]
        aeron::entries(),
        ipc_channel::entries(),
        rtrb::entries(),
        crossbeam::entries(),
        kanal::entries(),
        std_mpsc::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
