//! Ends of the four kinds of message channels, behind the operations that chaos plays.

use super::history::{Fate, Outcome, What};
use super::log::{Log, Slot};
use super::message::{self, Typed};
use super::plan::Kind;
use super::why::{Why, outcome};
use ringway::{DisconnectReason, OpenError, Options, WaitForPeerError, bytes, mpmc, spsc};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::Duration;

pub(crate) const NAME: &str = "channel";
/// What an operation with a timeout is given.
const SOON: Duration = Duration::from_micros(400);

pub(crate) enum Tx {
    Spsc(spsc::Sender<Typed>),
    Mpmc(mpmc::Sender<Typed>),
    Bytes(bytes::spsc::Sender),
    ManyBytes(bytes::mpmc::Sender),
}

pub(crate) enum Rx {
    Spsc(spsc::Receiver<Typed>),
    Mpmc(mpmc::Receiver<Typed>),
    Bytes(bytes::spsc::Receiver),
    ManyBytes(bytes::mpmc::Receiver),
}

/// How an end comes about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Create,
    Open,
    Either,
}

/// An end of this type, made so.
macro_rules! made {
    ($how:ident, $end:ty, $name:expr, $options:expr) => {
        match $how {
            How::Create => <$end>::create_with($name, $options),
            How::Open => <$end>::open_with($name, $options),
            How::Either => <$end>::open_or_create_with($name, $options),
        }?
    };
}

/// The same of whichever kind it is.
macro_rules! each {
    ($end:expr, $of:ident => $do:expr) => {
        match $end {
            Self::Spsc($of) => $do,
            Self::Mpmc($of) => $do,
            Self::Bytes($of) => $do,
            Self::ManyBytes($of) => $do,
        }
    };
}

/// Sends in one of the ways that all senders have.
macro_rules! send {
    ($tx:ident, $what:ident, $message:expr) => {
        match $what {
            What::TrySend => outcome($tx.try_send($message), || $tx.disconnect_reason()),
            What::SendTimeout => outcome($tx.send_timeout($message, SOON), || $tx.disconnect_reason()),
            _ => outcome($tx.send($message), || $tx.disconnect_reason()),
        }
    };
}

impl Tx {
    /// # Errors
    ///
    /// Those of the kind's own. (A stream has no sender.)
    pub(crate) fn make(kind: Kind, how: How, name: &str, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(made!(how, spsc::Sender<Typed>, name, options)),
            Kind::Mpmc => Self::Mpmc(made!(how, mpmc::Sender<Typed>, name, options)),
            Kind::Bytes => Self::Bytes(made!(how, bytes::spsc::Sender, name, options)),
            Kind::ManyBytes => Self::ManyBytes(made!(how, bytes::mpmc::Sender, name, options)),
            Kind::Stream => unreachable!("streams have workers of their own"),
        })
    }

    pub(crate) fn descriptor(&self) -> Result<OwnedFd, OpenError> {
        each!(self, end => end.descriptor())
    }

    pub(crate) fn reason(&self) -> Option<DisconnectReason> {
        each!(self, end => end.disconnect_reason())
    }

    pub(crate) fn wait_for_peer(&mut self, time: Duration) -> Result<(), WaitForPeerError> {
        each!(self, end => end.wait_for_peer(time))
    }

    /// Sends one message in this way. `len` is of messages of bytes.
    pub(crate) fn send(&mut self, what: What, id: u64, len: usize, buffer: &mut Vec<u8>) -> Outcome {
        match self {
            Self::Spsc(tx) => send!(tx, what, message::typed(id)),
            Self::Mpmc(tx) => send!(tx, what, message::typed(id)),
            Self::Bytes(tx) => {
                let message = filled(buffer, id, len);
                if what != What::Writer {
                    return send!(tx, what, message);
                }
                let mut writer = tx.writer(Some(len as u64));
                let parts = message.chunks(300.max(len / 3)).try_for_each(|part| writer.write_all(part));
                let written = parts.and_then(|()| writer.finish());
                outcome(written, || tx.disconnect_reason())
            }
            Self::ManyBytes(tx) => send_among_many(tx, what, id, len, buffer),
        }
    }

    /// Sends several at once; how many were sent.
    pub(crate) fn send_many(&mut self, first: u64, count: u64) -> (Outcome, u64) {
        let messages: Vec<_> = (first..first + count).map(message::typed).collect();
        let sent = match self {
            Self::Spsc(tx) => tx.send_many(&messages),
            Self::Mpmc(tx) => tx.send_many(&messages),
            Self::Bytes(_) | Self::ManyBytes(_) => return (Outcome::Strange, 0),
        };
        match sent {
            Ok(()) => (Outcome::Done, count),
            Err(error) => (Outcome::Gone(self.reason()), error.into_inner() as u64),
        }
    }
}

fn filled(buffer: &mut Vec<u8>, id: u64, len: usize) -> &[u8] {
    buffer.resize(len, 0);
    message::fill(buffer, id);
    buffer
}

fn send_among_many(tx: &bytes::mpmc::Sender, what: What, id: u64, len: usize, buffer: &mut Vec<u8>) -> Outcome {
    let reason = || tx.disconnect_reason();
    match what {
        What::Loan => match tx.loan(len) {
            Ok(mut loan) => {
                message::fill(&mut loan, id);
                outcome(loan.send(), reason)
            }
            Err(error) => outcome(Err::<(), _>(error), reason),
        },
        What::SendWith => outcome(tx.send_with(len, |bytes| message::fill(bytes, id)), reason),
        What::Writer => {
            let message = filled(buffer, id, len);
            let mut writer = match tx.writer(Some(len as u64)) {
                Ok(writer) => writer,
                Err(error) => return outcome(Err::<(), _>(error), reason),
            };
            match message.chunks(3000.max(len / 3)).try_for_each(|part| writer.write_all(part)) {
                Ok(()) => outcome(writer.finish(), reason),
                Err(error) => outcome(Err::<(), _>(error), reason),
            }
        }
        _ => {
            let message = filled(buffer, id, len);
            send!(tx, what, message)
        }
    }
}

/// What a receiver does with a message in hand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parting {
    pub(crate) fate: Fate,
    /// For how long it is held.
    pub(crate) after: Duration,
}

/// Receives for good in one of the ways that all receivers have.
macro_rules! receive {
    ($rx:ident, $what:ident, $check:expr, $log:ident, $slot:ident) => {{
        let received = match $what {
            What::TryRecv => $rx.try_recv().map_err(|error| error.why()),
            What::RecvTimeout => $rx.recv_timeout(SOON).map_err(|error| error.why()),
            _ => $rx.recv().map_err(|error| error.why()),
        };
        match received {
            Ok(message) => got($log, $slot, $check(&message), 0, 0),
            Err(why) => vain($log, $slot, why, || $rx.disconnect_reason()),
        }
    }};
}

/// Takes into a hand, and parts with it.
macro_rules! take {
    ($rx:ident, $what:ident, $parting:ident, $check:expr, $log:ident, $slot:ident) => {{
        let why = {
            let received = match $what {
                What::TryRecv => $rx.try_recv_ref().map_err(|error| error.why()),
                What::RecvTimeout => $rx.recv_ref_timeout(SOON).map_err(|error| error.why()),
                _ => $rx.recv_ref().map_err(|error| error.why()),
            };
            match received {
                Ok(guard) => {
                    // Written down before it is committed: what nobody has written down comes again.
                    let attempt = guard.attempt().max(1 + u32::from(guard.is_redelivered()));
                    let outcome = got($log, $slot, $check(&guard), attempt, guard.position());
                    pause($parting.after);
                    $log.parting($slot, $parting.fate);
                    match $parting.fate {
                        Fate::Committed => guard.commit(),
                        Fate::Returned => drop(guard),
                    }
                    $log.parted($slot);
                    return outcome;
                }
                Err(why) => why,
            }
        };
        vain($log, $slot, why, || $rx.disconnect_reason())
    }};
}

/// Writes down what a receiver got.
fn got(log: &Log, slot: Slot, id: Option<u64>, attempt: u32, position: u64) -> Outcome {
    match id {
        Some(id) => {
            log.got(slot, id, attempt, position);
            Outcome::Done
        }
        None => {
            log.end(slot, Outcome::Torn, 1);
            Outcome::Torn
        }
    }
}

/// Or that it got nothing.
fn vain(log: &Log, slot: Slot, why: Outcome, reason: impl FnOnce() -> Option<DisconnectReason>) -> Outcome {
    let outcome = if why == Outcome::Gone(None) { Outcome::Gone(reason()) } else { why };
    log.end(slot, outcome, 0);
    outcome
}

impl Rx {
    /// # Errors
    ///
    /// Those of the kind's own. (A stream has no receiver.)
    pub(crate) fn make(kind: Kind, how: How, name: &str, options: &Options) -> Result<Self, OpenError> {
        Ok(match kind {
            Kind::Spsc => Self::Spsc(made!(how, spsc::Receiver<Typed>, name, options)),
            Kind::Mpmc => Self::Mpmc(made!(how, mpmc::Receiver<Typed>, name, options)),
            Kind::Bytes => Self::Bytes(made!(how, bytes::spsc::Receiver, name, options)),
            Kind::ManyBytes => Self::ManyBytes(made!(how, bytes::mpmc::Receiver, name, options)),
            Kind::Stream => unreachable!("streams have workers of their own"),
        })
    }

    pub(crate) fn reason(&self) -> Option<DisconnectReason> {
        each!(self, end => end.disconnect_reason())
    }

    pub(crate) fn wait_for_peer(&mut self, time: Duration) -> Result<(), WaitForPeerError> {
        each!(self, end => end.wait_for_peer(time))
    }

    /// Messages (or bytes) that are there, and in somebody's hand.
    pub(crate) fn left(&self) -> (usize, usize) {
        match self {
            Self::Spsc(rx) => (rx.len(), 0),
            Self::Bytes(rx) => (rx.len(), 0),
            Self::Mpmc(rx) => (rx.len(), rx.in_hand()),
            Self::ManyBytes(rx) => (rx.len(), rx.in_hand()),
        }
    }

    /// Receives in this way, for good or into a hand, and writes down what it got.
    pub(crate) fn receive(&mut self, what: What, parting: Option<Parting>, log: &Log, slot: Slot) -> Outcome {
        use message::{check, check_typed};
        match (self, parting) {
            (Self::Spsc(rx), None) => receive!(rx, what, check_typed, log, slot),
            (Self::Mpmc(rx), None) => receive!(rx, what, check_typed, log, slot),
            (Self::Bytes(rx), None) => receive!(rx, what, |bytes: &Vec<u8>| check(bytes), log, slot),
            (Self::ManyBytes(rx), None) => receive!(rx, what, |bytes: &Vec<u8>| check(bytes), log, slot),
            (Self::Spsc(rx), Some(parting)) => take!(rx, what, parting, check_typed, log, slot),
            (Self::Mpmc(rx), Some(parting)) => take!(rx, what, parting, check_typed, log, slot),
            (Self::Bytes(rx), Some(parting)) => take!(rx, what, parting, check, log, slot),
            (Self::ManyBytes(rx), Some(parting)) => take!(rx, what, parting, check, log, slot),
        }
    }
}

fn pause(time: Duration) {
    if !time.is_zero() {
        std::thread::sleep(time);
    }
}
