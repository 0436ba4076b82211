//! A file system of this process's own, in the directory of its scene, so that there can be too little room.

use super::stage::Place;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::statvfs::statvfs;
use std::cell::Cell;

/// More than any scene needs.
const PLENTY: u64 = 16 << 20;

/// How much room there is; where a file system of one's own is not permitted, there is enough.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Whether there is one; `None`: it was not tried.
    is_ours: Cell<Option<bool>>,
}

fn private(place: &Place) -> nix::Result<()> {
    let (none, options) = (None::<&str>, format!("size={PLENTY},mode=0700"));
    unshare(CloneFlags::CLONE_NEWNS)?;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)?;
    mount(Some("tmpfs"), place.directory(), Some("tmpfs"), MsFlags::empty(), Some(options.as_str()))
}

impl Room {
    /// Before anything is in the directory.
    pub(crate) fn prepare(&self, place: &Place) {
        if self.is_ours.get().is_none() {
            self.is_ours.set(Some(private(place).is_ok()));
        }
    }

    pub(crate) fn is_ours(&self) -> bool {
        self.is_ours.get() == Some(true)
    }

    fn limit(&self, place: &Place, bytes: u64) {
        if self.is_ours() {
            let (none, options) = (None::<&str>, format!("size={bytes}"));
            mount(none, place.directory(), none, MsFlags::MS_REMOUNT, Some(options.as_str())).expect("another size");
        }
    }

    /// From now on there is room for so many bytes more.
    pub(crate) fn leave(&self, place: &Place, bytes: u64) {
        let seen = statvfs(place.directory()).expect("a file system");
        self.limit(place, (seen.blocks() - seen.blocks_free()) * seen.fragment_size() + bytes);
    }

    /// There is enough again.
    pub(crate) fn restore(&self, place: &Place) {
        self.limit(place, PLENTY);
    }
}
