//! What the receiving ends of messages have in common: the ordinary end inside says it.

macro_rules! common {
    () => {
        /// Whether the sender is known to be gone, or this end cannot be used. Asks the kernel.
        pub fn is_disconnected(&self) -> bool {
            self.0.is_disconnected()
        }

        /// Why the channel is disconnected; `None` while it is not. Asks the kernel.
        pub fn disconnect_reason(&self) -> Option<crate::channel::reason::DisconnectReason> {
            self.0.disconnect_reason()
        }

        /// What this end has done so far.
        pub fn stats(&self) -> crate::channel::end::Stats {
            self.0.stats()
        }

        /// Waits otherwise from now on.
        pub fn set_wait(&mut self, strategy: crate::wait::strategy::WaitStrategy) {
            self.0.set_wait(strategy);
        }

        /// Says that nothing more is received. Idempotent; dropping does the same.
        pub fn close(&mut self) {
            self.0.close();
        }
    };
}

pub(super) use common;
