//! What `--records` sends: one line, without its newline.

use super::args::Channel;
use super::failure::Failure;
use super::opening;
use bytemuck::{Pod, Zeroable};
use ringway::{OpenError, Options};
use std::time::Duration;

/// Bytes of the longest record: with its length a message of 4096 bytes, the most that a many-to-many channel takes.
pub(crate) const LONGEST: usize = 4088;

/// Keeps the channels of other programs apart: "records" and a version.
const TAG: u64 = u64::from_le_bytes(*b"records1");

/// Records that a channel holds if nobody has said how many.
const CAPACITY: usize = 256;

/// Any bytes, so many of them.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Record {
    len: u64,
    bytes: [u8; LONGEST],
}

impl Record {
    /// The record of these bytes; `None`: they are too many.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        let mut record = Self { len: bytes.len() as u64, bytes: [0; LONGEST] };
        record.bytes.get_mut(..bytes.len())?.copy_from_slice(bytes);
        Some(record)
    }

    /// Its bytes. (A length that cannot be, which no `ringway` sends, is cut.)
    pub(crate) fn bytes(&self) -> &[u8] {
        let len = usize::try_from(self.len).unwrap_or(LONGEST).min(LONGEST);
        &self.bytes[..len]
    }
}

/// Opens an end of a channel of records with `open`, or with `create` if there is none. Only a capacity that was asked for
/// is insisted on.
pub(crate) fn open<E>(
    channel: &Channel,
    options: Options,
    open: impl Fn(&str, &Options) -> Result<E, OpenError>,
    create: impl Fn(&str, &Options) -> Result<E, OpenError>,
) -> Result<E, Failure> {
    let capacity = channel.capacity.map_or(CAPACITY, |records| usize::try_from(records).unwrap_or(usize::MAX));
    opening::open(&channel.name, &options.type_tag(TAG), |name, options| {
        // Who waits for a channel to come creates it.
        let options = options.clone().open_timeout(Duration::ZERO);
        match open(name, &options) {
            Err(error) if error.is_not_found() => create(name, &options.capacity(capacity)),
            opened => opened,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_holds_any_bytes_up_to_the_longest() {
        for len in [0, 1, LONGEST - 1, LONGEST] {
            let bytes: Vec<u8> = (0..len).map(|at| at as u8).collect();
            assert_eq!(Record::of(&bytes).unwrap().bytes(), bytes);
        }
        assert!(Record::of(&[7; LONGEST + 1]).is_none());
        assert_eq!(size_of::<Record>(), 4096);
    }

    #[test]
    fn a_length_that_cannot_be_is_cut() {
        let mut record = Record::of(b"abc").unwrap();
        record.len = u64::MAX;
        assert_eq!(record.bytes().len(), LONGEST);
    }
}
