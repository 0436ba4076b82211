//! The hostile side of a round: a process between the honest one and an end of the library.

use crate::plan::{Deed, Kind, Plan, Scribbling, Wrong};
use crate::support::Random;
use crate::victim::Message;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl};
use nix::libc;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::mman::{MmapAdvise, madvise};
use nix::sys::stat::Mode;
use ringway::Options;
use ringway::handover::Peer;
use std::ffi::c_void;
use std::io::{Read, Write};
use std::mem::size_of;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

const HELLO: usize = 128;
const VERDICT: usize = 32;
const PAGE: usize = 4096;

/// Does what the plan says, until it is killed.
pub(crate) fn run(path: &Path, plan: Plan) -> ! {
    let mut random = Random::with(plan.seed ^ 0xdead);
    let victim = UnixStream::connect(path).expect("the honest side listens");
    if let Some(after) = plan.dies_after {
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_micros(after));
            let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        });
    }
    let (ours, library) = UnixStream::pair().expect("a pair");
    std::thread::spawn(move || take_part(Peer::from(library), plan));
    let went = hand_over(&victim, &ours, plan, &mut random);
    if went.is_some() {
        if plan.begins_after > 0 {
            std::thread::sleep(Duration::from_micros(plan.begins_after.max(2000)));
        }
        if plan.lets_its_lock_go {
            let_go();
        }
        if plan.locks_everything {
            lock_everything();
        }
        scribble(plan, &mut random);
    }
    loop {
        std::thread::park();
    }
}

/// The end of the library that the hostile side has for itself, which does as one does.
fn take_part(mut peer: Peer, plan: Plan) {
    let options = Options::new();
    let sized = Options::new().capacity(plan.capacity);
    match (plan.kind, plan.honest_receives) {
        (Kind::Numbers, true) => {
            let Ok(mut tx) = peer.spsc_sender::<Message>(&sized) else { return };
            go_on(plan, || _ = tx.try_send([1; 5]));
        }
        (Kind::Numbers, false) => {
            let Ok(mut rx) = peer.spsc_receiver::<Message>(&options) else { return };
            go_on(plan, || _ = rx.try_recv());
        }
        (Kind::Bytes, true) => {
            let Ok(mut tx) = peer.bytes_sender(&sized) else { return };
            let message = vec![5; plan.capacity * 2];
            let mut len = 0;
            go_on(plan, || {
                len = (len * 7 + 3) % message.len();
                let _ = tx.send_timeout(&message[..len], Duration::from_millis(1));
            });
        }
        (Kind::Bytes, false) => {
            let Ok(mut rx) = peer.bytes_receiver(&options) else { return };
            go_on(plan, || drop(rx.try_recv()));
        }
        (Kind::Stream, true) => {
            let Ok(mut writer) = peer.stream_writer(&sized) else { return };
            writer.set_nonblocking(true);
            go_on(plan, || drop(writer.write(&[6; 700])));
        }
        (Kind::Stream, false) => {
            let Ok(mut reader) = peer.stream_reader(&options) else { return };
            reader.set_nonblocking(true);
            go_on(plan, || drop(reader.read(&mut [0; 900])));
        }
    }
}

/// Does it again and again, or holds the end still, to the end of the process.
fn go_on(plan: Plan, mut step: impl FnMut()) -> ! {
    loop {
        if plan.moves {
            step();
            std::thread::sleep(Duration::from_micros(300));
        } else {
            std::thread::park();
        }
    }
}

/// Passes the messages on, changed as the plan says. `None`: there will be no channel.
fn hand_over(victim: &UnixStream, library: &UnixStream, plan: Plan, random: &mut Random) -> Option<()> {
    let mut to_victim = [0; HELLO];
    let file = receive(library, &mut to_victim)?;
    let mut to_library = [0; HELLO];
    let theirs = receive(victim, &mut to_library)?;
    send(library, &to_library, &[theirs.as_raw_fd()])?;
    let own = file.as_raw_fd();
    let put =
        |hello: &mut [u8; HELLO], at: usize, number: u64| hello[at..at + 8].copy_from_slice(&number.to_le_bytes());
    match plan.deed {
        Deed::Silence => return None,
        Deed::Noise => {
            (0..random.below(300)).for_each(|_| drop((&*victim).write_all(&[random.next() as u8])));
            return None;
        }
        Deed::HalfAndWait | Deed::HalfAndGo => {
            send(victim, &to_victim[..random.below(HELLO as u64 - 1) as usize + 1], &[own])?;
            if plan.deed == Deed::HalfAndGo {
                let _ = victim.shutdown(std::net::Shutdown::Both);
            }
            return None;
        }
        Deed::Dribble => {
            for byte in to_victim {
                send(victim, &[byte], &[])?;
                std::thread::sleep(Duration::from_millis(3));
            }
            return None;
        }
        Deed::FlipHello => to_victim[random.below(104) as usize] ^= 1 << random.below(8),
        Deed::Magic => put(&mut to_victim, 0, random.next()),
        Deed::Version => put(&mut to_victim, 8, 2 | 128 << 32),
        Deed::Role => to_victim[24] = [0, 3, 200, if plan.honest_receives { 2 } else { 1 }][random.below(4) as usize],
        Deed::Kind => to_victim[28] = (to_victim[28] + 1 + random.below(200) as u8).max(6),
        Deed::Type => put(&mut to_victim, 32 + 8 * random.below(3) as usize, random.next() | 1 << 40),
        Deed::Length => put(&mut to_victim, 72, random.next() | 1),
        Deed::LengthOfAll => put(&mut to_victim, 72, u64::MAX),
        Deed::NoDescriptor => {
            send(victim, &to_victim, &[])?;
            return None;
        }
        Deed::TwoDescriptors => {
            send(victim, &to_victim, &[own, own])?;
            return None;
        }
        Deed::ManyDescriptors => {
            send(victim, &to_victim, &[own; 253])?;
            return None;
        }
        Deed::LateDescriptor => {
            send(victim, &to_victim[..60], &[])?;
            send(victim, &to_victim[60..], &[own])?;
            return verdicts(victim, library, plan, random);
        }
        Deed::WrongFile(wrong) => {
            let len = u64::from_le_bytes(to_victim[72..80].try_into().expect("eight bytes"));
            let file = wrong_file(wrong, len, own);
            // Where this kernel has no such file there is none.
            let passed: Vec<_> = file.iter().map(AsRawFd::as_raw_fd).collect();
            send(victim, &to_victim, &passed)?;
            return None;
        }
        Deed::FlipHeader if plan.honest_receives => {
            for_own_words(|word, at| {
                if at == 8 * (plan.seed >> 8 & 0x1ff) {
                    word.fetch_xor(1 << (plan.seed >> 20 & 63), Relaxed);
                }
            });
        }
        Deed::NoiseInHeader if plan.honest_receives => for_own_words(|word, at| {
            if at < PAGE as u64 {
                word.store(plan.seed.wrapping_mul(at + 1), Relaxed);
            }
        }),
        _ => {}
    }
    send(victim, &to_victim, &[own])?;
    verdicts(victim, library, plan, random)
}

fn verdicts(victim: &UnixStream, library: &UnixStream, plan: Plan, random: &mut Random) -> Option<()> {
    let mut to_victim = [0; VERDICT];
    (&*library).read_exact(&mut to_victim).ok()?;
    match plan.deed {
        Deed::NoVerdict => return None,
        Deed::GoBeforeVerdict => {
            let _ = victim.shutdown(std::net::Shutdown::Both);
            return None;
        }
        Deed::OtherVerdict => to_victim[random.below(8) as usize] ^= 1 << random.below(8),
        Deed::Refusal => to_victim[8..12].copy_from_slice(&(random.next() as u32 | 1).to_le_bytes()),
        // The page's own status is behind its cursor, or its cursor and its credit.
        Deed::NeverJoin => for_own_words(|word, at| {
            if at == if plan.honest_receives { PAGE as u64 + 128 } else { 256 } {
                word.store(0, Relaxed);
            }
        }),
        Deed::LetGoBeforeVerdict => let_go(),
        _ => {}
    }
    let null = std::fs::File::open("/dev/null").expect("/dev/null");
    let beside = [null.as_raw_fd()];
    send(victim, &to_victim, if plan.deed == Deed::DescriptorWithVerdict { &beside } else { &[] })?;
    let mut to_library = [0; VERDICT];
    (&*victim).read_exact(&mut to_library).ok()?;
    (&*library).write_all(&to_library).ok()?;
    Some(())
}

/// Something else than what it should be.
fn wrong_file(wrong: Wrong, len: u64, own: RawFd) -> Option<OwnedFd> {
    let all = SealFlag::F_SEAL_SHRINK | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_FUTURE_WRITE | SealFlag::F_SEAL_SEAL;
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let memfd = |flags, len: u64, seals: SealFlag, has_room: bool| {
        let file = memfd_create("wrong", flags).ok()?;
        nix::unistd::ftruncate(&file, len as i64).ok()?;
        if has_room {
            nix::fcntl::fallocate(&file, nix::fcntl::FallocateFlags::empty(), 0, len as i64).ok()?;
        }
        fcntl(&file, FcntlArg::F_ADD_SEALS(seals)).ok()?;
        Some(file)
    };
    match wrong {
        Wrong::Pipe => nix::unistd::pipe().ok().map(|(reading, _)| reading),
        Wrong::Directory => Some(std::fs::File::open("/").ok()?.into()),
        Wrong::Device => Some(std::fs::File::open("/dev/zero").ok()?.into()),
        Wrong::Socket => Some(UnixStream::pair().ok()?.0.into()),
        Wrong::Event => {
            // SAFETY: no memory is passed.
            let made = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
            // SAFETY: a new descriptor, and nobody else's.
            (made >= 0).then(|| unsafe { OwnedFd::from_raw_fd(made) })
        }
        Wrong::PathOnly => {
            nix::fcntl::open(format!("/proc/self/fd/{own}").as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
                .ok()
        }
        Wrong::ShmFile => {
            let flags = OFlag::O_TMPFILE | OFlag::O_RDWR | OFlag::O_CLOEXEC;
            let file = nix::fcntl::open("/dev/shm", flags, Mode::S_IRUSR | Mode::S_IWUSR).ok()?;
            nix::unistd::ftruncate(&file, len as i64).ok()?;
            Some(file)
        }
        Wrong::NoSeals => memfd(flags, len, SealFlag::empty(), true),
        Wrong::NoFutureWrite => memfd(flags, len, all - SealFlag::F_SEAL_FUTURE_WRITE, true),
        Wrong::NoShrink => memfd(flags, len, all - SealFlag::F_SEAL_SHRINK, true),
        Wrong::NoGrow => memfd(flags, len, all - SealFlag::F_SEAL_GROW, true),
        Wrong::NoSeal => memfd(flags, len, all - SealFlag::F_SEAL_SEAL, true),
        Wrong::OtherLength => memfd(flags, len + PAGE as u64, all, true),
        Wrong::NoRoom => memfd(flags, len, all, false),
        Wrong::HugePages => memfd(flags | MFdFlags::MFD_HUGETLB, 2 << 20, all, false),
        Wrong::Empty => memfd(flags, 0, all, false),
    }
}

/// The descriptors of handed-over files that can be written: by their mode, if not by their seals.
fn own_descriptors(mode: libc::c_int) -> Vec<RawFd> {
    let entries = std::fs::read_dir("/proc/self/fd").expect("/proc");
    let numbers = entries.filter_map(|entry| {
        let path = entry.ok()?.path();
        let target = std::fs::read_link(&path).ok()?;
        let number: RawFd = path.file_name()?.to_str()?.parse().ok()?;
        target.to_string_lossy().starts_with("/memfd:ringway-handover").then_some(number)
    });
    let has_mode = |number: &RawFd| {
        // SAFETY: open, and looked at only.
        let file = unsafe { BorrowedFd::borrow_raw(*number) };
        fcntl(file, FcntlArg::F_GETFL).is_ok_and(|flags| flags & libc::O_ACCMODE == mode)
    };
    numbers.filter(has_mode).collect()
}

fn lock(number: RawFd, kind: libc::c_int, start: i64, len: i64) {
    let region = libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: start,
        l_len: len,
        l_pid: 0,
    };
    // SAFETY: open.
    let file = unsafe { BorrowedFd::borrow_raw(number) };
    let _ = fcntl(file, FcntlArg::F_OFD_SETLK(&region));
}

/// Seems to be dead.
fn let_go() {
    own_descriptors(libc::O_RDWR).into_iter().for_each(|number| lock(number, libc::F_UNLCK, 0, 0));
}

/// Locks whatever can be locked by descriptors that can only be read.
fn lock_everything() {
    own_descriptors(libc::O_RDONLY).into_iter().for_each(|number| {
        lock(number, libc::F_RDLCK, 0, 1 << 62);
        (0..200).for_each(|byte| lock(number, libc::F_RDLCK, (1 << 62) + byte, 1));
    });
}

/// The memory that this process's end of the library may write: address and length.
fn own_memory() -> Vec<(usize, usize)> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    let writable = maps.lines().filter(|line| line.contains("memfd:ringway-handover") && line.contains(" rw-s "));
    let range = |line: &str| {
        let (start, end) = line.split(' ').next()?.split_once('-')?;
        let (start, end) = (usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?);
        Some((start, end - start))
    };
    writable.filter_map(range).collect()
}

fn word(address: usize) -> &'static AtomicU64 {
    // SAFETY: aligned, in a mapping that this process keeps to its end; whoever else writes there, it is a number.
    unsafe { AtomicU64::from_ptr(std::ptr::with_exposed_provenance_mut(address)) }
}

/// Every word of the first piece of it, and how far behind its beginning it is.
fn for_own_words(mut call: impl FnMut(&AtomicU64, u64)) {
    if let Some((start, len)) = own_memory().into_iter().min() {
        (0..len).step_by(8).for_each(|at| call(word(start + at), at as u64));
    }
}

/// Writes to its own memory for ever.
fn scribble(plan: Plan, random: &mut Random) {
    let memory = own_memory();
    if memory.is_empty() || plan.scribbling == Scribbling::Never {
        return;
    }
    for (start, len) in &memory {
        let address: NonNull<c_void> =
            NonNull::new(std::ptr::with_exposed_provenance_mut(*start)).expect("not the zero page");
        // SAFETY: it is refused.
        let hole = unsafe { madvise(address, *len, MmapAdvise::MADV_REMOVE) };
        assert!(hole.is_err(), "a hole");
    }
    loop {
        let (start, len) = memory[random.below(memory.len() as u64) as usize];
        // Most words are payload; those that matter are near the beginnings of pages.
        let at =
            if random.below(2) == 0 { random.below(len as u64 / 8) } else { random.below((len as u64 / 8).min(1024)) };
        let word = word(start + 8 * at as usize);
        let before = word.load(Relaxed);
        let value = match random.below(9) {
            0 => random.next(),
            1 => u64::MAX,
            2 => 0,
            3 => before.wrapping_add(random.below(64)),
            4 => before.wrapping_sub(random.below(64)),
            5 => before ^ 1 << random.below(64),
            6 => random.below(5000),
            7 => before.wrapping_add(plan.capacity as u64),
            _ => before.rotate_left(random.below(64) as u32),
        };
        word.store(value, Relaxed);
        match plan.scribbling {
            Scribbling::Always => {}
            Scribbling::Often => std::hint::spin_loop(),
            Scribbling::Seldom | Scribbling::Never => {
                std::thread::sleep(Duration::from_micros(random.below(2000)));
                // Often as if nothing had been.
                if random.below(2) == 0 {
                    word.store(before, Relaxed);
                }
            }
        }
    }
}

/// A message, with descriptors.
fn send(socket: &UnixStream, bytes: &[u8], pass: &[RawFd]) -> Option<()> {
    let mut control = [0_u64; 256];
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    // SAFETY: numbers and pointers, for which zeroes are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    if !pass.is_empty() {
        let len = 16 + size_of_val(pass);
        control[0] = len as u64;
        control[1] = u64::from(libc::SOL_SOCKET as u32) | u64::from(libc::SCM_RIGHTS as u32) << 32;
        for (at, number) in pass.iter().enumerate() {
            control[2 + at / 2] |= u64::from(*number as u32) << (32 * (at % 2));
        }
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = len.next_multiple_of(8) as _;
    }
    // SAFETY: everything that the message points to lives across the call.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_NOSIGNAL) };
    (sent == bytes.len() as isize).then_some(())
}

/// A message of so many bytes, and the descriptor with it.
fn receive(socket: &UnixStream, bytes: &mut [u8]) -> Option<OwnedFd> {
    let mut control = [0_u64; 16];
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    // SAFETY: as above.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    (message.msg_iov, message.msg_iovlen) = (&raw mut part, 1);
    (message.msg_control, message.msg_controllen) = ((&raw mut control).cast(), size_of::<[u64; 16]>() as _);
    // SAFETY: everything that the message points to lives across the call, and is ours to write.
    let got =
        unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_WAITALL | libc::MSG_CMSG_CLOEXEC) };
    if got != bytes.len() as isize || message.msg_controllen < 20 {
        return None;
    }
    // SAFETY: the kernel has just opened it for this process.
    Some(unsafe { OwnedFd::from_raw_fd(control[2] as u32 as RawFd) })
}
