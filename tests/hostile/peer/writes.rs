//! What the hostile peer can write, and when.
//!
//! # Safety
//!
//! A System V segment that stays attached as long as its words are written; they are written as atomic numbers.
#![allow(unsafe_code)]

use super::super::input::{Input, another};
use super::{NAME, SLACK, STEPS_MAX};
use nix::libc;
use ringway::{Backing, Options, observe};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

const PAGE: u64 = 4096;
/// Where a companion tells its segment's number (SPEC.md).
const SHM_ID: u64 = 200;

/// Where the channel lies.
pub(super) fn backed(options: Options, backing: u8, directory: &Path) -> Options {
    match backing % 4 {
        0 => options.dir(directory),
        1 => options.backing(Backing::File(directory.to_path_buf())),
        2 => options.dir(directory).backing(Backing::SystemV),
        // What comes by descriptor is opened by it.
        _ => options.backing(Backing::Memfd),
    }
}

/// What is written: a file, and, if it is a companion, the segment that it names.
#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    len: u64,
    twin: Option<Twin>,
    words: Vec<u64>,
}

#[derive(Debug)]
struct Twin {
    id: i32,
    start: *mut u8,
}

impl Drop for Twin {
    fn drop(&mut self) {
        // SAFETY: attached, and nobody has a reference.
        unsafe { libc::shmdt(self.start.cast()) };
        // Whoever has used it has removed it, but for what was written meanwhile.
        // SAFETY: a number, and no memory.
        unsafe { libc::shmctl(self.id, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

impl Twin {
    fn of(file: &File) -> Option<Self> {
        let mut id = [0; 4];
        file.read_exact_at(&mut id, SHM_ID).ok()?;
        let id = i32::from_le_bytes(id);
        // SAFETY: the kernel chooses where.
        let start = unsafe { libc::shmat(id, std::ptr::null(), 0) };
        (start.addr() != usize::MAX).then_some(Self { id, start: start.cast() })
    }

    fn word(&self, at: u64) -> &AtomicU64 {
        // SAFETY: inside the segment, as the caller has seen.
        let word = unsafe { self.start.add(at as usize) };
        // SAFETY: aligned, and attached as long as this is there.
        unsafe { AtomicU64::from_ptr(word.cast()) }
    }
}

impl Memory {
    /// The channel's of this name, which has just been made with `how`.
    pub(super) fn named(name: &str, directory: &Path, how: &[u8]) -> Option<Self> {
        let file = OpenOptions::new().read(true).write(true).open(directory.join(name)).ok()?;
        let (words, len) = words(name, directory, how);
        let is_companion = file.metadata().ok()?.len() < len;
        let twin = if is_companion { Some(Twin::of(&file)?) } else { None };
        Some(Self { file, len, twin, words })
    }

    /// A memfd's, by its descriptor.
    pub(super) fn of(descriptor: OwnedFd) -> Option<Self> {
        let file = File::from(descriptor);
        let len = file.metadata().ok()?.len();
        let words = (PAGE..(4 * PAGE).min(len)).step_by(128).flat_map(|line| [line, line + 8, line + 16]).collect();
        Some(Self { file, len, twin: None, words })
    }

    fn load(&self, at: u64) -> u64 {
        if let Some(twin) = &self.twin {
            return twin.word(at).load(Relaxed);
        }
        let mut word = [0; 8];
        let _ = self.file.read_at(&mut word, at);
        u64::from_le_bytes(word)
    }

    fn store(&self, at: u64, word: u64) {
        match &self.twin {
            Some(twin) => twin.word(at).store(word, Relaxed),
            None => _ = self.file.write_at(&word.to_le_bytes(), at),
        }
    }
}

/// Where words are that mean something.
type Words = (Vec<u64>, u64);

/// Where the fields of such a segment are, and the end of what the peer writes: what lies behind belongs to the C library, and whoever
/// can write there can make it do anything (`Waiter` says so).
fn words(name: &str, directory: &Path, how: &[u8]) -> Words {
    thread_local!(static KNOWN: RefCell<BTreeMap<Vec<u8>, Words>> = const { RefCell::new(BTreeMap::new()) });
    let look = || {
        let seen = observe::inspect(name, Some(directory), 8).expect("it was made");
        let fields = seen.fields.iter().map(|field| field.at() & !7).filter(|at| *at >= PAGE);
        let regions = seen.regions.iter().filter(|region| region.length > 0 && region.offset >= PAGE);
        let beds = seen.regions.iter().find(|region| region.name.as_deref() == Some("Dormitories"));
        let end = regions.clone().map(|region| region.offset + region.length).max().unwrap_or(PAGE);
        let end = beds.map_or(end, |region| region.offset);
        // And the front of each of the first entries.
        let fronts = regions.flat_map(|region| {
            (0..4).flat_map(|entry| [0, 8, 16, 24].map(|word| region.offset + entry * region.stride.max(64) + word))
        });
        (fields.chain(fronts).filter(|at| at + 8 <= end).collect(), end)
    };
    KNOWN.with_borrow_mut(|known| known.entry(how.to_vec()).or_insert_with(look).clone())
}

/// A word that becomes another at some step of a call.
#[derive(Debug, Clone, Copy)]
struct Write {
    before: u64,
    /// Before each step from then on.
    again: bool,
    place: u8,
    what: u8,
    number: u64,
}

/// The peer at work.
#[derive(Debug, Default)]
pub(super) struct Hostile {
    pub(super) memory: Option<Memory>,
    armed: Vec<Write>,
    steps: u64,
    is_counted: bool,
    is_active: bool,
    since: Option<Instant>,
    /// Words that were written over.
    pub(super) written: Cell<u64>,
}

impl Hostile {
    /// What is to be written during the next call.
    pub(super) fn arm(&mut self, input: &mut Input<'_>, is_counted: bool) {
        self.armed.clear();
        let count = input.byte();
        for _ in 0..count % 4 {
            let before = input.byte();
            let before = if before < 160 { u64::from(before) } else { (u64::from(before) - 150) * 16 };
            let (place, what) = (input.byte(), input.byte());
            // Far or exact places, and exact numbers, need more.
            let number = if place >= 192 || what & 15 > 13 { input.number() } else { 0 };
            self.armed.push(Write { before, again: count & 16 != 0, place, what, number });
        }
        (self.steps, self.is_counted, self.is_active) = (0, is_counted, true);
        self.since = Some(Instant::now());
    }

    /// Before a step.
    pub(super) fn step(&mut self) {
        if !self.is_active {
            return;
        }
        let now = self.steps;
        self.steps += 1;
        let is_endless = self.is_counted && self.steps > STEPS_MAX;
        if is_endless || self.steps % 4096 == 0 && self.since.is_some_and(|since| since.elapsed() > SLACK) {
            self.is_active = false;
            panic!("a call goes on after {} steps", self.steps);
        }
        for at in 0..self.armed.len() {
            let write = self.armed[at];
            if write.before == now || write.again && write.before <= now {
                self.write(write);
            }
        }
    }

    /// Behind the call: what it was too short for.
    pub(super) fn disarm(&mut self) {
        self.is_active = false;
        for write in std::mem::take(&mut self.armed) {
            if write.before >= self.steps {
                self.write(write);
            }
        }
    }

    fn write(&self, write: Write) {
        let Some(memory) = &self.memory else { return };
        let place = u64::from(write.place);
        let at = match write.place {
            0..192 => memory.words.get(write.place as usize % memory.words.len().max(1)).copied().unwrap_or(PAGE),
            192..244 => PAGE + (write.number >> 40) % (memory.len.saturating_sub(PAGE) / 8).max(1) * 8,
            // The header: nobody who is there looks at it again.
            _ => (write.number >> 48) % 512 * 8,
        };
        if at + 8 > memory.len {
            return;
        }
        let old = memory.load(at);
        let bytes = (write.number | place << 3).to_le_bytes();
        let new = match write.what {
            // Another state of the same: the low byte, and the low half, of most words.
            0xd0..=0xdf => old & !0xff | u64::from(write.what & 15),
            0xe0..=0xe7 => old & !0x3 | u64::from(write.what & 3),
            0xe8..=0xef => old & !0xffff_ffff | u64::from(write.place),
            _ => another(old, write.what, &mut Input(&bytes)),
        };
        memory.store(at, new);
        self.written.set(self.written.get() + 1);
    }
}

/// Something else under the name of one of the channel's files, or a name that stands for what a creator had begun.
pub(super) fn exchange_a_file(input: &mut Input<'_>, directory: &Path) {
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let (which, what) = (usize::from(input.byte()), input.byte());
    let Some(path) = paths.get(which % paths.len().max(1)) else { return };
    let is_file = std::fs::symlink_metadata(path).is_ok_and(|seen| seen.is_file());
    let content = if is_file { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
    let put = |path: &Path, content: &[u8]| {
        let mut options = OpenOptions::new();
        let options = std::os::unix::fs::OpenOptionsExt::mode(options.write(true).create_new(true), 0o600);
        let _ = options.open(path).map(|file| file.write_all_at(content, 0));
    };
    // Never shorter: a new file in its place, since those who have it mapped would die of it (`tests/sigbus.rs`).
    let remove = || _ = std::fs::remove_file(path).or_else(|_| std::fs::remove_dir(path));
    match what % 10 {
        0 => remove(),
        1 => {
            remove();
            put(path, &content[..content.len() / 2]);
        }
        2 => {
            remove();
            put(path, &[&content[..], &[0; 4096]].concat());
        }
        3 => {
            remove();
            put(path, &vec![0xff; content.len()]);
        }
        4 => {
            remove();
            let _ = std::os::unix::fs::symlink("/dev/null", path);
        }
        5 => {
            remove();
            let _ = std::fs::create_dir(path);
        }
        6 => {
            remove();
            let _ = nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU);
        }
        7 => _ = std::fs::hard_link(path, directory.join(format!("{NAME}-again"))),
        // What is left of a creator, and an annex, of some instance.
        8 => {
            let mut page = content;
            page.truncate(4096);
            for _ in 0..input.byte() % 8 {
                let (at, byte) = (usize::from(input.byte()), input.byte());
                page.get_mut(at).into_iter().for_each(|place| *place = byte);
            }
            let instance: String = page.iter().skip(32).take(6).map(|byte| format!("{byte:02x}")).collect();
            put(&directory.join(format!("{NAME}~{instance}.v")), &page);
        }
        _ => put(&directory.join(format!("{NAME}~{:012x}.{:x}.1", input.number() >> 16, input.byte())), &[0; 8192]),
    }
}
