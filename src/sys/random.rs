//! Random bytes.
//!
//! # Safety
//!
//! One call that writes into a buffer of ours, whose length is passed with it.
#![allow(unsafe_code)]

use nix::libc;
use std::io;

/// 128 random bits from the kernel.
pub(crate) fn bits128() -> io::Result<[u8; 16]> {
    let mut bytes = [0_u8; 16];
    // SAFETY: the pointer and the length are those of `bytes`, which lives across the call.
    let got = unsafe { libc::getrandom(bytes.as_mut_ptr().cast(), bytes.len(), 0) };
    // A request of at most 256 bytes is never interrupted half way once the pool is initialised (getrandom(2)).
    if got == 16 { Ok(bytes) } else { Err(io::Error::last_os_error()) }
}
