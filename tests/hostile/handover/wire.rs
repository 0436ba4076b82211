//! Bytes and descriptors over a socket, as many as the kernel lets pass.
//!
//! # Safety
//!
//! System calls on buffers that live across them; descriptors that the kernel has just opened for this process.
#![allow(unsafe_code)]

use nix::libc;
use std::mem::{size_of, size_of_val};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

fn message(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: numbers and pointers, for which zeroes are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (part, 1);
    message
}

/// Sends a message with these descriptors. Nothing goes if the kernel passes no such number of them.
pub(super) fn send(socket: &UnixStream, bytes: &[u8], pass: &[RawFd]) {
    if bytes.is_empty() {
        return;
    }
    let mut control = [0_u64; 256];
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = message(&mut part);
    if !pass.is_empty() {
        let len = 16 + size_of_val(pass);
        control[0] = len as u64;
        control[1] = u64::from(libc::SOL_SOCKET as u32) | u64::from(libc::SCM_RIGHTS as u32) << 32;
        for (at, number) in pass.iter().enumerate() {
            control[2 + at / 2] |= u64::from(*number as u32) << (32 * (at % 2));
        }
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = len.next_multiple_of(8) as _;
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: everything that the message points to lives across the call.
    let _ = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) };
}

/// A message of so many bytes, and the descriptor with it.
pub(super) fn receive(socket: &UnixStream, bytes: &mut [u8]) -> Option<OwnedFd> {
    let mut control = [0_u64; 16];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut message = message(&mut part);
    (message.msg_control, message.msg_controllen) = ((&raw mut control).cast(), size_of::<[u64; 16]>() as _);
    let flags = libc::MSG_WAITALL | libc::MSG_CMSG_CLOEXEC;
    // SAFETY: everything that the message points to lives across the call, and is ours to write.
    let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    if got != bytes.len() as isize || message.msg_controllen < 20 {
        return None;
    }
    // SAFETY: the kernel has just opened it for this process.
    Some(unsafe { OwnedFd::from_raw_fd(control[2] as u32 as RawFd) })
}
