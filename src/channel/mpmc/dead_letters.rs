//! Where messages go that were delivered too often.

use super::annexes;
use super::core::Core;
use super::open::{self, Form};
use super::sender::Sender;
use crate::channel::error::OpenError;
use crate::channel::open::How;
use crate::channel::options::{Absent, Options};
use crate::layout::many::Many;
use crate::ring::annex;
use crate::ring::lane::{Lanes, Ticket};
use crate::ring::parcel::{self, Content};
use crate::ring::payload::Payload;
use std::sync::OnceLock;

/// Bytes that are copied at a time.
const PART: usize = 4096;

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
        let Some(place) = take(letters, me, len) else { return false };
        if copy(from, ticket, sender.core(), place, len) {
            letters.poured(place, len as u64, true);
            letters.post(place, me, true);
            let parcel = parcel::ticket(Content::Whole(place, len as u64));
            // A channel with lanes is one of parcels.
            if sender.try_send(parcel::as_message(&parcel)).is_ok() {
                letters.posted(place, me);
                return true;
            }
        }
        letters.withdraw(place, true);
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
    ticket.or_else(|| annexes::take(letters, me, len as u64))
}

/// Copies a message from the lane in which it is `from`'s to one that was taken for it, a part at a time: it may be longer than what
/// this process is to have memory for. Whether that was possible.
fn copy<T: Payload>(from: &Core<T>, ticket: Ticket, letters: &Core<T>, copy: Ticket, len: usize) -> bool {
    let (old, new) = (from.ring().many(), letters.ring().many());
    let Ok(source) = from.annex_to_read(ticket, len as u64) else { return false };
    let is_annex = new.annexes().contains(&copy.lane);
    let Ok(target) = is_annex.then(|| letters.annex_to_write(copy, len as u64)).transpose() else { return false };
    let mut part = [0; PART];
    for at in (0..len).step_by(PART) {
        let part = &mut part[..PART.min(len - at)];
        match &source {
            Some(annex) => annex::draw_to(annex, at, part),
            None => old.draw_to(ticket, at as u64, part),
        }
        match &target {
            Some(annex) => annex::pour(annex, at, part),
            None => new.pour(copy, at as u64, part),
        }
    }
    true
}
