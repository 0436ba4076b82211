//! What is sent: each message follows from its sender's life, its number and its length, so that one that is torn or mixed is none.

use super::history::{id, life_of, nameless, number_of};

/// A message of a typed channel.
pub(crate) type Typed = [u64; 16];

fn mix(number: u64) -> u64 {
    let number = (number ^ number >> 31).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    number ^ number >> 29
}

pub(crate) fn typed(id: u64) -> Typed {
    std::array::from_fn(|at| if at == 0 { id } else { mix(id ^ (at as u64) << 56) })
}

/// Whose it is; `None`: nobody's.
pub(crate) fn check_typed(message: &Typed) -> Option<u64> {
    (*message == typed(message[0])).then_some(message[0])
}

/// Bytes that say whose the message is and how long; in fewer, all of a length are alike.
const NAMED: usize = 16;

/// Writes the message into bytes of its length.
pub(crate) fn fill(bytes: &mut [u8], id: u64) {
    let len = bytes.len();
    if len < NAMED {
        bytes.fill(len as u8 ^ 0x5a);
        return;
    }
    for (at, part) in bytes.chunks_mut(8).enumerate() {
        let word = match at {
            0 => id,
            1 => mix(id) ^ len as u64,
            _ => mix(id.rotate_left(17) ^ at as u64),
        };
        part.copy_from_slice(&word.to_le_bytes()[..part.len()]);
    }
}

/// Whose it is; `None`: nobody's.
pub(crate) fn check(bytes: &[u8]) -> Option<u64> {
    let len = bytes.len();
    if len < NAMED {
        return bytes.iter().all(|byte| *byte == len as u8 ^ 0x5a).then(|| nameless(len as u64));
    }
    let id = u64::from_le_bytes(bytes[..8].try_into().ok()?);
    let mut expected = vec![0; len];
    fill(&mut expected, id);
    (bytes == expected).then_some(id)
}

/// How it is called in a log.
pub(crate) fn name(life: u32, number: u64, len: Option<usize>) -> u64 {
    match len {
        Some(len) if len < NAMED => nameless(len as u64),
        _ => id(life, number),
    }
}

/// A stream begins with its name; then each byte follows from that and where it is.
pub(crate) const HEAD: u64 = 8;

pub(crate) fn fill_stream(bytes: &mut [u8], stream: u64, from: u64) {
    for (at, byte) in (from..).zip(bytes) {
        *byte = match at {
            0..HEAD => stream.to_le_bytes()[at as usize],
            _ => (mix(stream ^ at >> 3) >> (8 * (at & 7))) as u8,
        };
    }
}

/// What a process's n-th stream is called.
pub(crate) fn stream(life: u32, number: u64) -> u64 {
    debug_assert!(life_of(id(life, number)) == life && number_of(id(life, number)) == number);
    id(life, number)
}
