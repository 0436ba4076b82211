//! Nothing that a peer writes into a segment of messages of bytes makes the library panic, hang or leave the segment.
//!
//! One end in this process, and a hand that writes any number to any word, header of a part, or byte of the file between
//! its operations. What an operation returns does not matter; that it returns does. (`RINGWAY_HOSTILE_SECONDS` makes it
//! longer, `RINGWAY_SEED` repeats a run.)
//!
//! And the fuzz target `bytes` of `fuzz/` without a fuzzer, which does the same of both kinds, from programs of bytes: the
//! committed corpus, and random ones. A failure prints the input; put it into `tests/hostile/corpus-bytes` under a name that says
//! what it found.

#[path = "hostile/bytes/mod.rs"]
mod bytes;
#[allow(dead_code)] // what kinds 1 to 3 need
#[path = "hostile/segment.rs"]
mod segment;
mod support;

use ringway::bytes::TryRecvError;
use ringway::bytes::mpmc as many;
use ringway::bytes::spsc::{Receiver, Sender};
use ringway::{Options, Placement, WaitStrategy};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};
use support::{Dir, Random, in_time, number};

#[global_allocator]
static HEAP: bytes::heap::Counting = bytes::heap::Counting;

const NAME: &str = "hostile";
/// The words of the two control pages (SPEC.md): cursors, statuses, bells.
const WORDS: [u64; 19] = [
    4096, 4104, 4112, 4224, 4232, 4352, 4360, 8192, 8200, 8208, 8216, 8224, 8320, 8448, 8456, 8576, 8584, 12288, 12416,
];
/// No wait of the library is longer than the slices that it is told.
const MOMENT: Duration = Duration::from_millis(1);

/// A number that could be meant.
fn plausible(random: &mut Random, tail: u64) -> u64 {
    match random.below(8) {
        0 => random.next(),
        1 => 0,
        2 => tail,
        3 => tail.wrapping_add(random.below(600)).wrapping_sub(300),
        4 => 1 << random.below(64),
        // A header: some marks, some length.
        5 => random.below(32) << 32 | random.below(300),
        6 => random.below(600),
        _ => u64::MAX - random.below(300),
    }
}

fn disturb(random: &mut Random, file: &File, tail: u64) {
    let len = file.metadata().expect("a file").len();
    let at = match random.below(4) {
        0 => WORDS[random.below(WORDS.len() as u64) as usize],
        // Words of frames, parts, or what lies behind them.
        _ => 12_288 + random.below((len - 12_288) / 8) * 8,
    };
    let number = plausible(random, tail);
    if random.below(4) == 0 {
        file.write_all_at(&[number as u8], at + random.below(8)).expect("a byte");
    } else {
        file.write_all_at(&number.to_le_bytes(), at).expect("a word");
    }
}

fn send(random: &mut Random, tx: &mut Sender) {
    let message = vec![7; random.below(500) as usize];
    match random.below(7) {
        0 => drop(tx.try_send(&message)),
        1 => drop(tx.send_timeout(&message, MOMENT)),
        2 => drop(tx.send_timeout(&message, Duration::ZERO)),
        3 => {
            if let Ok(mut claim) = tx.try_claim(random.below(80) as usize) {
                let len = claim.len();
                claim.fill(3);
                if random.below(2) == 0 {
                    claim.commit(len);
                }
            }
        }
        4 => drop(tx.claim_timeout(random.below(60) as usize, MOMENT).map(|claim| claim.commit_all())),
        5 => drop((tx.len(), tx.is_disconnected(), format!("{tx:?}"))),
        _ => {
            // Within the room that there may be: a writer has no deadline.
            let mut writer = tx.writer((random.below(2) == 0).then_some(20));
            if random.below(20) == 0 {
                let _ = writer.flush();
            }
            drop(writer);
        }
    }
}

fn receive(random: &mut Random, rx: &mut Receiver) {
    let mut message = Vec::new();
    match random.below(8) {
        0 => drop(rx.try_recv()),
        1 => drop(rx.recv_into_timeout(&mut message, MOMENT)),
        2 => drop(rx.try_recv_into(&mut message)),
        3 => {
            if let Ok(guard) = rx.try_recv_ref() {
                let bytes = guard.iter().map(|byte| u64::from(*byte)).sum::<u64>();
                assert!(bytes <= 255 * guard.len() as u64);
                if random.below(2) == 0 {
                    guard.commit();
                }
            }
        }
        4 => drop(rx.recv_ref_timeout(MOMENT)),
        5 => drop((rx.len(), rx.is_disconnected(), format!("{rx:?}"))),
        6 => rx.set_limit(random.below(1000)),
        _ => {
            // Of what is there at once: a reader has no deadline.
            if let Ok(mut reader) = rx.reader_timeout(Duration::ZERO) {
                if reader.len_hint().is_none_or(|len| len > 0) {
                    let n = reader.fill_buf().map_or(0, <[u8]>::len);
                    let consumed = random.below(n as u64 + 2) as usize;
                    reader.consume(consumed);
                    // Behind the last byte of a part it would wait for the next one.
                    if consumed < n {
                        let _ = reader.read(&mut [0; 1]);
                    }
                }
            }
        }
    }
}

fn round(random: &mut Random, dir: &Path) {
    let mut options = Options::new().dir(dir).capacity(64 + random.below(600) as usize);
    options = options.frame_bytes(24 + 8 * random.below(20) as usize).slice(MOMENT).wait(WaitStrategy::Sleep);
    if random.below(3) == 0 {
        options = options.placement(Placement::Inline).frame_bytes(64);
    }
    let mut tx = Sender::create_with(NAME, &options).ok();
    let mut rx = Receiver::open_with(NAME, &options).ok();
    let path = dir.join(NAME);
    let file = OpenOptions::new().read(true).write(true).open(&path).expect("the segment");
    for _ in 0..random.below(60) {
        match random.below(8) {
            0 => disturb(random, &file, tx.as_ref().map_or(0, |tx| tx.len() as u64)),
            1 if random.below(10) == 0 => tx = None,
            2 if random.below(10) == 0 => rx = None,
            3..5 => tx.iter_mut().for_each(|tx| send(random, tx)),
            _ => rx.iter_mut().for_each(|rx| receive(random, rx)),
        }
        if tx.is_none() {
            tx = Sender::open_with(NAME, &options).ok();
        }
        if rx.is_none() {
            rx = Receiver::open_with(NAME, &options).ok();
        }
    }
    drop((tx, rx));
    let _ = std::fs::remove_file(&path);
}

#[test]
fn whatever_is_written_into_the_segment_every_operation_returns() {
    let dir = Dir::new();
    let mut seeds = Random::new();
    let budget = Duration::from_secs(number("RINGWAY_HOSTILE_SECONDS", 3));
    let start = Instant::now();
    let mut rounds = 0;
    // A machine that has much else to do does fewer in the time.
    while start.elapsed() < budget || rounds < 50 {
        let seed = seeds.next();
        let place = dir.path().to_owned();
        in_time(&format!("the round with seed {seed}"), move || round(&mut Random::with(seed), &place));
        rounds += 1;
    }
    eprintln!("{rounds} rounds");
}

/// Runs a program. (What goes on for ever is ended by who reads this; what is too late or too much panics.)
fn runs(input: &[u8], directory: &Path, what: &str) {
    let hex = || input.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let input = input.to_owned();
    let result = std::panic::catch_unwind(|| bytes::run(&input, directory));
    assert!(result.is_ok(), "{what} fails: {}", hex());
}

fn from_hex(line: &str) -> Vec<u8> {
    let digits = |at| u8::from_str_radix(&line[at..at + 2], 16).expect("two digits");
    (0..line.len()).step_by(2).map(digits).collect()
}

#[test]
fn the_corpus_passes() {
    let directory = segment::directory();
    let mut count = 0;
    for entry in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hostile/corpus-bytes")).unwrap() {
        let path = entry.unwrap().path();
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            runs(&from_hex(line), &directory, &path.display().to_string());
            count += 1;
        }
    }
    assert!(count > 100, "the corpus is there");
    let _ = std::fs::remove_dir_all(directory);
}

/// Random programs for a while.
fn random_programs(run: impl Fn(&[u8], &Path, &str)) {
    let directory = segment::directory();
    let mut random = Random::new();
    let (end, mut count) = (Instant::now() + Duration::from_secs(number("RINGWAY_HOSTILE_SECONDS", 3)), 0);
    while Instant::now() < end || count < 50 {
        let len = 16 + random.below(300) as usize;
        let mut input: Vec<u8> = (0..len).map(|_| random.below(256) as u8).collect();
        // Most open both ends first, so that there is something to disturb.
        if random.below(8) != 0 {
            input[0] &= !2;
            input[3..5].copy_from_slice(&[11, 13]);
        }
        run(&input, &directory, &format!("program {count}"));
        count += 1;
    }
    println!("{count} programs");
    let _ = std::fs::remove_dir_all(directory);
}

#[test]
fn random_programs_pass() {
    random_programs(runs);
}

/// Faults 60 and 63.
#[test]
fn random_programs_pass_while_every_word_changes() {
    random_programs(|input, directory, _| bytes::run_in_a_storm(input, directory));
}

// What was found here, one by one.

/// A try went on for as long as more of a long message came, up to the receiver's limit, and meanwhile took nothing else: a
/// peer could keep it for ever that wrote as fast as it read.
#[test]
fn a_try_takes_no_more_than_was_there_though_more_keeps_coming() {
    const FILLED: u64 = 16_384 + 8;
    const FREED: u64 = 16_384 + 128;
    let dir = Dir::new();
    let options = Options::new().dir(dir.path()).members(4).operations(4).in_hand(4).lanes(1, 4096);
    let options = options.capacity(8).chunk_bytes(64);
    let tx = many::Sender::create_with(NAME, &options).unwrap();
    let mut rx = many::Receiver::open_with(NAME, &options).unwrap();
    rx.set_limit(10_000_000);
    let mut writer = tx.writer(None).unwrap();
    while writer.write_timeout(&[7; 1000], Duration::ZERO).is_ok() {}
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join(NAME)).unwrap();
    let load = |at| {
        let mut word = [0; 8];
        file.read_exact_at(&mut word, at).unwrap();
        u64::from_le_bytes(word)
    };
    let freed = || load(FREED);
    assert_eq!((rx.try_recv(), freed()), (Err(TryRecvError::Empty), 4096), "it has begun to receive it");
    let is_over = AtomicBool::new(false);
    let most = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Relaxed) {
                file.write_all_at(&(freed() + 4096).to_le_bytes(), FILLED).unwrap();
            }
        });
        support::until("it writes", || load(FILLED) == 8192);
        let (mut most, mut unexpected) = (0, None);
        let end = Instant::now() + Duration::from_millis(300);
        while Instant::now() < end {
            let before = freed();
            let got = rx.try_recv();
            most = most.max(freed().saturating_sub(before));
            match got {
                Err(TryRecvError::Empty) => {}
                // The kernel may write a number byte by byte, and half of one is none that can be.
                Err(TryRecvError::Disconnected) => break,
                // On a fast machine it is soon longer than may be.
                Err(TryRecvError::TooLong { .. }) => break,
                other => unexpected = Some(other),
            }
        }
        if unexpected.is_none() && !rx.is_disconnected() && tx.try_send(b"short").is_ok() {
            let got = rx.try_recv();
            if got != Err(TryRecvError::Disconnected) && got.as_deref() != Ok(&b"short"[..]) {
                unexpected = Some(got);
            }
        }
        is_over.store(true, Relaxed);
        assert_eq!(unexpected, None);
        most
    });
    assert!(most < 10_000, "{most} bytes in one try");
}

/// An annex, through which nothing comes, whose peer says that something does: how much of nothing is there was asked by a division.
#[test]
fn what_is_said_to_come_through_an_annex_is_corrupt() {
    let dir = Dir::new();
    let options = Options::new().dir(dir.path()).capacity(4).lanes(2, 8192).annexes(1);
    let tx = many::Sender::create_with(NAME, &options).unwrap();
    let rx = many::Receiver::open_with(NAME, &options).unwrap();
    tx.loan(100_000).unwrap().send().unwrap();
    let seen = ringway::observe::inspect(NAME, Some(dir.path()), 0).unwrap();
    let annex = seen.fields.iter().rfind(|field| field.name == "annex" && field.number() != Some(0)).expect("its word");
    // SPEC.md, Lanes: `own` is at 0, `filled` at 8, `annex` at 24.
    let lane = annex.at() - 24;
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join(NAME)).unwrap();
    let mut own = [0; 8];
    file.read_exact_at(&mut own, lane).unwrap();
    const OFFERED: u64 = 5;
    file.write_all_at(&(u64::from_le_bytes(own) & !0xff_ffff | OFFERED).to_le_bytes(), lane).unwrap();
    file.write_all_at(&(1_u64 << 63).to_le_bytes(), lane + 8).unwrap();
    assert_eq!(rx.recv(), Err(ringway::bytes::RecvError::Disconnected));
    assert_eq!(rx.disconnect_reason(), Some(ringway::DisconnectReason::Corrupt));
}

/// A tail that is more than a ring ahead made the ring look full to senders, who waited for ever, and held to receivers.
/// Fault 59.
#[test]
fn a_tail_that_has_run_away_is_corrupt() {
    const TAIL: u64 = 4096;
    for far in [9, 1 << 32, (1 << 55) + 1] {
        let dir = Dir::new();
        let options = Options::new().dir(dir.path()).capacity(8);
        let tx = ringway::mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let rx = ringway::mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        let other = ringway::mpmc::Sender::<u64>::open_with(NAME, &options).unwrap();
        let file = OpenOptions::new().write(true).open(dir.path().join(NAME)).unwrap();
        file.write_all_at(&u64::to_le_bytes(far), TAIL).unwrap();
        assert!(tx.send(1).is_err(), "{far}");
        assert_eq!(rx.recv(), Err(ringway::RecvError), "{far}");
        for reason in [tx.disconnect_reason(), rx.disconnect_reason()] {
            assert_eq!(reason, Some(ringway::DisconnectReason::Corrupt), "{far}");
        }
        assert_eq!(other.disconnect_reason(), None);
    }
}

/// A head that is beyond the tail made the ring look empty for ever.
/// Fault 59.
#[test]
fn a_head_that_has_run_away_is_corrupt() {
    const HEAD: u64 = 4224;
    for far in [1, 9, 1 << 32, (1 << 62) + 3] {
        let dir = Dir::new();
        let options = Options::new().dir(dir.path()).capacity(8);
        let tx = ringway::mpmc::Sender::<u64>::create_with(NAME, &options).unwrap();
        let rx = ringway::mpmc::Receiver::<u64>::open_with(NAME, &options).unwrap();
        let file = OpenOptions::new().write(true).open(dir.path().join(NAME)).unwrap();
        file.write_all_at(&u64::to_le_bytes(far), HEAD).unwrap();
        assert_eq!(rx.recv(), Err(ringway::RecvError), "{far}");
        assert_eq!(rx.disconnect_reason(), Some(ringway::DisconnectReason::Corrupt), "{far}");
        assert_eq!(tx.disconnect_reason(), None);
    }
}

/// Each of the turns that a try gives to who is in the middle of an operation lasts as long as all that the machine has to do:
/// on a busy one a try took ten seconds.
#[test]
fn a_try_is_over_soon_on_a_busy_machine_though_somebody_stands_still_in_between() {
    let dir = Dir::new();
    let options = Options::new().dir(dir.path()).members(4).operations(4).in_hand(4).lanes(1, 4096).capacity(8);
    let _tx = many::Sender::create_with(NAME, &options).unwrap();
    let rx = many::Receiver::open_with(NAME, &options).unwrap();
    let file = OpenOptions::new().read(true).write(true).open(dir.path().join(NAME)).unwrap();
    // A member that lives has announced the first position, and claimed it: the last record, the tail.
    let record = 8192 + 4 * 128 + 3 * 128;
    for (at, word) in [(record, 1_u64 << 32 | 1), (record + 8, 1), (4096, 1)] {
        file.write_all_at(&word.to_le_bytes(), at).unwrap();
    }
    let is_over = AtomicBool::new(false);
    let took = std::thread::scope(|scope| {
        for _ in 0..32 * std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while !is_over.load(Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let start = Instant::now();
        let got = rx.try_recv();
        is_over.store(true, Relaxed);
        assert_eq!(got, Err(TryRecvError::Empty));
        start.elapsed()
    });
    assert!(took < Duration::from_secs(3), "one try took {took:?}");
}
