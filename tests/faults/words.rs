//! Faults of what is in the segment: words that cannot be, words that change, and every word flipped under every operation.

use crate::support::{Dir, Over, PATIENCE, in_time};
use ringway::{Backing, DisconnectReason, Options, bytes, mpmc, observe, spsc, stream};
use std::fs::File;
use std::io::{BufRead, ErrorKind, Read, Write};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

const NAME: &str = "channel";
const HEADER: usize = 4096;

fn file(dir: &Dir) -> File {
    File::options().read(true).write(true).open(dir.path().join(NAME)).expect("a channel")
}

fn put(file: &File, at: u64, word: u64) {
    file.write_all_at(&word.to_le_bytes(), at).expect("a word");
}

fn get(file: &File, at: u64) -> u64 {
    let mut word = [0; 8];
    file.read_exact_at(&mut word, at).expect("a word");
    u64::from_le_bytes(word)
}

/// Where a field of the consumer's page lies.
fn consumers(dir: &Dir, name: &str) -> u64 {
    let seen = observe::inspect(NAME, Some(dir.path()), 0).expect("a channel");
    let is_it = |field: &&observe::Field| field.page == observe::Page::Consumer && field.name == name;
    seen.fields.iter().find(is_it).expect("a field").at()
}

/// Seven messages share a frame's word.
fn ten(dir: &Dir) -> Options {
    dir.options().capacity(10)
}

/// Fault 59. A word of a frame that cannot be ends the receiver, for good, and nobody else: whoever comes next finds all that is there
/// once the word is right again.
#[test]
fn a_word_that_cannot_be_ends_the_receiver_for_good() {
    let frame_words: [u64; 6] = [8, 14, 1 << 32, (1 << 56) - 1, 1 << 63, u64::MAX];
    for wrong in frame_words {
        let dir = Dir::new();
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &ten(&dir)).unwrap();
        tx.send_many(&[1, 2, 3]).unwrap();
        let seen = observe::inspect(NAME, Some(dir.path()), 1).unwrap();
        let word = seen.words.expect("words").list[0].at;
        let file = file(&dir);
        assert_eq!(get(&file, word), 3, "the tail");
        put(&file, word, wrong);
        assert!(rx.try_recv().unwrap_err().is_disconnected(), "{wrong:#x}");
        put(&file, word, 3);
        for _ in 0..2 {
            let none = rx.recv_timeout(Duration::ZERO);
            assert!(
                none.is_err_and(|error| error.is_disconnected())
                    && rx.try_recv_ref().is_err()
                    && rx.try_recv_many(&mut [0; 9]).is_err()
            );
            assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Corrupt), "{wrong:#x}");
        }
        assert_eq!(tx.disconnect_reason(), None);
        drop(rx);
        let mut next = spsc::Receiver::<u64>::open_with(NAME, &ten(&dir)).unwrap();
        tx.send(4).unwrap();
        assert_eq!(next.try_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
    }
}

/// Fault 59. What the consumer says of itself and cannot be, ahead of what was sent or behind what it said before, ends the sender,
/// for good, and no message is overwritten.
#[test]
fn a_consumer_that_cannot_be_there_ends_the_sender_for_good() {
    // Ten were sent behind three that are released: ahead by one, by a ring and one, far, and back.
    for wrong in [14, 13 + 11, 1 << 32, 1 << 63, u64::MAX, 1] {
        let dir = Dir::new();
        let mut tx = spsc::Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
        let mut rx = spsc::Receiver::<u64>::open_with(NAME, &ten(&dir)).unwrap();
        tx.send_many(&[0; 10]).unwrap();
        (0..3).for_each(|_| assert_eq!(rx.recv(), Ok(0)));
        tx.send_many(&[1, 2, 3]).unwrap();
        assert!(tx.try_send(4).unwrap_err().is_full());
        let file = file(&dir);
        let places = ["head", "credit"].map(|name| consumers(&dir, name));
        let before = places.map(|place| get(&file, place));
        assert_eq!(before[0], 3);
        places.iter().for_each(|place| put(&file, *place, wrong));
        assert!(tx.try_send(5).unwrap_err().is_disconnected(), "{wrong:#x}");
        places.iter().zip(before).for_each(|(place, word)| put(&file, *place, word));
        let late = tx.send_timeout(6, Duration::ZERO);
        assert!(
            late.is_err_and(|error| error.is_disconnected())
                && tx.try_reserve(1).is_err()
                && tx.try_send_many(&[7]).is_err()
        );
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Corrupt), "{wrong:#x}");
        assert_eq!(rx.disconnect_reason(), None);
        drop(tx);
        assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
    }
}

/// Fault 62. Who is attached never reads the header again: whatever is written there, the channel is what it was. Nobody else gets in.
#[test]
fn a_header_that_is_rewritten_changes_nothing_for_those_who_are_there() {
    fn check<E: Flipped>(dir: &Dir) {
        for garbage in [0xff_u8, 0] {
            let mut ends = E::make(dir);
            let file = file(dir);
            let len = file.metadata().unwrap().len();
            file.write_all_at(&[garbage; HEADER], 0).unwrap();
            for lap in 0..20 {
                ends.passes(lap);
            }
            assert!(ends.is_sound());
            assert!(!E::opens_another(dir), "{garbage:#x}");
            assert_eq!(file.metadata().unwrap().len(), len);
            drop(ends);
            assert!(dir.files().is_empty(), "the last one has taken its name along");
        }
    }
    let dir = Dir::new();
    check::<Spsc>(&dir);
    check::<Mpmc>(&dir);
    check::<Bytes>(&dir);
    check::<ManyBytes>(&dir);
    check::<Stream>(&dir);
}

/// Fault 63. Payload that changes while it is copied is another payload, a value of its type as any; the ring does not care.
#[test]
fn payload_that_changes_while_it_is_copied_is_another_payload() {
    type Block = [u64; 512];
    let dir = Dir::new();
    let options = dir.options().capacity(4);
    let mut tx = spsc::Sender::<Block>::create_with(NAME, &options).unwrap();
    let mut rx = spsc::Receiver::<Block>::open_with(NAME, &options).unwrap();
    let many = mpmc::Sender::<Block>::create_with("many", &options).unwrap();
    let taker = mpmc::Receiver::<Block>::open_with("many", &options).unwrap();
    let payload = |name: &str, region: &str| {
        let seen = observe::inspect(name, Some(dir.path()), 0).unwrap();
        let region = seen.regions.into_iter().find(|found| found.name.as_deref() == Some(region)).expect("a region");
        (File::options().write(true).open(dir.path().join(name)).unwrap(), region)
    };
    let (table, slots) = (payload(NAME, "Payload"), payload("many", "Frames"));
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1_u64.. {
                let bytes = n.to_le_bytes().repeat(400);
                let (file, region) = &table;
                for at in (0..region.length).step_by(4096) {
                    file.write_all_at(&bytes, region.offset + at + 8).unwrap();
                }
                // Behind each slot's word.
                let (file, region) = &slots;
                for at in (0..region.length).step_by(region.stride as usize) {
                    file.write_all_at(&bytes, region.offset + at + 64).unwrap();
                }
                if is_over.load(Relaxed) {
                    return;
                }
            }
        });
        let _over = Over(&is_over);
        let (mut changed, start) = ([0, 0], Instant::now());
        while changed.iter().any(|count| *count < 20) {
            assert!(start.elapsed() < PATIENCE, "nobody disturbs: this shows nothing");
            tx.try_send([7; 512]).unwrap();
            many.try_send([7; 512]).unwrap();
            changed[0] += usize::from(rx.try_recv().unwrap() != [7; 512]);
            changed[1] += usize::from(taker.try_recv().unwrap() != [7; 512]);
            assert_eq!((rx.len(), taker.len()), (0, 0));
        }
    });
    assert_eq!([rx.disconnect_reason(), tx.disconnect_reason(), taker.disconnect_reason()], [None; 3]);
    tx.send([1; 512]).unwrap();
    many.send([2; 512]).unwrap();
    assert_eq!((rx.recv().unwrap(), taker.recv().unwrap()), ([1; 512], [2; 512]));
}

/// Two ends of a channel whose words are flipped.
trait Flipped {
    /// Operations that can be tried.
    const OPERATIONS: usize;

    fn make(dir: &Dir) -> Self;

    /// Whether a third one can come in: an end, or somebody who looks.
    fn opens_another(dir: &Dir) -> bool;

    /// The n-th operation. Whatever comes of it: none waits.
    fn operate(&mut self, n: usize);

    /// Takes what is there, at most so often.
    fn drain(&mut self);

    /// Whether both ends can be used.
    fn is_sound(&mut self) -> bool;

    /// A message, another one each lap, goes through.
    fn passes(&mut self, lap: u8);
}

struct Spsc(spsc::Sender<u64>, spsc::Receiver<u64>);
struct Mpmc(mpmc::Sender<u64>, mpmc::Receiver<u64>);
struct Bytes(bytes::spsc::Sender, bytes::spsc::Receiver);
struct ManyBytes(bytes::mpmc::Sender, bytes::mpmc::Receiver);
struct Stream(stream::Writer, stream::Reader);

impl Flipped for Spsc {
    const OPERATIONS: usize = 14;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(4).frame_bytes(24);
        let tx = spsc::Sender::create_with(NAME, &options).expect("a channel");
        Self(tx, spsc::Receiver::open_with(NAME, &options).expect("its other end"))
    }

    fn opens_another(dir: &Dir) -> bool {
        observe::stat(NAME, Some(dir.path())).is_ok() || spsc::Receiver::<u64>::open_with(NAME, &dir.options()).is_ok()
    }

    fn operate(&mut self, n: usize) {
        let Self(tx, rx) = self;
        match n {
            0 => drop(tx.try_send(1).is_ok()),
            1 => drop(tx.send_timeout(1, Duration::ZERO).is_ok()),
            2 => drop(tx.try_send_many(&[1; 6]).is_ok()),
            3 => drop(tx.try_reserve(3).map(|mut grant| {
                grant.fill([1, 2]);
                grant.commit(2);
            })),
            4 => drop((tx.len(), tx.is_full(), tx.is_disconnected(), tx.receiver_count())),
            5 => drop(tx.wait_for_peer(Duration::ZERO)),
            6 => drop(rx.try_recv().is_ok()),
            7 => drop(rx.recv_timeout(Duration::ZERO).is_ok()),
            8 => drop(rx.try_recv_many(&mut [0; 6]).is_ok()),
            9 => drop(rx.try_recv_ref().map(spsc::Guard::commit)),
            10 => drop(rx.recv_ref_timeout(Duration::ZERO).is_ok()),
            11 => drop(rx.try_read(2).map(|grant| grant.release(1))),
            12 => drop((rx.len(), rx.is_empty(), rx.is_disconnected(), rx.sender_count())),
            _ => drop(rx.wait_for_peer(Duration::ZERO)),
        }
    }

    fn drain(&mut self) {
        let _ = self.1.try_iter().take(20).count();
    }

    fn is_sound(&mut self) -> bool {
        !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        self.0.try_send(lap.into()).expect("room");
        assert_eq!((self.1.try_recv(), self.0.capacity(), self.1.capacity()), (Ok(lap.into()), 4, 4));
    }
}

impl Flipped for Mpmc {
    const OPERATIONS: usize = 13;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(4).members(3).operations(3).in_hand(2);
        let tx = mpmc::Sender::create_with(NAME, &options).expect("a channel");
        Self(tx, mpmc::Receiver::open_with(NAME, &options).expect("its other end"))
    }

    fn opens_another(dir: &Dir) -> bool {
        observe::stat(NAME, Some(dir.path())).is_ok() || mpmc::Receiver::<u64>::open_with(NAME, &dir.options()).is_ok()
    }

    fn operate(&mut self, n: usize) {
        let Self(tx, rx) = self;
        match n {
            0 => drop(tx.try_send(1).is_ok()),
            1 => drop(tx.send_timeout(1, Duration::ZERO).is_ok()),
            2 => drop(tx.try_send_many(&[1; 6]).is_ok()),
            3 => drop((tx.len(), tx.is_full(), tx.is_disconnected(), tx.receiver_count())),
            4 => drop(tx.wait_for_peer(Duration::ZERO)),
            5 => drop(rx.try_recv().is_ok()),
            6 => drop(rx.recv_timeout(Duration::ZERO).is_ok()),
            7 => drop(rx.try_recv_many(&mut [0; 6]).is_ok()),
            8 => drop(rx.try_recv_ref().map(mpmc::Guard::commit)),
            9 => drop(rx.recv_ref_timeout(Duration::ZERO).is_ok()),
            10 => drop((rx.len(), rx.is_empty(), rx.is_disconnected(), rx.sender_count(), rx.in_hand())),
            11 => drop((rx.clone(), tx.clone())),
            _ => drop(rx.wait_for_peer(Duration::ZERO)),
        }
    }

    fn drain(&mut self) {
        let _ = self.1.try_iter().take(20).count();
    }

    fn is_sound(&mut self) -> bool {
        !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        self.0.try_send(lap.into()).expect("room");
        assert_eq!((self.1.try_recv(), self.0.capacity(), self.1.capacity()), (Ok(lap.into()), 4, 4));
    }
}

impl Flipped for Bytes {
    const OPERATIONS: usize = 11;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(200).frame_bytes(64);
        let tx = bytes::spsc::Sender::create_with(NAME, &options).expect("a channel");
        let mut rx = bytes::spsc::Receiver::open_with(NAME, &options).expect("its other end");
        rx.set_limit(10_000);
        Self(tx, rx)
    }

    fn opens_another(dir: &Dir) -> bool {
        observe::stat(NAME, Some(dir.path())).is_ok() || bytes::spsc::Receiver::open_with(NAME, &dir.options()).is_ok()
    }

    fn operate(&mut self, n: usize) {
        let Self(tx, rx) = self;
        match n {
            0 => drop(tx.try_send(&[1; 20]).is_ok()),
            1 => drop(tx.send_timeout(&[1; 300], Duration::ZERO).is_ok()),
            2 => drop(tx.try_claim(30).map(|claim| claim.commit(10))),
            3 => drop(tx.writer(Some(20)).write(&[1; 10])),
            4 => drop((tx.len(), tx.is_disconnected(), tx.receiver_count())),
            5 => drop(rx.try_recv()),
            6 => drop(rx.recv_timeout(Duration::ZERO)),
            7 => drop(rx.try_recv_ref().map(bytes::spsc::Guard::commit)),
            8 => drop(rx.recv_ref_timeout(Duration::ZERO)),
            9 => drop(rx.reader_timeout(Duration::ZERO).map(|reader| reader.len_hint())),
            _ => drop((rx.len(), rx.is_disconnected(), rx.sender_count())),
        }
    }

    fn drain(&mut self) {
        let _ = self.1.try_iter().take(20).count();
    }

    fn is_sound(&mut self) -> bool {
        !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        self.0.try_send(&[lap; 40]).expect("room");
        assert_eq!((self.1.try_recv().as_deref(), self.0.capacity()), (Ok(&[lap; 40][..]), 200));
    }
}

impl Flipped for ManyBytes {
    const OPERATIONS: usize = 13;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(4).members(3).operations(3).in_hand(2).lanes(1, 4096).annexes(0);
        let tx = bytes::mpmc::Sender::create_with(NAME, &options).expect("a channel");
        let mut rx = bytes::mpmc::Receiver::open_with(NAME, &options).expect("its other end");
        rx.set_limit(10_000);
        Self(tx, rx)
    }

    fn opens_another(dir: &Dir) -> bool {
        observe::stat(NAME, Some(dir.path())).is_ok() || bytes::mpmc::Receiver::open_with(NAME, &dir.options()).is_ok()
    }

    fn operate(&mut self, n: usize) {
        let Self(tx, rx) = self;
        match n {
            0 => drop(tx.try_send(&[1; 20]).is_ok()),
            1 => drop(tx.try_send(&[1; 3000]).is_ok()),
            2 => drop(tx.send_timeout(&[1; 6000], Duration::ZERO).is_ok()),
            3 => drop(tx.try_loan(2000).map(|loan| loan.try_send().is_ok())),
            4 => drop((tx.len(), tx.is_disconnected(), tx.receiver_count(), tx.lanes())),
            5 => drop(rx.try_recv()),
            6 => drop(rx.recv_timeout(Duration::ZERO)),
            7 => drop(rx.try_recv_ref().map(bytes::mpmc::Guard::commit)),
            8 => drop(rx.recv_ref_timeout(Duration::ZERO)),
            9 => drop(tx.try_send_with(2000, |room| room.fill(1)).is_ok()),
            10 => drop(rx.try_recv_owned().map(|guard| guard.iter().map(|byte| u64::from(*byte)).sum::<u64>()).is_ok()),
            11 => drop(rx.try_recv_with(<[u8]>::len).is_ok()),
            _ => drop((rx.len(), rx.is_disconnected(), rx.sender_count(), rx.in_hand())),
        }
    }

    fn drain(&mut self) {
        let _ = (0..20).take_while(|_| self.1.try_recv().is_ok()).count();
    }

    fn is_sound(&mut self) -> bool {
        !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        let len = if lap % 2 == 0 { 40 } else { 3000 };
        self.0.try_send(&vec![lap; len]).expect("room");
        assert_eq!((self.1.try_recv().unwrap(), self.0.capacity()), (vec![lap; len], 4));
    }
}

/// Messages that are written where they are read, longer than a lane.
struct Loans(bytes::mpmc::Sender, bytes::mpmc::Receiver);

/// Longer than a lane, so it lies in an annex.
const LOAN: usize = 5000;

impl Flipped for Loans {
    const OPERATIONS: usize = 7;

    fn make(dir: &Dir) -> Self {
        for left in dir.files() {
            // Annexes of a channel that was given up.
            let _ = std::fs::remove_file(dir.path().join(left));
        }
        let options = dir.options().capacity(2).members(2).operations(2).in_hand(2).lanes(1, 4096).annexes(1);
        let tx = bytes::mpmc::Sender::create_with(NAME, &options).expect("a channel");
        let mut rx = bytes::mpmc::Receiver::open_with(NAME, &options).expect("its other end");
        rx.set_limit(10_000);
        Self(tx, rx)
    }

    fn opens_another(dir: &Dir) -> bool {
        ManyBytes::opens_another(dir)
    }

    fn operate(&mut self, n: usize) {
        let Self(tx, rx) = self;
        match n {
            0 => drop(tx.try_loan(LOAN).map(|loan| loan.try_send().is_ok())),
            1 => drop(tx.try_loan(LOAN).map(|mut loan| loan.fill(7)).is_ok()),
            2 => drop(tx.loan_timeout(100, Duration::ZERO).map(|loan| loan.send_timeout(Duration::ZERO).is_ok())),
            3 => drop(rx.try_recv_owned().map(bytes::mpmc::OwnedGuard::commit)),
            4 => drop(rx.try_recv_ref().map(|guard| guard.iter().map(|byte| u64::from(*byte)).sum::<u64>()).is_ok()),
            5 => drop(rx.try_recv_with(<[u8]>::len).is_ok()),
            _ => drop((tx.lanes(), rx.lanes(), rx.in_hand(), tx.len())),
        }
    }

    fn drain(&mut self) {
        let _ = (0..20).take_while(|_| self.1.try_recv().is_ok()).count();
    }

    fn is_sound(&mut self) -> bool {
        // Nobody frees an annex whose word says that somebody alive has it: then there is none for the next.
        let is_free = self.0.try_loan(LOAN).is_ok();
        is_free && !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        let mut loan = self.0.try_loan(LOAN).expect("an annex");
        loan.fill(lap);
        loan.try_send().expect("room");
        assert_eq!(self.1.try_recv().unwrap(), [lap; LOAN]);
    }
}

/// Bytes elsewhere than in the file.
struct SystemV(mpmc::Sender<u64>, mpmc::Receiver<u64>);

impl Flipped for SystemV {
    const OPERATIONS: usize = 1;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(4).members(3).operations(3).in_hand(2).backing(Backing::SystemV);
        let tx = mpmc::Sender::create_with(NAME, &options).expect("a channel");
        Self(tx, mpmc::Receiver::open_with(NAME, &options).expect("its other end"))
    }

    fn opens_another(dir: &Dir) -> bool {
        Mpmc::opens_another(dir)
    }

    fn operate(&mut self, _: usize) {
        let _ = self.0.try_send(1);
    }

    fn drain(&mut self) {
        let _ = self.1.try_iter().take(20).count();
    }

    fn is_sound(&mut self) -> bool {
        !self.0.is_disconnected() && !self.1.is_disconnected()
    }

    fn passes(&mut self, lap: u8) {
        self.0.try_send(lap.into()).expect("room");
        assert_eq!((self.1.try_recv(), self.0.capacity()), (Ok(lap.into()), 4));
    }
}

impl Flipped for Stream {
    const OPERATIONS: usize = 7;

    fn make(dir: &Dir) -> Self {
        let options = dir.options().capacity(200).frame_bytes(64);
        let mut writer = stream::Writer::create_with(NAME, &options).expect("a stream");
        let mut reader = stream::Reader::open_with(NAME, &options).expect("its other end");
        writer.set_nonblocking(true);
        reader.set_nonblocking(true);
        Self(writer, reader)
    }

    fn opens_another(dir: &Dir) -> bool {
        observe::stat(NAME, Some(dir.path())).is_ok() || stream::Reader::open_with(NAME, &dir.options()).is_ok()
    }

    fn operate(&mut self, n: usize) {
        let Self(writer, reader) = self;
        match n {
            0 => drop(writer.write(&[1; 20])),
            1 => drop(writer.write(&[1; 300])),
            2 => drop(writer.reserve_timeout(30, Duration::ZERO).map(|grant| grant.map(|grant| grant.commit(0)))),
            3 => drop((writer.check(), writer.wait_finished(Duration::ZERO))),
            4 => drop(reader.read(&mut [0; 50])),
            5 => {
                let len = reader.fill_buf_timeout(Duration::ZERO).ok().flatten().map_or(0, <[u8]>::len);
                reader.consume(len / 2);
            }
            _ => drop(reader.wait_for_peer(Duration::ZERO)),
        }
    }

    fn drain(&mut self) {
        let _ = (0..20).take_while(|_| self.1.read(&mut [0; 100]).is_ok_and(|n| n > 0)).count();
    }

    fn is_sound(&mut self) -> bool {
        let is_empty = self.1.read(&mut [0; 1]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock);
        is_empty && self.0.check().is_ok()
    }

    fn passes(&mut self, lap: u8) {
        self.0.write_all(&[lap; 90]).expect("room");
        let mut got = [0; 90];
        self.1.read_exact(&mut got).expect("bytes");
        assert_eq!((got, self.0.capacity()), ([lap; 90], 200));
    }
}

/// What a word becomes: all ones, nothing, one more, one less, of the other half of all numbers, anything.
const CHANGES: usize = 6;

fn changed(word: u64, at: u64, n: usize) -> u64 {
    match n {
        0 => !0,
        1 => 0,
        2 => word.wrapping_add(1),
        3 => word.wrapping_sub(1),
        4 => word ^ 1 << 63,
        // Of a word that was 0, too; splitmix64.
        _ => (at ^ word.rotate_left(17)).wrapping_add(0x9e37_79b9_7f4a_7c15).wrapping_mul(0xbf58_476d_1ce4_e5b9),
    }
}

/// The words behind the header, and whether anything was ever there, or is meant to be.
fn words<E: Flipped>(dir: &Dir) -> Vec<(u64, bool)> {
    let mut ends = E::make(dir);
    (1..30).for_each(|lap| ends.passes(lap));
    let seen = observe::inspect(NAME, Some(dir.path()), 0).expect("a channel");
    let named: Vec<u64> = seen.fields.iter().map(|field| field.at() / 8 * 8).collect();
    let bytes = std::fs::read(dir.path().join(NAME)).expect("its file");
    let at = (HEADER..bytes.len()).step_by(8);
    at.map(|at| (at as u64, bytes[at..at + 8] != [0; 8] || named.contains(&(at as u64)))).collect()
}

/// Changes every word of the segment behind its header, each under each operation: with something in the ring, and with nothing.
fn flips<E: Flipped>() -> (u64, u64) {
    let dir = Dir::new();
    let words = words::<E>(&dir);
    let (mut ends, mut made, mut tried) = (E::make(&dir), 1, 0_u64);
    let mut image = file(&dir);
    for operation in 0..E::OPERATIONS {
        // Where nothing ever is, nobody looks: once is enough.
        let all = words.iter().flat_map(|(at, is_live)| {
            let changes = if *is_live { 0..CHANGES } else { 0..1 };
            let states = if *is_live { 0..2 } else { 1..2 };
            states.flat_map(move |state| changes.clone().map(move |change| (*at, state, change)))
        });
        for (at, state, change) in all {
            (0..state).for_each(|_| ends.operate(0));
            let was = get(&image, at);
            let word = changed(was, at, change);
            if word == was {
                continue;
            }
            put(&image, at, word);
            let start = Instant::now();
            ends.operate(operation);
            let took = start.elapsed();
            assert!(took < Duration::from_secs(5), "operation {operation}, word {at}: {word:#x}: {took:?}");
            tried += 1;
            if get(&image, at) == word {
                put(&image, at, was);
            }
            ends.drain();
            if !ends.is_sound() {
                drop(ends);
                let _ = std::fs::remove_file(dir.path().join(NAME));
                ends = E::make(&dir);
                image = file(&dir);
                made += 1;
                ends.passes(3);
            }
        }
    }
    (tried, made)
}

fn flipped<E: Flipped + 'static>(kind: &'static str) {
    let (tried, made) = in_time(kind, flips::<E>);
    eprintln!("{kind}: {tried} operations under a flipped word, {made} channels");
    assert!(tried > 5_000 && made > 3, "{kind}: nothing came of it");
}

/// Fault 64. Every word of a segment, flipped, under every operation: each returns, soon, with whatever it finds.
#[test]
fn every_word_flipped_under_every_operation_of_one_to_one() {
    flipped::<Spsc>("spsc");
}

/// Faults 61 and 64. The words of slots, records, hands and members among them.
#[test]
fn every_word_flipped_under_every_operation_of_many_to_many() {
    flipped::<Mpmc>("mpmc");
}

/// Faults 60 and 64. Headers of parts among them.
#[test]
fn every_word_flipped_under_every_operation_of_bytes() {
    flipped::<Bytes>("bytes");
}

/// Faults 60, 61 and 64. Parcels and the words of lanes among them.
#[test]
fn every_word_flipped_under_every_operation_of_bytes_of_many() {
    flipped::<ManyBytes>("bytes-mpmc");
}

/// Faults 60, 61 and 64. The words of annexes among them.
#[test]
fn every_word_flipped_under_every_operation_of_loans() {
    flipped::<Loans>("loans");
}

/// Changes every word of a header, while two are there who have read it: whoever comes, looks or clears away returns, and the two go on.
fn headers<E: Flipped>() -> (u64, u64) {
    let dir = Dir::new();
    let mut ends = E::make(&dir);
    let image = file(&dir);
    let (mut tried, mut let_in) = (0, 0);
    for at in (0..HEADER as u64).step_by(8) {
        let was = get(&image, at);
        // Between the tables there is nothing but the sum over it.
        let changes = if was != 0 || at < 256 { 0..CHANGES } else { 0..1 };
        for word in changes.map(|n| changed(was, at, n)).filter(|word| *word != was) {
            put(&image, at, word);
            let_in += u64::from(E::opens_another(&dir));
            let seen = observe::inspect(NAME, Some(dir.path()), 8).map(|seen| seen.wrong().len());
            drop((seen, observe::list(Some(dir.path()))));
            let _ = observe::clean(Some(dir.path()));
            assert!(dir.path().join(NAME).exists(), "word {at}: {word:#x}: it is in use");
            put(&image, at, was);
            tried += 1;
        }
        assert!(ends.is_sound(), "word {at}");
        ends.passes(at as u8);
    }
    (tried, let_in)
}

/// Faults 7, 8 and 62.
#[test]
fn every_word_of_a_header_flipped_under_all_who_come() {
    fn check<E: Flipped + 'static>(kind: &'static str) {
        let (tried, let_in) = in_time(kind, headers::<E>);
        eprintln!("{kind}: {tried} words, {let_in} let in");
        assert!(tried > 600 && let_in == 0, "{kind}: the sum is over every byte");
    }
    check::<Spsc>("spsc");
    check::<Mpmc>("mpmc");
    check::<Bytes>("bytes");
    check::<ManyBytes>("bytes-mpmc");
    check::<Loans>("loans");
    check::<Stream>("stream");
    check::<SystemV>("System V");
}

/// Fault 64. A stream's words.
#[test]
fn every_word_flipped_under_every_operation_of_a_stream() {
    flipped::<Stream>("stream");
}
