//! Parts of messages of bytes, one to one.

use super::{LIMIT, MOMENT, NAME, Segment, bounded};
use crate::input::{Input, another};
use ringway::bytes::TryRecvError;
use ringway::bytes::spsc::Receiver;
use ringway::{DisconnectReason, Options};
use std::collections::VecDeque;
use std::path::Path;

/// Words of the producer's page (SPEC.md).
const TAIL: u64 = 4096;
const BEGUN: u64 = 4112;
/// Where the consumer is.
const HEAD: u64 = 8192;

const FIRST: u8 = 1;
const LAST: u8 = 2;
const PAD: u8 = 4;
const CANCEL: u8 = 8;
const SIZED: u8 = 16;

/// The ring, as its producer sees it.
struct Ring {
    segment: Segment,
    per: u64,
    frames: u64,
    words: u64,
    payload: u64,
    capacity: u64,
    tail: u64,
}

impl Ring {
    fn of(directory: &Path) -> Self {
        let segment = Segment::of(directory);
        let [per, frames, capacity] = ["per", "frames", "capacity"].map(|name| segment.number(name));
        let (words, payload) = (segment.region("Words").0, segment.region("Payload").0);
        Self { segment, per, frames, words, payload, capacity, tail: 0 }
    }

    fn in_frame(&self) -> u64 {
        self.per - self.tail % self.per
    }

    fn room(&self) -> u64 {
        self.segment.load(HEAD).saturating_add(self.capacity).saturating_sub(self.tail)
    }

    /// Puts bytes where the tail is, and beyond it up to the end of the frame.
    fn put(&self, bytes: &[u8]) {
        let frame = self.tail / self.per % self.frames;
        let bytes = &bytes[..bytes.len().min(self.in_frame() as usize)];
        self.segment.put(self.payload + frame * self.per + self.tail % self.per, bytes);
    }

    /// Publishes what is below the new tail.
    fn publish(&mut self, tail: u64) {
        let frame = (tail - 1) / self.per % self.frames;
        self.segment.store(self.words + frame * 128, tail);
        self.segment.store(TAIL, tail);
        self.tail = tail;
    }
}

/// What the document says that these parts are.
#[derive(Default)]
struct Document {
    /// Whole messages that have not been received.
    messages: VecDeque<Vec<u8>>,
    begun: Option<(Vec<u8>, Option<u64>)>,
    is_corrupt: bool,
    /// Not known any more.
    is_lost: bool,
}

impl Document {
    /// The next part.
    fn part(&mut self, header: u64, behind: &[u8], in_frame: u64) {
        let (len, marks) = (header & 0xffff_ffff, (header >> 32) as u8);
        let span = 8 + len.next_multiple_of(8);
        let is_one = header >> 40 == 0
            && span <= in_frame
            && match marks {
                PAD => len == in_frame - 8,
                CANCEL => len == 0,
                0 | FIRST => len > 0,
                LAST | 3 => true,
                17 => len > 8,
                _ => false,
            };
        if self.is_corrupt || self.is_lost {
            return;
        }
        if !is_one {
            self.is_corrupt = true;
            return;
        }
        let mut bytes = &behind[..len as usize];
        let mut announced = (marks == FIRST | LAST).then_some(len);
        if marks & SIZED != 0 {
            let number = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes"));
            bytes = &bytes[8..];
            if number <= bytes.len() as u64 {
                self.is_corrupt = true;
                return;
            }
            announced = Some(number);
            // What a receiver gives up it does not look at so closely.
            self.is_lost |= number > LIMIT;
        }
        match marks {
            PAD => return,
            CANCEL => {
                self.begun = None;
                return;
            }
            _ if marks & FIRST != 0 => self.begun = Some((bytes.to_vec(), announced)),
            _ => match &mut self.begun {
                // Of a message whose beginning nobody saw.
                None => return,
                Some((message, _)) => message.extend_from_slice(bytes),
            },
        }
        let Some((message, announced)) = &self.begun else { return };
        let (have, is_last) = (message.len() as u64, marks & LAST != 0);
        if announced.is_some_and(|all| if is_last { have != all } else { have >= all }) {
            self.is_corrupt = true;
        } else if is_last {
            self.messages.extend(self.begun.take().map(|(message, _)| message));
        }
    }
}

pub(super) fn run(input: &mut Input<'_>, directory: &Path) {
    let (capacity, frame) = (64 + usize::from(input.byte()) * 5, 24 + 8 * usize::from(input.byte() % 32));
    let made = Options::new().dir(directory).capacity(capacity).frame_bytes(frame);
    let made = made.placement(ringway::Placement::Table).slice(std::time::Duration::from_millis(1));
    let Ok(mut rx) = Receiver::create_with(NAME, &made) else { return };
    rx.set_limit(LIMIT);
    let (mut ring, mut document) = (Ring::of(directory), Document::default());
    for _ in 0..128 {
        if input.is_empty() {
            break;
        }
        match input.byte() % 8 {
            0..5 => write(input, &mut ring, &mut document),
            5 if input.byte() % 16 == 0 => {
                // Whatever is there now.
                let at = [TAIL, BEGUN, HEAD, ring.words, ring.words + 128, ring.payload][usize::from(input.byte() % 6)];
                let what = input.byte();
                ring.segment.store(at, another(ring.segment.load(at), what, input));
                document.is_lost = true;
            }
            _ => receive(input, &mut rx, &mut document),
        }
    }
    // All of it.
    for _ in 0..200 {
        let before = document.messages.len();
        receive(&mut Input(&[0]), &mut rx, &mut document);
        if document.messages.len() == before && before == 0 {
            break;
        }
    }
    // A message that was begun may hide what is behind it; else it shows.
    (0..140).for_each(|_| drop(rx.try_recv()));
    if !document.is_lost {
        assert!(document.messages.is_empty(), "{} messages were not received", document.messages.len());
        let reason = rx.disconnect_reason();
        assert_eq!(reason == Some(DisconnectReason::Corrupt), document.is_corrupt, "{reason:?}");
    }
}

/// One part: mostly as it should be.
fn write(input: &mut Input<'_>, ring: &mut Ring, document: &mut Document) {
    let how = input.byte();
    let marks = [3, 3, FIRST, FIRST | SIZED, 0, LAST, CANCEL, PAD][usize::from(how & 7)];
    let in_frame = ring.in_frame();
    let mut len = u64::from(input.byte());
    let mut header = match marks {
        PAD => in_frame - 8,
        CANCEL => 0,
        _ => {
            // What fits, if it is to be so.
            if how & 8 == 0 {
                len %= in_frame - 7;
            }
            len
        }
    } | u64::from(marks) << 32;
    if how & 0xf0 == 0xf0 {
        let what = input.byte();
        header = another(header, what, input);
    }
    let span = (8 + (header & 0xffff_ffff).next_multiple_of(8)).min(in_frame);
    if span > ring.room() || ring.tail >= 1 << 40 {
        return;
    }
    let mut behind = vec![0; (in_frame - 8) as usize];
    let salt = input.byte();
    behind.iter_mut().enumerate().for_each(|(at, byte)| *byte = salt.wrapping_add(at as u8));
    if marks & SIZED != 0 && behind.len() >= 8 {
        let more = input.byte();
        let all = (header & 0xffff_ffff).saturating_sub(8) + u64::from(more & 0x7f);
        let all = if more & 128 == 0 { all } else { another(all, more, input) };
        behind[..8].copy_from_slice(&all.to_le_bytes());
    }
    ring.put(&[&header.to_le_bytes()[..], &behind].concat());
    document.part(header, &behind, in_frame);
    ring.publish(ring.tail + span);
}

fn receive(input: &mut Input<'_>, rx: &mut Receiver, document: &mut Document) {
    let bytes = 3 * LIMIT as usize;
    let mut message = Vec::new();
    let mut is_done = true;
    let got = match input.byte() % 5 {
        0 => bounded(bytes, || rx.try_recv()).ok(),
        1 => bounded(bytes, || rx.try_recv_into(&mut message)).ok().map(|_| message),
        2 => bounded(bytes, || rx.recv_timeout(MOMENT)).ok(),
        3 => match bounded(bytes, || rx.try_recv_ref()) {
            Ok(guard) => {
                let message = guard.to_vec();
                is_done = input.byte() & 1 == 0;
                if is_done {
                    guard.commit();
                }
                Some(message)
            }
            Err(error) => {
                // What does not lie in the ring as a whole is given up here, and the rest of it skipped.
                document.is_lost |= matches!(error, TryRecvError::TooLong { .. });
                None
            }
        },
        _ => {
            drop((rx.len(), rx.stats(), format!("{rx:?}")));
            None
        }
    };
    let Some(got) = got else { return };
    assert!(got.len() as u64 <= LIMIT);
    if !document.is_lost {
        let expected = if is_done { document.messages.pop_front() } else { document.messages.front().cloned() };
        assert_eq!(Some(got), expected, "not what the document says");
    }
}
