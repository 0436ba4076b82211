//! Those with many senders and many receivers on one channel, 8 bytes a message. A new one is one file here and one line
//! in [`entries`].
//!
//! Not here: `std::sync::mpsc` has one receiver; ringfire's many-to-many loses messages by design; iceoryx2 gives each
//! message to every subscriber; subetha-cxc 0.1.12, a ring after Vyukov in a mapped file, needs a newer compiler.

mod broken;
mod cloudtoid;
mod crossbeam;
mod kanal;
mod mqueue;
mod pipe;
mod ringway;
mod seqpacket;
mod shaq;
#[cfg(test)]
mod trial;

use crate::entry::Entry;

/// Everybody, in the order of the table.
pub fn entries() -> Vec<Entry> {
    [
        ringway::entries(),
        pipe::entries(),
        seqpacket::entries(),
        mqueue::entries(),
        shaq::entries(),
        cloudtoid::entries(),
        crossbeam::entries(),
        kanal::entries(),
        broken::entries(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
