//! Holding a role.

use super::liveness::{self, Life};
use super::local;
use super::role::Role;
use crate::layout::control::EndLines;
use crate::layout::overlay::{Control, Ends};
use crate::layout::status::Status;
use crate::memory::error::SegmentError;
#[cfg(not(loom))]
use crate::memory::handed::Handed;
use crate::memory::segment::Attachment;
use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{ECHOED, STATUS};
use crate::sys::byte_lock::{self, Mode};
use crate::sys::fork::WipedWord;
use crate::sys::process;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

/// Where the kernel's word on a seat comes from.
#[derive(Debug)]
pub(crate) enum Hold {
    /// A segment's file; its life descriptor holds the role's byte.
    File(Attachment),
    /// A channel inside one process: its ends live and die together, and the status says it all.
    Process,
    /// What was handed over: a file of each end's, with its holder's lock. Nobody comes after either of them.
    #[cfg(not(loom))]
    Handed(Handed),
}

/// A role that is held. Dropping it is leaving.
#[derive(Debug)]
pub(crate) struct Seat {
    ends: Ends,
    role: Role,
    hold: Option<Hold>,
    /// The other end's word as it was digested last, as [`Status::known`] has it; 0 if the next look must take the slow
    /// path, and 0 in a forked child.
    known: WipedWord,
    status: Status,
}

/// Locks a role's byte, if nobody has it.
pub(crate) fn lock(life: BorrowedFd<'_>, role: Role) -> io::Result<bool> {
    byte_lock::try_lock(life, role.byte(), Mode::Exclusive)
}

impl Seat {
    /// Takes the role's seat. The caller has locked its byte, so nobody else writes the role's page.
    ///
    /// *If the process dies here*: before the status is stored nobody was here, and the next holder is told nothing;
    /// after it, one who was here died.
    pub(crate) fn join(control: Control, role: Role, hold: Hold, known: WipedWord, bits: u64) -> Self {
        if let Hold::File(attachment) = &hold {
            local::add(attachment.file(), role.byte(), known.mark());
        }
        let lines = role.lines(&control);
        let pid = process::id();
        lines.member.pid.store(pid, Relaxed); // relaxed: for people
        lines.member.started.store(process::started_here(), Relaxed); // relaxed: for people
        // Whoever slept here before sleeps no more. Relaxed: an old value costs a ring for nothing.
        let bell = role.other().lines(&control).ringing.bell.load(Relaxed);
        lines.presence.armed.store(bell, Relaxed); // relaxed: a stale ring is harmless
        // Relaxed: the role's lock ordered us behind whoever stored it.
        let status = Status(lines.presence.status.load(Relaxed)).succeeded(bits | Status::PRESENT);
        lines.presence.status.store(status.0, STATUS.release());
        Self { ends: Ends::new(control, role == Role::Sender), role, hold: Some(hold), known, status }
    }

    /// The lines that we write.
    #[inline(always)]
    pub(crate) fn own(&self) -> &EndLines {
        self.ends.own()
    }

    /// The lines that the other end writes.
    #[inline(always)]
    pub(crate) fn peer(&self) -> &EndLines {
        self.ends.peer()
    }

    pub(crate) fn control(&self) -> &Control {
        self.ends.control()
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Our own word, as we stored it.
    pub(crate) fn status(&self) -> Status {
        self.status
    }

    /// The other end's word.
    #[inline(always)]
    pub(crate) fn peer_status(&self) -> Status {
        Status::loaded(self.peer().presence.status.load(STATUS.acquire()))
    }

    /// Whether the other end's word is the one that was [noted](Self::note), and this is no forked child.
    #[inline(always)]
    pub(crate) fn is_undisturbed(&self) -> bool {
        // Relaxed: no word comes twice, and the noted one was acquired; any other is loaded again, and acquired, by who asks what it is.
        Status::fresh(self.peer().presence.status.load(Relaxed)) == self.known.get()
    }

    /// Opens the fast path for as long as the other end's word is `status`; `None` closes it. Whether it was not open like that.
    pub(crate) fn note(&mut self, status: Option<Status>) -> bool {
        let known = status.map_or(0, Status::known);
        let is_new = self.known.get() != known;
        if is_new {
            self.known.set(known);
        }
        is_new
    }

    /// Whether this is a forked child, in which this seat is nobody's.
    #[inline(always)]
    pub(crate) fn is_forked(&self) -> bool {
        self.known.mark().is_forked()
    }

    /// Says something else of ourselves.
    pub(crate) fn change(&mut self, bits: u64) {
        self.status = self.status.changed(bits);
        self.own().presence.status.store(self.status.0, STATUS.release());
    }

    /// Shows the other end which word of its we have read.
    pub(crate) fn echo(&self, seen: Status) {
        self.own().ringing.echo.store(seen.0, ECHOED.release());
    }

    /// Whether the other end has read our present word.
    pub(crate) fn is_echoed(&self) -> bool {
        // Relaxed: whoever sees the echo sleeps next, and the fence in front of its look acquires what `echo` released.
        self.peer().ringing.echo.load(Relaxed) == self.status.0
    }

    /// What became of the other end, of whom `status` speaks. Asks the kernel.
    pub(crate) fn judge_peer(&self, status: Status) -> Life {
        match &self.hold {
            Some(Hold::File(attachment)) => {
                let Ok(life) = attachment.life() else { return Life::Alive };
                // An error of fcntl says nothing about the peer; and who cannot be shown to be dead is alive.
                liveness::judge(life, attachment.file(), self.role.other().byte(), status, || self.peer_status())
                    .unwrap_or(Life::Alive)
            }
            #[cfg(not(loom))]
            Some(Hold::Handed(handed)) => {
                // Its word is what somebody else likes; where it says nothing of the end, the lock is asked, whoever was there.
                match liveness::by_word(status) {
                    Some(gone @ (Life::Left | Life::Died)) => gone,
                    _ if handed.is_held(self.role.other().byte()).unwrap_or(true) => Life::Alive,
                    _ if self.peer_status() == status => Life::Died,
                    _ => liveness::by_word(self.peer_status()).unwrap_or(Life::Alive),
                }
            }
            Some(Hold::Process) | None => liveness::by_word(status).unwrap_or(Life::Alive),
        }
    }

    /// Whether another can take the place of the other end's holder.
    pub(crate) fn can_be_succeeded(&self) -> bool {
        #[cfg(not(loom))]
        if matches!(&self.hold, Some(Hold::Handed(_))) {
            return false;
        }
        true
    }

    /// Whether the segment's memory is gone, and zeroes are in its place.
    pub(crate) fn is_lost(&self) -> bool {
        self.control().is_lost()
    }

    /// Whether our own word is not there any more: somebody has emptied the file.
    pub(crate) fn is_wiped(&self) -> bool {
        // Relaxed: we alone write it, and never 0.
        self.own().presence.status.load(Relaxed) == 0
    }

    /// Whether newcomers can still find this segment under its name.
    pub(crate) fn has_name(&self) -> bool {
        match &self.hold {
            Some(Hold::File(attachment)) => !attachment.is_unlinked(),
            _ => true,
        }
    }

    /// Whether the segment stays when nobody is attached any more.
    pub(crate) fn is_kept(&self) -> bool {
        matches!(&self.hold, Some(Hold::File(attachment)) if attachment.is_kept())
    }

    /// The file, for error messages.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match &self.hold {
            Some(Hold::File(attachment)) => attachment.path(),
            _ => None,
        }
    }

    /// A descriptor for another process to open the segment by.
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, SegmentError> {
        match &self.hold {
            Some(Hold::File(attachment)) => attachment.descriptor(),
            #[cfg(not(loom))]
            Some(Hold::Handed(_)) => Err(SegmentError::Unsupported {
                path: "memfd".into(),
                what: "a channel that was handed over is not passed on",
            }),
            Some(Hold::Process) | None => Err(SegmentError::Unsupported {
                path: "heap".into(),
                what: "a channel of the heap has no descriptor: make it in a memfd",
            }),
        }
    }

    /// Gives the role back. The caller has said LEFT, and rung.
    ///
    /// State first, lock last: whoever sees the byte free sees LEFT.
    pub(crate) fn leave(&mut self) {
        let Some(hold) = self.hold.take() else { return };
        if self.is_forked() {
            // The descriptor closes itself; the locks are our parent's and stay.
            return;
        }
        match hold {
            Hold::File(attachment) => {
                local::remove(attachment.file(), self.role.byte());
                if let Ok(life) = attachment.life() {
                    // A failure is mended by the closing of the descriptor.
                    let _ = byte_lock::unlock(life, self.role.byte());
                }
                attachment.leave();
            }
            Hold::Process => {}
            #[cfg(not(loom))]
            Hold::Handed(handed) => handed.leave(self.role.byte()),
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.leave();
    }
}
