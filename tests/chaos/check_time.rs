//! What may be said when (`Disconnected`, `Empty`, `Full`), and that nobody waits for what is there.

use super::check::deliveries;
use super::history::{Fate, Finding, History, Life, Name, Op, Outcome, Role, What, is_nameless};
use ringway::DisconnectReason;
use std::collections::HashMap;

/// What a machine that many share may keep a process for, beside what the control process saw, in ns.
const ALLOWANCE: u64 = 400_000_000;
/// How long what one has stored may not be seen by another, in ns, and more: a processor reads the clock while its stores are still
/// in a buffer of its own, and to publish one to one is a store. (Tens of ns: in 3 of 511 episodes somebody was told so within the same us.)
const SEEN_AFTER: u64 = 100_000;

pub(crate) fn told(history: &History, findings: &mut Vec<Finding>) {
    for life in &history.lives {
        for op in &life.ops {
            if let Outcome::Gone(reason) = op.outcome {
                gone(history, life, op, reason, findings);
            }
        }
    }
    if history.rules.is_one_to_one {
        empty(history, findings);
        if let Some(capacity) = history.rules.capacity {
            full(history, capacity, findings);
        }
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Sender => Role::Receiver,
        Role::Receiver => Role::Sender,
    }
}

/// The other side is gone only if nobody of it is there all the time; it has died only if somebody was killed.
fn gone(history: &History, life: &Life, op: &Op, reason: Option<DisconnectReason>, findings: &mut Vec<Finding>) {
    let others = || history.lives.iter().filter(|peer| peer.role == other(life.role));
    let find =
        |rule, text: String, peers: &[u32]| Finding::new(rule, text).of(&[life.id]).of(peers).within(op.begin, op.end);
    let there = others().find(|peer| peer.here > 0 && peer.here < op.begin && peer.until() > op.end);
    if let Some(peer) = there {
        let text = format!("process {} was told {reason:?} while process {} was there", life.id, peer.id);
        findings.push(find("who is there is not gone", text, &[peer.id]));
    }
    let is_so = match reason {
        // An end that was forked, or is gone by now, has none.
        Some(DisconnectReason::Died) => others().any(|peer| peer.killed.is_some_and(|(at, _)| at <= op.end)),
        Some(DisconnectReason::Left) => others().any(|peer| peer.left.is_some_and(|at| at <= op.end)),
        // Somebody has come between the two looks.
        None => others().any(|peer| peer.until() <= op.end),
        // Nobody's fault is any of the others.
        Some(_) => false,
    };
    if !is_so {
        let text = format!("process {} was told {reason:?}, and nobody had done so", life.id);
        findings.push(find("who is said to have died was killed, who is said to have left left", text, &[]));
    }
}

/// When each message was certainly sent.
fn sent(history: &History) -> HashMap<u64, u64> {
    let ops = history.lives.iter().flat_map(|life| &life.ops).filter(|op| op.what.is_send() && !is_nameless(op.id));
    ops.flat_map(|op| (0..op.done).map(move |at| (op.id + at, op.end))).collect()
}

/// One to one: empty is not said while something is there. (Among many a sender that is not running may hide what lies behind
/// its place.)
fn empty(history: &History, findings: &mut Vec<Finding>) {
    let sent = sent(history);
    // Messages in the order in which they are taken, and who was told in vain before.
    let mut vain: Vec<(&Life, &Op)> = Vec::new();
    for life in history.lives.iter().filter(|life| life.role == Role::Receiver) {
        for op in life.ops.iter().filter(|op| op.what.is_receive()) {
            match op.outcome {
                Outcome::NotNow | Outcome::TimedOut => vain.push((life, op)),
                Outcome::Done if !is_nameless(op.id) => {
                    let Some(&since) = sent.get(&op.id) else { continue };
                    let in_vain =
                        vain.drain(..).find(|(_, vain)| vain.begin > since + SEEN_AFTER && vain.end < op.begin);
                    if let Some((who, told)) = in_vain {
                        let text = format!(
                            "process {} was told {:?} while {} was there, which process {} got later",
                            who.id,
                            told.outcome,
                            Name(op.id),
                            life.id
                        );
                        let finding = Finding::new("empty is said when nothing is there", text);
                        findings.push(finding.about(&[op.id]).of(&[who.id, life.id]).within(told.begin, told.end));
                    }
                }
                _ => {}
            }
        }
    }
}

/// One to one, of messages of one size: full is not said while there is certainly room.
fn full(history: &History, capacity: u64, findings: &mut Vec<Finding>) {
    let mut taken: Vec<u64> = deliveries(history)
        .filter_map(|delivery| match delivery.op.fate {
            None if !history.rules.is_at_least_once => Some(delivery.op.end),
            Some((Fate::Committed, _, done @ 1..)) => Some(done),
            _ => None,
        })
        .collect();
    taken.sort_unstable();
    let mut begun = 0;
    for life in history.lives.iter().filter(|life| life.role == Role::Sender) {
        for op in life.ops.iter().filter(|op| op.what.is_send()) {
            if matches!(op.outcome, Outcome::NotNow | Outcome::TimedOut) && begun >= op.count {
                let gone = taken.partition_point(|at| at + SEEN_AFTER < op.begin) as u64;
                if begun - gone.min(begun) < capacity {
                    let text = format!(
                        "process {} was told {:?} when {begun} messages had been sent at most, and {gone} taken",
                        life.id, op.outcome
                    );
                    let finding = Finding::new("full is said when there is no room", text);
                    findings.push(finding.about(&[op.id]).within(op.begin, op.end));
                    return;
                }
            }
            begun += match op.outcome {
                Outcome::Done => op.count.max(1),
                Outcome::Unfinished => op.count.max(1),
                _ => op.done,
            };
        }
    }
}

/// Intervals, joined and in order.
fn union(mut of: Vec<(u64, u64)>) -> Vec<(u64, u64)> {
    of.sort_unstable();
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for (begin, end) in of {
        match joined.last_mut() {
            Some(last) if begin <= last.1 => last.1 = last.1.max(end),
            _ => joined.push((begin, end)),
        }
    }
    joined
}

/// The parts of `window` that none of these covers.
fn without(window: (u64, u64), covers: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut rest = Vec::new();
    let mut from = window.0;
    for &(begin, end) in covers.iter().filter(|cover| cover.1 > window.0 && cover.0 < window.1) {
        if begin > from {
            rest.push((from, begin));
        }
        from = from.max(end);
    }
    if from < window.1 {
        rest.push((from, window.1));
    }
    rest
}

/// How long at most nobody moves who could, and the longest that was seen.
struct Stalls {
    /// When some part of the machine stood still.
    standstill: Vec<(u64, u64)>,
    /// When somebody was stopped, or dying, or had died so lately that sleepers may not have looked.
    excused: Vec<(u64, u64)>,
}

impl Stalls {
    fn new(history: &History) -> Self {
        let slice = history.rules.slice;
        let stops = history.lives.iter().flat_map(|life| life.stops.iter().copied());
        let deaths = history.lives.iter().filter_map(|life| life.killed);
        let deaths = deaths.map(|(at, gone)| (at, gone.saturating_add(slice)));
        Self { standstill: union(history.control.clone()), excused: union(stops.chain(deaths).collect()) }
    }

    /// What of the window is too long to be anybody's but the channel's.
    fn too_long(&self, window: (u64, u64)) -> Option<(u64, u64)> {
        without(window, &self.excused).into_iter().find(|(begin, end)| {
            let seen = self.standstill.iter().map(|stall| stall.1.min(*end).saturating_sub(stall.0.max(*begin)));
            end - begin > ALLOWANCE + 4 * seen.sum::<u64>()
        })
    }
}

/// Nobody who could go on stands still.
pub(crate) fn stalls(history: &History, findings: &mut Vec<Finding>) {
    let stalls = Stalls::new(history);
    waiting_for_each_other(history, &stalls, findings);
    waiting_for_what_is_there(history, &stalls, findings);
}

/// Operations that took so long that they are worth a look.
fn long_ones(history: &History, role: Role) -> Vec<(&Life, u64, u64)> {
    let lives = history.lives.iter().filter(|life| life.role == role);
    let ops = lives.flat_map(|life| life.ops.iter().map(move |op| (life, op)));
    ops.filter_map(|(life, op)| {
        let (begin, end) = match op.what {
            What::Slow => (op.count, op.end),
            What::Stream | What::Control | What::None => return None,
            _ if op.end == 0 => (op.begin, life.until()),
            _ => (op.begin, op.end),
        };
        (end.saturating_sub(begin) > ALLOWANCE).then_some((life, begin, end))
    })
    .collect()
}

/// A sender and a receiver are both in the middle of an operation, and nothing moves between anybody.
fn waiting_for_each_other(history: &History, stalls: &Stalls, findings: &mut Vec<Finding>) {
    let senders = long_ones(history, Role::Sender);
    if senders.is_empty() {
        return;
    }
    let mut moves: Vec<u64> = history
        .lives
        .iter()
        .flat_map(|life| &life.ops)
        .filter(|op| op.is_done() && !matches!(op.what, What::Slow | What::Control))
        .map(|op| op.end)
        .collect();
    moves.sort_unstable();
    for (receiver, begin, end) in long_ones(history, Role::Receiver) {
        for &(sender, from, to) in &senders {
            let (mut at, until) = (begin.max(from), end.min(to));
            // Between two moves of anybody.
            while at < until {
                let next = moves.get(moves.partition_point(|time| *time <= at)).map_or(until, |time| until.min(*time));
                if let Some((since, till)) = stalls.too_long((at, next)) {
                    let text = format!(
                        "process {} sends and process {} receives, and nothing moves for {} ms",
                        sender.id,
                        receiver.id,
                        (till - since) / 1_000_000
                    );
                    let finding = Finding::new("whoever could go on goes on", text);
                    return findings.push(finding.of(&[sender.id, receiver.id]).within(since, till));
                }
                at = next.max(at + 1);
            }
        }
    }
}

/// A receiver waits, and the message that it then gets had been there for long.
fn waiting_for_what_is_there(history: &History, stalls: &Stalls, findings: &mut Vec<Finding>) {
    let sent = sent(history);
    for delivery in deliveries(history).filter(|delivery| !delivery.op.is_marked()) {
        let Some(&since) = sent.get(&delivery.op.id) else { continue };
        if let Some((from, till)) = stalls.too_long((since.max(delivery.op.begin), delivery.op.end)) {
            let text = format!(
                "process {} waited for {} ms for {}, which was there",
                delivery.life.id,
                (till - from) / 1_000_000,
                Name(delivery.op.id)
            );
            let finding = Finding::new("whoever could go on goes on", text);
            return findings.push(finding.about(&[delivery.op.id]).of(&[delivery.life.id]).within(from, till));
        }
    }
}

/// The longest that a receiver waited for what was there, outside of what is excused, and the longest that the machine stood still.
pub(crate) fn longest(history: &History) -> (u64, u64) {
    let (stalls, sent) = (Stalls::new(history), sent(history));
    let waits = deliveries(history).filter(|delivery| !delivery.op.is_marked()).filter_map(|delivery| {
        let since = (*sent.get(&delivery.op.id)?).max(delivery.op.begin);
        (since < delivery.op.end).then(|| without((since, delivery.op.end), &stalls.excused))
    });
    let wait = waits.flatten().map(|(begin, end)| end - begin).max().unwrap_or(0);
    let control = history.control.iter().map(|(begin, end)| end - begin).max().unwrap_or(0);
    (wait, control)
}
