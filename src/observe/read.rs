//! Reading a segment through a read-only descriptor.

use super::{End, MemberState, Segment, many};
use crate::channel::error::OpenError;
use crate::channel::open::read_header;
use crate::layout::fields::{self, Base};
use crate::layout::geometry::{Geometry, PAGE, Placement, WORD_STRIDE};
use crate::layout::status::Status;
use crate::membership::liveness::{Life, judge};
use crate::membership::role::Role;
use crate::memory::error::SegmentError;
use crate::memory::name::Place;
use crate::memory::segment::{GATE, observe};
use crate::sys::{byte_lock, file, process};
use std::os::fd::{AsFd, BorrowedFd};

/// The segment at this place.
pub(super) fn segment(name: &str, place: &Place) -> Result<Segment, OpenError> {
    let failed = |source| SegmentError::Io { doing: "reading", path: place.path.clone(), source };
    let (file, seen) = observe(place)?;
    let header = read_header(file.as_fd(), &seen)?;
    let ring = header.geometry;
    let is_in_use = byte_lock::is_held_by_another(file.as_fd(), GATE).map_err(failed)?;
    let mut segment = Segment {
        name: name.to_owned(),
        path: place.path.clone(),
        kind: header.kind,
        instance: header.instance,
        message: header.message,
        capacity: ring.capacity,
        placement: ring.placement,
        frames: ring.frames,
        per_frame: ring.per,
        frame_bytes: ring.frame_bytes,
        total_bytes: ring.total,
        sent: 0,
        received: 0,
        depth: 0,
        is_in_use,
        is_persistent: header.estate().is_kept().map_err(failed)?,
        sender: None,
        receiver: None,
        many: None,
    };
    let read = match header.tables {
        None => ends(file.as_fd(), seen.file, &ring, &mut segment),
        Some(tables) => many::read(file.as_fd(), seen.file, &ring, &tables, &mut segment),
    };
    read.map_err(failed)?;
    Ok(segment)
}

/// What is particular to one sender and one receiver.
fn ends(file: BorrowedFd<'_>, identity: (u64, u64), ring: &Geometry, segment: &mut Segment) -> std::io::Result<()> {
    segment.sender = Some(end(file, identity, Role::Sender)?);
    segment.receiver = Some(end(file, identity, Role::Receiver)?);
    // The consumer first: what it has released had been sent.
    let (head, taken) = (word(file, Base::Consumer, "head")?, word(file, Base::Consumer, "taken")?);
    let tail = tail(file, ring, word(file, Base::Producer, "tail")?.max(head))?;
    (segment.sent, segment.received) = (tail, head);
    segment.depth = tail.saturating_sub(taken.max(head)).min(ring.capacity);
    Ok(())
}

fn end(file: BorrowedFd<'_>, identity: (u64, u64), role: Role) -> std::io::Result<End> {
    let (base, other) = match role {
        Role::Sender => (Base::Producer, Base::Consumer),
        Role::Receiver => (Base::Consumer, Base::Producer),
    };
    let status = || word(file, base, "status").map(Status);
    let seen = status()?;
    let life = judge(file, identity, role.byte(), seen, || status().unwrap_or(seen))?;
    let pid = u32::try_from(word(file, base, "pid")?).unwrap_or(0);
    let started = word(file, base, "started")?;
    let is_armed = word(file, base, "armed")? != word(file, other, "bell")?;
    let is_attached = life == Life::Alive;
    Ok(End {
        state: life.into(),
        pid,
        command: process::command(pid, started),
        generation: seen.generation(),
        is_asleep: is_attached && is_armed,
        is_quiet: is_attached && seen.has(Status::QUIET),
        is_mute: is_attached && seen.has(Status::MUTE),
    })
}

impl From<Life> for MemberState {
    fn from(life: Life) -> Self {
        match life {
            Life::Nobody => Self::Never,
            Life::Alive => Self::Attached,
            Life::Left => Self::Left,
            Life::Died => Self::Died,
        }
    }
}

/// The tail: from the stored one through the words.
pub(super) fn tail(file: BorrowedFd<'_>, ring: &Geometry, stored: u64) -> std::io::Result<u64> {
    let mut tail = stored;
    for _ in 0..=ring.frames {
        let frame = tail / ring.per;
        let word = u64_at(file, word_offset(ring, frame % ring.frames))?;
        if word <= tail || word > (frame + 1).saturating_mul(ring.per) {
            break;
        }
        tail = word;
        if tail % ring.per != 0 {
            break;
        }
    }
    Ok(tail)
}

/// Where the word of a physical frame lies.
pub(super) fn word_offset(ring: &Geometry, frame: u64) -> u64 {
    let stride = match ring.placement {
        Placement::Inline => ring.frame_bytes,
        Placement::Table => WORD_STRIDE,
    };
    ring.frames_offset + frame * stride
}

/// The word at this offset; what lies behind the file's end is 0.
pub(super) fn u64_at(file: BorrowedFd<'_>, at: u64) -> std::io::Result<u64> {
    let mut word = [0; 8];
    file::read_at(file, &mut word, at)?;
    Ok(u64::from_le_bytes(word))
}

/// The words from this offset on; what lies behind the file's end is 0.
pub(super) fn u64s_at<const N: usize>(file: BorrowedFd<'_>, at: u64) -> std::io::Result<[u64; N]> {
    let mut bytes = vec![0; 8 * N];
    file::read_at(file, &mut bytes, at)?;
    let mut words =
        bytes.chunks_exact(8).map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    Ok(std::array::from_fn(|_| words.next().unwrap_or(0)))
}

/// The field of this name on one of the pages.
pub(super) fn word(file: BorrowedFd<'_>, base: Base, name: &str) -> std::io::Result<u64> {
    let field = fields::FIELDS.iter().find(|field| field.base == base && field.name == name);
    let (Some(field), Some(page)) = (field, base.page()) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    debug_assert!(field.offset as u64 + 8 <= PAGE);
    let mut bytes = [0; 8];
    file::read_at(file, &mut bytes[..field.bytes.min(8)], page + field.offset as u64)?;
    Ok(u64::from_le_bytes(bytes))
}
