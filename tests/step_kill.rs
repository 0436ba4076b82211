//! Processes that are killed at every instruction of their operations, and others that stand still there.
//!
//! Each scene is an operation of a process, the victim, which is traced (`ptrace`), taken to one instruction after the
//! other, and killed there; the survivor finds each message whole or not at all, nothing lost, nothing twice unless it is
//! marked, and a ring that the next pair can use. In each different image of the segment another victim stands still
//! instead: nothing of it is taken over, and when it goes on, all arrives. See `src/channel/tests` for the same at each
//! atomic operation, inside the crate; here are also the instructions between, in whole processes, by the public interface.
//!
//! This is a program of its own (`harness = false`): victims are forked, so each scene runs in a process with one thread.
//! Names given to it choose scenes, or parts of names (`--exact`: whole ones); `--scenes` prints them.

use std::process::ExitCode;

#[cfg(target_arch = "x86_64")]
#[path = "step_kill/mod.rs"]
mod step_kill;

fn main() -> ExitCode {
    #[cfg(target_arch = "x86_64")]
    return step_kill::run::main();
    #[cfg(not(target_arch = "x86_64"))]
    {
        println!("SKIPPED: single steps are known here for x86_64 only");
        ExitCode::SUCCESS
    }
}
