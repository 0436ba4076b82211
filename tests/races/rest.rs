//! How those rest who have nothing to do.

use ringway::{Options, WaitStrategy, Waiter};
use std::fmt;
use std::time::Duration;

/// What an end sleeps on, and when it does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest {
    waiter: Waiter,
    strategy: WaitStrategy,
}

const SPIN_THEN_SLEEP: WaitStrategy = WaitStrategy::SpinThenSleep(Duration::from_micros(20));

impl Rest {
    /// Every strategy on futexes; and of the other waiters those who sleep at once, since who does not sleep uses none.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        let futex = [WaitStrategy::Sleep, SPIN_THEN_SLEEP, WaitStrategy::Spin];
        let futex = futex.into_iter().map(|strategy| Self { waiter: Waiter::Futex, strategy });
        let others = [Waiter::Condvar, Waiter::Semaphore, Waiter::MessageQueue, Waiter::EventFd];
        futex.chain(others.into_iter().map(|waiter| Self { waiter, strategy: WaitStrategy::Sleep }))
    }

    /// Why nobody can rest like that here, if so.
    pub(crate) fn impossible(self) -> Option<String> {
        if cfg!(miri) && self.waiter != Waiter::Futex {
            return Some("Miri knows of what the kernel puts to sleep only the futex".to_owned());
        }
        // Message queues may be forbidden, or used up by others. Whatever else is not to be had is a fault.
        match ringway::spsc::channel_with::<u8>(&self.options().capacity(1)) {
            Err(error) if self.waiter == Waiter::MessageQueue => Some(error.to_string()),
            made => {
                made.unwrap_or_else(|error| panic!("{self}: {error}"));
                None
            }
        }
    }

    /// So many of the messages: on a machine that has much else to do, whoever only spins waits for somebody else's turn each time.
    pub(crate) fn share(self, messages: u64) -> u64 {
        if self.strategy == WaitStrategy::Spin { (messages / 10).max(8) } else { messages }
    }

    pub(crate) fn options(self) -> Options {
        Options::new().waiter(self.waiter).wait(self.strategy)
    }
}

impl fmt::Display for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.strategy {
            WaitStrategy::Sleep => "sleep",
            WaitStrategy::Spin => "spin",
            _ => "spin-then-sleep",
        };
        write!(f, "{}/{when}", self.waiter)
    }
}
