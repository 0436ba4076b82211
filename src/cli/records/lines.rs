//! Lines out of bytes that come in parts. Of a line that is too long only the length is kept.

use crate::cli::record::LONGEST;

/// Bytes that are read at once, if no line is longer.
const PART: usize = 64 << 10;

/// A line, without its newline.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    /// That a record can hold.
    Whole(&'a [u8]),
    /// The line of this number, from 1, of so many bytes.
    TooLong { number: u64, bytes: u64 },
}

/// What has been read and not been taken yet.
pub(crate) struct Lines {
    buffer: Vec<u8>,
    /// Bytes of the longest line.
    longest: usize,
    from: usize,
    to: usize,
    /// Bytes from there on that were looked at and hold no newline.
    seen: usize,
    /// Bytes of the line at hand that are not in the buffer any more, since it is too long.
    passed: u64,
    number: u64,
}

impl Lines {
    pub(crate) fn new() -> Self {
        Self::up_to(LONGEST)
    }

    /// Lines of at most so many bytes.
    fn up_to(longest: usize) -> Self {
        Self { buffer: vec![0; PART], longest, from: 0, to: 0, seen: 0, passed: 0, number: 0 }
    }

    /// Where the next bytes go; how many came there is to be told to [`filled`](Self::filled). Not empty once `next` has
    /// said that there is no line.
    pub(crate) fn room(&mut self) -> &mut [u8] {
        self.buffer.copy_within(self.from..self.to, 0);
        (self.from, self.to) = (0, self.to - self.from);
        // A line fills it: twice the room, for lines that may be longer yet, and back when there is none any more.
        if self.to == self.buffer.len() {
            self.buffer.resize((2 * self.to).min(self.longest + PART).max(PART), 0);
        } else if self.to < PART && self.buffer.len() > PART {
            self.buffer.truncate(PART);
            self.buffer.shrink_to_fit();
        }
        &mut self.buffer[self.to..]
    }

    /// So many bytes came.
    pub(crate) fn filled(&mut self, bytes: usize) {
        self.to += bytes;
    }

    /// The next line that has come to its end.
    pub(crate) fn next(&mut self) -> Option<Line<'_>> {
        let left = &self.buffer[self.from..self.to];
        if let Some(more) = left[self.seen..].iter().position(|byte| *byte == b'\n') {
            let len = self.seen + more;
            return Some(self.take(len, len + 1));
        }
        self.seen = left.len();
        if left.len() > self.longest {
            self.passed += left.len() as u64;
            (self.from, self.seen) = (self.to, 0);
        }
        None
    }

    /// What is left at the end of the input: a line that has no newline.
    pub(crate) fn rest(&mut self) -> Option<Line<'_>> {
        let len = self.to - self.from;
        (len > 0 || self.passed > 0).then(|| self.take(len, len))
    }

    fn take(&mut self, len: usize, and_newline: usize) -> Line<'_> {
        let line = self.from..self.from + len;
        let passed = std::mem::take(&mut self.passed);
        (self.from, self.seen) = (self.from + and_newline, 0);
        self.number += 1;
        if passed > 0 || len > self.longest {
            return Line::TooLong { number: self.number, bytes: passed + len as u64 };
        }
        Line::Whole(&self.buffer[line])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// More than is read at once.
    const LONGEST: usize = 150_000;

    /// What comes of these bytes if they come in parts of this size; a line too long by its number and length.
    fn split(bytes: &[u8], part: usize) -> Vec<Result<Vec<u8>, (u64, u64)>> {
        fn owned(line: Line<'_>) -> Result<Vec<u8>, (u64, u64)> {
            match line {
                Line::Whole(bytes) => Ok(bytes.to_vec()),
                Line::TooLong { number, bytes } => Err((number, bytes)),
            }
        }
        let (mut lines, mut split, mut at) = (Lines::up_to(LONGEST), Vec::new(), 0);
        while at < bytes.len() {
            let room = lines.room();
            let n = room.len().min(part).min(bytes.len() - at);
            assert!(n > 0, "no room");
            room[..n].copy_from_slice(&bytes[at..at + n]);
            lines.filled(n);
            at += n;
            while let Some(line) = lines.next() {
                split.push(owned(line));
            }
        }
        split.extend(lines.rest().map(owned));
        split
    }

    #[test]
    fn lines_are_those_of_the_whole_however_they_come() {
        let mut bytes = b"one\n\n\0\xff\ntwo\n".to_vec();
        bytes.extend(vec![b'a'; LONGEST]);
        bytes.push(b'\n');
        bytes.extend(vec![b'b'; LONGEST + 1]);
        bytes.extend(b"\nafter\n");
        bytes.extend(vec![b'c'; 3 * PART]);
        bytes.extend(b"\nlast");
        let whole = |text: &[u8]| Ok(text.to_vec());
        let expected = [
            whole(b"one"),
            whole(b""),
            whole(b"\0\xff"),
            whole(b"two"),
            whole(&vec![b'a'; LONGEST]),
            Err((6, LONGEST as u64 + 1)),
            whole(b"after"),
            Err((8, 3 * PART as u64)),
            whole(b"last"),
        ];
        for part in [1, 2, 7, 4096, PART, usize::MAX] {
            assert_eq!(split(&bytes, part), expected, "in parts of {part}");
        }
    }

    #[test]
    fn the_end_of_the_input_is_no_line() {
        assert_eq!(split(b"", 1), []);
        assert_eq!(split(b"\n", 1), [Ok(Vec::new())]);
        assert_eq!(split(b"a\n", 1), [Ok(b"a".to_vec())]);
        assert_eq!(split(&[b'x'; 5000], 5000), [Ok(vec![b'x'; 5000])]);
    }
}
