//! What the other side says.

use super::file::{self, Made};
use super::wire::{receive, send};
use super::{Kind, Message};
use crate::input::{Input, another};
use ringway::Options;
use ringway::handover::Peer;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::Shutdown;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

pub(super) const CAPACITY: usize = 200;
const HELLO: usize = 128;
const VERDICT: usize = 32;
const PAGE: usize = 4096;

/// Which half the other side has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Sender,
    Receiver,
}

/// What a side says with which nothing is wrong.
#[derive(Debug, Clone)]
pub(crate) struct Right {
    pub(super) part: Part,
    hello: [u8; HELLO],
    /// The first page of its file.
    page: Vec<u8>,
}

thread_local!(static RIGHT: RefCell<BTreeMap<(Kind, Part), Right>> = const { RefCell::new(BTreeMap::new()) });

/// As the library says it, asked once.
pub(super) fn right(kind: Kind, part: Part) -> Right {
    RIGHT.with_borrow_mut(|known| known.entry((kind, part)).or_insert_with(|| listen(kind, part)).clone())
}

fn listen(kind: Kind, part: Part) -> Right {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let speaking = std::thread::spawn(move || {
        let (mut peer, any) = (Peer::from(theirs), Options::new());
        let sized = any.clone().capacity(CAPACITY);
        let framed = sized.clone().frame_bytes(64);
        // It fails, since nobody answers.
        match (kind, part) {
            (Kind::Numbers, Part::Sender) => drop(peer.spsc_sender::<Message>(&sized)),
            (Kind::Numbers, Part::Receiver) => drop(peer.spsc_receiver::<Message>(&any)),
            (Kind::Bytes, Part::Sender) => drop(peer.bytes_sender(&framed)),
            (Kind::Bytes, Part::Receiver) => drop(peer.bytes_receiver(&any)),
            (Kind::Stream, Part::Sender) => drop(peer.stream_writer(&framed)),
            (Kind::Stream, Part::Receiver) => drop(peer.stream_reader(&any)),
        }
    });
    let mut hello = [0; HELLO];
    let passed = receive(&ours, &mut hello).expect("a HELLO and a descriptor");
    let mut page = vec![0; PAGE];
    file::read(&passed, &mut page);
    drop((ours, passed));
    speaking.join().expect("it gives up");
    Right { part, hello, page }
}

/// Says what the input makes of what is right; what was passed, and whether nothing was changed.
pub(super) fn say(input: &mut Input<'_>, socket: &UnixStream, right: &Right) -> (Made, bool) {
    let how = input.byte();
    let (mut hello, mut page, mut verdict) = (right.hello, right.page.clone(), [0; VERDICT]);
    verdict[..8].copy_from_slice(b"ringsaid");
    if how & 1 != 0 {
        change(input, &mut hello);
    }
    if how & 2 != 0 {
        change(input, &mut page[..400]);
        let fix = input.byte();
        if fix & 1 != 0 {
            say_what_the_header_says(&mut hello, &page);
        }
        if fix & 2 == 0 {
            sum(&mut page);
        }
    }
    if how & 4 != 0 {
        change(input, &mut verdict);
    }
    let len = u64::from_le_bytes(hello[72..80].try_into().expect("eight bytes"));
    let sort = if how & 8 != 0 { input.byte() } else { 0 };
    let made = file::make(sort, right.part, &page, len, input);
    let count = if how & 16 != 0 { [0, 2, 3, 253, 254][usize::from(input.byte() % 5)] } else { 1 };
    let passed: Vec<RawFd> = std::iter::repeat_n(made.passed.as_raw_fd(), count).collect();
    // Where it is cut, and whether the rest comes, and with what.
    let (cut, rest) = if how & 32 != 0 { (usize::from(input.byte()) % HELLO, input.byte()) } else { (HELLO, 0) };
    let late = rest & 1 != 0;
    send(socket, &hello[..cut], if late { &[] } else { &passed });
    if rest & 2 == 0 {
        send(socket, &hello[cut..], if late { &passed } else { &[] });
        if how & 64 != 0 {
            verdicts(input, socket, &verdict, &passed);
        } else {
            send(socket, &verdict, &[]);
        }
    }
    if how & 128 != 0 {
        let more: Vec<u8> = (0..input.byte()).map(|_| input.byte()).collect();
        send(socket, &more, &[]);
        let _ = socket.shutdown(if input.byte() & 1 == 0 { Shutdown::Write } else { Shutdown::Both });
    }
    // What our end has said is of no interest; it must not fill the socket.
    let _ = socket.set_nonblocking(true);
    let _ = (&*socket).read(&mut [0; 512]);
    let _ = socket.set_nonblocking(false);
    (made, how == 0)
}

/// None, one with something beside it, a piece of one, two.
fn verdicts(input: &mut Input<'_>, socket: &UnixStream, verdict: &[u8; VERDICT], passed: &[RawFd]) {
    match input.byte() % 5 {
        0 => {}
        1 => send(socket, verdict, passed),
        2 => send(socket, &verdict[..usize::from(input.byte()) % VERDICT], &[]),
        3 => (0..2).for_each(|_| send(socket, verdict, &[])),
        _ => {
            let other: Vec<u8> = (0..VERDICT).map(|_| input.byte()).collect();
            send(socket, &other, &[]);
        }
    }
}

/// Some bytes, and some words, become others.
fn change(input: &mut Input<'_>, bytes: &mut [u8]) {
    for _ in 0..1 + input.byte() % 4 {
        let at = (usize::from(input.byte()) | usize::from(input.byte() & 1) << 8) % bytes.len();
        let what = input.byte();
        if what < 128 {
            bytes[at] = what.wrapping_add(input.byte());
        } else {
            let at = at / 8 * 8;
            let word = &mut bytes[at..at + 8];
            let old = u64::from_le_bytes((&*word).try_into().expect("eight bytes"));
            word.copy_from_slice(&another(old, what, input).to_le_bytes());
        }
    }
}

/// The HELLO of a sender with this header. (SPEC.md has both tables.)
fn say_what_the_header_says(hello: &mut [u8; HELLO], page: &[u8]) {
    for (to, from, len) in
        [(28, 20, 4), (32, 56, 24), (56, 48, 8), (64, 96, 8), (72, 24, 8), (80, 32, 16), (20, 8, 4), (96, 172, 4)]
    {
        hello[to..to + len].copy_from_slice(&page[from..from + len]);
    }
}

/// Puts the header's sum right.
fn sum(page: &mut [u8]) {
    let sum = page.iter().enumerate().fold(0xcbf2_9ce4_8422_2325_u64, |sum, (index, byte)| {
        let byte = if (128..136).contains(&index) { 0 } else { *byte };
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    page[128..136].copy_from_slice(&sum.to_le_bytes());
}
