//! Any bytes as a segment, and a peer that writes any word at any time.
//!
//! One input is a short program: how the segment comes to be (made by the library, or of the input's own bytes), then
//! operations of the public interface between which words of the file are overwritten. Whatever it says, an operation
//! returns: no panic, no wait, no memory beyond the message, nothing outside of the segment. What it returns does not
//! matter, but what is private to a handle must still hold.
//!
//! `fuzz/fuzz_targets/segment.rs` gives it libFuzzer's inputs; `tests/hostile.rs` random ones and the committed corpus.

#[allow(dead_code)] // what others need
#[path = "input.rs"]
mod input;
mod many;

pub(crate) use input::{Input, another, directory, hold_gate};
use ringway::spsc::{Receiver, Sender};
use ringway::stream::{Reader, Writer};
use ringway::{Absent, Options, Payload, Placement, WaitStrategy, observe};
use std::fs::{File, OpenOptions};
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

const NAME: &str = "hostile";
const PAGE: u64 = 4096;
/// No input does more than this.
const OPERATIONS: usize = 96;

/// Where the words of the two control pages lie (SPEC.md), and some frames.
pub(crate) const WORDS: [u64; 32] = [
    4096, 4104, 4224, 4232, 4352, 4360, 4480, 4488, 8192, 8200, 8208, 8216, 8320, 8448, 8456, 8576, 8584, 8704, 8712,
    12288, 12296, 12304, 12320, 12352, 12416, 12480, 12544, 12608, 12672, 12736, 12800, 16384,
];

/// Runs one input in the directory.
pub(crate) fn run(input: &[u8], directory: &Path) {
    let mut input = Input(input);
    let path = directory.join(NAME);
    let _ = std::fs::remove_file(&path);
    let how = input.byte();
    let held = if how & 0x80 != 0 { raw(&mut input, &path) } else { made(how, &mut input, directory, &path) };
    if let Some(file) = &held {
        // As an attached process does it; a segment that nobody holds would be removed when it is opened.
        hold_gate(file);
    }
    match how & 7 {
        0 => messages::<u64>(how, &mut input, directory, &path),
        1 => messages::<()>(how, &mut input, directory, &path),
        2 => messages::<[u8; 3]>(how, &mut input, directory, &path),
        3 => messages::<[u64; 70]>(how, &mut input, directory, &path),
        4 => messages::<u128>(how, &mut input, directory, &path),
        6 => many::messages::<u64>(how, &mut input, directory, &path),
        7 => many::messages::<[u8; 3]>(how, &mut input, directory, &path),
        _ => bytes(how, &mut input, directory, &path),
    }
    drop(held);
    let _ = std::fs::remove_file(&path);
}

/// The version of the format that the library reads, as the document tells it.
pub(crate) fn version() -> u32 {
    let spec = include_str!("../../src/layout/SPEC.md");
    let line = spec.lines().find_map(|line| line.strip_prefix("Version ")).expect("a line that tells it");
    line.split('.').next().and_then(|number| number.parse().ok()).expect("a number")
}

/// The input's own bytes as the file, with as much of a header put right as the input asks for.
fn raw(input: &mut Input<'_>, path: &Path) -> Option<File> {
    let (fix, pages) = (input.byte(), u64::from(input.byte() % 9));
    let len = if fix & 1 != 0 { pages * PAGE } else { u64::from(input.byte()) * 67 };
    let mut page = vec![0_u8; 4096];
    let given = input.0.len().min(400);
    page[..given].copy_from_slice(&input.0[..given]);
    input.0 = &input.0[given..];
    if fix & 2 != 0 {
        page[..8].copy_from_slice(b"ringway\0");
        page[8..12].copy_from_slice(&version().to_le_bytes());
        page[12..16].copy_from_slice(&4096_u32.to_le_bytes());
        page[16..20].copy_from_slice(&[1, 2, 3, 4]);
        let lifetime: u32 = if fix & 16 != 0 { 2 } else { 1 };
        page[116..120].copy_from_slice(&lifetime.to_le_bytes());
        page[136..140].copy_from_slice(&1_u32.to_le_bytes());
    }
    if fix & 4 != 0 {
        page[24..32].copy_from_slice(&len.to_le_bytes());
    }
    if fix & 8 != 0 {
        let sum = page.iter().enumerate().fold(0xcbf2_9ce4_8422_2325_u64, |sum, (index, byte)| {
            let byte = if (128..136).contains(&index) { 0 } else { *byte };
            (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        page[128..136].copy_from_slice(&sum.to_le_bytes());
    }
    if fix & 32 != 0 {
        given_by_descriptor(input, &page, len);
    }
    let mut options = OpenOptions::new();
    let file = options.read(true).write(true).create_new(true).mode(0o600).open(path).ok()?;
    page.truncate(usize::try_from(len).unwrap_or(4096));
    file.write_all_at(&page, 0).ok()?;
    file.set_len(len).ok()?;
    Some(file)
}

/// The same bytes as a memfd with seals of any sort, or something else, which an end is to open by its descriptor.
fn given_by_descriptor(input: &mut Input<'_>, page: &[u8], len: u64) {
    use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl, open};
    use nix::sys::memfd::{MFdFlags, memfd_create};
    let (sort, seals) = (input.byte(), input.byte());
    let memory = || {
        let file = File::from(memfd_create("hostile", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).ok()?);
        file.write_all_at(&page[..page.len().min(usize::try_from(len).ok()?)], 0).ok()?;
        file.set_len(len).ok()?;
        hold_gate(&file);
        let _ = fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::from_bits_truncate(i32::from(seals) & 0x3f)));
        Some(std::os::fd::OwnedFd::from(file))
    };
    let other = |path: &str, flags: OFlag| open(path, flags | OFlag::O_CLOEXEC, nix::sys::stat::Mode::S_IRWXU).ok();
    let given = match sort % 12 {
        0 => nix::unistd::pipe().ok().map(|(reading, _)| reading),
        1 => other("/", OFlag::O_DIRECTORY),
        2 => other("/dev/zero", OFlag::O_RDWR),
        3 => other("/dev/shm", OFlag::O_TMPFILE | OFlag::O_RDWR),
        4 => other("/proc/self/maps", OFlag::O_RDONLY),
        5 => other("/", OFlag::O_PATH),
        6 => std::os::unix::net::UnixStream::pair().ok().map(|(one, _)| one.into()),
        _ => memory(),
    };
    let Some(given) = given else { return };
    let options = Options::new().backing(ringway::Backing::Descriptor(std::sync::Arc::new(given)));
    match sort >> 5 {
        0 => drop(Sender::<u64>::open_with(NAME, &options).map(|mut tx| tx.try_send(1).is_ok())),
        1 => drop(Receiver::<u64>::open_with(NAME, &options).map(|mut rx| rx.try_recv().is_ok())),
        2 => drop(ringway::mpmc::Sender::<u64>::open_with(NAME, &options).map(|tx| tx.try_send(1).is_ok())),
        3 => drop(ringway::mpmc::Receiver::<u64>::open_with(NAME, &options).map(|rx| rx.try_recv().is_ok())),
        4 => drop(ringway::bytes::spsc::Receiver::open_with(NAME, &options).map(|mut rx| rx.try_recv().is_ok())),
        5 => drop(ringway::bytes::mpmc::Receiver::open_with(NAME, &options).map(|rx| rx.try_recv().is_ok())),
        6 => drop(Reader::open_with(NAME, &options).map(|mut reader| reader.fill_buf_timeout(Duration::ZERO).is_ok())),
        _ => drop(Writer::open_with(NAME, &options).map(Writer::abort)),
    }
}

fn shape(input: &mut Input<'_>, directory: &Path) -> Options {
    let capacity = input.byte();
    let shape = input.byte();
    let mut options = Options::new().dir(directory).capacity(usize::from(capacity % 40) + 1);
    options = options.persistent(capacity >= 200);
    if shape & 1 != 0 {
        options = options.placement(if shape & 2 != 0 { Placement::Inline } else { Placement::Table });
    }
    if shape & 4 != 0 {
        options = options.frame_bytes(usize::from(shape >> 3) * 8);
    }
    options
}

/// A segment that the library makes, kept by a descriptor of ours.
fn made(how: u8, input: &mut Input<'_>, directory: &Path, path: &Path) -> Option<File> {
    let options = shape(input, directory);
    fn hold<E>(end: Result<E, ringway::OpenError>, path: &Path) -> Option<File> {
        let end = end.ok()?;
        let file = OpenOptions::new().read(true).write(true).open(path).ok()?;
        // Before its maker leaves, or it would take the segment along.
        hold_gate(&file);
        drop(end);
        Some(file)
    }
    match how & 7 {
        0 => hold(Sender::<u64>::create_with(NAME, &options), path),
        1 => hold(Sender::<()>::create_with(NAME, &options), path),
        2 => hold(Receiver::<[u8; 3]>::create_with(NAME, &options), path),
        3 => hold(Sender::<[u64; 70]>::create_with(NAME, &options), path),
        4 => hold(Receiver::<u128>::create_with(NAME, &options), path),
        6 => hold(many::create::<u64>(options), path),
        7 => hold(many::create::<[u8; 3]>(options), path),
        _ => {
            // A stream's roles are taken once, so its maker must not have taken one: the words are put back.
            let file = hold(Writer::create_with(NAME, &options.persistent(false)), path)?;
            for page in [PAGE, 2 * PAGE] {
                file.write_all_at(&[0; 4096], page).ok()?;
            }
            Some(file)
        }
    }
}

/// Overwrites a word of the file as the input says; never its length.
fn scribble(input: &mut Input<'_>, path: &Path, words: &[u64]) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else { return };
    let len = file.metadata().map_or(0, |metadata| metadata.len());
    let (place, what) = (input.byte(), input.byte());
    let offset = match place {
        0..=0xdf => words[usize::from(place) % words.len()],
        _ => (input.number() & 0xffff) & !7,
    };
    if offset + 8 > len {
        return;
    }
    let mut old = [0; 8];
    let _ = file.read_at(&mut old, offset);
    let old = u64::from_le_bytes(old);
    let new = another(old, what, input);
    let _ = file.write_all_at(&new.to_le_bytes(), offset);
}

fn look(directory: &Path) {
    if let Ok(seen) = observe::stat(NAME, Some(directory)) {
        assert!(seen.depth <= seen.capacity);
        let _ = format!("{seen:?}");
    }
}

/// How an end waits and what it does alone, as bits of the input's first byte say.
fn manner(how: u8, directory: &Path) -> Options {
    let options = Options::new().dir(directory);
    let options = if how & 0x40 != 0 { options.wait(WaitStrategy::Spin) } else { options };
    match how >> 3 & 3 {
        0 => options.absent(Absent::Buffer),
        1 => options.absent(Absent::Fail),
        _ => options,
    }
}

fn messages<T: Payload + PartialEq>(how: u8, input: &mut Input<'_>, directory: &Path, path: &Path) {
    let options = manner(how, directory);
    let (mut tx, mut rx) = (None::<Sender<T>>, None::<Receiver<T>>);
    let mut batch = vec![T::zeroed(); 50];
    for _ in 0..OPERATIONS {
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        match operation % 40 {
            0..=9 => scribble(input, path, &WORDS),
            10 => look(directory),
            11 | 12 if tx.is_none() => tx = Sender::open_with(NAME, &options).ok(),
            13 | 14 if rx.is_none() => rx = Receiver::open_with(NAME, &options).ok(),
            11 => tx = None,
            13 => rx = None,
            15 => drop((observe::list(Some(directory)), observe::inspect(NAME, Some(directory), 64))),
            _ => {}
        }
        if let Some(tx) = &mut tx {
            let n = usize::from(operation >> 3) % 48;
            match operation % 40 {
                16 | 17 => drop(tx.try_send(T::zeroed())),
                18 => drop(tx.send_timeout(T::zeroed(), Duration::ZERO)),
                19 => drop(tx.try_send_many(&batch[..n])),
                20 => {
                    if let Ok(mut grant) = tx.try_reserve(n) {
                        assert!(grant.len() == n);
                        let filled = grant.fill(batch.iter().copied().take(n / 2));
                        assert_eq!(grant.runs_mut().map(|run| run.len()).sum::<usize>(), n);
                        grant.commit(filled);
                    }
                }
                21 => {
                    if let Ok(mut grant) = tx.try_reserve(n) {
                        grant.copy_from_slice(&batch[..n]);
                        grant.contiguous(3).fill(T::zeroed());
                        grant.iter_mut().for_each(|place| *place = T::zeroed());
                        grant.commit_all();
                    }
                }
                22 => tx.close(),
                37 => tx.set_wait(if operation & 0x40 != 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
                23 => drop(tx.wait_for_peer(Duration::ZERO)),
                24 => drop((tx.is_full(), tx.is_disconnected(), format!("{tx:?}"), tx.receiver_count())),
                _ => {}
            }
            assert!(tx.len() <= tx.capacity());
        }
        if let Some(rx) = &mut rx {
            let n = usize::from(operation >> 3) % 48;
            let capacity = rx.capacity();
            match operation % 40 {
                25 | 26 => drop(rx.try_recv()),
                27 => drop(rx.recv_timeout(Duration::ZERO)),
                28 => drop(rx.try_recv_many(&mut batch[..n])),
                29 => {
                    if let Ok(guard) = rx.try_recv_ref() {
                        assert!(guard.attempt() >= 1);
                        guard.commit();
                    }
                }
                30 => {
                    if let Ok(guard) = rx.recv_ref_timeout(Duration::ZERO) {
                        let _ = format!("{guard:?}");
                    }
                }
                31 | 32 => {
                    if let Ok(grant) = rx.try_read(n) {
                        assert!(grant.len() == n.max(1) && n <= capacity);
                        assert_eq!(grant.iter().count(), grant.len());
                        grant.copy_to_slice(&mut batch);
                        if operation & 0x40 != 0 {
                            grant.release(n / 2);
                        } else {
                            grant.release_all();
                        }
                    }
                }
                33 => rx.close(),
                38 => rx.set_wait(if operation & 0x40 != 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
                34 => drop(rx.wait_for_peer(Duration::ZERO)),
                35 => drop((rx.is_full(), rx.is_disconnected(), format!("{rx:?}"), rx.sender_count())),
                36 => drop(rx.try_iter().take(100).count()),
                _ => {}
            }
            assert!(rx.len() <= rx.capacity());
        }
    }
    look(directory);
}

fn bytes(how: u8, input: &mut Input<'_>, directory: &Path, path: &Path) {
    let options = manner(how, directory);
    let (mut writer, mut reader) = (None::<Writer>, None::<Reader>);
    let mut buffer = [7; 64];
    for _ in 0..OPERATIONS {
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        match operation % 32 {
            0..=9 => scribble(input, path, &WORDS),
            10 => look(directory),
            11 | 12 if writer.is_none() => writer = Writer::open_with(NAME, &options).ok(),
            13 | 14 if reader.is_none() => reader = Reader::open_with(NAME, &options).ok(),
            11 => writer = None,
            13 => reader = None,
            12 => {
                if let Some(writer) = writer.take() {
                    writer.abort();
                }
            }
            _ => {}
        }
        if let Some(writer) = &mut writer {
            let n = usize::from(operation >> 2);
            match operation % 32 {
                15 | 16 => {
                    let room = match writer.reserve_timeout(n, Duration::ZERO) {
                        Ok(Some(mut grant)) => {
                            grant.copy_from_slice(&buffer);
                            let len = grant.len();
                            grant.commit(len / 2);
                            len - len / 2
                        }
                        _ => 0,
                    };
                    if room > 0 {
                        // There is room, so this does not wait.
                        drop(writer.write(&buffer[..room.min(64)]));
                    }
                }
                17 => writer.close(),
                18 => drop(writer.wait_finished(Duration::ZERO)),
                19 => drop(writer.check()),
                20 => drop((writer.wait_for_peer(Duration::ZERO), format!("{writer:?}"))),
                _ => {}
            }
            assert!(writer.taken() <= writer.written());
        }
        if let Some(reader) = &mut reader {
            let capacity = reader.capacity();
            match operation % 32 {
                21 | 22 => {
                    let some = match reader.fill_buf_timeout(Duration::ZERO) {
                        Ok(Some(bytes)) => {
                            assert!(bytes.len() <= capacity);
                            bytes.len()
                        }
                        _ => 0,
                    };
                    reader.consume(some / 2);
                    if some > some / 2 {
                        // Something is left, so this does not wait.
                        drop(reader.read(&mut buffer));
                    }
                }
                23 => reader.consume(usize::from(operation)),
                24 => drop((reader.wait_for_peer(Duration::ZERO), format!("{reader:?}"))),
                _ => {}
            }
        }
    }
    look(directory);
    if let Some(writer) = writer {
        writer.abort();
    }
}
