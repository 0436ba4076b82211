//! Both halves of a segment change hands.
//!
//! ```text
//!   this side                                      the other side
//!      | make own file, map, seal, lock               | the same
//!      |---- HELLO, descriptor ---------------------->|
//!      |<--------------------- HELLO, descriptor -----|
//!      | check, map, join                             | the same
//!      |---- VERDICT -------------------------------->|
//!      |<-------------------------------- VERDICT ----|
//! ```
//!
//! Neither waits for the other before its HELLO, so two that want the same end tell each other instead of waiting. All of it has one
//! deadline. A HELLO that cannot be read spoils the connection; one that says what does not suit is answered, and the next attempt
//! over the same connection begins anew.

use super::error::HandoverError;
use super::message::{self, HELLO_BYTES, Hello, VERDICT_BYTES};
use super::peer::Peer;
use crate::channel::end::bits;
use crate::channel::open::{Asked, Entered, agree, control, header, instance, known};
use crate::channel::options::{Absent, Options};
use crate::layout::error::{FormatError, TypeId};
use crate::layout::geometry::{CONSUMER_OFFSET, PAGE};
use crate::layout::header::{HEADER_BYTES, Header};
use crate::layout::waiter::Waiter;
use crate::membership::role::Role;
use crate::membership::seat::{Hold, Seat};
use crate::memory::Region;
use crate::memory::handed::{Own, Theirs};
use crate::sys::sealed::Unfit;
use crate::sys::socket::{self, Beside, Ready};
use crate::wait::deadline::Deadline;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// This side's half, before it changes hands.
struct Offer {
    hello: Hello,
    own: Own,
    /// The sender's, who decides what the segment is.
    header: Option<Header>,
}

/// Hands over, or is handed, what is asked for. Whatever fails, the connection knows whether it can be used again.
pub(super) fn hand_over(peer: &mut Peer, asked: Asked, options: &Options) -> Result<Entered, HandoverError> {
    peer.must_be_usable()?;
    must_be_possible(options)?;
    let offer = Offer::make(asked, options)?;
    let line = Line { socket: peer.socket.as_fd(), deadline: Deadline::after(peer.timeout) };
    let said = talk(&line, offer, asked, options, peer.max_bytes);
    let Ok((entered, theirs)) = said else {
        peer.spoil();
        return Err(said.err().unwrap_or(HandoverError::Spoiled));
    };
    match theirs {
        Ok(None) => {}
        // What was wrong here says more than that it was wrong there, too.
        Ok(Some(why)) => return entered.and(Err(HandoverError::Refused { why })),
        Err(error) => {
            peer.spoil();
            return entered.and(Err(error));
        }
    }
    let entered = entered?;
    if entered.seat.peer_status().is_new() {
        peer.spoil();
        return Err(HandoverError::Protocol { what: "status", found: entered.seat.peer_status().0 });
    }
    Ok(entered)
}

/// What came of this side's part, and what the other side says of its own: `None` that it has joined, or why not.
type Said = (Result<Entered, HandoverError>, Result<Option<&'static str>, HandoverError>);

/// The whole talk. An error in it, but one of this side's part, spoils the connection.
fn talk(line: &Line<'_>, offer: Offer, asked: Asked, options: &Options, max_bytes: u64) -> Result<Said, HandoverError> {
    line.send(&offer.hello.encode(), Some(offer.own.pass()))?;
    let (hello, file) = line.hello()?;
    let joined = match hello.must_suit(&offer.hello, max_bytes) {
        Ok(()) => offer.join(&hello, file, asked, options),
        Err(error) => {
            socket::dispose(vec![file]);
            Err(error)
        }
    };
    line.send(&message::verdict(joined.as_ref().map(drop)), None)?;
    if let Err(
        HandoverError::Unfit { .. } | HandoverError::Format(FormatError::NotASegment | FormatError::Field { .. }),
    ) = &joined
    {
        // From somebody who passes such a file nothing is waited for.
        return Ok((joined, Err(HandoverError::Spoiled)));
    }
    Ok((joined, line.verdict()))
}

/// Whether what these options ask for can be handed over.
fn must_be_possible(options: &Options) -> Result<(), HandoverError> {
    let rules = [
        (
            options.backing.is_none() && options.directory.is_none(),
            "what is handed over is in memory of its own, and has no name",
        ),
        (!options.persistent, "what is handed over ends with its two users, and cannot be persistent"),
        (options.pages.is_plain(), "what is handed over is in ordinary pages"),
        (options.waiter.is_none_or(|waiter| waiter == Waiter::Futex), "who is not trusted is waited for on a futex"),
        (
            options.absent != Some(Absent::Buffer),
            "when the receiver of what was handed over is gone, nobody comes after it",
        ),
    ];
    match rules.into_iter().find(|(is_met, _)| !is_met) {
        Some((_, rule)) => Err(HandoverError::Options { rule }),
        None => Ok(()),
    }
}

impl Offer {
    /// Makes this side's file.
    fn make(asked: Asked, options: &Options) -> Result<Self, HandoverError> {
        let made = |written: &[u8], len| Own::make(written, len, asked.role.byte());
        if asked.role == Role::Receiver {
            let message = TypeId { size: asked.size as u64, align: asked.align as u64, tag: options.type_tag };
            let hello = Hello::of_receiver(asked.kind, message, options.capacity);
            let own = made(&[], PAGE).map_err(|error| HandoverError::Channel(error.into()))?;
            return Ok(Self { hello, own, header: None });
        }
        let header = header(asked, options, instance()?)?;
        let own =
            made(&header.encode(), header.geometry.total).map_err(|error| HandoverError::Channel(error.into()))?;
        Ok(Self { hello: Hello::of_sender(&header), own, header: Some(header) })
    }

    /// Takes this side's seat at the segment of which `file` is the other half.
    fn join(self, hello: &Hello, file: OwnedFd, asked: Asked, options: &Options) -> Result<Entered, HandoverError> {
        let theirs = Theirs::examine(file, hello.file_bytes).map_err(|(unfit, file)| {
            socket::dispose(vec![file]);
            match unfit {
                Unfit::What(what) => HandoverError::Unfit { what },
                Unfit::Unknown(source) => HandoverError::Io { doing: "examining the other side's file", source },
            }
        })?;
        let at = CONSUMER_OFFSET as usize;
        let laid = |error| HandoverError::Channel(crate::channel::error::OpenError::Segment(error));
        let (header, (pair, handed)) = match self.header {
            Some(header) => (header, self.own.under(theirs, at).map_err(laid)?),
            None => (read_header(&theirs, hello, asked, options)?, self.own.over(theirs, at).map_err(laid)?),
        };
        let control = control(Region::Handed(pair), &header, None)?;
        let seat = Seat::join(control, asked.role, Hold::Handed(handed), known()?, bits(options.wait));
        Ok(Entered { seat, header })
    }
}

/// The header of the sender's file, if it is what was asked for and what its HELLO said.
///
/// Its page is the sender's to write at any time: it is read once, and nothing of it ever again.
fn read_header(theirs: &Theirs, hello: &Hello, asked: Asked, options: &Options) -> Result<Header, HandoverError> {
    let mut page = vec![0; HEADER_BYTES];
    let got = theirs.read(&mut page).map_err(HandoverError::io("reading the other side's header"))?;
    page.truncate(got);
    let header = Header::decode(&page, hello.file_bytes)?;
    agree(asked.kind, (asked.size, asked.align), &header, options)?;
    if header.waiter() != Waiter::Futex {
        return Err(FormatError::Waiter { found: header.waiter(), asked: Waiter::Futex }.into());
    }
    if header.system_v.is_some() {
        return Err(HandoverError::Unfit { what: "its header says that the bytes are elsewhere" });
    }
    if Hello::of_sender(&header) != *hello {
        return Err(HandoverError::Unfit { what: "its header is not what was said of it" });
    }
    Ok(header)
}

/// A connection, and until when it may take.
struct Line<'a> {
    socket: BorrowedFd<'a>,
    deadline: Deadline,
}

impl Line<'_> {
    /// Sends all of it; the descriptor goes with the first byte.
    fn send(&self, bytes: &[u8], mut pass: Option<BorrowedFd<'_>>) -> Result<(), HandoverError> {
        let mut sent = 0;
        while sent < bytes.len() {
            match socket::send(self.socket, &bytes[sent..], pass) {
                Ok(0) => self.wait(Ready::Write)?,
                Ok(n) => {
                    sent += n;
                    pass = None;
                }
                Err(error) => self.bear(error, Ready::Write)?,
            }
        }
        Ok(())
    }

    /// Receives exactly so many bytes, and what comes beside them.
    fn receive(&self, bytes: &mut [u8]) -> Result<Beside, HandoverError> {
        let (mut got, mut beside) = (0, Beside::default());
        while got < bytes.len() {
            match socket::receive(self.socket, &mut bytes[got..], &mut beside) {
                Ok(0) => return Err(HandoverError::Closed),
                Ok(n) => got += n,
                Err(error) => self.bear(error, Ready::Read)?,
            }
            if beside.descriptors.len() > 1 || beside.is_cut {
                return Err(HandoverError::Descriptors { found: beside.descriptors.len(), is_cut: beside.is_cut });
            }
            if self.deadline.is_over() && got < bytes.len() {
                // Also where there is always one byte more.
                return Err(HandoverError::Timeout);
            }
        }
        Ok(beside)
    }

    /// The other side's HELLO, and the one descriptor with it.
    fn hello(&self) -> Result<(Hello, OwnedFd), HandoverError> {
        let mut bytes = [0; HELLO_BYTES];
        let mut beside = self.receive(&mut bytes)?;
        let hello = Hello::decode(&bytes)?;
        match beside.descriptors.pop() {
            Some(file) => Ok((hello, file)),
            None => Err(HandoverError::Descriptors { found: 0, is_cut: false }),
        }
    }

    /// The other side's VERDICT, with which nothing comes.
    fn verdict(&self) -> Result<Option<&'static str>, HandoverError> {
        let mut bytes = [0; VERDICT_BYTES];
        let beside = self.receive(&mut bytes)?;
        if !beside.descriptors.is_empty() {
            return Err(HandoverError::Descriptors { found: beside.descriptors.len(), is_cut: beside.is_cut });
        }
        message::read_verdict(&bytes)
    }

    /// Waits where nothing goes now; anything else that fails is over.
    fn bear(&self, error: io::Error, ready: Ready) -> Result<(), HandoverError> {
        match error.kind() {
            io::ErrorKind::WouldBlock => self.wait(ready),
            io::ErrorKind::Interrupted => Ok(()),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected => {
                Err(HandoverError::Closed)
            }
            _ => Err(HandoverError::Io { doing: "talking to the other side", source: error }),
        }
    }

    fn wait(&self, ready: Ready) -> Result<(), HandoverError> {
        match socket::wait(self.socket, ready, self.deadline.ns()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(HandoverError::Timeout),
            Err(source) => Err(HandoverError::Io { doing: "waiting for the other side", source }),
        }
    }
}
