//! The bytes of the demo: pseudo-random, and each of them can be computed from its offset alone.
//!
//! A Weyl sequence, mixed by one multiplication and two shifts (the first half of SplitMix64's mixer; Steele, Lea and
//! Flood 2014): random enough that no shift, swap, repetition or hole goes unnoticed, and cheap beside a copy.

/// Odd, and near 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
/// SplitMix64's first multiplier.
const MIX: u64 = 0xbf58_476d_1ce4_e5b9;

/// The stream of bytes that a seed stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Data {
    pub(super) seed: u64,
}

impl Data {
    /// Writes the bytes from `offset` on into `bytes`.
    pub(super) fn fill(self, offset: u64, bytes: &mut [u8]) {
        let (head, words, tail) = split(offset, bytes.len());
        let (head, rest) = bytes.split_at_mut(head);
        let (middle, end) = rest.split_at_mut(8 * words);
        let edge = |from: u64, bytes: &mut [u8]| {
            (from..).zip(bytes).for_each(|(at, byte)| *byte = self.byte(at));
        };
        edge(offset, head);
        let first = (offset + head.len() as u64) / 8;
        let mut state = self.state(first);
        for place in middle.chunks_exact_mut(8) {
            place.copy_from_slice(&mix(state).to_le_bytes());
            state = state.wrapping_add(STEP);
        }
        debug_assert_eq!(end.len(), tail);
        edge(8 * (first + words as u64), end);
    }

    /// Looks at every byte of `bytes`, which lie at `offset`; where the first wrong one is.
    pub(super) fn find_wrong(self, offset: u64, bytes: &[u8]) -> Option<u64> {
        let (head, words, _) = split(offset, bytes.len());
        let (head, rest) = bytes.split_at(head);
        let (middle, end) = rest.split_at(8 * words);
        let first = (offset + head.len() as u64) / 8;
        let mut state = self.state(first);
        // No branch in the loop: what is wrong is gathered, and looked for only if there is anything.
        let mut wrong = 0;
        for place in middle.chunks_exact(8) {
            let word = place.try_into().map_or(0, u64::from_le_bytes);
            wrong |= word ^ mix(state);
            state = state.wrapping_add(STEP);
        }
        let edges = [(offset, head), (8 * (first + words as u64), end)];
        let edges_hold =
            edges.iter().all(|(from, bytes)| (*from..).zip(*bytes).all(|(at, byte)| *byte == self.byte(at)));
        if wrong == 0 && edges_hold {
            return None;
        }
        (offset..).zip(bytes).find(|(at, byte)| **byte != self.byte(*at)).map(|(at, _)| at)
    }

    /// The byte at `offset`.
    fn byte(self, offset: u64) -> u8 {
        mix(self.state(offset / 8)).to_le_bytes()[(offset % 8) as usize]
    }

    fn state(self, word: u64) -> u64 {
        self.seed.wrapping_add(word.wrapping_add(1).wrapping_mul(STEP))
    }
}

fn mix(state: u64) -> u64 {
    let mixed = (state ^ state >> 30).wrapping_mul(MIX);
    mixed ^ mixed >> 27
}

/// Bytes before the first whole word, whole words, bytes after them.
fn split(offset: u64, len: usize) -> (usize, usize, usize) {
    let head = ((8 - offset % 8) % 8).min(len as u64) as usize;
    let words = (len - head) / 8;
    (head, words, len - head - 8 * words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_way_of_cutting_gives_the_same_bytes() {
        let data = Data { seed: 7 };
        let mut whole = [0; 100];
        data.fill(3, &mut whole);
        for cut in 0..=100 {
            let mut parts = [0; 100];
            let (left, right) = parts.split_at_mut(cut);
            data.fill(3, left);
            data.fill(3 + cut as u64, right);
            assert_eq!(parts, whole, "cut at {cut}");
        }
    }

    #[test]
    fn each_wrong_byte_is_found() {
        let data = Data { seed: 1 };
        for (offset, len) in [(0, 64), (5, 40), (6, 1), (7, 9), (8, 0)] {
            let mut bytes = vec![0; len];
            data.fill(offset, &mut bytes);
            assert_eq!(data.find_wrong(offset, &bytes), None);
            assert!(len == 0 || data.find_wrong(offset + 8, &bytes).is_some(), "a hole");
            for at in 0..len {
                bytes[at] ^= 1;
                assert_eq!(data.find_wrong(offset, &bytes), Some(offset + at as u64));
                bytes[at] ^= 1;
            }
        }
    }
}
