//! Steps: the places where a process may be made to end.
//!
//! In this crate's unit tests every atomic operation, every copy of a message and every system call that changes something
//! others see is preceded by [`point`]. A child process calls [`die_before`] (or [`stop_before`]) and then runs the
//! operation under test; the survivor looks at what is left. There, and where a fuzzer is (`--cfg fuzzing`, which `cargo fuzz` gives), something can
//! be done before each step as well ([`before_each`]): a hostile peer writes its words then. In the other builds there is nothing here.

/// A step. Free outside of unit tests and fuzzing.
#[inline(always)]
pub(crate) fn point() {
    #[cfg(all(any(test, fuzzing), not(loom)))]
    between::point();
    #[cfg(all(test, not(loom)))]
    counting::point();
}

#[cfg(all(any(test, fuzzing), not(loom)))]
pub use between::before_each;

#[cfg(all(test, not(loom)))]
pub(crate) use counting::{die_before, passed, stop_before};

#[cfg(all(test, not(loom)))]
mod counting {
    use std::cell::Cell;

    thread_local! {
        /// Steps left before the process ends; negative: never.
        static LEFT: Cell<i64> = const { Cell::new(-1) };
        static PASSED: Cell<u64> = const { Cell::new(0) };
        /// Whether the process is stopped there instead, and goes on when it is told to.
        static STOPS: Cell<bool> = const { Cell::new(false) };
    }

    pub(crate) fn point() {
        PASSED.set(PASSED.get() + 1);
        match LEFT.get() {
            left if left < 0 => {}
            0 if STOPS.get() => {
                LEFT.set(-1);
                let _ = nix::sys::signal::raise(nix::sys::signal::SIGSTOP);
            }
            0 => {
                // SIGKILL to itself: no destructor, no unwinding, no exit handler runs, as with `kill -9`.
                let _ = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::SIGKILL);
                unreachable!("a process outlived its own SIGKILL");
            }
            left => LEFT.set(left - 1),
        }
    }

    /// Ends the process before the calling thread's `n`-th step from now; 0 is the very next one.
    pub(crate) fn die_before(n: u64) {
        LEFT.set(i64::try_from(n).expect("a step count"));
    }

    /// Stops the process before the calling thread's `n`-th step from now: it is alive, and does nothing.
    pub(crate) fn stop_before(n: u64) {
        STOPS.set(true);
        LEFT.set(i64::try_from(n).expect("a step count"));
    }

    /// The steps that the calling thread has passed.
    pub(crate) fn passed() -> u64 {
        PASSED.get()
    }
}

/// What is done between the steps of the calling thread.
#[cfg(all(any(test, fuzzing), not(loom)))]
mod between {
    use std::cell::RefCell;

    type Between = Box<dyn FnMut()>;

    thread_local!(static BETWEEN: RefCell<Option<Between>> = const { RefCell::new(None) });

    /// Does this before each step of the calling thread from now on; `None`: nothing any more. Steps of its own have nothing
    /// before them.
    pub fn before_each(step: Option<Between>) {
        BETWEEN.set(step);
    }

    pub(super) fn point() {
        // At the end of a thread, and in a step's own steps, there is nothing.
        let _ = BETWEEN.try_with(|between| {
            if let Some(between) = between.try_borrow_mut().ok().as_deref_mut().and_then(Option::as_mut) {
                between();
            }
        });
    }
}
