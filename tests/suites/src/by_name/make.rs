//! Channels that are opened by name, the ends apart.

use crate::left::name;
use ringway::compat::{crossbeam, std_mpsc};
use ringway::{Options, Payload, bytes, mpmc, spsc, stream};

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
