//! A sender that comes before its receiver.

use crate::contestant::Failure;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a sender waits for the receiver's end to be there.
pub const PATIENCE: Duration = Duration::from_secs(5);
/// From one look to the next.
const PAUSE: Duration = Duration::from_micros(50);

/// Tries until it succeeds or [`PATIENCE`] is at an end; then the last error.
pub fn retry<T, E: Into<Failure>>(mut attempt: impl FnMut() -> Result<T, E>) -> Result<T, Failure> {
    let until = Instant::now() + PATIENCE;
    loop {
        match attempt() {
            Ok(done) => return Ok(done),
            Err(error) if Instant::now() >= until => return Err(error.into()),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// Makes a file that appears with all of its content.
pub fn publish(path: &Path, content: &[u8]) -> Result<(), Failure> {
    let unfinished = path.with_extension("new");
    fs::write(&unfinished, content)?;
    Ok(fs::rename(unfinished, path)?)
}
