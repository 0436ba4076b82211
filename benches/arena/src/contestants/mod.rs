//! Everybody. A new contestant is one file here and one line in [`all`].

#[cfg(feature = "aeron")]
mod aeron;
mod broken;
mod bytes;
mod crossbeam;
mod iceoryx2;
mod ipc_channel;
mod kanal;
mod lengths;
mod limits;
pub mod loans;
mod making;
mod many;
pub mod mpmc;
mod mqueue;
mod peers;
mod pipe;
mod rendezvous;
mod ringfire;
mod ringway;
mod rtrb;
mod seqpacket;
mod shaq;
mod std_mpsc;
mod stream_socket;
mod sysv;
mod textbook;
#[cfg(test)]
mod trial;

use crate::entry::Entry;

/// Everybody, in the order of the table; the same in every process.
pub fn all() -> Vec<Entry> {
    let mut all = Vec::new();
    all.extend(limits::entries());
    all.extend(ringway::entries());
    all.extend(pipe::entries());
    all.extend(stream_socket::entries());
    all.extend(seqpacket::entries());
    all.extend(mqueue::entries());
    all.extend(sysv::entries());
    all.extend(textbook::entries());
    all.extend(peers::peers());
    all.extend(many::entries());
    all.extend(lengths::entries());
    all.extend(loans::entries());
    all.extend(mpmc::entries());
    all.extend(making::entries());
    all.extend(broken::entries());
    all
}
