//! The memory, played; and everybody's next step on it.

use super::Wrong;
use super::book::{Ask, Book, Next};
use super::calls::{Call, Outcome};
use super::fault::{Fault, Site};
use super::judge::Judge;
use super::scene::Scene;
use super::state::{Actor, HEAD, Kind, Shape, TAIL};
use crate::layout::geometry::{Geometry, Shape as Sizes};
use crate::layout::many::Many;
use crate::layout::tables::Tables;
use crate::memory::{Region, heap};
use crate::ring::mpmc::Ring;
use crate::sync::replay::Operation;
use std::sync::Arc;

/// A scene, the ring's code, and the judge. A state is a row of numbers, which it changes by steps.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) scene: Scene,
    pub(super) judge: Judge,
    pub(super) kinds: Vec<Kind>,
    book: Book,
    fault: Fault,
}

impl Machine {
    pub(super) fn new(scene: Scene, fault: Fault) -> Self {
        let senders = scene.senders();
        let actors = scene.roles.len() + 1;
        let shape = Shape {
            capacity: scene.capacity as usize,
            records: actors,
            // One more for whoever comes afterwards; a ring has one at least.
            hands: scene.hands + 1,
            actors,
            messages: senders.len(),
        };
        let book = Book::new(ring(&shape), &shape);
        Self { kinds: shape.kinds(), judge: Judge { shape, senders, is_credulous: false }, scene, book, fault }
    }

    fn shape(&self) -> &Shape {
        &self.judge.shape
    }

    /// So often the ring's code was run.
    pub(super) fn runs(&self) -> usize {
        self.book.len()
    }

    /// The first state.
    pub(super) fn start(&mut self) -> Result<Vec<u64>, Wrong> {
        let mut state = vec![0; self.shape().len()];
        for me in 0..self.scene.roles.len() {
            let mut actor = Actor { record: me as u8, ..Actor::default() };
            if self.scene.roles[me].has_record {
                let leased = self.alone(&mut state, Call::LeaseRecord { me, from: me, to: me + 1 })?;
                assert_eq!(leased, Outcome::Leased(Some(me)));
            }
            actor.left = self.scene.roles[me].script.first().map_or(0, |item| item.tries());
            self.begin(me, &mut actor);
            self.shape().put_actor(&mut state, me, actor);
        }
        Ok(state)
    }

    /// Whether an actor has a step left.
    pub(super) fn is_active(&self, state: &[u64], me: usize) -> bool {
        let actor = self.shape().actor(state, me);
        !actor.is_dead && !actor.is_done
    }

    /// An actor's next step; what its call answered, if that was the last one.
    pub(super) fn step(&mut self, state: &mut [u64], me: usize) -> Result<Option<Outcome>, Wrong> {
        let mut actor = self.shape().actor(state, me);
        let node = self.book.node(actor.node);
        let (call, is_first) = (node.call, node.parent == 0);
        let counters = [state[TAIL], state[HEAD]];
        actor.saw |= is_first && self.judge.is_so(call, state);
        actor.node = self.advance(state, me, actor.node)?;
        if counters != [state[TAIL], state[HEAD]] {
            self.look(state, me);
            actor.saw |= self.judge.is_so(call, state);
        }
        let ended = match self.book.node(actor.node).next {
            Next::Ended(outcome) => Some(outcome),
            Next::Asks(_) => None,
        };
        if let Some(outcome) = &ended {
            self.judge.outcome(state, me, &mut actor, call, outcome)?;
            self.go_on(me, &mut actor, outcome);
        }
        self.shape().put_actor(state, me, actor);
        Ok(ended)
    }

    /// Makes the step of a node; the next one.
    fn advance(&mut self, state: &mut [u64], me: usize, node: u32) -> Result<u32, Wrong> {
        let call = self.book.node(node).call;
        let ask = self.asked(node)?;
        let answer = self.perform(state, me, call, ask)?;
        self.book.child(node, answer)
    }

    /// The others see what the counters have become.
    fn look(&self, state: &mut [u64], me: usize) {
        for other in (0..self.scene.roles.len()).filter(|&other| other != me) {
            let mut actor = self.shape().actor(state, other);
            if actor.is_dead || actor.is_done || actor.saw {
                continue;
            }
            let node = self.book.node(actor.node);
            if node.parent != 0 && self.judge.is_so(node.call, state) {
                actor.saw = true;
                self.shape().put_actor(state, other, actor);
            }
        }
    }

    fn go_on(&mut self, me: usize, actor: &mut Actor, outcome: &Outcome) {
        let script = &self.scene.roles[me].script;
        if script[actor.item as usize].goes_on(actor, outcome) {
            actor.item += 1;
            actor.left = script.get(actor.item as usize).map_or(0, |item| item.tries());
            actor.phase = 0;
            actor.register = 0;
        }
        self.begin(me, actor);
    }

    /// Puts an actor before the first step of its next call.
    fn begin(&mut self, me: usize, actor: &mut Actor) {
        actor.saw = false;
        match self.scene.roles[me].script.get(actor.item as usize) {
            Some(item) => actor.node = self.book.root(item.call(me, actor)),
            None => *actor = Actor { is_done: true, ..Actor::default() },
        }
    }

    /// The call that an actor is in, if it is in one.
    pub(super) fn call(&self, state: &[u64], me: usize) -> (Call, bool) {
        let node = self.book.node(self.shape().actor(state, me).node);
        (node.call, node.parent == 0)
    }

    /// An actor dies. Its place is nobody's business any more.
    pub(super) fn die(&self, state: &mut [u64], me: usize) {
        self.shape().put_actor(state, me, Actor { is_dead: true, ..Actor::default() });
    }

    /// What somebody's call answers when nobody else makes a step. For whoever is not in the middle of another one.
    pub(super) fn alone(&mut self, state: &mut [u64], call: Call) -> Result<Outcome, Wrong> {
        let me = self.who(call);
        let outcome = self.alone_unjudged(state, call)?;
        // Nobody else is there, so what is now was then.
        let mut actor = Actor { saw: self.judge.is_so(call, state), ..Actor::default() };
        self.judge.outcome(state, me, &mut actor, call, &outcome)?;
        Ok(outcome)
    }

    pub(super) fn alone_unjudged(&mut self, state: &mut [u64], call: Call) -> Result<Outcome, Wrong> {
        let me = self.who(call);
        let mut node = self.book.root(call);
        loop {
            if let Next::Ended(outcome) = self.book.node(node).next {
                return Ok(outcome);
            }
            node = self.advance(state, me, node)?;
        }
    }

    /// Those who call alone: each to lease its record at the beginning, and whoever comes afterwards.
    fn who(&self, call: Call) -> usize {
        match call {
            Call::LeaseRecord { me, .. } => me,
            _ => self.shape().actors - 1,
        }
    }

    /// What a node asks; with a fault, perhaps what its neighbour does.
    fn asked(&mut self, node: u32) -> Result<Ask, Wrong> {
        let Next::Asks(ask) = self.book.node(node).next else { unreachable!("an ended call asks nothing") };
        if self.fault == Fault::None {
            return Ok(ask);
        }
        let with_kind = |ask: Ask| (ask, self.kinds[ask.place]);
        let parent = self.book.node(node).parent;
        if let (true, Next::Asks(before)) = (parent != 0, self.book.node(parent).next) {
            if self.fault.swaps(with_kind(before), with_kind(ask)) {
                return Ok(before);
            }
        }
        if matches!(ask.operation, Operation::Store(_)) {
            let child = self.book.child(node, 0)?;
            if let Next::Asks(after) = self.book.node(child).next {
                if self.fault.swaps((ask, self.kinds[ask.place]), (after, self.kinds[after.place])) {
                    return Ok(after);
                }
            }
        }
        Ok(ask)
    }

    /// Makes one step on the memory; its answer.
    fn perform(&self, state: &mut [u64], me: usize, call: Call, ask: Ask) -> Result<u64, Wrong> {
        let (place, kind) = (ask.place, self.kinds[ask.place]);
        let found = state[place];
        if let Fault::Omits(site) = self.fault {
            if Site::of(call, kind, ask.operation) == Some(site) {
                return Ok(match ask.operation {
                    Operation::Exchange { expected, .. } => expected,
                    _ => found,
                });
            }
        }
        match ask.operation {
            Operation::IsAlive(owner) => return Ok(self.is_alive(state, me, owner)),
            Operation::Fence => return Ok(0),
            Operation::Load => return Ok(self.fault.load(call, kind, found)),
            Operation::Read => self.judge.copy(state, me, kind)?,
            Operation::Write(value) => {
                self.judge.copy(state, me, kind)?;
                state[place] = value;
                return Ok(0);
            }
            Operation::Store(value) => {
                if !self.fault.omits(call, kind, value) {
                    self.judge.store(state, me, call, kind, value)?;
                    state[place] = value;
                }
                return Ok(0);
            }
            Operation::Exchange { expected, value } => {
                return self.exchange(state, me, (call, place), [expected, value]);
            }
            Operation::Add(value) => state[place] = found.wrapping_add(value),
            Operation::Sub(value) => state[place] = found.wrapping_sub(value),
            Operation::Max(value) => state[place] = found.max(value),
            Operation::Or(value) => state[place] = found | value,
            Operation::And(value) => state[place] = found & value,
        }
        Ok(found)
    }

    fn exchange(
        &self,
        state: &mut [u64],
        me: usize,
        (call, place): (Call, usize),
        [expected, value]: [u64; 2],
    ) -> Result<u64, Wrong> {
        let (found, kind) = (state[place], self.kinds[place]);
        if self.fault.pretends(call, kind) {
            return Ok(expected);
        }
        let (wanted, put) = match kind {
            Kind::Word(_) => self.fault.exchange(found, expected, value),
            _ => (expected, value),
        };
        if found != wanted {
            // Never what was expected: that would be a success.
            return Ok(if found == expected { !expected } else { found });
        }
        self.judge.exchange(state, me, kind, [found, put])?;
        state[place] = put;
        Ok(expected)
    }

    fn is_alive(&self, state: &[u64], me: usize, owner: u64) -> u64 {
        let member = crate::ring::mpmc::Owner(owner).member();
        let is_timed_out = self.fault == Fault::Timeout && member != me;
        let is_alive = !self.shape().is_dead(state, member) && !is_timed_out;
        u64::from(is_alive)
    }

    /// The kinds of steps that have been met and change something, each with an example in words.
    pub(super) fn sites(&self) -> Vec<(Site, String)> {
        let site = |(call, ask): (Call, Ask)| {
            let kind = self.kinds[ask.place];
            Some((Site::of(call, kind, ask.operation)?, format!("{:?} on {kind:?} in {call:?}", ask.operation)))
        };
        self.book.asks().filter_map(site).collect()
    }

    /// What an actor is about to do, in words.
    pub(super) fn describe(&mut self, state: &[u64], me: usize) -> String {
        let node = self.shape().actor(state, me).node;
        let call = self.book.node(node).call;
        match self.asked(node) {
            Ok(ask) => match ask.operation {
                Operation::IsAlive(_) | Operation::Fence => format!("{me} in {call:?}: {:?}", ask.operation),
                Operation::Load | Operation::Read => {
                    format!(
                        "{me} in {call:?}: {:?} of {:?}: {:#x}",
                        ask.operation, self.kinds[ask.place], state[ask.place]
                    )
                }
                _ => {
                    let (kind, is) = (self.kinds[ask.place], state[ask.place]);
                    format!("{me} in {call:?}: {:x?} on {kind:?}, which is {is:#x}", ask.operation)
                }
            },
            Err(what) => what,
        }
    }
}

/// A ring that is as large as the scene needs.
fn ring(shape: &Shape) -> Ring<u64> {
    let count = |count: usize| count as u64;
    let tables = Tables::new(count(shape.actors), count(shape.records), count(shape.hands), 8, 8).unwrap();
    let sizes = Sizes {
        capacity: count(shape.capacity),
        size: 8,
        align: 8,
        placement: None,
        frame_bytes: None,
        frames_offset: tables.slots_offset(),
        is_slotted: true,
    };
    let geometry = Geometry::new(sizes).unwrap();
    let region = Arc::new(Region::Heap(heap::Block::new(geometry.total as usize).unwrap()));
    Ring::new(Many::new(region, &geometry, tables, None).unwrap())
}
