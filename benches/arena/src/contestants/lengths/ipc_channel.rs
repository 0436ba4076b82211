//! ipc-channel, in its two ways for bytes: the channel of bytes, which copies them through a socket, and shared memory made
//! from the sender's buffer for each message, of which the channel carries the descriptor. Both ends wait in the kernel, and
//! the capacity cannot be said.
//!
//! They meet as in `contestants::ipc_channel`.

use crate::contestant::{Card, Failure, Place, Waiting};
use crate::contestants::ipc_channel::{connect, server};
use crate::entry::Entry;
use crate::lengths::{Between, Lengths, Receiver, Sender, between};
use ipc_channel::ipc::{
    IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender, IpcSharedMemory, bytes_channel,
};

pub fn entries() -> Vec<Entry> {
    let bytes = Card {
        name: "ipc-channel, bytes",
        version: "0.23.1",
        mode: "bytes, not serialised",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let shared =
        Card { name: "ipc-channel, shared memory", mode: "IpcSharedMemory, made for each message", ..bytes.clone() };
    vec![between(bytes, Bytes), between(shared, Shared)]
}

/// A copy of the message at the front.
fn copy(message: &[u8], into: &mut [u8]) -> Result<usize, Failure> {
    into.get_mut(..message.len()).ok_or("a message longer than there can be")?.copy_from_slice(message);
    Ok(message.len())
}

struct Bytes;

/// The receiving end of bytes: the server until the first message comes.
enum BytesReceiver {
    Meets(Option<IpcOneShotServer<IpcBytesReceiver>>),
    Met(IpcBytesReceiver),
}

impl Between for Bytes {
    type Sender = IpcBytesSender;
    type Receiver = BytesReceiver;

    fn sender(&self, place: &Place, _: Lengths) -> Result<Self::Sender, Failure> {
        let (sender, receiver) = bytes_channel()?;
        connect(place)?.send(receiver)?;
        Ok(sender)
    }

    fn receiver(&self, place: &Place, _: Lengths) -> Result<Self::Receiver, Failure> {
        Ok(BytesReceiver::Meets(Some(server(place)?)))
    }
}

impl Sender for IpcBytesSender {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Ok(IpcBytesSender::send(self, message)?)
    }
}

impl Receiver for BytesReceiver {
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        loop {
            match self {
                Self::Met(receiver) => return copy(&receiver.recv()?, into),
                Self::Meets(server) => {
                    let (_, receiver) = server.take().ok_or("the sender never came")?.accept()?;
                    *self = Self::Met(receiver);
                }
            }
        }
    }
}

struct Shared;

/// The receiving end of shared memory: the server until the first message comes, and that message.
enum SharedReceiver {
    Meets(Option<IpcOneShotServer<IpcSharedMemory>>),
    Met(IpcReceiver<IpcSharedMemory>),
}

struct SharedSender(IpcSender<IpcSharedMemory>);

impl Between for Shared {
    type Sender = SharedSender;
    type Receiver = SharedReceiver;

    fn sender(&self, place: &Place, _: Lengths) -> Result<Self::Sender, Failure> {
        Ok(SharedSender(connect(place)?))
    }

    fn receiver(&self, place: &Place, _: Lengths) -> Result<Self::Receiver, Failure> {
        Ok(SharedReceiver::Meets(Some(server(place)?)))
    }
}

impl Sender for SharedSender {
    fn send(&mut self, message: &[u8]) -> Result<(), Failure> {
        Ok(self.0.send(IpcSharedMemory::from_bytes(message))?)
    }
}

impl Receiver for SharedReceiver {
    fn recv(&mut self, into: &mut [u8]) -> Result<usize, Failure> {
        match self {
            Self::Met(receiver) => copy(&receiver.recv()?, into),
            Self::Meets(server) => {
                let (receiver, first) = server.take().ok_or("the sender never came")?.accept()?;
                *self = Self::Met(receiver);
                copy(&first, into)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::lengths::trial;

    #[test]
    fn every_message_arrives_whole_as_bytes() {
        trial::between(module_path!(), "every_message_arrives_whole_as_bytes", Bytes);
    }

    #[test]
    fn every_message_arrives_whole_in_shared_memory() {
        trial::between(module_path!(), "every_message_arrives_whole_in_shared_memory", Shared);
    }
}
