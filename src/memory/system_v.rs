//! Channels whose bytes lie in a System V segment.
//!
//! Such a channel has two parts. The *companion* is a file of one page under the channel's name. It has all that a segment's file has
//! but the bytes: the header, the gate, the locks of roles and members. So who is alive, who may come and who removes is decided
//! there, as for every other channel, and by the same code. The bytes lie in a *System V segment*, whose number the header tells; it
//! begins with the same header, by which it is known: a number that has become somebody else's is never taken for ours.
//!
//! # Its life
//!
//! The kernel keeps a System V segment until it is removed, whoever dies. (It could be told to remove it with the last attachment,
//! from the start: `IPC_RMID` right behind `shmget`. But then `ipcs` shows it as removed, without its key, `ipcrm` has nothing left to do, and
//! nothing could be persistent.) So it is removed by whoever takes the channel's name away, in front of that: who is killed in
//! between leaves a name without a segment, which is nothing, whatever its header says, and the next opener or `clean` takes it away.
//!
//! # Its making
//!
//! A creator who is killed must leave nothing that nobody finds. So the companion gets a name before there is a segment: an *intent*,
//! `NAME~INSTANCE.v`, which is no channel's name and no annex's. It says which key the segment is to have, and then its number;
//! and its gate is held by its maker. When all is written it is renamed to `NAME`, in one step and only if nobody has that. An intent
//! whose gate is free is a dead creator's: `clean`, and the next one who creates the same name, remove its segment and itself.
//!
//! The key is `ftok(companion, 'r')`, so that it can be found in `ipcs` by anybody who knows the name. Nobody ever opens a segment by
//! its key, but to clear away after a dead creator; if somebody else has the key already, another is drawn.
//!
//! # `ipcrm`
//!
//! It is what `rm` is to a file. Who is attached keeps the memory, and is told that nobody else can come any more when it next looks for its
//! peer in vain. Newcomers get [`SegmentError::Removed`] while somebody is attached; then the name is free.

use super::error::SegmentError;
use super::medium::Medium;
use super::name::Place;
use super::pages::Pages;
use super::segment::{Attachment, Draft, GATE};
use crate::sys::byte_lock::{self, Mode};
use crate::sys::file::{self, Access, Keeper};
use crate::sys::sysv::{self, Attached};
use crate::sys::{pages, random};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// A companion has so many bytes: the header's.
pub(super) const COMPANION_BYTES: u64 = 4096;
/// By so many of its first bytes a segment is known; the instance is among them.
pub(crate) const HEAD_BYTES: usize = 48;
/// What stands between a channel's name and the rest of an intent's.
const MARK: char = '~';
const ENDING: &str = ".v";
/// Where the instance lies among the first bytes, and how much of it is in an intent's name.
const INSTANCE: std::ops::Range<usize> = 32..38;
/// How many keys are tried.
const KEYS: usize = 16;

/// Which System V segment a companion names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SystemV {
    /// Its number; `None`, in an intent, before there is one.
    pub(crate) id: Option<i32>,
    pub(crate) key: i32,
    /// The IPC namespace that the number belongs to.
    pub(crate) namespace: u64,
}

/// A System V segment, and by what it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Twin {
    pub(crate) at: SystemV,
    pub(crate) len: u64,
    /// How it begins.
    pub(crate) head: [u8; HEAD_BYTES],
}

/// What is where the companion says that the segment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    There,
    /// It has been removed; perhaps somebody still has it attached.
    Gone,
    /// Something else.
    Other(&'static str),
}

fn failed(doing: &'static str, path: &Path, source: io::Error) -> SegmentError {
    SegmentError::Io { doing, path: path.to_path_buf(), source }
}

impl Twin {
    /// Whether the number is one of those that this process sees.
    pub(super) fn must_be_of_this_namespace(&self, path: &Path) -> Result<(), SegmentError> {
        let here = sysv::namespace().map_err(|source| failed("finding the IPC namespace for", path, source))?;
        if here == self.at.namespace { Ok(()) } else { Err(self.foreign(path, "it is in another IPC namespace")) }
    }

    fn foreign(&self, path: &Path, what: &'static str) -> SegmentError {
        SegmentError::Foreign { path: path.to_path_buf(), id: self.at.id.unwrap_or(-1), what }
    }

    fn removed(&self, path: &Path) -> SegmentError {
        SegmentError::Removed { path: path.to_path_buf(), id: self.at.id.unwrap_or(-1) }
    }

    /// What is there, as far as can be told without attaching it.
    pub(super) fn look(&self, path: &Path) -> Result<Found, SegmentError> {
        let Some(id) = self.at.id else { return Ok(Found::Other("it was never made")) };
        match sysv::examine(id) {
            Ok(None) => Ok(Found::Gone),
            Ok(Some(seen)) => Ok(match self.judge(&seen) {
                Err(what) => Found::Other(what),
                Ok(()) if seen.is_removed => Found::Gone,
                Ok(()) => Found::There,
            }),
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(Found::Other(NOT_OURS)),
            Err(source) => Err(failed("examining the System V segment of", path, source)),
        }
    }

    /// As [`look`](Self::look); anything but ours is an error.
    fn must_be_there(&self, path: &Path) -> Result<(), SegmentError> {
        match self.look(path)? {
            Found::There => Ok(()),
            Found::Gone => Err(self.removed(path)),
            Found::Other(what) => Err(self.foreign(path, what)),
        }
    }

    fn judge(&self, seen: &sysv::Seen) -> Result<(), &'static str> {
        let us = file::effective_uid();
        if seen.uid != us || seen.creator != us || seen.mode & 0o022 != 0 {
            return Err(NOT_OURS);
        }
        if seen.len != self.len { Err("it has another size") } else { Ok(()) }
    }

    /// Attaches the segment, if it is the one. Nothing stays attached if it is not.
    pub(super) fn attach(&self, path: &Path, access: Access) -> Result<Attached, SegmentError> {
        self.must_be_there(path)?;
        let id = self.at.id.ok_or_else(|| self.foreign(path, "it was never made"))?;
        let attached = sysv::Attached::new(id, access)
            .map_err(|source| failed("attaching the System V segment of", path, source))?
            .ok_or_else(|| self.removed(path))?;
        // Once more: until it was attached the number could become somebody else's.
        self.must_be_there(path)?;
        if attached.len() as u64 == self.len && self.is_known(&attached) {
            Ok(attached)
        } else {
            Err(self.foreign(path, "it begins with something else"))
        }
    }

    fn is_known(&self, attached: &Attached) -> bool {
        let mut head = [0; HEAD_BYTES];
        attached.read_at(&mut head, 0) == HEAD_BYTES && head == self.head
    }

    /// Whether the segment has been removed under those who have it attached. The caller may be one of them.
    pub(super) fn is_removed(&self) -> bool {
        matches!(self.look(Path::new("")), Ok(Found::Gone))
    }

    /// Removes the segment, if it is ours; whether that is done, and its file may go. The caller has the gate alone.
    ///
    /// # Errors
    ///
    /// The kernel does not say what is there, or does not remove it: then its file must stay, which is all that leads to it.
    pub(super) fn remove(&self, path: &Path) -> Result<bool, SegmentError> {
        match self.must_be_of_this_namespace(path) {
            Err(SegmentError::Foreign { .. }) => return Ok(true),
            known => known?,
        }
        let Some(noted) = self.at.id else { return self.remove_unfinished(path) };
        match self.attach(path, Access::Read) {
            // Attached, it cannot become another one's.
            Ok(_attached) => remove(noted, path).map(|()| true),
            Err(SegmentError::Removed { .. }) => Ok(true),
            Err(SegmentError::Foreign { .. }) => self.remove_unfinished(path),
            Err(error) => Err(error),
        }
    }

    /// Removes what a creator has made who did not come to write down its number, or all that it begins with. `false`: somebody has it
    /// attached, to look at it or because it is theirs, so it has to be asked about again.
    fn remove_unfinished(&self, path: &Path) -> Result<bool, SegmentError> {
        let found =
            sysv::find(self.at.key).map_err(|source| failed("finding the System V segment of", path, source))?;
        // A number that was noted is that of the key, or somebody else's.
        let Some(id) = found.filter(|id| self.at.id.is_none_or(|noted| noted == *id)) else { return Ok(true) };
        let seen = || match sysv::examine(id) {
            Ok(seen) => Ok(seen.filter(|seen| self.judge(seen).is_ok() && !seen.is_removed)),
            // It is somebody else's.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(None),
            Err(source) => Err(failed("examining the System V segment of", path, source)),
        };
        if seen()?.is_none() {
            return Ok(true);
        }
        let attached = Attached::new(id, Access::Read);
        let attached = attached.map_err(|source| failed("attaching the System V segment of", path, source))?;
        let Some(_attached) = attached.filter(|attached| self.is_begun(attached)) else { return Ok(true) };
        // Nobody but its creator, who is dead, and we ourselves can have it attached for good.
        match seen()? {
            Some(seen) if seen.attached == 1 => remove(id, path).map(|()| true),
            Some(_) => Ok(false),
            None => Ok(true),
        }
    }

    /// Whether it begins as ours does, as far as anything was written there.
    fn is_begun(&self, attached: &Attached) -> bool {
        let mut head = [0; HEAD_BYTES];
        let is_ours = |(found, ours): (&u8, &u8)| *found == 0 || found == ours;
        attached.read_at(&mut head, 0) == HEAD_BYTES && head.iter().zip(&self.head).all(is_ours)
    }
}

/// Removes the segment of this number, unless somebody has.
fn remove(id: i32, path: &Path) -> Result<(), SegmentError> {
    match sysv::remove(id) {
        Err(error) if matches!(error.raw_os_error(), Some(nix::libc::EINVAL | nix::libc::EIDRM)) => Ok(()),
        done => done.map_err(|source| failed("removing the System V segment of", path, source)),
    }
}

const NOT_OURS: &str =
    "it is not ours alone: it must belong to this user, made by this user, and be writable by nobody else";

/// What a creator has made so far: gone with it, if it cannot go on.
struct Making {
    intent: PathBuf,
    id: Option<i32>,
    is_done: bool,
}

impl Drop for Making {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        // A failure leaves what a killed process leaves, for `clean`.
        if let Some(id) = self.id {
            let _ = sysv::remove(id);
        }
        let _ = file::remove_name(&self.intent);
    }
}

/// Creates a segment and its companion, as `segment::create` does a file.
pub(super) fn create(
    place: &Place,
    mode: u32,
    len: u64,
    draft: impl Fn(Option<SystemV>) -> Draft,
    before_name: impl FnOnce(BorrowedFd<'_>) -> io::Result<()>,
) -> Result<Attachment, SegmentError> {
    let failed = |doing| move |source| failed(doing, &place.path, source);
    if sysv::is_removal_forced() {
        let what = "the kernel removes each System V segment that nobody has attached (kernel.shm_rmid_forced)";
        return Err(SegmentError::Unsupported { path: place.path.clone(), what });
    }
    let companion = place.clone().of(Pages::default()).create(mode, COMPANION_BYTES)?;
    if file::keeper(companion.as_fd()).map_err(failed("examining"))? != Keeper::Memory {
        let what = "the file beside a System V segment is in plain memory (tmpfs)";
        return Err(SegmentError::Unsupported { path: place.directory.clone(), what });
    }
    let seen = file::identity(companion.as_fd()).map_err(failed("examining"))?;
    let namespace = sysv::namespace().map_err(failed("finding the IPC namespace for"))?;
    let mut at = SystemV { id: None, key: sysv::key(seen.file), namespace };
    let mut attachment = Attachment::new(companion, place, &seen, draft(Some(at)).estate);
    let life = attachment.life()?;
    byte_lock::try_lock(life, GATE, Mode::Shared).map_err(failed("locking"))?;
    before_name(life).map_err(failed("locking"))?;
    let note = |at| {
        let draft = draft(Some(at));
        let page = draft.written.iter().find(|(at, _)| *at == 0).map_or(&[][..], |(_, page)| page);
        file::write_at(life, page, 0).map_err(failed("writing")).map(|()| draft)
    };
    let intent = intent(place, &note(at)?.estate);
    file::give_name(life, &intent).map_err(failed("naming"))?;
    let mut making = Making { intent, id: None, is_done: false };
    let id = get(place, mode, len, &mut at, |at| note(at).map(drop))?;
    making.id = Some(id);
    at.id = Some(id);
    let draft = note(at)?;
    fill(place, id, &draft)?;
    match sysv::rename_new(&making.intent, &place.path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(SegmentError::AlreadyExists { path: place.path.clone() });
        }
        Err(error) => return Err(failed("naming")(error)),
    }
    making.is_done = true;
    attachment.settle(draft.estate);
    Ok(attachment)
}

/// Gets the kernel to make the segment, under a key of its own, which is noted first.
fn get(
    place: &Place,
    mode: u32,
    len: u64,
    at: &mut SystemV,
    note: impl Fn(SystemV) -> Result<(), SegmentError>,
) -> Result<i32, SegmentError> {
    let failed = |doing| move |source| failed(doing, &place.path, source);
    let is_huge = place.pages.huge;
    let room = if is_huge { u64::MAX } else { file::memory_there_is().unwrap_or(u64::MAX) };
    if sysv::setting("shmmax").is_none_or(|most| len <= most) && room < len {
        return Err(no_space(len));
    }
    for _ in 0..KEYS {
        let found = sysv::find(at.key).map_err(|source| match source.raw_os_error() {
            Some(nix::libc::ENOSYS) => SegmentError::Unsupported {
                path: place.path.clone(),
                what: "this kernel has no System V shared memory",
            },
            _ => failed("finding a key for")(source),
        })?;
        if found.is_none() {
            note(*at)?;
            match sysv::create(at.key, len, mode, is_huge) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                made => return made.map_err(|source| refused(place, len, source)),
            }
        }
        // Never 0: that is what all who want no key have.
        let drawn = random::bits128().map_err(failed("drawing a key for"))?;
        at.key = i32::from_ne_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]) | 1;
    }
    Err(failed("finding a key for")(io::ErrorKind::AddrInUse.into()))
}

/// Why there is no segment of so many bytes.
fn refused(place: &Place, asked: u64, source: io::Error) -> SegmentError {
    let limit = |limit: &'static str, value| SegmentError::SystemVLimit { asked, limit, value };
    let [shmmax, shmall, shmmni] = ["shmmax", "shmall", "shmmni"].map(sysv::setting);
    match (source.raw_os_error(), shmmax, shmall, shmmni) {
        (Some(nix::libc::EINVAL), Some(most), _, _) if most < asked => limit("shmmax", most),
        // Of the two the kernel does not say which.
        (Some(nix::libc::ENOSPC), _, _, Some(most)) if sysv::count().is_some_and(|there| there >= most) => {
            limit("shmmni", most)
        }
        (Some(nix::libc::ENOSPC), _, Some(most), _) => limit("shmall", most),
        (Some(nix::libc::ENOMEM), ..) if place.pages.huge => SegmentError::NoHugePages { asked },
        (Some(nix::libc::EPERM), ..) if place.pages.huge => SegmentError::Unsupported {
            path: place.path.clone(),
            what: "huge pages of System V are for CAP_IPC_LOCK, and the group of /proc/sys/vm/hugetlb_shm_group",
        },
        (Some(nix::libc::ENOMEM), ..) => no_space(asked),
        _ => failed("making a System V segment for", &place.path, source),
    }
}

fn no_space(asked: u64) -> SegmentError {
    let available = file::memory_there_is().unwrap_or(0);
    SegmentError::NoSpace { directory: "System V shared memory".into(), asked, available }
}

/// Has all of the segment's room there, and writes what it begins with. Nobody else knows of it.
fn fill(place: &Place, id: i32, draft: &Draft) -> Result<(), SegmentError> {
    let failed = |doing| move |source| failed(doing, &place.path, source);
    let gone = || SegmentError::Removed { path: place.path.clone(), id };
    let attached =
        Attached::new(id, Access::ReadWrite).map_err(failed("attaching the System V segment of"))?.ok_or_else(gone)?;
    let (base, len) = (attached.base(), attached.len());
    place.pages.settle(base, len, &place.path)?;
    match pages::populate(base, len) {
        Ok(()) => {}
        // Before Linux 5.14.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => {
            (0..len).step_by(COMPANION_BYTES as usize).for_each(|at| attached.put(at, &[0]));
        }
        Err(error) if matches!(error.raw_os_error(), Some(nix::libc::ENOMEM | nix::libc::EFAULT)) => {
            return Err(refused(place, len as u64, io::Error::from_raw_os_error(nix::libc::ENOMEM)));
        }
        Err(error) => return Err(failed("reserving room for")(error)),
    }
    draft.written.iter().for_each(|(at, bytes)| attached.put(*at as usize, bytes));
    Ok(())
}

/// What a companion is called before it has its name.
fn intent(place: &Place, estate: &super::segment::Estate) -> PathBuf {
    let instance = estate.system_v.map_or([0; 6], |twin| std::array::from_fn(|at| twin.head[INSTANCE.start + at]));
    let instance: String = instance.iter().map(|byte| format!("{byte:02x}")).collect();
    let name = place.path.file_name().unwrap_or_default().to_string_lossy();
    place.directory.join(format!("{name}{MARK}{instance}{ENDING}"))
}

/// The first bytes of this user's System V segment of this number, if there is one that is as long as a channel's.
pub(crate) fn head(id: i32) -> Option<[u8; HEAD_BYTES]> {
    let us = file::effective_uid();
    sysv::examine(id).ok().flatten().filter(|seen| seen.uid == us && seen.len > COMPANION_BYTES)?;
    let attached = Attached::new(id, Access::Read).ok().flatten()?;
    let mut head = [0; HEAD_BYTES];
    (attached.read_at(&mut head, 0) == HEAD_BYTES).then_some(head)
}

/// Every intent in the directory, or those of one file name there, with what it is called.
pub(crate) fn intents(directory: Option<&Path>, of: Option<&str>) -> io::Result<Vec<(String, Place)>> {
    let mut found = Vec::new();
    for (name, path) in Place::all_names(directory)? {
        let Some((channel, rest)) = name.split_once(MARK) else { continue };
        let is_intent = rest.strip_suffix(ENDING).is_some_and(|instance| {
            instance.len() == 2 * INSTANCE.len() && instance.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
        if is_intent && of.is_none_or(|of| of == channel) {
            let directory = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
            found.push((name, Place { directory, path, medium: Medium::Memory, pages: Pages::default() }));
        }
    }
    Ok(found)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::super::segment::{Estate, Removal, Stale, remove_if_unused};
    use super::*;

    /// A segment of its own, gone with it.
    struct Segment(i32);

    impl Segment {
        fn new(key: i32, len: u64) -> Self {
            Self(sysv::create(key, len, 0o600, false).expect("a segment"))
        }

        fn is_there(&self) -> bool {
            sysv::examine(self.0).expect("ours").is_some()
        }
    }

    impl Drop for Segment {
        fn drop(&mut self) {
            let _ = sysv::remove(self.0);
        }
    }

    /// A key that nobody else has.
    fn key() -> i32 {
        let drawn = random::bits128().expect("random bytes");
        i32::from_ne_bytes([drawn[0], drawn[1], drawn[2], drawn[3]]) | 1
    }

    #[test]
    fn a_key_that_somebody_has_is_left_to_them() {
        let place = Place::system_v("x", None).expect("a name");
        let taken = key();
        let theirs = Segment::new(taken, 8192);
        let mut at = SystemV { id: None, key: taken, namespace: 0 };
        let noted = std::cell::Cell::new(0);
        let note = |at: SystemV| {
            noted.set(at.key);
            Ok(())
        };
        let ours = Segment(get(&place, 0o600, 8192, &mut at, note).expect("a segment"));
        assert_ne!((ours.0, at.key), (theirs.0, taken));
        assert_eq!((noted.get(), sysv::find(at.key).expect("the kernel's answer")), (at.key, Some(ours.0)));
    }

    #[test]
    fn what_a_dead_creator_made_is_told_from_all_else_of_its_key() {
        let head = std::array::from_fn(|at| at as u8);
        let there_as = |len, begin: &[u8], is_attached, twins, is_noted: bool| {
            let key = key();
            let segment = Segment::new(key, len);
            let attached = Attached::new(segment.0, Access::ReadWrite).expect("ours").expect("there");
            attached.put(0, begin);
            let _attached = Some(attached).filter(|_| is_attached);
            let namespace = sysv::namespace().expect("one");
            let twin = Twin { at: SystemV { id: is_noted.then_some(segment.0), key, namespace }, len: twins, head };
            assert_eq!(
                twin.remove(Path::new("x")).expect("the kernel's answer"),
                !is_attached,
                "whether its file may go"
            );
            segment.is_there()
        };
        let there = |len, begin: &[u8], is_attached, twins| there_as(len, begin, is_attached, twins, false);
        assert!(!there(8192, &[], false, 8192), "as it was made");
        assert!(!there(8192, &head, false, 8192), "as it was filled");
        assert!(!there(8192, &head[..9], false, 8192), "as it was being filled");
        assert!(there(8192, &[0, 2], false, 8192), "it has something else in it");
        // Behind the note of its number.
        assert!(!there_as(8192, &[], false, 8192, true), "as it was made, and noted");
        assert!(!there_as(8192, &head[..9], false, 8192, true), "as it was being filled, and noted");
        assert!(there_as(8192, &[0, 2], false, 8192, true), "noted, and it has something else in it");
        assert!(there_as(8192, &[], true, 8192, true), "noted, and somebody has it attached");
        assert!(there(8192, &head, true, 8192), "somebody has it attached");
        assert!(there(8192, &head, false, 4096), "it has another length");
    }

    /// An intent whose maker is dead.
    fn left_behind(instance: &str) -> Place {
        let directory = PathBuf::from("/dev/shm");
        let path = directory.join(format!("ringway-test.{}~{instance}.v", std::process::id()));
        file::give_name(file::create_unnamed(&directory, 0o600).expect("a file").as_fd(), &path).expect("a name");
        Place { directory, path, medium: Medium::Memory, pages: Pages::default() }
    }

    /// Removes it, as what its header says at each look.
    fn clear_away(place: &Place, says: impl Fn() -> SystemV) -> Removal {
        let estate = |at| Estate {
            stale: Stale::Remove,
            annexes: None,
            queues: None,
            boot: [0; 16],
            system_v: Some(Twin { at, len: 8192, head: [0; HEAD_BYTES] }),
        };
        remove_if_unused::<SegmentError>(place, true, |_, _| Ok(estate(says()))).expect("what can be removed")
    }

    /// Its maker goes on behind the last look of who would remove what it leaves, and is killed: it had found its key taken.
    #[test]
    fn what_a_creator_wrote_last_is_what_is_removed() {
        let segment = Segment::new(key(), 8192);
        let place = left_behind("202122232425");
        let is_alone = || {
            let again = std::fs::File::open(&place.path).expect("the intent");
            byte_lock::is_held_by_another(again.as_fd(), GATE).expect("the kernel's answer")
        };
        let (tried, namespace) = (key(), sysv::namespace().expect("one"));
        let removal = clear_away(&place, || SystemV { id: is_alone().then_some(segment.0), key: tried, namespace });
        assert_eq!((removal, segment.is_there(), place.path.exists()), (Removal::Removed, false, false));
    }

    #[test]
    fn what_somebody_looks_at_is_removed_another_time() {
        let key = key();
        let segment = Segment::new(key, 8192);
        let place = left_behind("303132333435");
        let at = SystemV { id: None, key, namespace: sysv::namespace().expect("one") };
        let looking = Attached::new(segment.0, Access::Read).expect("ours").expect("there");
        assert_eq!((clear_away(&place, || at), segment.is_there(), place.path.exists()), (Removal::InUse, true, true));
        drop(looking);
        assert_eq!(
            (clear_away(&place, || at), segment.is_there(), place.path.exists()),
            (Removal::Removed, false, false)
        );
    }

    #[test]
    fn an_intent_is_no_channel_and_no_annex() {
        let place = Place::new(&"n".repeat(200), None).expect("a name");
        let estate = Estate {
            stale: Stale::Remove,
            annexes: None,
            queues: None,
            boot: [0; 16],
            system_v: Some(Twin {
                at: SystemV { id: None, key: 1, namespace: 1 },
                len: 1,
                head: std::array::from_fn(|at| at as u8),
            }),
        };
        let path = intent(&place, &estate);
        let name = path.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(name.ends_with("n~202122232425.v") && name.len() <= 255, "{name}");
        assert!(Place::new("n~202122232425.v", None).is_err());
    }
}
