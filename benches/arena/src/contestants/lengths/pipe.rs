//! A named pipe: as it comes, and as large as it may be made without privilege.

use super::framed::{FramedReceiver, FramedSender};
use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::pipe::fifo;
use crate::entry::{Entry, Kind};
use crate::lengths::{Between, Lengths, between};
use nix::fcntl::{FcntlArg, fcntl};
use std::fs::{File, OpenOptions};
use std::io::BufReader;

/// What `/proc/sys/fs/pipe-max-size` says where nobody has changed it.
const LARGE: i32 = 1 << 20;

pub fn entries() -> Vec<Entry> {
    let default = Card {
        name: "pipe",
        version: "",
        mode: "default: holds 64 KiB",
        waiting: Waiting::Sleeps,
        largest: usize::MAX,
        has_batches: false,
    };
    let large = Card { name: "pipe, 1 MiB", mode: "as large as a user may make it", ..default.clone() };
    let kernel = |entry: Entry| entry.kind(Kind::Kernel);
    vec![kernel(between(default, Pipe { is_large: false })), kernel(between(large, Pipe { is_large: true }))]
}

struct Pipe {
    is_large: bool,
}

impl Between for Pipe {
    type Sender = FramedSender<File>;
    type Receiver = FramedReceiver<BufReader<File>>;

    fn sender(&self, place: &Place, lengths: Lengths) -> Result<Self::Sender, Failure> {
        let file = OpenOptions::new().write(true).open(fifo(place)?)?;
        if self.is_large {
            fcntl(&file, FcntlArg::F_SETPIPE_SZ(LARGE))?;
        }
        Ok(FramedSender::new(file, lengths))
    }

    fn receiver(&self, place: &Place, lengths: Lengths) -> Result<Self::Receiver, Failure> {
        Ok(FramedReceiver::buffered(File::open(fifo(place)?)?, lengths))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole() {
        trial::between(module_path!(), "every_message_arrives_whole", Pipe { is_large: false });
    }

    #[test]
    fn every_message_of_a_large_one_arrives_whole() {
        trial::between(module_path!(), "every_message_of_a_large_one_arrives_whole", Pipe { is_large: true });
    }
}
