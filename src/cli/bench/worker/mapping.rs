//! Messages that are copied to the channel and out of it, or made and used in place.

use super::{clock, must_have_left, options, until_there, wrong};
use crate::cli::bench::job::{Assignment, BENCH, Side, Via};
use crate::cli::failure::Failure;
use crate::cli::opening;
use crate::cli::pair::report::Report;
use crate::cli::signals;
use ringway::Options;
use ringway::bytes::mpmc::{Receiver, Sender};
use ringway::bytes::{LoanError, RecvError};

/// Bytes between two looks at the clock and at the signals, in whole messages.
const PART: usize = 256 << 10;
/// So many messages at least are sent before it is measured: every lane and annex that will be used has been.
const WARM: u64 = 16;
/// So many parts are sent at least behind them.
const PARTS_MIN: u64 = 4;
/// Annexes, of which each has the length of the longest messages.
const ANNEXES: usize = 4;
/// Odd, and near 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Does one side.
pub(super) fn run(assignment: &Assignment) -> Result<(), Failure> {
    match assignment.side {
        Side::First => send(assignment),
        Side::Second => receive(assignment),
    }
}

fn choices(assignment: &Assignment) -> Options {
    let whole_up_to = if assignment.job.via == Via::Placed { usize::MAX } else { 0 };
    options(assignment).annexes(ANNEXES).copy_up_to(assignment.job.batch).whole_up_to(whole_up_to)
}

/// Writes every word of message number `n`.
fn make(message: &mut [u8], n: u64) {
    let first = n.wrapping_mul(STEP);
    for (word, at) in message.chunks_exact_mut(8).zip(0..) {
        word.copy_from_slice(&first.wrapping_add(at).to_ne_bytes());
    }
}

/// Reads every word: whether it is message number `n`.
fn is_made(message: &[u8], n: u64) -> bool {
    let first = n.wrapping_mul(STEP);
    // No branch in the loop: what is wrong is gathered.
    let wrong = message.chunks_exact(8).zip(0..).fold(0, |wrong, (word, at)| {
        let word = word.try_into().map_or(0, u64::from_ne_bytes);
        wrong | word ^ first.wrapping_add(at)
    });
    wrong == 0
}

/// How many messages are a part, and how many of them come before the measuring.
fn parts(assignment: &Assignment) -> (u64, u64) {
    let part = (PART / assignment.job.bytes).max(1) as u64;
    (part, WARM.div_ceil(part) * part)
}

fn send(assignment: &Assignment) -> Result<(), Failure> {
    let name = &BENCH.channels(assignment.parent)[0];
    let tx = opening::open(name, &choices(assignment), Sender::open_or_create_with)?;
    until_there(|slice| tx.wait_for_peer(slice))?;
    let bytes = assignment.job.bytes;
    let mut message = vec![0; bytes];
    let (part, warm) = parts(assignment);
    let end = clock::now_ns() + clock::ns(assignment.job.run);
    let mut n = 0;
    while clock::now_ns() < end || n < warm + PARTS_MIN * part {
        signals::check()?;
        let shift = assignment.job.shift(n, part);
        for n in n + shift..n + shift + part {
            let is_sent = match assignment.job.via {
                Via::Copied | Via::Placed => {
                    make(&mut message, n);
                    tx.send(&message).is_ok()
                }
                Via::Mapped => match tx.loan(bytes) {
                    Ok(mut loan) => {
                        make(&mut loan, n);
                        loan.send().is_ok()
                    }
                    Err(LoanError::Disconnected) => false,
                    Err(error) => return Err(Failure::Fault(error.to_string())),
                },
                _ => tx.send_with(bytes, |message| make(message, n)).is_ok(),
            };
            if !is_sent {
                return Err(Failure::gone(tx.disconnect_reason()));
            }
        }
        n += part;
    }
    Report::value("sent", n).send();
    Ok(())
}

fn receive(assignment: &Assignment) -> Result<(), Failure> {
    let name = &BENCH.channels(assignment.parent)[0];
    let rx = opening::open(name, &choices(assignment), Receiver::open_or_create_with)?;
    // A sender may have sent everything and left meanwhile.
    until_there(|slice| match rx.wait_for_peer(slice) {
        Err(ringway::WaitForPeerError::Timeout) if !rx.is_empty() || rx.disconnect_reason().is_some() => Ok(()),
        waited => waited,
    })?;
    let (part, warm) = parts(assignment);
    let mut message = Vec::with_capacity(assignment.job.bytes);
    let (mut n, mut from, mut last) = (0, None, (0, 0));
    loop {
        let is_right = match assignment.job.via {
            Via::Copied => rx.recv_into(&mut message).map(|_| is_made(&message, n)),
            Via::Placed | Via::Mapped => rx.recv_ref().map(|message| {
                let is_right = is_made(&message, n);
                message.commit();
                is_right
            }),
            _ => rx.recv_with(|message| is_made(message, n)),
        };
        match is_right {
            Ok(true) => n += 1,
            Ok(false) => return Err(wrong(n)),
            Err(RecvError::Disconnected) => break,
            Err(error) => return Err(Failure::Fault(error.to_string())),
        }
        if n % part == 0 {
            signals::check()?;
            last = (n, clock::now_ns());
            if n >= warm {
                from.get_or_insert(last);
            }
        }
    }
    must_have_left(rx.disconnect_reason())?;
    let (first, first_ns) = from.unwrap_or_default();
    Report::value("received", n).send();
    Report::value("messages", last.0 - first).send();
    Report::value("ns", last.1 - first_ns).send();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_byte_is_found_and_each_other_number() {
        for bytes in [8, 64, 4096] {
            let mut message = vec![0; bytes];
            make(&mut message, 5);
            assert!(is_made(&message, 5) && !is_made(&message, 6));
            for at in 0..bytes {
                message[at] ^= 1;
                assert!(!is_made(&message, 5), "byte {at} of {bytes}");
                message[at] ^= 1;
            }
        }
    }
}
