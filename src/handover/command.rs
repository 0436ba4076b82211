//! A connection that a child inherits.
//!
//! # Safety
//!
//! What runs in the child between `fork` and `exec` calls `fcntl` on one descriptor, which is async-signal-safe, and touches one
//! atomic number of its own; the descriptor is open there, since it is in the parent until the child has been started.
#![allow(unsafe_code)]

use super::peer::Peer;
use crate::sync::private::{AtomicI32, Ordering::Relaxed};
use crate::sys::socket;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex, PoisonError};

/// Tells a child which of its descriptors is the connection, and which socket that must be.
const VARIABLE: &str = "RINGWAY_HANDOVER";
/// No descriptor.
const NONE: i32 = -1;

/// What a [`Command`] can do to hand channels over to the program that it starts.
pub trait CommandExt {
    /// Starts the program, and connects it: the program gets its end by [`Peer::inherited`]. No other process that this one starts
    /// inherits it, and no process that the child starts.
    ///
    /// Both ends have the [credentials](Peer::credentials) of *this* process, which made them: a child that is started as another
    /// user must be told to trust this one ([`Peer::trusting`]).
    ///
    /// ```no_run
    /// use ringway::{Options, handover::{CommandExt, Peer}};
    ///
    /// let (mut child, mut peer) = std::process::Command::new("worker").spawn_peer()?;
    /// let mut jobs = peer.bytes_sender(&Options::new())?;
    /// jobs.send(b"a job")?;
    ///
    /// // in the worker
    /// let mut jobs = Peer::inherited()?.bytes_receiver(&Options::new())?;
    /// assert_eq!(jobs.recv()?, b"a job");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Command::spawn`]; no descriptors left.
    fn spawn_peer(&mut self) -> io::Result<(Child, Peer)>;
}

impl CommandExt for Command {
    fn spawn_peer(&mut self) -> io::Result<(Child, Peer)> {
        let (ours, theirs) = UnixStream::pair()?;
        let number = theirs.as_raw_fd();
        let passed = Arc::new(AtomicI32::new(number));
        let in_the_child = Arc::clone(&passed);
        // SAFETY: async-signal-safe: one load of an atomic that exists already, one fcntl, no allocation where it succeeds.
        unsafe { self.pre_exec(move || survive(&in_the_child)) };
        self.env(VARIABLE, format!("{number}:{}", socket::inode(theirs.as_fd())?));
        let child = self.spawn();
        // The closure stays with the command, which may be started again: it is not to touch what has this number then. The same of
        // the variable. Relaxed: the child has a copy of its own.
        passed.store(NONE, Relaxed);
        self.env_remove(VARIABLE);
        Ok((child?, Peer::from(ours)))
    }
}

/// In the child: the connection goes with the `exec`.
fn survive(passed: &AtomicI32) -> io::Result<()> {
    let number = passed.load(Relaxed); // relaxed: the parent stored it before the fork
    if number == NONE {
        return Ok(());
    }
    // SAFETY: open in the parent until `spawn` has returned there, and so in its copy here.
    let there = unsafe { BorrowedFd::borrow_raw(number) };
    socket::set_close_on_exec(there, false)
}

/// The connection that whoever started this program has left to it, if it has not been taken yet.
pub(super) fn inherited() -> Option<UnixStream> {
    /// Of two threads that ask at once both would find that it has not been taken.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let told = std::env::var(VARIABLE).ok()?;
    let (number, inode) = told.split_once(':')?;
    socket::inherited(number.parse().ok()?, inode.parse().ok()?)
}
