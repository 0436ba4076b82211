//! Those that lend memory, in which messages are written and read. A new one is one file here and one line in [`entries`].

mod broken;
mod iceoryx2;
mod limits;
mod ringway;
mod shmem_ipc;
#[cfg(test)]
mod trial;

use crate::entry::Entry;
pub use ringway::ONE_TO_ONE;

/// All of them, in the order of the table.
pub fn entries() -> Vec<Entry> {
    [limits::entries(), ringway::entries(), iceoryx2::entries(), shmem_ipc::entries(), broken::entries()]
        .into_iter()
        .flatten()
        .collect()
}
