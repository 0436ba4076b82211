//! What is sent: numbers, and what follows from them, so that a message that is not whole is seen.

/// The typed message of this number.
pub(crate) fn words<const N: usize>(number: u64) -> [u64; N] {
    std::array::from_fn(|at| number.wrapping_add((at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// The number of a message, which is whole.
#[track_caller]
pub(crate) fn number<const N: usize>(message: &[u64; N]) -> u64 {
    assert_eq!(*message, words(message[0]), "a message that is not whole");
    message[0]
}

/// The bytes of this number, so many of them, 8 at least.
pub(crate) fn bytes(number: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    write(&mut bytes, number);
    bytes
}

/// Makes the message of this number where it will be read.
pub(crate) fn write(bytes: &mut [u8], number: u64) {
    let (first, rest) = bytes.split_at_mut(8);
    first.copy_from_slice(&number.to_le_bytes());
    let pattern = pattern(number);
    rest.chunks_mut(pattern.len()).for_each(|part| part.copy_from_slice(&pattern[..part.len()]));
}

/// The number of a message of bytes, which is whole.
#[track_caller]
pub(crate) fn number_of(message: &[u8]) -> u64 {
    let (first, rest) = message.split_at(8);
    let number = u64::from_le_bytes(first.try_into().expect("eight"));
    let pattern = pattern(number);
    let is_whole = rest.chunks(pattern.len()).all(|part| *part == pattern[..part.len()]);
    assert!(is_whole, "message {number} is not whole: {message:?}");
    number
}

/// What follows the number, over and over. By whole pieces, since Miri takes as long for a byte as for one of them.
fn pattern(number: u64) -> [u8; 61] {
    std::array::from_fn(|at| (number as u8).wrapping_mul(31).wrapping_add(at as u8))
}

/// A number of each sender's own, and whose it is.
pub(crate) fn of_sender(sender: u64, number: u64) -> u64 {
    sender << 32 | number
}

/// What receivers have got of many senders' messages, each receiver's in the order in which they came: all of them, once each.
#[track_caller]
pub(crate) fn all_came(got: Vec<Vec<u64>>, senders: u64, each: u64) {
    for one in &got {
        for sender in 0..senders {
            let ours: Vec<u64> = one.iter().copied().filter(|number| number >> 32 == sender).collect();
            assert!(ours.is_sorted(), "messages of sender {sender} in another order: {ours:?}");
        }
    }
    once_each(got, senders, each);
}

/// The same, in any order.
#[track_caller]
pub(crate) fn once_each(got: Vec<Vec<u64>>, senders: u64, each: u64) {
    let mut all = got.concat();
    all.sort_unstable();
    let expected: Vec<u64> = (0..senders).flat_map(|sender| (0..each).map(move |n| of_sender(sender, n))).collect();
    assert_eq!(all, expected, "each once");
}
