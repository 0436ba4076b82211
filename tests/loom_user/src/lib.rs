//! A pipeline: a producer, a worker, a consumer. Numbers go from the producer to the worker, which writes each one's square
//! to a place of a table and tells the consumer which place that is.
//!
//! Three things hold it together besides the two channels, and they are what a model is for:
//!
//! - *Credit*: no more numbers are under way than the table has places. The producer takes one for each number, and leaves the
//!   number out if there is none; the consumer gives it back behind its look at the place.
//! - *Stop*: the consumer may have enough. It sets a flag, which the producer looks at; what is under way still arrives.
//! - *The table* is plain memory. Who may touch a place follows from the messages and the credit alone.
//!
//! A second program, [`relay`], has a stream and memory that is lent in place of them.
//!
//! `tests/pipeline.rs` runs it in threads, and with `--cfg loom` in the orders that they can have. Each feature `bug-...` plants a
//! bug, which threads may well live with for years, and which the model must find.

pub mod relay;
pub mod sync;

use ringway::spsc::{Receiver, Sender};
use sync::{Arc, AtomicBool, AtomicU32, Ordering, UnsafeCell};

/// Places of the table, numbers under way, and room in each channel.
pub const CREDIT: u32 = 2;

/// A number, and the place that its square goes to.
type Job = [u32; 2];

/// What the three share besides channels.
#[derive(Debug)]
pub struct Shared {
    credit: AtomicU32,
    stop: AtomicBool,
    table: [UnsafeCell<u32>; CREDIT as usize],
}

// SAFETY: a place of the table is the worker's from the receiving of its job to the sending of its place, the consumer's from
//  there until it gives the credit back, and nobody's else: see `work` and `consume`.
unsafe impl Sync for Shared {}

impl Shared {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            credit: AtomicU32::new(CREDIT),
            stop: AtomicBool::new(false),
            table: [(); CREDIT as usize].map(|()| UnsafeCell::new(0)),
        })
    }

    /// Takes one, if there is one.
    fn take_credit(&self) -> bool {
        let mut seen = self.credit.load(Ordering::Relaxed);
        while seen > 0 {
            if cfg!(feature = "bug-lost-credit") {
                // Two accesses in place of one: what is given back between them is lost.
                self.credit.store(seen - 1, Ordering::Release);
                return true;
            }
            match self.credit.compare_exchange(seen, seen - 1, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    fn give_credit_back(&self) {
        self.credit.fetch_add(1, Ordering::Release);
    }

    pub fn credit(&self) -> u32 {
        self.credit.load(Ordering::Acquire)
    }

    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }
}

/// Sends the numbers for which there is credit, until it is to stop; how many it sent.
pub fn produce(shared: &Shared, mut jobs: Sender<Job>, numbers: impl IntoIterator<Item = u32>) -> u32 {
    let mut sent = 0;
    for number in numbers {
        if shared.is_stopped() {
            break;
        }
        if shared.take_credit() {
            jobs.send([number, sent % CREDIT]).expect("a worker, for as long as there is a producer");
            sent += 1;
        }
    }
    sent
}

/// Does each job, until there is no producer; how many it did.
pub fn work(shared: &Shared, mut jobs: Receiver<Job>, mut places: Sender<u32>) -> u32 {
    let mut done = 0;
    while let Ok([number, place]) = jobs.recv() {
        let square = |place: *mut u32| {
            // SAFETY: the credit for this place was taken for this job, so its last reader is done, and the next is told below.
            unsafe { *place = number * number }
        };
        if cfg!(feature = "bug-race") {
            // Tells first, and writes then.
            let _ = places.send(place);
            shared.table[place as usize].with_mut(square);
        } else {
            shared.table[place as usize].with_mut(square);
            let _ = places.send(place);
        }
        done += 1;
        if cfg!(feature = "bug-early-end") && shared.is_stopped() && jobs.is_empty() {
            // The producer may have looked at the flag before it was set, and send one more.
            break;
        }
    }
    if cfg!(feature = "bug-deadlock") {
        // Ends, and does not leave the channel.
        std::mem::forget(places);
    }
    done
}

/// Adds the squares up until there is no worker, and has enough once it has seen so many; the sum, and how many they were.
pub fn consume(shared: &Shared, mut places: Receiver<u32>, enough: u32) -> (u32, u32) {
    let (mut sum, mut seen) = (0, 0);
    while let Ok(place) = places.recv() {
        // SAFETY: the worker was done with the place before it told us, and nobody gets it before we give the credit back.
        sum += shared.table[place as usize].with(|place| unsafe { *place });
        shared.give_credit_back();
        seen += 1;
        if seen == enough {
            shared.stop();
        }
    }
    (sum, seen)
}
