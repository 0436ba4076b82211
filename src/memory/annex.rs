//! Files beside a segment: more memory for it, made when it is needed.
//!
//! An annex of a segment has the segment's name, `~`, and a part that no other file ever had: the first bits of the segment's
//! instance, the annex's number, and a version. No segment's name has a `~`, so nobody takes it for one. It is complete before it has
//! its name; who is killed before leaves nothing.
//!
//! Whoever takes a segment's name away takes its annexes away, too, in an order in which a death between two of the steps
//! leaves what can be told from what is in use: of a segment that is nothing without users the annexes go first (it is found
//! stale again); of one that is kept the name goes first (annexes of an instance that has no name are found by `clean`).

use super::error::SegmentError;
#[cfg(not(loom))]
use super::mapping::Mapping;
use super::medium::Medium;
use super::name::Place;
use super::pages::Pages;
use crate::sys::file::{self, Access, Identity};
use std::ffi::OsStr;
use std::io;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

/// What stands between a segment's name and the rest of an annex's.
const MARK: char = '~';
/// The shortest annex has so many bytes, and each is a power of two long.
const PAGE: u64 = 4096;
/// So many bytes of the instance are in the name: 12 letters.
const INSTANCE_BYTES: usize = 6;

/// Of whom, and where, an annex must be for the others to open it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kin {
    device: u64,
    uid: u32,
}

impl Kin {
    /// This process's user, on the segment's device.
    pub(crate) fn of(device: u64) -> Self {
        Self { device, uid: file::effective_uid() }
    }
}

/// The annexes of one segment.
#[derive(Debug, Clone)]
pub(crate) struct Annexes {
    directory: PathBuf,
    medium: Medium,
    pages: Pages,
    kin: Kin,
    /// How the names of all of them begin: the segment's, and what stands for its instance.
    stem: String,
}

fn hex(instance: &[u8; 16]) -> String {
    instance[..INSTANCE_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Annexes {
    /// Those of the segment at this place and of this instance; `None` if it has no name, or one that cannot be a segment's.
    pub(crate) fn of(segment: &Place, instance: &[u8; 16], kin: Kin) -> Option<Self> {
        if segment.is_memfd() {
            return None;
        }
        let (directory, name) = (segment.directory.clone(), segment.path.file_name()?.to_str()?);
        Some(Self {
            directory,
            medium: match &segment.medium {
                Medium::SystemV => Medium::Memory,
                medium => medium.clone(),
            },
            pages: segment.pages,
            kin,
            stem: format!("{name}{MARK}{}.", hex(instance)),
        })
    }

    fn place(&self, number: u64, version: u64) -> Place {
        let path = self.directory.join(format!("{}{number:x}.{version:x}", self.stem));
        Place { directory: self.directory.clone(), path, medium: self.medium.clone(), pages: self.pages }
    }

    /// Makes the annex of this number and version, of so many bytes. Nobody else makes it at the same time, so one that is there
    /// was left by a maker who was killed before it told anybody, and is replaced. None is made that the others would not open:
    /// this process may have changed its user, or its root, since it came.
    #[cfg(not(loom))]
    pub(crate) fn create(&self, number: u64, version: u64, len: u64) -> Result<Mapping, SegmentError> {
        let place = self.place(number, version);
        let failed = |source| SegmentError::Io { doing: "naming", path: place.path.clone(), source };
        let file = place.create(0o600, len)?;
        let seen = file::identity(file.as_fd()).map_err(|source| SegmentError::Io {
            doing: "examining",
            path: place.path.clone(),
            source,
        })?;
        if seen.uid != self.kin.uid {
            return Err(SegmentError::Untrusted { path: place.path, uid: seen.uid, mode: seen.mode });
        }
        if seen.file.0 != self.kin.device {
            return Err(SegmentError::Unsupported {
                path: place.directory,
                what: "it is on another file system than the segment (has this process changed its root?)",
            });
        }
        let mapping = map(&place, file.as_fd(), len)?;
        match file::give_name(file.as_fd(), &place.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                self.remove(number, version);
                file::give_name(file.as_fd(), &place.path).map_err(failed)?;
            }
            named => named.map_err(failed)?,
        }
        Ok(mapping)
    }

    /// Maps the annex of this number and version, which has so many bytes; `NotFound` if it has others.
    #[cfg(not(loom))]
    pub(crate) fn open(&self, number: u64, version: u64, len: u64) -> Result<Mapping, SegmentError> {
        let place = self.place(number, version);
        let (file, seen) = place.open(Access::ReadWrite)?;
        let failed = |source| SegmentError::Io { doing: "examining", path: place.path.clone(), source };
        if file::whole_len(file.as_fd(), len).map_err(failed)? != seen.len {
            return Err(SegmentError::NotFound { path: place.path });
        }
        map(&place, file.as_fd(), len)
    }

    /// Takes the annex of this number and version away, if it is there, and its memory. Nobody looks at it any more.
    pub(crate) fn remove(&self, number: u64, version: u64) {
        let place = self.place(number, version);
        // Some may have it mapped from when they last looked at it, and would keep its memory for as long as they are there. A
        // failure, here and below, leaves what is removed with the segment.
        if let Ok((file, seen)) = place.open(Access::ReadWrite) {
            let _ = file::discard(file.as_fd(), seen.len);
        }
        let _ = file::remove_name(&place.path);
    }

    /// Takes the names of all of them away. The caller has the segment's gate alone.
    pub(crate) fn remove_all(&self) {
        // A failure leaves what a killed process leaves, for `clean`.
        let Ok(entries) = std::fs::read_dir(&self.directory) else { return };
        let names = entries.filter_map(|entry| entry.ok().map(|entry| entry.file_name()));
        for name in names.filter(|name| is_annex(name, &self.stem)) {
            let _ = file::remove_name(&self.directory.join(name));
        }
    }
}

#[cfg(not(loom))]
fn map(place: &Place, file: std::os::fd::BorrowedFd<'_>, len: u64) -> Result<Mapping, SegmentError> {
    let failed = |source| SegmentError::Io { doing: "mapping", path: place.path.clone(), source };
    let len = usize::try_from(len).map_err(|_| failed(io::ErrorKind::OutOfMemory.into()))?;
    let mapping = Mapping::new(file, len).map_err(failed)?;
    place.pages.furnish(mapping.base(), mapping.len(), &place.path)?;
    Ok(mapping)
}

/// Whether a file's name is this stem, a number and a version.
fn is_annex(name: &OsStr, stem: &str) -> bool {
    let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(stem)) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    rest.split_once('.').is_some_and(|(number, version)| is_number(number) && is_number(version))
}

/// A file whose name is an annex's.
#[derive(Debug)]
pub(crate) struct Found {
    /// The name of its segment.
    pub(crate) segment: String,
    /// Its own name, without what stands in front of all names in `/dev/shm`.
    pub(crate) name: String,
    /// What stands for the instance of its segment.
    instance: String,
    path: PathBuf,
}

impl Found {
    /// Whether it belongs to this instance.
    pub(crate) fn is_of(&self, instance: &[u8; 16]) -> bool {
        self.instance == hex(instance)
    }

    /// Takes its name away, whose segment is gone.
    pub(crate) fn remove(&self) -> Result<(), SegmentError> {
        file::remove_name(&self.path).map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => SegmentError::NotFound { path: self.path.clone() },
            _ => SegmentError::Io { doing: "removing", path: self.path.clone(), source },
        })
    }
}

/// Whether a file is such as annexes are made. Their names alone may be others' as well, in a directory that is not for channels alone.
fn is_as_made(seen: &Identity) -> bool {
    let is_ours = seen.is_regular && seen.uid == file::effective_uid() && seen.mode == 0o600;
    is_ours && seen.len.is_power_of_two() && seen.len >= PAGE
}

/// Every regular file of this user in the directory whose name is that of an annex of some segment, and that is made as one.
pub(crate) fn all(directory: Option<&Path>) -> io::Result<Vec<Found>> {
    let mut found = Vec::new();
    for (name, path) in Place::all_names(directory)? {
        let Some((segment, rest)) = name.split_once(MARK) else { continue };
        let Some((instance, _)) = rest.split_once('.') else { continue };
        let is_instance = instance.len() == 2 * INSTANCE_BYTES && instance.bytes().all(|byte| byte.is_ascii_hexdigit());
        let is_name = is_instance && is_annex(OsStr::new(rest), &format!("{instance}."));
        let is_ours = file::identity_at(&path).is_ok_and(|seen| is_as_made(&seen));
        if is_name && is_ours && Place::new(segment, directory).is_ok() {
            let (segment, instance) = (segment.to_owned(), instance.to_owned());
            found.push(Found { segment, instance, name, path });
        }
    }
    Ok(found)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_longest_names_are_names() {
        let mut longest = Place::new(&"n".repeat(200), None).expect("a name");
        longest.path = format!("/dev/shm/ringway.{}.{}", u32::MAX, "n".repeat(200)).into();
        let annexes = Annexes::of(&longest, &[0xff; 16], Kin::of(0)).expect("a segment");
        let name = annexes.place(0x2fff, u64::MAX >> 8).path;
        let name = name.file_name().and_then(OsStr::to_str).expect("a name").to_owned();
        assert!(name.len() <= 255, "{}", name.len());
        assert!(is_annex(OsStr::new(&name), &annexes.stem));
        assert!(Place::new(name.trim_start_matches("ringway.4294967295."), None).is_err(), "no segment's name");
    }

    #[test]
    fn other_names_are_none_of_annexes() {
        let annexes =
            Annexes::of(&Place::new("orders", Some(Path::new("/d"))).expect("a name"), &[0xab; 16], Kin::of(0))
                .expect("a segment");
        assert_eq!(annexes.place(70, 1).path, Path::new("/d/orders~abababababab.46.1"));
        for other in ["orders", "orders~", "orders~abababababab", "orders~abababababab.", "orders~abababababab.46"] {
            assert!(!is_annex(OsStr::new(other), &annexes.stem), "{other}");
        }
        for other in [
            "orders~abababababab.46.",
            "orders~abababababab.x.1",
            "orders~bbababababab.46.1",
            "order~abababababab.46.1",
        ] {
            assert!(!is_annex(OsStr::new(other), &annexes.stem), "{other}");
        }
    }
}
