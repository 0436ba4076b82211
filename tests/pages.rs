//! What pages a channel's memory consists of, as `/proc` tells it.

mod support;

use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, setrlimit};
use ringway::{Backing, Numa, OpenError, Options, SegmentError, bytes, spsc, stream};
use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use support::pool::{Pool, SET_ASIDE};
use support::{Child, Dir, own_memory, role, skip};

/// Bytes of the streams here: much more than their other pages.
const ROOM: usize = 4 << 20;

fn roomy(options: Options) -> Options {
    options.capacity(ROOM)
}

fn memfd() -> Options {
    roomy(Options::new()).backing(Backing::Memfd)
}

fn there(descriptor: OwnedFd) -> Options {
    Options::new().backing(Backing::Descriptor(Arc::new(descriptor)))
}

/// A directory beside the build's own files, which most likely is on a disk; gone after the test.
struct OnDisk(PathBuf);

impl OnDisk {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("pages.{}.{name}", std::process::id()));
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }
}

impl Drop for OnDisk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The value, in KiB, of a line of `/proc/self/smaps` on the mappings whose name has this in it; summed up.
fn mapped(name: &str, key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/smaps").expect("/proc");
    lines_of(&text, name).filter_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(kib).sum()
}

fn kib(text: &str) -> u64 {
    text.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// The lines of those mappings.
fn lines_of<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let mut is_ours = false;
    text.lines().filter(move |line| {
        let first = line.split(' ').next().unwrap_or("");
        if first.contains('-') && !first.ends_with(':') {
            is_ours = line.contains(name);
        }
        is_ours
    })
}

/// What `/proc/self/numa_maps` says first of the mapping whose name has this in it; `None`: the kernel knows no nodes.
fn policy(name: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/self/numa_maps").ok()?;
    let line = text.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{name} is not mapped"));
    line.split(' ').nth(1).map(str::to_owned)
}

/// Each backing that has files, under a name of its own that `/proc` shows.
fn each(what: &str, dir: &Dir, disk: &OnDisk, mut test: impl FnMut(&str, Options)) {
    let name = |kind: &str| format!("{what}-{kind}-{}", std::process::id());
    test(&name("shm"), roomy(dir.options()));
    test(&name("file"), roomy(Options::new().backing(Backing::File(disk.0.clone()))));
    test(&name("memfd"), memfd());
}

#[test]
fn pages_are_there_before_they_are_touched_if_that_is_wanted() {
    let (dir, disk) = (Dir::new(), OnDisk::new("prefault"));
    each("prefault", &dir, &disk, |name, options| {
        let writer = stream::Writer::create_with(name, &options.clone()).expect("a stream");
        let lazy = mapped(name, "Rss");
        assert!(lazy < ROOM as u64 / 1024 / 2, "{name}: {lazy} KiB are there unasked");
        drop(writer);
        let writer = stream::Writer::create_with(name, &options.prefault(true)).expect("a stream");
        let (size, there) = (mapped(name, "Size"), mapped(name, "Rss"));
        assert!(size >= ROOM as u64 / 1024 && there == size, "{name}: {there} of {size} KiB");
        drop(writer);
        assert_eq!(mapped(name, "Size"), 0);
    });
}

#[test]
fn memory_is_locked_as_long_as_the_end_is_there() {
    let (dir, disk) = (Dir::new(), OnDisk::new("lock"));
    each("lock", &dir, &disk, |name, options| {
        let writer = match stream::Writer::create_with(name, &options.lock_memory(true)) {
            Err(OpenError::Segment(SegmentError::LockLimit { limit, .. })) if limit < ROOM as u64 => {
                return skip(format_args!("this user may lock {limit} bytes"));
            }
            opened => opened.expect("a stream"),
        };
        let (size, locked) = (mapped(name, "Size"), mapped(name, "Locked"));
        assert!(size >= ROOM as u64 / 1024 && locked == size, "{name}: {locked} of {size} KiB");
        drop(writer);
        assert_eq!(mapped(name, "Size"), 0);
    });
}

/// A user who is not there, and may lock nothing.
const NOBODY: u32 = 65534;

#[test]
fn who_may_not_lock_memory_is_told_so_and_leaves_nothing() {
    if role().is_none() {
        return Child::start(&here!(), "nobody", &Dir::new()).succeed();
    }
    setrlimit(Resource::RLIMIT_MEMLOCK, 65536, 65536).expect("a lower limit");
    if nix::unistd::geteuid().is_root() {
        nix::unistd::setuid(NOBODY.into()).expect("root can be anybody");
    }
    let before = support::descriptors();
    let name = format!("lock-limit-{}", std::process::id());
    for options in [roomy(Options::new()), memfd()] {
        let opened = stream::Writer::create_with(&name, &options.lock_memory(true));
        let error = opened.expect_err("64 KiB are not enough");
        assert!(
            matches!(&error, OpenError::Segment(SegmentError::LockLimit { asked, limit: 65536 }) if *asked > ROOM as u64),
            "{error:?}"
        );
        assert!(error.to_string().contains("RLIMIT_MEMLOCK is 65536"), "{error}");
        let file = format!("/dev/shm/ringway.{}.{name}", nix::unistd::geteuid());
        assert!(!Path::new(&file).exists());
        assert_eq!((mapped(&name, "Size"), support::descriptors()), (0, before));
    }
    let heap = stream::pipe_with(&roomy(Options::new()).lock_memory(true)).expect_err("nor there");
    assert!(matches!(heap, OpenError::Segment(SegmentError::LockLimit { .. })));
    assert_eq!(std::io::Error::from(heap).kind(), std::io::ErrorKind::OutOfMemory);
}

#[test]
fn who_may_lock_no_annex_waits_for_a_lane() {
    if role().is_none() {
        return Child::start(&here!(), "nobody", &Dir::new()).succeed();
    }
    if nix::unistd::geteuid().is_root() {
        nix::unistd::setuid(NOBODY.into()).expect("root can be anybody");
    }
    let name = format!("lock-annex-{}", std::process::id());
    let options = Options::new().capacity(8).lanes(1, 8192).annexes(1);
    let rx = bytes::mpmc::Receiver::create_with(&name, &options).expect("a channel");
    let segment = ringway::observe::stat(&name, None).expect("it is there").total_bytes;
    setrlimit(Resource::RLIMIT_MEMLOCK, segment + 4096, segment + 4096).expect("a limit");
    let tx = bytes::mpmc::Sender::open_with(&name, &options.clone().lock_memory(true)).expect("so much may be locked");
    let first = tx.loan(8192).expect("the lane");
    let second = tx.try_loan(8192).expect_err("there is no other lane, and an annex cannot be locked");
    assert!(second.is_full(), "{second:?}");
    let longer = tx.try_loan(8193).expect_err("no lane is so long");
    assert!(matches!(longer, bytes::LoanError::Memory(SegmentError::LockLimit { .. })), "{longer:?}");
    first.send().expect("room");
    assert_eq!(rx.recv().expect("a message").len(), 8192);
    assert!(tx.try_loan(8192).is_ok());
}

/// A number of `/proc/self/status`, in KiB.
fn status(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").expect("/proc");
    text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(kib).expect("a line of it")
}

#[test]
fn the_heap_has_such_pages_too_and_gives_them_back() {
    if role().is_none() {
        return Child::start(&here!(), "alone", &Dir::new()).succeed();
    }
    let room = 4 * ROOM as u64 / 1024;
    let before = own_memory();
    // Memory of its own, which the kernel provides when it is touched; without any such wish the allocator zeroes it.
    let options = Options::new().capacity(4 * ROOM).huge_pages(true);
    let lazy = stream::pipe_with(&options).expect("a stream");
    assert!(own_memory() - before < room / 2, "{} after {before}", own_memory());
    drop(lazy);
    let (mut writer, mut reader) = stream::pipe_with(&options.prefault(true)).expect("a stream");
    assert!(own_memory() - before >= room, "{} after {before}", own_memory());
    writer.write_all(b"whole").expect("room");
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("its end");
    assert_eq!(text, "whole");
    drop(reader);
    assert!(own_memory() - before < room / 2);

    match spsc::channel_with::<[u64; 512]>(&Options::new().capacity(1000).lock_memory(true).huge_pages(true)) {
        Ok((mut tx, mut rx)) => {
            assert!(status("VmLck") >= 4000, "{} KiB", status("VmLck"));
            tx.send([7; 512]).expect("room");
            assert_eq!(rx.recv(), Ok([7; 512]));
        }
        Err(OpenError::Segment(SegmentError::LockLimit { limit, .. })) => skip(format_args!("limit {limit}")),
        Err(other) => panic!("{other}"),
    }
    assert_eq!(status("VmLck"), 0);
}

// Huge pages.

#[test]
fn shared_memory_asks_for_huge_pages_and_a_disk_has_none() {
    let (dir, disk) = (Dir::new(), OnDisk::new("huge"));
    let name = format!("huge-shm-{}", std::process::id());
    let writer = stream::Writer::create_with(&name, &roomy(dir.options()).huge_pages(true)).expect("a hint");
    if Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        let text = fs::read_to_string("/proc/self/smaps").expect("/proc");
        let flags: Vec<_> = lines_of(&text, &name).filter(|line| line.starts_with("VmFlags")).collect();
        assert!(!flags.is_empty() && flags.iter().all(|line| line.contains(" hg")), "{flags:?}");
    } else {
        skip("a kernel without transparent huge pages");
    }
    drop(writer);
    let on_disk = Options::new().backing(Backing::File(disk.0.clone()));
    match stream::Writer::create_with("x", &on_disk.huge_pages(true)) {
        Err(OpenError::Segment(SegmentError::Unsupported { what, .. })) => assert!(what.contains("disk"), "{what}"),
        Err(other) => panic!("{other}"),
        Ok(_) => skip("the build directory is in memory"),
    }
    assert_eq!(fs::read_dir(&disk.0).expect("a directory").count(), 0);
}

/// A file system that is mounted for this thread alone.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    /// Mounts one here, or says why not.
    fn new(at: &'a Path, kind: &str, options: Option<&str>) -> Option<Self> {
        let mounted = unshare(CloneFlags::CLONE_NEWNS).and_then(|()| {
            mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)?;
            mount(Some("none"), at, Some(kind), MsFlags::empty(), options)
        });
        match mounted {
            Ok(()) => Some(Self(at)),
            Err(errno) => {
                skip(format_args!("no {kind} can be mounted: {errno}"));
                None
            }
        }
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = umount(self.0);
    }
}

#[test]
fn a_tmpfs_that_has_huge_pages_gives_them_on_request() {
    let disk = OnDisk::new("huge-tmpfs");
    let Some(_mounted) = Mounted::new(&disk.0, "tmpfs", Some("huge=advise")) else { return };
    for (is_wanted, name) in [(false, "small"), (true, "large")] {
        let options = roomy(Options::new().dir(&disk.0)).huge_pages(is_wanted).prefault(true);
        let _writer = stream::Writer::create_with(name, &options).expect("a stream");
        let huge = mapped(&format!("/{name}"), "ShmemPmdMapped");
        assert_eq!(huge >= 2048, is_wanted, "{name}: {huge} KiB in huge pages");
    }
}

fn no_huge_pages(opened: Result<stream::Writer, OpenError>) {
    match opened {
        Err(error @ OpenError::Segment(SegmentError::NoHugePages { .. })) => {
            assert!(error.to_string().contains(SET_ASIDE), "{error}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("there were that many huge pages"),
    }
}

/// Sends what fills the stream more than once through both ends, each of which has it in huge pages.
fn goes_through(name: &str, mut writer: stream::Writer, mut reader: stream::Reader) {
    let text = fs::read_to_string("/proc/self/smaps").expect("/proc");
    let sizes: Vec<_> =
        lines_of(&text, name).filter_map(|line| line.strip_prefix("KernelPageSize:")).map(kib).collect();
    assert_eq!(sizes.len(), 2, "mapped by each end");
    assert!(sizes.iter().all(|size| *size > 1000), "{sizes:?} KiB");
    let sending = std::thread::spawn(move || {
        let mut bytes = vec![0; 3 * ROOM];
        support::fill(&mut bytes, 0);
        writer.write_all(&bytes).expect("a reader");
    });
    let (mut got, mut sent) = (Vec::new(), vec![0; 3 * ROOM]);
    reader.read_to_end(&mut got).expect("an end");
    sending.join().expect("no panic");
    support::fill(&mut sent, 0);
    assert!(got == sent);
    drop(reader);
    assert_eq!(mapped(name, "Size"), 0, "unmapped as a whole");
}

/// Fault 21.
#[test]
fn a_memfd_and_a_hugetlbfs_have_the_huge_pages_that_are_set_aside() {
    // More than any machine that runs tests has set aside.
    let greedy = Options::new().capacity(1 << 42).frame_bytes(1 << 30).backing(Backing::Memfd).huge_pages(true);
    no_huge_pages(stream::Writer::create_with("greedy", &greedy));
    let Some(pool) = Pool::of(8) else {
        return skip("this user cannot set huge pages aside");
    };
    let name = format!("huge-{}", std::process::id());
    let writer = stream::Writer::create_with(&name, &memfd().huge_pages(true).prefault(true)).expect("huge pages");
    let given = there(writer.descriptor().expect("a memfd has one"));
    goes_through(&name, writer, stream::Reader::open_with(&name, &given).expect("its other end"));

    let disk = OnDisk::new("hugetlbfs");
    let Some(_mounted) = Mounted::new(&disk.0, "hugetlbfs", None) else { return };
    for options in [Options::new().dir(&disk.0), Options::new().backing(Backing::File(disk.0.clone()))] {
        let writer = stream::Writer::create_with(&name, &roomy(options.clone())).expect("a file there");
        let found = ringway::observe::stat(&name, Some(&disk.0)).expect("it is there to be looked at");
        assert!(found.is_in_use);
        goes_through(&name, writer, stream::Reader::open_with(&name, &options).expect("its other end"));
        assert_eq!(fs::read_dir(&disk.0).expect("a directory").count(), 0);
        let tx = bytes::mpmc::Sender::create_with(&name, &options).expect("a file there");
        let rx = bytes::mpmc::Receiver::open_with(&name, &options).expect("its other end");
        let mut loan = tx.loan(1 << 20).expect("an annex beside it");
        loan.fill(7);
        loan.send().expect("a receiver");
        assert_eq!(fs::read_dir(&disk.0).expect("a directory").count(), 2, "the segment and the annex");
        assert!(rx.recv().expect("a message") == vec![7; 1 << 20]);
        drop((tx, rx));
        assert_eq!(fs::read_dir(&disk.0).expect("a directory").count(), 0);
        no_huge_pages(stream::Writer::create_with(&name, &options.capacity(1 << 42).frame_bytes(1 << 30)));
    }
    drop(pool);
}

// Nodes.

#[test]
fn memory_comes_from_the_node_that_was_named() {
    let (dir, disk) = (Dir::new(), OnDisk::new("numa"));
    each("numa", &dir, &disk, |name, options| {
        for (numa, expected) in [(Numa::Prefer(0), "prefer"), (Numa::Bind(0), "bind:0")] {
            let opened = stream::Writer::create_with(name, &options.clone().numa(numa));
            match opened {
                Ok(_writer) => {
                    let policy = policy(name).expect("a kernel that places memory tells where");
                    assert!(policy.starts_with(expected) && policy.ends_with(":0"), "{name}: {policy}");
                }
                Err(OpenError::Segment(SegmentError::Unsupported { what, .. })) => {
                    let is_told = what.contains("disk") && name.contains("file") || what.contains("this kernel");
                    assert!(is_told, "{name}: {what}");
                    skip(format_args!("for {name}: {what}"));
                }
                Err(other) => panic!("{name}: {other}"),
            }
        }
        if !name.contains("file") {
            let opened = stream::Writer::create_with(name, &options.numa(Numa::Bind(1023)));
            assert!(matches!(opened, Err(OpenError::Segment(SegmentError::Unsupported { .. }))), "{name}");
        }
    });
    assert_eq!(fs::read_dir(&disk.0).expect("a directory").count(), 0);
    assert!(dir.files().is_empty());
    let (mut tx, mut rx) = match spsc::channel_with::<u64>(&Options::new().numa(Numa::Prefer(0))) {
        Err(OpenError::Segment(SegmentError::Unsupported { what, .. })) => return skip(format_args!("{what}")),
        made => made.expect("a channel"),
    };
    tx.send(7).expect("room");
    assert_eq!(rx.recv(), Ok(7));
    assert!(spsc::channel_with::<u64>(&Options::new().numa(Numa::Prefer(u32::MAX))).is_err());
}
