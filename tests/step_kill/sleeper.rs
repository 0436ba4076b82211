//! A thread of the survivor's that sleeps in the kernel while a victim is stepped.

use super::support::PATIENCE;
use nix::unistd::{Pid, gettid};
use std::fmt::Debug;
use std::fs::read_to_string;
use std::sync::mpsc;
use std::thread::{JoinHandle, spawn};
use std::time::Instant;

/// Somebody who sleeps until the work it waits for is done.
#[derive(Debug)]
pub(crate) struct Sleeper<R>(JoinHandle<R>);

impl<R: Send + 'static> Sleeper<R> {
    /// Starts a thread, and waits until its work sleeps on a futex.
    pub(crate) fn lay_down(work: impl FnOnce() -> R + Send + 'static) -> Self {
        let (tell, told) = mpsc::channel::<Pid>();
        let thread = spawn(move || {
            tell.send(gettid()).expect("somebody waits for it");
            work()
        });
        let id = told.recv().expect("a thread");
        let call = format!("{} ", nix::libc::SYS_futex);
        let path = format!("/proc/self/task/{id}/syscall");
        while !thread.is_finished() && !read_to_string(&path).is_ok_and(|line| line.starts_with(&call)) {
            std::thread::yield_now();
        }
        assert!(!thread.is_finished(), "it does not sleep");
        Self(thread)
    }

    /// Waits until its work is done; not for ever.
    pub(crate) fn rise(self) -> R {
        let give_up = Instant::now() + PATIENCE;
        while !self.0.is_finished() {
            assert!(Instant::now() < give_up, "nobody wakes the sleeper");
            std::thread::yield_now();
        }
        self.0.join().expect("a thread that does not panic")
    }
}
