//! What all processes of an episode did, as plain data: what the checks judge.

use ringway::DisconnectReason;
use std::fmt;

/// An operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum What {
    None,
    Send,
    TrySend,
    SendTimeout,
    SendMany,
    /// A message that is written bit by bit.
    Writer,
    /// Made in place and lent.
    Loan,
    SendWith,
    Recv,
    TryRecv,
    RecvTimeout,
    /// One stream, written or read.
    Stream,
    /// A `read` or `write` of a stream that took long.
    Slow,
    /// What the control process saw.
    Control,
}

impl What {
    pub(crate) const ALL: [Self; 14] = [
        Self::None,
        Self::Send,
        Self::TrySend,
        Self::SendTimeout,
        Self::SendMany,
        Self::Writer,
        Self::Loan,
        Self::SendWith,
        Self::Recv,
        Self::TryRecv,
        Self::RecvTimeout,
        Self::Stream,
        Self::Slow,
        Self::Control,
    ];

    pub(crate) fn is_send(self) -> bool {
        (Self::Send as u8..=Self::SendWith as u8).contains(&(self as u8))
    }

    pub(crate) fn is_receive(self) -> bool {
        matches!(self, Self::Recv | Self::TryRecv | Self::RecvTimeout)
    }
}

/// What came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It never returned: the process was killed.
    Unfinished,
    Done,
    /// Full, or empty.
    NotNow,
    TimedOut,
    Gone(Option<DisconnectReason>),
    Aborted,
    /// Of a loan, or of what has no room.
    NoMemory,
    /// What came is not what anybody sent.
    Torn,
    /// An error that should not be.
    Strange,
}

/// What became of a message in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Committed,
    Returned,
}

/// One operation of one process. Times are in ns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Op {
    pub(crate) what: What,
    /// Messages that it was to be done for, from `id` on.
    pub(crate) count: u64,
    pub(crate) id: u64,
    pub(crate) begin: u64,
    /// 0 if it never returned.
    pub(crate) end: u64,
    pub(crate) outcome: Outcome,
    /// Messages that it was done for.
    pub(crate) done: u64,
    /// 0: received for good, which nobody says a number of.
    pub(crate) attempt: u32,
    /// Of a stream: bytes.
    pub(crate) position: u64,
    /// When it was begun to part with the message in hand, and when that was done (0: not).
    pub(crate) fate: Option<(Fate, u64, u64)>,
}

impl Op {
    pub(crate) fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// Marked as delivered before, or perhaps so.
    pub(crate) fn is_marked(&self) -> bool {
        self.attempt > 1
    }
}

/// A message by its sender's life and number in it.
pub(crate) fn id(life: u32, number: u64) -> u64 {
    u64::from(life) << 40 | number
}

/// A message that is too short to say whose it is: all of a length are alike.
pub(crate) fn nameless(len: u64) -> u64 {
    NAMELESS | len
}

const NAMELESS: u64 = 1 << 63;

pub(crate) fn is_nameless(id: u64) -> bool {
    id & NAMELESS != 0
}

pub(crate) fn life_of(id: u64) -> u32 {
    (id >> 40) as u32
}

pub(crate) fn number_of(id: u64) -> u64 {
    id & ((1 << 40) - 1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Sender,
    Receiver,
}

/// One process, from its start to its end.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) id: u32,
    pub(crate) role: Role,
    pub(crate) started: u64,
    /// When it had its end; 0: it never had.
    pub(crate) here: u64,
    /// When it began to leave.
    pub(crate) left: Option<u64>,
    /// When it was killed, and when the kernel had torn it down.
    pub(crate) killed: Option<(u64, u64)>,
    pub(crate) stops: Vec<(u64, u64)>,
    pub(crate) ops: Vec<Op>,
}

impl Life {
    /// Until when it was certainly attached.
    pub(crate) fn until(&self) -> u64 {
        self.killed.map_or(u64::MAX, |(at, _)| at).min(self.left.unwrap_or(u64::MAX))
    }

    /// An operation that it was killed in.
    pub(crate) fn unfinished(&self) -> Option<&Op> {
        self.ops.iter().rev().find(|op| op.outcome == Outcome::Unfinished)
    }
}

/// What a channel promises depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) is_one_to_one: bool,
    pub(crate) is_at_least_once: bool,
    /// Messages are positions in a ring of slots: real-time order of what is taken.
    pub(crate) is_typed: bool,
    /// Messages that fit, if that is exact.
    pub(crate) capacity: Option<u64>,
    pub(crate) slice: u64,
}

/// An episode.
#[derive(Debug, Clone)]
pub(crate) struct History {
    pub(crate) rules: Rules,
    pub(crate) lives: Vec<Life>,
    /// When the machine itself stood still, by what the control process saw.
    pub(crate) control: Vec<(u64, u64)>,
}

/// A rule that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Finding {
    pub(crate) rule: &'static str,
    pub(crate) text: String,
    /// The messages that it is about.
    pub(crate) messages: Vec<u64>,
    /// The processes that it is about.
    pub(crate) lives: Vec<u32>,
    /// And when.
    pub(crate) window: Option<(u64, u64)>,
}

impl Finding {
    pub(crate) fn new(rule: &'static str, text: impl Into<String>) -> Self {
        Self { rule, text: text.into(), messages: Vec::new(), lives: Vec::new(), window: None }
    }

    pub(crate) fn about(mut self, messages: &[u64]) -> Self {
        self.messages.extend(messages);
        self.lives.extend(messages.iter().filter(|id| !is_nameless(**id)).map(|id| life_of(*id)));
        self
    }

    pub(crate) fn of(mut self, lives: &[u32]) -> Self {
        self.lives.extend(lives);
        self
    }

    pub(crate) fn within(mut self, begin: u64, end: u64) -> Self {
        self.window = Some((begin, end));
        self
    }
}

/// A message as people read it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name(pub(crate) u64);

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if is_nameless(self.0) {
            write!(f, "a message of {} bytes", self.0 & !NAMELESS)
        } else {
            write!(f, "message {} of process {}", number_of(self.0), life_of(self.0))
        }
    }
}
