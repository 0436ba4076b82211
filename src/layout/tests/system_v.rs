//! Headers of segments whose bytes lie in System V segments.

use super::{many, messages, stream};
use crate::layout::error::FormatError;
use crate::layout::geometry::PAGE;
use crate::layout::header::{HEADER_BYTES, Header, at, checksum};
use crate::memory::system_v::SystemV;

fn headers() -> impl Iterator<Item = Header> {
    let numbers = [(None, -1, 1), (Some(0), i32::MIN, u64::MAX), (Some(i32::MAX), 0x7200_1234, 4_026_531_839)];
    let plain = [messages(), stream(), many()];
    numbers.into_iter().flat_map(move |(id, key, namespace)| {
        plain.map(|plain| Header { system_v: Some(SystemV { id, key, namespace }), ..plain })
    })
}

#[test]
fn a_header_tells_the_segment_and_its_file_is_one_page() {
    for header in headers() {
        let page = header.encode();
        assert_eq!(page.len(), HEADER_BYTES);
        assert_eq!(Header::decode(&page, PAGE), Ok(header));
        for wrong in [0, PAGE - 1, PAGE + 1, header.geometry.total] {
            let refused = Header::decode(&page, wrong);
            assert!(matches!(refused, Err(FormatError::Field { field: "total_bytes", .. })), "{wrong}: {refused:?}");
        }
        let twin = header.estate().system_v.expect("a twin");
        assert_eq!((twin.len, Some(twin.at)), (header.geometry.total, header.system_v));
        assert_eq!(twin.head, page[..twin.head.len()]);
        assert_eq!(twin.head[32..], header.instance, "by which it is known");
    }
}

#[test]
fn a_file_is_as_long_as_it_says_unless_its_bytes_are_elsewhere() {
    let header = messages();
    assert!(Header::decode(&header.encode(), PAGE).is_err());
    assert_eq!(header.estate().system_v, None);
}

#[test]
fn memory_and_numbers_that_there_are_not_are_refused() {
    for (at, value, field) in [
        (at::MEMORY, 2, "memory"),
        (at::MEMORY, -1, "memory"),
        (at::SHM_ID, -2, "shm_id"),
        (at::SHM_ID, i32::MIN, "shm_id"),
    ] {
        for header in headers() {
            let mut page = header.encode();
            page[at..at + 4].copy_from_slice(&i32::to_le_bytes(value));
            let sum = checksum(&page);
            page[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
            let refused = Header::decode(&page, PAGE);
            assert!(matches!(refused, Err(FormatError::Field { field: told, .. }) if told == field), "{refused:?}");
        }
    }
}
