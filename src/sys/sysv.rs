//! System V shared memory: segments that the kernel knows by a number, `shmget`, `shmat`, `shmctl`; and the renaming that their makers
//! need.
//!
//! A segment stays where it is until somebody removes it, and then until the last process has detached it. It has one length for
//! ever: nothing of it is ever cut off. Attachments are inherited by a forked child, and gone with `exec`.
//!
//! # Safety
//!
//! Attachments at addresses that the kernel chooses, each detached once. What is read in one is read word by word by atomic loads,
//! since other processes write there; what is written is written by its maker, while nobody else can know of it.
#![allow(unsafe_code)]

use super::file::Access;
use crate::sync::private::{AtomicU64, Ordering::Relaxed};
use crate::sync::step;
use nix::libc;
use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::ptr::NonNull;

/// In the mode of a segment: it has been removed, and goes with its last attachment. `libc` has no name for it.
const DEST: u32 = 0o1000;
/// What `ftok` is told beside the file.
const PROJECT: u32 = b'r' as u32;

/// What a segment is, as `shmctl(IPC_STAT)` tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Its owner.
    pub(crate) uid: u32,
    /// Its creator.
    pub(crate) creator: u32,
    /// The permission bits, 0o777 at most.
    pub(crate) mode: u32,
    pub(crate) len: u64,
    /// How many attachments there are.
    pub(crate) attached: u64,
    /// Whether it goes with the last of them.
    pub(crate) is_removed: bool,
}

/// What `ftok` of this file, and `r`, gives: the same in glibc and musl.
pub(crate) fn key((device, inode): (u64, u64)) -> i32 {
    let key = (inode & 0xffff) as u32 | ((device & 0xff) as u32) << 16 | PROJECT << 24;
    key as i32
}

/// A new segment of so many zeroes; `AlreadyExists` if the key is another one's.
pub(crate) fn create(key: i32, len: u64, mode: u32, is_huge: bool) -> io::Result<i32> {
    step::point();
    let len = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
    let pages = if is_huge { libc::SHM_HUGETLB } else { 0 };
    let flags = libc::IPC_CREAT | libc::IPC_EXCL | pages | (mode & 0o666) as libc::c_int;
    // SAFETY: it takes numbers alone.
    number(unsafe { libc::shmget(key, len, flags) })
}

/// The segment of this key, whosever it is.
pub(crate) fn find(key: i32) -> io::Result<Option<i32>> {
    // SAFETY: it takes numbers alone.
    match number(unsafe { libc::shmget(key, 0, 0) }) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn number(result: libc::c_int) -> io::Result<i32> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// What the segment of this number is; `None` if there is none.
pub(crate) fn examine(id: i32) -> io::Result<Option<Seen>> {
    let mut found = MaybeUninit::<libc::shmid_ds>::zeroed();
    // SAFETY: it writes to `found`, which lives across the call.
    if unsafe { libc::shmctl(id, libc::IPC_STAT, found.as_mut_ptr()) } == -1 {
        let error = io::Error::last_os_error();
        return if is_gone(&error) { Ok(None) } else { Err(error) };
    }
    // SAFETY: plain numbers, written by the call.
    let found = unsafe { found.assume_init() };
    // Of different widths on different machines.
    #[allow(clippy::unnecessary_cast)]
    let (mode, attached) = (found.shm_perm.mode as u32, found.shm_nattch as u64);
    Ok(Some(Seen {
        uid: found.shm_perm.uid,
        creator: found.shm_perm.cuid,
        mode: mode & 0o777,
        len: found.shm_segsz as u64,
        attached,
        is_removed: mode & DEST != 0,
    }))
}

fn is_gone(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EINVAL | libc::EIDRM))
}

/// Removes the segment: its memory stays for those who have it attached, and nobody else is to come.
pub(crate) fn remove(id: i32) -> io::Result<()> {
    step::point();
    // SAFETY: it takes numbers alone.
    number(unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) }).map(drop)
}

/// Gives a file that has one name another, in one step; `AlreadyExists` if somebody has it. (`nix` knows the call where glibc is.)
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    step::point();
    let text = |path: &Path| CString::new(path.as_os_str().as_bytes()).map_err(io::Error::from);
    let (from, to) = (text(from)?, text(to)?);
    let (here, flags) = (libc::AT_FDCWD, libc::RENAME_NOREPLACE);
    // SAFETY: two strings that live across the call; the rest are numbers.
    let result = unsafe { libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), flags) };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Which set of numbers this thread sees: segments of another IPC namespace have numbers of their own. 0 where there is only one.
pub(crate) fn namespace() -> io::Result<u64> {
    match std::fs::metadata("/proc/thread-self/ns/ipc") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        seen => Ok(seen?.ino()),
    }
}

/// Whether the kernel removes whatever nobody has attached.
pub(crate) fn is_removal_forced() -> bool {
    setting("shm_rmid_forced").is_some_and(|value| value != 0)
}

/// A limit: `shmmax` (bytes of a segment), `shmall` (pages of all), `shmmni` (how many).
pub(crate) fn setting(name: &str) -> Option<u64> {
    std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).ok()?.trim().parse().ok()
}

/// How many segments there are; `None` where that cannot be read.
pub(crate) fn count() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/sysvipc/shm").ok()?;
    Some(text.lines().skip(1).count() as u64)
}

/// A segment's bytes, shared with everybody who has it attached.
#[derive(Debug)]
pub(crate) struct Attached {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: memory that has no thread of its own. Accesses are made, and ordered, by its users.
unsafe impl Send for Attached {}
// SAFETY: as above; `&Attached` gives an address and a length, which never change, and copies by atomic loads.
unsafe impl Sync for Attached {}

impl Attached {
    /// Attaches the segment of this number; `None` if there is none any more.
    pub(crate) fn new(id: i32, access: Access) -> io::Result<Option<Self>> {
        step::point();
        let flags = if access == Access::Read { libc::SHM_RDONLY } else { 0 };
        // SAFETY: a mapping at an address that the kernel chooses; it replaces nothing.
        let base = unsafe { libc::shmat(id, std::ptr::null(), flags) };
        if base.addr() == usize::MAX {
            let error = io::Error::last_os_error();
            return if is_gone(&error) { Ok(None) } else { Err(error) };
        }
        let base = NonNull::new(base.cast()).unwrap_or(NonNull::dangling());
        let mut attached = Self { base, len: 0 };
        // Its number is nobody else's for as long as it is attached, and its length never changes.
        let seen = examine(id)?.ok_or(io::ErrorKind::NotFound)?;
        attached.len = usize::try_from(seen.len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        Ok(Some(attached))
    }

    pub(crate) fn base(&self) -> NonNull<u8> {
        self.base
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Copies `bytes` to where they belong. The segment was attached to be written, and nobody else knows of it yet.
    ///
    /// # Panics
    ///
    /// If it is not so long.
    pub(crate) fn put(&self, at: usize, bytes: &[u8]) {
        step::point();
        let is_inside = at.checked_add(bytes.len()).is_some_and(|end| end <= self.len);
        assert!(is_inside, "what a segment begins with is shorter than it");
        // SAFETY: the attachment is longer, as was asserted.
        let there = unsafe { self.base.add(at) };
        // SAFETY: [1] `bytes.len()` bytes from there on are inside, as was asserted. [2] Nobody else looks.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), there.as_ptr(), bytes.len()) };
    }

    /// Bytes from `offset`; fewer at the end of the segment. Each word of 8 is as somebody has stored it.
    pub(crate) fn read_at(&self, bytes: &mut [u8], offset: u64) -> usize {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len);
        let got = bytes.len().min(self.len - start);
        let mut at = start;
        while at < start + got {
            let (from, word) = (at % 8, self.word(at / 8).to_ne_bytes());
            let part = (8 - from).min(start + got - at);
            bytes[at - start..at - start + part].copy_from_slice(&word[from..from + part]);
            at += part;
        }
        got
    }

    /// The word of this index, which begins inside.
    fn word(&self, index: usize) -> u64 {
        debug_assert!(index * 8 < self.len);
        // SAFETY: it begins inside; and a segment is mapped in whole pages, so it ends there, too.
        let there = unsafe { self.base.add(index * 8) }.cast::<AtomicU64>();
        // SAFETY: [1] mapped, readable, and aligned, as a page is. [2] It is read only, by an atomic load of 8 bytes.
        let word = unsafe { there.as_ref() };
        word.load(Relaxed) // relaxed: who looks from outside has no part in any edge
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: attached in `new`, and detached nowhere else; whoever uses the address borrows it.
        unsafe { libc::shmdt(self.base.as_ptr().cast()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_what_ftok_makes_of_the_file() {
        let path = std::env::current_exe().expect("this binary");
        let seen = std::fs::metadata(&path).expect("a file");
        let text = std::ffi::CString::new(path.as_os_str().as_bytes()).expect("a path");
        // SAFETY: a string that lives across the call.
        let told = unsafe { libc::ftok(text.as_ptr(), PROJECT as libc::c_int) };
        assert_eq!(key((seen.dev(), seen.ino())), told);
    }

    #[test]
    fn what_is_read_is_what_is_there_wherever_it_begins() {
        let id = create(libc::IPC_PRIVATE, 4100, 0o600, false).expect("a segment");
        let attached = Attached::new(id, Access::ReadWrite).expect("ours").expect("there");
        remove(id).expect("ours");
        let whole: Vec<u8> = (0..4100_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        attached.put(0, &whole);
        for (at, len) in [(0, 4100), (0, 1), (7, 1), (3, 10), (4, 8), (4095, 5), (4099, 1), (8, 16)] {
            let mut bytes = vec![0; len];
            assert_eq!(attached.read_at(&mut bytes, at as u64), len);
            assert_eq!(bytes, whole[at..at + len], "{at} {len}");
        }
        let mut bytes = [0; 8];
        assert_eq!((attached.read_at(&mut bytes, 4096), attached.read_at(&mut bytes, 4100)), (4, 0));
        assert_eq!(attached.read_at(&mut bytes, u64::MAX), 0);
        assert!(examine(id).expect("ours").is_some_and(|seen| seen.is_removed && seen.attached == 1));
        drop(attached);
        assert_eq!(examine(id).expect("nothing"), None);
        assert!(Attached::new(id, Access::Read).expect("nothing").is_none());
    }
}
