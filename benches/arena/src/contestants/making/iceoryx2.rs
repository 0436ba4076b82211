//! iceoryx2: a process has a node, and a channel is a service with its two ports, on samples of one word.
//!
//! A publisher discards what it sends before the subscriber has opened the connection, and says to how many it was
//! delivered: here it sends again until that is one. The subscriber is polled.

use super::card;
use crate::args::WorkKind;
use crate::contestant::{Failure, Place, Receiver, Sender, Waiting};
use crate::contestants::iceoryx2::{clean, node};
use crate::entry::Entry;
use crate::making::{Maker, Word, maker};
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::*;
use iceoryx2::service::port_factory::publish_subscribe::PortFactory;
use std::hint::spin_loop;

type Samples = PortFactory<ipc::Service, u64, ()>;

pub fn entries() -> Vec<Entry> {
    let polled = card("iceoryx2", "0.10.0", "lossless, polled; a node is there", Waiting::Spins);
    vec![maker(polled, Iceoryx2, &[WorkKind::Attach, WorkKind::Memory])]
}

struct Iceoryx2;

/// A port with its service, which goes after it.
struct End<P>(P, #[allow(dead_code, reason = "it is held")] Samples);

fn samples(node: &Node<ipc::Service>, place: &Place) -> Result<Samples, Failure> {
    let service = node.service_builder(&ServiceName::new(&place.name)?).publish_subscribe::<u64>();
    let service = service.max_publishers(1).max_subscribers(1).history_size(0);
    Ok(service.subscriber_max_buffer_size(place.capacity).enable_safe_overflow(false).open_or_create()?)
}

impl Sender<Word> for End<Publisher<ipc::Service, u64, ()>> {
    fn send(&mut self, [message]: Word) -> Result<(), Failure> {
        while self.0.loan_uninit()?.write_payload(message).send()? == 0 {
            spin_loop();
        }
        Ok(())
    }
}

impl Receiver<Word> for End<Subscriber<ipc::Service, u64, ()>> {
    fn recv(&mut self) -> Result<Word, Failure> {
        loop {
            if let Some(sample) = self.0.receive()? {
                return Ok([*sample]);
            }
            spin_loop();
        }
    }
}

impl Maker for Iceoryx2 {
    type Member = Node<ipc::Service>;
    type Sender = End<Publisher<ipc::Service, u64, ()>>;
    type Receiver = End<Subscriber<ipc::Service, u64, ()>>;

    fn member(&self, place: &Place) -> Result<Self::Member, Failure> {
        node(place)
    }

    fn sender(&self, node: &Self::Member, place: &Place) -> Result<Self::Sender, Failure> {
        let samples = samples(node, place)?;
        let strategy = BackpressureStrategy::RetryUntilDelivered;
        Ok(End(samples.publisher_builder().backpressure_strategy(strategy).create()?, samples))
    }

    fn receiver(&self, node: &Self::Member, place: &Place) -> Result<Self::Receiver, Failure> {
        let samples = samples(node, place)?;
        Ok(End(samples.subscriber_builder().create()?, samples))
    }

    fn clean(&self, place: &Place) {
        clean(place);
    }
}
