//! The kernel, one small file a family of calls. Nothing here knows what a segment is.
//!
//! | file | calls | oldest kernel |
//! |---|---|---|
//! | `futex` | `futex(FUTEX_WAIT_BITSET, FUTEX_WAKE)`, shared scope only | 2.6.25 |
//! | `byte_lock` | `fcntl(F_OFD_SETLK, F_OFD_GETLK)` | 3.15 |
//! | `file` | `open(O_TMPFILE)`, `linkat`, `fallocate`, `fstat`, `statfs` | 3.11 |
//! | `file` | `memfd_create`, `F_ADD_SEALS`, for those without a name | 3.17 |
//! | `sealed` | `F_ADD_SEALS`, `F_SEAL_FUTURE_WRITE` among them, for what is handed to somebody else | 5.1 |
//! | `socket` | `connect`, `sendmsg`, `recvmsg`, `getsockopt(SO_PEERCRED)`, `poll` on Unix sockets | 2.6.23 |
//! | `turn` | `flock`, on a file beside a socket | 2.0 |
//! | `fork` | `madvise(MADV_WIPEONFORK)`, `pthread_atfork` | 4.14 |
//! | `sigbus` | `sigaction`, `mmap(MAP_FIXED)` in a handler; `ranges` is its table | - |
//! | `membarrier` | `membarrier(GLOBAL_EXPEDITED)`; without it senders fence | 4.16 |
//! | `posix` | `pthread_mutex_*` (robust), `sem_*`, shared between processes: the waiters that are no futex | - |
//! | `queue` | `mq_open`, `mq_send`, `mq_receive`, for sleepers whom a message wakes | 2.6.6 |
//! | `event` | `eventfd`, for those of one process | 2.6.27 |
//! | `poll` | `ppoll` on one of these, till a time of the monotonic clock | 2.6.16 |
//! | `sysv` | `shmget`, `shmat`, `shmctl`, for channels in System V segments | - |
//! | `pages` | `madvise(MADV_HUGEPAGE, MADV_POPULATE_WRITE)`, `mlock`, `mbind`, when they are asked for | 5.14 |
//! | `boot` | `/proc/sys/kernel/random/boot_id`, for files on a disk | - |
//! | `random` | `getrandom` | 3.17 |
//! | `known` | none: what was asked for once, and is not asked for again | - |
//! | `cache` | `/sys/devices/system/cpu/cpu0/cache`: for a size that nobody has named, once | - |
//! | `clock` | `clock_gettime`, monotonic, never set by anyone | - |
//! | `process` | `getpid`, `/proc/PID/stat`: for people to read, never to decide anything | - |
//!
//! Calls that change what another process sees are preceded by a step (`sync::step`), so that unit tests can end a
//! process before each of them.

pub(crate) mod boot;
pub(crate) mod byte_lock;
pub(crate) mod cache;
pub(crate) mod clock;
#[cfg(not(loom))]
pub(crate) mod event;
pub(crate) mod file;
pub(crate) mod fork;
#[cfg(not(loom))]
pub(crate) mod futex;
pub(crate) mod known;
#[cfg(not(loom))]
pub(crate) mod membarrier;
pub(crate) mod pages;
pub(crate) mod patience;
#[cfg(not(loom))]
pub(crate) mod poll;
#[cfg(any(not(loom), test))]
#[cfg_attr(loom, path = "modelled_posix.rs")]
pub(crate) mod posix;
pub(crate) mod process;
pub(crate) mod queue;
pub(crate) mod random;
pub(crate) mod ranges;
#[cfg(not(loom))]
pub(crate) mod sealed;
#[cfg(not(loom))]
pub(crate) mod sigbus;
#[cfg(not(loom))]
pub(crate) mod socket;
pub(crate) mod sysv;
#[cfg(not(loom))]
pub(crate) mod turn;

#[cfg(test)]
mod tests;
