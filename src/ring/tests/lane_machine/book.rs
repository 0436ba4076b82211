//! What a program does next, behind each list of answers.

use super::play::{Lane, Place, Role};
use crate::sync::replay::{self, Operation, Replayed};
use std::collections::HashMap;

#[derive(Debug, Clone, Copy)]
pub(super) enum Next {
    Asks(Place, Operation),
    Ended,
}

struct Node {
    program: (usize, Role),
    parent: u32,
    answer: u64,
    next: Next,
}

/// The places of all programs. Each is found by running its program against the answers that led there.
pub(super) struct Book {
    lane: Box<Lane>,
    nodes: Vec<Node>,
    roots: HashMap<(usize, Role), u32>,
    children: HashMap<(u32, u64), u32>,
}

impl Book {
    pub(super) fn new() -> Self {
        let nowhere = Node { program: (0, Role::Aftermath), parent: 0, answer: 0, next: Next::Ended };
        Self { lane: Box::default(), nodes: vec![nowhere], roots: HashMap::new(), children: HashMap::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    pub(super) fn next(&self, node: u32) -> Next {
        self.nodes[node as usize].next
    }

    pub(super) fn root(&mut self, me: usize, role: Role) -> u32 {
        if let Some(&root) = self.roots.get(&(me, role)) {
            return root;
        }
        let root = self.put(Node { program: (me, role), parent: 0, answer: 0, next: Next::Ended });
        self.roots.insert((me, role), root);
        root
    }

    pub(super) fn child(&mut self, node: u32, answer: u64) -> u32 {
        if let Some(&child) = self.children.get(&(node, answer)) {
            return child;
        }
        let program = self.nodes[node as usize].program;
        let child = self.put(Node { program, parent: node, answer, next: Next::Ended });
        self.children.insert((node, answer), child);
        child
    }

    fn put(&mut self, node: Node) -> u32 {
        let index = self.nodes.len() as u32;
        self.nodes.push(node);
        let (me, role) = self.nodes[index as usize].program;
        let answers = self.answers(index);
        self.nodes[index as usize].next = match replay::replay(&answers, || self.lane.play(me, role)) {
            Replayed::Asks(request) => Next::Asks(self.lane.place(request.address), request.operation),
            Replayed::Ended(()) => Next::Ended,
        };
        index
    }

    pub(super) fn answers(&self, node: u32) -> Vec<u64> {
        let mut answers = Vec::new();
        let mut at = &self.nodes[node as usize];
        while at.parent != 0 {
            answers.push(at.answer);
            at = &self.nodes[at.parent as usize];
        }
        answers.reverse();
        answers
    }
}
