//! A channel against a `VecDeque`: the same operations, one after the other, on both. The case that is printed is the bug
//! report.

use crate::channel::error::{TryGrantError, TryRecvError, TrySendError};
use crate::channel::options::Options;
use crate::channel::spsc::{Receiver, Sender, channel_at};
use crate::layout::geometry::Placement;
use crate::ring::payload::Payload;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::time::Duration;

/// What is done with a message or a grant in hand.
#[derive(Debug, Clone, Copy)]
enum Then {
    Commit,
    /// Or forget: neither has a destructor.
    Drop,
}

#[derive(Debug, Clone, Copy)]
enum Op {
    TrySend,
    /// Only if there is room: it would wait.
    Send,
    SendMany(usize),
    /// Room for so many, so many of them filled, and committed.
    Reserve(usize, usize, usize),
    ReserveUpTo(usize, usize),
    TryRecv,
    RecvTimeout,
    RecvMany(usize),
    RecvRef(Then),
    /// So many granted, so many released.
    Read(usize, usize, Then),
    ReadUpTo(usize, usize),
    Count,
}

fn then() -> impl Strategy<Value = Then> {
    prop_oneof![Just(Then::Commit), Just(Then::Drop)]
}

fn op() -> impl Strategy<Value = Op> {
    let n = || 0..44_usize;
    prop_oneof![
        3 => Just(Op::TrySend),
        2 => Just(Op::Send),
        2 => n().prop_map(Op::SendMany),
        2 => (n(), n(), n()).prop_map(|(room, fill, commit)| Op::Reserve(room, fill, commit)),
        1 => (n(), n()).prop_map(|(room, commit)| Op::ReserveUpTo(room, commit)),
        3 => Just(Op::TryRecv),
        2 => Just(Op::RecvTimeout),
        2 => n().prop_map(Op::RecvMany),
        3 => then().prop_map(Op::RecvRef),
        2 => (n(), n(), then()).prop_map(|(granted, released, then)| Op::Read(granted, released, then)),
        1 => (n(), n()).prop_map(|(granted, released)| Op::ReadUpTo(granted, released)),
        2 => Just(Op::Count),
    ]
}

#[derive(Debug, Clone)]
struct Case {
    capacity: usize,
    per: usize,
    placement: Placement,
    start: u64,
    ops: Vec<Op>,
}

fn case() -> impl Strategy<Value = Case> {
    // Where counters are likely to be wrong: at nothing, around 32 bits, and at the end of the 56 that are promised.
    let start = prop_oneof![
        3 => Just(0),
        1 => 0..1000_u64,
        1 => (1 << 32) - 100..(1_u64 << 32) + 100,
        1 => (1 << 48) - 100..(1_u64 << 48) + 100,
        1 => (1 << 56) - 9000..(1_u64 << 56) - 8000,
    ];
    let placement = prop_oneof![Just(Placement::Inline), Just(Placement::Table)];
    // Often longer than a lap, since most mistakes are made in the second.
    (1..=40_usize, 1..=9_usize, placement, start, vec(op(), 0..120))
        .prop_map(|(capacity, per, placement, start, ops)| Case { capacity, per, placement, start, ops })
}

/// The `n`-th message.
fn message<T: Payload>(n: u64) -> T {
    let mut message = T::zeroed();
    for (at, byte) in bytemuck::bytes_of_mut(&mut message).iter_mut().enumerate() {
        *byte = (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (8 * (at % 7))) as u8 ^ at as u8;
    }
    message
}

fn same<T: Payload>(a: &T, b: &T) -> bool {
    bytemuck::bytes_of(a) == bytemuck::bytes_of(b)
}

/// A message in the model: its number, how often it was handed out, and how often of these as the first.
#[derive(Debug, Clone, Copy)]
struct Sent {
    number: u64,
    handed: u32,
    first: u32,
}

struct Pair<T> {
    tx: Sender<T>,
    rx: Receiver<T>,
    model: VecDeque<Sent>,
    capacity: usize,
    /// Numbers and positions of what comes next.
    next: u64,
    start: u64,
}

impl<T: Payload> Pair<T> {
    fn new(case: &Case) -> Self {
        let (size, align) = (size_of::<T>().max(1), align_of::<T>().max(8));
        let frame = match case.placement {
            Placement::Inline => (align + case.per * size).next_multiple_of(align),
            Placement::Table => case.per * size,
        };
        let options = Options::new().capacity(case.capacity).placement(case.placement).frame_bytes(frame);
        let (tx, rx) = channel_at(&options, case.start).unwrap();
        Self { tx, rx, model: VecDeque::new(), capacity: case.capacity, next: case.start, start: case.start }
    }

    fn room(&self) -> usize {
        self.capacity - self.model.len()
    }

    fn sent(&mut self, n: usize) {
        for _ in 0..n {
            self.model.push_back(Sent { number: self.next, handed: 0, first: 0 });
            self.next += 1;
        }
    }

    fn messages(&self, n: usize) -> Vec<T> {
        (0..n as u64).map(|n| message(self.next + n)).collect()
    }

    fn take(&mut self, got: &[T]) {
        for message_got in got {
            let expected = self.model.pop_front().expect("a message that was never sent");
            assert!(same(message_got, &message(expected.number)), "not the message that was sent");
        }
    }

    /// `n` messages are handed out; what must be said of the first.
    fn hand_out(model: &mut VecDeque<Sent>, n: usize, position: u64, attempt: u32, redelivered: bool) {
        let first = model[0];
        assert_eq!(position, first.number);
        assert_eq!(redelivered, first.handed > 0);
        assert_eq!(redelivered, attempt > 1);
        assert!(attempt <= first.handed + 1);
        if first.handed == first.first {
            // Attempts of others than the first are not told one by one.
            assert_eq!(attempt, first.handed + 1);
        }
        model[0].first += 1;
        model.iter_mut().take(n).for_each(|sent| sent.handed += 1);
    }

    fn perform(&mut self, op: Op) {
        match op {
            Op::TrySend => match self.tx.try_send(message(self.next)) {
                Ok(()) => {
                    assert!(self.room() > 0);
                    self.sent(1);
                }
                Err(TrySendError::Full(back)) => assert!(self.room() == 0 && same(&back, &message(self.next))),
                Err(TrySendError::Disconnected(_)) => panic!("disconnected"),
            },
            Op::Send => {
                if self.room() > 0 {
                    self.tx.send(message(self.next)).unwrap();
                    self.sent(1);
                }
            }
            Op::SendMany(n) => {
                let messages = self.messages(n);
                let sent = self.tx.try_send_many(&messages).unwrap();
                assert_eq!(sent, n.min(self.room()));
                self.sent(sent);
            }
            Op::Reserve(room, fill, commit) => {
                let messages = self.messages(fill);
                let there = self.room();
                match self.tx.try_reserve(room) {
                    Ok(mut grant) => {
                        assert!(grant.len() == room && room <= there);
                        assert_eq!(grant.runs_mut().map(|run| run.len()).sum::<usize>(), room);
                        let filled = match fill % 3 {
                            0 => grant.fill(messages.iter().copied()),
                            1 => grant.copy_from_slice(&messages),
                            _ => grant.iter_mut().zip(&messages).map(|(place, message)| *place = *message).count(),
                        };
                        assert_eq!(filled, fill.min(room));
                        let n = commit.min(filled);
                        grant.commit(n);
                        self.sent(n);
                    }
                    Err(TryGrantError::TooFew(n)) => assert!(n == there && room > there),
                    Err(TryGrantError::Disconnected) => panic!("disconnected"),
                }
            }
            Op::ReserveUpTo(max, commit) => {
                if self.room() > 0 && max > 0 {
                    let messages = self.messages(commit);
                    let there = self.room();
                    let mut grant = self.tx.reserve_up_to(max).unwrap();
                    assert_eq!(grant.len(), max.min(there));
                    let n = grant.copy_from_slice(&messages);
                    grant.commit(n);
                    self.sent(n);
                }
            }
            Op::TryRecv => match self.rx.try_recv() {
                Ok(got) => self.take(&[got]),
                Err(TryRecvError::Empty) => assert!(self.model.is_empty()),
                Err(TryRecvError::Disconnected) => panic!("disconnected"),
            },
            Op::RecvTimeout => match self.rx.recv_timeout(Duration::ZERO) {
                Ok(got) => self.take(&[got]),
                Err(error) => assert!(error.is_timeout() && self.model.is_empty()),
            },
            Op::RecvMany(n) => {
                let mut got = vec![T::zeroed(); n];
                let taken = self.rx.try_recv_many(&mut got).unwrap();
                assert_eq!(taken, n.min(self.model.len()));
                self.take(&got[..taken]);
            }
            Op::RecvRef(then) => match self.rx.try_recv_ref() {
                Ok(guard) => {
                    assert!(same(&*guard, &message(self.model[0].number)));
                    let (position, attempt, again) = (guard.position(), guard.attempt(), guard.is_redelivered());
                    Self::hand_out(&mut self.model, 1, position, attempt, again);
                    match then {
                        Then::Commit => {
                            guard.commit();
                            self.model.pop_front();
                        }
                        Then::Drop => drop(guard),
                    }
                }
                Err(error) => assert!(error.is_empty() && self.model.is_empty()),
            },
            Op::Read(n, release, then) => match self.rx.try_read(n) {
                Ok(grant) => {
                    assert_eq!(grant.len(), n.max(1));
                    assert!(grant.len() <= self.model.len());
                    let all = grant.iter().zip(&self.model).all(|(got, sent)| same(&got, &message(sent.number)));
                    assert!(all && grant.iter().count() == grant.len());
                    let mut part = vec![T::zeroed(); release];
                    let copied = grant.copy_to_slice(&mut part);
                    assert_eq!(copied, release.min(grant.len()));
                    assert!(part[..copied].iter().zip(grant.iter()).all(|(a, b)| same(a, &b)));
                    let (position, attempt, again) = (grant.position(), grant.attempt(), grant.is_redelivered());
                    Self::hand_out(&mut self.model, grant.len(), position, attempt, again);
                    match then {
                        Then::Commit => {
                            grant.release(copied);
                            self.model.drain(..copied);
                        }
                        Then::Drop => drop(grant),
                    }
                }
                Err(TryGrantError::TooFew(there)) => {
                    assert!(there == self.model.len() && there < n.max(1));
                }
                Err(TryGrantError::Disconnected) => panic!("disconnected"),
            },
            Op::ReadUpTo(max, release) => {
                if !self.model.is_empty() {
                    let grant = self.rx.read_up_to(max).unwrap();
                    assert_eq!(grant.len(), max.max(1).min(self.model.len()));
                    let (position, attempt, again) = (grant.position(), grant.attempt(), grant.is_redelivered());
                    Self::hand_out(&mut self.model, grant.len(), position, attempt, again);
                    let n = release.min(grant.len());
                    grant.release(n);
                    self.model.drain(..n);
                }
            }
            Op::Count => {}
        }
        self.count();
    }

    /// What both ends say of the ring, which is exact here.
    fn count(&self) {
        let len = self.model.iter().filter(|sent| sent.handed == 0).count();
        let is_full = self.model.len() == self.capacity;
        assert_eq!((self.tx.len(), self.rx.len()), (len, len));
        assert_eq!((self.tx.is_empty(), self.rx.is_empty()), (len == 0, len == 0));
        assert_eq!((self.tx.is_full(), self.rx.is_full()), (is_full, is_full));
        assert_eq!((self.tx.capacity(), self.rx.capacity()), (self.capacity, self.capacity));
    }

    /// The sender says that nothing follows: the rest, then the end.
    fn end(mut self) {
        self.tx.close();
        assert!(self.tx.try_send(message(0)).unwrap_err().is_disconnected());
        while !self.model.is_empty() {
            let got = self.rx.recv().unwrap();
            self.take(&[got]);
        }
        assert!(self.rx.recv().is_err());
        assert!(self.next >= self.start);
    }
}

fn agree<T: Payload>(case: &Case) {
    let mut pair = Pair::<T>::new(case);
    pair.count();
    case.ops.iter().for_each(|op| pair.perform(*op));
    pair.end();
}

/// A message of several lines, and aligned like one.
#[derive(Debug, Clone, Copy, bytemuck::NoUninit, bytemuck::AnyBitPattern)]
#[repr(C, align(64))]
struct Large([u64; 88]);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn bytes_agree_with_a_queue(case in case()) {
        agree::<u8>(&case);
    }

    #[test]
    fn odd_sizes_agree_with_a_queue(case in case()) {
        agree::<[u8; 3]>(&case);
    }

    /// Fault 70.
    #[test]
    fn words_agree_with_a_queue(case in case()) {
        agree::<u64>(&case);
    }

    #[test]
    fn records_agree_with_a_queue(case in case()) {
        agree::<[u64; 3]>(&case);
    }

    #[test]
    fn nothings_agree_with_a_queue(case in case()) {
        agree::<()>(&case);
    }

    #[test]
    fn large_messages_agree_with_a_queue(case in case()) {
        agree::<Large>(&case);
    }

    #[test]
    fn large_odd_messages_agree_with_a_queue(case in case()) {
        agree::<[u8; 705]>(&case);
    }
}
