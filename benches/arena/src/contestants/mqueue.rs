//! A POSIX message queue: of the capacity that is asked for if the kernel lets us, else of as many as it lets anybody.

use super::rendezvous::retry;
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Entry, Kind};
use bytemuck::{bytes_of, bytes_of_mut};
use nix::mqueue::{MQ_OFlag, MqAttr, MqdT, mq_attr_member_t, mq_open, mq_receive, mq_send, mq_unlink};
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::stat::Mode;
use std::fs;

/// Messages that a queue holds at most for who has no privilege.
const LIMIT: &str = "/proc/sys/fs/mqueue/msg_max";

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "POSIX message queue",
        version: "",
        mode: "holds msg_max messages (10), or what is asked for if privileged",
        waiting: Waiting::Sleeps,
        largest: 8192,
        has_batches: false,
    };
    vec![Entry::between(card, Queue).kind(Kind::Kernel)]
}

#[derive(Clone)]
pub(super) struct Queue;

/// An open queue.
pub(super) struct End(pub MqdT);

impl Drop for End {
    fn drop(&mut self) {
        // Ours, and open. That it cannot be closed would change nothing.
        let _ = nix::mqueue::mq_close(duplicate(&self.0));
    }
}

/// `mq_close` takes what it closes, and `drop` has only a reference.
fn duplicate(queue: &MqdT) -> MqdT {
    // SAFETY: a descriptor's number, which is closed once: by this copy.
    unsafe { std::ptr::read(queue) }
}

pub(super) fn name(place: &Place) -> String {
    format!("/{}", place.name)
}

pub(super) fn mode() -> Mode {
    Mode::S_IRUSR | Mode::S_IWUSR
}

/// A new queue, opened for reading: of the place's capacity, or of what anybody may have.
pub(super) fn create<M: Message>(place: &Place, flags: MQ_OFlag) -> Result<MqdT, Failure> {
    create_named(&name(place), place.capacity, M::BYTES, flags | MQ_OFlag::O_RDONLY)
}

/// A new queue of this name for messages of so many bytes: of that capacity, or of what anybody may have.
pub(super) fn create_named(name: &str, capacity: usize, bytes: usize, flags: MQ_OFlag) -> Result<MqdT, Failure> {
    // For who may; the rest of us has room for ten messages anyway.
    let _ = setrlimit(Resource::RLIMIT_MSGQUEUE, nix::sys::resource::RLIM_INFINITY, nix::sys::resource::RLIM_INFINITY);
    let flags = flags | MQ_OFlag::O_CREAT | MQ_OFlag::O_EXCL;
    let of = |capacity: usize| {
        let attr = MqAttr::new(0, capacity as mq_attr_member_t, bytes as mq_attr_member_t, 0);
        mq_open(name, flags, mode(), Some(&attr))
    };
    let queue = of(capacity).or_else(|error| {
        let most = fs::read_to_string(LIMIT).ok().and_then(|text| text.trim().parse().ok()).ok_or(error)?;
        of(capacity.min(most))
    });
    queue.map_err(|error| format!("mq_open: {error}").into())
}

impl<M: Message> Sender<M> for End {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        Ok(mq_send(&self.0, bytes_of(&message), 0)?)
    }
}

impl<M: Message> Receiver<M> for End {
    fn recv(&mut self) -> Result<M, Failure> {
        let (mut message, mut priority) = (M::zeroed(), 0);
        match mq_receive(&self.0, bytes_of_mut(&mut message), &mut priority)? {
            bytes if bytes == M::BYTES => Ok(message),
            bytes => Err(format!("a message of {bytes} bytes, not {}", M::BYTES).into()),
        }
    }
}

impl Between for Queue {
    type Sender<M: Message> = End;
    type Receiver<M: Message> = End;

    fn sender<M: Message>(&self, place: &Place) -> Result<End, Failure> {
        let queue = retry(|| mq_open(name(place).as_str(), MQ_OFlag::O_WRONLY, mode(), None))?;
        // Both ends have it open, so nothing is left when they are gone.
        mq_unlink(name(place).as_str())?;
        Ok(End(queue))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<End, Failure> {
        create::<M>(place, MQ_OFlag::empty()).map(End)
    }

    fn clean(&self, place: &Place) {
        // Mostly it is gone.
        let _ = mq_unlink(name(place).as_str());
    }
}
