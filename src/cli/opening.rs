//! Taking an end of a channel, with some patience and an ear for signals.

use super::failure::Failure;
use super::signals::{self, SLICE};
use ringway::{OpenError, Options};
use std::time::{Duration, Instant};

/// How long a role that somebody still holds, or a broken stream that somebody has not left yet, is waited for. A
/// process that was killed needs some milliseconds to be gone; a survivor needs a slice to notice.
const PATIENCE: Duration = Duration::from_secs(2);

/// Opens the channel `name` with `open`, trying again what may be different in a moment.
pub(crate) fn open<E>(
    name: &str,
    options: &Options,
    open: impl Fn(&str, &Options) -> Result<E, OpenError>,
) -> Result<E, Failure> {
    let give_up = Instant::now() + PATIENCE;
    let options = options.clone().open_timeout(SLICE);
    loop {
        signals::check()?;
        match open(name, &options) {
            Err(error) if is_passing(&error) && Instant::now() < give_up => {}
            Err(error) => return Err(Failure::open(name, &error)),
            Ok(end) => return Ok(end),
        }
    }
}

/// Whether it may be different in a moment. That something is there already, or no more, is what an end that is opened or
/// created learns only in a race with the other side, which on a busy machine may outlast the library's own patience.
fn is_passing(error: &OpenError) -> bool {
    matches!(error, OpenError::RoleTaken { .. } | OpenError::Spent) || error.is_already_exists() || error.is_not_found()
}
