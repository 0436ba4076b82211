//! The members of a many-to-many segment: one for each attachment, a lock byte each.
//!
//! A member's entry says what a role's page says of its holder (see the module above): PRESENT is stored last on joining,
//! LEFT first on leaving, and PRESENT with a free byte means died. Whoever finds somebody dead says so in the entry (LEFT
//! and BROKEN), for all to see, after it has marked what the dead one left.

use super::liveness::{self, Life};
use super::local;
use super::role::Role;
use super::seat::Hold;
use crate::layout::many::Many;
use crate::layout::shared::MemberEntry;
use crate::layout::status::Status;
use crate::memory::annex::Annexes;
use crate::memory::error::SegmentError;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{PRESENCE, STATUS};
use crate::sys::byte_lock::{self, Byte, Mode};
use crate::sys::fork::Mark;
use crate::sys::process;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The lock byte of member 0.
const FIRST: u32 = 64;

/// The lock byte of a member. (The bytes below are the gate, the roles of one-to-one channels, and reserved.)
pub(crate) fn byte(index: usize) -> Byte {
    Byte(FIRST.saturating_add(u32::try_from(index).unwrap_or(u32::MAX)))
}

/// Locks a member's byte, if nobody has it.
pub(crate) fn lock(life: BorrowedFd<'_>, index: usize) -> io::Result<bool> {
    byte_lock::try_lock(life, byte(index), Mode::Exclusive)
}

/// Locks the byte of a member that is nobody's: one that nobody was or that has left, or else one who died. `None`: all are
/// taken.
pub(crate) fn lock_any<T>(many: &Many<T>, life: BorrowedFd<'_>) -> io::Result<Option<usize>> {
    for wants_dead in [false, true] {
        for index in 0..many.tables.members as usize {
            let status = status(many, index);
            let is_present = status.has(Status::PRESENT) && !status.has(Status::LEFT);
            if is_present == wants_dead && lock(life, index)? {
                return Ok(Some(index));
            }
        }
    }
    Ok(None)
}

/// What a member's entry says of it.
pub(crate) fn status<T>(many: &Many<T>, index: usize) -> Status {
    Status::loaded(many.member(index).status.load(STATUS.acquire()))
}

/// The ends that a member's entry counts.
fn ends(entry: &MemberEntry, role: Role) -> &crate::sync::AtomicU32 {
    match role {
        Role::Sender => &entry.senders,
        Role::Receiver => &entry.receivers,
    }
}

/// The ends of this kind, of all members that are here or of whose death nobody knows yet.
///
/// It is true of an instant if nobody came or went meanwhile: the caller compares epochs.
pub(crate) fn count<T>(many: &Many<T>, role: Role) -> usize {
    let here = |&index: &usize| liveness::by_word(status(many, index)).is_none();
    // Who sees the last end gone sees what it sent, also if the epoch that tells of it is not seen yet.
    let ends = |index| ends(many.member(index), role).load(PRESENCE.acquire()) as usize;
    (0..many.tables.members as usize).filter(here).map(ends).sum()
}

/// A place that is held. Dropping it is leaving.
#[derive(Debug)]
pub(crate) struct Member {
    index: usize,
    status: Status,
    hold: Option<Hold>,
    mark: Mark,
}

impl Member {
    /// Takes the place. The caller has locked its byte, and what a dead predecessor left is marked.
    ///
    /// *If the process dies here*: before the status is stored nobody was here; after it, one who was here died.
    pub(crate) fn join<T>(many: &Many<T>, index: usize, hold: Hold, mark: Mark) -> Self {
        if let Hold::File(attachment) = &hold {
            local::add(attachment.file(), byte(index), mark);
        }
        let entry = many.member(index);
        let pid = process::id();
        entry.pid.store(pid, Relaxed); // relaxed: for people
        entry.started.store(process::started_here(), Relaxed); // relaxed: for people
        // Relaxed, both: the status is stored behind them.
        entry.senders.store(0, Relaxed);
        entry.receivers.store(0, Relaxed); // relaxed: as above
        // Relaxed: the byte's lock ordered us behind whoever stored it.
        let status = Status(entry.status.load(Relaxed)).succeeded(Status::PRESENT);
        entry.status.store(status.0, STATUS.release());
        Self { index, status, hold: Some(hold), mark }
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    pub(crate) fn generation(&self) -> u32 {
        self.status.generation()
    }

    /// Whether this is a forked child, in which this place is nobody's.
    #[inline(always)]
    pub(crate) fn is_forked(&self) -> bool {
        self.mark.is_forked()
    }

    /// One more end; whether it is the first of its kind here.
    pub(crate) fn add<T>(&self, many: &Many<T>, role: Role) -> bool {
        ends(many.member(self.index), role).fetch_add(1, Relaxed) == 0 // relaxed: the epoch carries it
    }

    /// One end less; whether it was the last of its kind here.
    pub(crate) fn remove<T>(&self, many: &Many<T>, role: Role) -> bool {
        ends(many.member(self.index), role).fetch_sub(1, PRESENCE.release()) == 1
    }

    /// The word of another member if it is dead and nobody has said so yet. Asks the kernel.
    pub(crate) fn find_dead<T>(&self, many: &Many<T>, index: usize) -> Option<Status> {
        let Some(Hold::File(attachment)) = &self.hold else { return None };
        let seen = status(many, index);
        if index == self.index || liveness::by_word(seen).is_some() {
            return None;
        }
        let life = attachment.life().ok()?;
        // An error of fcntl says nothing about the member; and who cannot be shown to be dead is alive.
        let judged = liveness::judge(life, attachment.file(), byte(index), seen, || status(many, index)).ok()?;
        (judged == Life::Died).then_some(seen)
    }

    /// Whether this member is alive in the life of this generation. Asks the kernel, unless the entry decides.
    pub(crate) fn is_alive<T>(&self, many: &Many<T>, index: usize, generation: u32) -> bool {
        if index == self.index {
            return generation == self.generation();
        }
        if index as u64 >= many.tables.members {
            return false;
        }
        let seen = status(many, index);
        let is_here = liveness::by_word(seen).is_none() && seen.generation() == generation;
        is_here && self.find_dead(many, index) != Some(seen)
    }

    /// Says of a member that it died; whether we were the first.
    pub(crate) fn declare_dead<T>(many: &Many<T>, index: usize, seen: Status) -> bool {
        let dead = seen.changed(Status::LEFT | Status::BROKEN);
        // Relaxed in failure: somebody else has said so.
        many.member(index).status.compare_exchange(seen.0, dead.0, STATUS.release(), Relaxed).is_ok()
    }

    /// Whether our own word is not there any more: somebody has emptied the file.
    pub(crate) fn is_wiped<T>(&self, many: &Many<T>) -> bool {
        // Relaxed: whoever writes it, it is never 0 again.
        many.member(self.index).status.load(Relaxed) == 0
    }

    /// Whether newcomers can still find this segment under its name.
    pub(crate) fn has_name(&self) -> bool {
        !matches!(&self.hold, Some(Hold::File(attachment)) if attachment.is_unlinked())
    }

    /// Whether the segment outlives those who are attached.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(&self.hold, Some(Hold::File(attachment)) if attachment.is_kept())
    }

    /// The segment's file.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match &self.hold {
            Some(Hold::File(attachment)) => attachment.path(),
            _ => None,
        }
    }

    /// The files beside the segment; `None` if it has none.
    pub(crate) fn annexes(&self, instance: &[u8; 16]) -> Option<Annexes> {
        match &self.hold {
            Some(Hold::File(attachment)) => attachment.annexes(instance),
            _ => None,
        }
    }

    /// A descriptor for another process to open the segment by.
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, SegmentError> {
        match &self.hold {
            Some(Hold::File(attachment)) => attachment.descriptor(),
            _ => Err(SegmentError::Unsupported {
                path: "heap".into(),
                what: "a channel of the heap has no descriptor: make it in a memfd",
            }),
        }
    }

    /// Says that we leave. State first, lock last: whoever sees the byte free sees LEFT.
    pub(crate) fn say_left<T>(&mut self, many: &Many<T>) {
        self.status = self.status.changed(Status::LEFT);
        many.member(self.index).status.store(self.status.0, STATUS.release());
    }

    /// Gives the place back. The caller has said LEFT, and rung.
    pub(crate) fn leave(&mut self) {
        let Some(hold) = self.hold.take() else { return };
        if self.is_forked() {
            // The descriptor closes itself; the locks are our parent's and stay.
            return;
        }
        if let Hold::File(attachment) = hold {
            local::remove(attachment.file(), byte(self.index));
            if let Ok(life) = attachment.life() {
                // A failure is mended by the closing of the descriptor.
                let _ = byte_lock::unlock(life, byte(self.index));
            }
            attachment.leave();
        }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.leave();
    }
}
