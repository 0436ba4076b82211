//! What every operation does next, for every list of answers that it has had so far.
//!
//! The ring's code is run once for each such list, by [`replay`]; what it asked then is written down here. A *node* stands
//! for a call and a list of answers, so where somebody is in an operation is one number.

use super::Wrong;
use super::calls::{Call, Outcome};
use super::state::{Kind, Shape};
use crate::ring::mpmc::Ring;
use crate::sync::replay::{Operation, Replayed, Request, replay};
use std::collections::HashMap;

/// More steps in one operation than there is reason for.
const ENDLESS: u32 = 600;

/// What a node does next.
#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    Asks(Ask),
    Ended(Outcome),
}

/// A step, with the place in the state that it is made on; of a fence and of a question the place means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ask {
    pub(super) place: usize,
    pub(super) operation: Operation,
}

#[derive(Debug)]
pub(super) struct Node {
    pub(super) call: Call,
    pub(super) next: Next,
    /// 0: a call that has not made a step.
    pub(super) parent: u32,
    /// The parent's answer that led here.
    answer: u64,
    depth: u32,
    children: Vec<(u64, u32)>,
}

/// All nodes that have been met.
#[derive(Debug)]
pub(super) struct Book {
    ring: Ring<u64>,
    places: HashMap<usize, usize>,
    roots: HashMap<Call, u32>,
    nodes: Vec<Node>,
}

impl Book {
    /// An empty book. The ring is never touched: it has addresses, and code.
    pub(super) fn new(ring: Ring<u64>, shape: &Shape) -> Self {
        let places = shape.kinds().into_iter().enumerate().map(|(at, kind)| (address(&ring, kind), at)).collect();
        let mut book = Self { ring, places, roots: HashMap::new(), nodes: Vec::new() };
        assert_eq!(book.places.len(), shape.memory(), "no two at one address");
        // Node 0 is nobody's.
        let next = Next::Ended(Outcome::Done);
        book.nodes.push(Node { call: Call::Close, next, parent: 0, answer: 0, depth: 0, children: Vec::new() });
        book
    }

    pub(super) fn node(&self, node: u32) -> &Node {
        &self.nodes[node as usize]
    }

    /// All steps that have been met.
    pub(super) fn asks(&self) -> impl Iterator<Item = (Call, Ask)> {
        self.nodes.iter().filter_map(|node| match node.next {
            Next::Asks(ask) => Some((node.call, ask)),
            Next::Ended(_) => None,
        })
    }

    /// How many have been met: so often the ring's code was run.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node of a call that has not made a step.
    pub(super) fn root(&mut self, call: Call) -> u32 {
        if let Some(&node) = self.roots.get(&call) {
            return node;
        }
        let node = self.add(call, 0, 0, 0);
        self.roots.insert(call, node);
        node
    }

    /// The node behind this answer.
    pub(super) fn child(&mut self, node: u32, answer: u64) -> Result<u32, Wrong> {
        let it = &self.nodes[node as usize];
        for &(given, child) in &it.children {
            if given == answer {
                return Ok(child);
            }
        }
        let (call, depth) = (it.call, it.depth + 1);
        if depth > ENDLESS {
            return Err(format!("an operation that does not end: {call:?}"));
        }
        let child = self.add(call, node, answer, depth);
        self.nodes[node as usize].children.push((answer, child));
        Ok(child)
    }

    fn add(&mut self, call: Call, parent: u32, answer: u64, depth: u32) -> u32 {
        let mut answers = Vec::with_capacity(depth as usize);
        if depth > 0 {
            answers.push(answer);
        }
        let mut at = parent;
        while self.nodes[at as usize].depth > 0 {
            answers.push(self.nodes[at as usize].answer);
            at = self.nodes[at as usize].parent;
        }
        answers.reverse();
        assert_eq!(answers.len(), depth as usize);
        let next = match replay(&answers, || call.make(&self.ring)) {
            Replayed::Ended(outcome) => Next::Ended(outcome),
            Replayed::Asks(request) => Next::Asks(self.ask(request)),
        };
        self.nodes.push(Node { call, next, parent, answer, depth, children: Vec::new() });
        u32::try_from(self.nodes.len() - 1).expect("fewer nodes")
    }

    fn ask(&self, request: Request) -> Ask {
        let place = match request.operation {
            Operation::Fence | Operation::IsAlive(_) => 0,
            _ => *self.places.get(&request.address).expect("a word of the state"),
        };
        Ask { place, operation: request.operation }
    }
}

fn address(ring: &Ring<u64>, kind: Kind) -> usize {
    let (many, page) = (ring.many(), ring.many().page());
    let word = match kind {
        Kind::Tail => &page.tail.0,
        Kind::Head => &page.head.0,
        Kind::Tombs => &page.remains.tombs,
        Kind::Dropped => &page.remains.dropped,
        Kind::RecordOwner(record) => &many.record(record).owner,
        Kind::Producing(record) => &many.record(record).producing,
        Kind::Consuming(record) => &many.record(record).consuming,
        Kind::HandOwner(hand) => &many.hand(hand).owner,
        Kind::Held(hand) => &many.hand(hand).held,
        Kind::Word(slot) => many.word(slot),
        Kind::HandMessage(hand) => return many.with_hand(hand, |place| place.addr()),
        Kind::Message(slot) => return many.slot(slot).with(|place| place.addr()),
    };
    core::ptr::from_ref(word).addr()
}
