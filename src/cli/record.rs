//! What `--records` sends: one line, without its newline, is one message of bytes.

use super::args::Channel;
use super::failure::Failure;
use super::opening;
use ringway::{OpenError, Options};
use std::time::Duration;

/// Bytes of the longest record; a line that is longer is better sent as what it is, a file.
pub(crate) const LONGEST: usize = 1 << 30;

/// Keeps the channels of other programs apart: "records" and a version.
const TAG: u64 = u64::from_le_bytes(*b"records2");

/// Records that a channel holds if nobody has said how many.
const CAPACITY: usize = 256;

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
