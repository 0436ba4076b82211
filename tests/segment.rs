//! The life of a segment's file: which names there are, what is refused and left alone, who may see it, when it goes,
//! and that no failure leaves a descriptor, a lock or a file behind.

mod support;

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::stat::{Mode, SFlag, makedev, mknod, umask};
use nix::unistd::{Uid, mkfifo};
use ringway::spsc::{Receiver, Sender};
use ringway::{FormatError, OpenError, SegmentError, observe};
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use support::{Child, Dir, descriptors, hang, hear, role, skip, tell};

const NAME: &str = "channel";

fn create(dir: &Dir) -> Result<Sender<u64>, OpenError> {
    Sender::create_with(NAME, &dir.options().capacity(8))
}

/// Every way in is refused by an error that `is` accepts, and the file under the name is not touched.
#[track_caller]
fn refused(dir: &Dir, what: &str, is: impl Fn(&OpenError) -> bool) {
    let path = dir.path().join(NAME);
    let seen = |path: &Path| {
        let meta = std::fs::symlink_metadata(path).unwrap();
        let bytes = if meta.is_file() { std::fs::read(path).unwrap_or_default() } else { Vec::new() };
        (meta.ino(), meta.mode(), meta.uid(), meta.nlink(), meta.mtime_nsec(), meta.ctime_nsec(), bytes)
    };
    let before = seen(&path);
    let open_descriptors = descriptors();
    let options = dir.options().capacity(8);
    let errors = [
        ("create", Sender::<u64>::create_with(NAME, &options).unwrap_err()),
        ("open", Receiver::<u64>::open_with(NAME, &options).unwrap_err()),
        ("open_or_create", Sender::<u64>::open_or_create_with(NAME, &options).unwrap_err()),
        ("stat", observe::stat(NAME, Some(dir.path())).unwrap_err()),
        ("remove", observe::remove(NAME, Some(dir.path())).unwrap_err()),
    ];
    for (how, error) in &errors {
        assert!(is(error), "{what}: {how}: {error:?}");
        let text = error.to_string();
        assert!(!text.is_empty() && !text.contains('\n') && text.len() < 300, "{text}");
    }
    let cleaned = observe::clean(Some(dir.path())).unwrap();
    let mut of_the_name = cleaned.iter().filter(|cleaned| cleaned.name == NAME);
    assert!(of_the_name.all(|cleaned| cleaned.removed.is_err()), "{what}: {cleaned:?}");
    assert_eq!(seen(&path), before, "{what} is not touched");
    // The harness's other threads may open some of their own meanwhile, but not for good.
    support::until("no descriptor more", || descriptors() <= open_descriptors + 8);
}

fn not_a_segment(error: &OpenError) -> bool {
    matches!(error, OpenError::Format(FormatError::NotASegment))
}

fn not_a_file(error: &OpenError) -> bool {
    matches!(error, OpenError::Segment(SegmentError::NotAFile { .. }))
}

fn untrusted(error: &OpenError) -> bool {
    matches!(error, OpenError::Segment(SegmentError::Untrusted { .. }))
}

/// A file that a killed process would leave: whole, and held by nobody.
fn stale(dir: &Dir) -> Vec<u8> {
    let tx = create(dir).unwrap();
    let bytes = std::fs::read(tx.path().unwrap()).unwrap();
    drop(tx);
    std::fs::write(dir.path().join(NAME), &bytes).unwrap();
    std::fs::set_permissions(dir.path().join(NAME), PermissionsExt::from_mode(0o600)).unwrap();
    bytes
}

/// Fault 15.
#[test]
fn names_are_those_that_shm_open_would_take() {
    let dir = Dir::new();
    for name in ["", "/", "a/b", "..", ".hidden", "a b", "a\0b", "é", "//a", &"x".repeat(201), &"y".repeat(300)] {
        let error = Sender::<u64>::create_with(name, &dir.options()).unwrap_err();
        assert!(matches!(&error, OpenError::Segment(SegmentError::Name { .. })), "{error:?}");
        assert!(observe::stat(name, Some(dir.path())).is_err());
    }
    assert!(dir.files().is_empty());
    for name in ["a", "A-b_c.9", &"x".repeat(200)] {
        let tx = Sender::<u64>::create_with(name, &dir.options()).unwrap();
        assert_eq!(dir.files(), [name]);
        // One leading slash means nothing.
        assert!(Receiver::<u64>::open_with(&format!("/{name}"), &dir.options()).is_ok());
        drop(tx);
    }
    assert!(dir.files().is_empty());
}

/// Fault 13.
#[test]
fn without_a_directory_the_name_carries_the_user() {
    let name = format!("segment-test.{}", std::process::id());
    let tx = Sender::<u64>::create(&name, 8).unwrap();
    let path = format!("/dev/shm/ringway.{}.{name}", Uid::effective());
    assert_eq!(tx.path(), Some(Path::new(&path)));
    assert!(observe::list(None).unwrap().iter().any(|entry| entry.name == name));
    drop(tx);
    assert!(!Path::new(&path).exists());
}

#[test]
fn the_mode_is_0600_whatever_the_umask() {
    let dir = Dir::new();
    if role().is_some() {
        // The umask is the whole process's: so it is a process of its own.
        for mask in [0, 0o022, 0o077, 0o777] {
            umask(Mode::from_bits_truncate(mask));
            let tx = create(&dir).unwrap();
            let meta = std::fs::metadata(tx.path().unwrap()).unwrap();
            assert_eq!(meta.mode() & 0o7777, 0o600, "umask {mask:o}");
            assert_eq!((meta.uid(), meta.nlink()), (Uid::effective().as_raw(), 1));
            assert!(meta.blocks() * 512 >= meta.len(), "its room is reserved");
            drop(tx);
        }
        return tell("well");
    }
    let mut child = Child::start(&here!(), "masked", &dir);
    child.expect("well");
}

/// Faults 4 and 5.
#[test]
fn what_is_no_segment_is_refused_and_left_alone() {
    let dir = Dir::new();
    let path = dir.path().join(NAME);
    let whole = stale(&dir);
    for (what, bytes) in [
        ("an empty file", vec![]),
        ("one byte", vec![b'r']),
        ("zeroes", vec![0; whole.len()]),
        ("ones", vec![0xff; whole.len()]),
        ("text", b"hello, world\n".repeat(1000)),
        ("half a header", whole[..2048].to_vec()),
    ] {
        std::fs::write(&path, bytes).unwrap();
        refused(&dir, what, not_a_segment);
    }
}

/// Faults 6, 7 and 8.
#[test]
fn a_broken_segment_is_refused_and_left_alone() {
    let dir = Dir::new();
    let path = dir.path().join(NAME);
    let whole = stale(&dir);
    let field = |name: &'static str| move |error: &OpenError| matches!(error, OpenError::Format(FormatError::Field { field, .. }) if *field == name);
    for len in [4096, whole.len() - 4096, whole.len() - 1, whole.len() + 1] {
        let mut bytes = whole.clone();
        bytes.resize(len, 0);
        std::fs::write(&path, bytes).unwrap();
        refused(&dir, "another length", field("total_bytes"));
    }
    std::fs::write(&path, &whole).unwrap();
    let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
    // Any byte of the header that is different, apart from those with an error of their own.
    for at in [24, 32, 48, 57, 80, 112, 128, 135, 256, 300, 4095] {
        file.write_all_at(&[whole[at] ^ 0x40], at as u64).unwrap();
        refused(&dir, &format!("byte {at}"), field("checksum"));
        file.write_all_at(&whole[at..=at], at as u64).unwrap();
    }
    file.write_all_at(&[0], 136).unwrap();
    refused(&dir, "not ready", field("state"));
    file.write_all_at(&whole[136..137], 136).unwrap();
    file.write_all_at(&[1, 2, 3, 4].map(|byte: u8| 5 - byte), 16).unwrap();
    refused(&dir, "another byte order", |error| matches!(error, OpenError::Format(FormatError::ByteOrder)));
    file.write_all_at(&whole[16..20], 16).unwrap();
    file.write_all_at(&7_u32.to_le_bytes(), 8).unwrap();
    refused(&dir, "another version", |error| {
        matches!(error, OpenError::Format(FormatError::Version { found: 7, supported: 4 }))
    });
    file.write_all_at(&whole[8..12], 8).unwrap();
    // Whole again, and held by nobody: it is stale, and the next one replaces it.
    let inode = std::fs::metadata(&path).unwrap().ino();
    let tx = create(&dir).unwrap();
    assert_ne!(std::fs::metadata(tx.path().unwrap()).unwrap().ino(), inode);
}

/// Fault 11.
#[test]
fn what_is_no_regular_file_is_refused_and_never_followed() {
    let dir = Dir::new();
    let path = dir.path().join(NAME);
    mkfifo(&path, Mode::from_bits_truncate(0o600)).unwrap();
    refused(&dir, "a FIFO", not_a_file);
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    refused(&dir, "a directory", not_a_file);
    std::fs::remove_dir(&path).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(&path).unwrap();
    refused(&dir, "a socket", not_a_file);
    drop(socket);
    std::fs::remove_file(&path).unwrap();
    symlink("/nowhere/at/all", &path).unwrap();
    refused(&dir, "a link to nothing", not_a_file);
    std::fs::remove_file(&path).unwrap();
    // The null device, and one that no driver is for.
    for device in [makedev(1, 3), makedev(4095, 0)] {
        match mknod(&path, SFlag::S_IFCHR, Mode::S_IRUSR | Mode::S_IWUSR, device) {
            Ok(()) => refused(&dir, "a device", not_a_file),
            Err(errno) => {
                skip(format_args!("no device can be made: {errno}"));
                break;
            }
        }
        std::fs::remove_file(&path).unwrap();
    }

    // Links of both kinds to a segment that is in use.
    let tx = create(&dir).unwrap();
    let before = std::fs::read(tx.path().unwrap()).unwrap();
    std::fs::rename(&path, dir.path().join("elsewhere")).unwrap();
    symlink("elsewhere", &path).unwrap();
    refused(&dir, "a link to a segment", |error| not_a_file(error) || matches!(error, OpenError::Segment(_)));
    std::fs::remove_file(&path).unwrap();
    std::fs::hard_link(dir.path().join("elsewhere"), &path).unwrap();
    refused(&dir, "a second name", not_a_file);
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// Fault 12.
#[test]
fn what_is_not_ours_alone_is_refused() {
    let dir = Dir::new();
    let path = dir.path().join(NAME);
    stale(&dir);
    for mode in [0o620, 0o602, 0o666, 0o660] {
        std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        refused(&dir, "a file that others may write", untrusted);
    }
    if !Uid::effective().is_root() {
        skip("not root, so no file can be given to somebody else");
        return;
    }
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
    refused(&dir, "somebody else's file", |error| {
        matches!(error, OpenError::Segment(SegmentError::Untrusted { uid: 65534, mode: 0o600, .. }))
    });
}

/// Fault 25.
#[test]
fn the_last_one_out_takes_the_name_along_in_any_order() {
    let dir = Dir::new();
    for sender_first in [false, true] {
        let tx = create(&dir).unwrap();
        let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        if sender_first {
            drop(tx);
            assert_eq!(dir.files(), [NAME]);
            drop(rx);
        } else {
            drop(rx);
            assert_eq!(dir.files(), [NAME]);
            drop(tx);
        }
        assert!(dir.files().is_empty());
    }
    // Both at once, many times: exactly one takes it.
    for _ in 0..300 {
        let tx = create(&dir).unwrap();
        let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
        let barrier = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                barrier.wait();
                drop(tx);
            });
            barrier.wait();
            drop(rx);
        });
        assert!(dir.files().is_empty());
    }
}

/// Fault 30.
#[test]
fn a_handle_dropped_in_a_panic_leaves_in_good_order() {
    let dir = Dir::new();
    let rx = Receiver::<u64>::create_with(NAME, &dir.options()).unwrap();
    let options = dir.options();
    let result = std::thread::spawn(move || {
        let mut tx = Sender::<u64>::open_with(NAME, &options).unwrap();
        tx.send(1).unwrap();
        std::panic::panic_any("on purpose");
    })
    .join();
    assert!(result.is_err());
    assert_eq!((rx.len(), rx.disconnect_reason()), (1, Some(ringway::DisconnectReason::Left)));
}

/// Fault 27.
#[test]
fn what_a_killed_process_left_is_replaced_and_what_a_live_one_holds_is_not() {
    let dir = Dir::new();
    if role().is_some() {
        let _tx = create(&dir).unwrap();
        tell("here");
        hang();
    }
    let mut last = None;
    for _ in 0..3 {
        let mut child = Child::start(&here!(), "holder", &dir);
        child.expect("here");
        let seen = observe::stat(NAME, Some(dir.path())).unwrap();
        assert!(last != Some(seen.instance) && seen.is_in_use);
        assert!(create(&dir).unwrap_err().is_already_exists());
        let in_use = observe::remove(NAME, Some(dir.path())).unwrap_err();
        assert!(matches!(in_use, OpenError::Segment(SegmentError::InUse { .. })));
        assert_eq!(observe::stat(NAME, Some(dir.path())).unwrap(), seen);
        child.kill();
        assert!(!observe::stat(NAME, Some(dir.path())).unwrap().is_in_use);
        last = Some(seen.instance);
    }
    observe::remove(NAME, Some(dir.path())).unwrap();
    assert!(dir.files().is_empty());
}

/// Faults 17 and 33.
#[test]
fn a_directory_that_is_not_memory_or_not_there_is_refused() {
    let path = std::env::temp_dir().join(format!("ringway-test.{}", std::process::id()));
    std::fs::create_dir(&path).unwrap();
    let fs = nix::sys::statfs::statfs(&path).unwrap().filesystem_type();
    let result = Sender::<u64>::create_with(NAME, &ringway::Options::new().dir(&path));
    if fs == nix::sys::statfs::TMPFS_MAGIC {
        skip(format_args!("{} is in memory", path.display()));
    } else {
        let error = result.unwrap_err();
        assert!(matches!(error, OpenError::Segment(SegmentError::Unsupported { .. })), "{error:?}");
        assert!(error.to_string().contains(&*path.to_string_lossy()), "{error}");
        assert_eq!(std::fs::read_dir(&path).unwrap().count(), 0, "nothing is left there");
    }
    std::fs::remove_dir_all(&path).unwrap();
    let error = Sender::<u64>::create_with(NAME, &ringway::Options::new().dir(path.join("nowhere"))).unwrap_err();
    assert!(matches!(&error, OpenError::Segment(SegmentError::Io { .. })), "{error:?}");
    assert!(observe::clean(Some(&path)).is_err());
}

/// Faults 16 and 22.
#[test]
fn a_full_file_system_is_an_error_at_creation_and_never_later() {
    use nix::mount::{MsFlags, mount};
    use nix::sched::{CloneFlags, unshare};
    let dir = Dir::new();
    if role().is_some() {
        let private = unshare(CloneFlags::CLONE_NEWNS)
            .and_then(|()| mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>))
            .and_then(|()| {
                mount(Some("tmpfs"), dir.path(), Some("tmpfs"), MsFlags::empty(), Some("size=1m,mode=0700"))
            });
        if let Err(errno) = private {
            return tell(format_args!("SKIPPED: a file system of one's own is not permitted: {errno}"));
        }
        let before = descriptors();
        let large = dir.options().capacity(1 << 20);
        for _ in 0..50 {
            let error = Sender::<u64>::create_with(NAME, &large).unwrap_err();
            let OpenError::Segment(SegmentError::NoSpace { asked, available, .. }) = &error else {
                panic!("{error:?}")
            };
            assert!(error.is_no_space());
            assert!(*asked > 8 << 20 && *available <= 1 << 20 && *available > 900 << 10, "{error}");
            let text = error.to_string();
            assert!(text.contains(&asked.to_string()) && text.contains(&available.to_string()), "{text}");
            assert!(dir.files().is_empty());
        }
        assert_eq!(descriptors(), before);
        // Nearly all of it, filled with messages to the last: its room was reserved.
        let (mut tx, mut rx) = {
            let options = dir.options().capacity(100_000);
            let tx = Sender::<u64>::create_with(NAME, &options).unwrap();
            (tx, Receiver::<u64>::open_with(NAME, &options).unwrap())
        };
        let error = Sender::<u64>::create_with("second", &dir.options().capacity(100_000)).unwrap_err();
        assert!(error.is_no_space(), "{error:?}");
        for number in 0..100_000 {
            tx.try_send(number).unwrap();
        }
        assert!(tx.is_full() && rx.try_iter().eq(0..100_000));
        drop((tx, rx));
        assert!(dir.files().is_empty());
        // A capacity that no machine has.
        for capacity in [1 << 40, 1 << 47, usize::MAX] {
            assert!(Sender::<u64>::create_with(NAME, &dir.options().capacity(capacity)).is_err());
        }
        return tell("well");
    }
    Child::start(&here!(), "small", &dir).be_well();
}

/// Fault 18.
#[test]
fn neither_success_nor_failure_leaks_a_descriptor() {
    let dir = Dir::new();
    if role().is_some() {
        let before = descriptors();
        let maps = || std::fs::read_to_string("/proc/self/maps").unwrap().matches("ringway-test").count();
        for _ in 0..1000 {
            let tx = create(&dir).unwrap();
            let rx = Receiver::<u64>::open_with(NAME, &dir.options()).unwrap();
            assert!(Sender::<u64>::open_with(NAME, &dir.options()).is_err());
            assert!(Sender::<u32>::open_with(NAME, &dir.options()).is_err());
            assert!(create(&dir).is_err());
            assert!(descriptors() <= before + 2, "a description an end");
            drop((tx, rx));
        }
        std::fs::write(dir.path().join("garbage"), "garbage").unwrap();
        for _ in 0..1000 {
            assert!(Receiver::<u64>::open_with("nothing", &dir.options()).is_err());
            assert!(Receiver::<u64>::open_with("garbage", &dir.options()).is_err());
            assert!(Sender::<u64>::create_with("other", &dir.options().capacity(0)).is_err());
            assert!(observe::stat("garbage", Some(dir.path())).is_err());
            observe::clean(Some(dir.path())).unwrap();
        }
        // Blocks of the table of descriptors come and go by the hundred.
        let many: Vec<_> =
            (0..150).map(|n| Sender::<u64>::create_with(&format!("m{n}"), &dir.options()).unwrap()).collect();
        assert_eq!(descriptors(), before + 150);
        drop(many);
        assert_eq!((descriptors(), maps()), (before, 0));
        assert_eq!(dir.files(), ["garbage"]);
        return tell("well");
    }
    let mut child = Child::start(&here!(), "counter", &dir);
    child.expect("well");
}

/// Fault 18.
#[test]
fn running_out_of_descriptors_is_an_error_that_leaves_nothing() {
    let dir = Dir::new();
    if role().is_some() {
        // Everything that is opened once and kept is opened.
        drop(create(&dir).unwrap());
        let before = descriptors();
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let mut outcomes = Vec::new();
        for spare in 0..6 {
            // Lower numbers are all taken, so the limit leaves so many.
            let fill: Vec<_> = (0..200).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
            let highest = fill.iter().map(std::os::fd::AsRawFd::as_raw_fd).max().unwrap();
            setrlimit(Resource::RLIMIT_NOFILE, highest as u64 + 1 + spare, hard).unwrap();
            let result = create(&dir);
            let second = result.is_ok().then(|| Receiver::<u64>::open_with(NAME, &dir.options()));
            setrlimit(Resource::RLIMIT_NOFILE, hard.min(1024), hard).unwrap();
            drop(fill);
            for error in [result.as_ref().err(), second.as_ref().and_then(|second| second.as_ref().err())] {
                let Some(error) = error else { continue };
                let OpenError::Segment(SegmentError::Io { source, .. }) = error else { panic!("{error:?}") };
                assert_eq!(source.raw_os_error(), Some(nix::libc::EMFILE));
            }
            outcomes.push((result.is_ok(), second.as_ref().is_some_and(Result::is_ok)));
            if let Ok(tx) = &result {
                // The one that got in is as good as any, whatever happened to the other.
                assert_eq!(tx.receiver_count(), usize::from(second.as_ref().is_some_and(Result::is_ok)));
            }
            drop((result, second));
            assert!(dir.files().is_empty(), "with {spare} to spare: {:?}", dir.files());
            assert_eq!(descriptors(), before, "with {spare} to spare");
        }
        assert_eq!((outcomes[0], outcomes[5]), ((false, false), (true, true)), "{outcomes:?}");
        return tell("well");
    }
    let mut child = Child::start(&here!(), "poor", &dir);
    child.expect("well");
}

/// A relative directory means the one it meant when the channel was opened.
#[test]
fn a_process_may_go_to_another_directory() {
    let dir = Dir::new();
    if role().is_some() {
        std::env::set_current_dir(dir.path().parent().unwrap()).unwrap();
        let options = ringway::Options::new()
            .dir(dir.path().file_name().unwrap())
            .capacity(1)
            .slice(std::time::Duration::from_millis(1));
        let mut tx = Sender::<u64>::create_with(NAME, &options).unwrap();
        assert_eq!(tx.path(), Some(&*dir.path().join(NAME)));
        std::env::set_current_dir("/").unwrap();
        tx.send(1).unwrap();
        assert!(tx.send_timeout(2, std::time::Duration::from_millis(20)).unwrap_err().is_timeout());
        assert_eq!(tx.disconnect_reason(), None, "its name is still there");
        drop(tx);
        assert!(dir.files().is_empty(), "and gone with it");
        return tell("well");
    }
    let mut child = Child::start(&here!(), "wanderer", &dir);
    child.expect("well");
}

/// Both sides start at once, in any order, a hundred times: they always meet.
#[test]
fn two_that_start_at_once_meet() {
    let dir = Dir::new();
    if role().is_some() {
        loop {
            let line = hear();
            if line == "end" {
                return;
            }
            let mut rx = Receiver::<u64>::open_or_create_with(&line, &dir.options().capacity(4)).unwrap();
            rx.wait_for_peer(support::PATIENCE).unwrap();
            tell(rx.recv().unwrap());
        }
    }
    let mut child = Child::start(&here!(), "receiver", &dir);
    for round in 0..100 {
        let name = format!("meeting-{round}");
        child.tell(&name);
        let mut tx = Sender::<u64>::open_or_create_with(&name, &dir.options().capacity(4)).unwrap();
        tx.wait_for_peer(support::PATIENCE).unwrap();
        tx.send(round).unwrap();
        child.expect(&round.to_string());
    }
    child.tell("end");
    child.succeed();
    assert!(dir.files().is_empty());
}
