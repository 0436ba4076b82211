//! Clocks of their own for some processes.
//!
//! # Safety
//!
//! `unshare` of the time namespace in a process with one thread, which then starts itself anew.
#![allow(unsafe_code)]

use nix::libc;
use std::os::unix::process::CommandExt;

/// In the environment of who has its clock already.
const DONE: &str = "RINGWAY_CHAOS_CLOCK";

/// Goes to a time namespace whose monotonic clock is so many seconds ahead. To be called before anything else.
pub(crate) fn go_ahead(seconds: i64) {
    if seconds == 0 || std::env::var_os(DONE).is_some() {
        return;
    }
    unshare().expect("a time namespace");
    std::fs::write("/proc/self/timens_offsets", format!("monotonic {seconds} 0\nboottime {seconds} 0\n"))
        .expect("an offset");
    // One is in it from the next program on.
    let error = std::process::Command::new("/proc/self/exe").env(DONE, "1").exec();
    panic!("not started again: {error}");
}

fn unshare() -> std::io::Result<()> {
    // SAFETY: a plain flag.
    match unsafe { libc::unshare(libc::CLONE_NEWTIME) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}

/// Whether this kernel and this user can do that: tried in a process of its own.
pub(crate) fn is_permitted() -> bool {
    let mut command = std::process::Command::new("/proc/self/exe");
    let tried = command.env(TRY, "1").stderr(std::process::Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}

const TRY: &str = "RINGWAY_CHAOS_TRY_CLOCK";

/// The process that tries it: whether its clock went ahead.
pub(crate) fn attempt() -> Option<std::process::ExitCode> {
    let before = std::env::var(TRY).ok()?;
    const SECONDS: u64 = 100_000_000;
    let now = super::log::now() / 1_000_000_000;
    if std::env::var_os(DONE).is_none() {
        // SAFETY: this process has one thread, and nobody reads the environment meanwhile.
        unsafe { std::env::set_var(TRY, now.to_string()) };
        go_ahead(SECONDS as i64);
    }
    let before: u64 = before.parse().unwrap_or(u64::MAX);
    let is_ahead = now >= before.saturating_add(SECONDS);
    Some(if is_ahead { std::process::ExitCode::SUCCESS } else { std::process::ExitCode::FAILURE })
}
