//! Messages one way, by several pairs of processes at once: more processes than processors.
//!
//! The two of a pair run on different processors, and those of the next the other way round.

use super::many::Member;
use super::one_way::{put, take};
use crate::board::Board;
use crate::clock::{Of, cpu_ns, now_ns};
use crate::contestant::{Between, Failure};
use crate::many::Crowd;
use crate::pin;
use crate::task::{Role, Seen, Task, Work};
use std::fs;

/// Does the work of one process of a pair.
pub fn run<C: Between>(
    contestant: &C,
    task: &Task,
    board: &Board,
    (role, index): (Role, usize),
) -> Result<Seen, Failure> {
    let Work::Pairs { pairs, messages, before } = task.work else { return Err("work for one pair".into()) };
    pin::to(task.cpus[(role as usize + index) % task.cpus.len()])?;
    let member = Member { board, crowd: Crowd::new(board, 2 * pairs), role, index, of: Of::Process, task };
    let place = task.channel(index as u64);
    // The other end may come first.
    fs::create_dir_all(&place.dir)?;
    let all = before + messages;
    match role {
        Role::Sender => {
            let mut to = contestant.sender::<[u64; 1]>(&place)?;
            member.measure(|| {
                put(&mut to, 0..before, 1)?;
                member.crowd.meet()?;
                let (cpu, began) = (cpu_ns(member.of), now_ns());
                put(&mut to, before..all, 1)?;
                Ok(Seen { began_ns: Some(began), cpu_ns: Some(cpu_ns(member.of) - cpu), ..Seen::default() })
            })
        }
        Role::Receiver => {
            let mut from = contestant.receiver::<[u64; 1]>(&place)?;
            member.measure(|| {
                take(&mut from, 0..before, 1)?;
                member.crowd.meet()?;
                let cpu = cpu_ns(member.of);
                take(&mut from, before..all, 1)?;
                let ended = now_ns();
                Ok(Seen { ended_ns: Some(ended), cpu_ns: Some(cpu_ns(member.of) - cpu), ..Seen::default() })
            })
        }
    }
}
