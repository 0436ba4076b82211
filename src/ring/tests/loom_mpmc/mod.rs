//! The many-to-many ring under loom: everybody who uses it at once, those who are dead, and those who clear up.
//!
//! Messages lie in loom's cells, each access alone: a place that two use at a time, or that is read before it was written,
//! fails the model even where the value would come out right.
//!
//! A thread *dies* by making some of an operation's stores by hand and then saying so, with a release that the oracle
//! acquires: that is the kernel, which gives a lock up only behind its holder's last store.

mod edges;
mod given_up;
mod in_front;
mod recovery;
mod traffic;

use crate::layout::geometry::{Geometry, Shape};
use crate::layout::many::Many;
use crate::layout::tables::Tables;
use crate::ring::mpmc::{Delivery, Oracle, Owner, Popped, Pushed, Recovered, Ring};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::ops::Deref;
use loom::thread::{JoinHandle, spawn, yield_now};
// Not loom's: who keeps the memory is no part of a model.
use std::sync::Arc;

/// The member that dies, when it says so.
const MORTAL: Owner = Owner::leased(0, 1);
/// The member that lives.
const ME: Owner = Owner::leased(1, 1);
/// Another one.
const OTHER: Owner = Owner::leased(2, 1);

/// A ring, and whether the mortal member is dead.
struct Model {
    ring: Ring<u64>,
    is_dead: AtomicU32,
}

impl Deref for Model {
    type Target = Ring<u64>;

    fn deref(&self) -> &Ring<u64> {
        &self.ring
    }
}

impl Oracle for Model {
    fn is_alive(&self, owner: Owner) -> bool {
        owner.member() != MORTAL.member() || self.is_dead.load(Acquire) == 0
    }
}

impl Model {
    fn new(capacity: u64, records: u64) -> Arc<Self> {
        let tables = Tables::new(1, records, 1, 8, 8).unwrap();
        let shape = Shape {
            capacity,
            size: 8,
            align: 8,
            placement: None,
            frame_bytes: None,
            frames_offset: tables.slots_offset(),
            is_slotted: true,
        };
        let many = Many::modelled(&Geometry::new(shape).unwrap(), tables);
        Arc::new(Self { ring: Ring::new(many), is_dead: AtomicU32::new(0) })
    }

    fn lease(&self, owner: Owner) -> usize {
        self.try_lease(owner).unwrap()
    }

    fn try_lease(&self, owner: Owner) -> Option<usize> {
        self.lease_record(owner, 0..self.many().tables.records as usize)
    }

    fn die(&self) {
        self.is_dead.store(1, Release);
    }

    /// One try; whether it was sent.
    fn try_send(&self, record: usize, message: u64) -> bool {
        match self.push(self.record(record), &message) {
            Pushed::Done(count) => count == 1,
            Pushed::Full | Pushed::Held(_) | Pushed::Beaten => false,
            other => panic!("{other:?}"),
        }
    }

    /// One try.
    fn try_receive(&self, record: usize) -> Option<u64> {
        match self.pop(self.record(record)) {
            Popped::Done(delivery) => Some(delivery.message),
            Popped::Empty | Popped::Held(_) | Popped::Beaten => None,
            other => panic!("{other:?}"),
        }
    }

    fn send(&self, record: usize, message: u64) {
        while !self.try_send(record, message) {
            yield_now();
        }
    }

    fn receive(&self, record: usize) -> u64 {
        loop {
            if let Some(message) = self.try_receive(record) {
                return message;
            }
            yield_now();
        }
    }

    /// What is in the ring, when nobody else is about.
    fn rest(&self, record: usize) -> Vec<u64> {
        std::iter::from_fn(|| self.try_receive(record)).collect()
    }

    // By hand, what an operation does first. The rest is up to the test.

    /// Announces and claims the next position as a producer; whether it is ours.
    fn claim_to_write(&self, record: usize) -> Option<u64> {
        self.claim(record, true)
    }

    /// The same as a consumer.
    fn claim_to_read(&self, record: usize) -> Option<u64> {
        self.claim(record, false)
    }

    fn claim(&self, record: usize, is_producer: bool) -> Option<u64> {
        let (page, record) = (self.many().page(), self.record(record));
        let (counter, claim) =
            if is_producer { (&page.tail.0, &record.producing) } else { (&page.head.0, &record.consuming) };
        let position = counter.load(Acquire);
        claim.store(position << 8 | 1, Release);
        counter.compare_exchange(position, position + 1, AcqRel, Relaxed).is_ok().then_some(position)
    }

    /// A message goes to its slot, or comes from it, and nothing is said.
    fn touch(&self, position: u64) {
        let slot = self.many().seat(position).slot;
        self.many().slot(slot).with(|_| {});
    }

    /// The word of a slot, as this thread may see it.
    fn word(&self, position: u64) -> u64 {
        self.many().word(self.many().seat(position).slot).load(Relaxed)
    }

    fn is_tomb(&self, position: u64) -> bool {
        self.word(position) == self.many().seat(position).lap << 8 | 2
    }
}

fn again(message: u64, position: u64, attempt: u32) -> Recovered<Delivery<u64>> {
    Recovered::Delivered(Delivery { message, position, attempt })
}

/// A thread with the model.
fn with<R: 'static>(model: &Arc<Model>, run: impl FnOnce(&Model) -> R + 'static) -> JoinHandle<R> {
    let model = Arc::clone(model);
    spawn(move || run(&model))
}
