//! Messages of any size: each of their words follows from the message's number.

/// Odd, and near 2^64 divided by the golden ratio: messages with neighbouring numbers have no word in common.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// Message number `n`.
#[inline(always)]
pub(super) fn message<const N: usize>(n: u64) -> [u64; N] {
    let first = n.wrapping_mul(STEP);
    std::array::from_fn(|at| first.wrapping_add(at as u64))
}

/// Whether all of it is message number `n`.
#[inline(always)]
pub(super) fn is_message(words: &[u64], n: u64) -> bool {
    let first = n.wrapping_mul(STEP);
    // No branch in the loop: what is wrong is gathered.
    let wrong = words.iter().zip(first..).fold(0, |wrong, (word, right)| wrong | word ^ right);
    wrong == 0
}

/// Calls a function that has the number of words in a message as its constant, for a number of bytes. What sizes there
/// are is [`SIZES`].
macro_rules! sized {
    ($bytes:expr, $function:ident($($argument:expr),*)) => {
        match $bytes {
            8 => $function::<1>($($argument),*),
            16 => $function::<2>($($argument),*),
            32 => $function::<4>($($argument),*),
            64 => $function::<8>($($argument),*),
            128 => $function::<16>($($argument),*),
            256 => $function::<32>($($argument),*),
            512 => $function::<64>($($argument),*),
            1024 => $function::<128>($($argument),*),
            2048 => $function::<256>($($argument),*),
            4096 => $function::<512>($($argument),*),
            bytes => Err($crate::cli::failure::Failure::Fault(format!("no messages of {bytes} bytes"))),
        }
    };
}

pub(super) use sized;

/// Sizes of messages that can be measured, in bytes.
pub(in crate::cli::bench) const SIZES: [usize; 10] = [8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::failure::Failure;

    #[test]
    fn each_wrong_word_is_found_and_each_other_number() {
        for n in [0, 1, 7, u64::MAX] {
            let mut words = message::<8>(n);
            assert!(is_message(&words, n));
            assert!(!is_message(&words, n.wrapping_add(1)));
            for at in 0..8 {
                words[at] ^= 1 << 40;
                assert!(!is_message(&words, n), "word {at} of {n}");
                words[at] ^= 1 << 40;
            }
        }
    }

    #[test]
    fn every_size_there_is_has_its_words() {
        fn words<const N: usize>() -> Result<usize, Failure> {
            Ok(N)
        }
        for bytes in SIZES {
            assert!(matches!(sized!(bytes, words()), Ok(n) if 8 * n == bytes), "{bytes}");
        }
        assert!(sized!(12, words()).is_err());
    }
}
