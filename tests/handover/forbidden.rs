//! Everything that one side could do to the other's memory if the kernel let it.

use crate::support::PATIENCE;
use nix::errno::Errno;
use nix::fcntl::{FallocateFlags, FcntlArg, OFlag, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::sys::mman::{MapFlags, MmapAdvise, ProtFlags, madvise, mmap, mprotect, munmap};
use nix::sys::stat::Mode;
use ringway::Options;
use ringway::handover::Peer;
use std::ffi::c_void;
use std::num::NonZeroUsize;
use std::os::fd::{BorrowedFd, RawFd};
use std::ptr::NonNull;

const LABEL: &str = "/memfd:ringway-handover";
const PAGE: usize = 4096;

/// This process's descriptors of files that were handed over, by either side.
pub(crate) fn handed_descriptors() -> Vec<RawFd> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc");
    let is_handed = |path: &std::path::Path| {
        std::fs::read_link(path).is_ok_and(|target| target.to_string_lossy().starts_with(LABEL))
    };
    let paths = entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_handed(path));
    paths.filter_map(|path| path.file_name()?.to_str()?.parse().ok()).collect()
}

/// A mapping of such a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Handed {
    start: usize,
    len: usize,
    is_writable: bool,
}

impl Handed {
    fn address(self) -> NonNull<c_void> {
        NonNull::new(std::ptr::with_exposed_provenance_mut(self.start)).expect("not the zero page")
    }
}

pub(crate) fn handed_mappings() -> Vec<Handed> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    let handed = maps.lines().filter(|line| line.contains(LABEL)).map(|line| {
        let (range, rest) = line.split_once(' ').expect("a range");
        let (start, end) = range.split_once('-').expect("two ends");
        let number = |text| usize::from_str_radix(text, 16).expect("an address");
        let (start, end) = (number(start), number(end));
        assert!(rest.as_bytes()[3] == b's' && rest.as_bytes()[2] == b'-', "shared and never executed: {line}");
        Handed { start, len: end - start, is_writable: rest.as_bytes()[1] == b'w' }
    });
    handed.collect()
}

/// Holds one channel each way with the other side, and tries everything on all that there is of them; then the channels
/// still work.
pub(crate) fn scene(peer: &mut Peer, is_first: bool) {
    let options = Options::new().capacity(4096);
    let (mut tx, mut rx) = if is_first {
        let tx = peer.bytes_sender(&options).expect("a sender");
        (tx, peer.bytes_receiver(&options).expect("a receiver"))
    } else {
        let rx = peer.bytes_receiver(&options).expect("a receiver");
        (peer.bytes_sender(&options).expect("a sender"), rx)
    };
    tx.send(b"before").expect("a receiver");
    assert_eq!(rx.recv_timeout(PATIENCE).expect("a message"), b"before");

    let descriptors = handed_descriptors();
    assert!(descriptors.len() >= 4, "an own and a foreign one of each channel: {descriptors:?}");
    descriptors.into_iter().for_each(try_descriptor);
    let mappings = handed_mappings();
    assert!(mappings.iter().filter(|mapping| mapping.is_writable).count() >= 2, "{mappings:?}");
    assert!(mappings.iter().filter(|mapping| !mapping.is_writable).count() >= 2, "{mappings:?}");
    mappings.into_iter().for_each(try_mapping);

    tx.send(b"after").expect("a receiver");
    assert_eq!(rx.recv_timeout(PATIENCE).expect("a message"), b"after");
    // Neither goes before the other has looked.
    tx.send(b"bye").expect("a receiver");
    assert_eq!(rx.recv_timeout(PATIENCE).expect("a message"), b"bye");
}

fn try_descriptor(number: RawFd) {
    // SAFETY: of a channel that this test holds.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl(file, FcntlArg::F_GETFL).expect("flags");
    assert!(fcntl(file, FcntlArg::F_GETFD).expect("flags") & libc::FD_CLOEXEC != 0, "closed on exec");
    let seals = fcntl(file, FcntlArg::F_GET_SEALS).expect("a memfd");
    let all = libc::F_SEAL_SHRINK | libc::F_SEAL_GROW | libc::F_SEAL_FUTURE_WRITE | libc::F_SEAL_SEAL;
    assert_eq!(seals & all, all);
    try_changes(file);
    // Only a description that was never passed can be written by its mode; the seals hold for it all the same. And nobody gets another.
    let again =
        nix::fcntl::open(format!("/proc/self/fd/{number}").as_str(), OFlag::O_RDWR | OFlag::O_CLOEXEC, Mode::empty());
    match again {
        Ok(again) => try_changes(std::os::fd::AsFd::as_fd(&again)),
        Err(errno) => assert!(matches!(errno, Errno::EACCES | Errno::EPERM), "{errno}"),
    }
    let _ = flags;
}

/// All that changes a file, and is refused.
fn try_changes(file: BorrowedFd<'_>) {
    let len = nix::sys::stat::fstat(file).expect("a file").st_size;
    let refused = |what: &str, result: Result<(), Errno>| {
        assert!(
            matches!(result, Err(Errno::EPERM | Errno::EBADF | Errno::EACCES | Errno::EINVAL)),
            "{what}: {result:?}"
        );
    };
    refused("shrink", nix::unistd::ftruncate(file, 0));
    refused("grow", nix::unistd::ftruncate(file, len + 4096));
    let hole = FallocateFlags::FALLOC_FL_PUNCH_HOLE | FallocateFlags::FALLOC_FL_KEEP_SIZE;
    refused("a hole", fallocate(file, hole, 0, len));
    refused("more room", fallocate(file, FallocateFlags::empty(), len, 4096));
    refused("write", nix::sys::uio::pwrite(file, b"x", 0).map(drop));
    for seal in [SealFlag::F_SEAL_WRITE, SealFlag::F_SEAL_SHRINK, SealFlag::F_SEAL_SEAL] {
        refused("another seal", fcntl(file, FcntlArg::F_ADD_SEALS(seal)).map(drop));
    }
    let whole = NonZeroUsize::new(len as usize).expect("not empty");
    // SAFETY: a new mapping, if there is one, replaces nothing.
    let mapped =
        unsafe { mmap(None, whole, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_SHARED, file, 0) };
    refused("a writable mapping", mapped.map(drop));
    // SAFETY: as above.
    let mapped = unsafe { mmap(None, whole, ProtFlags::PROT_READ, MapFlags::MAP_SHARED, file, 0) }.expect("to read");
    // SAFETY: the mapping just made.
    let made_writable = unsafe { mprotect(mapped, whole.get(), ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) };
    refused("a mapping made writable", made_writable);
    // SAFETY: the mapping just made, to which nobody has a reference.
    unsafe { munmap(mapped, whole.get()) }.expect("ours");
}

fn try_mapping(mapping: Handed) {
    assert!(mapping.start % PAGE == 0 && mapping.len % PAGE == 0);
    // SAFETY: it is refused; were it not, what is lost are the bytes of a channel of this test's.
    let removed = unsafe { madvise(mapping.address(), mapping.len, MmapAdvise::MADV_REMOVE) };
    assert!(removed.is_err(), "a hole through the mapping {mapping:?}");
    if !mapping.is_writable {
        // SAFETY: it is refused; were it not, nobody would write there.
        let made = unsafe { mprotect(mapping.address(), mapping.len, ProtFlags::PROT_READ | ProtFlags::PROT_WRITE) };
        assert_eq!(made, Err(Errno::EACCES), "{mapping:?}");
    }
}
