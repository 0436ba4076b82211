//! Where messages go that were delivered too often.

use super::open::{self, Form};
use super::sender::Sender;
use crate::channel::error::OpenError;
use crate::channel::open::How;
use crate::channel::options::{Absent, Options};
use crate::layout::many::Many;
use crate::ring::lane::{Lanes, Ticket};
use crate::ring::parcel::{self, Content};
use crate::ring::payload::Payload;
use std::sync::OnceLock;

/// The channel for them, opened when the first one comes.
#[derive(Debug)]
pub(crate) struct DeadLetters<T: Payload> {
    name: String,
    form: Form,
    options: Options,
    /// `None` inside: it could not be opened.
    sender: OnceLock<Option<Sender<T>>>,
}

impl<T: Payload> DeadLetters<T> {
    /// Those that the options name.
    pub(crate) fn new(form: Form, options: &Options) -> Option<Self> {
        let name = options.dead_letters.clone()?;
        // What is about the segment is like the first channel's, but that its messages wait for whoever comes.
        let options = Options { dead_letters: None, absent: Some(Absent::Buffer), ..options.clone() };
        Some(Self { name, form, options, sender: OnceLock::new() })
    }

    /// Sends a message there; whether that was possible.
    pub(crate) fn keep(&self, message: T) -> bool {
        self.sender().is_some_and(|sender| sender.try_send(message).is_ok())
    }

    /// Sends a message there that lies in a lane, the whole of it, and is the caller's; whether that was possible.
    pub(crate) fn keep_from_lane(&self, many: &Many<T>, ticket: Ticket, len: usize) -> bool {
        let Some(sender) = self.sender() else { return false };
        let (letters, me) = (sender.core().ring().many(), sender.core().me().member());
        // The shortest that is free and long enough.
        let fits = |lane: &usize| letters.lane_bytes(*lane) >= len;
        let Some(first) = (0..letters.lanes()).find(fits) else { return false };
        let Some(copy) = letters.take(me, first..letters.lanes(), 0) else { return false };
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(len).is_ok() {
            many.draw(ticket, 0, len, &mut bytes);
            letters.pour(copy, 0, &bytes);
            letters.poured(copy, len as u64, true);
            letters.post(copy, me, true);
            let parcel = parcel::ticket(Content::Whole(copy, len as u64));
            // A channel with lanes is one of parcels.
            if sender.try_send(parcel::as_message(&parcel)).is_ok() {
                letters.posted(copy, me);
                return true;
            }
        }
        letters.withdraw(copy, true);
        false
    }

    fn sender(&self) -> Option<&Sender<T>> {
        self.sender.get_or_init(|| self.open().ok()).as_ref()
    }

    /// The channel as it is, whatever its capacity; or one like the first.
    fn open(&self) -> Result<Sender<T>, OpenError> {
        let as_it_is = Options { capacity: None, persistent: false, ..self.options.clone() };
        let sender =
            |how, options| Ok::<_, OpenError>(Sender::of(open::enter(self.form, &self.name, how, options)?, options));
        match sender(How::Open, &as_it_is) {
            Err(error) if error.is_not_found() => sender(How::OpenOrCreate, &self.options),
            opened => opened,
        }
    }
}
