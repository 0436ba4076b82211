//! Dormitories in the document and in the header.

use super::{SPEC, many, messages, rows, section};
use crate::layout::dormitory::{ABI, DormTable};
use crate::layout::error::{FormatError, Kind};
use crate::layout::header::{Header, at, checksum};
use crate::layout::lanes::{LaneClass, LaneTable};
use crate::layout::tables::Tables;
use crate::layout::waiter::Waiter;

#[test]
fn dormitories_are_told_where_they_lie() {
    let told = rows(&section(SPEC, "## Dormitories"), "in dormitory");
    let places: Vec<(String, String, String)> =
        told.iter().map(|row| (row[0].clone(), row[1].clone(), row[3].clone())).collect();
    let lines = [
        ("0", "8", "order"),
        ("64", "64", "mutex"),
        ("128 + 8 x i", "8", "state"),
        ("128 + s + 128 x i", "64", "bed's `mutex"),
        ("192 + s + 128 x i", "64", "bed's `semaphore"),
    ];
    assert_eq!(places, lines.map(|(at, bytes, what)| (at.to_owned(), bytes.to_owned(), what.to_owned())));
    let pair = DormTable::new(Waiter::Semaphore, Kind::Spsc, None).expect("dormitories");
    assert_eq!((pair.count(), pair.beds(0), pair.offset(1)), (2, 1, 128 + 128 + 128));
    let tables = Tables::new(1, 1, 1, 8, 8).expect("tables").with_lanes(lanes_of_three());
    let many = DormTable::new(Waiter::Condvar, Kind::ManyBytes, Some(&tables)).expect("dormitories");
    assert_eq!((many.count(), many.beds(3), many.beds(4), many.offset(1)), (4 + 3, 64, 1, 128 + 64 * 8 + 64 * 128));
}

fn lanes_of_three() -> LaneTable {
    let class = |count, bytes| LaneClass { count, bytes };
    LaneTable::new(class(1, 4096), class(1, 8192), 1).expect("possible lanes")
}

/// A header with a waiter is the one without, its dormitories at the end, and is refused by who lacks what they are made of.
#[test]
fn a_waiter_is_in_the_header_and_its_room_at_the_end() {
    for (plain, tables) in [(messages(), None), (many(), many().tables)] {
        for waiter in [Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue] {
            let dorms = DormTable::new(waiter, plain.kind, tables.as_ref());
            let header = Header { geometry: plain.geometry.with_dorms(dorms).expect("room"), ..plain };
            let (total, at) = (header.geometry.total, header.geometry.dorms_offset());
            assert_eq!((at, (total - at) % 4096), (plain.geometry.total, 0));
            assert!(total - at >= dorms.expect("some").bytes());
            let page = header.encode();
            assert_eq!(Header::decode(&page, total), Ok(header));
            assert_eq!(header.waiter(), waiter);
            for (field, at, value) in [
                ("waiter", at::WAITER, Waiter::EventFd.code()),
                ("abi", at::ABI, ABI ^ 0x300),
                ("total_bytes", at::WAITER, 0),
            ] {
                let mut page = page.clone();
                page[at..at + 4].copy_from_slice(&u32::to_le_bytes(value));
                let sum = checksum(&page);
                page[at::CHECKSUM..at::CHECKSUM + 8].copy_from_slice(&sum.to_le_bytes());
                let refused = Header::decode(&page, total);
                assert!(matches!(refused, Err(FormatError::Field { field: f, .. }) if f == field), "{refused:?}");
            }
        }
    }
}
