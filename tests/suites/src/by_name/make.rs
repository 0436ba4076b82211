//! Channels that are opened by name, the ends apart.

use crate::left::name;
use ringway::compat::{crossbeam, serde, std_mpsc};
use ringway::{Options, Payload, bytes, codec, mpmc, spsc, stream};

/// The module that the tests over such channels are in.
pub(super) const KIND: &str = "by_name";

pub(super) fn spsc<T: Payload>(options: &Options) -> (spsc::Sender<T>, spsc::Receiver<T>) {
    let name = name();
    let sender = spsc::Sender::create_with(&name, options).expect("a channel");
    (sender, spsc::Receiver::open_with(&name, options).expect("the channel"))
}

pub(super) fn mpmc<T: Payload>(options: &Options) -> (mpmc::Sender<T>, mpmc::Receiver<T>) {
    let name = name();
    let sender = mpmc::Sender::create_with(&name, options).expect("a channel");
    (sender, mpmc::Receiver::open_with(&name, options).expect("the channel"))
}

pub(super) fn bytes(options: &Options) -> (bytes::mpmc::Sender, bytes::mpmc::Receiver) {
    let name = name();
    let sender = bytes::mpmc::Sender::create_with(&name, options).expect("a channel");
    (sender, bytes::mpmc::Receiver::open_with(&name, options).expect("the channel"))
}

pub(super) fn stream(options: &Options) -> (stream::Writer, stream::Reader) {
    let name = name();
    let writer = stream::Writer::create_with(&name, options).expect("a stream");
    (writer, stream::Reader::open_with(&name, options).expect("the stream"))
}

pub(super) fn crossbeam<T: Payload>(cap: usize) -> (crossbeam::Sender<T>, crossbeam::Receiver<T>) {
    let name = name();
    let sender = crossbeam::Sender::create(&name, cap).expect("a channel");
    (sender, crossbeam::Receiver::open(&name).expect("the channel"))
}

pub(super) fn std<T: Payload>(bound: usize) -> (std_mpsc::SyncSender<T>, std_mpsc::Receiver<T>) {
    let name = name();
    let sender = std_mpsc::SyncSender::create(&name, bound).expect("a channel");
    (sender, std_mpsc::Receiver::open(&name).expect("the channel"))
}

/// Messages are short here: one lane is enough, and a file of some pages instead of a megabyte for each of ten thousand channels.
fn coded<T>(capacity: usize) -> (codec::Sender<T>, codec::Receiver<T>) {
    let name = name();
    let sender =
        codec::Sender::create_with(&name, &Options::new().capacity(capacity).lanes(1, 4096)).expect("a channel");
    (sender, codec::Receiver::open(&name).expect("the channel"))
}

pub(super) fn crossbeam_serde<T>(cap: usize) -> (serde::crossbeam::Sender<T>, serde::crossbeam::Receiver<T>) {
    let (sender, receiver) = coded(cap);
    (sender.into(), receiver.into())
}

pub(super) fn std_serde<T>(bound: usize) -> (serde::std_mpsc::SyncSender<T>, serde::std_mpsc::Receiver<T>) {
    let (sender, receiver) = coded(bound);
    (sender.into(), receiver.into())
}
