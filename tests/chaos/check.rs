//! Whether each message arrived as it may: that it was sent, whole, once or marked, and that none is lost.

use super::history::{Fate, Finding, History, Life, Name, Op, Outcome, Role, Rules, What, is_nameless};
use super::{check_order, check_streams, check_time};
use std::collections::HashMap;

/// What became of sending a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sent {
    Yes,
    /// Its sender was killed, or told that nobody has it for sure.
    Perhaps,
    /// Nobody gets it, as its sender was told.
    No,
}

/// A message that was received, by whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery<'a> {
    pub(crate) life: &'a Life,
    pub(crate) op: &'a Op,
}

/// Everything that is wrong.
pub(crate) fn all(history: &History) -> Vec<Finding> {
    let mut findings = Vec::new();
    torn(history, &mut findings);
    if history.lives.iter().flat_map(|life| &life.ops).any(|op| op.what == What::Stream) {
        check_streams::all(history, &mut findings);
    } else {
        messages(history, &mut findings);
        nameless(history, &mut findings);
        check_order::all(history, &mut findings);
        check_time::told(history, &mut findings);
    }
    check_time::stalls(history, &mut findings);
    findings
}

fn torn(history: &History, findings: &mut Vec<Finding>) {
    for life in &history.lives {
        for op in life.ops.iter().filter(|op| op.outcome == Outcome::Torn) {
            let text = format!("process {} got what nobody has sent: it is torn, or mixed", life.id);
            findings.push(Finding::new("what arrives is whole", text).of(&[life.id]).within(op.begin, op.end));
        }
    }
}

/// The messages of an operation of sending, and what became of each.
fn sent<'a>(rules: &Rules, op: &'a Op) -> impl Iterator<Item = (u64, Sent)> + use<'a> {
    let rest = match op.outcome {
        Outcome::Done => Sent::Yes,
        Outcome::Unfinished => Sent::Perhaps,
        // Somebody has it in hand, may deal with it, and has not committed it.
        Outcome::Aborted | Outcome::TimedOut if rules.is_at_least_once && !rules.is_typed && !rules.is_one_to_one => {
            Sent::Perhaps
        }
        _ => Sent::No,
    };
    (0..op.count.max(1)).map(move |at| (op.id + at, if at < op.done { Sent::Yes } else { rest }))
}

/// All deliveries of messages that have names, in the order of each receiver's time.
pub(crate) fn deliveries(history: &History) -> impl Iterator<Item = Delivery<'_>> {
    history.lives.iter().flat_map(|life| {
        life.ops.iter().filter(|op| op.what.is_receive() && op.is_done()).map(move |op| Delivery { life, op })
    })
}

fn messages(history: &History, findings: &mut Vec<Finding>) {
    let mut fates: HashMap<u64, Sent> = HashMap::new();
    for life in &history.lives {
        for op in life.ops.iter().filter(|op| op.what.is_send() && !is_nameless(op.id)) {
            fates.extend(sent(&history.rules, op));
        }
    }
    let mut arrived: HashMap<u64, Vec<Delivery<'_>>> = HashMap::new();
    for delivery in deliveries(history).filter(|delivery| !is_nameless(delivery.op.id)) {
        arrived.entry(delivery.op.id).or_default().push(delivery);
    }
    for (&message, deliveries) in &arrived {
        invented(message, fates.get(&message).copied(), deliveries, findings);
        twice(history, message, deliveries, findings);
    }
    let missing: Vec<u64> = fates
        .iter()
        .filter(|(message, fate)| **fate == Sent::Yes && !arrived.contains_key(message))
        .map(|(message, _)| *message)
        .collect();
    lost(history, missing, findings);
}

fn invented(message: u64, fate: Option<Sent>, deliveries: &[Delivery<'_>], findings: &mut Vec<Finding>) {
    let by = deliveries[0].life.id;
    let what = match fate {
        Some(Sent::Yes | Sent::Perhaps) => return,
        Some(Sent::No) => "and its sender was told that nobody gets it",
        None => "and nobody has begun to send it",
    };
    let text = format!("{} came to process {by}, {what}", Name(message));
    findings.push(Finding::new("what arrives was sent", text).about(&[message]).of(&[by]));
}

fn twice(history: &History, message: u64, deliveries: &[Delivery<'_>], findings: &mut Vec<Finding>) {
    if deliveries.len() < 2 {
        return;
    }
    let lives: Vec<u32> = deliveries.iter().map(|delivery| delivery.life.id).collect();
    let unmarked = deliveries.iter().filter(|delivery| !delivery.op.is_marked()).count();
    if unmarked > 1 {
        let text = format!("{} came {unmarked} times to processes {lives:?} as if for the first time", Name(message));
        findings.push(Finding::new("what comes again is marked", text).about(&[message]).of(&lives));
    }
    if !history.rules.is_at_least_once {
        return;
    }
    for first in deliveries {
        let Some((Fate::Committed, _, done @ 1..)) = first.op.fate else { continue };
        // What was taken after the commit was done was not to be had any more.
        if let Some(again) = deliveries.iter().find(|other| other.op.begin > done) {
            let (by, to) = (first.life.id, again.life.id);
            let text = format!("{} was committed by process {by}, and came to process {to} later", Name(message));
            findings.push(Finding::new("what is committed does not come again", text).about(&[message]).of(&[by, to]));
            return;
        }
    }
}

/// How many messages those who were killed may have had, and not written down.
pub(crate) fn may_be_lost(history: &History) -> u64 {
    if history.rules.is_at_least_once {
        return 0;
    }
    let receivers = history.lives.iter().filter(|life| life.role == Role::Receiver && life.killed.is_some());
    receivers.filter_map(Life::unfinished).map(|op| op.count.max(1)).sum()
}

fn lost(history: &History, mut missing: Vec<u64>, findings: &mut Vec<Finding>) {
    let may = may_be_lost(history);
    if missing.len() as u64 <= may {
        return;
    }
    missing.sort_unstable();
    missing.truncate(8);
    let names: Vec<String> = missing.iter().map(|message| Name(*message).to_string()).collect();
    let text = format!("never arrived, and at most {may} may be lost: {}", names.join(", "));
    let killed: Vec<u32> = history.lives.iter().filter(|life| life.killed.is_some()).map(|life| life.id).collect();
    findings.push(Finding::new("nothing is lost", text).about(&missing).of(&killed));
}

/// Of messages that are too short for a name, all of a length are counted.
fn nameless(history: &History, findings: &mut Vec<Finding>) {
    #[derive(Default)]
    struct Count {
        sure: u64,
        perhaps: u64,
        first: u64,
        all: u64,
    }
    let mut counts: HashMap<u64, Count> = HashMap::new();
    for op in history.lives.iter().flat_map(|life| &life.ops).filter(|op| is_nameless(op.id)) {
        let count = counts.entry(op.id).or_default();
        if op.what.is_send() {
            match sent(&history.rules, op).next() {
                Some((_, Sent::Yes)) => count.sure += 1,
                Some((_, Sent::Perhaps)) => count.perhaps += 1,
                _ => {}
            }
        } else if op.is_done() {
            count.all += 1;
            count.first += u64::from(!op.is_marked());
        }
    }
    let may = may_be_lost(history);
    for (message, count) in counts {
        let Count { sure, perhaps, first, all } = count;
        let name = Name(message);
        if first > sure + perhaps {
            let text = format!("{name} came {first} times, and was sent {sure} times, perhaps {perhaps} more");
            findings.push(Finding::new("what arrives was sent, once", text));
        }
        if sure > all + may {
            let text = format!("{name} was sent {sure} times and came {all} times; {may} may be lost");
            findings.push(Finding::new("nothing is lost", text));
        }
    }
}
