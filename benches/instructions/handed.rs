//! The hot operations of channels that were handed over.

use super::{Link, SMALL};
use ringway::handover::{BytesReceiver, Peer, Receiver};
use ringway::{Options, bytes, spsc};
use std::hint::black_box;

/// Has this process registered for barriers, as a sender does behind its first thousand messages. With one thread that is done at once;
/// with more the kernel takes milliseconds, in which some or all of the messages that are counted go by, with a fence each.
fn register() {
    let (mut tx, mut rx) = spsc::channel(1).expect("memory");
    for message in 0..2000_u64 {
        tx.send(message).expect("room");
        rx.recv().expect("a message");
    }
}

/// Two ends that this process hands to itself.
fn handed<S: Send + 'static, R>(make: fn(&mut Peer) -> S, take: fn(&mut Peer) -> R) -> Link<S, R> {
    register();
    let (mut here, mut there) = Peer::pair().expect("a pair of sockets");
    let making = std::thread::spawn(move || make(&mut there));
    let rx = take(&mut here);
    Link { tx: making.join().expect("an end"), rx }
}

/// Messages, or bytes.
fn room(capacity: usize) -> Options {
    Options::new().capacity(capacity)
}

pub(super) fn pair(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<spsc::Sender<u64>, Receiver<u64>>, n: u64) {
        for i in 0..n {
            let link = black_box(&mut *link);
            link.tx.send(i).expect("room");
            black_box(link.rx.recv().expect("a message"));
        }
    }
    let sender = |peer: &mut Peer| peer.spsc_sender(&room(SMALL)).expect("an end");
    repeat(&mut handed(sender, |peer| peer.spsc_receiver(&room(SMALL)).expect("the other end")), n);
}

pub(super) fn bytes_pair(n: u64) {
    #[inline(never)]
    fn repeat(link: &mut Link<bytes::spsc::Sender, BytesReceiver>, n: u64) {
        let mut received = Vec::with_capacity(64);
        for _ in 0..n {
            let link = black_box(&mut *link);
            link.tx.send(black_box(&[7; 64])).expect("a receiver");
            link.rx.recv_into(&mut received).expect("a message");
        }
    }
    let sender = |peer: &mut Peer| peer.bytes_sender(&room(1 << 20)).expect("an end");
    repeat(&mut handed(sender, |peer| peer.bytes_receiver(&room(1 << 20)).expect("the other end")), n);
}
