//! `ringway recv --records` beside a sender that sends any bytes, gives up in the middle, and then writes any word.
//!
//! What it may send is written as it came, a newline behind each; whatever it writes, the program does not panic, is not killed, keeps
//! its memory, and goes when it is told to. (`RINGWAY_SEED` repeats it, `RINGWAY_SECONDS` makes it longer.)
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;
mod support;

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::Signal;
use process::{Directory, start};
use ringway::bytes::mpmc::Sender;
use ringway::{Options, observe};
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};
use support::{Random, number};

const NAME: &str = "records";
/// As the program tags its channels: "records" and a version.
const TAG: u64 = u64::from_le_bytes(*b"records2");

fn sender(directory: &Directory) -> Sender {
    let options = Options::new().dir(&directory.0).type_tag(TAG).capacity(64);
    Sender::create_with(NAME, &options).expect("a channel of records")
}

/// More memory than the program takes, in KiB, whatever it is told: the longest message here is shorter than half a MiB.
const MEMORY_MAX: i64 = 64 << 10;

/// No program that this process has started, and waited for, has had more memory than that at any time.
#[track_caller]
fn all_kept_their_memory() {
    let most = getrusage(UsageWho::RUSAGE_CHILDREN).expect("what they used").max_rss();
    println!("{most} KiB");
    assert!((1..MEMORY_MAX).contains(&most), "{most} KiB");
}

/// Any bytes, of any length up to more than a lane's.
fn message(random: &mut Random) -> Vec<u8> {
    let len = match random.below(6) {
        0 => 0,
        1 => random.below(113),
        2 => 4090 + random.below(20),
        3 => random.below(40_000),
        4 => (128 << 10) - 8 + random.below(16),
        _ => random.below(400_000),
    };
    let of = [b"\n\0{} \r\xff".as_slice(), b"abc"][random.below(2) as usize];
    (0..len).map(|_| of[random.below(of.len() as u64) as usize]).collect()
}

#[test]
fn what_is_sent_is_written_whatever_it_is() {
    let mut random = Random::new();
    for how in ["--records", "--at-least-once"] {
        let directory = Directory::new("any-bytes");
        let tx = sender(&directory);
        let mut receiving = start(&["recv", NAME, how, "--quiet", &directory.arg()]);
        let mut stdout = receiving.stdout();
        // A pipe that nobody reads would hold everything up.
        let reading = std::thread::spawn(move || {
            let mut written = Vec::new();
            stdout.read_to_end(&mut written).expect("its output");
            written
        });
        let mut expected = Vec::new();
        for _ in 0..120 {
            let message = message(&mut random);
            if random.below(4) == 0 {
                // Begun, and given up: nobody's.
                let mut writer = tx.writer(None).expect("a receiver");
                let _ = writer.write_timeout(&message, Duration::from_millis(20));
                drop(writer);
                continue;
            }
            tx.send(&message).expect("a receiver");
            expected.extend_from_slice(&message);
            expected.push(b'\n');
        }
        drop(tx);
        let ended = receiving.end_by_itself();
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""), "{how}");
        assert!(reading.join().expect("it reads") == expected, "{how}: not what was sent");
    }
    all_kept_their_memory();
}

/// Faults 60 and 61.
#[test]
fn whatever_is_written_into_the_segment_the_program_ends_when_it_is_told_to() {
    let mut random = Random::new();
    let end = Instant::now() + Duration::from_secs(number("RINGWAY_SECONDS", 3));
    let mut rounds = 0;
    while Instant::now() < end || rounds < 5 {
        let directory = Directory::new("any-words");
        let tx = sender(&directory);
        let how = ["--records", "--at-least-once"][rounds % 2];
        let receiving = start(&["recv", NAME, how, "--quiet", "--follow", &directory.arg()]);
        support::until("a receiver", || tx.receiver_count() > 0);
        let seen = observe::inspect(NAME, Some(&directory.0), 0).expect("a channel");
        let words: Vec<u64> = seen.fields.iter().map(|field| field.at() & !7).filter(|at| *at >= 4096).collect();
        let file = File::options().write(true).open(directory.0.join(NAME)).expect("its file");
        for _ in 0..200 {
            let at = words[random.below(words.len() as u64) as usize];
            let word = [random.next(), 0, u64::MAX, random.below(300), 1 << random.below(64)];
            file.write_all_at(&word[random.below(5) as usize].to_le_bytes(), at).expect("a word");
            let _ = tx.try_send(&message(&mut random)[..0]);
            let _ = tx.try_send(&[7; 100]);
        }
        drop(tx);
        // It may have ended by itself, with an error.
        receiving.signal(Signal::SIGTERM);
        let ended = receiving.end();
        let is_told = ended.code == 0 || ended.code == 1 || ended.code == 128 + 15;
        assert!(is_told && !ended.stderr.contains("panicked"), "{how}: {ended:?}");
        rounds += 1;
    }
    println!("{rounds} rounds");
    all_kept_their_memory();
}
