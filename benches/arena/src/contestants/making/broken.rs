//! One that is broken on purpose, whatever is measured of its channels, and once there are messages in turns.

use super::{FILES, Plain, card};
use crate::contestant::{Between, Failure, Message, Place, Sender, Waiting};
use crate::contestants::mpmc::Mpmc;
use crate::entry::{Does, Entry, Kind};
use crate::making::maker;
use ringway::WaitStrategy;

/// The message that is another.
const TENTH: u64 = 10;

pub fn entries() -> Vec<Entry> {
    let card = || card("broken: alters in a new channel", "", "broken on purpose", Waiting::Default);
    let alters = Alters(Mpmc { wait: WaitStrategy::default(), prefault: false });
    let made = maker(card(), Plain(alters.clone()), FILES);
    let sent = Entry::between(card(), alters).only(Does::Laps);
    [made, sent].map(|entry| entry.kind(Kind::Broken)).into()
}

#[derive(Clone)]
struct Alters(Mpmc);

struct Altering<M: Message>(<Mpmc as Between>::Sender<M>);

impl<M: Message> Sender<M> for Altering<M> {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.0.send(if message.number() == TENTH { M::of(TENTH + 1) } else { message })
    }
}

impl Between for Alters {
    type Sender<M: Message> = Altering<M>;
    type Receiver<M: Message> = <Mpmc as Between>::Receiver<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        Ok(Altering(self.0.sender(place)?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        self.0.receiver(place)
    }
}
