//! A named pipe, as it comes: 64 KiB, blocking.

use super::bytes::{ByteReceiver, ByteSender};
use crate::contestant::{Between, Card, Failure, Message, Place, Waiting};
use crate::entry::{Entry, Kind};
use nix::errno::Errno;
use nix::sys::stat::Mode;
use std::fs::{File, OpenOptions};
use std::path::PathBuf;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "pipe",
        version: "",
        mode: "default: holds 64 KiB",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: true,
    };
    vec![Entry::between(card, Pipe).kind(Kind::Kernel)]
}

#[derive(Clone)]
struct Pipe;

/// The fifo, whoever comes first. Opening it waits for the other side.
pub(super) fn fifo(place: &Place) -> Result<PathBuf, Failure> {
    let path = place.dir.join("fifo");
    match nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR) {
        Ok(()) | Err(Errno::EEXIST) => Ok(path),
        Err(error) => Err(error.into()),
    }
}

impl Between for Pipe {
    type Sender<M: Message> = ByteSender<M, File>;
    type Receiver<M: Message> = ByteReceiver<M, File>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        Ok(ByteSender::new(OpenOptions::new().write(true).open(fifo(place)?)?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        Ok(ByteReceiver::new(File::open(fifo(place)?)?))
    }
}
