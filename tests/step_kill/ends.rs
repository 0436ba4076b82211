//! Ends of every kind behind one face: to come by, to pass something, and to go.

use super::stage::NAME;
use super::support::PATIENCE;
use ringway::stream::{Duplex, Reader, Writer};
use ringway::{DisconnectReason, OpenError, Options, bytes, mpmc, spsc};
use std::io::{Read, Write};

/// A kind of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Spsc,
    Mpmc,
    /// Messages of bytes, one to one.
    Bytes,
    /// Messages of bytes, many to many.
    Lanes,
    Stream,
    Duplex,
}

/// Which end of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// Sends, or writes.
    Source,
    /// Receives, or reads.
    Sink,
}

/// How one comes to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Create,
    Open,
    OpenOrCreate,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Spsc => "spsc",
            Self::Mpmc => "mpmc",
            Self::Bytes => "bytes",
            Self::Lanes => "lanes",
            Self::Stream => "stream",
            Self::Duplex => "duplex",
        }
    }

    /// Whether a new end goes on where a dead one stopped. In a stream that would be a hole.
    pub(crate) fn is_of_messages(self) -> bool {
        !matches!(self, Self::Stream | Self::Duplex)
    }

    /// The names of its segments.
    pub(crate) fn names(self) -> Vec<String> {
        if self == Self::Duplex { vec![format!("{NAME}.a"), format!("{NAME}.b")] } else { vec![NAME.to_owned()] }
    }
}

impl Side {
    pub(crate) fn other(self) -> Self {
        if self == Self::Source { Self::Sink } else { Self::Source }
    }
}

/// An end of any kind.
pub(crate) trait End: std::fmt::Debug {
    /// Sends this, for which there is room.
    fn put(&mut self, byte: u8);

    /// Receives the next.
    fn take(&mut self) -> u8;

    /// Why the other side is not there any more; none is told of streams.
    fn reason(&self) -> Option<DisconnectReason>;
}

macro_rules! one_way {
    ($source:ty, $sink:ty, $message:expr, $number:expr) => {
        impl End for $source {
            fn put(&mut self, byte: u8) {
                self.try_send($message(&byte)).expect("room");
            }

            fn take(&mut self) -> u8 {
                unreachable!("a sender")
            }

            fn reason(&self) -> Option<DisconnectReason> {
                self.disconnect_reason()
            }
        }

        impl End for $sink {
            fn put(&mut self, _: u8) {
                unreachable!("a receiver")
            }

            fn take(&mut self) -> u8 {
                $number(self.recv_timeout(PATIENCE).expect("a message"))
            }

            fn reason(&self) -> Option<DisconnectReason> {
                self.disconnect_reason()
            }
        }
    };
}

one_way!(spsc::Sender<u64>, spsc::Receiver<u64>, |byte: &u8| u64::from(*byte), |number| number as u8);
one_way!(mpmc::Sender<u64>, mpmc::Receiver<u64>, |byte: &u8| u64::from(*byte), |number| number as u8);
one_way!(bytes::spsc::Sender, bytes::spsc::Receiver, std::slice::from_ref, |got: Vec<u8>| got[0]);
one_way!(bytes::mpmc::Sender, bytes::mpmc::Receiver, std::slice::from_ref, |got: Vec<u8>| got[0]);

macro_rules! puts {
    ($end:ident, $byte:ident, true) => {
        $end.write_all(&[$byte]).expect("room")
    };
    ($end:ident, $byte:ident, false) => {
        unreachable!("a reader, given {}", $byte)
    };
}

macro_rules! takes {
    ($end:ident, true) => {{
        let mut byte = [0];
        $end.read_exact(&mut byte).expect("a byte");
        byte[0]
    }};
    ($end:ident, false) => {
        unreachable!("a writer")
    };
}

macro_rules! both_ways {
    ($($end:ty: $puts:tt $takes:tt),*) => {$(
        impl End for $end {
            fn put(&mut self, byte: u8) {
                puts!(self, byte, $puts);
            }

            fn take(&mut self) -> u8 {
                takes!(self, $takes)
            }

            fn reason(&self) -> Option<DisconnectReason> {
                None
            }
        }
    )*};
}

both_ways!(Writer: true false, Reader: false true, Duplex: true true);

/// Comes to the channel.
pub(crate) fn enter(kind: Kind, side: Side, way: Way, options: &Options) -> Result<Box<dyn End>, OpenError> {
    macro_rules! of {
        ($end:ty) => {
            match way {
                Way::Create => <$end>::create_with(NAME, options),
                Way::Open => <$end>::open_with(NAME, options),
                Way::OpenOrCreate => <$end>::open_or_create_with(NAME, options),
            }
            .map(|end| Box::new(end) as Box<dyn End>)
        };
    }
    match (kind, side) {
        (Kind::Spsc, Side::Source) => of!(spsc::Sender<u64>),
        (Kind::Spsc, Side::Sink) => of!(spsc::Receiver<u64>),
        (Kind::Mpmc, Side::Source) => of!(mpmc::Sender<u64>),
        (Kind::Mpmc, Side::Sink) => of!(mpmc::Receiver<u64>),
        (Kind::Bytes, Side::Source) => of!(bytes::spsc::Sender),
        (Kind::Bytes, Side::Sink) => of!(bytes::spsc::Receiver),
        (Kind::Lanes, Side::Source) => of!(bytes::mpmc::Sender),
        (Kind::Lanes, Side::Sink) => of!(bytes::mpmc::Receiver),
        (Kind::Stream, Side::Source) => of!(Writer),
        (Kind::Stream, Side::Sink) => of!(Reader),
        (Kind::Duplex, _) => of!(Duplex),
    }
}

/// Something goes from the one to the other.
pub(crate) fn pass(source: &mut dyn End, sink: &mut dyn End) {
    for byte in 1..=3 {
        source.put(byte);
        assert_eq!(sink.take(), byte);
    }
}
