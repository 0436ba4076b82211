//! What puts sleepers to sleep.

use std::fmt;

/// By what those who wait at a channel are put to sleep and woken. All who are attached use the same, so the creator decides, and
/// an opener that [names one](crate::Options::waiter) insists on it.
///
/// The futex is the default and the cheapest; the others are there for what watches, checks or does not allow system calls, and
/// to be measured beside it. Each keeps what the channel promises: nobody makes a system call to wake while nobody sleeps, and
/// nobody sleeps longer than a [slice](crate::Options::slice) without asking who is alive.
///
/// | waiter | to sleep | to wake one | a sleeper that is killed | a waker that is killed in the middle | limits |
/// |---|---|---|---|---|---|
/// | `Futex` | one `futex` | one `futex` | leaves nothing | leaves a sleeper that wakes at the end of its slice, or when somebody next wakes one | none |
/// | `Semaphore` | one `futex`, by `sem_clockwait` | one `futex`, by `sem_post`; to wake n, n | leaves a bed that the next one to come there clears; takes no wake from others | as above | 64 beds a bell: who finds none sleeps a millisecond at a time |
/// | `Condvar` | the same, and a mutex taken and given back: one `futex` more each time that it is busy | the same | the same | as above, or until the next one gets the mutex, which the kernel gives back | the same; somebody *stopped* with the mutex delays each wake by a millisecond, and keeps others from sleeping for longer than that |
///
/// `Condvar` is a mutex that outlives its owners (`PTHREAD_MUTEX_ROBUST`) and a condition variable made of semaphores under
/// it. It is not the C library's `pthread_cond_t`: a process that is killed inside `pthread_cond_signal` may leave a lock inside
/// that taken for ever, and then a sleeper in `pthread_cond_timedwait` does not come back when its time is over (glibc 2.36: in
/// 4 of 210 kills).
///
/// Both use objects of the C library in shared memory, so all who are attached have the same one (a segment says which), of the
/// same word length; and whoever can write to these objects can make the library write anywhere, so they are for peers of the
/// same user. They know threads by the numbers of a PID namespace: of two containers that share a channel, one that is killed while it
/// asks for a mutex may set free that of a thread of the other with the same number, which then sleeps to the end of its slice.
/// Where the library has no `sem_clockwait` (glibc before 2.30, musl), deadlines go by the clock that people set: who
/// sets it back makes the sleeps of that moment longer by as much.
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
}

impl Waiter {
    /// The number that stands for it in a header.
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Futex => 0,
            Self::Condvar => 1,
            Self::Semaphore => 2,
        }
    }

    /// The waiter with this number.
    pub(crate) fn from_code(code: u32) -> Option<Self> {
        [Self::Futex, Self::Condvar, Self::Semaphore].into_iter().find(|waiter| waiter.code() == code)
    }

    /// As the program prints it: `futex`, `condvar`, `semaphore`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Futex => "futex",
            Self::Condvar => "condvar",
            Self::Semaphore => "semaphore",
        }
    }
}

impl fmt::Display for Waiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
