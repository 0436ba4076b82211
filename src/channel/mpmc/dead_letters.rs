//! Where messages go that were delivered too often.

#[cfg(not(loom))]
use super::annexes;
use super::core::Core;
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
        // What is about the segment is like the first channel's, but that its messages wait for whoever comes, and that it
        // has a name.
        let named = options.backing.clone().filter(|backing| !backing.is_nameless());
        let options = Options { dead_letters: None, absent: Some(Absent::Buffer), backing: named, ..options.clone() };
        Some(Self { name, form, options, sender: OnceLock::new() })
    }

    /// Sends a message there; whether that was possible.
    pub(crate) fn keep(&self, message: T) -> bool {
        self.sender().is_some_and(|sender| sender.try_send(message).is_ok())
    }

    /// Sends a message there that lies in a lane, the whole of it, and is `from`'s; whether that was possible.
    pub(crate) fn keep_from_lane(&self, from: &Core<T>, ticket: Ticket, len: usize) -> bool {
        let Some(sender) = self.sender() else { return false };
        let (letters, me) = (sender.core().ring().many(), sender.core().me().member());
        let mut bytes = Vec::new();
        if bytes.try_reserve_exact(len).is_err() || !draw(from, ticket, len, &mut bytes) {
            return false;
        }
        let Some(copy) = take(letters, me, len) else { return false };
        if pour(sender.core(), copy, &bytes) {
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

/// A lane for a message of so many bytes: the shortest that is free and long enough, or else an annex.
fn take<T>(letters: &Many<T>, me: usize, len: usize) -> Option<Ticket> {
    let inside = 0..letters.annexes().start;
    let first = inside.clone().find(|lane| letters.lane_bytes(*lane) >= len);
    let ticket = first.and_then(|first| letters.take(me, first..inside.end, 0));
    #[cfg(not(loom))]
    let ticket = ticket.or_else(|| annexes::take(letters, me, len as u64));
    ticket
}

/// Copies a message out of its lane; whether that was possible.
fn draw<T: Payload>(from: &Core<T>, ticket: Ticket, len: usize, bytes: &mut Vec<u8>) -> bool {
    #[cfg(not(loom))]
    match from.annex_to_read(ticket, len as u64) {
        Ok(Some(annex)) => {
            crate::ring::annex::draw(&annex, len, bytes);
            return true;
        }
        Ok(None) => {}
        Err(_) => return false,
    }
    from.ring().many().draw(ticket, 0, len, bytes);
    true
}

/// Copies a message to a lane that was taken for it; whether that was possible.
fn pour<T: Payload>(letters: &Core<T>, copy: Ticket, bytes: &[u8]) -> bool {
    let many = letters.ring().many();
    #[cfg(not(loom))]
    if many.annexes().contains(&copy.lane) {
        let annex = letters.annex_to_write(copy, bytes.len() as u64);
        return annex.map(|annex| crate::ring::annex::pour(&annex, bytes)).is_ok();
    }
    many.pour(copy, 0, bytes);
    true
}
