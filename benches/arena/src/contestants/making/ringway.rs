//! The crate itself, each kind of channel with its default options: the receiver makes it, the sender opens it.

use super::{FILES, card};
use crate::contestant::{Failure, Place, Receiver, Sender, Waiting};
use crate::entry::{Entry, Kind};
use crate::making::{Maker, Word, maker};
use bytemuck::{bytes_of, pod_read_unaligned};
use ringway::{Options, bytes, mpmc, spsc};

/// No ring of bytes is longer by default.
const LONGEST: u64 = 1 << 20;
/// Bytes that a message of 8 takes in a ring of bytes, at least.
const RECORD: u64 = 16;

pub fn entries() -> Vec<Entry> {
    let ours = |name, mode| card(name, env!("VERSION_RINGWAY"), mode, Waiting::Default);
    let entries = [
        maker(ours("ringway", "spsc, default"), Spsc, FILES),
        maker(ours("ringway, many", "mpmc, default"), Many, FILES),
        maker(ours("ringway, bytes", "bytes::spsc, default: holds 256 KiB to 1 MiB"), Bytes, FILES),
        maker(ours("ringway, bytes, many", "bytes::mpmc, default: lanes of several lengths"), BytesMany, FILES),
    ];
    entries.map(|entry| entry.kind(Kind::Ringway)).into()
}

/// One end.
struct End<E>(E);

macro_rules! kind {
    (
        $maker:ident, $tx:ty, $rx:ty, $lap:expr, $capacity:expr,
        |$to:ident, $message:ident| $send:expr, |$from:ident| $recv:expr
    ) => {
        struct $maker;

        impl Sender<Word> for End<$tx> {
            fn send(&mut self, $message: Word) -> Result<(), Failure> {
                let $to = &mut self.0;
                $send
            }
        }

        impl Receiver<Word> for End<$rx> {
            fn recv(&mut self) -> Result<Word, Failure> {
                let $from = &mut self.0;
                $recv
            }
        }

        impl Maker for $maker {
            type Member = ();
            type Sender = End<$tx>;
            type Receiver = End<$rx>;

            fn member(&self, _: &Place) -> Result<(), Failure> {
                Ok(())
            }

            fn sender(&self, (): &(), place: &Place) -> Result<Self::Sender, Failure> {
                Ok(End(<$tx>::open_with(&place.name, &Options::new().dir(&place.dir))?))
            }

            fn receiver(&self, (): &(), place: &Place) -> Result<Self::Receiver, Failure> {
                let with: fn(Options, &Place) -> Options = $capacity;
                Ok(End(<$rx>::create_with(&place.name, &with(Options::new().dir(&place.dir), place))?))
            }

            fn lap(&self, place: &Place) -> u64 {
                let lap: fn(&Place) -> u64 = $lap;
                lap(place)
            }
        }
    };
}

kind!(
    Spsc,
    spsc::Sender<Word>,
    spsc::Receiver<Word>,
    |place| place.capacity as u64,
    |options, place| options.capacity(place.capacity),
    |to, message| Ok(to.send(message)?),
    |from| Ok(from.recv()?)
);
kind!(
    Many,
    mpmc::Sender<Word>,
    mpmc::Receiver<Word>,
    |place| place.capacity as u64,
    |options, place| options.capacity(place.capacity),
    |to, message| Ok(to.send(message)?),
    |from| Ok(from.recv()?)
);
kind!(
    Bytes,
    bytes::spsc::Sender,
    bytes::spsc::Receiver,
    |_| LONGEST / RECORD,
    |options, _| options,
    |to, message| Ok(to.send(bytes_of(&message))?),
    |from| {
        let record = from.recv_ref()?;
        let message = pod_read_unaligned(&record);
        record.commit();
        Ok(message)
    }
);
kind!(
    BytesMany,
    bytes::mpmc::Sender,
    bytes::mpmc::Receiver,
    |_| LONGEST / RECORD,
    |options, _| options,
    |to, message| Ok(to.send(bytes_of(&message))?),
    |from| {
        let record = from.recv_ref()?;
        let message = pod_read_unaligned(&record);
        record.commit();
        Ok(message)
    }
);
