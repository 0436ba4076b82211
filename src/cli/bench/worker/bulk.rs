//! Large messages, from the sender's buffer to the receiver's.

use super::chunks::{ChunkReader, ChunkWriter, Shape};
use super::{clock, options, until_there, wrong};
use crate::cli::bench::job::{Assignment, BENCH, Side, Via};
use crate::cli::failure::Failure;
use crate::cli::pair::report::Report;
use crate::cli::{descriptor, opening, signals};
use ringway::stream::{Reader, Writer};
use std::hint::spin_loop;
use std::io::{self, Read, Write};

/// One word in so many says which message it is: few enough that writing and looking cost nothing.
const STRIDE: usize = (64 << 10) / 8;
/// Bytes between two looks at the clock and at the signals, in whole messages.
const PART: usize = 1 << 20;
/// So many parts are sent at least, that there is something to measure between.
const PARTS_MIN: u64 = 4;
/// Polls between two looks whether a signal has come.
const POLLS: u32 = 1 << 14;
/// Odd, and near 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Does one side.
pub(super) fn run(assignment: &Assignment) -> Result<(), Failure> {
    let shape = Shape { chunk: assignment.job.batch, depth: assignment.job.capacity };
    match (assignment.side, assignment.job.via) {
        (Side::First, Via::Chunks) => {
            let mut writer = ChunkWriter::of_stdin(shape)?;
            send(assignment, |bytes| writer.put(bytes, poll))
        }
        (Side::Second, Via::Chunks) => {
            let mut reader = ChunkReader::of_stdin(shape)?;
            receive(assignment, |bytes| reader.take(bytes, poll))
        }
        (Side::First, Via::Ringway) => {
            let name = &BENCH.channels(assignment.parent)[0];
            let mut writer = opening::open(name, &options(assignment), Writer::open_or_create_with)?;
            until_there(|slice| writer.wait_for_peer(slice))?;
            let sent = send(assignment, |bytes| writer.write_all(bytes).map_err(|error| Failure::stream(name, &error)));
            if sent.is_err() {
                writer.abort();
            }
            sent
        }
        (Side::Second, Via::Ringway) => {
            let name = &BENCH.channels(assignment.parent)[0];
            let mut reader = opening::open(name, &options(assignment), Reader::open_or_create_with)?;
            let failed = |error: &io::Error| Failure::stream(name, error);
            receive(assignment, |bytes| {
                whole(bytes, |bytes| reader.read(bytes).map(Some).map_err(|error| failed(&error)))
            })
        }
        (Side::First, _) => {
            let stdout = io::stdout();
            send(assignment, |bytes| write_all(&stdout, bytes))
        }
        (Side::Second, _) => {
            let stdin = io::stdin();
            let gone = |error: io::Error| Failure::Gone(format!("the sender is gone: {error}"));
            receive(assignment, |bytes| whole(bytes, |bytes| descriptor::read(&stdin, bytes).map_err(gone)))
        }
    }
}

/// The sender's buffer: all its bytes differ from those around them.
fn filled(assignment: &Assignment) -> Vec<u64> {
    (0..assignment.job.bytes as u64 / 8).map(|at| at.wrapping_mul(STEP)).collect()
}

/// Writes the message's number where it is looked for.
fn stamp(message: &mut [u64], n: u64) {
    let last = message.len() - 1;
    for at in (0..last).step_by(STRIDE) {
        message[at] = n.wrapping_mul(STEP).wrapping_add(at as u64);
    }
    message[last] = n.wrapping_mul(STEP).wrapping_add(last as u64);
}

/// Whether the message's number stands where it was written.
fn is_stamped(message: &[u64], n: u64) -> bool {
    let last = message.len() - 1;
    let right = |at: usize| message[at] == n.wrapping_mul(STEP).wrapping_add(at as u64);
    (0..last).step_by(STRIDE).all(right) && right(last)
}

/// How many messages are a part.
fn part(assignment: &Assignment) -> u64 {
    (PART / assignment.job.bytes).max(1) as u64
}

/// Has `send` send messages until it is enough.
fn send(assignment: &Assignment, mut send: impl FnMut(&[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
    let (mut message, part) = (filled(assignment), part(assignment));
    let end = clock::now_ns() + clock::ns(assignment.job.run);
    let mut n = 0;
    while clock::now_ns() < end || n < PARTS_MIN * part {
        signals::check()?;
        let shift = assignment.job.shift(n, part);
        for _ in 0..part {
            stamp(&mut message, n + shift);
            send(bytemuck::cast_slice(&message))?;
            n += 1;
        }
    }
    Report::value("sent", n).send();
    Ok(())
}

/// Has `take` take messages until there are no more, and measures after the first part.
fn receive(assignment: &Assignment, mut take: impl FnMut(&mut [u8]) -> Result<bool, Failure>) -> Result<(), Failure> {
    // Touched before the clock starts: nobody is measured by the kernel's zeroing of fresh pages.
    let (mut message, part) = (filled(assignment), part(assignment));
    let (mut n, mut from, mut last) = (0, None, (0, 0));
    while take(bytemuck::cast_slice_mut(&mut message))? {
        if !is_stamped(&message, n) {
            return Err(wrong(n));
        }
        n += 1;
        if n % part == 0 {
            signals::check()?;
            last = (n, clock::now_ns());
            from.get_or_insert(last);
        }
    }
    // Of the last message, every byte.
    let mut right = filled(assignment);
    stamp(&mut right, n.wrapping_sub(1));
    if n > 0 && message != right {
        return Err(wrong(n - 1));
    }
    let (first, first_ns) = from.unwrap_or_default();
    Report::value("received", n).send();
    Report::value("messages", last.0 - first).send();
    Report::value("ns", last.1 - first_ns).send();
    Ok(())
}

/// Fills `bytes` from something that gives some at a time; `false`: it has ended before the first.
fn whole(bytes: &mut [u8], mut read: impl FnMut(&mut [u8]) -> Result<Option<usize>, Failure>) -> Result<bool, Failure> {
    let mut got = 0;
    while got < bytes.len() {
        match read(&mut bytes[got..])? {
            None => signals::check()?,
            Some(0) if got == 0 => return Ok(false),
            Some(0) => return Err(Failure::Gone("the stream ended inside a message".to_owned())),
            Some(n) => got += n,
        }
    }
    Ok(true)
}

/// Writes all of it to the standard output, which is a pipe or a socket.
pub(super) fn write_all(stdout: &io::Stdout, mut bytes: &[u8]) -> Result<(), Failure> {
    while !bytes.is_empty() {
        let written = descriptor::write(stdout, bytes);
        match written.map_err(|error| Failure::Gone(format!("the receiver is gone: {error}")))? {
            Some(n) => bytes = &bytes[n..],
            None => signals::check()?,
        }
    }
    Ok(())
}

/// Polls until it is so.
fn poll(is_so: &mut dyn FnMut() -> bool) -> Result<(), Failure> {
    loop {
        for _ in 0..POLLS {
            if is_so() {
                return Ok(());
            }
            spin_loop();
        }
        signals::check()?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_stamp_is_found_and_each_other_number() {
        for words in [1, 2, STRIDE, STRIDE + 1, 3 * STRIDE + 5] {
            let mut message = vec![7; words];
            stamp(&mut message, 5);
            assert!(is_stamped(&message, 5) && !is_stamped(&message, 6));
            for at in (0..words).step_by(STRIDE).chain([words - 1]) {
                message[at] ^= 1;
                assert!(!is_stamped(&message, 5), "word {at} of {words}");
                message[at] ^= 1;
            }
        }
    }
}
