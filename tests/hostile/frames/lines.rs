//! What `ringway send --records` makes of its input: the file of the program itself.

use crate::cli::lines::{Line, Lines};
use crate::input::Input;

pub(super) fn run(input: &mut Input<'_>) {
    // More than is read at once, so that a line can be longer than the buffer.
    let times = [1, 1, 7, 300][usize::from(input.byte() % 4)];
    let part = 1 + usize::from(input.byte()) * times * 3;
    let whole: Vec<u8> = input.0.iter().flat_map(|byte| std::iter::repeat_n(*byte, times)).collect();
    let (mut lines, mut got, mut at) = (Lines::new(), Vec::new(), 0);
    let keep = |line: Line<'_>, got: &mut Vec<Vec<u8>>| match line {
        Line::Whole(bytes) => got.push(bytes.to_vec()),
        Line::TooLong { .. } => panic!("no line is so long"),
    };
    while at < whole.len() {
        let room = lines.room();
        let n = room.len().min(part).min(whole.len() - at);
        assert!(n > 0, "no room");
        room[..n].copy_from_slice(&whole[at..at + n]);
        lines.filled(n);
        at += n;
        while let Some(line) = lines.next() {
            keep(line, &mut got);
        }
    }
    if let Some(line) = lines.rest() {
        keep(line, &mut got);
    }
    let mut expected: Vec<_> = whole.split(|byte| *byte == b'\n').collect();
    // Behind the last newline there is no line.
    if expected.last().is_some_and(|last| last.is_empty()) {
        expected.pop();
    }
    assert_eq!(got, expected);
}
