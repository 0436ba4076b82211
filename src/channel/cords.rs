//! Which waiters a channel can have where it lies, and what they need of the kernel besides its memory.

use super::error::OpenError;
use super::open::Refused;
use crate::layout::header::Header;
use crate::layout::waiter::Waiter;
use crate::memory::cords::{Cords, Source};
use crate::memory::error::SegmentError;
use crate::memory::name::Place;
use crate::memory::segment::Attachment;

const NO_EVENTFD: &str =
    "eventfds are for channels on the heap: an eventfd has no name by which another process could open it";
const NO_QUEUE: &str = "message queues are for channels with a name, and on the heap: of what has no name nobody could \
                        remove the queues";

/// Whether a channel at this place can have this waiter.
pub(super) fn must_be_possible(waiter: Waiter, place: &Place) -> Result<(), OpenError> {
    match waiter {
        Waiter::EventFd => Err(OpenError::Options { rule: NO_EVENTFD }),
        Waiter::MessageQueue if place.is_memfd() => Err(OpenError::Options { rule: NO_QUEUE }),
        Waiter::Futex | Waiter::Condvar | Waiter::Semaphore | Waiter::MessageQueue => Ok(()),
    }
}

/// What the sleepers of a channel inside this process need.
pub(crate) fn within(header: &Header) -> Result<Option<Cords>, OpenError> {
    match header.waiter() {
        Waiter::Futex | Waiter::Condvar | Waiter::Semaphore => Ok(None),
        Waiter::MessageQueue => Ok(hang(header, Source::OwnQueues)?),
        Waiter::EventFd => Ok(hang(header, Source::Events)?),
    }
}

/// What those need who sleep at a segment, and share with other processes.
pub(crate) fn between(attachment: &Attachment, header: &Header) -> Result<Option<Cords>, Refused> {
    let Some(queues) = header.queues() else { return Ok(None) };
    if attachment.path().is_none() {
        return Err(OpenError::Options { rule: NO_QUEUE }.into());
    }
    Ok(hang(header, Source::Queues(queues))?)
}

fn hang(header: &Header, source: Source) -> Result<Option<Cords>, SegmentError> {
    let Some(dorms) = header.geometry.dorms else { return Ok(None) };
    let beds = (0..dorms.count()).map(|dorm| dorms.beds(dorm) as usize);
    Cords::new(source, beds, dorms.common() as usize).map(Some)
}
