//! Where a channel's bytes lie, as its users choose it.

use crate::sys::file::{self, Access};
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::path::PathBuf;
use std::sync::Arc;

/// What kind of memory a channel lies in ([`Options::backing`](crate::Options::backing)).
///
/// | backing | reached by | lives until | what a killed process leaves | limits |
/// |---|---|---|---|---|
/// | `Shm` | name, `shm_open` of any program | its last user leaves, or it is removed if it is persistent; a reboot | the file, which the next opener or `ringway clean` removes | size of the tmpfs `/dev/shm`; names have 200 bytes |
/// | `File` | name in a directory | the same; after a reboot it is stale, persistent or not | the same | a directory on tmpfs, hugetlbfs, ext4, xfs, btrfs, f2fs, overlayfs; on a disk the kernel writes changed pages back |
/// | `SystemV` | name, and the file beside it; the key of `ftok(file, 'r')` is for `ipcs` | the same as `Shm`; `ipcrm` | the segment and the file, both of which the next opener or `ringway clean` removes | `kernel.shmmax`, `shmall`, `shmmni` ([`SegmentError::SystemVLimit`](crate::SegmentError::SystemVLimit)); memory |
/// | `Memfd` | its descriptor, inherited or passed on; both ends in one process | the last user is gone; if it is persistent, the last descriptor is closed | nothing | memory; no [annexes](crate::Options::annexes), no [`Duplex`](crate::stream::Duplex) but in one process; not seen by `ringway ls` |
/// | `Heap` | both ends in one process | its last end is dropped | nothing | memory |
///
/// In all of them but `Heap`, of which nothing is left, the death of a user is noticed, by the same locks.
///
/// # A disk is no memory of what was sent
///
/// A channel in a file on a disk is as fast as one in memory while its pages are in the page cache, and larger than memory
/// can be. **It is not durable**: nothing but the header is flushed, and in what order pages reach the disk nobody knows. So what an
/// earlier run of the kernel has left is never read: the header carries the kernel's boot id, and a segment with another one is
/// stale. A disk that fails under a mapping ends the process with SIGBUS, or the channel as
/// [`SegmentLost`](crate::DisconnectReason::SegmentLost) under a [guard](crate::sigbus_guard). So does **btrfs when it is full**: it
/// writes a changed page to a new place, for which nobody can reserve room beforehand. (On tmpfs, ext4 and xfs a channel has its room
/// from the beginning.)
///
/// # System V
///
/// Names, permissions, lifetime, `ringway ls`, `stat`, `rm` and `clean` are as of `Shm`; annexes are files beside the file. An end that names no
/// backing opens whatever the name stands for; one that names another than is there gets
/// [`FormatError::Backing`](crate::FormatError::Backing). There is no descriptor.
///
/// *`ipcrm`* is what `rm` is to a file. Who is attached goes on with those who are; who then waits for a peer is told
/// [`Unlinked`](crate::DisconnectReason::Unlinked). Who comes gets [`SegmentError::Removed`](crate::SegmentError::Removed) while
/// anybody is attached; then the name is free, also if the channel was persistent.
///
/// *Killed*: the kernel keeps a System V segment whoever dies, so what is left is found and removed as a file is. Not found is the segment of
/// a channel whose file was removed by hand (`rm`) and whose users were killed; `ringway ls --all` shows it as one of no channel, for `ipcrm`.
///
/// *`fork`*: a child inherits the attachment, as it does a mapping. It may use nothing of it, and keeps the memory until it ends or calls
/// `exec`: `ipcs` counts it.
///
/// *Huge pages* are those of `SHM_HUGETLB`, which the administrator has set aside. *Limits* of the kernel are errors that name them. Where
/// `kernel.shm_rmid_forced` is set, no such channel is made. Numbers of segments mean something in one IPC namespace; in another the
/// channel is refused ([`SegmentError::Foreign`](crate::SegmentError::Foreign)).
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Backing {
    /// POSIX shared memory: a file in `/dev/shm`, which `shm_open` opens; or in the directory of
    /// [`Options::dir`](crate::Options::dir), which is in memory. What a channel with a name has by default.
    #[default]
    Shm,
    /// A System V segment (`shmget`), which `ipcs` shows and `ipcrm` removes, and a file of one page beside it, under the channel's name
    /// in `/dev/shm` or in the directory of [`Options::dir`](crate::Options::dir), which is in memory. The file is what the channel is
    /// opened by, and what says who is alive; so all promises are the same. See below.
    ///
    /// ```
    /// use ringway::{Backing, Options, spsc::{Receiver, Sender}};
    /// # let name = format!("doc-system-v-{}", std::process::id());
    /// # let name = name.as_str();
    ///
    /// let options = Options::new().capacity(100).backing(Backing::SystemV);
    /// let mut tx = Sender::<u32>::create_with(name, &options)?;
    /// let mut rx = Receiver::<u32>::open(name)?; // in another process: the name tells where it is
    /// tx.send(7)?;
    /// assert_eq!(rx.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    SystemV,
    /// A file in this directory, in memory or on a disk. Its name is the channel's.
    ///
    /// ```
    /// use ringway::{Backing, Options, spsc::{Receiver, Sender}};
    /// # let directory = std::env::temp_dir().join(format!("ringway-doc-{}", std::process::id()));
    /// # std::fs::create_dir(&directory)?;
    ///
    /// let options = Options::new().capacity(100).backing(Backing::File(directory.clone()));
    /// let mut tx = Sender::<u32>::create_with("orders", &options)?;
    /// let mut rx = Receiver::<u32>::open_with("orders", &options)?; // in another process
    /// tx.send(7)?;
    /// assert_eq!(rx.recv()?, 7);
    /// # drop((tx, rx));
    /// # std::fs::remove_dir(&directory)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    File(PathBuf),
    /// Memory without a name (`memfd_create`; what Android calls ashmem), sealed: nobody can make it shorter or longer. Whoever
    /// makes one hands its descriptor on (`descriptor()` of an end), and who gets it opens [`Backing::Descriptor`].
    ///
    /// ```
    /// use ringway::{Backing, Options, mpmc::{Receiver, Sender}};
    ///
    /// let tx = Sender::<u32>::create_with("orders", &Options::new().capacity(100).backing(Backing::Memfd))?;
    /// let descriptor = tx.descriptor()?; // goes to another process
    ///
    /// let there = Options::new().backing(Backing::Descriptor(descriptor.into()));
    /// let rx = Receiver::<u32>::open_with("orders", &there)?; // there
    /// tx.send(7)?;
    /// assert_eq!(rx.recv()?, 7);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    Memfd,
    /// The memfd of this descriptor, which another end has given or left to this process; for opening only. The name says
    /// nothing then.
    Descriptor(Arc<OwnedFd>),
    /// Memory of this process. What a channel without a name (`channel()`, `pipe()`) has by default, and the only kind that no
    /// other process can be let in to.
    Heap,
}

impl Backing {
    /// The memfd of a descriptor that this process has inherited under this number. The descriptor stays open, and its own.
    ///
    /// # Errors
    ///
    /// There is none of this number, or `/proc` is not there.
    pub fn inherited(number: RawFd) -> io::Result<Self> {
        let path = PathBuf::from(format!("/proc/self/fd/{number}"));
        file::open_through(&path, Access::ReadWrite).map(|file| Self::Descriptor(Arc::new(file)))
    }

    /// Whether it has no name by which another process could open it.
    pub(crate) fn is_nameless(&self) -> bool {
        matches!(self, Self::Memfd | Self::Descriptor(_) | Self::Heap)
    }
}
