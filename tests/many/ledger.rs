//! What all workers wrote down, added up: each message that was sent arrived once, and whatever else it may not do.

use super::log::{Entry, Fate, Log};
use std::collections::{BTreeMap, HashMap};

/// Of one message, in a byte: how often it arrived for good, and what else is known.
const FINAL: u8 = 0b11;
/// Somebody died with it who may have committed it.
const UNKNOWN: u8 = 0b100;
/// It was delivered as for the first time, to be committed.
const FIRST: u8 = 0b1000;
/// And was committed then.
const AT_ONCE: u8 = 0b1_0000;

/// One sender's messages.
#[derive(Debug, Default)]
struct Sent {
    tried: u64,
    sent: u64,
    /// What became of each.
    fates: Vec<u8>,
}

/// The sum of the logs.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    senders: BTreeMap<u64, Sent>,
    /// All deliveries of messages that were not committed at once.
    again: HashMap<(u64, u64), Vec<(u32, Fate)>>,
    /// How many messages receivers that were killed may have had and not written down.
    pub(crate) may_be_lost: u64,
    /// How many messages may come out of their order, unmarked to those who cannot see the mark.
    pub(crate) may_be_late: u64,
    pub(crate) received: u64,
    pub(crate) marked: u64,
    pub(crate) unknown: u64,
    pub(crate) returned: u64,
    pub(crate) late: u64,
    pub(crate) lost: u64,
    pub(crate) in_doubt: u64,
    /// Positions that no message came from: those of tombstones, and of messages that are lost.
    pub(crate) empty: u64,
}

impl Ledger {
    /// A sender's log, when it sends no more.
    pub(crate) fn sender(&mut self, worker: u64, log: &Log) {
        let sender = self.senders.entry(worker).or_default();
        (sender.tried, sender.sent) = (log.tried(), log.sent());
        self.in_doubt += sender.tried - sender.sent;
    }

    /// A receiver's log, when it receives no more.
    pub(crate) fn receiver(&mut self, worker: u64, log: &Log) {
        let mut last = HashMap::new();
        let mut last_position = None;
        for entry in log.entries() {
            let before = last.insert(entry.sender, entry.number);
            let is_late = before.is_some_and(|before| before >= entry.number);
            match entry.attempt {
                0 => self.late += u64::from(is_late),
                1 => {
                    assert!(!is_late, "{worker} got {entry:?} behind {before:?}, and it is not marked");
                    assert!(last_position < Some(entry.position), "{worker} got {entry:?} behind {last_position:?}");
                    last_position = Some(entry.position);
                }
                _ => self.marked += 1,
            }
            if is_late || entry.attempt > 1 {
                // It says nothing about what comes behind it.
                last.insert(entry.sender, before.unwrap_or(0));
            }
            self.delivery(worker, entry);
        }
    }

    /// One delivery.
    pub(crate) fn delivery(&mut self, worker: u64, entry: Entry) {
        let fates = &mut self.senders.entry(entry.sender).or_default().fates;
        let at = entry.number as usize - 1;
        if fates.len() <= at {
            fates.resize(at + 1, 0);
        }
        let fate = &mut fates[at];
        match entry.fate {
            Fate::Received | Fate::Committed => {
                assert!(*fate & FINAL == 0, "{worker} got {entry:?}, which had arrived for good before");
                *fate += 1;
                self.received += 1;
            }
            Fate::Returned => self.returned += 1,
            Fate::Unknown => {
                *fate |= UNKNOWN;
                self.unknown += 1;
            }
        }
        if entry.attempt == 1 {
            assert!(*fate & FIRST == 0, "{worker} got {entry:?}, not marked, as somebody had before");
            *fate |= FIRST;
            if entry.fate == Fate::Committed {
                *fate |= AT_ONCE;
                return;
            }
        }
        if entry.attempt > 0 {
            self.again.entry((entry.sender, entry.number)).or_default().push((entry.attempt, entry.fate));
        }
    }

    /// Messages that arrived, or that somebody died with who may have committed them.
    pub(crate) fn arrived(&self) -> u64 {
        let of = |sender: &Sent| sender.fates.iter().filter(|fate| **fate & (FINAL | UNKNOWN) != 0).count() as u64;
        self.senders.values().map(of).sum()
    }

    /// Messages whose sending returned.
    pub(crate) fn sent(&self) -> u64 {
        self.senders.values().map(|sender| sender.sent).sum()
    }

    /// Checks all of it; nobody sends or receives any more, and nothing is left in the channel.
    pub(crate) fn check(&mut self) {
        for (id, sender) in &self.senders {
            let got = sender.fates.len() as u64;
            assert!(got <= sender.tried, "of sender {id} came {got} messages, and it had only tried {}", sender.tried);
            // What was tried arrived up to some message: of what was in doubt a prefix was sent.
            let is_missing =
                |number: &u64| sender.fates.get(*number as usize - 1).is_none_or(|fate| fate & (FINAL | UNKNOWN) == 0);
            let missing: Vec<_> = (1..=sender.sent.max(got)).filter(is_missing).collect();
            if !missing.is_empty() {
                eprintln!("sender {id}: {missing:?} of {} did not arrive", sender.sent);
            }
            self.lost += missing.len() as u64;
        }
        for ((sender, number), deliveries) in &self.again {
            let mut attempts: Vec<_> = deliveries.iter().map(|(attempt, _)| *attempt).collect();
            attempts.sort_unstable();
            let is_each_another = attempts.windows(2).all(|pair| pair[0] < pair[1]);
            assert!(is_each_another, "message {number} of {sender}: two deliveries of one number: {deliveries:?}");
            let last = attempts.last().copied();
            let was_last = |(attempt, fate): &(u32, Fate)| *fate != Fate::Committed || Some(*attempt) == last;
            assert!(
                deliveries.iter().all(was_last),
                "message {number} of {sender} came behind a commit: {deliveries:?}"
            );
            let fate = self.senders[sender].fates[*number as usize - 1];
            assert!(fate & AT_ONCE == 0, "message {number} of {sender} came behind a commit: {deliveries:?}");
        }
        assert!(self.lost <= self.may_be_lost, "lost {}, of which {} may be", self.lost, self.may_be_lost);
        assert!(self.late <= self.may_be_late, "late and not marked {}, and {} may be", self.late, self.may_be_late);
    }
}
