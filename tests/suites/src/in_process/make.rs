//! Channels inside this process.

use ringway::compat::{crossbeam, serde, std_mpsc};
use ringway::{Options, Payload, bytes, mpmc, spsc, stream};

/// The module that the tests over such channels are in.
pub(super) const KIND: &str = "in_process";

pub(super) fn spsc<T: Payload>(options: &Options) -> (spsc::Sender<T>, spsc::Receiver<T>) {
    spsc::channel_with(options).expect("a channel")
}

pub(super) fn mpmc<T: Payload>(options: &Options) -> (mpmc::Sender<T>, mpmc::Receiver<T>) {
    mpmc::channel_with(options).expect("a channel")
}

pub(super) fn bytes(options: &Options) -> (bytes::mpmc::Sender, bytes::mpmc::Receiver) {
    bytes::mpmc::channel_with(options).expect("a channel")
}

pub(super) fn stream(options: &Options) -> (stream::Writer, stream::Reader) {
    stream::pipe_with(options).expect("a stream")
}

pub(super) fn crossbeam<T: Payload>(cap: usize) -> (crossbeam::Sender<T>, crossbeam::Receiver<T>) {
    crossbeam::bounded(cap)
}

pub(super) fn std<T: Payload>(bound: usize) -> (std_mpsc::SyncSender<T>, std_mpsc::Receiver<T>) {
    std_mpsc::sync_channel(bound)
}

pub(super) fn crossbeam_serde<T>(cap: usize) -> (serde::crossbeam::Sender<T>, serde::crossbeam::Receiver<T>) {
    serde::crossbeam::bounded(cap)
}

pub(super) fn std_serde<T>(bound: usize) -> (serde::std_mpsc::SyncSender<T>, serde::std_mpsc::Receiver<T>) {
    serde::std_mpsc::sync_channel(bound)
}
