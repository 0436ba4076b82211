//! ipc-channel, which carries serialised messages over Unix sockets.
//!
//! Fastest documented: the channel of bytes, which "does not serialize/deserialize messages through serde, making it more
//! efficient" (<https://docs.rs/ipc-channel/0.23.1/ipc_channel/ipc/fn.bytes_channel.html>). Default: the typed channel,
//! with the message as an array of words, which is what serde derives for one. Both ends wait in the kernel. It has no
//! batches. The capacity cannot be said: it is what the kernel's socket buffer holds.
//!
//! They meet by `IpcOneShotServer`, whose name passes through a file. The server takes the sender's first message together
//! with the connection, so it does so in the first `recv`. For bytes that first message is the end of a channel of bytes.

use std::marker::PhantomData;
use std::path::PathBuf;

use ipc_channel::ipc::{IpcBytesReceiver, IpcBytesSender, IpcOneShotServer, IpcReceiver, IpcSender, bytes_channel};
use serde::de::{DeserializeOwned, Error, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::rendezvous::{publish, retry};
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::Entry;

pub fn entries() -> Vec<Entry> {
    let bytes = Card {
        name: "ipc-channel, bytes",
        version: "0.23.1",
        mode: "fastest: bytes, not serialised",
        waiting: Waiting::Default,
        largest: usize::MAX,
        has_batches: false,
    };
    let typed = Card { name: "ipc-channel", mode: "default: typed, through serde", ..bytes.clone() };
    vec![Entry::between(bytes, Bytes), Entry::between(typed, Typed)]
}

/// Where the name of the server stands.
fn path(place: &Place) -> PathBuf {
    place.dir.join("server")
}

/// Makes a server and tells its name.
pub(super) fn server<T: Serialize + DeserializeOwned>(place: &Place) -> Result<IpcOneShotServer<T>, Failure> {
    let (server, name) = IpcOneShotServer::new()?;
    publish(&path(place), name.as_bytes())?;
    Ok(server)
}

/// Connects with the server whose name was told.
pub(super) fn connect<T: Serialize + DeserializeOwned>(place: &Place) -> Result<IpcSender<T>, Failure> {
    let name = retry(|| std::fs::read_to_string(path(place)))?;
    Ok(IpcSender::connect(name)?)
}

/// The channel of bytes.
#[derive(Debug, Clone, Copy)]
struct Bytes;

/// The receiving end of bytes: the server until the first message comes.
enum BytesReceiver {
    /// Nothing was received yet.
    Meets(Option<IpcOneShotServer<IpcBytesReceiver>>),
    /// The channel.
    Met(IpcBytesReceiver),
}

impl Between for Bytes {
    type Sender<M: Message> = IpcBytesSender;
    type Receiver<M: Message> = BytesReceiver;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        let (sender, receiver) = bytes_channel()?;
        connect(place)?.send(receiver)?;
        Ok(sender)
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        Ok(BytesReceiver::Meets(Some(server(place)?)))
    }
}

impl<M: Message> Sender<M> for IpcBytesSender {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        Ok(IpcBytesSender::send(self, bytemuck::bytes_of(&message))?)
    }
}

impl<M: Message> Receiver<M> for BytesReceiver {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        loop {
            match self {
                Self::Met(receiver) => {
                    let bytes = receiver.recv()?;
                    return bytemuck::try_pod_read_unaligned(&bytes).map_err(|wrong| wrong.to_string().into());
                }
                Self::Meets(server) => {
                    let (_, receiver) = server.take().ok_or("the sender never came")?.accept()?;
                    *self = Self::Met(receiver);
                }
            }
        }
    }
}

/// The typed channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Typed;

/// A message as serde sees an array: its words, one after another.
pub(super) struct Words<M>(M);

impl<M: Message> Serialize for Words<M> {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let words: &[u64] = bytemuck::cast_slice(std::slice::from_ref(&self.0));
        let mut tuple = serializer.serialize_tuple(words.len())?;
        for word in words {
            tuple.serialize_element(word)?;
        }
        tuple.end()
    }
}

impl<'de, M: Message> Deserialize<'de> for Words<M> {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(M::BYTES / size_of::<u64>(), Words(PhantomData)).map(Words)
    }
}

impl<'de, M: Message> Visitor<'de> for Words<PhantomData<M>> {
    type Value = M;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} bytes of words", M::BYTES)
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<M, A::Error> {
        let mut message = M::zeroed();
        let words: &mut [u64] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut message));
        for (index, word) in words.iter_mut().enumerate() {
            *word = sequence.next_element()?.ok_or_else(|| A::Error::invalid_length(index, &self))?;
        }
        Ok(message)
    }
}

/// The typed sending end.
pub(super) struct TypedSender<M: Message>(IpcSender<Words<M>>);

/// The typed receiving end: the server until the first message comes.
pub(super) enum TypedReceiver<M: Message> {
    /// Nothing was received yet.
    Meets(Option<IpcOneShotServer<Words<M>>>),
    /// The channel.
    Met(IpcReceiver<Words<M>>),
}

impl Between for Typed {
    type Sender<M: Message> = TypedSender<M>;
    type Receiver<M: Message> = TypedReceiver<M>;

    fn sender<M: Message>(&self, place: &Place) -> Result<Self::Sender<M>, Failure> {
        Ok(TypedSender(connect(place)?))
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<Self::Receiver<M>, Failure> {
        Ok(TypedReceiver::Meets(Some(server(place)?)))
    }
}

impl<M: Message> Sender<M> for TypedSender<M> {
    #[inline(always)]
    fn send(&mut self, message: M) -> Result<(), Failure> {
        Ok(self.0.send(Words(message))?)
    }
}

impl<M: Message> Receiver<M> for TypedReceiver<M> {
    #[inline(always)]
    fn recv(&mut self) -> Result<M, Failure> {
        match self {
            Self::Met(receiver) => Ok(receiver.recv()?.0),
            Self::Meets(server) => {
                let (receiver, first) = server.take().ok_or("the sender never came")?.accept()?;
                *self = Self::Met(receiver);
                Ok(first.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contestants::trial;

    #[test]
    fn every_message_of_bytes_arrives_in_order() {
        trial::between(module_path!(), "every_message_of_bytes_arrives_in_order", Bytes);
    }

    #[test]
    fn every_typed_message_arrives_in_order() {
        trial::between(module_path!(), "every_typed_message_arrives_in_order", Typed);
    }
}
