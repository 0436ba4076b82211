//! Whether messages arrive in their order, and in what order they may. Of those that are marked nothing is promised.

use super::check::{Delivery, deliveries, may_be_lost};
use super::history::{Finding, History, Name, Role, What, is_nameless, life_of, number_of};
use std::collections::HashMap;

pub(crate) fn all(history: &History, findings: &mut Vec<Finding>) {
    if history.rules.is_one_to_one {
        in_one_order(history, findings);
    } else {
        each_senders(history, findings);
    }
    if history.rules.is_at_least_once && !history.rules.is_one_to_one {
        positions(history, findings);
    }
}

fn is_ordered(delivery: &Delivery<'_>) -> bool {
    !delivery.op.is_marked() && !is_nameless(delivery.op.id)
}

/// One to one: first in, first out, over all lives of both.
fn in_one_order(history: &History, findings: &mut Vec<Finding>) {
    let mut last: Option<Delivery<'_>> = None;
    for delivery in deliveries(history).filter(is_ordered) {
        if let Some(before) = last.filter(|before| before.op.id >= delivery.op.id) {
            findings.push(behind(&before, &delivery));
            return;
        }
        last = Some(delivery);
    }
}

fn behind(before: &Delivery<'_>, delivery: &Delivery<'_>) -> Finding {
    let (first, second) = (Name(before.op.id), Name(delivery.op.id));
    let text = format!(
        "{second} came to process {} behind {first}, which came to process {}, and it is not marked",
        delivery.life.id, before.life.id
    );
    let messages = [before.op.id, delivery.op.id];
    Finding::new("first in, first out", text).about(&messages).of(&[before.life.id, delivery.life.id])
}

/// Among many: each sender's, at each receiver. Where nobody says what is marked, each who was killed may have left one behind.
fn each_senders(history: &History, findings: &mut Vec<Finding>) {
    let mut may = may_be_lost(history);
    let mut last: HashMap<(u32, u32), Delivery<'_>> = HashMap::new();
    for delivery in deliveries(history).filter(is_ordered) {
        let key = (delivery.life.id, life_of(delivery.op.id));
        match last.get(&key).filter(|before| before.op.id >= delivery.op.id) {
            // It says nothing about what comes behind it.
            Some(_) if may > 0 => may -= 1,
            Some(before) => return findings.push(behind(before, &delivery)),
            None => _ = last.insert(key, delivery),
        }
    }
}

/// What has a position has one order, which is the order of each sender, of what was sent before something else was begun to
/// be sent, and of what was taken before something else was begun to be taken.
fn positions(history: &History, findings: &mut Vec<Finding>) {
    let mut first: Vec<Delivery<'_>> = deliveries(history).filter(|delivery| !delivery.op.is_marked()).collect();
    first.sort_by_key(|delivery| delivery.op.position);
    if let Some(pair) = first.windows(2).find(|pair| pair[0].op.position == pair[1].op.position) {
        let text = format!("{} and {} have one position", Name(pair[0].op.id), Name(pair[1].op.id));
        findings.push(Finding::new("each message has a position", text).about(&[pair[0].op.id, pair[1].op.id]));
    }
    let mut last: HashMap<u32, Delivery<'_>> = HashMap::new();
    for delivery in first.iter().filter(|delivery| is_ordered(delivery)) {
        let before = last.insert(life_of(delivery.op.id), *delivery);
        if let Some(before) = before.filter(|before| number_of(before.op.id) >= number_of(delivery.op.id)) {
            let text = format!("{} lies behind {}", Name(delivery.op.id), Name(before.op.id));
            let messages = [before.op.id, delivery.op.id];
            findings.push(Finding::new("each sender's messages are in its order", text).about(&messages));
            return;
        }
    }
    let sends = sends(history);
    let sent: Vec<_> = first
        .iter()
        .filter_map(|delivery| Some((delivery, *sends.get(&delivery.op.id)?)))
        .map(|(delivery, (begin, end))| (begin, end, delivery.op.position, *delivery))
        .collect();
    in_real_time("what was sent before lies before", sent, findings);
    if history.rules.is_typed {
        let taken = first.iter().map(|delivery| {
            // It is taken before it is written down; when it is parted with is later.
            (delivery.op.begin, delivery.op.end, delivery.op.position, *delivery)
        });
        in_real_time("what was taken before lies before", taken.collect(), findings);
    }
}

/// When each message that has a name, and is alone in its operation, was sent.
fn sends(history: &History) -> HashMap<u64, (u64, u64)> {
    let senders = history.lives.iter().filter(|life| life.role == Role::Sender);
    let mut sends = HashMap::new();
    for op in senders.flat_map(|life| &life.ops).filter(|op| op.what.is_send() && !is_nameless(op.id)) {
        let end = if op.is_done() { op.end } else { u64::MAX };
        let count = if op.what == What::SendMany { op.count } else { 1 };
        (0..count).for_each(|at| _ = sends.insert(op.id + at, (op.begin, end)));
    }
    sends
}

/// Intervals with positions: one that ends before another begins has the smaller position.
fn in_real_time(rule: &'static str, mut intervals: Vec<(u64, u64, u64, Delivery<'_>)>, findings: &mut Vec<Finding>) {
    let mut ends = intervals.clone();
    ends.sort_by_key(|(_, end, ..)| *end);
    intervals.sort_by_key(|(begin, ..)| *begin);
    let mut ended = ends.into_iter().peekable();
    let mut highest: Option<(u64, Delivery<'_>)> = None;
    for (begin, _, position, delivery) in intervals {
        while let Some((_, _, other, before)) = ended.next_if(|(_, end, ..)| *end < begin) {
            if highest.is_none_or(|(highest, _)| other > highest) {
                highest = Some((other, before));
            }
        }
        if let Some((other, before)) = highest.filter(|(highest, _)| *highest > position) {
            let text = format!(
                "{} has position {position}, and {}, which came first, has {other}",
                Name(delivery.op.id),
                Name(before.op.id)
            );
            let messages = [before.op.id, delivery.op.id];
            findings.push(Finding::new(rule, text).about(&messages).of(&[before.life.id, delivery.life.id]));
            return;
        }
    }
}
