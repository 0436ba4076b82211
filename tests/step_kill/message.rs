//! Messages that show whether they are whole.

use bytemuck::{Pod, Zeroable};
use std::ops::Range;

/// Three words that agree; no other message has any of them in that place. Neither zeroes nor a mixture is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub(crate) struct Message([u64; 3]);

impl Message {
    pub(crate) fn new(number: u64) -> Self {
        Self([number, !number, (number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)])
    }

    /// The number of a whole message.
    #[track_caller]
    pub(crate) fn number(&self) -> u64 {
        assert_eq!(*self, Self::new(self.0[0]), "torn");
        self.0[0]
    }
}

pub(crate) fn messages(numbers: Range<u64>) -> Vec<Message> {
    numbers.map(Message::new).collect()
}
