//! Aeron: a process has a client, one of the two a media driver as well, as it comes but for its one thread, and a channel is a
//! stream of `aeron:ipc` with its subscription and its exclusive publication. Polled; a publisher that has no subscriber yet
//! tries again.
//!
//! Both ends are asked for and wait for the driver's answer, which the client's own thread looks for every 16 ms by default. A
//! thousand channels in one process would take longer than a turn may. How much memory one takes need not be measured: three terms
//! of 64 MiB by default, whatever the capacity, as sparse files.

use super::card;
use crate::args::WorkKind;
use crate::contestant::{Failure, Place, Receiver, Sender, Waiting};
use crate::contestants::aeron::{client, driver, wrong};
use crate::contestants::rendezvous::{PATIENCE, retry};
use crate::entry::Entry;
use crate::making::{Maker, Word, maker};
use rusteron_client::{AERON_IPC_STREAM, Aeron, AeronExclusivePublication, AeronSubscription, Handlers};
use rusteron_media_driver::AeronDriver;
use std::fs::File;
use std::hint::spin_loop;

pub fn entries() -> Vec<Entry> {
    let version = env!("VERSION_RUSTERON_CLIENT");
    let polled = card("aeron", version, "default but for one thread; a driver is there", Waiting::Spins);
    vec![maker(polled, Ipc, &[WorkKind::Attach])]
}

struct Ipc;

/// What a process has once. The driver goes last.
struct Member {
    client: Aeron,
    _driver: Option<AeronDriver>,
}

/// The stream of a channel: its number, which its directory is called by.
fn stream(place: &Place) -> Result<i32, Failure> {
    let number = place.dir.file_name().and_then(|name| name.to_str()).ok_or("a directory without a name")?;
    Ok(number.parse()?)
}

impl Maker for Ipc {
    type Member = Member;
    type Sender = AeronExclusivePublication;
    type Receiver = AeronSubscription;

    fn member(&self, place: &Place) -> Result<Member, Failure> {
        // Whoever is first has the driver.
        let is_first = File::create_new(place.dir.join("driver")).is_ok();
        let driver = is_first.then(|| driver(&place.dir, None)).transpose()?;
        Ok(Member { client: retry(|| client(&place.dir, false))?, _driver: driver })
    }

    fn sender(&self, member: &Member, place: &Place) -> Result<Self::Sender, Failure> {
        let asked = member.client.async_add_exclusive_publication(AERON_IPC_STREAM, stream(place)?).map_err(wrong)?;
        asked.poll_blocking(PATIENCE).map_err(wrong)
    }

    fn receiver(&self, member: &Member, place: &Place) -> Result<Self::Receiver, Failure> {
        let (client, stream) = (&member.client, stream(place)?);
        let asked = client.async_add_subscription(AERON_IPC_STREAM, stream, Handlers::NONE, Handlers::NONE);
        asked.map_err(wrong)?.poll_blocking(PATIENCE).map_err(wrong)
    }
}

impl Sender<Word> for AeronExclusivePublication {
    fn send(&mut self, [message]: Word) -> Result<(), Failure> {
        loop {
            match self.offer(&message.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(full) if full.is_retryable() => spin_loop(),
                Err(error) => return Err(wrong(error)),
            }
        }
    }
}

impl Receiver<Word> for AeronSubscription {
    fn recv(&mut self) -> Result<Word, Failure> {
        let mut message = None;
        while message.is_none() {
            self.poll_fn(|bytes, _| message = Some(<[u8; 8]>::try_from(bytes)), 1).map_err(wrong)?;
            spin_loop();
        }
        let message = message.ok_or("no message")?.map_err(|_| "a message of another length")?;
        Ok([u64::from_ne_bytes(message)])
    }
}
