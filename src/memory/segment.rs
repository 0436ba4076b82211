//! The life of a segment's file: complete before it has a name, gone with its last user unless it is persistent, never
//! removed from under one.
//!
//! # The gate
//!
//! Lock byte 0, the *gate*, is held shared by everybody who is attached, from before they believe anything of the file
//! until after their last word to it. Held alone it means "nobody is attached", and only who holds it alone takes the
//! name away. So a live segment is never removed, and a segment whose users were all killed can be told at once.
//!
//! * **create**: a file without a name; room reserved; every byte written; gate (and the creator's role) locked; then
//!   `linkat`. A creator that dies earlier leaves nothing, one that dies later a complete segment with a free gate.
//! * **open**: gate alone? then nobody is there, what we found is stale and its name goes (unless it is persistent, see
//!   below). Gate shared? then, under the lock, check that the name still is this file's.
//! * **leave**: gate from shared to alone; if that fails, give it back and try alone once more (of two that leave at
//!   once one succeeds); whoever has it alone takes the name away. A process that is killed does none of this, and the
//!   next opener or `clean` does it.
//!
//! The locked description is never mapped: a mapping would keep the lock after the descriptor is closed.
//!
//! # Persistent segments
//!
//! The header says whether a segment ends with its last user or is kept ([`Stale`]), and a header never changes. Of one
//! that is kept **nobody takes the name away who was not asked to remove it**: its last user leaves the gate and nothing
//! else, its next one takes the gate shared whether it was free or not, and `clean` passes by. So what was committed is lost
//! only to [`remove_if_unused`], and that takes it from nobody who is there:
//!
//! * *The remover is first* (it has the gate alone): who opens meanwhile gets no shared lock, or gets it when the name is
//!   gone, and finds that under the lock. It has stored nothing yet, closes, and looks anew at what the name means. A remover
//!   that is killed before the unlink frees the gate, and nothing has happened.
//! * *The opener is first*: the remover does not get the gate alone, and reports a segment in use.
//! * *Two come at once to a segment without users*: both hold the gate shared; neither asks for it alone.
//! * *The last one goes while the next one comes*: in whatever order, the name stays.
//! * *Its creator is killed*: before the name there is nothing; behind it there is a complete, empty, persistent segment.
//! * *Its creator cannot go on* behind the name (no descriptor, no memory): [`Attachment::abandon`], under the gate held
//!   alone, and only if nobody ever had a role.
//!
//! What is in it does not depend on anybody's being alive: an end takes over from a dead or departed predecessor by the
//! words of the two control pages and the frames, which is the same whether the other end is there or went long ago. A
//! reboot empties a tmpfs, and persistent segments go with it.
//!
//! Source: the protocol was stress-tested in C with kills before it was written here; PostgreSQL's `dsm_impl.c`
//! reserves room up front for the same reason.

#[cfg(not(loom))]
use super::Region;
use super::annex::{Annexes, Kin};
use super::cords::Queues;
use super::error::SegmentError;
#[cfg(not(loom))]
use super::mapping::Mapping;
use super::name::Place;
use super::system_v::{self, Found, SystemV, Twin};
use super::view::View;
use crate::sys::boot;
use crate::sys::byte_lock::{self, Byte, Mode};
use crate::sys::clock;
use crate::sys::file::{self, Access, Identity, Keeper};
use crate::sys::fork::LifeDescriptor;
use crate::sys::patience::Patience;
use crate::sys::sysv::Attached;
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// Held shared by everybody who is attached.
pub(crate) const GATE: Byte = Byte(0);

/// How long a busy gate is waited for. A cleaner holds it for a few system calls.
const GATE_WAIT_NS: u64 = 5_000_000_000;

/// What becomes of a segment that nobody holds. The header says it, and does not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stale {
    /// It is ephemeral: without users it is nothing.
    Remove,
    /// It is persistent: what is in it is for whoever comes next.
    Keep,
}

/// What has to be known of a segment to remove it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Estate {
    pub(crate) stale: Stale,
    /// Which instance it is, if it can have annexes.
    pub(crate) annexes: Option<[u8; 16]>,
    /// The message queues of its sleepers, if they have some.
    pub(crate) queues: Option<Queues>,
    /// The run of the kernel that it belongs to, if its file could outlive it; else zeroes.
    pub(crate) boot: [u8; 16],
    /// Where its bytes are, if they are not in its file.
    pub(crate) system_v: Option<Twin>,
}

/// What a new segment begins with: bytes, and where they belong; and what becomes of it.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) written: Vec<(u64, Vec<u8>)>,
    pub(crate) estate: Estate,
}

impl Estate {
    /// The same, as it is in this run of the kernel: what an earlier one has left is stale.
    fn now(self) -> io::Result<Self> {
        let is_left_over = self.boot != [0; 16] && self.boot != boot::id()?;
        Ok(Self { stale: if is_left_over { Stale::Remove } else { self.stale }, ..self })
    }

    /// Whether it stays when nobody is attached any more.
    pub(crate) fn is_kept(self) -> io::Result<bool> {
        Ok(self.now()?.stale == Stale::Keep)
    }

    /// What is where the bytes should be.
    fn look(&self, path: &Path) -> Result<Found, SegmentError> {
        let Some(twin) = &self.system_v else { return Ok(Found::There) };
        twin.must_be_of_this_namespace(path)?;
        twin.look(path)
    }
}

/// The right to be at a segment: while this lives, nobody takes the segment's name away.
#[derive(Debug)]
pub(crate) struct Attachment {
    life: LifeDescriptor,
    place: Place,
    file: (u64, u64),
    len: u64,
    /// Looked at when somebody comes or goes: not to be carried along with every handle.
    estate: Box<Estate>,
}

/// Creates the segment's file: what the draft says where it says, zeroes everywhere else, `len` bytes in all.
///
/// `draft` gets where the bytes are, if that is not in the file, as far as it is known when it is asked. `before_name` gets the life
/// descriptor while nobody else can see the file: the place to lock a role.
pub(crate) fn create(
    place: &Place,
    mode: u32,
    len: u64,
    draft: impl Fn(Option<SystemV>) -> Draft,
    before_name: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
) -> Result<Attachment, SegmentError> {
    if place.is_system_v() {
        return system_v::create(place, mode, len, draft, before_name);
    }
    let failed = |doing| move |source| SegmentError::Io { doing, path: place.path.clone(), source };
    let file = place.create(mode, len)?;
    let Draft { written, estate } = draft(None);
    write(file.as_fd(), &written).map_err(failed("writing"))?;
    let seen = file::identity(file.as_fd()).map_err(failed("examining"))?;
    let attachment = Attachment::new(file, place, &seen, estate);
    let life = attachment.life()?;
    byte_lock::try_lock(life, GATE, Mode::Shared).map_err(failed("locking"))?;
    before_name(life).map_err(failed("locking"))?;
    match place.publish(life) {
        Ok(()) => Ok(attachment),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(SegmentError::AlreadyExists { path: place.path.clone() })
        }
        Err(error) => Err(failed("naming")(error)),
    }
}

/// Writes to a file that nobody else can reach yet.
fn write(file: BorrowedFd<'_>, written: &[(u64, Vec<u8>)]) -> io::Result<()> {
    let write_all = || written.iter().try_for_each(|(at, bytes)| file::write_at(file, bytes, *at));
    match file::keeper(file)? {
        #[cfg(not(loom))]
        Keeper::HugePages(_) => {
            // Through another description: a mapping would keep the locks of this one.
            let again = file::reopen(file, Access::ReadWrite)?;
            let end = written.iter().map(|(at, bytes)| *at as usize + bytes.len()).max().unwrap_or(0);
            let mapping = Mapping::new(again.as_fd(), end)?;
            written.iter().for_each(|(at, bytes)| mapping.put(*at as usize, bytes));
            Ok(())
        }
        // A machine that crashes must not leave a name of which nobody can tell what it was.
        Keeper::Disk => write_all().and_then(|()| file::flush(file)),
        _ => write_all(),
    }
}

/// Attaches to the segment under the name; `NotFound` if there is none, or only a stale one, which is removed. To one
/// that is [kept](Stale::Keep) it attaches whether or not anybody else is there.
///
/// `read` gets the open file and must believe nothing that it has not checked: it says what it found, and what becomes
/// of the segment if nobody is attached. Its error leaves the file untouched.
pub(crate) fn open<H, E: From<SegmentError>>(
    place: &Place,
    read: impl Fn(BorrowedFd<'_>, &Identity) -> Result<(H, Estate), E>,
) -> Result<(Attachment, H), E> {
    let failed = |doing| move |source| SegmentError::Io { doing, path: place.path.clone(), source };
    let mut patience = Patience::default();
    let give_up = clock::now_ns() + GATE_WAIT_NS;
    loop {
        let (file, seen) = place.open(Access::ReadWrite)?;
        let (header, estate) = read(file.as_fd(), &seen)?;
        let estate = estate.now().map_err(failed("finding the boot id for"))?;
        let attachment = Attachment::new(file, place, &seen, estate);
        let life = attachment.life()?;
        let found = estate.look(&place.path)?;
        if (estate.stale == Stale::Remove || found == Found::Gone)
            && byte_lock::try_lock(life, GATE, Mode::Exclusive).map_err(failed("locking"))?
        {
            attachment.remove_name_alone()?;
            return Err(SegmentError::NotFound { path: place.path.clone() }.into());
        }
        if byte_lock::try_lock(life, GATE, Mode::Shared).map_err(failed("locking"))? && attachment.has_name() {
            let attached = estate.system_v.map(|twin| twin.attach(&place.path, Access::Read));
            if let Some(Err(error)) = attached {
                // Others may have gone meanwhile, and left the rest to us.
                attachment.leave();
                return Err(error.into());
            }
            return Ok((attachment, header));
        }
        // Somebody is removing it, or has: let go, and see what the name means then.
        drop(attachment);
        if clock::now_ns() > give_up {
            return Err(SegmentError::TimedOut { path: place.path.clone() }.into());
        }
        patience.wait();
    }
}

/// What became of a segment that was to be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Removal {
    /// It is gone.
    Removed,
    /// Somebody is attached.
    InUse,
    /// It is persistent, and only others were to be removed.
    Kept,
}

/// Removes the segment under the name if nobody is attached, and if it is [kept](Stale::Keep) only `even_kept`.
///
/// `read` checks the file as in [`open`]: what is not a segment is never removed.
pub(crate) fn remove_if_unused<E: From<SegmentError>>(
    place: &Place,
    even_kept: bool,
    read: impl Fn(BorrowedFd<'_>, &Identity) -> Result<Estate, E>,
) -> Result<Removal, E> {
    // Of what is no segment nothing is opened for writing: an overlay would copy it.
    let (file, seen) = place.open(Access::Read)?;
    read(file.as_fd(), &seen)?;
    let (file, seen) = place.open(Access::ReadWrite)?;
    let failed = |doing| move |source| SegmentError::Io { doing, path: place.path.clone(), source };
    let estate = read(file.as_fd(), &seen)?.now().map_err(failed("finding the boot id for"))?;
    if estate.stale == Stale::Keep && !even_kept && estate.look(&place.path)? != Found::Gone {
        return Ok(Removal::Kept);
    }
    let mut attachment = Attachment::new(file, place, &seen, estate);
    let alone = byte_lock::try_lock(attachment.life()?, GATE, Mode::Exclusive).map_err(failed("locking"))?;
    if !alone {
        return Ok(Removal::InUse);
    }
    if estate.system_v.is_some() {
        if !attachment.has_name() {
            // Its maker has given it another one since we opened it, and it is what it was made for.
            return Err(SegmentError::NotFound { path: place.path.clone() }.into());
        }
        // Until now its maker may have gone on, to another key or a number.
        attachment.settle(read(attachment.life()?, &seen)?.now().map_err(failed("finding the boot id for"))?);
        // Of another IPC namespace nothing could be removed but the name.
        attachment.estate.look(&place.path)?;
    }
    Ok(if attachment.remove_name_alone()? { Removal::Removed } else { Removal::InUse })
}

/// Removes what creators have left of this name who were killed in the middle, if it is to lie in a System V segment. (Of others
/// nothing is left.)
pub(crate) fn sweep<E: From<SegmentError>>(
    place: &Place,
    read: impl Fn(BorrowedFd<'_>, &Identity) -> Result<Estate, E>,
) {
    let name = place.path.file_name().and_then(OsStr::to_str).filter(|_| place.is_system_v());
    // A failure leaves it for `clean`.
    let found = name.and_then(|name| system_v::intents(Some(&place.directory), Some(name)).ok());
    for (_, intent) in found.into_iter().flatten() {
        let _ = remove_if_unused(&intent, true, &read);
    }
}

/// Opens the file under the name for looking only; takes no lock.
pub(crate) fn observe(place: &Place) -> Result<(OwnedFd, Identity), SegmentError> {
    place.open(Access::Read)
}

/// Attaches what an [observed](observe) file has in a System V segment, for looking only. `NotFound` if somebody is removing it.
pub(crate) fn observe_twin(
    place: &Place,
    (file, seen): (BorrowedFd<'_>, &Identity),
    estate: &Estate,
) -> Result<Option<Attached>, SegmentError> {
    let Some(twin) = &estate.system_v else { return Ok(None) };
    twin.must_be_of_this_namespace(&place.path)?;
    match twin.attach(&place.path, Access::Read) {
        // In this order: who has the gate alone gives it back when the name is gone.
        Err(SegmentError::Removed { path, .. })
            if byte_lock::is_held_alone_by_another(file, GATE).unwrap_or(false) || !place.has_name(seen.file) =>
        {
            Err(SegmentError::NotFound { path })
        }
        attached => attached.map(Some),
    }
}

impl Attachment {
    pub(super) fn new(file: OwnedFd, place: &Place, seen: &Identity, estate: Estate) -> Self {
        Self {
            life: LifeDescriptor::new(file),
            place: place.clone(),
            file: seen.file,
            len: seen.len,
            estate: Box::new(estate),
        }
    }

    /// Notes what the header says by now, which nobody else has seen before.
    pub(super) fn settle(&mut self, estate: Estate) {
        *self.estate = estate;
    }

    /// Where the bytes are, if they are not in the file.
    pub(crate) fn system_v(&self) -> Option<SystemV> {
        self.estate.system_v.map(|twin| twin.at)
    }

    /// Whether the segment stays when nobody is attached any more.
    pub(crate) fn is_kept(&self) -> bool {
        self.estate.stale == Stale::Keep
    }

    /// The descriptor that holds this attachment's locks.
    pub(crate) fn life(&self) -> Result<BorrowedFd<'_>, SegmentError> {
        self.life.get().ok_or(SegmentError::Forked)
    }

    /// The segment's file, if it has a name.
    pub(crate) fn path(&self) -> Option<&Path> {
        (!self.place.is_memfd()).then_some(&self.place.path)
    }

    /// The files beside the segment, of this instance.
    pub(crate) fn annexes(&self, instance: &[u8; 16]) -> Option<Annexes> {
        Annexes::of(&self.place, instance, Kin::of(self.file.0))
    }

    /// A descriptor by which another process can open a segment that has no name: of a description that holds no lock.
    pub(crate) fn descriptor(&self) -> Result<OwnedFd, SegmentError> {
        let path = || self.place.path.clone();
        if !self.place.is_memfd() {
            return Err(SegmentError::Unsupported {
                path: path(),
                what: "it is opened by its name and not by a descriptor",
            });
        }
        file::reopen(self.life()?, Access::ReadWrite).map_err(|source| SegmentError::Io {
            doing: "opening",
            path: path(),
            source,
        })
    }

    /// Device and inode: which segment this is, in this process's table.
    pub(crate) fn file(&self) -> (u64, u64) {
        self.file
    }

    /// Maps the whole segment, through a description of its own that holds no lock.
    #[cfg(not(loom))]
    pub(crate) fn map(&self) -> Result<Region, SegmentError> {
        let failed = |doing| move |source| SegmentError::Io { doing, path: self.place.path.clone(), source };
        let file = self.place.open_again(self.life()?).map_err(failed("opening"))?;
        let seen = file::identity(file.as_fd()).map_err(failed("examining"))?;
        if seen.file != self.file || seen.len != self.len {
            // Only `rm` by hand does this while the gate is held.
            return Err(SegmentError::NotFound { path: self.place.path.clone() });
        }
        // The two descriptions must see each other's locks, or nobody could tell who is alive.
        if !byte_lock::is_held_by_another(file.as_fd(), GATE).map_err(failed("locking"))? {
            return Err(SegmentError::Unsupported {
                path: self.place.path.clone(),
                what: "its file system does not keep byte locks of open file descriptions",
            });
        }
        if let Some(twin) = &self.estate.system_v {
            let attached = twin.attach(&self.place.path, Access::ReadWrite)?;
            self.place.pages.furnish(attached.base(), attached.len(), &self.place.path)?;
            return Ok(Region::SystemV(attached));
        }
        let len = usize::try_from(self.len).map_err(|_| no_space_here(&self.place.path, self.len))?;
        let mapping = Mapping::new(file.as_fd(), len).map_err(failed("mapping"))?;
        self.place.pages.furnish(mapping.base(), mapping.len(), &self.place.path)?;
        Ok(Region::Mapped(mapping))
    }

    /// Whether the name still means this file.
    fn has_name(&self) -> bool {
        self.place.has_name(self.file)
    }

    /// Whether the file has been unlinked, or what it names removed. Asks the file and not its path, which a process that has changed its root or
    /// its user since may no longer be able to follow.
    pub(crate) fn is_unlinked(&self) -> bool {
        if self.place.is_memfd() {
            return false;
        }
        let is_unlinked = |life| file::identity(life).is_ok_and(|seen| seen.links == 0);
        let is_removed = || self.estate.system_v.is_some_and(|twin| twin.is_removed());
        self.life.get().is_some_and(|life| is_unlinked(life) || is_removed())
    }

    /// Goes away, and takes the segment along if nobody else is there and it is not [kept](Stale::Keep).
    pub(crate) fn leave(self) {
        // What has lost its name is found by nobody, and a System V segment, or queues, would stay for ever.
        let has_more = self.estate.system_v.is_some() || self.estate.queues.is_some();
        let is_nothing = has_more && self.is_unlinked();
        if !self.is_kept() || is_nothing {
            self.remove_if_alone(|_| true);
        } else if let Some(life) = self.life.get() {
            // A failure is mended by the closing of the descriptor.
            let _ = byte_lock::unlock(life, GATE);
        }
    }

    /// Goes away from a segment of our own making that has its name and cannot be used by us. Takes it along if nobody
    /// else is there; if it is kept, only if `is_untouched` finds that nobody has been there, either.
    pub(crate) fn abandon(self, is_untouched: impl FnOnce(View<'_>) -> bool) {
        let look = |life: BorrowedFd<'_>| {
            let path = &self.place.path;
            match self.estate.system_v.map(|twin| twin.attach(path, Access::Read)) {
                None => is_untouched(View::new(life, None)),
                Some(Ok(attached)) => is_untouched(View::new(life, Some(&attached))),
                Some(Err(_)) => false,
            }
        };
        self.remove_if_alone(|life| !self.is_kept() || look(life));
    }

    /// Removes the segment if nobody else is attached and `may_go` says so: while it looks nobody can come.
    fn remove_if_alone(&self, may_go: impl FnOnce(BorrowedFd<'_>) -> bool) {
        let Some(life) = self.life.get() else { return };
        let alone = || byte_lock::try_lock(life, GATE, Mode::Exclusive).unwrap_or(false);
        // The second try is for two that leave at once: each of them still held the gate at the other's first.
        let is_alone = alone() || (byte_lock::unlock(life, GATE).is_ok() && alone());
        if is_alone && may_go(life) {
            // A failure leaves what a killed process leaves: a file with a free gate, for the next opener or `clean`.
            let _ = self.remove_name_alone();
        }
    }

    /// Takes the name away if it still is this file's, and the annexes and queues; `false`: not yet. The caller holds the gate
    /// alone.
    ///
    /// # Errors
    ///
    /// What is not in the file could not be removed, and so the name was not; or the name itself could not.
    fn remove_name_alone(&self) -> Result<bool, SegmentError> {
        if let Some(queues) = &self.estate.queues {
            // First, whatever becomes of the segment: who comes to it without them makes them anew.
            queues.remove_all();
        }
        let annexes = self.estate.annexes.and_then(|instance| self.annexes(&instance));
        let remove_annexes = || annexes.iter().for_each(Annexes::remove_all);
        if !self.is_kept() {
            // Who is killed behind this leaves a stale segment, and whoever finds that comes here again.
            remove_annexes();
        }
        // In front of the name, also if it is kept: a name without it is nothing any more.
        let may_go = self.estate.system_v.map_or(Ok(true), |twin| twin.remove(&self.place.path));
        if !may_go? {
            return Ok(false);
        }
        let failed = |source| SegmentError::Io { doing: "removing", path: self.place.path.clone(), source };
        self.place.remove_if(self.file).map_err(failed)?;
        if self.is_kept() {
            // Not before: who is killed must not leave a segment whose messages are gone.
            remove_annexes();
        }
        Ok(true)
    }
}

#[cfg(not(loom))]
fn no_space_here(path: &Path, asked: u64) -> SegmentError {
    SegmentError::NoSpace { directory: path.to_path_buf(), asked, available: 0 }
}
