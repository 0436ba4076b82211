//! The bytes of a message that lies in an annex, as [`super::lane`] has those of one in a lane.
//!
//! # Safety
//!
//! As there: the lane's word says who may touch the bytes; `layout::annex` gives addresses in them, and checks that they are. A peer
//! that breaks the rules makes bytes that are other bytes. Whoever has a view borrows the mapping.
#![allow(unsafe_code)]

use super::payload;
use crate::layout::annex::Annex;

/// The front of a message, in place, for as long as its lane is the caller's to read.
pub(crate) fn view(annex: &Annex, len: usize) -> &[u8] {
    // SAFETY: [1] so many bytes in the mapping, which is borrowed as long as the slice; initialised since the file is. [2] As in
    //  `Lanes::view`.
    annex.see(0..len, |place| unsafe { core::slice::from_raw_parts(place, len) })
}

/// The front of an annex whose lane the caller has WRITING, in place.
#[expect(clippy::mut_from_ref, reason = "the lane is the caller's, and the caller borrows its own loan mutably")]
pub(crate) fn view_mut(annex: &Annex, len: usize) -> &mut [u8] {
    // SAFETY: [1] as in `view`. [2] As in `Lanes::view_mut`.
    annex.with(0..len, |place| unsafe { core::slice::from_raw_parts_mut(place, len) })
}

/// Copies bytes of a message, the `at`-th and the following, to an annex whose lane the caller has WRITING.
pub(crate) fn pour(annex: &Annex, at: usize, bytes: &[u8]) {
    // SAFETY: so many bytes in the mapping; the lane is ours to write.
    annex.with(at..at + bytes.len(), |place| unsafe { payload::write_bytes(place, bytes) });
}

/// Appends the first `len` bytes of the message to `bytes`, which has capacity for them.
pub(crate) fn draw(annex: &Annex, len: usize, bytes: &mut Vec<u8>) {
    // SAFETY: so many bytes in the mapping; the lane is ours to read.
    annex.with(0..len, |place| unsafe { payload::append_bytes(bytes, place, len) });
}

/// Copies the bytes of the message from the `at`-th on to all of `bytes`.
pub(crate) fn draw_to(annex: &Annex, at: usize, bytes: &mut [u8]) {
    annex.with(at..at + bytes.len(), |place| {
        // SAFETY: as in `draw`.
        unsafe { payload::read_bytes(bytes.as_mut_ptr(), place, bytes.len()) }
    });
}
