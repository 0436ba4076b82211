//! What is in messages of any length.

use bytemuck::{cast_slice, cast_slice_mut};

/// Words from one that says which message it is to the next: large messages are looked at there alone while the clock runs.
const STRIDE: usize = (64 << 10) / size_of::<u64>();
/// After so many words the filling begins again: neither a chunk nor a page is like its neighbour.
const FILLING: usize = 4099;
/// Odd, and near 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// One large message, again and again, in a buffer that one side keeps.
#[derive(Debug)]
pub struct Large(Vec<u64>);

impl Large {
    /// Of so many bytes, a multiple of 8.
    pub fn new(bytes: usize) -> Self {
        let mut words: Vec<u64> = (0..FILLING as u64).map(|word| word.wrapping_mul(STEP)).collect();
        let all = bytes / size_of::<u64>();
        words.truncate(all);
        while words.len() < all {
            let more = words.len().min(all - words.len());
            words.extend_from_within(..more);
        }
        Self(words)
    }

    fn stamp(number: u64, word: usize) -> u64 {
        (number + 1).wrapping_mul(STEP) ^ word as u64
    }

    /// The words that say which message it is: one in a stride, and the last.
    fn stamps(&self) -> impl Iterator<Item = usize> + use<> {
        let last = self.0.len() - 1;
        (0..last).step_by(STRIDE).chain([last])
    }

    /// The message with this number.
    pub fn stamped(&mut self, number: u64) -> &[u8] {
        for word in self.stamps() {
            self.0[word] = Self::stamp(number, word);
        }
        cast_slice(&self.0)
    }

    /// Where a message is copied to.
    pub fn buffer(&mut self) -> &mut [u8] {
        cast_slice_mut(&mut self.0)
    }

    /// Whether it says that it is the message with that number.
    pub fn is(&self, number: u64) -> bool {
        self.stamps().all(|word| self.0[word] == Self::stamp(number, word))
    }

    /// Whether every byte of it is that message's.
    pub fn is_wholly(&self, number: u64) -> bool {
        let mut right = Self::new(size_of_val(self.0.as_slice()));
        right.stamped(number);
        self.0 == right.0
    }
}

/// Writes the message with this number in place: every word. One piece of code, whoever lends the room.
#[inline(never)]
pub fn write(words: &mut [u64], number: u64) {
    let first = (number + 1).wrapping_mul(STEP);
    for (word, at) in words.iter_mut().zip(0..) {
        *word = first.wrapping_add(at);
    }
}

/// Whether it is the message with that number. Reads every word.
#[inline(never)]
pub fn is(words: &[u64], number: u64) -> bool {
    let first = (number + 1).wrapping_mul(STEP);
    // Without a branch a word.
    words.iter().zip(0..).fold(0, |wrong, (word, at)| wrong | word ^ first.wrapping_add(at)) == 0
}

/// Records, each of a length and with bytes that follow from its number.
#[derive(Debug)]
pub struct Records {
    least: usize,
    most: usize,
    buffer: Vec<u8>,
}

impl Records {
    /// Of at least and at most so many bytes.
    pub fn new(least: usize, most: usize) -> Self {
        Self { least, most, buffer: vec![0; most] }
    }

    /// Bytes of the record with this number: as many are between 16 and 32 as between 2048 and 4096.
    pub fn length(&self, number: u64) -> usize {
        if self.least == self.most {
            return self.most;
        }
        let random = number.wrapping_mul(STEP);
        let doublings = u64::from((self.most / self.least).ilog2());
        let from = self.least << ((random >> 32) % doublings);
        (from + (random >> 40) as usize % (from + 1)).min(self.most)
    }

    /// The record with this number. Writes every byte.
    #[inline]
    pub fn make(&mut self, number: u64) -> &[u8] {
        let len = self.length(number);
        let record = &mut self.buffer[..len];
        let mut words = record.chunks_exact_mut(8);
        for (word, value) in (&mut words).zip(number..) {
            word.copy_from_slice(&value.to_le_bytes());
        }
        let rest = words.into_remainder();
        let value = number.wrapping_add(len as u64 / 8).to_le_bytes();
        rest.copy_from_slice(&value[..rest.len()]);
        &self.buffer[..len]
    }

    /// Whether it is the record with that number. Reads every byte.
    #[inline]
    pub fn is(&self, number: u64, record: &[u8]) -> bool {
        let len = self.length(number);
        if record.len() != len {
            return false;
        }
        let (words, rest) = record.as_chunks::<8>();
        // Without a branch a word.
        let wrong =
            words.iter().zip(number..).fold(0, |wrong, (word, right)| wrong | u64::from_le_bytes(*word) ^ right);
        let value = number.wrapping_add(len as u64 / 8).to_le_bytes();
        wrong == 0 && rest == &value[..rest.len()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_messages_say_which_they_are() {
        for bytes in [4096, 64 << 10, (64 << 10) + 8, 1 << 20] {
            let mut sent = Large::new(bytes);
            let mut got = Large::new(bytes);
            got.buffer().copy_from_slice(sent.stamped(7));
            assert!(got.is(7) && got.is_wholly(7) && !got.is(6) && !got.is_wholly(6));
            // A byte that nobody looks at in between.
            got.buffer()[bytes / 2 + 9] ^= 1;
            assert!(got.is(7) && !got.is_wholly(7), "{bytes}");
            got.buffer()[bytes - 1] ^= 1;
            assert!(!got.is(7), "{bytes}");
        }
    }

    #[test]
    fn every_word_of_what_is_written_in_place_counts() {
        let mut words = vec![0; 1000];
        assert!(!is(&words, 0));
        write(&mut words, 7);
        assert!(is(&words, 7) && !is(&words, 6) && !is(&words, 8));
        for at in [0, 1, 499, 998, 999] {
            words[at] ^= 1 << 63;
            assert!(!is(&words, 7), "word {at}");
            words[at] ^= 1 << 63;
        }
    }

    #[test]
    fn records_are_as_long_as_they_should_be_and_every_byte_counts() {
        let mut records = Records::new(16, 4096);
        let lengths: Vec<usize> = (0..10_000).map(|number| records.length(number)).collect();
        assert!(lengths.iter().all(|length| (16..=4096).contains(length)));
        assert!(lengths.iter().any(|length| *length < 20) && lengths.iter().any(|length| *length > 4000));
        let short = lengths.iter().filter(|length| **length <= 256).count();
        assert!((4000..6000).contains(&short), "{short} of 10 000 in the lower half of the doublings");
        assert!((0..100).all(|number| Records::new(64, 64).length(number) == 64));
        for number in 0..200 {
            let mut record = records.make(number).to_vec();
            assert!(records.is(number, &record) && !records.is(number, &record[1..]));
            for at in [0, record.len() / 2, record.len() - 1] {
                record[at] ^= 128;
                assert!(!records.is(number, &record), "byte {at} of {}", record.len());
                record[at] ^= 128;
            }
        }
    }
}
