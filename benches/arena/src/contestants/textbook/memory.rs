//! The memory of a bounded buffer: what the way of taking turns keeps there, and then the places.
//!
//! It is a file in tmpfs, which is what `shm_open` opens, or a System V segment.

use crate::contestant::{Failure, Place};
use crate::contestants::rendezvous::retry;
use memmap2::MmapRaw;
use nix::errno::Errno;
use nix::libc;
use std::fs::{self, File, OpenOptions};
use std::path::PathBuf;
use std::ptr::null;

/// Bytes before the first place: the geometry, and what the way keeps.
const HEAD: usize = 4096;
/// Where what the way keeps begins.
const KEPT: usize = 128;

/// What the head says of the places.
#[repr(C)]
#[derive(Clone, Copy)]
struct Geometry {
    places: u64,
    bytes: u64,
}

/// Mapped memory.
pub struct Memory {
    base: *mut u8,
    places: usize,
    bytes: usize,
    _mapping: Mapping,
}

enum Mapping {
    File(#[allow(dead_code)] MmapRaw), // held until the memory goes
    SystemV(Attached),
}

/// A System V segment in this process.
struct Attached(*mut u8);

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: attached here, and nobody has a pointer into it any longer.
        unsafe { libc::shmdt(self.0.cast()) };
    }
}

// SAFETY: a mapping is its process's; each end goes to one thread.
unsafe impl Send for Memory {}

fn path(place: &Place) -> PathBuf {
    place.dir.join("buffer")
}

fn unfinished(place: &Place) -> PathBuf {
    place.dir.join("buffer.new")
}

/// Bytes of so many places of that size, with what stands before them.
fn total(places: usize, bytes: usize) -> usize {
    HEAD + places * bytes
}

impl Memory {
    /// A file without a name that others know, until [`publish`](Self::publish).
    pub fn create(place: &Place, places: usize, bytes: usize) -> Result<Self, Failure> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(unfinished(place))?;
        file.set_len(total(places, bytes) as u64)?;
        Self::made(Mapping::File(MmapRaw::map_raw(&file)?), places, bytes)
    }

    /// Lets others find the file: all that is in its head is there.
    pub fn publish(&self, place: &Place) -> Result<(), Failure> {
        Ok(fs::rename(unfinished(place), path(place))?)
    }

    /// The file that the other end has published.
    pub fn open(place: &Place) -> Result<Self, Failure> {
        let open = || -> Result<File, Failure> { Ok(OpenOptions::new().read(true).write(true).open(path(place))?) };
        Self::found(Mapping::File(MmapRaw::map_raw(&retry(open)?)?))
    }

    /// A segment that only its number names.
    pub fn create_system_v(places: usize, bytes: usize) -> Result<(Self, libc::c_int), Failure> {
        // SAFETY: no memory is involved.
        let id = Errno::result(unsafe { libc::shmget(libc::IPC_PRIVATE, total(places, bytes), 0o600) })?;
        let memory = attach(id).and_then(|mapping| Self::made(mapping, places, bytes));
        Ok((memory.inspect_err(|_| remove_system_v(id))?, id))
    }

    /// The segment with this number.
    pub fn open_system_v(id: libc::c_int) -> Result<Self, Failure> {
        Self::found(attach(id)?)
    }

    fn made(mapping: Mapping, places: usize, bytes: usize) -> Result<Self, Failure> {
        let base = mapping.base();
        // SAFETY: the mapping begins with it, aligned to a page, and nobody else has it yet.
        unsafe { base.cast::<Geometry>().write(Geometry { places: places as u64, bytes: bytes as u64 }) };
        Ok(Self { base, places, bytes, _mapping: mapping })
    }

    fn found(mapping: Mapping) -> Result<Self, Failure> {
        let base = mapping.base();
        // SAFETY: as above; whoever made it wrote this before we could find it, and nobody writes it again.
        let Geometry { places, bytes } = unsafe { base.cast::<Geometry>().read() };
        Ok(Self { base, places: places as usize, bytes: bytes as usize, _mapping: mapping })
    }

    /// How many places.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Bytes of each.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Where a place begins: at a multiple of its size from a page's end.
    #[inline]
    pub fn place(&self, at: usize) -> *mut u8 {
        debug_assert!(at < self.places);
        // SAFETY: so many places lie behind the head.
        unsafe { self.base.add(HEAD + at * self.bytes) }
    }

    /// Where the way keeps what it keeps: zeros, until it has written there.
    pub fn kept<T>(&self) -> *mut T {
        const { assert!(size_of::<T>() <= HEAD - KEPT && align_of::<T>() <= KEPT) };
        // SAFETY: within the head.
        unsafe { self.base.add(KEPT).cast() }
    }
}

impl Mapping {
    fn base(&self) -> *mut u8 {
        match self {
            Self::File(map) => map.as_mut_ptr(),
            Self::SystemV(attached) => attached.0,
        }
    }
}

fn attach(id: libc::c_int) -> Result<Mapping, Failure> {
    // SAFETY: where it likes; nothing that is there is replaced.
    let base = unsafe { libc::shmat(id, null(), 0) };
    if base as isize == -1 {
        return Err(Errno::last().into());
    }
    Ok(Mapping::SystemV(Attached(base.cast())))
}

/// Removes a segment as soon as nobody has it. Nothing to do about one that is gone.
pub fn remove_system_v(id: libc::c_int) {
    // SAFETY: removing takes no structure.
    let _ = unsafe { libc::shmctl(id, libc::IPC_RMID, std::ptr::null_mut()) };
}
