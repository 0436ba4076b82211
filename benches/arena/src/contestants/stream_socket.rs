//! A Unix stream socket, as it comes.

use super::bytes::{ByteReceiver, ByteSender};
use super::rendezvous::retry;
use crate::contestant::{Between, Card, Failure, Message, Place, Waiting};
use crate::entry::{Entry, Kind};
use std::os::unix::net::{UnixListener, UnixStream};

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "Unix stream socket",
        version: "",
        mode: "default: holds wmem_default bytes, overhead included",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: true,
    };
    vec![Entry::between(card, StreamSocket).kind(Kind::Kernel)]
}

#[derive(Clone)]
struct StreamSocket;

impl Between for StreamSocket {
    type Sender<M: Message> = ByteSender<M, UnixStream>;
    type Receiver<M: Message> = ByteReceiver<M, UnixStream>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        Ok(ByteSender::new(retry(|| UnixStream::connect(place.dir.join("socket")))?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        let (stream, _) = UnixListener::bind(place.dir.join("socket"))?.accept()?;
        Ok(ByteReceiver::new(stream))
    }
}
