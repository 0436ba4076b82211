//! What the other side of a hand-over can do with the kernel's help: files that are not what their numbers say, sockets that take their
//! time to close, names that lead elsewhere by now.
#![cfg(target_os = "linux")]
#![allow(unsafe_code)] // passes descriptors as somebody does who does not use this library

#[path = "handover/child.rs"]
#[allow(dead_code)] // other tests use more of it
mod child;
#[path = "support/mod.rs"]
mod support;

use child::{Child, role};
use nix::fcntl::{FallocateFlags, FcntlArg, SealFlag, fallocate, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use ringway::handover::{HandoverError, Listener, Peer, Trust};
use ringway::{DisconnectReason, Options};
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use support::{Dir, in_time};

const PAGE: i64 = 4096;

/// Sends bytes, and descriptors beside them.
fn pass(socket: &UnixStream, bytes: &[u8], files: &[BorrowedFd<'_>]) {
    #[repr(C, align(8))]
    struct Control([u8; 2048]);
    let (mut control, len) = (Control([0; 2048]), 16 + 4 * files.len());
    control.0[..8].copy_from_slice(&len.to_ne_bytes());
    control.0[8..12].copy_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
    control.0[12..16].copy_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
    for (place, file) in control.0[16..].chunks_exact_mut(4).zip(files) {
        place.copy_from_slice(&file.as_raw_fd().to_ne_bytes());
    }
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: a C struct of numbers and pointers, for which zeroes are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = len.next_multiple_of(8) as _;
    // SAFETY: all of it is valid for its length and lives across the call.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, 0) };
    assert_eq!(sent, bytes.len() as isize, "{}", std::io::Error::last_os_error());
}

/// The HELLO of somebody who wants to receive numbers.
fn hello_of_a_receiver() -> [u8; 128] {
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let asking = std::thread::spawn(move || {
        let _ = Peer::from(theirs).spsc_receiver::<u64>(&Options::new());
    });
    let mut hello = [0; 128];
    (&ours).read_exact(&mut hello).expect("a HELLO");
    drop(ours);
    asking.join().expect("an error, and no panic");
    hello
}

#[test]
fn a_file_whose_room_is_behind_its_end_is_refused() {
    let file = memfd_create("holes", MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING).expect("a memfd");
    nix::unistd::ftruncate(&file, PAGE).expect("a length");
    // As many blocks as its length needs, and none of them where it is.
    fallocate(&file, FallocateFlags::FALLOC_FL_KEEP_SIZE, 2 * PAGE, PAGE).expect("room");
    let seals = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_FUTURE_WRITE | SealFlag::F_SEAL_SEAL;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).expect("seals");
    let blocks = || nix::sys::stat::fstat(&file).expect("a file").st_blocks;
    let before = blocks();
    assert!(before * 512 >= PAGE);

    let (ours, theirs) = UnixStream::pair().expect("a pair");
    pass(&ours, &hello_of_a_receiver(), &[file.as_fd()]);
    let mut verdict = [0; 32];
    verdict[..8].copy_from_slice(b"ringsaid");
    (&ours).write_all(&verdict).expect("room for it");
    let error = Peer::from(theirs).spsc_sender::<u64>(&Options::new().capacity(16)).expect_err("nobody has joined");
    assert_eq!(blocks(), before, "memory that whoever looked at it had to pay for");
    assert!(matches!(error, HandoverError::Unfit { .. }), "{error:?}");
}

/// A connection whose closing waits for a reader that never reads, for a day.
fn lingering() -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let mut socket = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let (silent, _) = listener.accept().expect("a connection");
    let linger = libc::linger { l_onoff: 1, l_linger: 86400 };
    let len = size_of::<libc::linger>() as libc::socklen_t;
    let at = (&raw const linger).cast();
    // SAFETY: `at` is valid for `len` bytes and lives across the call.
    let set = unsafe { libc::setsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_LINGER, at, len) };
    assert_eq!(set, 0);
    socket.set_nonblocking(true).expect("a socket");
    let full = loop {
        if let Err(error) = socket.write(&[0; 1 << 16]) {
            break error;
        }
    };
    assert_eq!(full.kind(), ErrorKind::WouldBlock);
    socket.set_nonblocking(false).expect("a socket");
    (socket.into(), silent)
}

#[test]
fn letting_go_of_a_connection_does_not_wait_for_what_lies_in_it() {
    let (socket, _silent) = lingering();
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    pass(&ours, b"not asked for", &[socket.as_fd()]);
    // From here on it is open nowhere but in the connection.
    drop(socket);
    in_time("dropping a connection", move || drop(Peer::from(theirs)));
}

#[test]
fn letting_go_of_a_listener_does_not_wait_for_what_lies_before_it() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    let (socket, _silent) = lingering();
    let listener = Listener::bind(&path).expect("nobody is there");
    let ours = UnixStream::connect(&path).expect("it listens");
    pass(&ours, b"not asked for", &[socket.as_fd()]);
    drop(socket);
    in_time("dropping a listener", move || drop(listener));
    assert!(dir.files().is_empty(), "the path is taken away");
}

#[test]
fn descriptors_for_which_there_is_no_room_keep_nobody_waiting() {
    if role().is_none() {
        Child::start(&here!(), "has few", &Dir::new()).succeed();
        return;
    }
    let (socket, _silent) = lingering();
    let (ours, theirs) = UnixStream::pair().expect("a pair");
    let mut files = vec![ours.as_fd(); 100];
    files.push(socket.as_fd());
    pass(&ours, &hello_of_a_receiver(), &files);
    // The last of them is open nowhere else, and has no room here.
    drop(socket);
    let few = 60;
    nix::sys::resource::setrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE, few, few).expect("less");
    let error = in_time("a hand-over", move || {
        let mut peer = Peer::from(theirs);
        peer.spsc_sender::<u64>(&Options::new().capacity(16)).map(drop)
    });
    assert!(matches!(error, Err(HandoverError::Descriptors { .. })), "{error:?}");
}

#[test]
fn a_forked_child_takes_no_path_away() {
    let dir = Dir::new();
    if role().is_some() {
        // A process with one thread that does something.
        let listener = Listener::bind(dir.path().join("door")).expect("nobody is there");
        // SAFETY: the child drops what it has, and ends.
        match unsafe { nix::unistd::fork() }.expect("a process") {
            nix::unistd::ForkResult::Child => {
                drop(listener);
                // SAFETY: ends the process.
                unsafe { libc::_exit(0) };
            }
            nix::unistd::ForkResult::Parent { child } => {
                nix::sys::wait::waitpid(child, None).expect("a child");
                assert_eq!(dir.files(), ["door", "door.lock"], "they are its parent's");
                drop(listener);
                assert!(dir.files().is_empty());
            }
        }
        return;
    }
    Child::start(&here!(), "forks", &dir).succeed();
}

#[test]
fn a_listener_makes_nothing_else_accessible() {
    let dir = Dir::new();
    let (path, secret) = (dir.path().join("door"), dir.path().join("secret"));
    std::fs::write(&secret, "mine").expect("a file");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).expect("my file");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // Somebody who can write the directory.
        scope.spawn(|| {
            let link = dir.path().join("link");
            while !is_over.load(Relaxed) {
                let _ = std::os::unix::fs::symlink(&secret, &link);
                while !is_over.load(Relaxed) {
                    if std::fs::symlink_metadata(&path).is_ok_and(|there| there.file_type().is_socket()) {
                        break;
                    }
                }
                let _ = std::fs::rename(&link, &path);
            }
        });
        for _ in 0..3000 {
            let _ = Listener::bind_for(&path, Trust::Anyone);
            let _ = std::fs::remove_file(&path);
        }
        is_over.store(true, Relaxed);
    });
    assert_eq!(std::fs::metadata(&secret).expect("my file").mode() & 0o777, 0o600);
}

/// Takes back what a sender in this process has said of its first frame: that there are so many messages.
fn unsay(count: u64) {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    // The frames, of which the word is part, begin behind three pages.
    let frames = maps.lines().find_map(|line| {
        let is_it = line.contains("memfd:ringway-handover") && line.contains(" rw-s 00003000 ");
        let (start, end) = line.split(' ').next().filter(|_| is_it)?.split_once('-')?;
        Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?))
    });
    let (start, end) = frames.expect("a sender");
    let mut unsaid = 0;
    for address in (start..end).step_by(8) {
        // SAFETY: aligned, in a mapping whose sender is in this test; a number, whoever else writes there.
        let word = unsafe { AtomicU64::from_ptr(std::ptr::with_exposed_provenance_mut(address)) };
        if word.load(Relaxed) == count {
            word.store(0, Relaxed);
            unsaid += 1;
        }
    }
    assert_eq!(unsaid, 1);
}

#[test]
fn messages_that_were_there_and_are_not_any_more_are_no_end_and_no_reason_to_ask_again() {
    // In a process of its own, in which there is one sender.
    if role().is_none() {
        assert!(Child::command(&here!(), "alone").status().expect("this binary").success());
        return;
    }
    let (mut here, mut there) = Peer::pair().expect("a pair");
    let receiving = std::thread::spawn(move || {
        let numbers = there.spsc_receiver::<u64>(&Options::new()).expect("numbers");
        (numbers, there)
    });
    let mut tx = here.spsc_sender::<u64>(&Options::new().capacity(64)).expect("numbers");
    let (mut rx, mut there) = receiving.join().expect("no panic");
    tx.send_many(&[u64::MAX; 4]).expect("a receiver");
    let mut two = [0; 2];
    assert_eq!(rx.recv_many(&mut two), Ok(2));
    unsay(4);
    assert!(rx.recv_many(&mut two).is_err(), "none of no messages");
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Corrupt));
    drop((tx, rx));

    let reading = std::thread::spawn(move || there.stream_reader(&Options::new()).expect("a stream"));
    let mut writer = here.stream_writer(&Options::new().capacity(4096)).expect("a stream");
    let mut reader = reading.join().expect("no panic");
    writer.write_all(&[0xff; 4]).expect("a reader");
    let mut two = [0; 2];
    reader.read_exact(&mut two).expect("four bytes");
    unsay(4);
    assert!(reader.read(&mut two).is_err(), "an end that the writer has not made");
}

#[test]
fn what_is_inherited_is_taken_once_by_many_at_once() {
    const TAKERS: usize = 4;
    if role().is_some() {
        let barrier = Barrier::new(TAKERS);
        let taken: Vec<_> = std::thread::scope(|scope| {
            let take = || {
                barrier.wait();
                // Kept: a number that is closed twice may be somebody else's.
                Peer::inherited().map(std::mem::ManuallyDrop::new)
            };
            let takers: Vec<_> = (0..TAKERS).map(|_| scope.spawn(take)).collect();
            takers.into_iter().map(|taker| taker.join().expect("no panic")).collect()
        });
        assert_eq!(taken.iter().filter(|taken| taken.is_ok()).count(), 1);
        return;
    }
    for _ in 0..60 {
        let (child, _peer) = Child::with_peer(&here!(), "taker");
        child.succeed();
    }
}
