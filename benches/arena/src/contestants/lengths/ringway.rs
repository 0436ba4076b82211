//! ringway: its stream of bytes. Where a message's length is not known it goes in front, in the same vectored write.

use super::framed::{FramedReceiver, FramedSender};
use crate::contestant::{Card, Failure, Place, Waiting};
use crate::entry::{Entry, Kind};
use crate::lengths::{Between, Lengths, between};
use ringway::stream::{Reader, Writer};
use ringway::{Options, WaitStrategy};
use std::time::Duration;

const STREAM: [&str; 2] = ["ringway, stream", "ringway, stream, spinning"];
const PATIENCE: Duration = Duration::from_secs(5);

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: STREAM[0],
        version: env!("VERSION_RINGWAY"),
        mode: "stream, as it comes: a ring of a quarter of a cache",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let spinning = Card { name: STREAM[1], mode: "stream, polling", waiting: Waiting::Spins, ..default.clone() };
    let ours = |card, wait| between(card, Stream(wait)).kind(Kind::Ringway);
    vec![ours(default, WaitStrategy::default()), ours(spinning, WaitStrategy::Spin)]
}

struct Stream(WaitStrategy);

impl Stream {
    fn options(&self, place: &Place) -> Options {
        Options::new().dir(&place.dir).wait(self.0).open_timeout(PATIENCE)
    }
}

impl Between for Stream {
    type Sender = FramedSender<Writer>;
    type Receiver = FramedReceiver<Reader>;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Self::Sender, Failure> {
        Ok(FramedSender::new(Writer::open_or_create_with(&place.name, &self.options(place))?, lengths))
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        Ok(FramedReceiver::new(Reader::open_or_create_with(&place.name, &self.options(place))?, lengths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Stream(WaitStrategy::default()));
    }

    #[test]
    fn every_message_arrives_whole_polled() {
        trial::between(module_path!(), "every_message_arrives_whole_polled", Stream(WaitStrategy::Spin));
    }
}
