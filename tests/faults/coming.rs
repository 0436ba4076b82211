//! Faults of coming to a channel: names that are not there yet or somebody else's, directories and systems that lack something,
//! a crowd.

use crate::here;
use crate::support::{Child, Dir, descriptors, hear, role, skip, tell};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::stat::{Mode, SFlag, makedev, mknod};
use nix::unistd::{Gid, Uid, chown, setresgid, setresuid};
use ringway::{Backing, OpenError, Options, SegmentError, mpmc, observe, spsc};
use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

const NAME: &str = "channel";
/// The user whom nobody is.
const NOBODY: u32 = 65534;

/// Fault 1. Where each of a hundred can have a place, each gets one, and all at the same instance; of ten channels, one after the
/// other.
#[test]
fn a_hundred_who_open_or_create_at_once_are_at_one_channel() {
    const THREADS: usize = 25;
    const NAMES: usize = 10;
    let dir = Dir::new();
    if role().is_some() {
        let options = dir.options().capacity(4).members(128);
        let barrier = Arc::new(Barrier::new(THREADS));
        tell("ready");
        hear();
        let threads: Vec<_> = (0..THREADS)
            .map(|_| {
                let (options, barrier) = (options.clone(), barrier.clone());
                std::thread::spawn(move || {
                    let open = |n| {
                        barrier.wait();
                        mpmc::Sender::<u64>::open_or_create_with(&format!("{NAME}-{n}"), &options).expect("a place")
                    };
                    (0..NAMES).map(open).collect::<Vec<_>>()
                })
            })
            .collect();
        let ends: Vec<_> = threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        for of_a_thread in &ends {
            let instances: Vec<_> = of_a_thread.iter().map(|end| format!("{:x?}", end.instance_id())).collect();
            tell(instances.join(";"));
        }
        hear();
        return;
    }
    let mut children: Vec<_> = (0..4).map(|_| Child::start(&here!(), "crowd", &dir)).collect();
    children.iter_mut().for_each(|child| child.expect("ready"));
    children.iter_mut().for_each(|child| child.tell("go"));
    let mut told: Vec<_> =
        children.iter_mut().flat_map(|child| (0..THREADS).map(|_| child.hear()).collect::<Vec<_>>()).collect();
    assert_eq!(told.len(), 100);
    told.dedup();
    let instance = |n| observe::stat(&format!("{NAME}-{n}"), Some(dir.path())).expect("a channel").instance;
    let there: Vec<_> = (0..NAMES).map(|n| format!("{:x?}", instance(n))).collect();
    assert_eq!((told, dir.files().len()), (vec![there.join(";")], NAMES));
    children.iter_mut().for_each(|child| child.tell("leave"));
    children.into_iter().for_each(Child::succeed);
    assert!(dir.files().is_empty());
}

/// Fault 3. Who waits for a name sleeps between two looks.
#[test]
fn who_waits_for_a_name_does_not_spin() {
    let dir = Dir::new();
    let time = Duration::from_millis(300);
    // How often this thread has gone to sleep of its own will: whoever spins never does, however busy the machine.
    let sleeps = || getrusage(UsageWho::RUSAGE_THREAD).expect("this thread's").voluntary_context_switches();
    let (start, before) = (Instant::now(), sleeps());
    let opened = spsc::Receiver::<u64>::open_with(NAME, &dir.options().open_timeout(time));
    let (took, sleeps) = (start.elapsed(), sleeps() - before);
    assert!(opened.is_err_and(|error| error.is_not_found()));
    assert!(took >= time, "{took:?}");
    assert!((5..10_000).contains(&sleeps), "it slept {sleeps} times in {took:?}");
}

/// Becomes somebody who may do nothing. What `/proc` tells of this process stays its own.
fn become_nobody() {
    setresgid(Gid::from_raw(NOBODY), Gid::from_raw(NOBODY), Gid::from_raw(NOBODY)).expect("root may");
    setresuid(Uid::from_raw(NOBODY), Uid::from_raw(NOBODY), Uid::from_raw(NOBODY)).expect("root may");
    nix::sys::prctl::set_dumpable(true).expect("one's own");
}

/// Whether there is another user to be.
fn is_root() -> bool {
    let is_root = Uid::effective().is_root();
    if !is_root {
        skip("not root, so there is nobody else to be");
    }
    is_root
}

/// Faults 12 and 13. A name that another user has taken, and that cannot be opened nor removed, is told to be that user's, at once.
#[test]
fn a_name_that_somebody_else_has_taken_is_told_whose_it_is() {
    let dir = Dir::new();
    if role().is_some() {
        become_nobody();
        let options = dir.options().capacity(8).open_timeout(Duration::from_secs(60));
        let errors = [
            spsc::Sender::<u64>::create_with(NAME, &options).unwrap_err(),
            spsc::Receiver::<u64>::open_with(NAME, &options).unwrap_err(),
            mpmc::Sender::<u64>::open_or_create_with(NAME, &options).unwrap_err(),
            observe::stat(NAME, Some(dir.path())).unwrap_err(),
            observe::remove(NAME, Some(dir.path())).unwrap_err(),
        ];
        for error in errors {
            let is_told = matches!(&error, OpenError::Segment(SegmentError::Untrusted { uid: 0, mode: 0o600, .. }));
            assert!(is_told && error.to_string().contains("owner 0"), "{error:?}");
            assert_eq!(std::io::Error::from(error).kind(), ErrorKind::PermissionDenied);
        }
        // A name of one's own is there.
        spsc::Sender::<u64>::create_with("another", &options).expect("the directory is everybody's");
        return tell("well");
    }
    if !is_root() {
        return;
    }
    // As /dev/shm is.
    std::fs::set_permissions(dir.path(), PermissionsExt::from_mode(0o1777)).unwrap();
    let path = dir.path().join(NAME);
    std::fs::write(&path, "mine").unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
    let mut child = Child::start(&here!(), "nobody", &dir);
    child.expect("well");
    child.succeed();
    assert_eq!((dir.files(), std::fs::read(&path).unwrap()), (vec![NAME.to_owned()], b"mine".to_vec()));
}

/// Fault 14. A channel that its own user may only read can be looked at and not opened.
#[test]
fn what_may_only_be_read_is_not_opened() {
    let dir = Dir::new();
    if role().is_some() {
        become_nobody();
        let tx = spsc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
        let path = tx.path().unwrap().to_owned();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o400)).unwrap();
        for error in [
            spsc::Receiver::<u64>::open_with(NAME, &dir.options()).unwrap_err(),
            spsc::Receiver::<u64>::create_with(NAME, &dir.options()).unwrap_err(),
            observe::remove(NAME, Some(dir.path())).unwrap_err(),
        ] {
            let OpenError::Segment(SegmentError::Io { path: told, source, .. }) = &error else { panic!("{error:?}") };
            assert_eq!((told, source.kind()), (&path, ErrorKind::PermissionDenied));
        }
        assert_eq!(observe::stat(NAME, Some(dir.path())).unwrap().instance, tx.instance_id());
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(spsc::Receiver::<u64>::open_with(NAME, &dir.options()).is_ok());
        return tell("well");
    }
    if !is_root() {
        return;
    }
    // Root may write what nobody may.
    chown(dir.path(), Some(Uid::from_raw(NOBODY)), Some(Gid::from_raw(NOBODY))).unwrap();
    let mut child = Child::start(&here!(), "nobody", &dir);
    child.expect("well");
    child.succeed();
    assert!(dir.files().is_empty());
}

/// Fault 15. A name is a `&str`; a file whose name is none is no channel's, and in nobody's way.
#[test]
fn a_file_whose_name_is_no_text_is_passed_by() {
    let dir = Dir::new();
    let strange = dir.path().join(OsStr::from_bytes(b"a\xff\xfe"));
    std::fs::write(&strange, "anything").unwrap();
    let tx = spsc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let listed = observe::list(Some(dir.path())).unwrap();
    assert_eq!(listed.iter().map(|entry| entry.name.as_str()).collect::<Vec<_>>(), [NAME]);
    let cleaned = observe::clean(Some(dir.path())).unwrap();
    assert!(matches!(&cleaned[..], [observe::Cleaned { removed: Ok(false), .. }]), "{cleaned:?}");
    drop(tx);
    assert_eq!(std::fs::read(&strange).unwrap(), b"anything");
}

/// A tmpfs that only this process sees.
fn mounted(at: &Path, flags: MsFlags) {
    mount(Some("tmpfs"), at, Some("tmpfs"), flags, Some("size=4m,mode=0700")).expect("a file system");
}

/// Runs the rest of a test in a process that mounts for itself what it likes; whether this is that process.
fn mounts_for_itself(test: &str, dir: &Dir) -> bool {
    if role().is_none() {
        Child::start(test, "mounter", dir).be_well();
        return false;
    }
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    match unshare(CloneFlags::CLONE_NEWNS).and_then(|()| mount(None::<&str>, "/", None::<&str>, private, None::<&str>))
    {
        Ok(()) => true,
        Err(errno) => {
            tell(format_args!("SKIPPED: a file system of one's own is not permitted: {errno}"));
            false
        }
    }
}

/// A channel in this directory carries a message, and leaves nothing.
fn carries(options: &Options) {
    let mut tx = spsc::Sender::<u64>::create_with(NAME, options).expect("a channel");
    let mut rx = spsc::Receiver::<u64>::open_with(NAME, options).expect("its other end");
    tx.send(7).expect("room");
    assert_eq!((rx.recv(), rx.sender_count()), (Ok(7), 1));
    drop(tx);
    assert!(rx.recv().is_err());
}

/// Fault 17, and 11 where nobody may open a device. Directories that lack something: what is needed is told, with the path; what
/// is not needed is not missed.
#[test]
fn a_directory_that_may_not_be_written_or_is_not_there_is_told() {
    let dir = Dir::new();
    if !mounts_for_itself(&here!(), &dir) {
        return;
    }
    let told = |error: OpenError, errno: i32, path: &Path| {
        let OpenError::Segment(SegmentError::Io { path: told, source, .. }) = &error else { panic!("{error:?}") };
        assert_eq!((told.as_path(), source.raw_os_error()), (path, Some(errno)), "{error}");
    };
    mounted(dir.path(), MsFlags::MS_NOEXEC | MsFlags::MS_NODEV | MsFlags::MS_NOSUID);
    carries(&dir.options());
    let path = dir.path().join("device");
    if mknod(&path, SFlag::S_IFCHR, Mode::S_IRUSR | Mode::S_IWUSR, makedev(1, 3)).is_ok() {
        let opened = spsc::Sender::<u64>::open_or_create_with("device", &dir.options()).unwrap_err();
        assert!(matches!(opened, OpenError::Segment(SegmentError::NotAFile { .. })), "{opened:?}");
    }
    let tx = spsc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    let file = std::fs::read(tx.path().unwrap()).unwrap();
    drop(tx);
    std::fs::write(dir.path().join("stale"), file).unwrap();
    let flags = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(None::<&str>, dir.path(), None::<&str>, flags, None::<&str>).expect("no writing");
    let erofs = nix::libc::EROFS;
    told(spsc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap_err(), erofs, dir.path());
    told(spsc::Receiver::<u64>::open_with("stale", &dir.options()).unwrap_err(), erofs, &dir.path().join("stale"));

    // All of /dev is another one: no /dev/shm.
    mounted(Path::new("/dev"), MsFlags::empty());
    let shm = Path::new("/dev/shm");
    told(spsc::Sender::<u64>::create(NAME, 8).unwrap_err(), nix::libc::ENOENT, shm);
    assert!(spsc::Sender::<u64>::open(NAME).unwrap_err().is_not_found());
    std::fs::create_dir(shm).unwrap();
    carries(&Options::new().dir(shm));
    tell("well");
}

/// Fault 19. Without `/proc` a channel with a name is as ever. (A memfd needs `/proc/self/fd`, and says so.)
#[test]
fn without_proc_a_channel_is_as_ever() {
    let dir = Dir::new();
    if !mounts_for_itself(&here!(), &dir) {
        return;
    }
    mounted(Path::new("/proc"), MsFlags::empty());
    carries(&dir.options());
    let tx = mpmc::Sender::<u64>::create_with(NAME, &dir.options()).unwrap();
    assert_eq!((tx.sender_count(), observe::list(Some(dir.path())).unwrap().len()), (1, 1));
    drop(tx);
    assert!(dir.files().is_empty());
    let memfd = spsc::Sender::<u64>::create_with(NAME, &Options::new().backing(Backing::Memfd)).unwrap_err();
    let OpenError::Segment(SegmentError::Io { source, .. }) = &memfd else { panic!("{memfd:?}") };
    assert_eq!(source.kind(), ErrorKind::NotFound);
    tell("well");
}

/// Fault 20. A descriptor that is refused is closed with the options that it was given in; a file on another user's terms is not
/// believed for being a memfd.
#[test]
fn a_descriptor_that_is_refused_is_closed() {
    let dir = Dir::new();
    if role().is_none() {
        let mut child = Child::start(&here!(), "alone", &dir);
        child.expect("well");
        return child.succeed();
    }
    let before = descriptors();
    let file = std::fs::File::create(dir.path().join("file")).unwrap();
    assert_eq!(file.metadata().unwrap().uid(), Uid::effective().as_raw());
    let given = Options::new().backing(Backing::Descriptor(Arc::new(file.into())));
    for _ in 0..10 {
        let refused = spsc::Receiver::<u64>::open_with(NAME, &given).unwrap_err();
        assert!(matches!(refused, OpenError::Segment(SegmentError::Unsupported { .. })), "{refused:?}");
        assert_eq!(descriptors(), before + 1);
    }
    drop(given);
    assert_eq!(descriptors(), before);
    tell("well");
}
