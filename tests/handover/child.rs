//! Children with a connection, and children of another user.

use crate::support::{DIR, Dir, until};
use nix::sys::signal::Signal;
use nix::unistd::{Gid, Uid, setgid, setgroups, setuid};
use ringway::handover::{CommandExt, Peer};
use std::process::{Command, ExitStatus, Stdio};

const ROLE: &str = "RINGWAY_HANDOVER_TEST";

/// The user that owns nothing.
pub(crate) const NOBODY: u32 = 65534;

/// What this process is to do, if it is a child.
pub(crate) fn role() -> Option<String> {
    let role = std::env::var(ROLE).ok().or_else(crate::support::role)?;
    // A child whose parent was killed must not stay behind.
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
    Some(role)
}

/// Gives up being root, for good.
pub(crate) fn become_nobody() {
    setgroups(&[]).expect("root");
    setgid(Gid::from_raw(NOBODY)).expect("root");
    setuid(Uid::from_raw(NOBODY)).expect("root");
    assert!(setuid(Uid::from_raw(0)).is_err());
    let _ = nix::sys::prctl::set_pdeathsig(Signal::SIGKILL);
}

/// A child, killed when it is dropped.
pub(crate) struct Child {
    process: std::process::Child,
    role: String,
}

impl Child {
    /// How the test `test` of this binary is started again as `role`.
    pub(crate) fn command(test: &str, role: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().expect("this binary"));
        command.args([test, "--exact", "--nocapture", "--test-threads=1"]).stdin(Stdio::null()).stdout(Stdio::null());
        Self::as_role(&mut command, role);
        command
    }

    pub(crate) fn as_role<'a>(command: &'a mut Command, role: &str) -> &'a mut Command {
        command.env(ROLE, role)
    }

    /// Starts it with a connection.
    pub(crate) fn with_peer(test: &str, role: &str) -> (Self, Peer) {
        let (process, peer) = Self::command(test, role).spawn_peer().expect("this binary starts");
        (Self { process, role: role.to_owned() }, peer)
    }

    /// Starts it in the same directory.
    pub(crate) fn start(test: &str, role: &str, dir: &Dir) -> Self {
        let process = Self::command(test, role).env(DIR, dir.path()).spawn().expect("this binary starts");
        Self { process, role: role.to_owned() }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`, and does not wait.
    pub(crate) fn kill_now(&mut self) {
        let _ = self.process.kill();
    }

    /// Waits until it has ended.
    pub(crate) fn wait(mut self) -> ExitStatus {
        let (mut status, what) = (None, format!("{} ends", self.role));
        until(&what, || {
            status = self.process.try_wait().expect("a child of ours");
            status.is_some()
        });
        status.expect("it has ended")
    }

    /// Waits until it has ended, which it does well.
    pub(crate) fn succeed(self) {
        let role = self.role.clone();
        let status = self.wait();
        assert!(status.success(), "{role} ended with {status}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
