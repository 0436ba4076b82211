//! Those that carry messages of any length. A new one is one file here and one line in [`entries`].

#[cfg(feature = "aeron")]
mod aeron;
mod broken;
mod framed;
pub(super) mod iceoryx2;
mod ipc_channel;
pub(super) mod limits;
mod pipe;
mod ringway;
mod ringway_bytes;
mod seqpacket;
pub(super) mod shmem_ipc;
mod stream_socket;
#[cfg(test)]
pub(super) mod trial;

use crate::entry::Entry;

/// All of them, in the order of the table.
pub fn entries() -> Vec<Entry> {
    [
        limits::entries(),
        ringway_bytes::entries(),
        ringway::entries(),
        pipe::entries(),
        stream_socket::entries(),
        seqpacket::entries(),
        iceoryx2::entries(),
        ipc_channel::entries(),
        shmem_ipc::entries(),
        #[cfg(feature = "aeron")]
        aeron::entries(),
        broken::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
