//! Processes that are killed at every instruction of their operations, and others that stand still there.
//!
//! Each scene is an operation of a process, the victim, which is traced (`ptrace`), taken to one instruction after the
//! other, and killed there; the survivor finds each message whole or not at all, nothing lost, nothing twice unless it is
//! marked, and a ring that the next pair can use. In each different image of the segment another victim stands still
//! instead: nothing of it is taken over, and when it goes on, all arrives. See `src/channel/tests` for the same at each
//! atomic operation, inside the crate; here are also the instructions between, in whole processes, by the public interface.
//!
//! This is a program of its own (`harness = false`): victims are forked, so each scene runs in a process with one thread.
//! Names given to it choose scenes.

#[cfg(not(all(target_arch = "x86_64", target_os = "linux")))]
fn main() {
    println!("skipped: single steps are known here for x86_64 only");
}

#[cfg(target_arch = "x86_64")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(target_arch = "x86_64")]
#[path = "step_kill/message.rs"]
mod message;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/puppet.rs"]
mod puppet;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/run.rs"]
mod run;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/sleeper.rs"]
mod sleeper;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/spsc_doors.rs"]
mod spsc_doors;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/spsc_pair.rs"]
mod spsc_pair;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/spsc_receiver.rs"]
mod spsc_receiver;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/spsc_sender.rs"]
mod spsc_sender;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/spsc_sleeper.rs"]
mod spsc_sleeper;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/stage.rs"]
mod stage;
#[cfg(target_arch = "x86_64")]
mod support;
#[cfg(target_arch = "x86_64")]
#[path = "step_kill/walk.rs"]
mod walk;
