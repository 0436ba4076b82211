//! Whether streams are whole, and those that are not say so.

use super::history::{Finding, History, Life, Op, Outcome, Role, What, life_of, number_of};
use ringway::DisconnectReason;
use std::collections::HashMap;

type End<'a> = (&'a Life, &'a Op);

/// Bytes of a stream's name.
const HEAD: u64 = super::message::HEAD;
/// Bytes that are read at a time, at most: what a killed reader may have taken and not written down.
const READ: u64 = super::streams::READ as u64;

pub(crate) fn all(history: &History, findings: &mut Vec<Finding>) {
    let of = |role| {
        let lives = history.lives.iter().filter(move |life| life.role == role);
        lives.flat_map(|life| life.ops.iter().filter(|op| op.what == What::Stream).map(move |op| (life, op)))
    };
    let written: HashMap<u64, End<'_>> = of(Role::Sender).map(|end| (end.1.id, end)).collect();
    let mut read: HashMap<u64, End<'_>> = HashMap::new();
    for end in of(Role::Receiver).filter(|(_, op)| op.position >= HEAD) {
        if !written.contains_key(&end.1.id) {
            findings.push(finding("what is read was written", end, "a stream that nobody has begun to write"));
        }
        if let Some(other) = read.insert(end.1.id, end) {
            let text = format!("process {} reads the stream, too", other.0.id);
            findings.push(finding("a stream has one reader", end, &text));
        }
    }
    for end in of(Role::Receiver) {
        reader(history, end, written.get(&end.1.id).copied(), findings);
    }
    for end in written.values() {
        writer(history, *end, read.get(&end.1.id).copied(), findings);
    }
}

fn finding(rule: &'static str, (life, op): End<'_>, what: &str) -> Finding {
    let text = format!(
        "process {}, stream {} of process {}, {} bytes, {:?}: {what}",
        life.id,
        number_of(op.id),
        life_of(op.id),
        op.position,
        op.outcome
    );
    Finding::new(rule, text).of(&[life.id, life_of(op.id)]).about(&[op.id]).within(op.begin, op.end)
}

/// Somebody of the role was killed before the time.
fn has_died(history: &History, role: Role, until: u64) -> bool {
    let mut killed = history.lives.iter().filter(|life| life.role == role).filter_map(|life| life.killed);
    killed.any(|(at, _)| at <= until)
}

/// Somebody had come to read before the time, and left with nothing.
fn has_left_unread(history: &History, until: u64) -> bool {
    let mut readers = history.lives.iter().filter(|life| life.role == Role::Receiver).flat_map(|life| &life.ops);
    readers.any(|op| op.what == What::Stream && op.outcome == Outcome::NotNow && op.begin <= until)
}

fn reader(history: &History, end: End<'_>, written: Option<End<'_>>, findings: &mut Vec<Finding>) {
    let op = end.1;
    match op.outcome {
        // Killed; or nobody had come when it was told to stop.
        Outcome::Unfinished | Outcome::NotNow | Outcome::Torn => {}
        Outcome::Done => match written {
            // Of a writer that had nothing to say.
            _ if op.position == 0 => {}
            Some((_, by)) if by.attempt == 1 && by.position == op.position => {}
            Some((_, by)) => {
                let text = format!(
                    "it ended well, and its writer had written {} bytes, all of them: {}",
                    by.position, by.attempt
                );
                findings.push(finding("what ended well is whole", end, &text));
            }
            None => findings.push(finding("what ended well is whole", end, "it ended well, and had no name")),
        },
        Outcome::Gone(Some(DisconnectReason::Died)) => {
            let is_so = match written {
                Some((writer, _)) => writer.killed.is_some_and(|(at, _)| at <= op.end),
                None => has_died(history, Role::Sender, op.end),
            };
            if !is_so {
                findings.push(finding("who is said to have died was killed", end, "its writer was not killed"));
            }
        }
        _ => findings.push(finding("a stream ends well, or its writer has died", end, "it did not")),
    }
    if let Some((_, by)) = written.filter(|_| op.position >= HEAD) {
        // What was being written when the writer was killed is not counted.
        if by.attempt == 1 && op.position > by.position {
            findings.push(finding("what is read was written", end, "there is more of it than was written"));
        }
    }
}

fn writer(history: &History, end: End<'_>, read: Option<End<'_>>, findings: &mut Vec<Finding>) {
    let op = end.1;
    match op.outcome {
        Outcome::Unfinished | Outcome::NotNow => {}
        Outcome::Done => {
            let is_read = read.is_some_and(|(reader, by)| {
                let was_killed = reader.killed.is_some() && by.outcome == Outcome::Unfinished;
                by.position == op.position || (was_killed && op.position - by.position.min(op.position) <= READ)
            });
            // A reader may be killed when it has taken the beginning and written nothing down.
            let perhaps = || has_died(history, Role::Receiver, u64::MAX) && op.position <= READ && read.is_none();
            if !is_read && !perhaps() {
                let got = read.map_or(0, |(_, by)| by.position);
                let text = format!("it was told that all was taken, and {got} bytes were");
                findings.push(finding("what is finished was taken", end, &text));
            }
        }
        Outcome::Gone(Some(DisconnectReason::Died)) => {
            let is_so = match read {
                Some((reader, _)) => reader.killed.is_some_and(|(at, _)| at <= op.end),
                None => has_died(history, Role::Receiver, op.end),
            };
            if !is_so {
                findings.push(finding("who is said to have died was killed", end, "its reader was not killed"));
            }
        }
        // Its reader had come, and was told to stop before there was a writer.
        Outcome::Gone(Some(DisconnectReason::Left)) if op.position == 0 && has_left_unread(history, op.end) => {}
        _ => findings.push(finding("a stream is taken, or its reader has died", end, "it is not")),
    }
}
