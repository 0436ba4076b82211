//! What an observer finds of a many-to-many channel: who is attached, and what is in their hands.

use super::{MemberState, Segment, read};
use crate::channel::mpmc::tally::{Lanes, Words, tally};
use crate::layout::annex::AnnexWord;
use crate::layout::fields::Base;
use crate::layout::geometry::Geometry;
use crate::layout::lanes::WriterWords;
use crate::layout::shared::CLOSED;
use crate::layout::status::Status;
use crate::layout::tables::Tables;
use crate::membership::liveness::{Life, judge};
use crate::membership::member;
use crate::memory::view::View;
use crate::ring::lane::Own;
use crate::ring::mpmc::Owner;
use crate::ring::mpmc::word::{State, Word};
use crate::sys::process;
use std::io;
use std::mem::offset_of;

/// Tombstones are looked for at so many positions at most: a hostile file may say that it has 2^48.
const LOOKS_MAX: u64 = 1 << 20;
/// `receiver_went`, `sender_went`: the last one died.
const DIED: u64 = 2;

/// Who uses a many-to-many channel, and what of it is neither waiting nor done.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Many {
    /// Every process that is attached; and where a place is free again, the last one that was.
    pub members: Vec<Member>,
    /// Processes that can be attached at a time ([`Options::members`](crate::Options::members)).
    pub members_max: u64,
    /// Sending ends of all processes that are attached.
    pub senders: u64,
    /// Whether there are any, or what became of the last.
    pub sender_state: MemberState,
    /// Receiving ends of all processes that are attached.
    pub receivers: u64,
    /// Whether there are any, or what became of the last.
    pub receiver_state: MemberState,
    /// Messages in somebody's hand, or given back and not yet taken again.
    pub in_hand: u64,
    /// Messages that can be in hand at a time ([`Options::in_hand`](crate::Options::in_hand)).
    pub in_hand_max: u64,
    /// Records that are leased: by operations in flight, and by threads that keep one for their next.
    pub operations: u64,
    /// Operations that can be in flight at a time ([`Options::operations`](crate::Options::operations)).
    pub operations_max: u64,
    /// Lanes that hold a message of bytes, or that one comes through; 0 of a channel of messages of one type.
    pub lanes: u64,
    /// Lanes that there are ([`Options::lanes`](crate::Options::lanes), the short ones, and the
    /// [annexes](crate::Options::annexes) that there can be).
    pub lanes_max: u64,
    /// The same by kinds, and how much of their memory is in use; nothing of a channel of messages of one type.
    pub lane_classes: Vec<Lanes>,
    /// Positions in the ring that hold no message, as their senders died in the middle: not counted in
    /// [`depth`](Segment::depth).
    pub tombs: u64,
    /// Messages given up after too many deliveries.
    pub dropped: u64,
    /// Whether nothing may be sent any more.
    pub is_closed: bool,
}

/// A process that is attached to a many-to-many channel, or was the last in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Its place among the members.
    pub index: u64,
    /// Whether it is there.
    pub state: MemberState,
    /// Its pid, as it wrote it. For people to read.
    pub pid: u32,
    /// The command of that process, if it still runs.
    pub command: Option<String>,
    /// How many have had this place so far.
    pub generation: u32,
    /// Its sending ends; of one that died, those that it had.
    pub senders: u32,
    /// Its receiving ends.
    pub receivers: u32,
}

/// Fills in what is particular to many senders and many receivers.
pub(super) fn read(
    view: View<'_>,
    identity: (u64, u64),
    ring: &Geometry,
    tables: &Tables,
    segment: &mut Segment,
) -> io::Result<()> {
    let word = |name| read::word(view, Base::Shared, name);
    let (members, died) = members(view, identity, tables)?;
    let attached = |ends: fn(&Member) -> u32| -> u64 {
        members
            .iter()
            .filter(|member| member.state == MemberState::Attached)
            .map(|member| u64::from(ends(member)))
            .sum()
    };
    let (senders, receivers) = (attached(|member| member.senders), attached(|member| member.receivers));
    let sender_state = state(senders, died[0], word("had_sender")?, word("sender_went")?);
    let receiver_state = state(receivers, died[1], word("had_receiver")?, word("receiver_went")?);
    // The head first: what was received had been sent.
    let head = word("head")?;
    let tail = word("tail")?;
    let tombs = tombs(view, ring, head, (tail & !CLOSED).min(word("tombs")?))?;
    (segment.sent, segment.received) = (tail & !CLOSED, head);
    segment.depth = segment.sent.saturating_sub(head).min(ring.capacity).saturating_sub(tombs);
    segment.many = Some(Many {
        members,
        members_max: tables.members,
        senders,
        sender_state,
        receivers,
        receiver_state,
        in_hand: count(view, tables, Base::Hand, |[_, held]| held != 0)?,
        in_hand_max: tables.hands,
        operations: count(view, tables, Base::Record, |[owner, _]| Owner(owner).is_leased())?,
        operations_max: tables.records,
        lanes: count(view, tables, Base::Lane, |[own, _]| own & 0xff != 0)?,
        lanes_max: tables.lanes.count(),
        lane_classes: lane_classes(view, tables)?,
        tombs,
        dropped: word("dropped")?,
        is_closed: tail & CLOSED != 0,
    });
    Ok(())
}

/// The members that there are or were; and whether any of them died with senders, or receivers, and nobody has said so yet.
fn members(view: View<'_>, identity: (u64, u64), tables: &Tables) -> io::Result<(Vec<Member>, [bool; 2])> {
    let (mut members, mut died) = (Vec::new(), [false; 2]);
    for index in 0..tables.members {
        let at = Base::Member.entry(tables, index);
        let status = || read::u64_at(view, at).map(Status::loaded);
        let seen = status()?;
        if seen.is_new() {
            continue;
        }
        let byte = member::byte(index as usize);
        let life = judge(view.file(), identity, byte, seen, || status().unwrap_or(seen))?;
        // The status, and `started`; then two numbers in each.
        let [_, started, second, third] = read::u64s_at(view, at)?;
        let (pid, senders, receivers) = (second as u32, (second >> 32) as u32, third as u32);
        if life == Life::Died && !seen.has(Status::LEFT) {
            died = [died[0] || senders > 0, died[1] || receivers > 0];
        }
        members.push(Member {
            index,
            state: life.into(),
            pid,
            command: process::command(pid, started),
            generation: seen.generation(),
            senders,
            receivers,
        });
    }
    Ok((members, died))
}

/// Whether there are ends of a kind, or how the last one went.
fn state(ends: u64, has_died: bool, had: u64, went: u64) -> MemberState {
    match (ends, had) {
        (1.., _) => MemberState::Attached,
        (0, 0) => MemberState::Never,
        // Who died and was not found yet may not be the last, but is the last news.
        _ if has_died || went == DIED => MemberState::Died,
        _ => MemberState::Left,
    }
}

/// The positions from `head` on and below `end` that are tombstones.
fn tombs(view: View<'_>, ring: &Geometry, head: u64, end: u64) -> io::Result<u64> {
    let mut tombs = 0;
    for position in head..end.min(head.saturating_add(ring.capacity.min(LOOKS_MAX))) {
        let slot = position % ring.capacity;
        let word = Word(read::u64_at(view, read::word_offset(ring, slot))?);
        tombs += u64::from(word.at(position - slot) == State::Tomb);
    }
    Ok(tombs)
}

/// What the lanes are at.
fn lane_classes(view: View<'_>, tables: &Tables) -> io::Result<Vec<Lanes>> {
    tally(&tables.lanes, |lane| {
        let at = |offset| read::u64_at(view, Base::Lane.entry(tables, lane) + offset as u64);
        let (own, filled, annex) =
            (offset_of!(WriterWords, own), offset_of!(WriterWords, filled), offset_of!(WriterWords, annex));
        Ok(Words { own: Own(at(own)?), filled: at(filled)?, annex: AnnexWord(at(annex)?) })
    })
}

/// The entries of a table whose first two words are as wanted.
fn count(view: View<'_>, tables: &Tables, base: Base, is: impl Fn([u64; 2]) -> bool) -> io::Result<u64> {
    let mut found = 0;
    for index in 0..base.entries(tables) {
        found += u64::from(is(read::u64s_at(view, base.entry(tables, index))?));
    }
    Ok(found)
}
