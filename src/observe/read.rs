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
use crate::memory::segment::{GATE, observe, observe_twin};
use crate::memory::view::View;
use crate::sys::{byte_lock, process};
use std::os::fd::AsFd;

/// The segment at this place.
pub(super) fn segment(name: &str, place: &Place) -> Result<Segment, OpenError> {
    let failed = |source| SegmentError::Io { doing: "reading", path: place.path.clone(), source };
    let (file, seen) = observe(place)?;
    let header = read_header(file.as_fd(), &seen)?;
    let attached = observe_twin(place, (file.as_fd(), &seen), &header.estate())?;
    let view = View::new(file.as_fd(), attached.as_ref());
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
        system_v: header.system_v.and_then(|system_v| system_v.id),
        sender: None,
        receiver: None,
        many: None,
    };
    let read = match header.tables {
        None => ends(view, seen.file, &ring, &mut segment),
        Some(tables) => many::read(view, seen.file, &ring, &tables, &mut segment),
    };
    read.map_err(failed)?;
    Ok(segment)
}

/// What is particular to one sender and one receiver.
fn ends(view: View<'_>, identity: (u64, u64), ring: &Geometry, segment: &mut Segment) -> std::io::Result<()> {
    segment.sender = Some(end(view, identity, Role::Sender)?);
    segment.receiver = Some(end(view, identity, Role::Receiver)?);
    // The consumer first: what it has released had been sent.
    let (head, taken) = (word(view, Base::Consumer, "head")?, word(view, Base::Consumer, "taken")?);
    let tail = tail(view, ring, word(view, Base::Producer, "tail")?.max(head))?;
    (segment.sent, segment.received) = (tail, head);
    segment.depth = tail.saturating_sub(taken.max(head)).min(ring.capacity);
    Ok(())
}

fn end(view: View<'_>, identity: (u64, u64), role: Role) -> std::io::Result<End> {
    let (base, other) = match role {
        Role::Sender => (Base::Producer, Base::Consumer),
        Role::Receiver => (Base::Consumer, Base::Producer),
    };
    let status = || word(view, base, "status").map(Status);
    let seen = status()?;
    let life = judge(view.file(), identity, role.byte(), seen, || status().unwrap_or(seen))?;
    let pid = u32::try_from(word(view, base, "pid")?).unwrap_or(0);
    let started = word(view, base, "started")?;
    let is_armed = word(view, base, "armed")? != word(view, other, "bell")?;
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
pub(super) fn tail(view: View<'_>, ring: &Geometry, stored: u64) -> std::io::Result<u64> {
    let mut tail = stored;
    for _ in 0..=ring.frames {
        let frame = tail / ring.per;
        let word = u64_at(view, word_offset(ring, frame % ring.frames))?;
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
pub(super) fn u64_at(view: View<'_>, at: u64) -> std::io::Result<u64> {
    let mut word = [0; 8];
    view.read_at(&mut word, at)?;
    Ok(u64::from_le_bytes(word))
}

/// The words from this offset on; what lies behind the file's end is 0.
pub(super) fn u64s_at<const N: usize>(view: View<'_>, at: u64) -> std::io::Result<[u64; N]> {
    let mut bytes = vec![0; 8 * N];
    view.read_at(&mut bytes, at)?;
    let mut words =
        bytes.chunks_exact(8).map(|word| word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
    Ok(std::array::from_fn(|_| words.next().unwrap_or(0)))
}

/// The field of this name on one of the pages.
pub(super) fn word(view: View<'_>, base: Base, name: &str) -> std::io::Result<u64> {
    let field = fields::FIELDS.iter().find(|field| field.base == base && field.name == name);
    let (Some(field), Some(page)) = (field, base.page()) else {
        return Err(std::io::ErrorKind::InvalidInput.into());
    };
    debug_assert!(field.offset as u64 + 8 <= PAGE);
    let mut bytes = [0; 8];
    view.read_at(&mut bytes[..field.bytes.min(8)], page + field.offset as u64)?;
    Ok(u64::from_le_bytes(bytes))
}
