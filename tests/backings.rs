//! What is particular to each kind of memory that a channel can lie in. What all of them have in common is in `conformance`.

mod support;

use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use ringway::{Backing, OpenError, Options, SegmentError, bytes, mpmc, observe, spsc, stream};
use std::io::{Read, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use support::{Child, Dir, descriptors, skip};

/// A directory beside the build's own files, which most likely is on a disk. Gone, with what is in it, when the test is over.
struct OnDisk(PathBuf);

impl OnDisk {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("backings.{}.{}", std::process::id(), COUNT.fetch_add(1, Relaxed));
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    fn options(&self) -> Options {
        Options::new().capacity(4).backing(Backing::File(self.0.clone()))
    }

    fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).expect("the test's directory");
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect()
    }

    fn is_memory(&self) -> bool {
        statfs(&self.0).expect("a file system").filesystem_type() == TMPFS_MAGIC
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn memfd() -> Options {
    Options::new().capacity(4).backing(Backing::Memfd)
}

fn there(descriptor: std::os::fd::OwnedFd) -> Options {
    Options::new().backing(Backing::Descriptor(Arc::new(descriptor)))
}

#[track_caller]
fn refused<T>(opened: Result<T, OpenError>, about: &str) {
    match opened {
        Err(OpenError::Options { rule }) => assert!(rule.contains(about), "{rule}"),
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("not refused, but opened"),
    }
}

// What is refused.

#[test]
fn choices_that_do_not_go_together_are_refused() {
    let heap = Options::new().backing(Backing::Heap);
    refused(spsc::Sender::<u64>::create_with("x", &heap), "heap");
    refused(mpmc::Receiver::<u64>::open_or_create_with("x", &heap), "heap");
    refused(spsc::Sender::<u64>::open_with("x", &memfd()), "descriptor");
    refused(spsc::Sender::<u64>::create_with("x", &memfd().dir("/dev/shm")), "directory");
    refused(
        spsc::Sender::<u64>::create_with("x", &Options::new().dir("/").backing(Backing::File("/".into()))),
        "directory",
    );
    refused(spsc::channel_with::<u64>(&Options::new().backing(Backing::Shm)), "name");
    refused(mpmc::channel_with::<u64>(&Options::new().backing(Backing::File("/".into()))), "name");
    refused(stream::Duplex::create_with("x", &memfd()), "names");
    let tx = spsc::Sender::<u64>::create_with("x", &memfd()).expect("a channel");
    let given = there(tx.descriptor().expect("a memfd has one"));
    refused(spsc::Receiver::<u64>::create_with("x", &given), "opened");
    refused(stream::Duplex::open_with("x", &given), "names");
}

/// Fault 17.
#[test]
fn shared_memory_is_memory() {
    let disk = OnDisk::new();
    let opened = spsc::Sender::<u64>::create_with("x", &Options::new().dir(&disk.0));
    if disk.is_memory() {
        return skip("the build directory is in memory");
    }
    assert!(matches!(opened, Err(OpenError::Segment(SegmentError::Unsupported { .. }))), "{opened:?}");
    assert!(disk.files().is_empty());
}

#[test]
fn a_file_where_no_file_can_be_shared_is_refused() {
    let opened = spsc::Sender::<u64>::create_with("x", &Options::new().backing(Backing::File("/proc".into())));
    assert!(matches!(opened, Err(OpenError::Segment(_))), "{opened:?}");
}

/// Fault 20.
#[test]
fn a_descriptor_of_something_else_is_refused() {
    let unsealed = memfd_create("other", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("a memfd");
    let opened = spsc::Receiver::<u64>::open_with("x", &there(unsealed));
    assert!(matches!(&opened, Err(OpenError::Segment(SegmentError::Unsupported { .. }))), "{opened:?}");

    let sealed = memfd_create("other", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("a memfd");
    fcntl(&sealed, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW)).expect("seals");
    let everybodys = sealed.try_clone().expect("a descriptor");
    let opened = spsc::Receiver::<u64>::open_with("x", &there(everybodys));
    assert!(matches!(&opened, Err(OpenError::Segment(SegmentError::Untrusted { .. }))), "{opened:?}");
    nix::sys::stat::fchmod(&sealed, nix::sys::stat::Mode::S_IRWXU).expect("a mode");
    let opened = spsc::Receiver::<u64>::open_with("x", &there(sealed));
    assert!(matches!(&opened, Err(OpenError::Format(_))), "{opened:?}");

    let (pipe, _) = nix::unistd::pipe().expect("a pipe");
    assert!(spsc::Receiver::<u64>::open_with("x", &there(pipe)).is_err());
    assert!(Backing::inherited(9999).is_err());
}

// A file.

#[test]
fn a_file_on_a_disk_carries_all_kinds() {
    let disk = OnDisk::new();
    let options = disk.options();
    let mut tx = spsc::Sender::<u64>::create_with("one", &options).expect("a channel");
    assert_eq!(disk.files(), ["one"]);
    let found = observe::stat("one", Some(&disk.0)).expect("it is there to be looked at");
    assert!(found.is_in_use);
    let mut rx = spsc::Receiver::<u64>::open_with("one", &options).expect("its other end");
    for number in 0..100 {
        tx.send(number).expect("room");
        assert_eq!(rx.recv(), Ok(number));
    }
    drop((tx, rx));

    let roomy = Options::new().backing(Backing::File(disk.0.clone()));
    let tx = bytes::mpmc::Sender::create_with("many", &roomy).expect("a channel");
    let rx = bytes::mpmc::Receiver::open_with("many", &roomy).expect("its other end");
    let loan = tx.loan(1 << 20).expect("an annex beside it");
    assert_eq!(disk.files().len(), 2, "the annex is on the disk, too: {:?}", disk.files());
    drop((loan, tx, rx));
    assert!(disk.files().is_empty(), "{:?}", disk.files());
}

/// 64-bit FNV-1a, as SPEC.md has it.
fn checksum(page: &[u8]) -> u64 {
    let summed = page.iter().enumerate().map(|(at, byte)| if (128..136).contains(&at) { 0 } else { *byte });
    summed.fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Makes a segment's file one of another run of the kernel.
fn backdate(path: &Path) {
    let file = std::fs::File::options().read(true).write(true).open(path).expect("the segment");
    let mut page = vec![0; 4096];
    file.read_exact_at(&mut page, 0).expect("a header");
    assert_ne!(page[176..192], [0; 16], "a file in a directory knows its run of the kernel");
    page[176] ^= 1;
    let sum = checksum(&page);
    page[128..136].copy_from_slice(&sum.to_le_bytes());
    file.write_all_at(&page, 0).expect("a header");
}

/// Fault 33.
#[test]
fn what_an_earlier_run_of_the_kernel_has_left_is_stale_even_if_it_is_persistent() {
    let disk = OnDisk::new();
    let options = disk.options().persistent(true);
    let mut tx = spsc::Sender::create_with("kept", &options).expect("a channel");
    tx.send(7_u64).expect("room");
    drop(tx);
    let mut rx = spsc::Receiver::<u64>::open_with("kept", &options).expect("it is kept");
    assert_eq!(rx.try_recv(), Ok(7));
    drop(rx);
    let is_persistent = || observe::stat("kept", Some(&disk.0)).expect("a channel").is_persistent;
    assert!(is_persistent());

    backdate(&disk.0.join("kept"));
    assert!(!is_persistent(), "nobody will keep it");
    let inspection = observe::inspect("kept", Some(&disk.0), 0).expect("a file");
    let boot = inspection.fields.iter().find(|field| field.name == "boot").expect("it is in the format");
    assert_eq!(boot.text, Some(boot.raw.iter().map(|byte| format!("{byte:02x}")).collect()));
    let opened = spsc::Receiver::<u64>::open_with("kept", &options);
    assert!(opened.is_err_and(|error| error.is_not_found()));
    assert!(disk.files().is_empty());

    let tx = spsc::Sender::<u64>::create_with("kept", &options).expect("a new one");
    backdate(&disk.0.join("kept"));
    drop(tx);
    let cleaned = observe::clean(Some(&disk.0)).expect("a directory");
    assert!(matches!(cleaned[..], [observe::Cleaned { removed: Ok(true), .. }]), "{cleaned:?}");
    assert!(disk.files().is_empty());
}

#[test]
fn what_cleaning_finds_that_is_no_channel_is_not_opened_for_writing() {
    // On an overlay that would copy it; and a program that runs cannot be.
    let disk = OnDisk::new();
    let program = disk.0.join("program");
    std::fs::copy("/bin/sleep", &program).expect("a program");
    let mut running = std::process::Command::new(&program).arg("1000").spawn().expect("it runs");
    let cleaned = observe::clean(Some(&disk.0)).expect("a directory");
    running.kill().expect("a child");
    running.wait().expect("its end");
    assert!(matches!(&cleaned[..], [observe::Cleaned { removed: Err(OpenError::Format(_)), .. }]), "{cleaned:?}");
}

// A memfd.

/// Fault 65.
#[test]
fn a_memfd_is_sealed_and_its_owners_alone() {
    let tx = spsc::Sender::<u64>::create_with("orders", &memfd()).expect("a channel");
    assert_eq!(tx.path(), None);
    let descriptor = tx.descriptor().expect("a memfd has one");
    let shown = std::fs::read_link(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&descriptor)));
    assert!(shown.expect("/proc").to_string_lossy().contains("memfd:ringway.orders"));
    let file = std::fs::File::from(descriptor);
    let seen = file.metadata().expect("a file");
    assert_eq!((seen.permissions().mode() & 0o777, seen.nlink()), (0o600, 0));
    assert!(file.set_len(0).is_err(), "sealed against shrinking");
    assert!(file.set_len(seen.len() + 4096).is_err(), "sealed against growing");
    assert!(fcntl(&file, FcntlArg::F_ADD_SEALS(SealFlag::F_SEAL_FUTURE_WRITE)).is_err(), "sealed against seals");
    let flags = fcntl(&file, FcntlArg::F_GETFD).expect("a descriptor");
    assert_eq!(flags & 1, 1, "closed on exec");
}

#[test]
fn an_end_of_a_memfd_is_taken_once() {
    let mut tx = spsc::Sender::<u64>::create_with("x", &memfd()).expect("a channel");
    let given = there(tx.descriptor().expect("a memfd has one"));
    let mut rx = spsc::Receiver::<u64>::open_with("", &given).expect("the name says nothing");
    assert!(spsc::Receiver::<u64>::open_with("x", &given).is_err_and(|error| error.is_role_taken()));
    assert!(spsc::Receiver::<u32>::open_with("x", &given).is_err(), "another type");
    tx.send(1).expect("room");
    assert!(!rx.is_disconnected(), "a memfd has no name to lose");
    drop(rx);
    rx = spsc::Receiver::open_with("x", &given).expect("it is free again");
    assert_eq!(rx.recv(), Ok(1));
    drop((tx, rx));
    let opened = spsc::Receiver::<u64>::open_with("x", &given);
    assert!(opened.is_err_and(|error| error.is_not_found()), "nobody is there any more");
}

#[test]
fn a_persistent_memfd_lives_as_long_as_a_descriptor() {
    let mut tx = spsc::Sender::<u64>::create_with("x", &memfd().persistent(true)).expect("a channel");
    let given = there(tx.descriptor().expect("a memfd has one"));
    tx.send(1).expect("room");
    drop(tx);
    assert_eq!(spsc::Receiver::<u64>::open_with("x", &given).expect("it is there").recv(), Ok(1));
}

#[test]
fn pairs_in_a_memfd_are_whole_and_leave_nothing() {
    // In a process of its own, in which nobody else opens anything.
    if support::role().is_none() {
        return Child::start(&here!(), "alone", &Dir::new()).succeed();
    }
    let before = descriptors();
    let (mut tx, mut rx) = spsc::channel_with::<u64>(&memfd()).expect("a channel");
    tx.send(1).expect("room");
    assert_eq!(rx.recv(), Ok(1));
    let (mut writer, mut reader) = stream::pipe_with(&Options::new().backing(Backing::Memfd)).expect("a stream");
    writer.write_all(b"whole").expect("room");
    let descriptor = writer.descriptor().expect("a memfd has one");
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("its end");
    assert_eq!(text, "whole");
    assert!(descriptor.as_fd().try_clone_to_owned().is_ok());
    let (many, others) = mpmc::channel_with::<u64>(&memfd()).expect("a channel");
    let third = mpmc::Receiver::<u64>::open_with("x", &there(many.descriptor().expect("one"))).expect("another member");
    many.send(5).expect("room");
    assert_eq!(third.recv(), Ok(5));
    drop((tx, rx, reader, descriptor, many, others, third));
    assert_eq!(descriptors(), before);
}

#[test]
fn a_memfd_has_no_annexes() {
    let (tx, rx) =
        bytes::mpmc::channel_with(&Options::new().backing(Backing::Memfd).lanes(1, 8192)).expect("a channel");
    assert!(tx.loan(8192).is_ok());
    assert!(tx.loan(8193).is_err(), "longer than a lane");
    let receiving = std::thread::spawn(move || rx.recv().expect("a message"));
    let long: Vec<u8> = (0..100_000).map(|at| at as u8).collect();
    tx.send(&long).expect("it goes through the lane");
    assert_eq!(receiving.join().expect("no panic"), long);
}

#[test]
fn a_channel_of_the_heap_has_no_descriptor() {
    let (tx, _rx) = mpmc::channel_with::<u64>(&Options::new().backing(Backing::Heap)).expect("a channel");
    assert!(matches!(tx.descriptor(), Err(OpenError::Segment(SegmentError::Unsupported { .. }))));
    assert_eq!(tx.path(), None);
}
