//! Connected Unix sockets: who is at the other end, bytes, and descriptors beside them. Nothing here waits but [`wait`].
//!
//! The control messages are taken apart as the kernel lays them out, and not by a library that gives up a message which was
//! cut: the descriptors of such a one are open in this process, too, and must be closed.
//!
//! # Safety
//!
//! System calls on buffers of ours, whose lengths are passed with them; descriptors that the kernel has just opened for this
//! process are owned by nobody else.
#![allow(unsafe_code)]

use nix::errno::Errno;
use nix::libc::{self, c_int, c_void};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io;
use std::mem::{ManuallyDrop, size_of};
use std::ops::Deref;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// Who is at the other end of a connection, as the kernel noted it when the connection was made. It cannot be forged. Of a pair that
/// one process made ([`UnixStream::pair`], and what a child inherits) both ends have the credentials of that process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Credentials {
    /// The process, for people to read: it may be gone, and another may have its number. 0: it is in another pid namespace.
    pub pid: u32,
    /// The user that it acted as.
    pub uid: u32,
    /// And the group.
    pub gid: u32,
}

/// What came beside bytes.
#[derive(Debug, Default)]
pub(crate) struct Beside {
    pub(crate) descriptors: Vec<OwnedFd>,
    /// Whether there was more than could be taken: this process has no descriptors left, mostly.
    pub(crate) is_cut: bool,
}

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ready {
    /// Something can be read, or never will be; or somebody has come to a listener.
    Read,
    /// Something can be written, or never will be.
    Write,
}

impl Drop for Beside {
    fn drop(&mut self) {
        // What nobody has taken out was not asked for.
        dispose(std::mem::take(&mut self.descriptors));
    }
}

/// A socket of which nobody waits for the closing. What lies in it unread may hold descriptors, which are closed with it, and
/// whose closing waits for as long as somebody else likes (another socket, that lingers). Whether anything lies there cannot be
/// asked in time, and it cannot be shut before it is closed: a forked child may go on with it.
#[derive(Debug)]
pub(crate) struct Parting<S: Into<OwnedFd>>(ManuallyDrop<S>);

impl<S: Into<OwnedFd>> Parting<S> {
    pub(crate) fn new(socket: S) -> Self {
        Self(ManuallyDrop::new(socket))
    }
}

impl<S: Into<OwnedFd>> Deref for Parting<S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0
    }
}

impl<S: Into<OwnedFd>> Drop for Parting<S> {
    fn drop(&mut self) {
        // SAFETY: taken once, here, where nothing else happens to it any more.
        let socket = unsafe { ManuallyDrop::take(&mut self.0) };
        dispose(vec![socket.into()]);
    }
}

/// Room for all descriptors that the kernel passes at once (253), for what else there may be, and aligned as it wants it.
#[repr(C, align(8))]
struct Control([u8; 2048]);

/// The kernel's `struct cmsghdr`: a length (of all of it), a level, a type; then the data, aligned to a word.
const WORD: usize = size_of::<usize>();
const HEADER: usize = (WORD + 2 * size_of::<c_int>()).next_multiple_of(WORD);
/// `SCM_PIDFD`: a descriptor, too, if whoever made the socket has asked for it.
const SCM_PIDFD: c_int = 4;

/// Who was at the other end when the connection was made.
pub(crate) fn credentials(socket: BorrowedFd<'_>) -> io::Result<Credentials> {
    let mut found = libc::ucred { pid: 0, uid: u32::MAX, gid: u32::MAX };
    let mut len = size_of::<libc::ucred>() as libc::socklen_t;
    let to = (&raw mut found).cast::<c_void>();
    // SAFETY: `to` is valid for `len` bytes, and both live across the call.
    let result = unsafe { libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, libc::SO_PEERCRED, to, &raw mut len) };
    Errno::result(result)?;
    Ok(Credentials { pid: u32::try_from(found.pid).unwrap_or(0), uid: found.uid, gid: found.gid })
}

/// A new connection to the socket at `path`, if it can be had at once; `WouldBlock` if nobody there has room for it now.
pub(crate) fn connect(path: &Path) -> io::Result<UnixStream> {
    let bytes = path.as_os_str().as_bytes();
    let mut address = libc::sockaddr_un { sun_family: libc::AF_UNIX as libc::sa_family_t, sun_path: [0; 108] };
    if bytes.is_empty() || bytes.contains(&0) || bytes.len() >= address.sun_path.len() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a socket's path has 1 to 107 bytes, and no zero byte",
        ));
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    let kind = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    // SAFETY: no memory is passed.
    let made = Errno::result(unsafe { libc::socket(libc::AF_UNIX, kind, 0) })?;
    // SAFETY: just made, and nobody else's.
    let socket = unsafe { OwnedFd::from_raw_fd(made) };
    let len = (std::mem::offset_of!(libc::sockaddr_un, sun_path) + bytes.len() + 1) as libc::socklen_t;
    // SAFETY: `address` is valid for `len` bytes and lives across the call.
    let result = unsafe { libc::connect(socket.as_raw_fd(), (&raw const address).cast(), len) };
    Errno::result(result)?;
    Ok(UnixStream::from(socket))
}

/// Sends the front of `bytes`, with a descriptor beside them; how many bytes went. `WouldBlock`: none now.
pub(crate) fn send(socket: BorrowedFd<'_>, bytes: &[u8], pass: Option<BorrowedFd<'_>>) -> io::Result<usize> {
    let mut control = Control([0; 2048]);
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = message(&mut part);
    if let Some(file) = pass {
        let len = HEADER + size_of::<RawFd>();
        control.0[..WORD].copy_from_slice(&len.to_ne_bytes());
        control.0[WORD..WORD + 4].copy_from_slice(&libc::SOL_SOCKET.to_ne_bytes());
        control.0[WORD + 4..WORD + 8].copy_from_slice(&libc::SCM_RIGHTS.to_ne_bytes());
        control.0[HEADER..len].copy_from_slice(&file.as_raw_fd().to_ne_bytes());
        message.msg_control = (&raw mut control).cast();
        message.msg_controllen = len.next_multiple_of(WORD) as _;
    }
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the message's parts and control bytes are valid for their lengths and live across the call, which reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, flags) };
    Ok(usize::try_from(Errno::result(sent)?).unwrap_or(0))
}

/// Receives into the front of `bytes`; how many came, 0 at the end. `WouldBlock`: none now. Descriptors that came with them are
/// closed on `exec`, and added to `beside`. If there is no room for those, nothing is taken out of the socket.
pub(crate) fn receive(socket: BorrowedFd<'_>, bytes: &mut [u8], beside: &mut Beside) -> io::Result<usize> {
    // A descriptor for which there is no room is closed by the kernel, in this call, which would wait for that if it were open
    // nowhere else. So it is looked at first, and open in the socket or here while the other is closed. (The look may show what is
    // beside the next bytes, too.)
    let mut held = Beside::default();
    let seen = receive_with(socket, bytes, &mut held, libc::MSG_PEEK)?;
    if held.is_cut {
        beside.is_cut = true;
        beside.descriptors.append(&mut held.descriptors);
        return Ok(seen);
    }
    // No more than was seen: what has come since is not held.
    let seen = seen.min(bytes.len());
    let got = receive_with(socket, &mut bytes[..seen], beside, 0);
    // What can be sealed is memory, and closed at once; the rest is disposed of.
    held.descriptors.retain(|file| nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_GET_SEALS).is_err());
    got
}

fn receive_with(socket: BorrowedFd<'_>, bytes: &mut [u8], beside: &mut Beside, flags: c_int) -> io::Result<usize> {
    let mut control = Control([0; 2048]);
    let mut part = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: bytes.len() };
    let mut message = message(&mut part);
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = size_of::<Control>() as _;
    let flags = flags | libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    // SAFETY: the message's parts and control bytes are valid, and ours to write, for their lengths; they live across the call.
    let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut message, flags) };
    let got = Errno::result(got)?;
    // Of another width in other C libraries.
    #[allow(clippy::unnecessary_cast)]
    let len = (message.msg_controllen as usize).min(control.0.len());
    for number in numbers(&control.0[..len]) {
        // SAFETY: the kernel has just opened it for this process, and told nobody else.
        beside.descriptors.push(unsafe { OwnedFd::from_raw_fd(number) });
    }
    beside.is_cut |= message.msg_flags & libc::MSG_CTRUNC != 0;
    Ok(usize::try_from(got).unwrap_or(0))
}

/// A message of one part.
fn message(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: a C struct of numbers and pointers, for which zeroes are a value.
    let mut message: libc::msghdr = unsafe { std::mem::zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

/// The descriptors in what the kernel wrote beside a message.
fn numbers(mut control: &[u8]) -> Vec<RawFd> {
    let word = |bytes: &[u8]| <[u8; WORD]>::try_from(&bytes[..WORD]).map_or(0, usize::from_ne_bytes);
    let int = |bytes: &[u8]| <[u8; 4]>::try_from(&bytes[..4]).map_or(0, c_int::from_ne_bytes);
    let mut found = Vec::new();
    while control.len() >= HEADER {
        let len = word(control);
        if len < HEADER || len > control.len() {
            break;
        }
        let (level, kind) = (int(&control[WORD..]), int(&control[WORD + 4..]));
        if level == libc::SOL_SOCKET && (kind == libc::SCM_RIGHTS || kind == SCM_PIDFD) {
            found.extend(control[HEADER..len].chunks_exact(4).map(int).filter(|number| *number >= 0));
        }
        control = &control[len.next_multiple_of(WORD).min(control.len())..];
    }
    found
}

/// Waits until then for a socket to be ready; whether it is.
pub(crate) fn wait(socket: BorrowedFd<'_>, ready: Ready, until_ns: Option<u64>) -> io::Result<bool> {
    let events = match ready {
        Ready::Read => PollFlags::POLLIN,
        Ready::Write => PollFlags::POLLOUT,
    };
    loop {
        let left = until_ns.map(|until| Duration::from_nanos(until.saturating_sub(super::clock::now_ns())));
        // Rounded up, and so never too early; what is too long for the call is asked for again.
        let left =
            left.map(|left| PollTimeout::try_from(left + Duration::from_micros(999)).unwrap_or(PollTimeout::MAX));
        match poll(&mut [PollFd::new(socket, events)], left.unwrap_or(PollTimeout::NONE)) {
            Ok(0) if until_ns.is_some_and(|until| super::clock::now_ns() >= until) => return Ok(false),
            Ok(0) | Err(Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// Takes over a connected Unix stream socket that this process has inherited as descriptor `number`: it is that with the
/// inode `inode`, and not yet closed on `exec`, which it is from now on. `None`: there is no such one.
pub(crate) fn inherited(number: RawFd, inode: u64) -> Option<UnixStream> {
    if number < 3 {
        return None;
    }
    // SAFETY: looked at only; if nothing is open under the number, the calls say so.
    let there = unsafe { BorrowedFd::borrow_raw(number) };
    let seen = nix::sys::stat::fstat(there).ok()?;
    let flags = nix::fcntl::fcntl(there, nix::fcntl::FcntlArg::F_GETFD).ok()?;
    let is_it = seen.st_ino == inode
        && seen.st_mode & libc::S_IFMT == libc::S_IFSOCK
        && flags & libc::FD_CLOEXEC == 0
        && credentials(there).is_ok();
    if !is_it {
        return None;
    }
    set_close_on_exec(there, true).ok()?;
    // SAFETY: whoever started this program has left it this descriptor, of which the inode is that which it told us. What this
    //  process opens itself is closed on `exec`, and once taken over this one is, too: nobody takes it a second time.
    Some(UnixStream::from(unsafe { OwnedFd::from_raw_fd(number) }))
}

/// Which socket it is.
pub(crate) fn inode(socket: BorrowedFd<'_>) -> io::Result<u64> {
    Ok(nix::sys::stat::fstat(socket)?.st_ino)
}

/// Whether the descriptor goes with the next `exec`. Async-signal-safe.
pub(crate) fn set_close_on_exec(file: BorrowedFd<'_>, is_closed: bool) -> io::Result<()> {
    let flags = if is_closed { nix::fcntl::FdFlag::FD_CLOEXEC } else { nix::fcntl::FdFlag::empty() };
    nix::fcntl::fcntl(file, nix::fcntl::FcntlArg::F_SETFD(flags))?;
    Ok(())
}

/// Closes descriptors that somebody else has chosen. Closing can wait, for as long as their file system likes, or a network; that
/// is a thread's business that nobody waits for.
pub(crate) fn dispose(descriptors: Vec<OwnedFd>) {
    if descriptors.is_empty() {
        return;
    }
    let closing = std::thread::Builder::new().name("ringway-close".into());
    // Without a thread they are closed here, with the closure.
    let _ = closing.spawn(move || drop(descriptors));
}
