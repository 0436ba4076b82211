//! Channels being made, opened, counted and dropped. Two processes, though a thousand channels live in one of them: the other
//! then only answers the look at the weather.

use super::{Maker, census};
use crate::board::Board;
use crate::clock::{Of, now_ns};
use crate::contestant::{Failure, Place, Receiver, Sender};
use crate::entry::Runner;
use crate::pin;
use crate::task::{Part, Role, Seen, Task, Work};
use crate::work::Side;
use crate::work::histogram;
use std::fs;

/// A process for each end.
pub struct Processes<C>(pub C);

impl<C: Maker> Runner for Processes<C> {
    fn run(&self, task: &Task, board: &Board) -> Result<Vec<Seen>, Failure> {
        let Part::One(role) = task.part else { return Err("one process for two".into()) };
        pin::to(task.cpus[role as usize])?;
        let side = Side { board, role, of: Of::Process, task };
        if role == Role::Receiver {
            // The other side comes here after the first meeting.
            for n in 0..task.work.channels() {
                fs::create_dir(task.channel(n).dir)?;
            }
        }
        let member = self.0.member(&task.place(0))?;
        let seen = side.measure(|| match task.work {
            Work::Attach { times, before } => self.attach(&side, &member, (before, times)),
            Work::Memory => self.memory(&side, &member),
            Work::Channels { count } if role == Role::Sender => self.channels(&side, &member, count),
            Work::Channels { .. } => Ok(Seen::default()),
            _ => Err("messages for who makes channels".into()),
        })?;
        Ok(vec![seen])
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

/// Metrics of attaching.
const CREATE: usize = 0;
const OPEN: usize = 1;
const FIRST: usize = 2;

impl<C: Maker> Processes<C> {
    /// Again and again: one end makes a channel; when it is there the other opens it; a message goes through.
    fn attach(&self, side: &Side<'_>, member: &C::Member, (before, times): (u64, u64)) -> Result<Seen, Failure> {
        let mut times_ns = [const { Vec::new() }; 3];
        for n in 0..before + times {
            let place = side.task.channel(n);
            let is_first = side.role == C::FIRST;
            if !is_first {
                side.board.meet(side.role)?;
            }
            let began = now_ns();
            if !is_first {
                side.board.stamp(n as usize, began);
            }
            let made = match side.role {
                Role::Sender => {
                    let mut sender = self.0.sender(member, &place)?;
                    let made = now_ns();
                    if is_first {
                        // The channel is there, and soon the other end.
                        side.board.meet(side.role)?;
                        side.board.meet(side.role)?;
                    }
                    sender.send([n])?;
                    side.board.meet(side.role)?;
                    made
                }
                Role::Receiver => {
                    let mut receiver = self.0.receiver(member, &place)?;
                    let made = now_ns();
                    side.board.meet(side.role)?;
                    expect(receiver.recv()?, n)?;
                    let first = now_ns() - side.board.stamped(n as usize);
                    times_ns[FIRST].push(first);
                    side.board.meet(side.role)?;
                    made
                }
            };
            times_ns[if is_first { CREATE } else { OPEN }].push(made - began);
        }
        let counting = |ns: &Vec<u64>| histogram::of(ns.iter().skip(before as usize).copied());
        let timed = times_ns.iter().enumerate().filter(|(_, ns)| !ns.is_empty());
        Ok(Seen { timed: timed.map(|(metric, ns)| (metric, counting(ns))).collect(), ..Seen::default() })
    }

    /// One channel: what lies behind its files when both ends are there, and when all of it has been used once.
    fn memory(&self, side: &Side<'_>, member: &C::Member) -> Result<Seen, Failure> {
        let (task, place) = (side.task, side.task.channel(0));
        let lap = self.0.lap(&place);
        let allocated = || census::allocated(&task.dirs[0], &task.names[0]);
        let before = allocated()?;
        side.board.meet(side.role)?;
        let is_first = side.role == C::FIRST;
        if !is_first {
            side.board.meet(side.role)?;
        }
        let mut sizes = Vec::new();
        let mut look = || -> Result<(), Failure> {
            side.board.meet(side.role)?;
            sizes.push((allocated()? - before) as f64 / 1024.0);
            side.board.meet(side.role)
        };
        match side.role {
            Role::Sender => {
                let mut sender = self.0.sender(member, &place)?;
                if is_first {
                    side.board.meet(side.role)?;
                }
                look()?;
                (0..lap).try_for_each(|n| sender.send([n]))?;
                look()?;
            }
            Role::Receiver => {
                let mut receiver = self.0.receiver(member, &place)?;
                if is_first {
                    side.board.meet(side.role)?;
                }
                look()?;
                (0..lap).try_for_each(|n| expect(receiver.recv()?, n))?;
                look()?;
            }
        }
        let found = if side.role == Role::Sender { sizes } else { Vec::new() };
        Ok(Seen { found: found.into_iter().enumerate().collect(), ..Seen::default() })
    }

    /// Many channels, both ends of each in this process: made one after the other, a message through each in turn, dropped.
    fn channels(&self, side: &Side<'_>, member: &C::Member, count: u64) -> Result<Seen, Failure> {
        census::allow_descriptors()?;
        let places: Vec<Place> = (0..count).map(|n| side.task.channel(n)).collect();
        let before = census::descriptors_and_mappings()?;
        let mut times_ns = [const { Vec::new() }; 3];
        let mut timed = |phase: usize, began: u64| times_ns[phase].push(now_ns() - began);
        let mut ends = Vec::new();
        for place in &places {
            let began = now_ns();
            ends.push(match C::FIRST {
                Role::Sender => {
                    let sender = self.0.sender(member, place)?;
                    (sender, self.0.receiver(member, place)?)
                }
                Role::Receiver => {
                    let receiver = self.0.receiver(member, place)?;
                    (self.0.sender(member, place)?, receiver)
                }
            });
            timed(0, began);
        }
        for (n, (sender, receiver)) in ends.iter_mut().enumerate() {
            let began = now_ns();
            sender.send([n as u64])?;
            expect(receiver.recv()?, n as u64)?;
            timed(1, began);
        }
        let after = census::descriptors_and_mappings()?;
        for ends in ends {
            let began = now_ns();
            drop(ends);
            timed(2, began);
        }
        let each = |n: usize| (after[n] - before[n]) / count as f64;
        Ok(Seen {
            timed: times_ns.into_iter().map(histogram::of).enumerate().collect(),
            found: [(3, each(0)), (4, each(1))].into(),
            ..Seen::default()
        })
    }
}

fn expect([message]: super::Word, number: u64) -> Result<(), Failure> {
    crate::work::check(&[message], number)
}
