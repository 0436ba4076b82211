//! Lanes under loom: those who write and read them, those who give up, those who are dead, and those who bury them.
//!
//! Each byte of a lane has a cell of loom's: a byte that two use at a time fails the model even where its value would come out
//! right. The lanes are of two bytes. A ring of one is a word that carries a ticket as a slot does (edge `filled`: who has a
//! ticket has seen the lane as it was when that was sent, at least). A thread *dies* by ending, and saying so with a release
//! that the oracle acquires, as in `loom_mpmc`.

use crate::layout::geometry::{Geometry, Shape};
use crate::layout::lanes::{LaneClass, LaneTable};
use crate::layout::many::Many;
use crate::layout::tables::Tables;
use crate::ring::lane::{Answer, Claimed, Finished, Flow, Lanes, Own, Phase, Ticket};
use crate::ring::mpmc::{Oracle, Owner};
use crate::sync::AtomicU32;
use crate::sync::Ordering::{Acquire, Relaxed, Release};
use crate::sync::edge::{DRAINED, Edge, End, FILLED, PASSED, POURED, SLEEP, STATUS, weakened};
use crate::sync::explore::{explore as explore_loads, explore_thoroughly};
use core::ops::Deref;
use loom::thread::{JoinHandle, spawn, yield_now};
// Not loom's: who keeps the memory is no part of a model.
use std::sync::Arc;

/// Bytes of a lane.
const LANE: usize = 2;
/// The writer's member, in the life that may end; and in the next.
const WRITER: usize = 0;
const DYING: Owner = Owner::leased(2, 1);
const READER: Owner = Owner::leased(1, 1);
const OTHER: Owner = Owner::leased(3, 1);

struct Model {
    many: Many<u64>,
    /// The ticket of the lane's how many-th message is there, plus one; 0: none.
    ticket: AtomicU32,
    /// Whether `DYING` is dead.
    is_dead: AtomicU32,
    /// The life of the member that writes.
    life: AtomicU32,
}

impl Deref for Model {
    type Target = Many<u64>;

    fn deref(&self) -> &Many<u64> {
        &self.many
    }
}

impl Oracle for Model {
    fn is_alive(&self, owner: Owner) -> bool {
        owner != DYING || self.is_dead.load(Acquire) == 0
    }
}

impl Model {
    fn new() -> Arc<Self> {
        let class = LaneClass { count: 1, bytes: LANE as u64 };
        let lanes = LaneTable { short: LaneClass::default(), long: class, annexes: 0 };
        let tables = Tables::new(1, 1, 1, 8, 8).unwrap().with_lanes(lanes);
        let shape = Shape {
            capacity: 1,
            size: 8,
            align: 8,
            placement: None,
            frame_bytes: None,
            frames_offset: tables.slots_offset(),
            is_slotted: true,
        };
        let many = Many::modelled(&Geometry::new(shape).unwrap(), tables);
        let word = || AtomicU32::new(0);
        Arc::new(Self { many, ticket: word(), is_dead: word(), life: word() })
    }

    fn take_lane(&self) -> Option<Ticket> {
        self.take(WRITER, 0..1, 0)
    }

    /// Sends the ticket.
    fn offer(&self, ticket: Ticket) {
        self.ticket.store(ticket.generation as u32 + 1, FILLED.release());
    }

    /// Receives a ticket, if there is one that was not there `before`.
    fn receive(&self, before: u32) -> Option<Ticket> {
        let there = self.ticket.load(FILLED.acquire());
        (there != before && there > 0).then(|| Ticket { lane: 0, generation: u64::from(there) - 1 })
    }

    fn await_ticket(&self, before: u32) -> Ticket {
        loop {
            match self.receive(before) {
                Some(ticket) => return ticket,
                None => yield_now(),
            }
        }
    }

    /// A whole message, from the taking of its lane on; whether there was a lane.
    fn send_whole(&self, message: [u8; LANE]) -> bool {
        let Some(ticket) = self.take_lane() else { return false };
        self.pour(ticket, 0, &message);
        self.poured(ticket, LANE as u64, true);
        self.post(ticket, WRITER, true);
        self.offer(ticket);
        self.posted(ticket, WRITER);
        true
    }

    fn read(&self, ticket: Ticket, at: u64, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count);
        self.draw(ticket, at, count, &mut bytes);
        bytes
    }

    /// A whole message, if it is one.
    fn receive_whole(&self, ticket: Ticket) -> Option<Vec<u8>> {
        match self.claim(ticket, READER) {
            Claimed::Whole => {
                let bytes = self.read(ticket, 0, LANE);
                assert_eq!(self.finish(ticket, true), Finished::Freed);
                Some(bytes)
            }
            Claimed::Stale => {
                self.finish(ticket, false);
                None
            }
            Claimed::Flowing => panic!("a whole message that flows"),
        }
    }

    /// Copies what is there of a message; whether all of it is. Bytes are their own numbers.
    fn read_some(&self, ticket: Ticket, drawn: &mut u64) -> Result<bool, ()> {
        let Flow::Filled(filled, is_all) = self.flow(ticket) else { return Err(()) };
        assert!((*drawn..=*drawn + LANE as u64).contains(&filled), "{filled} behind {drawn}");
        let bytes = self.read(ticket, *drawn, (filled - *drawn) as usize);
        assert!(bytes.iter().map(|&byte| u64::from(byte)).eq(*drawn + 1..=filled), "torn: {bytes:?}");
        if filled > *drawn {
            *drawn = filled;
            self.drained(ticket, filled);
            self.tell_writer();
        }
        Ok(is_all)
    }

    /// Reads a message to its end; whether its writer knows that.
    fn read_all(&self, ticket: Ticket) -> bool {
        let mut drawn = 0;
        loop {
            let before = drawn;
            match self.read_some(ticket, &mut drawn) {
                Ok(true) => return self.finish(ticket, true) == Finished::Answered,
                Ok(false) if drawn == before => yield_now(),
                Ok(false) => {}
                Err(()) => {
                    assert_eq!(self.finish(ticket, false), Finished::Cut);
                    return false;
                }
            }
        }
    }

    /// As a receiver that holds the ticket.
    fn receive_flowing(&self, ticket: Ticket, me: Owner) -> bool {
        match self.claim(ticket, me) {
            Claimed::Flowing => self.read_all(ticket),
            Claimed::Stale => {
                self.finish(ticket, false);
                false
            }
            Claimed::Whole => panic!("a message that flows is whole"),
        }
    }

    /// Begins a message that is longer than its lane, which it fills.
    fn begin(&self) -> Ticket {
        let ticket = self.take_lane().expect("the lane is free");
        self.pour(ticket, 0, &[1, 2]);
        self.poured(ticket, 2, false);
        self.post(ticket, WRITER, false);
        self.offer(ticket);
        ticket
    }

    // As the channel does it.

    fn tell_writer(&self) {
        SLEEP.fence_source();
        let words = &self.words(0).writer;
        if words.writer_waits.load(Relaxed) != 0 {
            words.writer_bell.fetch_add(1, Relaxed);
            words.writer_bell.wake(1);
        }
    }

    fn tell_reader(&self) {
        SLEEP.fence_source();
        if self.words(0).reader.reader_waits.load(Relaxed) != 0 {
            let bell = &self.page().messages.bell;
            bell.fetch_add(1, Relaxed);
            bell.wake(usize::MAX);
        }
    }

    /// The writer sleeps until there is this answer.
    fn await_answer(&self, ticket: Ticket, is_it: impl Fn(Answer) -> bool) -> Answer {
        let words = &self.words(0).writer;
        loop {
            let answer = self.answer(ticket);
            if is_it(answer) {
                return answer;
            }
            let before = words.writer_bell.load(Relaxed);
            words.writer_waits.store(1, Relaxed);
            SLEEP.fence_target();
            let answer = self.answer(ticket);
            if !is_it(answer) {
                words.writer_bell.sleep_while(before);
            }
            words.writer_waits.store(0, Relaxed);
            if is_it(answer) {
                return answer;
            }
        }
    }

    /// The reader sleeps until there is more than it has drawn.
    fn await_bytes(&self, ticket: Ticket, drawn: u64) {
        let (waits, bell) = (&self.words(0).reader.reader_waits, &self.page().messages.bell);
        let is_more = || !matches!(self.flow(ticket), Flow::Filled(filled, false) if filled == drawn);
        while !is_more() {
            waits.store(1, Relaxed);
            let before = bell.load(Relaxed);
            SLEEP.fence_target();
            if !is_more() {
                bell.sleep_while(before);
            }
            waits.store(0, Relaxed);
        }
    }

    // What is left, when nobody else is about.

    fn phase(&self) -> Option<Phase> {
        Own(self.words(0).writer.own.load(Acquire)).phase()
    }

    /// The lane is free, and works.
    fn works_on(&self) {
        assert_eq!(self.phase(), Some(Phase::Free), "lost");
        assert!(self.send_whole([8, 9]));
        let there = self.ticket.load(Relaxed);
        assert_eq!(self.receive_whole(Ticket { lane: 0, generation: u64::from(there) - 1 }), Some(vec![8, 9]));
    }

    // Those who clear up.

    /// The writer's member is dead; its next one comes, and says so.
    fn join(&self) {
        self.life.store(1, STATUS.release());
    }

    /// As everybody does who finds out that the writer's member is dead.
    fn bury(&self) {
        self.bury_lanes(WRITER, || self.life.load(STATUS.acquire()) == 0);
    }
}

/// A thread with the model.
fn with<R: 'static>(model: &Arc<Model>, run: impl FnOnce(&Model) -> R + 'static) -> JoinHandle<R> {
    let model = Arc::clone(model);
    spawn(move || run(&model))
}

fn explore(name: &str, bound: usize, model: fn()) -> usize {
    explore_thoroughly(name, bound, model)
}

/// The model is run as it is, which must pass, and then with each end of the edge taken away, which must fail.
fn matters(name: &str, edge: Edge, bound: usize, model: fn()) {
    explore(name, bound, model);
    for end in [End::Release, End::Acquire] {
        assert!(
            weakened::fails(edge, end, move || explore("weakened", bound, model)),
            "nothing is lost in {name} without {edge:?} at its {end:?} end"
        );
    }
}

// Whole messages.

/// One sends two messages through the one lane, one receives them.
fn whole_and_whole_again() {
    let model = Model::new();
    let sending = with(&model, |model| {
        for message in [[1, 2], [3, 4]] {
            while !model.send_whole(message) {
                yield_now();
            }
        }
    });
    for (before, message) in [(0, [1, 2]), (1, [3, 4])] {
        let ticket = model.await_ticket(before);
        assert_eq!(model.receive_whole(ticket), Some(message.to_vec()));
    }
    sending.join().unwrap();
    model.works_on();
}

#[test]
fn a_lane_carries_one_message_after_the_other() {
    explore("whole", 2, whole_and_whole_again);
}

#[test]
fn edge_passed_matters_to_a_whole_message() {
    matters("whole", PASSED, 1, whole_and_whole_again);
}

/// A message whose receiver died with it is read again, by who adopts its ticket.
#[test]
fn a_whole_message_is_read_again_by_an_heir() {
    explore("an heir", 2, || {
        let model = Model::new();
        let sending = with(&model, |model| assert!(model.send_whole([1, 2])));
        let ticket = model.await_ticket(0);
        assert_eq!(model.claim(ticket, DYING), Claimed::Whole);
        let heir = with(&model, move |model| model.receive_whole(ticket));
        assert_eq!(heir.join().unwrap(), Some(vec![1, 2]));
        sending.join().unwrap();
        model.works_on();
    });
}

/// The writer takes its ticket back for want of room, while nobody has it.
#[test]
fn what_is_withdrawn_before_it_was_sent_frees_its_lane() {
    explore("withdrawn", 2, || {
        let model = Model::new();
        let giving_up = with(&model, |model| {
            if let Some(ticket) = model.take_lane() {
                model.pour(ticket, 0, &[7, 7]);
                model.post(ticket, WRITER, true);
                assert!(!model.withdraw(ticket, true));
            }
        });
        if model.send_whole([1, 2]) {
            let ticket = model.await_ticket(0);
            assert_eq!(model.receive_whole(ticket), Some(vec![1, 2]));
        }
        giving_up.join().unwrap();
        model.works_on();
    });
}

// Longer ones.

/// Four bytes through a lane of two.
fn flowing_through() {
    let model = Model::new();
    let sending = with(&model, |model| {
        let ticket = model.begin();
        let mut poured = 2;
        while poured < 4 {
            match model.answer(ticket) {
                Answer::Freed(freed) if freed + 2 > poured => {
                    model.pour(ticket, poured, &[poured as u8 + 1]);
                    poured += 1;
                    model.poured(ticket, poured, poured == 4);
                }
                Answer::Offered | Answer::Freed(_) => yield_now(),
                other => panic!("{other:?}"),
            }
        }
        while model.answer(ticket) != Answer::Done {
            yield_now();
        }
        assert!(model.withdraw(ticket, true));
    });
    let ticket = model.await_ticket(0);
    assert!(model.receive_flowing(ticket, READER));
    sending.join().unwrap();
    model.works_on();
}

#[test]
fn a_message_flows_through_a_lane_that_is_shorter() {
    explore("flowing", 2, flowing_through);
}

#[test]
fn edge_poured_matters_to_a_reader() {
    matters("flowing", POURED, 1, flowing_through);
}

#[test]
fn edge_drained_matters_to_a_writer() {
    matters("flowing", DRAINED, 1, flowing_through);
}

/// The same, and both sleep for want of anything to do: a wake that is lost is a deadlock.
fn both_sleep() {
    let model = Model::new();
    let ticket = model.begin();
    assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
    let sending = with(&model, move |model| {
        model.await_answer(ticket, |answer| answer == Answer::Freed(2));
        model.pour(ticket, 2, &[3]);
        model.poured(ticket, 3, true);
        model.tell_reader();
        model.await_answer(ticket, |answer| answer == Answer::Done);
        assert!(model.withdraw(ticket, true));
    });
    let mut drawn = 0;
    while !model.read_some(ticket, &mut drawn).unwrap() {
        model.await_bytes(ticket, drawn);
    }
    assert_eq!(model.finish(ticket, true), Finished::Answered);
    model.tell_writer();
    sending.join().unwrap();
    model.works_on();
}

#[test]
fn both_sleep_and_no_wake_is_lost() {
    explore_loads("both sleep", Some(3), both_sleep);
}

/// One end publishes, the other sleeps.
fn the_writer_sleeps() {
    let model = Model::new();
    let ticket = model.begin();
    assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
    let reading = with(&model, move |model| {
        model.drained(ticket, 2);
        model.tell_writer();
    });
    model.await_answer(ticket, |answer| answer == Answer::Freed(2));
    reading.join().unwrap();
}

fn the_reader_sleeps() {
    let model = Model::new();
    let ticket = model.begin();
    assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
    let writing = with(&model, move |model| {
        model.poured(ticket, 2, true);
        model.tell_reader();
    });
    model.await_bytes(ticket, 2);
    writing.join().unwrap();
}

fn the_reader_sleeps_on_what_is_cut() {
    let model = Model::new();
    let ticket = model.begin();
    assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
    let writing = with(&model, move |model| {
        model.withdraw(ticket, true);
        model.tell_reader();
    });
    model.await_bytes(ticket, 2);
    assert_eq!(model.finish(ticket, false), Finished::Cut);
    writing.join().unwrap();
    model.works_on();
}

#[test]
fn edge_sleep_matters_to_the_waiting_flags() {
    for (name, model) in [
        ("the writer sleeps", the_writer_sleeps as fn()),
        ("the reader sleeps", the_reader_sleeps),
        ("the reader sleeps on what is cut", the_reader_sleeps_on_what_is_cut),
    ] {
        explore_loads(name, None, model);
        for end in [End::Release, End::Acquire] {
            let weakened = move || explore_loads("weakened", None, model);
            assert!(weakened::fails(SLEEP, end, weakened), "{name}: no wake is lost without the {end:?} end");
        }
    }
}

// Giving up.

/// The writer's time runs out while a reader takes the message up, or reads it to its end: one of the two swaps is first, and
/// both ends know which.
#[test]
fn a_writer_that_gives_up_and_its_reader_agree() {
    explore("given up by the writer", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        model.poured(ticket, 2, true);
        let reading = with(&model, move |model| model.receive_flowing(ticket, READER));
        let is_received = model.withdraw(ticket, model.is_read_by_the_living(ticket, &*model));
        // The next message is read by somebody who has its ticket, whoever is slow with the last one's.
        if model.send_whole([8, 9]) {
            let next = Ticket { generation: ticket.generation + 1, ..ticket };
            assert_eq!(model.receive_whole(next), Some(vec![8, 9]));
        }
        assert_eq!(reading.join().unwrap(), is_received, "one says received, and the other does not");
        model.works_on();
    });
}

/// The reader gives up while the writer ends the message.
#[test]
fn a_reader_that_gives_up_is_heard() {
    explore("given up by the reader", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        let reading = with(&model, move |model| {
            assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
            assert_eq!(model.finish(ticket, false), Finished::Answered);
            model.tell_writer();
        });
        model.poured(ticket, 2, true);
        assert_eq!(model.await_answer(ticket, |answer| answer == Answer::Refused), Answer::Refused);
        assert!(!model.withdraw(ticket, true));
        reading.join().unwrap();
        model.works_on();
    });
}

/// A reader that is slow with a ticket whose message was given up does not name itself the reader of the next one.
#[test]
fn a_reader_that_is_slow_says_nothing_of_the_next_message() {
    explore("a slow reader", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        let slow = with(&model, move |model| {
            let claimed = model.claim(ticket, DYING);
            let result = if claimed == Claimed::Flowing { model.finish(ticket, false) } else { Finished::Over };
            model.die();
            result
        });
        model.withdraw(ticket, model.is_read_by_the_living(ticket, &*model));
        if model.phase() == Some(Phase::Free) {
            let next = model.begin();
            assert_eq!(model.claim(next, OTHER), Claimed::Flowing);
            slow.join().unwrap();
            assert!(model.is_read_by_the_living(next, &*model), "the reader lives, and another is dead");
            model.poured(next, 2, true);
            assert!(model.read_all(next));
            assert!(model.withdraw(next, true));
        } else {
            slow.join().unwrap();
        }
        model.works_on();
    });
}

// The dead.

impl Model {
    fn die(&self) {
        self.is_dead.store(1, Release);
    }
}

/// The reader reads to its end, or does not, and is dead; its writer asks, and who adopts its hand comes, too.
#[test]
fn a_reader_that_dies_has_received_or_has_not() {
    explore("a dead reader", 2, || {
        let model = Model::new();
        let ticket = model.begin();
        model.poured(ticket, 2, true);
        assert_eq!(model.claim(ticket, DYING), Claimed::Flowing);
        let dying = with(&model, move |model| {
            let is_received = model.finish(ticket, true) == Finished::Answered;
            model.die();
            is_received
        });
        // As the writer does it that asks in the middle of its waiting.
        let has_reader = model.is_read_by_the_living(ticket, &*model);
        let is_received = model.withdraw(ticket, has_reader);
        assert_eq!(dying.join().unwrap(), is_received);
        model.works_on();
    });
}

/// The reader is dead, with half of the message: its writer finds out, and who adopts its ticket does.
#[test]
fn the_writer_and_an_heir_free_what_a_dead_reader_left_once() {
    explore("a dead reader's heir", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        assert_eq!(model.claim(ticket, DYING), Claimed::Flowing);
        model.die();
        let heir = with(&model, move |model| {
            assert_eq!(model.claim(ticket, OTHER), Claimed::Stale);
            model.finish(ticket, false);
        });
        assert!(!model.withdraw(ticket, model.is_read_by_the_living(ticket, &*model)));
        // At once used for another message, which the heir has no ticket of.
        assert!(model.send_whole([8, 9]));
        heir.join().unwrap();
        let next = Ticket { generation: ticket.generation + 1, ..ticket };
        assert_eq!(model.receive_whole(next), Some(vec![8, 9]));
        model.works_on();
    });
}

/// The writer is dead behind the sending of its ticket: a burier, and who receives it.
#[test]
fn a_dead_writers_whole_message_is_received_or_its_lane_is_freed() {
    explore("buried, whole", 3, || {
        let model = Model::new();
        let ticket = model.take_lane().unwrap();
        model.pour(ticket, 0, &[1, 2]);
        model.post(ticket, WRITER, true);
        let burying = with(&model, Model::bury);
        assert!(matches!(model.receive_whole(ticket).as_deref(), None | Some([1, 2])));
        burying.join().unwrap();
        model.works_on();
    });
}

/// The same of one that flows: it is never complete, and its reader or the burier frees the lane.
#[test]
fn a_dead_writers_flowing_message_is_cut() {
    explore("buried, flowing", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        let burying = with(&model, Model::bury);
        assert!(!model.receive_flowing(ticket, READER));
        burying.join().unwrap();
        model.works_on();
    });
}

/// It had written all, and the reader ends it, or gives it up.
#[test]
fn a_dead_writers_answer_is_buried() {
    for is_read in [false, true] {
        explore_thoroughly("buried, answered", 3, move || {
            let model = Model::new();
            let ticket = model.begin();
            model.poured(ticket, 2, true);
            assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
            let burying = with(&model, Model::bury);
            assert!(matches!(model.finish(ticket, is_read), Finished::Answered | Finished::Cut));
            burying.join().unwrap();
            model.works_on();
        });
    }
}

#[test]
fn two_bury() {
    explore("two bury", 3, || {
        let model = Model::new();
        let ticket = model.begin();
        assert_eq!(model.claim(ticket, READER), Claimed::Flowing);
        let burying = with(&model, Model::bury);
        model.bury();
        assert_eq!(model.phase(), Some(Phase::Cut));
        assert_eq!(model.finish(ticket, false), Finished::Cut);
        burying.join().unwrap();
        model.works_on();
    });
}

/// A burier is slow; another has buried the dead one, and the next member in its place takes the very lane.
fn a_slow_burier() {
    let model = Model::new();
    let ticket = model.take_lane().unwrap();
    let slow = with(&model, Model::bury);
    model.bury();
    model.join();
    let next = model.take_lane().expect("buried");
    assert_eq!(next.generation, ticket.generation + 1);
    model.pour(next, 0, &[1, 2]);
    model.post(next, WRITER, true);
    slow.join().unwrap();
    assert_eq!(model.receive_whole(next), Some(vec![1, 2]), "buried alive");
    model.works_on();
}

#[test]
fn a_slow_burier_does_not_bury_the_next_member() {
    explore("a slow burier", 3, a_slow_burier);
}

#[test]
fn edge_passed_matters_to_a_slow_burier() {
    matters("a slow burier", PASSED, 3, a_slow_burier);
}
