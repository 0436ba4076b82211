//! Those whose channels themselves are measured. A new one is one file here with a `Maker`, and one line in [`entries`]; who
//! needs no more than its two ends for that, and whose ends do not wait for each other, is a [`Plain`].
//!
//! Not here: what lies between threads has neither names nor files, and textbooks have whatever their user writes.

#[cfg(feature = "aeron")]
mod aeron;
mod broken;
mod iceoryx2;
mod kernel;
mod peers;
mod ringway;

use super::{ipc_channel, mqueue, shaq, sysv};
use crate::args::WorkKind::{self, Attach, Channels, Memory};
use crate::contestant::{Between, Card, Failure, Place, Waiting};
use crate::entry::{Entry, Kind};
use crate::making::{Maker, Word, maker};

/// Who has names and files.
const FILES: &[WorkKind] = &[Attach, Memory, Channels];
/// Who has names.
const NAMES: &[WorkKind] = &[Attach, Channels];
/// Who has neither.
const NEITHER: &[WorkKind] = &[Channels];

fn card(name: &'static str, version: &'static str, mode: &'static str, waiting: Waiting) -> Card {
    Card { name, version, mode, waiting, largest: 8, has_batches: false }
}

/// Two ends that do not wait for each other when they are made.
struct Plain<C>(C);

impl<C: Between> Maker for Plain<C> {
    type Member = ();
    type Sender = C::Sender<Word>;
    type Receiver = C::Receiver<Word>;

    fn member(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn sender(&self, (): &(), place: &Place) -> Result<Self::Sender, Failure> {
        self.0.sender(place)
    }

    fn receiver(&self, (): &(), place: &Place) -> Result<Self::Receiver, Failure> {
        self.0.receiver(place)
    }

    fn clean(&self, place: &Place) {
        self.0.clean(place);
    }
}

/// Everybody, in the order of the table.
pub fn entries() -> Vec<Entry> {
    let posix = card("POSIX message queue", "", "holds 1024, or msg_max (10) without privilege", Waiting::Sleeps);
    let system_v = card("System V message queue", "", "its number in a file", Waiting::Sleeps);
    let queue = card("shaq", "4.3.0", "default: the consumer sleeps, the producer polls", Waiting::Default);
    let typed = card("ipc-channel", "0.23.1", "default: typed, one-shot server", Waiting::Default);
    let mut entries = ringway::entries();
    entries.extend(kernel::entries());
    entries.push(maker(posix, Plain(mqueue::Queue), NAMES).kind(Kind::Kernel));
    entries.push(maker(system_v, Plain(sysv::Queue), NAMES).kind(Kind::Kernel));
    entries.push(maker(queue, Plain(shaq::Shaq::<false>), FILES));
    entries.push(maker(typed, Plain(ipc_channel::Typed), NAMES));
    entries.extend(peers::entries());
    entries.extend(iceoryx2::entries());
    #[cfg(feature = "aeron")]
    entries.extend(aeron::entries());
    entries.extend(broken::entries());
    entries
}
