//! A message that cannot be counted once more, and whose bytes are in a lane.

use super::{ME, MORTAL, OTHER};
use crate::layout::geometry::{Geometry, Shape};
use crate::layout::lanes::{LaneClass, LaneTable};
use crate::layout::many::Many;
use crate::layout::tables::Tables;
use crate::ring::lane::Lanes;
use crate::ring::mpmc::{Oracle, Owner, Pushed, Recovered, Ring};
use crate::ring::parcel::{self, Content, Parcel};
use crate::sync::Ordering::{Relaxed, Release};
use crate::sync::edge::FREED;
use crate::sync::explore::explore_thoroughly as explore;
use loom::thread::spawn;
// Not loom's: who keeps the memory is no part of a model.
use std::sync::Arc;

/// The mortal member is dead.
struct Dead;

impl Oracle for Dead {
    fn is_alive(&self, owner: Owner) -> bool {
        owner.member() != MORTAL.member()
    }
}

/// FULL, in lap 0, and taken over as often as can be counted.
const TAKEN_OVER_63_TIMES: u64 = 0b1111_1101;

/// A ring of one slot and one lane, with a message in both that a dead consumer has claimed, and the record of another.
fn ring() -> (Arc<Ring<Parcel>>, usize) {
    let long = LaneClass { count: 1, bytes: 2 };
    let size = size_of::<Parcel>() as u64;
    let tables = Tables::new(1, 2, 1, size, 8).unwrap();
    let tables = tables.with_lanes(LaneTable { short: LaneClass::default(), long, annexes: 0 });
    let shape = Shape {
        capacity: 1,
        size,
        align: 8,
        placement: None,
        frame_bytes: None,
        frames_offset: tables.slots_offset(),
        is_slotted: true,
    };
    let ring = Ring::<Parcel>::new(Many::modelled(&Geometry::new(shape).unwrap(), tables));
    let lease = |owner| ring.lease_record(owner, 0..2).unwrap();
    let (dying, mine) = (lease(MORTAL), lease(ME));
    let ticket = ring.many().take(OTHER.member(), 0..1, 0).unwrap();
    ring.many().pour(ticket, 0, &[7, 8]);
    ring.many().poured(ticket, 2, true);
    ring.many().post(ticket, OTHER.member(), true);
    assert_eq!(ring.push_some(ring.record(mine), &[parcel::ticket(Content::Whole(ticket, 2))]), Pushed::Done(1));
    ring.many().posted(ticket, OTHER.member());
    ring.record(dying).consuming.store(1, Relaxed);
    ring.many().page().head.0.store(1, Relaxed);
    ring.many().word(0).store(TAKEN_OVER_63_TIMES, Release);
    (Arc::new(ring), mine)
}

/// The slot is all that names the lane: of a recoverer that dies between the two, nobody would free it any more.
#[test]
fn whose_slot_is_free_its_lane_is_free() {
    explore("given up", 3, || {
        let (ring, mine) = ring();
        let theirs = Arc::clone(&ring);
        let recovering = spawn(move || {
            assert_eq!(theirs.take_over(theirs.record(mine), None, 0, &Dead), Recovered::Nothing);
        });
        if ring.many().word(0).load(FREED.acquire()) == 1 << 8 {
            assert!(ring.many().take(OTHER.member(), 0..1, 0).is_some(), "a lane that nobody has, and nobody frees");
        }
        recovering.join().unwrap();
        assert_eq!(ring.dropped(), 1);
    });
}
