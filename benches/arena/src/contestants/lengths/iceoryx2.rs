//! iceoryx2, publish-subscribe: a slice on loan, into which the sender's buffer is copied, and out of which the receiver
//! copies it. Lossless, as in `contestants::iceoryx2`: polled, and with an event after each.
//!
//! A sample is as long as its message. The subscriber's buffer holds as many of the longest as the capacity has room for, two
//! at least; iceoryx2 makes the memory for all of them, and for one on loan, beforehand.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::iceoryx2::{Events, clean, connected, events, node};
use crate::contestants::rendezvous::{publish, retry};
use crate::entry::Entry;
use crate::lengths::{Between, Lengths, Receiver, Sender, between};
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::sample::Sample;
use iceoryx2::service::port_factory::publish_subscribe;
use std::hint::spin_loop;

pub fn entries() -> Vec<Entry> {
    let polled = Card {
        name: "iceoryx2, spinning",
        version: "0.10.0",
        mode: "fastest lossless: loan, copy in, copy out, polled",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: false,
    };
    let notified = Card {
        name: "iceoryx2, events",
        mode: "lossless: loan, copy in, copy out, an event after each",
        waiting: Waiting::Sleeps,
        ..polled.clone()
    };
    vec![between(polled, Slices { events: false }), between(notified, Slices { events: true })]
}

struct Slices {
    events: bool,
}

/// What is between the ends.
pub(in crate::contestants) struct Shape {
    /// Whether there is an event after each sample.
    pub(in crate::contestants) events: bool,
    /// Bytes of the longest sample.
    pub(in crate::contestants) longest: usize,
    /// Samples that wait for the subscriber at most.
    pub(in crate::contestants) buffered: usize,
    /// What the bytes are aligned to.
    pub(in crate::contestants) alignment: Alignment,
}

type Service = publish_subscribe::PortFactory<ipc::Service, [u8], ()>;

/// The sending end. Its fields are dropped in this order: ports before their services, those before the node.
pub(in crate::contestants) struct Sending {
    pub(in crate::contestants) publisher: Publisher<ipc::Service, [u8], ()>,
    notifier: Option<Notifier<ipc::Service>>,
    _services: (Service, Option<Events>),
    _node: Node<ipc::Service>,
}

/// The receiving end, whose fields are dropped in the same order.
pub(in crate::contestants) struct Receiving {
    subscriber: Subscriber<ipc::Service, [u8], ()>,
    listener: Option<Listener<ipc::Service>>,
    _services: (Service, Option<Events>),
    _node: Node<ipc::Service>,
}

impl Slices {
    fn shape(&self, place: &Place, lengths: Lengths) -> Shape {
        let longest = lengths.longest();
        let buffered = (place.capacity / longest).max(2);
        Shape { events: self.events, longest, buffered, alignment: Alignment::ALIGN_1 }
    }
}

fn service(node: &Node<ipc::Service>, shape: &Shape) -> Result<Service, Failure> {
    let service = node
        .service_builder(&ServiceName::new("bytes")?)
        .publish_subscribe::<[u8]>()
        .max_publishers(1)
        .max_subscribers(1)
        .history_size(0)
        .payload_alignment(shape.alignment)
        .subscriber_max_buffer_size(shape.buffered)
        .enable_safe_overflow(false)
        .open_or_create()?;
    Ok(service)
}

impl Sending {
    pub(in crate::contestants) fn new(place: &Place, shape: &Shape) -> Result<Self, Failure> {
        let node = node(place)?;
        let service = service(&node, shape)?;
        retry(|| match service.dynamic_config().number_of_subscribers() {
            0 => Err("no subscriber"),
            _ => Ok(()),
        })?;
        let publisher = service
            .publisher_builder()
            .initial_max_slice_len(shape.longest)
            .max_loaned_samples(1)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        // It discards what it sends before the subscriber has opened the connection, lossless or not.
        retry(|| std::fs::metadata(connected(place)))?;
        let events = shape.events.then(|| events(&node)).transpose()?;
        let notifier = events.as_ref().map(|events| events.notifier_builder().create()).transpose()?;
        Ok(Self { publisher, notifier, _services: (service, events), _node: node })
    }

    /// Says that a sample was sent.
    #[inline]
    pub(in crate::contestants) fn notify(&self) -> Result<(), Failure> {
        if let Some(notifier) = &self.notifier {
            notifier.notify()?;
        }
        Ok(())
    }
}

impl Receiving {
    pub(in crate::contestants) fn new(place: &Place, shape: &Shape) -> Result<Self, Failure> {
        let node = node(place)?;
        // The listener first: the sender waits only for the subscriber.
        let events = shape.events.then(|| events(&node)).transpose()?;
        let listener = events.as_ref().map(|events| events.listener_builder().create()).transpose()?;
        let service = service(&node, shape)?;
        let subscriber = service.subscriber_builder().create()?;
        retry(|| match service.dynamic_config().number_of_publishers() {
            0 => Err("no publisher"),
            _ => Ok(()),
        })?;
        subscriber.update_connections()?;
        publish(&connected(place), b"")?;
        Ok(Self { subscriber, listener, _services: (service, events), _node: node })
    }

    /// The next sample.
    #[inline]
    pub(in crate::contestants) fn next(&self) -> Result<Sample<ipc::Service, [u8], ()>, Failure> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                return Ok(sample);
            }
            match &self.listener {
                // An event that came since the last wait ends this one at once, so none is missed.
                Some(listener) => _ = listener.blocking_wait(|_| ())?,
                None => spin_loop(),
            }
        }
    }
}

impl Between for Slices {
    type Sender = Sending;
    type Receiver = Receiving;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Sending, Failure> {
        Sending::new(place, &self.shape(place, lengths))
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Receiving, Failure> {
        Receiving::new(place, &self.shape(place, lengths))
    }

    fn clean(&self, place: &Place) {
        clean(place);
    }
}

impl Sender for Sending {
    #[inline]
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.publisher.loan_slice_uninit(message.len())?.write_from_slice(message).send()?;
        self.notify()
    }
}

impl Receiver for Receiving {
    #[inline]
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        let sample = self.next()?;
        let message = into.get_mut(..sample.len()).ok_or("a message longer than there can be")?;
        message.copy_from_slice(&sample);
        Ok(sample.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole_polled() {
        trial::between(module_path!(), "every_message_arrives_whole_polled", Slices { events: false });
    }

    #[test]
    fn every_message_arrives_whole_notified() {
        trial::between(module_path!(), "every_message_arrives_whole_notified", Slices { events: true });
    }
}
