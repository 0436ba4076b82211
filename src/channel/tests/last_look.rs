//! Before a receiver says that no sender is left.

use crate::TryRecvError;
use crate::channel::mpmc::channel_with;
use crate::channel::options::Options;
use crate::ring::mpmc::Owner;
use crate::sync::Ordering::SeqCst;

/// The last sender is gone, and what it sent was claimed by one who died; of the same position somebody who lives, and stands still,
/// says that it is about to be claimed. Whether it is theirs nobody can tell, so there is no end yet.
#[test]
fn what_may_still_come_from_the_dead_is_waited_for() {
    let (tx, rx) = channel_with::<u64>(&Options::new().members(1).operations(4).capacity(2)).unwrap();
    tx.send(5).unwrap();
    drop(tx);
    let (core, ring) = (rx.core(), rx.core().ring());
    // A life of our own member that is over.
    let dead = Owner::leased(core.me().member(), core.me().generation() + 1);
    let lease = |owner| ring.record(ring.lease_record(owner, 0..4).unwrap());
    let (dying, slow) = (lease(dead), lease(core.me()));
    for record in [dying, slow] {
        // Position 0.
        record.consuming.store(1, SeqCst);
    }
    ring.many().page().head.0.store(1, SeqCst);
    ring.orphan(dead);
    core.leave_orphans();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "it is told that this is the end");
    slow.consuming.store(0, SeqCst);
    assert_eq!(rx.try_recv(), Ok(5));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
}
