//! A Unix stream socket, as it comes.

use super::framed::{FramedReceiver, FramedSender};
use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::rendezvous::retry;
use crate::entry::{Entry, Kind};
use crate::lengths::{Between, Lengths, between};
use std::io::BufReader;
use std::os::unix::net::{UnixListener, UnixStream};

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "Unix stream socket",
        version: "",
        mode: "default: holds wmem_default bytes, overhead included",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: false,
    };
    vec![between(card, StreamSocket).kind(Kind::Kernel)]
}

struct StreamSocket;

impl Between for StreamSocket {
    type Sender = FramedSender<UnixStream>;
    type Receiver = FramedReceiver<BufReader<UnixStream>>;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Self::Sender, Failure> {
        Ok(FramedSender::new(retry(|| UnixStream::connect(place.dir.join("socket")))?, lengths))
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        let (stream, _) = UnixListener::bind(place.dir.join("socket"))?.accept()?;
        Ok(FramedReceiver::buffered(stream, lengths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", StreamSocket);
    }
}
