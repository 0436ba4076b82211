//! Everything that is wrong with a header, for people: `Header::decode` stops at the first thing, and nobody who uses a
//! segment goes on from there.

use super::error::FormatError;
use super::header::{HEADER_BYTES, Header, MAGIC, ORDER_MARK, READY, at, checksum};
use super::lifetime::Lifetime;

/// What is wrong with the first bytes of a file of `file_len` bytes, and the header as it would be without it.
///
/// Finds what `Header::decode` refuses, puts that right in a copy, and looks again; so it finds nothing that `decode`
/// would accept. It ends at what only the creator could put right: then there is no header.
pub(crate) fn diagnose(page: &[u8], file_len: u64) -> (Vec<FormatError>, Option<Header>) {
    let (mut page, mut file_len) = (page.to_vec(), file_len);
    let mut found = Vec::new();
    loop {
        match Header::decode(&page, file_len) {
            Ok(header) => return (found, Some(header)),
            // What has been put right and is still wrong cannot be put right.
            Err(error) if found.contains(&error) => return (found, None),
            Err(error) => {
                let is_right = put_right(&mut page, &mut file_len, &error);
                found.push(error);
                if !is_right {
                    return (found, None);
                }
            }
        }
    }
}

/// The field of the table that the error is about.
pub(crate) fn field(error: &FormatError) -> &'static str {
    match error {
        FormatError::NotASegment => "magic",
        FormatError::Version { .. } => "version",
        FormatError::ByteOrder => "order_mark",
        FormatError::Kind { .. } => "kind",
        FormatError::Type { .. } => "type_tag",
        FormatError::Capacity { .. } => "capacity",
        FormatError::Waiter { .. } => "waiter",
        FormatError::Backing { .. } => "memory",
        FormatError::NotPersistent => "lifetime",
        FormatError::Field { field: "region", .. } => "region_table",
        FormatError::Field { field, .. } => field,
    }
}

/// Whether the rest can be looked at as if this were not so.
fn put_right(page: &mut [u8], file_len: &mut u64, error: &FormatError) -> bool {
    if page.len() < HEADER_BYTES {
        return false;
    }
    match (field(error), error) {
        // As far as here the checksum has not been compared: it tells whether more than this was changed.
        ("magic", _) => page[at::MAGIC..at::MAGIC + 8].copy_from_slice(&MAGIC),
        ("order_mark", _) => put(page, at::ORDER_MARK, ORDER_MARK),
        ("header_bytes", _) => put(page, at::HEADER_BYTES, HEADER_BYTES as u32),
        ("state", _) => put(page, at::STATE, READY),
        ("checksum", _) => sum_up(page),
        ("lifetime", _) => {
            put(page, at::LIFETIME, Lifetime::Ephemeral.code());
            sum_up(page);
        }
        ("total_bytes", FormatError::Field { found, .. }) => *file_len = *found,
        _ => return false,
    }
    true
}

fn put(page: &mut [u8], at: usize, number: u32) {
    page[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

fn sum_up(page: &mut [u8]) {
    let sum = checksum(page);
    page[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
}
