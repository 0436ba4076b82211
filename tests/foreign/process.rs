//! The peers in Python as child processes.
#![allow(dead_code)] // no test binary uses everything

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The script at work, killed when it is dropped.
pub(crate) struct Foreign {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Foreign {
    pub(crate) fn start(script: &str, arguments: &[&str]) -> Self {
        let script = format!("{}/tests/foreign/{script}", env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new("python3");
        command.arg("-B").arg(script).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3 starts");
        let (input, output) = (child.stdin.take(), BufReader::new(child.stdout.take().expect("a pipe")));
        Self { child, input, output }
    }

    /// Started, and in its role.
    pub(crate) fn joined(script: &str, arguments: &[&str]) -> Self {
        let mut foreign = Self::start(script, arguments);
        assert_eq!(foreign.line(), "joined");
        foreign
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }

    pub(crate) fn ask(&mut self) {
        self.input.as_mut().expect("a pipe").write_all(b"\n").expect("python3 reads");
    }

    /// What else it says until it ends, and its exit code.
    pub(crate) fn end(mut self) -> (Vec<String>, Option<i32>) {
        self.input = None;
        let lines = self.output.by_ref().lines().map(|line| line.expect("a line")).collect();
        (lines, self.child.wait().expect("an end").code())
    }

    pub(crate) fn kill(mut self) {
        self.child.kill().expect("SIGKILL");
        self.child.wait().expect("an end");
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether there is an interpreter that can do it; says so if not.
pub(crate) fn is_possible() -> bool {
    let probe = Command::new("python3")
        .args(["-c", "import fcntl, sys; fcntl.F_OFD_SETLK; sys.exit(sys.version_info < (3, 10))"])
        .stderr(Stdio::null())
        .status();
    let possible = cfg!(target_arch = "x86_64") && probe.is_ok_and(|status| status.success());
    if !possible {
        // Past the harness, which keeps to itself what a test that passes has printed.
        let said = "\nSKIPPED: no python3 (3.10 or later) on x86_64, so no foreign peer was tried";
        let _ = writeln!(std::io::stderr(), "{said}");
    }
    possible
}
