//! The frame ring: one producer, one consumer.
//!
//! A publication word travels in the same line as the messages it publishes, so the consumer polls what it will read
//! anyway and one message costs one line, not two. The word of a frame holds the absolute tail as it stood when that
//! frame was last written:
//!
//! ```text
//! frame 0                          frame 1                         frame 2 (a lap old)
//! [ w=7 | 0 1 2 3 4 5 6 ]          [ w=9 | 7 8 . . . . . ]         [ w=0 | . . . . . . . ]
//!                 ^ head=4                     ^ tail=9
//! ```
//!
//! # Reading a word
//!
//! The consumer at `head`, in frame `f`, loads the word `w` of that frame:
//!
//! | | |
//! |---|---|
//! | `w <= head` | Empty: the frame was last written a lap ago, or up to `head` in this one |
//! | `head < w <= (f + 1) x per` | messages `head .. w` are there |
//! | else | corrupt |
//!
//! # Credit
//!
//! The producer may write below `limit = head + capacity`. It keeps the `limit` it last computed and asks again only
//! when it has come to it: first the `credit` (a copy of `head` that the consumer stores every quarter of a ring, so
//! that its line moves rarely), then the exact `head`. So `Full` is said only if the ring was full.
//!
//! # If a process dies
//!
//! *Producer.* The words are the only truth about the tail. Killed before a word's store: the message was never sent.
//! After it: it was sent. `tail` on the control page is a place to start from, stored once a frame or batch and *after*
//! the word; a successor rolls forward from there through the words. In a batch words are stored in ascending order:
//! what arrives is a prefix of it.
//!
//! *Consumer.* `head` is stored after the message was copied out. Killed before: a successor gets that message, which
//! the dead one never returned. `taken` and `tries` are stored before a message is handed out to be committed later:
//! the successor gets `[head, taken)` again, marked.
//!
//! *Source*: Lamport (1977) for one producer and one consumer; FastForward (Giacomoni, Moseley, Vachharajani 2008) for
//! data that carries its own validity; MCRingBuffer (Lee, Bu, Chandranmenon 2010) for lazily read positions. Different
//! here: the word is a count, not a flag, so nothing is ever cleared and a frame holds several messages.
//!
//! # Safety
//!
//! The two ends have their files, with what is unsafe in each.

mod consumer;
mod producer;

pub(crate) use consumer::{Attempt, Consumer};
pub(crate) use producer::{Producer, Pushed};

use super::Corrupt;
use super::cursor::Cursor;
use crate::layout::overlay::{Control, Frames};
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{FINISHED, TRAIL};

/// The position behind the last published message, found from the stored `tail` through the words.
///
/// However old the stored tail is, the words from `max(tail, head)` on tell the truth: frame `g` of the endless sequence is
/// written over only when all of it has been released, so when `head` is beyond its end; then nobody starts there. `head`
/// beyond the stored tail is legal: the consumer goes by the words.
fn published<T>(control: &Control, frames: &Frames<T>, head: u64) -> Result<u64, Corrupt> {
    let stored = control.producer().cursor.tail.load(TRAIL.acquire());
    if stored >> 56 != 0 || head >> 56 != 0 {
        return Err(Corrupt { word: "tail", found: stored.max(head) });
    }
    let mut at = Cursor::at(stored.max(head), frames.per, frames.count);
    for _ in 0..=frames.count {
        // Relaxed: it gives no permission. Who reads what is counted here loads the word again, which is no older then, and acquires
        // it (edge `filled`); who comes after a dead producer is ordered behind all that it wrote by the role's lock.
        let word = frames.word(at.frame).load(Relaxed);
        if word <= at.position {
            return Ok(at.position);
        }
        let end = at.position + (frames.per - at.place) as u64;
        if word > end {
            return Err(Corrupt { word: "frame word", found: word });
        }
        at = at.after((word - at.position) as usize, frames.per, frames.count);
    }
    Err(Corrupt { word: "frame word", found: at.position })
}

/// One above the highest position that the consumer has taken, in hand or for good.
fn taken(control: &Control) -> u64 {
    let cursor = &control.consumer().cursor;
    // Relaxed, both: each only grows, so the larger of the two is never too large and never less than it was at the last
    // look; it gives no permission.
    cursor.taken.load(Relaxed).max(cursor.head.load(Relaxed))
}

/// Whether the reader of a stream has said that it took everything up to `closed`.
pub(crate) fn finished(control: &Control) -> u64 {
    control.consumer().cursor.finished.load(FINISHED.acquire())
}
