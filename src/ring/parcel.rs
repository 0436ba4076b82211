//! What goes through the ring of a channel of bytes: short messages themselves, and tickets of those in lanes.

use super::Corrupt;
use super::lane::Ticket;
use super::payload::Payload;

/// What a slot holds: a head and the bytes of a short message, or a ticket. With the slot's word, two lines of 64 bytes.
pub(crate) type Parcel = [u64; 15];

/// Messages of at most so many bytes go through the ring itself.
pub(crate) const INLINE_MAX: usize = size_of::<Parcel>() - 8;

/// In a parcel's head.
const INLINE: u64 = 1;
const IN_A_LANE: u64 = 2;
const THROUGH_A_LANE: u64 = 3;
/// Of a message that is still being written: how long it will be is not known.
const UNKNOWN: u64 = u64::MAX;

/// What a parcel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// A message of so many bytes, in the parcel.
    Inline(usize),
    /// A message of so many bytes, the whole of it in a lane.
    Whole(Ticket, u64),
    /// A message that comes through a lane, and how long it will be, if its sender knows.
    Flow(Ticket, Option<u64>),
}

/// A parcel that holds the whole message.
#[inline(always)]
pub(crate) fn inline(bytes: &[u8]) -> Parcel {
    let mut parcel = [0; 15];
    parcel[0] = (bytes.len() as u64) << 8 | INLINE;
    bytemuck::bytes_of_mut(&mut parcel)[8..8 + bytes.len()].copy_from_slice(bytes);
    parcel
}

/// A parcel that names a lane.
pub(crate) fn ticket(content: Content) -> Parcel {
    let (kind, ticket, len) = match content {
        Content::Inline(_) => unreachable!("a short message needs no ticket"),
        Content::Whole(ticket, len) => (IN_A_LANE, ticket, len),
        Content::Flow(ticket, len) => (THROUGH_A_LANE, ticket, len.unwrap_or(UNKNOWN)),
    };
    let mut parcel = [0; 15];
    parcel[..3].copy_from_slice(&[(ticket.lane as u64) << 8 | kind, ticket.generation, len]);
    parcel
}

/// What a parcel is; an error if it cannot be, in a segment with so many lanes of these lengths.
#[inline(always)]
pub(crate) fn content(parcel: &Parcel, lanes: usize, bytes_of: impl Fn(usize) -> usize) -> Result<Content, Corrupt> {
    let [head, generation, len, ..] = *parcel;
    let (kind, number) = (head & 0xff, (head >> 8) as usize);
    if kind == INLINE && number <= INLINE_MAX {
        return Ok(Content::Inline(number));
    }
    let ticket = Ticket { lane: number, generation };
    match kind {
        IN_A_LANE if number < lanes && len <= bytes_of(number) as u64 => Ok(Content::Whole(ticket, len)),
        THROUGH_A_LANE if number < lanes => Ok(Content::Flow(ticket, (len != UNKNOWN).then_some(len))),
        _ => Err(Corrupt { word: "parcel", found: head }),
    }
}

/// A parcel as the message of a ring that is one of parcels.
pub(crate) fn as_message<T: Payload>(parcel: &Parcel) -> T {
    bytemuck::pod_read_unaligned(bytemuck::bytes_of(parcel))
}

/// The message of a ring that is one of parcels as that.
pub(crate) fn of_message<T: Payload>(message: &T) -> Option<Parcel> {
    bytemuck::try_pod_read_unaligned(bytemuck::bytes_of(message)).ok()
}

/// The bytes of a short message.
#[inline(always)]
pub(crate) fn bytes(parcel: &Parcel, len: usize) -> &[u8] {
    &bytemuck::bytes_of(parcel)[8..8 + len]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parcels_are_what_they_were() {
        let lanes = |parcel: &Parcel| content(parcel, 3, |_| 4096);
        for len in [0, 1, 7, 8, 9, INLINE_MAX] {
            let message: Vec<u8> = (0..len as u8).collect();
            let parcel = inline(&message);
            assert_eq!(lanes(&parcel), Ok(Content::Inline(len)));
            assert_eq!(bytes(&parcel, len), message);
        }
        let name = Ticket { lane: 2, generation: 77 };
        for content in [Content::Whole(name, 4096), Content::Flow(name, None), Content::Flow(name, Some(1 << 40))] {
            assert_eq!(lanes(&ticket(content)), Ok(content));
        }
    }

    /// Fault 60.
    #[test]
    fn what_no_sender_sends_is_corrupt() {
        let lane = |lane: u64, len: u64, kind: u64| [lane << 8 | kind, 0, len, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let long = (INLINE_MAX as u64 + 1) << 8 | INLINE;
        for parcel in [lane(0, 0, 0), lane(0, 0, 4), lane(3, 0, 2), lane(3, 0, 3), lane(0, 4097, 2), [long; 15]] {
            assert!(content(&parcel, 3, |_| 4096).is_err(), "{parcel:?}");
        }
    }
}
