//! The file that the other side passes, and what it writes there.
//!
//! # Safety
//!
//! A mapping of a file that cannot become shorter while it is mapped here, to which nobody has a reference: it is read and written as
//! atomic words.
#![allow(unsafe_code)]

use super::said::Part;
use crate::input::{Input, another};
use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl, open};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::stat::Mode;
use std::ffi::c_void;
use std::fs::File;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const PAGE: usize = 4096;
/// What the kernel calls the files of hand-overs, the library's and these.
const LABEL: &str = "ringway-handover";
/// The words of each half (SPEC.md), from its own beginning; behind the sender's page the words of frames, and frames.
const SENDERS: [u64; 12] = [4096, 4104, 4112, 4224, 4224, 4232, 4352, 4360, 12_288, 12_296, 12_328, 12_416];
const RECEIVERS: [u64; 11] = [0, 8, 16, 24, 32, 128, 256, 256, 264, 384, 392];

/// What this process has that a hand-over could leave behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Held {
    descriptors: usize,
    mappings: usize,
}

impl Held {
    pub(super) fn now() -> Self {
        let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
        let descriptors = std::fs::read_dir("/proc/self/fd").expect("/proc").count();
        Self { descriptors, mappings: maps.matches(LABEL).count() }
    }
}

/// Waits until nothing is left of what came since. (Descriptors that somebody else has chosen are closed by a thread of their own.)
pub(super) fn until_held(before: &Held) {
    let started = Instant::now();
    loop {
        let now = Held::now();
        if now.descriptors <= before.descriptors && now.mappings <= before.mappings {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "left behind: {now:?}, and there was {before:?}");
        std::thread::yield_now();
    }
}

pub(super) fn read(file: &OwnedFd, page: &mut [u8]) {
    let file = File::from(file.try_clone().expect("a descriptor"));
    file.read_exact_at(page, 0).unwrap_or_default();
}

/// What is passed.
#[derive(Debug)]
pub(super) struct Made {
    pub(super) passed: OwnedFd,
    /// The other side's half, if it is one.
    pub(super) half: Option<Half>,
    /// Whether it may be taken: nobody can change it but by its maker's stores, and it is as long as was said.
    pub(super) is_fit: bool,
}

/// The other side's own memory.
#[derive(Debug)]
pub(super) struct Half {
    part: Part,
    bytes: NonNull<c_void>,
    len: usize,
    life: OwnedFd,
}

impl Drop for Half {
    fn drop(&mut self) {
        // SAFETY: our mapping, to which nobody has a reference.
        let _ = unsafe { munmap(self.bytes, self.len) };
    }
}

impl Half {
    /// The file, mapped for its maker.
    fn of(file: &OwnedFd, part: Part, len: usize) -> Option<Self> {
        let protection = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let size = NonZeroUsize::new(len)?;
        // SAFETY: a new mapping, wherever the kernel likes.
        let bytes = unsafe { mmap(None, size, protection, MapFlags::MAP_SHARED, file, 0) }.ok()?;
        Some(Self { part, bytes, len, life: reopened(file, OFlag::O_RDWR)? })
    }

    fn word(&self, at: u64) -> Option<&AtomicU64> {
        let at = usize::try_from(at).ok().filter(|at| *at < self.len)? & !7;
        // SAFETY: inside the mapping, which has whole pages.
        let word = unsafe { self.bytes.cast::<u8>().add(at) };
        // SAFETY: aligned, and mapped for as long as this is borrowed; whoever else writes there, it is a number.
        Some(unsafe { AtomicU64::from_ptr(word.cast().as_ptr()) })
    }

    /// Takes the lock of its role, or lets it go.
    fn lock(&self, is_held: bool) {
        let byte = if self.part == Part::Sender { 2 } else { 3 };
        let kind = if is_held { libc::F_WRLCK } else { libc::F_UNLCK };
        let region = libc::flock {
            l_type: kind as libc::c_short,
            l_whence: libc::SEEK_SET as libc::c_short,
            l_start: (1 << 62) + byte,
            l_len: 1,
            l_pid: 0,
        };
        let _ = fcntl(&self.life, FcntlArg::F_OFD_SETLK(&region));
    }

    /// Writes a word, or comes and goes.
    pub(super) fn scribble(&self, input: &mut Input<'_>) {
        let place = input.byte();
        let at = match place {
            250.. => return self.lock(place & 1 == 0),
            225..250 => input.number() % self.len as u64,
            _ => {
                let words = if self.part == Part::Sender { &SENDERS[..] } else { &RECEIVERS[..] };
                words[usize::from(place) % words.len()]
            }
        };
        let Some(word) = self.word(at) else { return };
        let what = input.byte();
        let new = match what {
            // What is near what it should be: published, or released, one by one.
            0xe0..=0xff => word.load(Relaxed).wrapping_add(u64::from(what & 31)),
            _ => another(word.load(Relaxed), what, input),
        };
        word.store(new, Relaxed);
    }
}

fn reopened(file: &OwnedFd, access: OFlag) -> Option<OwnedFd> {
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    open(path.as_str(), access | OFlag::O_CLOEXEC, Mode::empty()).ok()
}

/// A memfd of `len` bytes that begins with `page`.
fn memory(page: &[u8], part: Part, len: u64, has_holes: u8) -> Option<OwnedFd> {
    // More is refused before it is looked at.
    let len = usize::try_from(len).ok().filter(|len| *len <= super::MAX_BYTES as usize + 2 * PAGE)?;
    let file = memfd_create(LABEL, MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).ok()?;
    nix::unistd::ftruncate(&file, len as i64).ok()?;
    let file = File::from(file);
    let status = (1_u64 << 32 | 1).to_le_bytes();
    let mut bytes = vec![0; len];
    match part {
        Part::Sender => {
            let front = page.len().min(len);
            bytes[..front].copy_from_slice(&page[..front]);
            put(&mut bytes, 4224, status);
        }
        Part::Receiver => put(&mut bytes, 256, status),
    }
    match has_holes {
        0 => file.write_all_at(&bytes, 0).ok()?,
        // Reserved only, nothing at all, or all but the last page.
        1 => fallocate(&file, FallocateFlags::empty(), 0, len as i64).ok()?,
        2 => {}
        _ => file.write_all_at(&bytes[..len.saturating_sub(PAGE)], 0).ok()?,
    }
    Some(file.into())
}

/// A file of this sort, of which `len` bytes were said.
pub(super) fn make(sort: u8, part: Part, page: &[u8], len: u64, input: &mut Input<'_>) -> Made {
    let other = |file: Option<OwnedFd>| {
        // Where this kernel has no such file there is the least that is one.
        let passed = file.unwrap_or_else(|| File::open("/dev/null").expect("a device").into());
        Made { passed, half: None, is_fit: false }
    };
    let seals = [SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_GROW, SealFlag::F_SEAL_FUTURE_WRITE, SealFlag::F_SEAL_SEAL];
    let all = seals.into_iter().fold(SealFlag::empty(), |all, seal| all | seal);
    let (len, holes) = match sort % 32 {
        6 => (len.saturating_add(PAGE as u64), 0),
        7 => (len.saturating_sub(PAGE as u64), 0),
        holes @ 8..=10 => (len, holes - 7),
        12 => (0, 0),
        13 => return other(nix::unistd::pipe().ok().map(|(reading, _)| reading)),
        14 => return other(File::open("/").ok().map(OwnedFd::from)),
        15 => return other(File::open("/dev/zero").ok().map(OwnedFd::from)),
        16 => return other(UnixStream::pair().ok().map(|(one, _)| one.into())),
        17 => return other(event()),
        18 => return other(File::open("/proc/self/maps").ok().map(OwnedFd::from)),
        19 => {
            let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
            return other(open("/dev/shm", flags, Mode::S_IRUSR | Mode::S_IWUSR).ok());
        }
        20 => {
            let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING | MFdFlags::MFD_HUGETLB;
            return other(memfd_create(LABEL, flags).ok());
        }
        _ => (len, 0),
    };
    let Some(file) = memory(page, part, len, holes) else { return other(None) };
    let half = Half::of(&file, part, len as usize);
    let sealed = match sort % 32 {
        1 => SealFlag::empty(),
        lacks @ 2..6 => all - seals[usize::from(lacks - 2)],
        _ => all,
    };
    let is_sealed = fcntl(&file, FcntlArg::F_ADD_SEALS(sealed)).is_ok() && sealed == all;
    if let Some(half) = &half {
        half.lock(sort % 32 != 23);
        if sort % 32 == 24 {
            (0..1 + input.byte() % 16).for_each(|_| half.scribble(input));
        }
    }
    let access = match sort % 32 {
        21 => OFlag::O_PATH,
        22 => OFlag::O_RDWR,
        25 => OFlag::O_WRONLY,
        _ => OFlag::O_RDONLY,
    };
    let Some(passed) = reopened(&file, access) else { return other(None) };
    // One that can only be written cannot be mapped.
    let is_fit = is_sealed && !matches!(sort % 32, 6..=10 | 12 | 21 | 25);
    Made { passed, half, is_fit }
}

fn event() -> Option<OwnedFd> {
    // SAFETY: no memory is passed.
    let made = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
    // SAFETY: a new descriptor, and nobody else's.
    (made >= 0).then(|| unsafe { OwnedFd::from_raw_fd(made) })
}

/// Puts a word there, if there is room for it.
fn put(bytes: &mut [u8], at: usize, word: [u8; 8]) {
    if let Some(room) = bytes.get_mut(at..at + 8) {
        room.copy_from_slice(&word);
    }
}
