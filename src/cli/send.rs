//! `ringway send`: stdin or a file into a stream, read in place.

use super::args::SendArgs;
use super::descriptor;
use super::failure::Failure;
use super::opening;
use super::progress::Progress;
use super::records;
use super::signals::{self, SLICE};
use ringway::stream::Writer;
use std::fs::File;
use std::io::{self, Seek};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Instant;

/// Sends until the end of the input, and ends well when the receiver has written everything.
pub(crate) fn run(args: &SendArgs) -> Result<(), Failure> {
    if args.records {
        return records::send::run(args);
    }
    let name = &args.channel.name;
    // Before the handlers: to open a FIFO is to wait for its writer, and until then a signal may simply kill.
    let input = Input::open(args)?;
    signals::install()?;
    let mut writer = opening::open(name, &args.channel.options(), Writer::open_or_create_with)?;
    let mut progress = Progress::new(&args.channel, io::stdin().as_fd(), input.size);
    let sent = send(name, &mut writer, &input, &mut progress).and_then(|()| finish(name, &mut writer, &mut progress));
    match sent {
        Ok(()) => progress.finish(),
        // The receiver must not take this for the end, unless it has been told already that it is.
        Err(_) => writer.abort(),
    }
    sent
}

/// Where the bytes come from.
pub(crate) struct Input {
    file: Option<File>,
    /// Bytes left in it, if it is a regular file.
    pub(crate) size: Option<u64>,
}

impl Input {
    pub(crate) fn open(args: &SendArgs) -> Result<Self, Failure> {
        let Some(path) = &args.file else { return Ok(Self { file: None, size: stdin_size() }) };
        let failed = |error| Failure::of(&args.channel.name, format_args!("cannot read {}: {error}", path.display()));
        let file = File::open(path).map_err(failed)?;
        let seen = file.metadata().map_err(failed)?;
        if seen.is_dir() {
            return Err(failed(io::ErrorKind::IsADirectory.into()));
        }
        Ok(Self { file: Some(file), size: seen.is_file().then_some(seen.len()) })
    }

    pub(crate) fn descriptor<'a>(&'a self, stdin: &'a io::Stdin) -> BorrowedFd<'a> {
        self.file.as_ref().map_or_else(|| stdin.as_fd(), |file| file.as_fd())
    }
}

/// What is left of a stdin that is a regular file.
fn stdin_size() -> Option<u64> {
    let mut file = File::from(io::stdin().as_fd().try_clone_to_owned().ok()?);
    let seen = file.metadata().ok()?;
    let at = file.stream_position().ok()?;
    seen.is_file().then(|| seen.len().saturating_sub(at))
}

/// Everything there is to read, straight into the ring.
fn send(name: &str, writer: &mut Writer, input: &Input, progress: &mut Progress) -> Result<(), Failure> {
    let gone = |error| Failure::stream(name, &error);
    let failed = |error: io::Error| Failure::of(name, format_args!("cannot read the input: {error}"));
    let stdin = io::stdin();
    let from = input.descriptor(&stdin);
    let mut checked = Instant::now();
    loop {
        signals::check()?;
        progress.show(writer.written());
        // The ring tells that the receiver died only when it is full: so ask, also while a little comes now and then.
        if checked.elapsed() >= SLICE {
            writer.check().map_err(gone)?;
            checked = Instant::now();
        }
        // A regular file is always readable, and a pipe is not waited for with room in hand.
        if input.size.is_none() && !descriptor::is_readable(from).map_err(failed)? {
            continue;
        }
        let Some(mut grant) = writer.reserve_timeout(usize::MAX, SLICE).map_err(gone)? else { continue };
        match descriptor::read(from, grant.contiguous(usize::MAX)).map_err(failed)? {
            None => {}
            Some(0) => return Ok(()),
            Some(n) => grant.commit(n),
        }
    }
}

/// The end, and the receiver's word that it has dealt with everything before it.
fn finish(name: &str, writer: &mut Writer, progress: &mut Progress) -> Result<(), Failure> {
    writer.close();
    while !writer.wait_finished(SLICE).map_err(|error| Failure::stream(name, &error))? {
        signals::check()?;
        progress.show(writer.written());
    }
    Ok(())
}
