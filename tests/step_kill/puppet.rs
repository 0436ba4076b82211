//! A child that is stepped: it is forked from this process, which traces it (`ptrace`), and performs one operation
//! between two marks. Between the marks it can be stopped before any instruction.
//!
//! A single step costs some 20 us on a virtual machine, where the debug exception leaves the guest, so a child is taken to
//! the middle of an operation by a breakpoint (a byte in its own copy of the code) and not by steps.
//!
//! # Safety
//!
//! `fork` in a process with one thread: the child runs on as this one would, and ends with `_exit` or by a signal. `int3`
//! changes nothing but where the child stands.
#![allow(unsafe_code)]

use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{ForkResult, Pid, fork};
use std::fmt::Debug;

/// Ended by a child that may not be traced.
const REFUSED: i32 = 77;
const INT3: i64 = 0xcc;
/// `syscall`, as two bytes of a word of code.
const SYSCALL: i64 = 0x050f;

/// Stops here, for the tracer.
#[inline(never)]
fn mark() {
    // SAFETY: stops the process for its tracer, which lets it go on behind; without one the signal ends the process.
    unsafe { std::arch::asm!("int3") }
}

/// In a child: performs the operation between the two marks; then ends the process, well if the result is as it should be.
pub(crate) fn act<R: Debug>(operation: impl FnOnce() -> R, is_right: impl FnOnce(&R) -> bool) -> ! {
    mark();
    let result = operation();
    mark();
    let is_right = is_right(&result);
    if !is_right {
        eprintln!("the victim's operation came to {result:?}");
    }
    exit(i32::from(!is_right))
}

fn exit(code: i32) -> ! {
    // SAFETY: ends the process without running anything: no handle is dropped.
    unsafe { libc::_exit(code) }
}

/// Whether this operation on a futex sleeps.
fn is_sleep(operation: u64) -> bool {
    let operation = operation as i32 & !(libc::FUTEX_CLOCK_REALTIME | libc::FUTEX_PRIVATE_FLAG);
    operation == libc::FUTEX_WAIT || operation == libc::FUTEX_WAIT_BITSET
}

/// A traced child that stands still. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Puppet {
    pid: Pid,
    /// Where it stands at a mark.
    mark: u64,
    is_alive: bool,
}

/// The child has come to its last mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Over;

/// Whether this process may trace its children here.
pub(crate) fn is_permitted() -> bool {
    let Ok(mut puppet) = Puppet::try_start(|| act(|| (), |()| true)) else { return false };
    puppet.try_step().is_ok()
}

impl Puppet {
    /// Forks a child that plays, and stops it at its first mark.
    pub(crate) fn start(play: impl FnOnce()) -> Self {
        Self::try_start(play).expect("tracing was permitted")
    }

    fn try_start(play: impl FnOnce()) -> nix::Result<Self> {
        // SAFETY: this process has one thread.
        match unsafe { fork() }? {
            ForkResult::Child => {
                let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
                if ptrace::traceme().is_err() {
                    exit(REFUSED);
                }
                let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(play));
                // It has not come to `act`'s end.
                exit(101)
            }
            ForkResult::Parent { child } => {
                let mut puppet = Self { pid: child, mark: 0, is_alive: true };
                match waitpid(child, None)? {
                    WaitStatus::Stopped(_, Signal::SIGTRAP) => {}
                    ended => {
                        puppet.is_alive = !matches!(ended, WaitStatus::Exited(..) | WaitStatus::Signaled(..));
                        let refused = matches!(ended, WaitStatus::Exited(_, REFUSED));
                        assert!(refused, "the victim did not come to its operation: {ended:?}");
                        return Err(nix::errno::Errno::EPERM);
                    }
                }
                ptrace::setoptions(child, Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD)?;
                puppet.mark = ptrace::getregs(child)?.rip;
                Ok(puppet)
            }
        }
    }

    /// Where it stands: the address of its next instruction.
    pub(crate) fn place(&self) -> u64 {
        ptrace::getregs(self.pid).expect("a child that stands").rip
    }

    fn code(&self, place: u64) -> i64 {
        ptrace::read(self.pid, place as ptrace::AddressType).expect("code")
    }

    /// Whether its next instruction is a call of the kernel.
    pub(crate) fn is_about_to_call(&self, place: u64) -> bool {
        self.code(place) & 0xffff == SYSCALL
    }

    /// Whether its next instruction is a call of the kernel that may sleep on a futex.
    pub(crate) fn is_about_to_sleep(&self) -> bool {
        let registers = ptrace::getregs(self.pid).expect("a child that stands");
        registers.rax == libc::SYS_futex as u64 && is_sleep(registers.rsi) && self.is_about_to_call(registers.rip)
    }

    /// Waits until it stands again.
    fn stopped(&mut self) -> WaitStatus {
        let status = waitpid(self.pid, None).expect("a child");
        self.is_alive = !matches!(status, WaitStatus::Exited(..) | WaitStatus::Signaled(..));
        assert!(
            matches!(status, WaitStatus::Stopped(_, Signal::SIGTRAP) | WaitStatus::PtraceSyscall(_)),
            "the victim, inside its operation: {status:?}"
        );
        status
    }

    fn try_step(&mut self) -> nix::Result<()> {
        ptrace::step(self.pid, None)?;
        self.stopped();
        Ok(())
    }

    /// Performs one instruction; where it stands then. A call of the kernel is one.
    pub(crate) fn step(&mut self) -> Result<u64, Over> {
        self.try_step().expect("a child that stands");
        let place = self.place();
        if place == self.mark { Err(Over) } else { Ok(place) }
    }

    /// Goes on until it comes to `place` for the `times`-th time, where it is now counted. `Err`, too, if it were to sleep before
    /// that more than `sleeps` times, if that says anything.
    pub(crate) fn run_to(&mut self, place: u64, times: usize, mut sleeps: Option<usize>) -> Result<(), Over> {
        let before = self.code(place);
        for left in (0..times).rev() {
            self.poke(place, before & !0xff | INT3);
            self.go_on(&mut sleeps)?;
            let mut registers = ptrace::getregs(self.pid).expect("a child that stands");
            if registers.rip != place + 1 {
                assert_eq!(registers.rip, self.mark, "stopped where nothing stops it");
                return Err(Over);
            }
            self.poke(place, before);
            registers.rip = place;
            ptrace::setregs(self.pid, registers).expect("a child that stands");
            if left > 0 {
                self.step()?;
            }
        }
        Ok(())
    }

    /// Goes on until a breakpoint or a mark stops it.
    fn go_on(&mut self, sleeps: &mut Option<usize>) -> Result<(), Over> {
        let Some(left) = sleeps else {
            ptrace::cont(self.pid, None).expect("a child that stands");
            self.stopped();
            return Ok(());
        };
        loop {
            ptrace::syscall(self.pid, None).expect("a child that stands");
            if !matches!(self.stopped(), WaitStatus::PtraceSyscall(_)) {
                return Ok(());
            }
            if self.enters_to_sleep() {
                *left = left.checked_sub(1).ok_or(Over)?;
            }
        }
    }

    /// Whether the call of the kernel that has stopped it is one that may sleep on a futex, on the way in.
    pub(crate) fn enters_to_sleep(&self) -> bool {
        let registers = ptrace::getregs(self.pid).expect("a child that stands");
        // On the way out there is a result.
        let is_entry = registers.rax as i64 == -i64::from(libc::ENOSYS);
        is_entry && registers.orig_rax == libc::SYS_futex as u64 && is_sleep(registers.rsi)
    }

    fn poke(&self, place: u64, code: i64) {
        ptrace::write(self.pid, place as ptrace::AddressType, code)
            .expect("code, of which the child gets its own copy");
    }

    /// Goes on to the next entry to or exit from the kernel.
    pub(crate) fn next_call(&mut self) -> Result<(), Over> {
        ptrace::syscall(self.pid, None).expect("a child that stands");
        match self.stopped() {
            WaitStatus::PtraceSyscall(_) => Ok(()),
            _ => Err(Over),
        }
    }

    /// Goes on until it has mapped a file, to share it.
    pub(crate) fn run_to_mapping(&mut self) -> Result<(), Over> {
        loop {
            self.next_call()?;
            let registers = ptrace::getregs(self.pid).expect("a child that stands");
            let shares = registers.r10 as i32 & libc::MAP_SHARED != 0;
            if registers.orig_rax == libc::SYS_mmap as u64 && shares {
                // It stands at the entry.
                return self.next_call();
            }
        }
    }

    /// Goes on to its last mark.
    pub(crate) fn complete(&mut self) {
        self.complete_sleeping(None).expect("it may sleep");
    }

    /// The same; `Err` if it were to sleep on the way more than `sleeps` times, if that says anything.
    pub(crate) fn complete_sleeping(&mut self, mut sleeps: Option<usize>) -> Result<(), Over> {
        self.go_on(&mut sleeps)?;
        assert_eq!(self.place(), self.mark, "stopped where nothing stops it");
        Ok(())
    }

    /// Goes on until it enters the kernel to sleep on a futex.
    pub(crate) fn run_to_sleep(&mut self) -> Result<(), Over> {
        loop {
            self.next_call()?;
            if self.enters_to_sleep() {
                return Ok(());
            }
        }
    }

    /// Goes on to its last mark; whenever it is about to sleep, it is relieved first.
    pub(crate) fn complete_with(&mut self, mut relieve: impl FnMut()) {
        while self.run_to_sleep().is_ok() {
            relieve();
        }
        assert_eq!(self.place(), self.mark, "stopped where nothing stops it");
    }

    /// At its last mark: lets it judge its result, and end.
    pub(crate) fn judge(mut self) {
        ptrace::cont(self.pid, None).expect("a child that stands");
        let status = waitpid(self.pid, None).expect("a child");
        self.is_alive = false;
        assert_eq!(status, WaitStatus::Exited(self.pid, 0), "the victim's own judgement");
    }

    /// Kills it, and waits until the kernel has torn it down.
    pub(crate) fn kill(mut self) {
        kill(self.pid, Signal::SIGKILL).expect("a child");
        let status = waitpid(self.pid, None).expect("a child");
        self.is_alive = false;
        assert_eq!(status, WaitStatus::Signaled(self.pid, Signal::SIGKILL, false));
    }
}

impl Drop for Puppet {
    fn drop(&mut self) {
        if self.is_alive {
            let _ = kill(self.pid, Signal::SIGKILL);
            let _ = waitpid(self.pid, None);
        }
    }
}
