//! The victim recovers a lane that one has left who is dead; a third one does what it leaves undone.

use super::bytes_pair::message;
use super::lanes_group::{Came, Group, LANE, LONG};
use super::lanes_words::{HEAD, HELD, OWN, Phase, SLOTS, TAIL, Words};
use super::mpmc_corpse::Corpse;
use super::puppet::{Puppet, act};
use super::stage::{Entry, Fate, NAME, Place, Points, Progress, Scene};
use ringway::Options;
use ringway::bytes::TryRecvError;
use ringway::bytes::mpmc::{Receiver, Sender};
use std::io::Write;

/// What is left to be recovered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// A sender's lane, of which nobody was told.
    Writing,
    /// The message is in it, and its ticket is not sent.
    Whole,
    /// The ticket's place is claimed.
    Claimed,
    /// The ticket is sent, and the lane still its sender's.
    Sent,
    /// The beginning of a long message, whose ticket is sent.
    Offered,
    /// The same, and the survivor is reading it.
    Flowing,
    /// The survivor has received a long message, and its sender has not freed the lane.
    Done,
    /// A receiver's claim of a ticket.
    Taken,
    /// A ticket in a hand.
    Hand,
    /// The same, and its message is being read.
    Reading,
    /// A hand with a ticket of a message that is done.
    Stale,
    /// A long message in the middle, whose sender lives: it is not recovered by anybody but told of.
    Half,
    /// The same, and its sender has given it up.
    Cut,
}

/// Who recovers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Recv,
    RecvRef,
    /// By looking for a lane: there is one alone.
    Send,
    /// The dead one is buried, and what it left is marked.
    Asking,
}

#[derive(Debug)]
struct Recovery {
    left: Left,
    by: By,
    corpse: Corpse,
}

/// The dead one's message, the victim's, and one that is there for the victim.
const LEFT: usize = 150;
const SENT: usize = 160;
const BEHIND: usize = 50;

/// The scenes of those who recover lanes.
pub(crate) fn scenes() -> Vec<Entry> {
    use Left::{Claimed, Cut, Done, Flowing, Hand, Half, Offered, Reading, Sent, Stale, Taken, Whole, Writing};
    let on = |left, by| {
        // Of the words that are looked at, it changes so many before.
        let before = match left {
            Left::Whole => 1,
            _ => 0,
        };
        Entry::new(Recovery { left, by, corpse: Corpse::after(before) })
    };
    let senders = [Writing, Whole, Claimed, Sent, Offered];
    let asking = [Writing, Whole, Sent, Offered, Flowing, Done].map(|left| on(left, By::Asking));
    let sending = [Writing, Whole, Claimed, Offered, Done].map(|left| on(left, By::Send));
    let receiving = [Claimed, Sent, Offered].map(|left| on(left, By::RecvRef));
    let _ = senders;
    let of_receivers = [Taken, Hand, Reading, Stale, Half, Cut].map(|left| on(left, By::RecvRef));
    let by_copy = [Taken, Reading, Half].map(|left| on(left, By::Recv));
    asking.into_iter().chain(sending).chain(receiving).chain(of_receivers).chain(by_copy).collect()
}

impl Recovery {
    /// One lane where its want is what makes somebody look.
    fn lanes(&self) -> usize {
        if self.by == By::Send { 1 } else { 2 }
    }

    fn options(&self, place: &Place) -> Options {
        place.lanes().lanes(self.lanes(), LANE)
    }

    fn was_sender(&self) -> bool {
        use Left::{Claimed, Done, Flowing, Offered, Sent, Whole, Writing};
        matches!(self.left, Writing | Whole | Claimed | Sent | Offered | Flowing | Done)
    }

    /// Whether the dead one stood still and was killed then, and not in the middle of a call.
    fn stood_still(&self) -> bool {
        matches!(self.left, Left::Offered | Left::Flowing | Left::Done | Left::Half | Left::Cut)
    }

    fn words(&self) -> &'static [u64] {
        match self.left {
            Left::Writing | Left::Whole | Left::Reading => &OWN,
            Left::Claimed => &[TAIL],
            Left::Sent => &SLOTS,
            Left::Taken => &[HEAD],
            Left::Hand | Left::Stale => &HELD,
            _ => &[],
        }
    }
}
