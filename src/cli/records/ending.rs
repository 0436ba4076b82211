//! When a receiver of records is done.

use crate::cli::failure::{Failure, shown};
use crate::cli::signals::SLICE;
use ringway::DisconnectReason;
use ringway::bytes::mpmc::Receiver;
use std::time::Duration;

/// Between two looks at what others have in hand.
const PAUSE: Duration = Duration::from_millis(10);

/// What a receiver does that was told that no sender is left.
pub(crate) enum Next {
    /// It looks again: there may be more.
    Again,
    /// It ends: there is nothing, and nothing will come.
    End,
}

/// Whether there is nothing more to come, and if that is a good end. May pause, for a slice at most.
pub(crate) fn next(name: &str, receiver: &Receiver, follows: bool) -> Result<Next, Failure> {
    // This also asks the kernel who is alive, so that what the dead had is found.
    let Some(reason) = receiver.disconnect_reason() else { return Ok(Next::Again) };
    let is_over = match reason {
        DisconnectReason::Left | DisconnectReason::Died => false,
        DisconnectReason::Closed | DisconnectReason::Unlinked => true,
        _ => return Err(Failure::Gone(format!("{}: {reason}; start all sides again", shown(name)))),
    };
    // In this order: a message is in a hand before it is out of the channel.
    if !receiver.is_empty() || receiver.in_hand() > 0 {
        std::thread::sleep(PAUSE);
        return Ok(Next::Again);
    }
    if follows && !is_over {
        // A time-out, or somebody; a bad reason shows at the next look.
        let _ = receiver.wait_for_peer(SLICE);
        return Ok(Next::Again);
    }
    match reason {
        DisconnectReason::Died => Err(Failure::Gone(format!(
            "{}: the last sender died: what it had sent was received, and it may have had more to send",
            shown(name)
        ))),
        _ => Ok(Next::End),
    }
}
