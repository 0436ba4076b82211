//! For those who trust the sender after all: the receiving ends that show messages where they lie.
//!
//! # Safety
//!
//! Nothing is done here but to hand out what was inside; the callers take on that no shared reference is ever made to bytes that
//! somebody is writing.
#![allow(unsafe_code)]

use super::bytes_receiver::BytesReceiver;
use super::reader::Reader;
use super::receiver::Receiver;
use crate::bytes;
use crate::channel::spsc;
use crate::ring::payload::Payload;
use crate::stream;

impl<T: Payload> Receiver<T> {
    /// The ordinary receiver, which can show messages in place ([`spsc::Receiver::recv_ref`], [`spsc::Receiver::try_read`]).
    ///
    /// # Safety
    ///
    /// The process at the other end keeps to the protocol for as long as anything is shown: it does not write to what it has sent
    /// and what has not been released. Otherwise bytes change under a `&T` or a `&[T]`, which is undefined behaviour.
    pub unsafe fn in_place(self) -> spsc::Receiver<T> {
        self.into_inner()
    }
}

impl BytesReceiver {
    /// The ordinary receiver, which can show messages in place ([`recv_ref`](bytes::spsc::Receiver::recv_ref),
    /// [`reader`](bytes::spsc::Receiver::reader)).
    ///
    /// # Safety
    ///
    /// As of [`Receiver::in_place`]: the sender does not write to what it has sent and what has not been released.
    pub unsafe fn in_place(self) -> bytes::spsc::Receiver {
        self.into_inner()
    }
}

impl Reader {
    /// The ordinary reader, which can show bytes in place ([`io::BufRead`](std::io::BufRead)).
    ///
    /// # Safety
    ///
    /// As of [`Receiver::in_place`]: the writer does not write to what it has written and what has not been consumed.
    pub unsafe fn in_place(self) -> stream::Reader {
        self.into_inner()
    }
}
