//! `ringway recv`: a stream to stdout, written straight from the ring.

use super::args::RecvArgs;
use super::descriptor;
use super::failure::Failure;
use super::opening;
use super::progress::Progress;
use super::records;
use super::signals::{self, SLICE};
use ringway::WaitStrategy;
use ringway::stream::Reader;
use std::io;
use std::os::fd::AsFd;

/// Bytes that are written at once: room is given back to the sender as often.
const PART: usize = 128 << 10;

/// Receives until the sender's good end.
pub(crate) fn run(args: &RecvArgs) -> Result<(), Failure> {
    if args.at_least_once {
        return records::work::run(args);
    }
    if args.records {
        return records::recv::run(args);
    }
    signals::install()?;
    let name = &args.channel.name;
    let mut reader = opening::open(name, &args.channel.options(), Reader::open_or_create_with)?;
    let mut progress = Progress::new(&args.channel, io::stdout().as_fd(), None);
    receive(name, &mut reader, &mut progress)?;
    progress.finish();
    Ok(())
}

/// Bytes leave the ring when they have been written; the end is acknowledged when all have.
fn receive(name: &str, reader: &mut Reader, progress: &mut Progress) -> Result<(), Failure> {
    let stdout = io::stdout();
    let to = stdout.as_fd();
    let mut is_idle = false;
    loop {
        signals::check()?;
        progress.show(reader.received());
        let bytes = match reader.fill_buf_timeout(SLICE).map_err(|error| Failure::stream(name, &error))? {
            Some([]) => return Ok(()),
            Some(bytes) => bytes,
            None if descriptor::is_closed(to) => return Err(closed(name, reader)),
            None => {
                // After a slice without a byte there is no haste: to poll before each sleep would be for nothing.
                reader.set_wait(WaitStrategy::Sleep);
                is_idle = true;
                continue;
            }
        };
        match descriptor::write(to, &bytes[..bytes.len().min(PART)]) {
            Ok(written) => {
                io::BufRead::consume(reader, written.unwrap_or(0));
                if std::mem::take(&mut is_idle) {
                    reader.set_wait(WaitStrategy::default());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Err(closed(name, reader)),
            Err(error) => return Err(Failure::of(name, format_args!("cannot write the output: {error}"))),
        }
    }
}

fn closed(name: &str, reader: &Reader) -> Failure {
    Failure::of(name, format_args!("the output was closed after {} bytes; the rest is lost", reader.received()))
}
