//! A receiver of a message that is longer than any lane is the victim; the survivor writes it, round after round, and learns what
//! became of it.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group, LANE, LONG};
use super::lanes_stream::Writing;
use super::lanes_words::{Lane, Phase, Words};
use super::puppet::act;
use super::stage::{self, Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::TryRecvError;
use ringway::bytes::mpmc::Receiver;
use std::cell::Cell;
use std::io::Read;
use std::time::Duration;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// All of it, in large chunks.
    RecvAll,
    /// The last rounds of it: a lane full has been gathered before.
    Recv,
    RecvRefAndCommit,
    /// The guard is dropped: its sender decides.
    RecvRefAndDrop,
    /// The last rounds of it, by a reader.
    Read,
    /// In the middle of it.
    DropReader,
    /// In the middle of it, the end that gathers it.
    Drop,
}

#[derive(Debug)]
struct Receiving {
    operation: Operation,
    /// How often the survivor got it, its sender was told that nobody did, the victim did.
    met: Cell<[usize; 3]>,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    group: Group,
    writing: Writing,
}

/// Bytes of a round.
const ROUND: usize = 64;
/// So many bytes has a reader that is dropped had, and one that reads the last rounds.
const READ: usize = LANE - 96;

/// The scenes of a receiver of a long message.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{Drop, DropReader, Read, Recv, RecvAll, RecvRefAndCommit, RecvRefAndDrop};
    let operations = [RecvAll, Recv, RecvRefAndCommit, RecvRefAndDrop, Read, DropReader, Drop];
    // Who receives all of it receives the last rounds, too, and is done with it as one who has had it in hand.
    let is_like_no_other = |operation: &Operation| !matches!(operation, Recv | RecvRefAndCommit);
    let operations = operations.into_iter().filter(|operation| is_like_no_other(operation) || stage::everywhere());
    operations.map(|operation| Entry::new(Receiving { operation, met: Cell::default() })).collect()
}

impl Receiving {
    fn takes(&self) -> bool {
        !matches!(self.operation, Operation::RecvRefAndDrop | Operation::DropReader | Operation::Drop)
    }

    /// What must become of a message whose receiver has left the lane so, and is dead: another one gets it, its sender is told
    /// that nobody did and how many bytes were taken, or it was received.
    fn must_come_to(lane: Lane) -> End {
        match lane.phase {
            Phase::Offered => End::Survivors,
            Phase::Flowing | Phase::Refused => End::Aborted(lane.freed),
            Phase::Done => End::Victims,
            other => panic!("{other:?} of a message that its sender is at"),
        }
    }

    fn count(&self, end: End) {
        let mut met = self.met.get();
        met[match end {
            End::Survivors => 0,
            End::Aborted(_) => 1,
            End::Victims => 2,
        }] += 1;
        self.met.set(met);
    }
}

/// What has become of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Survivors,
    Aborted(u64),
    Victims,
}

impl Survivor {
    /// The victim is dead: writes to the end, and receives what comes. What became of it.
    fn end(&mut self, asks_first: bool) -> End {
        let Self { group, writing } = self;
        if asks_first {
            group.ask();
            group.drain();
        }
        let is_sent = writing.end(|| _ = group.drain());
        match (is_sent, &std::mem::take(&mut group.came)[..]) {
            (Ok(()), []) => End::Victims,
            (Ok(()), [Came::Whole { len: LONG, attempt: 1 }]) => End::Survivors,
            (Err(bytes), []) => End::Aborted(bytes),
            other => panic!("{other:?}"),
        }
    }
}

impl Scene for Receiving {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("lanes {:?}, longer than a lane", self.operation)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        match self.operation {
            Operation::Read => Points::Sampled,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        let group = Group::warm(place);
        let writing = Writing::begin(&group.tx, LANE);
        Survivor { group, writing }
    }

    fn play(&self, place: &Place) {
        let chunk = if self.operation == Operation::RecvAll { 1024 } else { ROUND };
        let rx = Receiver::open_with(NAME, &place.lanes().chunk_bytes(chunk)).expect("a place");
        let expected = message(LONG);
        let mut got = Vec::with_capacity(2 * LONG);
        match self.operation {
            Operation::RecvAll => {}
            Operation::Read | Operation::DropReader => {
                got.resize(READ, 0);
                let mut reader = rx.reader().expect("a message");
                reader.read_exact(&mut got).expect("bytes");
                if self.operation == Operation::DropReader {
                    act(|| drop(reader), |()| true);
                }
                let mut more = [0; 2 * ROUND];
                act(
                    || {
                        loop {
                            match reader.read(&mut more)? {
                                0 => return Ok::<_, std::io::Error>(&got),
                                count => got.extend_from_slice(&more[..count]),
                            }
                        }
                    },
                    |got| got.as_ref().is_ok_and(|got| **got == expected),
                );
            }
            _ => assert_eq!(rx.try_recv(), Err(TryRecvError::Empty)),
        }
        match self.operation {
            Operation::RecvRefAndCommit | Operation::RecvRefAndDrop => act(
                || {
                    let guard = rx.recv_ref().expect("a message");
                    let is_right = *guard == expected[..];
                    if self.takes() {
                        guard.commit();
                    }
                    is_right
                },
                |is_right| *is_right,
            ),
            Operation::Drop => act(|| drop(rx), |()| true),
            _ => act(|| rx.recv_into(&mut got).map(|_| &got), |got| got.as_ref().is_ok_and(|got| **got == expected)),
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        let result = survivor.writing.go_on(ROUND, Duration::ZERO);
        assert_eq!(result, Ok(false), "it is not at its end");
    }

    fn relieves_on_the_way(&self) -> bool {
        true
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let group = &mut survivor.group;
        assert_eq!(group.tx.disconnect_reason(), None, "of one that lives");
        group.is_not_held_up(place);
        group.respects_the_living(place);
    }

    fn bury(&self, place: &Place, mut survivor: Survivor, fate: Fate) -> Progress {
        let lane = Words::of(place).busy_lane(2).expect("the lane of a message that its sender is at");
        let asks_first = fate.state % 4 != 0;
        let (end, must) = (survivor.end(asks_first), Self::must_come_to(lane));
        assert_eq!(end, must, "{lane:?}");
        let is_done = if self.takes() { end == End::Victims } else { lane.phase == Phase::Refused };
        assert!(is_done || !fate.is_complete, "{end:?}");
        self.count(end);
        let Survivor { mut group, writing } = survivor;
        drop(writing);
        group.clear_up(asks_first);
        assert_eq!(group.came, []);
        group.goes_on(place);
        [is_done.into(), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }

    fn close(&self) {
        let [survivors, aborted, victims] = self.met.get();
        assert_eq!(survivors > 0, self.operation == Operation::RecvAll, "{:?}", self.met);
        assert!(aborted > 0 && (victims > 0) == self.takes(), "{:?}", self.met);
    }
}
