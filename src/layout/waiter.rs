//! What puts sleepers to sleep.

use std::fmt;

/// By what those who wait at a channel are put to sleep and woken. All who are attached use the same, so the creator decides, and
/// an opener that [names one](crate::Options::waiter) insists on it.
///
/// The futex is the default and the cheapest; the others are there for what watches, checks or does not allow system calls, and
/// to be measured beside it. Each keeps what the channel promises: nobody makes a system call to wake while nobody sleeps, and
/// nobody sleeps longer than a [slice](crate::Options::slice) without asking who is alive.
///
/// | waiter | channels | to sleep | to wake one | a sleeper that is killed | a waker that is killed in the middle | limits |
/// |---|---|---|---|---|---|---|
/// | `Futex` | all | one `futex` | one `futex` | leaves nothing | leaves a sleeper that wakes at the end of its slice, or when somebody next wakes one | none |
/// | `Semaphore` | all | one `futex`, by `sem_clockwait` | one `futex`, by `sem_post`; to wake n, n | leaves a bed that the next one to come there clears; takes no wake from others | as above | 64 beds a bell: who finds none sleeps a millisecond at a time |
/// | `Condvar` | all | the same, and a mutex taken and given back: one `futex` more each time that it is busy | the same | the same | as above, or until the next one gets the mutex, which the kernel gives back | the same; somebody *stopped* with the mutex delays each wake by a millisecond, and keeps others from sleeping for longer than that |
/// | `MessageQueue` | with a name; on the heap | `mq_receive`, for what is left from before, and `ppoll` | one `mq_send`; to wake n, n | the same | leaves a sleeper that wakes at the end of its slice | the same, and of the kernel: a queue and, in each process, a descriptor for each bed that is slept in |
/// | `EventFd` | on the heap | `read`, for what is left from before, and `ppoll` | one `write`; to wake n, n | - | - | 64 beds a bell, and a descriptor for each that is slept in |
///
/// What that costs on one machine (`ringway bench waiters`, a virtual machine of two processors, medians of 15 rounds in turns): a
/// round trip of 8 bytes between two processes that both always sleep, and sending to somebody who sleeps. Between two processors most
/// of it is the machine's waking of the other one; on one (`taskset -c 1`) it is what the waiter does, and the kernel's change of
/// processes.
///
/// | | `Futex` | `Semaphore` | `Condvar` | `MessageQueue` | `EventFd` (two threads) |
/// |---|---|---|---|---|---|
/// | round trip, one processor | 4.8 µs | 5.0, 1.04 times | 14.0, 2.9 times | 6.8, 1.4 times | 5.7, 1.2 times |
/// | round trip, two processors | 30 µs | 31, 1.0 times | 32, 1.05 times | 35, 1.1 times | 30, 1.0 times |
/// | a wake, two processors | 6.7 µs | 7.0 | 6.8 | 7.3 | 6.5 |
///
/// `Condvar` is a mutex that outlives its owners (`PTHREAD_MUTEX_ROBUST`) and a condition variable made of semaphores under
/// it. It is not the C library's `pthread_cond_t`: a process that is killed inside `pthread_cond_signal` may leave a lock inside
/// that taken for ever, and then a sleeper in `pthread_cond_timedwait` does not come back when its time is over (glibc 2.36: in
/// 4 of 210 kills).
///
/// All but the futex use objects of the C library in shared memory (`MessageQueue` and `EventFd` its mutexes, which say who has
/// died asleep), so all who are attached have the same one (a segment says which), of the same word length; and whoever can write
/// to these objects can make the library write anywhere, so they are for peers of the same user. They know threads by the numbers of
/// a PID namespace: of two containers that share a channel, one that is killed while it asks for a mutex may set free that of a
/// thread of the other with the same number, which then sleeps to the end of its slice. Where the library has no `sem_clockwait` (glibc before 2.30, musl), the deadlines of `Semaphore` and `Condvar` go by the clock that people set: who sets
/// it back makes the sleeps of that moment longer by as much.
///
/// # Message queues
///
/// Each bed that anybody has slept in has a queue of one message of one byte; who wakes puts it there, or finds it there. The queue's
/// name goes with the channel's instance, whoever needs it first makes it, for its user alone (0600), and whoever removes the
/// channel removes it, [`clean`](crate::observe::clean) included: nothing is left behind by a death. Channels without a name, in a memfd, have nobody who
/// would do that, and are refused; on the heap, a queue loses its name as soon as it is made. There are 256 queues in an IPC
/// namespace (`/proc/sys/fs/mqueue/queues_max`), and so many bytes of them for a user (`RLIMIT_MSGQUEUE`, `ulimit -q`: about a
/// hundred a queue). No queue for the first to sleep on each bell is an error for who makes the channel or comes to it
/// ([`SegmentError::NoQueue`](crate::SegmentError::NoQueue)); a further sleeper that gets none, or no descriptor, sleeps a millisecond
/// at a time, and a waker that gets none leaves whom it wakes asleep until the end of its slice. All who are attached must be in the
/// same IPC namespace: in another one the same name is another queue, wakes come at the end of a slice, and the queue stays until that
/// namespace ends, unless whoever removes the channel is in it. Who removes a
/// channel's file by hand (`rm`) leaves its queues to the last one who is attached, and if all of those are killed, to nobody: then
/// they stay (`/dev/mqueue`, names that begin with `ringway.`) until somebody removes them by hand, or the machine restarts.
///
/// # Eventfds
///
/// An eventfd has no name: another process cannot open it through `/proc` (ENXIO), and `pidfd_getfd`, which copies it, asks for the
/// rights of a debugger, which a peer of the same user has or has not (`kernel.yama.ptrace_scope`, `PR_SET_DUMPABLE`, containers).
/// So a channel that other processes can come to is refused with it, and both ends are in one process, on the heap. These
/// eventfds are the channel's own: none is given out to be polled beside other descriptors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Waiter {
    /// The kernel's futex, on a word of the segment.
    #[default]
    Futex,
    /// A process-shared mutex that outlives its owners, and a condition variable.
    Condvar,
    /// Process-shared semaphores, one for each who sleeps.
    Semaphore,
    /// POSIX message queues, one for each who sleeps: for channels with a name, and on the heap.
    MessageQueue,
    /// Eventfds, one for each who sleeps: for channels on the heap.
    EventFd,
}

impl Waiter {
    /// The number that stands for it in a header.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Futex => 0,
            Self::Condvar => 1,
            Self::Semaphore => 2,
            Self::MessageQueue => 3,
            Self::EventFd => 4,
        }
    }

    /// The waiter with this number, if it is one of a channel that other processes can come to.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        let shared = [Self::Futex, Self::Condvar, Self::Semaphore, Self::MessageQueue];
        shared.into_iter().find(|waiter| waiter.code() == code)
    }

    /// As the program prints it: `futex`, `condvar`, `semaphore`, `message-queue`, `eventfd`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Futex => "futex",
            Self::Condvar => "condvar",
            Self::Semaphore => "semaphore",
            Self::MessageQueue => "message-queue",
            Self::EventFd => "eventfd",
        }
    }
}

impl fmt::Display for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
