//! Looking from outside, through the library: every field where the document has it, what is wrong where it is wrong, and
//! nothing wrong with what correct peers do.

mod support;

use ringway::mpmc;
use ringway::observe::{self, Inspection, MemberState, Page};
use ringway::spsc::{Receiver, Sender};
use ringway::stream::{Reader, Writer};
use ringway::{OpenError, Options, Placement, WaitStrategy};
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;
use support::{Dir, Random, until};

const NAME: &str = "seen";
const SPEC: &str = include_str!("../src/layout/SPEC.md");

fn inspect(dir: &Dir, words: usize) -> Inspection {
    observe::inspect(NAME, Some(dir.path()), words).expect("a file of ours")
}

fn number(seen: &Inspection, page: Page, name: &str) -> u64 {
    seen.field(page, name).and_then(|field| field.number()).unwrap_or_else(|| panic!("a number: {name}"))
}

/// The fields at which something is wrong.
fn blamed(seen: &Inspection) -> Vec<&'static str> {
    seen.fields.iter().filter(|field| field.problem.is_some()).map(|field| field.name).collect()
}

/// A channel for ten messages of eight bytes, seven to a frame.
fn ten(dir: &Dir) -> Options {
    dir.options().capacity(10).placement(Placement::Inline)
}

/// Writes into the channel's file, past all rules.
fn put(dir: &Dir, at: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(dir.path().join(NAME)).unwrap();
    file.write_all_at(bytes, at).unwrap();
}

// The document.

/// Page, offset, bytes, name and writer of every field, from the tables of SPEC.md; of a member, of each.
fn told(is_many: bool) -> Vec<(&'static str, u64, u64, String, String)> {
    let mut told = Vec::new();
    let pages: [(&str, &'static str); 3] = if is_many {
        [("## The header", "header"), ("### The shared page", "shared page"), ("### A member's entry", "member")]
    } else {
        [("## The header", "header"), ("## The producer's page", "producer"), ("## The consumer's page", "consumer")]
    };
    for (heading, page) in pages {
        let section = SPEC.split_once(&format!("\n{heading}\n")).expect("the heading").1;
        let section = section.split("\n##").next().unwrap();
        for line in section.lines() {
            let cells: Vec<&str> =
                line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect();
            if let (7, Ok(offset)) = (cells.len(), cells[0].parse()) {
                told.push((page, offset, cells[1].parse().unwrap(), cells[3].to_owned(), cells[4].to_owned()));
            }
        }
    }
    assert!(told.len() > 35, "the tables are found");
    told
}

#[test]
fn an_inspection_has_every_field_of_the_document_where_it_is_told_to_be() {
    let dir = Dir::new();
    let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let seen = inspect(&dir, 0);
    let fields = seen.fields.iter();
    let fields: Vec<_> = fields
        .map(|field| (field.page.name(), field.offset, field.bytes, field.name.to_owned(), field.writer.to_owned()))
        .collect();
    assert_eq!(fields, told(false));
    values_are_there(&seen);
}

/// The values are those that lie there.
fn values_are_there(seen: &Inspection) {
    let file = fs::read(&seen.path).unwrap();
    for field in &seen.fields {
        let at = field.at() as usize;
        assert_eq!(field.raw, file[at..at + field.bytes as usize], "{}", field.name);
        assert!(!field.meaning.is_empty());
    }
}

#[test]
fn so_has_one_of_many_to_many() {
    let dir = Dir::new();
    let _tx = mpmc::Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let seen = inspect(&dir, 0);
    let fields = seen.fields.iter();
    let fields: Vec<_> = fields
        .map(|field| (field.page.name(), field.offset, field.bytes, field.name.to_owned(), field.writer.to_owned()))
        .collect();
    assert_eq!(fields, told(true), "one member, and no record or hand was ever used");
    values_are_there(&seen);
}

// Sound segments.

#[test]
fn known_traffic_is_told_field_by_field() {
    let dir = Dir::new();
    let mut tx = Sender::<u64>::create_with(NAME, &ten(&dir).type_tag(0x77)).unwrap();
    let mut rx = Receiver::<u64>::open_with(NAME, &dir.options().type_tag(0x77)).unwrap();
    for message in 0..12 {
        tx.send(message).unwrap();
        if message < 4 {
            rx.recv().unwrap();
        }
    }
    let seen = inspect(&dir, usize::MAX);
    assert_eq!(seen.wrong(), Vec::<String>::new());
    assert_eq!(seen.file_bytes, fs::metadata(&seen.path).unwrap().len());
    for (name, value) in [("capacity", 10), ("type_size", 8), ("type_align", 8), ("type_tag", 0x77), ("per", 7)] {
        assert_eq!(number(&seen, Page::Header, name), value, "{name}");
    }
    assert_eq!(seen.field(Page::Header, "kind").unwrap().text.as_deref(), Some("spsc"));
    let status = seen.field(Page::Producer, "status").unwrap().text.clone().unwrap();
    assert!(status.starts_with("generation 1 PRESENT"), "{status}");
    assert_eq!((number(&seen, Page::Producer, "tail"), number(&seen, Page::Consumer, "head")), (7, 4));
    assert_eq!(number(&seen, Page::Producer, "pid"), u64::from(std::process::id()));
    let started = seen.field(Page::Producer, "started").unwrap().text.clone().unwrap();
    assert!(started.ends_with(" s ago"), "{started}");
    let regions: Vec<_> = seen.regions.iter().map(|region| (region.name.as_deref().unwrap(), region.offset)).collect();
    assert_eq!(regions, [("Producer", 4096), ("Consumer", 8192), ("Frames", 12288)]);
    let locks: Vec<_> = seen.locks.iter().map(|lock| (lock.name.as_str(), lock.is_held)).collect();
    assert_eq!(locks, [("gate", true), ("repairs", false), ("producer", true), ("consumer", true)]);
    let words = seen.words.unwrap();
    assert_eq!((words.head, words.tail, words.per, words.frames, words.list.len()), (4, 12, 7, 3, 3));
    let list: Vec<_> =
        words.list.iter().map(|word| (word.at, word.value, word.position, word.published, word.unreleased)).collect();
    assert_eq!(list, [(12288, 7, 0, 7, 3), (12352, 12, 7, 5, 5), (12416, 0, 0, 0, 0)]);
    assert_eq!(inspect(&dir, 2).words.unwrap().list.len(), 2);
    drop((tx, rx));
    assert!(observe::inspect(NAME, Some(dir.path()), 0).unwrap_err().is_not_found());
}

#[test]
fn nothing_is_wrong_with_a_segment_that_is_used_right_now() {
    let dir = Dir::new();
    let options = ten(&dir).wait(WaitStrategy::SpinThenSleep(Duration::ZERO));
    let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
    let mut rx = Receiver::<u64>::open_with(NAME, &options).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut next = 0;
            while !stop.load(Relaxed) {
                let _ = if next % 5 == 0 { tx.send(next).is_ok() } else { tx.send_many(&[next; 6]).is_ok() };
                next += 1;
            }
            drop(tx);
        });
        scope.spawn(|| {
            while let Ok(job) = rx.recv_ref() {
                job.commit();
                let _ = rx.try_recv_many(&mut [0; 4]);
            }
            drop(rx);
        });
        // Whatever fails here, the others are to end.
        let looks = std::panic::catch_unwind(|| {
            until("messages", || observe::stat(NAME, Some(dir.path())).is_ok_and(|seen| seen.received > 100));
            for _ in 0..2000 {
                let seen = inspect(&dir, 3);
                assert_eq!(seen.wrong(), Vec::<String>::new(), "{seen:#?}");
            }
        });
        stop.store(true, Relaxed);
        looks.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
}

#[test]
fn nothing_is_wrong_with_a_stream_from_its_beginning_to_its_end() {
    let dir = Dir::new();
    let options = dir.options().capacity(1000);
    let sound = |what: &str| assert_eq!(inspect(&dir, usize::MAX).wrong(), Vec::<String>::new(), "{what}");
    let mut writer = Writer::create_with(NAME, &options).unwrap();
    sound("made");
    let mut reader = Reader::open_with(NAME, &dir.options()).unwrap();
    sound("opened");
    let mut bytes = [0; 700];
    for _ in 0..5 {
        writer.write_all(&[7; 700]).unwrap();
        sound("written");
        reader.read_exact(&mut bytes).unwrap();
        sound("read");
    }
    writer.close();
    sound("closed");
    assert_eq!(reader.read(&mut bytes).unwrap(), 0);
    sound("finished");
    let seen = inspect(&dir, 0);
    assert_eq!((number(&seen, Page::Producer, "closed"), number(&seen, Page::Consumer, "finished")), (3501, 3501));
    drop(writer);
    sound("left");
}

// Damaged ones.

#[test]
fn what_is_wrong_with_a_header_is_said_at_its_field() {
    for (name, at, bytes, others) in [
        ("magic", 0, &b"RINGWAY"[..], &[][..]),
        ("version", 8, &[99], &[]),
        ("header_bytes", 12, &[1], &[]),
        ("order_mark", 16, &[4, 3, 2, 1], &[]),
        ("kind", 20, &[9], &["checksum"]),
        ("total_bytes", 24, &[0; 8], &["checksum"]),
        ("capacity", 48, &[0; 8], &["checksum"]),
        ("type_size", 56, &[0xff; 8], &["checksum"]),
        ("type_align", 64, &[3], &["checksum"]),
        ("per", 80, &[0; 8], &["checksum"]),
        ("frames", 88, &[0xff; 8], &["checksum"]),
        ("frame_bytes", 96, &[1], &["checksum"]),
        ("payload_offset", 104, &[9], &["checksum"]),
        ("placement", 112, &[0], &["checksum"]),
        ("lifetime", 116, &[0], &["checksum"]),
        ("regions", 120, &[200], &["checksum"]),
        ("checksum", 128, &[0; 8], &[]),
        ("state", 136, &[0], &[]),
        ("region_table", 264, &[1], &["checksum"]),
    ] {
        let dir = Dir::new();
        let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
        put(&dir, at, bytes);
        let seen = inspect(&dir, usize::MAX);
        let mut expected = vec![name];
        expected.extend(others);
        expected.sort_unstable();
        let mut blamed = blamed(&seen);
        blamed.sort_unstable();
        assert_eq!(blamed, expected, "{:?}", seen.wrong());
        assert!(observe::stat(NAME, Some(dir.path())).is_err(), "{name}: what is wrong is refused");
    }
}

#[test]
fn a_damage_does_not_hide_the_next() {
    let dir = Dir::new();
    let mut tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    tx.send(1).unwrap();
    for at in [0, 16, 116, 136] {
        put(&dir, at, &[0x55]);
    }
    put(&dir, 8192 + 128, &9_u64.to_le_bytes());
    let seen = inspect(&dir, 1);
    assert_eq!(blamed(&seen), ["magic", "order_mark", "lifetime", "checksum", "state", "credit"], "{:?}", seen.wrong());
    // The geometry is whole, so the words are found all the same.
    assert_eq!(seen.words.unwrap().list[0].value, 1);
}

#[test]
fn what_is_wrong_with_a_page_is_said_at_its_field() {
    const PRODUCER: u64 = 4096;
    const CONSUMER: u64 = 8192;
    for (page, name, at, value) in [
        (Page::Producer, "tail", PRODUCER, 11),
        (Page::Producer, "tail", PRODUCER, u64::MAX),
        (Page::Producer, "status", PRODUCER + 128, 1 << 7),
        (Page::Producer, "status", PRODUCER + 128, 1),
        (Page::Consumer, "head", CONSUMER, 1 << 56),
        (Page::Consumer, "head", CONSUMER, u64::MAX),
        (Page::Consumer, "taken", CONSUMER + 8, 11),
        (Page::Consumer, "credit", CONSUMER + 128, 1),
        (Page::Consumer, "status", CONSUMER + 256, u64::MAX),
    ] {
        let dir = Dir::new();
        let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
        put(&dir, at, &u64::to_le_bytes(value));
        let seen = inspect(&dir, usize::MAX);
        let problem = &seen.field(page, name).unwrap().problem;
        assert!(problem.is_some(), "{name} = {value:#x}: {:?}", seen.wrong());
    }
    for (page, name, at) in [(Page::Producer, "closed", PRODUCER + 8), (Page::Consumer, "finished", CONSUMER + 24)] {
        let dir = Dir::new();
        let _writer = Writer::create_with(NAME, &dir.options().capacity(100)).unwrap();
        put(&dir, at, &u64::to_le_bytes(5));
        assert!(inspect(&dir, 0).field(page, name).unwrap().problem.is_some(), "{name}");
    }
}

#[test]
fn words_that_cannot_be_are_told() {
    // 22 would be a word of this frame, a lap later; the others never.
    for (value, is_told) in [(8, true), (11, true), (22, false), (u64::MAX, true), (1 << 56, true)] {
        let dir = Dir::new();
        let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
        put(&dir, 12288, &u64::to_le_bytes(value));
        let seen = inspect(&dir, 3);
        assert!(seen.problems.iter().any(|problem| problem.contains("beyond its frame's end")), "{:?}", seen.wrong());
        assert_eq!(seen.words.as_ref().unwrap().list[0].problem.is_some(), is_told, "{value}: {:?}", seen.wrong());
        assert!(!seen.wrong().is_empty());
    }
}

#[test]
fn files_of_any_length_are_looked_at() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let whole = fs::read(tx.path().unwrap()).unwrap();
    drop(tx);
    let path = dir.path().join(NAME);
    for len in [0, 1, 7, 8, 12, 140, 4095, 4096, 4100, 8191, 8192, 12287, 12288, 12290, whole.len() - 1] {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path).unwrap();
        file.write_all(&whole[..len]).unwrap();
        let seen = inspect(&dir, usize::MAX);
        assert_eq!((seen.file_bytes, seen.fields.len()), (len as u64, told(false).len()));
        let missing = seen.fields.iter().filter(|field| field.at() + field.bytes > len as u64);
        for field in missing {
            assert_eq!(field.problem.as_deref(), Some("the file ends before it"), "{len} {}", field.name);
            assert_eq!((field.number(), &field.text), (None, &None), "{len} {}", field.name);
        }
        assert_eq!(seen.problems.contains(&"the file is empty".to_owned()), len == 0);
        assert!(!seen.wrong().is_empty(), "{len} bytes");
    }
}

#[test]
fn any_bytes_can_be_inspected() {
    let dir = Dir::new();
    let tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let whole = fs::read(tx.path().unwrap()).unwrap();
    drop(tx);
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(dir.path().join(NAME)).unwrap();
    let mut random = Random::new();
    for _ in 0..2000 {
        let mut bytes = whole.clone();
        for _ in 0..1 + random.below(4) {
            // The fields' own places, and words of any size in them.
            let at = [0, 4096, 8192, 12288][random.below(4) as usize] + random.below(67) as usize * 8;
            let word = random.next() >> (random.below(8) * 8);
            bytes[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
        if random.below(4) == 0 {
            bytes.truncate(random.below(bytes.len() as u64) as usize);
        }
        file.write_all_at(&bytes, 0).unwrap();
        file.set_len(bytes.len() as u64).unwrap();
        let seen = inspect(&dir, 100);
        // Who says that nothing is wrong agrees with who opens.
        if seen.wrong().is_empty() {
            observe::stat(NAME, Some(dir.path())).expect("a sound segment");
        }
    }
}

#[test]
fn what_is_no_file_of_ours_is_an_error() {
    let dir = Dir::new();
    fs::create_dir(dir.path().join("directory")).unwrap();
    nix::unistd::mkfifo(&dir.path().join("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", dir.path().join("link")).unwrap();
    for name in ["directory", "fifo", "link", "nothing", "a/b", ""] {
        let error = observe::inspect(name, Some(dir.path()), 1).expect_err(name);
        assert!(matches!(error, OpenError::Segment(_)), "{name}: {error:?}");
    }
}

// Ends and rates.

#[test]
fn an_end_that_sleeps_is_told_from_one_that_does_not() {
    let dir = Dir::new();
    let mut tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let sleeper = dir.options().wait(WaitStrategy::Sleep);
    let mut rx = Receiver::<u64>::open_with(NAME, &sleeper).unwrap();
    let stat = || observe::stat(NAME, Some(dir.path())).unwrap();
    let awake = stat();
    let [sender, receiver] = [awake.sender, awake.receiver].map(|end| end.expect("an end of one"));
    assert!(!sender.is_asleep && !receiver.is_asleep && !receiver.is_quiet);
    std::thread::scope(|scope| {
        scope.spawn(|| assert_eq!(rx.recv(), Ok(7)));
        until("the receiver sleeps", || stat().receiver.is_some_and(|end| end.is_asleep));
        assert!(!stat().sender.is_some_and(|end| end.is_asleep));
        tx.send(7).unwrap();
    });
    until("it does no more", || !stat().receiver.is_some_and(|end| end.is_asleep));
    rx.set_wait(WaitStrategy::Spin);
    assert!(
        stat().receiver.is_some_and(|end| end.is_quiet)
            && !stat().receiver.is_some_and(|end| end.is_mute)
            && !stat().sender.is_some_and(|end| end.is_quiet)
    );
    drop(rx);
    let left = stat().receiver.unwrap();
    assert_eq!((left.state, left.is_asleep, left.is_quiet), (MemberState::Left, false, false));
}

#[test]
fn rates_are_of_one_instance() {
    let dir = Dir::new();
    let stat = || observe::stat(NAME, Some(dir.path())).unwrap();
    let second = Duration::from_secs(1);
    let mut tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let before = stat();
    let idle = stat().rates_since(&before, second).unwrap();
    assert_eq!((idle.sent_per_second, idle.received_per_second), (0.0, 0.0));
    tx.send_many(&[1; 8]).unwrap();
    let busy = stat().rates_since(&before, 2 * second).unwrap();
    assert_eq!((busy.sent_per_second, busy.received_per_second), (4.0, 0.0));
    assert_eq!(stat().rates_since(&before, Duration::ZERO), None);
    drop(tx);
    let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    assert_eq!(stat().rates_since(&before, second), None, "another instance");
}

#[test]
fn geometry_and_type_are_told() {
    let dir = Dir::new();
    let _tx = Sender::<u64>::create_with(NAME, &ten(&dir)).unwrap();
    let seen = observe::stat(NAME, Some(dir.path())).unwrap();
    assert_eq!((seen.frames, seen.per_frame, seen.frame_bytes, seen.placement.name()), (3, 7, 64, "inline"));
    let entries = observe::list(Some(dir.path())).unwrap();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].looked_at.elapsed() < support::PATIENCE);
}
