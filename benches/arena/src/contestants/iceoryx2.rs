//! iceoryx2, publish-subscribe between processes through chunks on loan.
//!
//! Made lossless as documented: `enable_safe_overflow(false)` with `BackpressureStrategy::RetryUntilDelivered`, which
//! yields, then sleeps, until there is room
//! (<https://docs.rs/iceoryx2/0.10.0/iceoryx2/port/publisher/index.html>). Its default overwrites the oldest sample
//! instead, so nothing here is its default. One publisher, one subscriber and no history, as in its own benchmark
//! `benchmarks/publish-subscribe`, and its service `ipc`, the fastest, for one thread at a time.
//!
//! Fastest documented: uninitialised loans written in place, samples read in place, the subscriber polled. For more than
//! one message at a time its way is a slice, loaned and read in place as one sample; a second contestant does that, with
//! up to 64 messages in a sample and a buffer of a 64th as many samples, so that full slices fill it with as many messages
//! as the others hold; one at a time it has room for fewer. The capacity in samples is exact. iceoryx2 has no waiting
//! receive: to sleep, it has events beside the samples, one notification after each sample. A publisher without room
//! waits in its own way in all of them.
//!
//! All its files are under the round's directory, and its shared memory has the round's name in front. It leaves one
//! segment there on purpose, for the next node.

use super::rendezvous::{publish, retry};
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::Entry;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::port::update_connections::UpdateConnections;
use iceoryx2::prelude::*;
use iceoryx2::sample::Sample;
use iceoryx2::service::port_factory::{event, publish_subscribe};
use std::hint::spin_loop;
use std::path::PathBuf;

pub fn entries() -> Vec<Entry> {
    let polled = Card {
        name: "iceoryx2, spinning",
        version: "0.10.0",
        mode: "fastest lossless: loans in place, polled",
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: false,
    };
    let notified = Card {
        name: "iceoryx2, events",
        mode: "lossless: loans in place, an event after each",
        waiting: Waiting::Sleeps,
        ..polled.clone()
    };
    let slices = Card {
        name: "iceoryx2, slices, spinning",
        mode: "fastest lossless for batches: a slice is a sample",
        has_batches: true,
        ..polled.clone()
    };
    let slices_notified = Card {
        name: "iceoryx2, slices, events",
        mode: "lossless: a slice is a sample, an event after each",
        has_batches: true,
        ..notified.clone()
    };
    vec![
        Entry::between(polled, Iceoryx2::<1, false>),
        Entry::between(notified, Iceoryx2::<1, true>),
        Entry::between(slices, Iceoryx2::<64, false>),
        Entry::between(slices_notified, Iceoryx2::<64, true>),
    ]
}

/// The contestant, with the most messages in a sample.
#[derive(Clone)]
struct Iceoryx2<const SLICE: usize, const EVENTS: bool>;

/// A message under the trait that iceoryx2 asks for.
#[derive(Debug)]
#[repr(transparent)]
struct Wire<M>(M);

// SAFETY: a message is plain data without pointers, the same in every process of one program.
unsafe impl<M: Message> ZeroCopySend for Wire<M> {}

type Samples<M> = publish_subscribe::PortFactory<ipc::Service, [Wire<M>], ()>;
type Slice<M> = Sample<ipc::Service, [Wire<M>], ()>;
pub(super) type Events = event::PortFactory<ipc::Service>;

/// The sending end. Its fields are dropped in this order: ports before their services, those before the node.
struct Sending<M: Message, const SLICE: usize> {
    publisher: Publisher<ipc::Service, [Wire<M>], ()>,
    notifier: Option<Notifier<ipc::Service>>,
    _services: (Samples<M>, Option<Events>),
    _node: Node<ipc::Service>,
}

/// The receiving end. Its fields are dropped in this order: the sample before its port, ports before their services, those
/// before the node.
struct Receiving<M: Message> {
    /// A slice of which some messages were not yet taken, and how many were.
    begun: Option<(Slice<M>, usize)>,
    subscriber: Subscriber<ipc::Service, [Wire<M>], ()>,
    listener: Option<Listener<ipc::Service>>,
    _services: (Samples<M>, Option<Events>),
    _node: Node<ipc::Service>,
}

/// What its shared memory of this place begins with.
pub(super) fn prefix(place: &Place) -> String {
    format!("{}_", place.name)
}

/// The file that says that the subscriber has opened its connection.
pub(super) fn connected(place: &Place) -> PathBuf {
    place.dir.join("connected")
}

pub(super) fn node(place: &Place) -> Result<Node<ipc::Service>, Failure> {
    let mut config = Config::default();
    config.global.set_root_path(&Path::new(place.dir.as_os_str().as_encoded_bytes())?);
    config.global.prefix = FileName::new(prefix(place).as_bytes())?;
    Ok(NodeBuilder::new().config(&config).signal_handling_mode(SignalHandlingMode::Disabled).create()?)
}

fn samples<M: Message>(node: &Node<ipc::Service>, capacity: usize) -> Result<Samples<M>, Failure> {
    let service = node
        .service_builder(&ServiceName::new("samples")?)
        .publish_subscribe::<[Wire<M>]>()
        .max_publishers(1)
        .max_subscribers(1)
        .history_size(0)
        .subscriber_max_buffer_size(capacity)
        .enable_safe_overflow(false)
        .open_or_create()?;
    Ok(service)
}

pub(super) fn events(node: &Node<ipc::Service>) -> Result<Events, Failure> {
    let service = node.service_builder(&ServiceName::new("events")?).event().max_notifiers(1).max_listeners(1);
    Ok(service.event_id_max_value(1).open_or_create()?)
}

/// Removes what has the place's name in front.
pub(super) fn clean(place: &Place) {
    let prefix = prefix(place);
    for file in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        if file.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()) {
            // Whoever removed it first has done the same.
            let _ = std::fs::remove_file(file.path());
        }
    }
}

impl<const SLICE: usize, const EVENTS: bool> Between for Iceoryx2<SLICE, EVENTS> {
    type Sender<M: Message> = Sending<M, SLICE>;
    type Receiver<M: Message> = Receiving<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        let node = node(place)?;
        let samples = samples::<M>(&node, place.capacity.div_ceil(SLICE))?;
        retry(|| match samples.dynamic_config().number_of_subscribers() {
            0 => Err("no subscriber"),
            _ => Ok(()),
        })?;
        let publisher = samples
            .publisher_builder()
            .initial_max_slice_len(SLICE)
            .backpressure_strategy(BackpressureStrategy::RetryUntilDelivered)
            .create()?;
        // It discards what it sends before the subscriber has opened the connection, lossless or not.
        retry(|| std::fs::metadata(connected(place)))?;
        let events = EVENTS.then(|| events(&node)).transpose()?;
        let notifier = events.as_ref().map(|events| events.notifier_builder().create()).transpose()?;
        Ok(Sending { publisher, notifier, _services: (samples, events), _node: node })
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        let node = node(place)?;
        // The listener first: the sender waits only for the subscriber.
        let events = EVENTS.then(|| events(&node)).transpose()?;
        let listener = events.as_ref().map(|events| events.listener_builder().create()).transpose()?;
        let samples = samples::<M>(&node, place.capacity.div_ceil(SLICE))?;
        let subscriber = samples.subscriber_builder().create()?;
        retry(|| match samples.dynamic_config().number_of_publishers() {
            0 => Err("no publisher"),
            _ => Ok(()),
        })?;
        subscriber.update_connections()?;
        publish(&connected(place), b"")?;
        Ok(Receiving { begun: None, subscriber, listener, _services: (samples, events), _node: node })
    }

    fn clean(&self, place: &Place) {
        clean(place);
    }
}

impl<M: Message, const SLICE: usize> Sending<M, SLICE> {
    /// Sends one slice, each message made in place.
    #[inline(always)]
    fn send_slice(&mut self, count: usize, make: impl Fn(usize) -> M) -> Result<(), Failure> {
        let slice = self.publisher.loan_slice_uninit(count)?;
        slice.write_from_fn(|index| Wire(make(index))).send()?;
        if let Some(notifier) = &self.notifier {
            notifier.notify()?;
        }
        Ok(())
    }
}

impl<M: Message, const SLICE: usize> Sender<M> for Sending<M, SLICE> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        self.send_slice(1, |_| message)
    }

    #[inline(always)]
    fn send_batch(&mut self, first: u64, count: usize) -> Result<(), Failure> {
        let mut sent = 0;
        while sent < count {
            let slice = (count - sent).min(SLICE);
            self.send_slice(slice, |index| M::of(first + (sent + index) as u64))?;
            sent += slice;
        }
        Ok(())
    }
}

impl<M: Message> Receiving<M> {
    /// The next sample.
    #[inline(always)]
    fn next(&mut self) -> Result<Slice<M>, Failure> {
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

impl<M: Message> Receiver<M> for Receiving<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        if self.begun.is_none() {
            let sample = self.next()?;
            if let [Wire(message)] = &*sample {
                return Ok(*message);
            }
            self.begun = Some((sample, 0));
        }
        let mut only = M::zeroed();
        self.recv_batch(1, |message| only = *message)?;
        Ok(only)
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let (sample, taken) = match self.begun.take() {
            Some(begun) => begun,
            None => (self.next()?, 0),
        };
        let slice = &sample[taken..];
        let count = slice.len().min(max);
        slice[..count].iter().for_each(|Wire(message)| take(message));
        if count < slice.len() {
            self.begun = Some((sample, taken + count));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives_in_order_polled() {
        trial::between(module_path!(), "every_message_arrives_in_order_polled", Iceoryx2::<1, false>);
    }

    #[test]
    fn every_message_arrives_in_order_notified() {
        trial::between(module_path!(), "every_message_arrives_in_order_notified", Iceoryx2::<1, true>);
    }

    #[test]
    fn every_message_of_slices_arrives_in_order_polled() {
        trial::between(module_path!(), "every_message_of_slices_arrives_in_order_polled", Iceoryx2::<64, false>);
    }

    #[test]
    fn every_message_of_slices_arrives_in_order_notified() {
        trial::between(module_path!(), "every_message_of_slices_arrives_in_order_notified", Iceoryx2::<64, true>);
    }
}
