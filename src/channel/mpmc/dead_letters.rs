//! Where messages go that were delivered too often.

use super::sender::Sender;
use crate::channel::error::OpenError;
use crate::channel::options::{Absent, Options};
use crate::ring::payload::Payload;
use std::sync::OnceLock;

/// The channel for them, opened when the first one comes.
#[derive(Debug)]
pub(crate) struct DeadLetters<T: Payload> {
    name: String,
    options: Options,
    /// `None` inside: it could not be opened.
    sender: OnceLock<Option<Sender<T>>>,
}

impl<T: Payload> DeadLetters<T> {
    /// Those that the options name.
    pub(crate) fn new(options: &Options) -> Option<Self> {
        let name = options.dead_letters.clone()?;
        // What is about the segment is like the first channel's, but that its messages wait for whoever comes.
        let options = Options { dead_letters: None, absent: Some(Absent::Buffer), ..options.clone() };
        Some(Self { name, options, sender: OnceLock::new() })
    }

    /// Sends a message there; whether that was possible.
    pub(crate) fn keep(&self, message: T) -> bool {
        let sender = self.sender.get_or_init(|| self.open().ok());
        sender.as_ref().is_some_and(|sender| sender.try_send(message).is_ok())
    }

    /// The channel as it is, whatever its capacity; or one like the first.
    fn open(&self) -> Result<Sender<T>, OpenError> {
        let as_it_is = Options { capacity: None, persistent: false, ..self.options.clone() };
        match Sender::open_with(&self.name, &as_it_is) {
            Err(error) if error.is_not_found() => Sender::open_or_create_with(&self.name, &self.options),
            opened => opened,
        }
    }
}
