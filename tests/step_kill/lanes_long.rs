//! A sender of a message that is longer than any lane is the victim; the survivor reads it round after round, or gathers it.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group, LANE, LONG};
use super::lanes_stream::Reading;
use super::lanes_words::{Lane, Phase, Words};
use super::puppet::act;
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::bytes::mpmc::Sender;
use std::cell::Cell;
use std::io::Write;

/// What the victim does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    /// All of it, in large chunks.
    Send,
    /// The last rounds of it: a lane full has been written before.
    Finish,
    /// The same, and then nothing.
    DropWriter,
    /// Nobody has taken it up.
    DropOffered,
}

/// How the survivor receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    /// All that is there, whenever the victim waits.
    Gathering,
    /// A little whenever the victim waits.
    Reading,
}

#[derive(Debug)]
struct Sending {
    operation: Operation,
    by: By,
    /// How often nothing came, a part and the word that it is one, all.
    met: Cell<[usize; 3]>,
}

#[derive(Debug)]
pub(crate) struct Survivor {
    group: Group,
    reading: Option<Reading>,
}

/// Bytes of a round.
const ROUND: usize = 64;

/// The scenes of a sender of a long message.
pub(crate) fn scenes() -> Vec<Entry> {
    use Operation::{DropOffered, DropWriter, Finish, Send};
    let on = |operation, by| Entry::new(Sending { operation, by, met: Cell::default() });
    vec![
        on(Send, By::Gathering),
        on(Finish, By::Gathering),
        on(Finish, By::Reading),
        on(DropWriter, By::Gathering),
        on(DropWriter, By::Reading),
        on(DropOffered, By::Gathering),
    ]
}

impl Sending {
    fn sends(&self) -> bool {
        matches!(self.operation, Operation::Send | Operation::Finish)
    }

    /// Whether this may come of a message that one has left who is dead: nothing, so many bytes of it, all. Which of these, is
    /// decided by when the death is noticed.
    fn may_come(came: Option<Came>, left: Option<Lane>, asks_first: bool) -> bool {
        let Some(lane) = left else { return came.is_none() };
        // As far as it was received before its sender's death was noticed.
        let last = if asks_first { lane.freed } else { lane.filled };
        let is_part = matches!(came, Some(Came::Aborted { bytes }) if (lane.freed..=last).contains(&bytes));
        match lane.phase {
            Phase::Writing => came.is_none(),
            Phase::Offered => came.is_none() || is_part && !asks_first,
            Phase::Flowing => is_part || came == WHOLE && lane.is_all && !asks_first,
            Phase::Cut => came == Some(Came::Aborted { bytes: lane.freed }),
            other => panic!("{other:?} of a sender of a long message"),
        }
    }

    fn count(&self, came: Option<Came>) {
        let mut met = self.met.get();
        met[match came {
            None => 0,
            Some(Came::Aborted { .. }) => 1,
            Some(Came::Whole { .. }) => 2,
        }] += 1;
        self.met.set(met);
    }
}

const WHOLE: Option<Came> = Some(Came::Whole { len: LONG, attempt: 1 });

impl Survivor {
    /// Reads a round, or the rest if nothing but that keeps the writer.
    fn read(&mut self) {
        let reading = match &mut self.reading {
            Some(reading) => reading,
            None => self.reading.insert(Reading::begin(&self.group.rx)),
        };
        if reading.read() < LONG - LANE {
            reading.go_on(ROUND).expect("bytes");
        } else if let Some(reading) = self.reading.take() {
            reading.end().expect("the rest");
            self.group.came.extend(WHOLE);
        }
    }
}

impl Scene for Sending {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("lanes {:?}, longer than a lane, for one who is {:?}", self.operation, self.by)
    }

    fn capacity(&self) -> usize {
        4
    }

    fn points(&self) -> Points {
        match (self.operation, self.by) {
            (Operation::Finish, By::Reading) => Points::Sampled,
            _ => Points::CloseToChanges,
        }
    }

    fn survive(&self, place: &Place) -> Survivor {
        Survivor { group: Group::warm(place), reading: None }
    }

    fn play(&self, place: &Place) {
        let chunk = if self.operation == Operation::Send { 1024 } else { ROUND };
        let tx = Sender::open_with(NAME, &place.lanes().chunk_bytes(chunk)).expect("a place");
        let bytes = message(LONG);
        if self.operation == Operation::Send {
            act(|| tx.send(&bytes), |result| result.is_ok());
        }
        let len = if self.operation == Operation::DropOffered { Some(LONG as u64) } else { None };
        let mut writer = tx.writer(len).expect("a lane");
        writer.write_all(&bytes[..LANE]).expect("room");
        match self.operation {
            Operation::DropOffered => act(|| drop(writer), |()| true),
            Operation::DropWriter => act(
                || {
                    let result = writer.write_all(&bytes[LANE..]);
                    drop(writer);
                    result
                },
                |result| result.is_ok(),
            ),
            _ => act(
                || {
                    writer.write_all(&bytes[LANE..])?;
                    writer.finish().map_err(std::io::Error::from)
                },
                |result| result.is_ok(),
            ),
        }
    }

    fn relieve(&self, survivor: &mut Survivor) {
        match self.by {
            By::Reading => survivor.read(),
            // As far as it goes.
            By::Gathering => _ = survivor.group.take(None),
        }
    }

    fn relieves_on_the_way(&self) -> bool {
        true
    }

    fn meanwhile(&self, place: &Place, survivor: &mut Survivor) {
        let group = &mut survivor.group;
        assert_eq!(group.rx.disconnect_reason(), None, "of one that lives");
        group.is_not_held_up(place);
        group.respects_the_living(place);
    }

    fn bury(&self, place: &Place, Survivor { mut group, reading }: Survivor, fate: Fate) -> Progress {
        let left = Words::of(place).busy_lane(2);
        let asks_first = fate.state % 4 != 0;
        // What came while its sender lived, comes.
        let earlier = group.came.first().copied();
        if asks_first {
            group.ask();
        }
        if let Some(reading) = reading {
            group.came.extend(match reading.end() {
                Ok(()) => WHOLE,
                Err(bytes) => Some(Came::Aborted { bytes }),
            });
        }
        group.clear_up(asks_first);
        let came: Vec<Came> = std::mem::take(&mut group.came);
        assert!(came.len() <= 1, "{came:?}");
        let came = came.first().copied();
        assert!(!fate.is_complete || !self.sends() || came == WHOLE, "it was received: {came:?}");
        let may = if earlier.is_some() { came == earlier } else { Self::may_come(came, left, asks_first) };
        assert!(may, "{came:?}, of {left:?}");
        self.count(came);
        group.goes_on(place);
        [u64::from(fate.is_complete), 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0], [1, 0]]
    }

    fn close(&self) {
        let [nothing, part, whole] = self.met.get();
        assert!(nothing > 0 && part > 0, "{:?}", self.met);
        assert_eq!(whole > 0, self.sends(), "{:?}", self.met);
    }
}
