//! Running a command on a record.

use crate::cli::signals;
use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal, killpg};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::{AccessFlags, Pid, access};
use ringway::bytes::mpmc::Guard;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};

/// What stands for the record in an argument.
const PLACE: &[u8] = b"{}";

/// The kernel's limit for one argument, its end included.
const ARGUMENT_MAX: usize = 128 << 10;
/// A pipe holds a record that is shorter, and its newline.
const PIPE: usize = 60 << 10;

/// Why a job was not done.
#[derive(Debug)]
pub(crate) enum Undone {
    /// The command failed, or cannot have this record: how, as "it ...".
    Failed(String),
    /// The command cannot be run at all.
    NotRun(io::Error),
}

/// Whether there is such a program, as far as can be told without running it: so that no record is taken for nothing.
pub(crate) fn find(program: &OsStr) -> io::Result<()> {
    let is_path = program.as_bytes().contains(&b'/');
    let path = std::env::var_os("PATH").filter(|_| !is_path);
    let Some(path) = path else { return may_be_run(Path::new(program)) };
    let tried = std::env::split_paths(&path).map(|directory| may_be_run(&directory.join(program)));
    tried.reduce(Result::or).unwrap_or_else(|| Err(Errno::ENOENT.into()))
}

fn may_be_run(path: &Path) -> io::Result<()> {
    access(path, AccessFlags::X_OK)?;
    if path.is_dir() { Err(Errno::EISDIR.into()) } else { Ok(()) }
}

/// Runs `command` on a record and waits until it has succeeded. A signal that says to stop is passed on to it, and to all
/// that it has started: they are a process group of their own, so that nothing reaches them twice.
///
/// It gets the record as a line on stdin, and instead of `{}` in its arguments; `RINGWAY_POSITION` and `RINGWAY_ATTEMPT` in
/// its environment.
pub(crate) fn run(command: &[OsString], job: &Guard<'_>) -> Result<(), Undone> {
    let [program, arguments @ ..] = command else { return Ok(()) };
    let takes_place = arguments.iter().any(|argument| pieces(argument).len() > 1);
    if takes_place && job.contains(&0) {
        return Err(Undone::Failed("cannot have it as an argument: it has a NUL byte".to_owned()));
    }
    if takes_place && arguments.iter().any(|argument| filled(argument, job).len() >= ARGUMENT_MAX) {
        return Err(Undone::Failed(
            "cannot have it as an argument: it is too long for one; it has it on stdin".to_owned(),
        ));
    }
    let mut child = Command::new(program)
        .args(arguments.iter().map(|argument| filled(argument, job)))
        .env("RINGWAY_POSITION", job.position().to_string())
        .env("RINGWAY_ATTEMPT", job.attempt().to_string())
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .map_err(Undone::NotRun)?;
    let group = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let stdin = child.stdin.take();
    let (fed, ended) = if job.len() < PIPE {
        // This does not wait for the command. If that does not read it, it need not.
        (stdin.map_or(Ok(()), |stdin| feed(stdin, job)), wait(group))
    } else {
        std::thread::scope(|scope| {
            let feeding = scope.spawn(|| {
                // Signals are for the one who waits.
                let _ = SigSet::all().thread_block();
                stdin.map_or(Ok(()), |stdin| feed(stdin, job))
            });
            let ended = wait(group);
            (feeding.join().unwrap_or(Ok(())), ended)
        })
    };
    let ended = ended.map_err(|errno| Undone::Failed(format!("cannot be waited for: {errno}")))?;
    fed.map_err(|error| Undone::Failed(format!("cannot be given the record: {error}")))?;
    match ended {
        WaitStatus::Exited(_, 0) => Ok(()),
        WaitStatus::Exited(_, code) => Err(Undone::Failed(format!("exited with {code}"))),
        WaitStatus::Signaled(_, signal, _) => Err(Undone::Failed(format!("was ended by {signal}"))),
        status => Err(Undone::Failed(format!("ended as {status:?}"))),
    }
}

fn feed(mut stdin: ChildStdin, record: &[u8]) -> io::Result<()> {
    match stdin.write_all(record).and_then(|()| stdin.write_all(b"\n")) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Waits for the end of the group's first process. (The handlers of signals interrupt, again and again.)
fn wait(group: Pid) -> Result<WaitStatus, Errno> {
    let mut is_told = false;
    loop {
        if let (false, Some(signal)) = (is_told, signals::stopped()) {
            // It fails if all have ended.
            let _ = Signal::try_from(signal).and_then(|signal| killpg(group, signal));
            is_told = true;
        }
        match waitpid(group, None) {
            Err(Errno::EINTR) => {}
            ended => return ended,
        }
    }
}

/// An argument with the record in its places.
fn filled(argument: &OsStr, record: &[u8]) -> OsString {
    OsString::from_vec(pieces(argument).join(record))
}

/// What is around the places in an argument.
fn pieces(argument: &OsStr) -> Vec<&[u8]> {
    let (mut pieces, mut rest) = (Vec::new(), argument.as_bytes());
    while let Some(at) = rest.windows(PLACE.len()).position(|window| window == PLACE) {
        pieces.push(&rest[..at]);
        rest = &rest[at + PLACE.len()..];
    }
    pieces.push(rest);
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_as_the_shell_finds_it() {
        for program in ["sh", "/bin/sh"] {
            assert!(find(OsStr::new(program)).is_ok(), "{program}");
        }
        for program in ["no-such-program", "/", "/bin", "./", "", "/proc/self/status"] {
            assert!(find(OsStr::new(program)).is_err(), "{program}");
        }
    }

    #[test]
    fn every_place_is_filled() {
        for (argument, expected) in
            [("{}", "x"), ("a{}b{}", "axbx"), ("{", "{"), ("{{}}", "{x}"), ("", ""), ("{}{}", "xx"), ("} {", "} {")]
        {
            assert_eq!(filled(OsStr::new(argument), b"x"), OsStr::new(expected), "{argument}");
        }
        assert_eq!(filled(OsStr::new("<{}>"), b"{}\xff").as_bytes(), b"<{}\xff>");
    }
}
