//! Aeron, its C client and its C media driver by the crates `rusteron-client` and `rusteron-media-driver`: an exclusive publication
//! and a subscription of `aeron:ipc`, which never leaves the machine. Behind the feature `aeron`.
//!
//! Fastest documented: claims written in place, fragments read in place, polled, which is all the receiving that there is (the
//! examples `embedded_ping_pong` and `zero_copy_claim` of `rusteron-client`). A poll takes one message, or in batches as many as
//! are asked for; a sender has claims one at a time and no batches. It spins while there is no room.
//!
//! A media driver there must be. It takes no part in a message, but it alone moves the limit up to which the sender may go, in
//! steps of an eighth of its window. Each channel has its own, made by the receiver:
//!
//! - `aeron`: in one thread (`SHARED`), idle as by default, on the receiver's processor, as threads of the receiver's are. There
//!   the two take turns as the kernel has it, since the receiver spins. Where a third processor is free it would be faster.
//! - `aeron, invoked`: in the receiver's own thread (`INVOKER`), after each eighth of a window and whenever there is nothing for
//!   long. On two processors this is faster, one way by far: 64 bytes, capacity 65 536, 17 million a second instead of 9; capacity
//!   4096, 14 instead of 0.9.
//!
//! The sender may be ahead by half a term. A term has a power of two of bytes, and here 1 MiB at least: with the least that there
//! can be, 64 KiB, the sender mostly waits for the driver. So a channel holds more than is asked for. All three terms are written
//! before the clock starts, by the driver and by both ends (no sparse files, `pre_touch_mapped_memory`).
//!
//! Not here: one of many (each subscriber gets every message), and messages in place of 64 KiB and more (a claim has 65 472
//! bytes at most).

use super::rendezvous::{PATIENCE, retry};
use crate::contestant::{self, Between, Card, Failure, Message, Place, Waiting};
use crate::entry::Entry;
use rusteron_client::{AERON_IPC_STREAM, Aeron, AeronContext, AeronExclusivePublication, AeronSubscription, Handlers};
use rusteron_media_driver::bindings::aeron_threading_mode_enum as Threading;
use rusteron_media_driver::{AeronDriver, AeronDriverContext};
use std::ffi::CString;
use std::fmt::Debug;
use std::hint::spin_loop;
use std::path::Path;

/// Bytes in front of each fragment, and what a frame is a multiple of.
const HEADER: usize = 32;
/// Bytes of the shortest term here.
const TERM: usize = 1 << 20;
/// Into so many steps the driver cuts its window.
const STEPS: usize = 8;
/// A poll in vain brings the driver's turn as much nearer as a message of so many bytes.
const IN_VAIN: usize = 64;

pub fn entries() -> Vec<Entry> {
    let threaded = card("default but for one thread: claims in place, polled");
    let invoked = Card { name: "aeron, invoked", mode: "fastest: the receiver runs the driver", ..threaded.clone() };
    vec![Entry::between(threaded, Ipc { invoked: false }), Entry::between(invoked, Ipc { invoked: true })]
}

pub(super) fn card(mode: &'static str) -> Card {
    Card {
        name: "aeron",
        version: env!("VERSION_RUSTERON_CLIENT"),
        mode,
        waiting: Waiting::Spins,
        largest: usize::MAX,
        has_batches: true,
    }
}

#[derive(Clone)]
struct Ipc {
    invoked: bool,
}

/// How a driver makes its channels.
pub(super) struct Shape {
    /// Bytes of a term.
    pub(super) term: usize,
    /// Bytes by which the sender may be ahead.
    pub(super) window: usize,
    /// Bytes of the longest frame.
    pub(super) mtu: usize,
    /// Whether whoever made the driver also runs it.
    pub(super) invoked: bool,
}

/// The sending end.
pub(super) struct Sending {
    pub(super) publication: AeronExclusivePublication,
    _client: Aeron,
}

/// The receiving end. Its fields are dropped in this order: the driver last.
pub(super) struct Receiving {
    subscription: AeronSubscription,
    _client: Aeron,
    driver: AeronDriver,
    /// Bytes after which this thread runs the driver, if it does.
    step: Option<usize>,
    /// Bytes since it did.
    since: usize,
}

/// What the C side says, in words. Both crates have an error of their own.
pub(super) fn wrong(error: impl Debug) -> Failure {
    format!("{error:?}").into()
}

fn directory(dir: &Path) -> Result<CString, Failure> {
    Ok(CString::new(dir.join("aeron").as_os_str().as_encoded_bytes())?)
}

/// Starts a driver whose files are under this directory; as it comes if nothing is said.
pub(super) fn driver(dir: &Path, shape: Option<&Shape>) -> Result<AeronDriver, Failure> {
    let context = AeronDriverContext::new().map_err(wrong)?;
    context.set_dir(&directory(dir)?).map_err(wrong)?;
    let invoked = shape.is_some_and(|shape| shape.invoked);
    let threading =
        if invoked { Threading::AERON_THREADING_MODE_INVOKER } else { Threading::AERON_THREADING_MODE_SHARED };
    context.set_threading_mode(threading).map_err(wrong)?;
    if let Some(shape) = shape {
        context.set_ipc_term_buffer_length(shape.term).map_err(wrong)?;
        context.set_ipc_publication_term_window_length(shape.window).map_err(wrong)?;
        context.set_ipc_mtu_length(shape.mtu).map_err(wrong)?;
        context.set_term_buffer_sparse_file(false).map_err(wrong)?;
    }
    let driver = AeronDriver::new(&context).map_err(wrong)?;
    driver.start(invoked).map_err(wrong)?;
    Ok(driver)
}

/// A client of the driver there, for which it waits.
pub(super) fn client(dir: &Path, touched: bool) -> Result<Aeron, Failure> {
    let context = AeronContext::new().map_err(wrong)?;
    context.set_dir(&directory(dir)?).map_err(wrong)?;
    context.set_pre_touch_mapped_memory(touched).map_err(wrong)?;
    let client = Aeron::new(&context).map_err(wrong)?;
    client.start().map_err(wrong)?;
    Ok(client)
}

/// The only stream of a driver.
const STREAM: i32 = 1;

impl Sending {
    pub(super) fn new(place: &Place) -> Result<Self, Failure> {
        let client = retry(|| client(&place.dir, true))?;
        let asked = client.async_add_exclusive_publication(AERON_IPC_STREAM, STREAM).map_err(wrong)?;
        let publication = asked.poll_blocking(PATIENCE).map_err(wrong)?;
        retry(|| if publication.is_connected() { Ok(()) } else { Err("no subscriber") })?;
        Ok(Self { publication, _client: client })
    }

    /// Tries until there is room.
    #[inline(always)]
    pub(super) fn insist<T>(
        &self,
        mut attempt: impl FnMut(&AeronExclusivePublication) -> Result<T, rusteron_client::AeronOfferError>,
    ) -> Result<T, Failure> {
        loop {
            match attempt(&self.publication) {
                Ok(done) => return Ok(done),
                Err(full) if full.is_retryable() => spin_loop(),
                Err(error) => return Err(wrong(error)),
            }
        }
    }
}

impl Receiving {
    pub(super) fn new(place: &Place, shape: &Shape) -> Result<Self, Failure> {
        let driver = driver(&place.dir, Some(shape))?;
        let client = client(&place.dir, true)?;
        let drive = || if shape.invoked { driver.main_do_work().map(drop).map_err(wrong) } else { Ok(()) };
        let asked = client.async_add_subscription(AERON_IPC_STREAM, STREAM, Handlers::NONE, Handlers::NONE);
        let asked = asked.map_err(wrong)?;
        let subscription = retry(|| {
            drive()?;
            asked.poll().map_err(wrong)?.ok_or_else(|| Failure::from("no subscription"))
        })?;
        retry(|| {
            drive()?;
            if subscription.is_connected() { Ok(()) } else { Err(Failure::from("no publisher")) }
        })?;
        let step = shape.invoked.then_some(shape.window / STEPS);
        Ok(Self { subscription, _client: client, driver, step, since: 0 })
    }

    /// Lets `read` look at up to so many fragments; how many those were.
    #[inline(always)]
    pub(super) fn poll(&mut self, fragments: usize, mut read: impl FnMut(&[u8])) -> Result<usize, Failure> {
        let mut bytes = 0;
        let each = |fragment: &[u8], _| {
            bytes += HEADER + fragment.len();
            read(fragment);
        };
        let count = self.subscription.poll_fn(each, fragments).map_err(wrong)?;
        if let Some(step) = self.step {
            self.since += bytes.max(IN_VAIN);
            if self.since >= step {
                self.since = 0;
                self.driver.main_do_work().map_err(wrong)?;
            }
        }
        if count == 0 {
            spin_loop();
        }
        Ok(count as usize)
    }
}

impl Between for Ipc {
    type Sender<M: Message> = Sending;
    type Receiver<M: Message> = Receiving;

    fn sender<M: Message>(&self, place: &Place) -> Result<Sending, Failure> {
        Sending::new(place)
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Receiving, Failure> {
        let frame = (HEADER + M::BYTES).next_multiple_of(HEADER);
        let term = (2 * place.capacity * frame).next_power_of_two().max(TERM);
        Receiving::new(place, &Shape { term, window: term / 2, mtu: 2048, invoked: self.invoked })
    }
}

impl<M: Message> contestant::Sender<M> for Sending {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        let mut claim = self.insist(|publication| publication.try_claim_owned(M::BYTES))?;
        claim.data().copy_from_slice(bytemuck::bytes_of(&message));
        claim.commit().map_err(wrong)?;
        Ok(())
    }
}

impl<M: Message> contestant::Receiver<M> for Receiving {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        let mut message = None;
        self.recv_batch(1, |it| message = Some(*it))?;
        message.ok_or_else(|| "a message that is not there".into())
    }

    #[inline(always)]
    fn recv_batch(&mut self, max: usize, mut take: impl FnMut(&M)) -> Result<usize, Failure> {
        let mut is_strange = false;
        loop {
            let count = self.poll(max, |fragment| match bytemuck::try_pod_read_unaligned(fragment) {
                Ok(message) => take(&message),
                Err(_) => is_strange = true,
            })?;
            match count {
                _ if is_strange => return Err("a message of another length".into()),
                0 => {}
                count => return Ok(count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_arrives() {
        trial::between(module_path!(), "every_message_arrives", Ipc { invoked: false });
    }

    #[test]
    fn every_message_arrives_invoked() {
        trial::between(module_path!(), "every_message_arrives_invoked", Ipc { invoked: true });
    }
}
