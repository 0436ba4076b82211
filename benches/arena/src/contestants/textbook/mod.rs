//! What the textbooks teach: a bounded buffer in shared memory, and something of the system's by which a producer and a
//! consumer take turns at it. A new one is one file here, with a [`Way`](way::Way), and a line in [`entries`].
//!
//! The buffer is the same for all, and as good as one knows how to make it for one producer and one consumer: places in a
//! row, each end's position its own affair, a message made where it will be read. The ways differ in what tells an end how many
//! places are its own now:
//!
//! | way | a message costs each end | system calls of it | an end that is killed |
//! |---|---|---|---|
//! | mutex and condition variables | the mutex, and a signal | where the other one holds it, or sleeps | with the mutex: the other waits for ever |
//! | the same, robust | the same, and a list of what one holds | the same | with the mutex: the kernel gives it back, and the other waits for a signal for ever |
//! | two semaphores | a wait and a post | where there is nothing, or the other one sleeps | the other waits for ever |
//! | three semaphores | two of each | the same, and where the other one is at the buffer | the same, and with the third nobody gets there any more |
//! | message queues, *ready* and *ok* | a message taken, a message given | two | the queues stay, and the other waits for ever |
//! | System V semaphores | two `semop` | two | as above; memory and semaphores stay until somebody removes them |
//! | System V message queues | a message taken, a message given | two | as above |
//! | eventfds | a write, and a read of all that has come | one, or two | the other waits for ever, though the descriptors go |
//!
//! None of them notices that the other end is gone; ringway does, and so pays for what these leave out.

mod condvar;
mod eventfd;
mod memory;
mod mqueue;
mod semaphore;
mod system_v;
pub(super) mod way;

use crate::contestant::{Card, Waiting};
use crate::entry::{Entry, Kind};
use crate::lengths;
use condvar::Condvar;
use eventfd::Eventfds;
use mqueue::Queues;
use semaphore::Semaphores;
use system_v::{SystemVQueues, SystemVSemaphores};
use way::{Buffer, Rounds, Way};

/// A way as the table says it.
fn card(name: &'static str, mode: &'static str, has_batches: bool) -> Card {
    Card { name, version: "", mode, waiting: Waiting::Sleeps, largest: usize::MAX, has_batches }
}

/// With messages of one size, and with those of any length, which go in rounds.
fn both<W: Way>(card: Card, way: W) -> [Entry; 2] {
    let in_rounds = way.clone();
    [of_one_size(card.clone(), way), lengths::between(card, Rounds(in_rounds)).kind(Kind::Textbook)]
}

fn of_one_size<W: Way>(card: Card, way: W) -> Entry {
    Entry::between(card, Buffer(way)).kind(Kind::Textbook)
}

/// All of them, in the order of the table.
pub fn entries() -> Vec<Entry> {
    let locked = "bounded buffer, copies under the lock; death unnoticed";
    let unlocked = "bounded buffer, copies beside the lock; death unnoticed";
    let counted = "bounded buffer; death unnoticed";
    let tokens = "bounded buffer, a message of one byte each way; death unnoticed, a queue may stay";
    let robust = "textbook, robust mutex and condvar";
    let mut entries = vec![
        of_one_size(card("textbook, mutex and condvar", locked, true), Condvar { is_robust: false, is_held: true }),
        of_one_size(
            card(robust, "the same; a dead one's lock is given back", true),
            Condvar { is_robust: true, is_held: true },
        ),
        lengths::between(card(robust, unlocked, true), Rounds(Condvar { is_robust: true, is_held: false }))
            .kind(Kind::Textbook),
        of_one_size(card("textbook, 3 semaphores", counted, false), Semaphores { has_lock: true }),
    ];
    entries.extend(both(card("textbook, 2 semaphores", counted, false), Semaphores { has_lock: false }));
    entries.extend(both(card("textbook, ready/ok by POSIX queues", tokens, false), Queues));
    entries.extend(both(card("textbook, ready/ok by eventfds", counted, true), Eventfds));
    let stays = "bounded buffer; death unnoticed, all stays";
    entries.extend(both(card("textbook, System V semaphores", stays, false), SystemVSemaphores));
    entries.extend(both(card("textbook, ready/ok by System V queues", stays, false), SystemVQueues));
    entries
}

#[cfg(test)]
mod tests;
