//! The ends of `std::sync::mpsc`'s bounded channel, written once for messages of all kinds.

/// A module's contents. `$any` is what every message is, `$send` what one that is sent is besides, `$recv` one that is
/// received. `native` is in scope: the ends that these stand on.
macro_rules! std_ends {
    ([$($any:tt)*], [$($send:tt)*], [$($recv:tt)*]) => {
        use crate::channel::error::{self, OpenError};
        use crate::channel::options::Options;
        use crate::compat::carry::{CarryRecv, CarrySend};
        use crate::compat::common::{self, named};
        use std::cell::Cell;
        use std::fmt;
        use std::marker::PhantomData;
        use std::panic::{RefUnwindSafe, UnwindSafe};
        use std::time::Duration;

        pub use std::sync::mpsc::{RecvError, RecvTimeoutError, SendError, TryRecvError, TrySendError};

        /// Both ends of a channel inside this process, for exactly `bound` messages.
        ///
        /// # Panics
        ///
        /// If `bound` is 0 (there is no rendezvous), or there is no memory for the channel, or messages are too large for
        /// it: std's signature has no other place for that. [`sync_channel_with`] returns an error.
        #[track_caller]
        pub fn sync_channel<T $($any)*>(bound: usize) -> (SyncSender<T>, Receiver<T>) {
            common::must(sync_channel_with(&common::options(bound, "sync_channel")), "sync_channel")
        }

        /// Both ends of a channel inside this process, made with these options.
        ///
        /// # Errors
        ///
        /// [`OpenError`](crate::OpenError): no memory, or options that cannot be met.
        pub fn sync_channel_with<T $($any)*>(options: &Options) -> Result<(SyncSender<T>, Receiver<T>), OpenError> {
            let (tx, rx) = native::channel_with(options)?;
            Ok((SyncSender::from(tx), Receiver::from(rx)))
        }

        /// The sending half of a channel. Cloning it gives another one; all may be used by several threads at once.
        pub struct SyncSender<T $($any)*> {
            native: native::Sender<T>,
        }

        named!(SyncSender: Sender, [$($any)*], "sender");

        impl<T: $($send)*> SyncSender<T> {
            /// Sends `t`, waiting while the channel is full.
            ///
            /// # Errors
            ///
            /// [`SendError`] hands the message back: no receiver is left.
            #[inline]
            pub fn send(&self, t: T) -> Result<(), SendError<T>> {
                CarrySend::send(&self.native, t).map_err(|error| SendError(error.0))
            }

            /// Sends `t` if there is room now.
            ///
            /// # Errors
            ///
            /// [`TrySendError`] hands the message back.
            #[inline]
            pub fn try_send(&self, t: T) -> Result<(), TrySendError<T>> {
                CarrySend::try_send(&self.native, t).map_err(|error| match error {
                    error::TrySendError::Full(t) => TrySendError::Full(t),
                    error::TrySendError::Disconnected(t) => TrySendError::Disconnected(t),
                })
            }
        }

        impl<T $($any)*> Clone for SyncSender<T> {
            fn clone(&self) -> Self {
                Self { native: self.native.clone() }
            }
        }

        impl<T $($any)*> From<native::Sender<T>> for SyncSender<T> {
            fn from(native: native::Sender<T>) -> Self {
                Self { native }
            }
        }

        impl<T $($any)*> From<SyncSender<T>> for native::Sender<T> {
            fn from(end: SyncSender<T>) -> Self {
                end.native
            }
        }

        impl<T $($any)*> UnwindSafe for SyncSender<T> {}
        impl<T $($any)*> RefUnwindSafe for SyncSender<T> {}

        impl<T $($any)*> fmt::Debug for SyncSender<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("SyncSender").finish_non_exhaustive()
            }
        }

        /// The receiving half of a channel: one in this process, used by one thread at a time. (Another process may open
        /// the channel as a receiver, too; then each message goes to one of them.)
        ///
        /// ```compile_fail,E0277
        #[doc = concat!("fn shared<T: Sync>() {}\nshared::<", module_path!(), "::Receiver<u32>>();")]
        /// ```
        pub struct Receiver<T $($any)*> {
            native: native::Receiver<T>,
            /// As std's it is not `Sync`.
            one_thread: PhantomData<Cell<()>>,
        }

        named!(Receiver: Receiver, [$($any)*], "receiver");

        impl<T: $($recv)*> Receiver<T> {
            /// The next message if there is one now.
            ///
            /// # Errors
            ///
            /// [`TryRecvError`].
            #[inline]
            pub fn try_recv(&self) -> Result<T, TryRecvError> {
                CarryRecv::try_recv(&self.native).map_err(|error| match error {
                    error::TryRecvError::Empty => TryRecvError::Empty,
                    error::TryRecvError::Disconnected => TryRecvError::Disconnected,
                })
            }

            /// The next message, waiting while there is none.
            ///
            /// # Errors
            ///
            /// [`RecvError`]: nothing is left, and no sender is.
            #[inline]
            pub fn recv(&self) -> Result<T, RecvError> {
                CarryRecv::recv(&self.native).map_err(|_| RecvError)
            }

            /// The next message, waiting for it for so long; with `Duration::MAX` for ever.
            ///
            /// # Errors
            ///
            /// [`RecvTimeoutError`].
            pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
                CarryRecv::recv_timeout(&self.native, timeout).map_err(|error| match error {
                    error::RecvTimeoutError::Timeout => RecvTimeoutError::Timeout,
                    error::RecvTimeoutError::Disconnected => RecvTimeoutError::Disconnected,
                })
            }

            /// Messages as they come, until nothing is left and no sender is. Waits between them.
            pub fn iter(&self) -> Iter<'_, T> {
                Iter { rx: self }
            }

            /// The messages that are there now. Does not wait.
            pub fn try_iter(&self) -> TryIter<'_, T> {
                TryIter { rx: self }
            }
        }

        impl<T $($any)*> From<native::Receiver<T>> for Receiver<T> {
            fn from(native: native::Receiver<T>) -> Self {
                Self { native, one_thread: PhantomData }
            }
        }

        impl<T $($any)*> From<Receiver<T>> for native::Receiver<T> {
            fn from(end: Receiver<T>) -> Self {
                end.native
            }
        }

        impl<T $($any)*> UnwindSafe for Receiver<T> {}
        impl<T $($any)*> RefUnwindSafe for Receiver<T> {}

        impl<T $($any)*> fmt::Debug for Receiver<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Receiver").finish_non_exhaustive()
            }
        }

        /// Waits for each message; ends when nothing is left and no sender is. See [`Receiver::iter`].
        pub struct Iter<'a, T $($any)*> {
            rx: &'a Receiver<T>,
        }

        /// The messages that are there now. See [`Receiver::try_iter`].
        pub struct TryIter<'a, T $($any)*> {
            rx: &'a Receiver<T>,
        }

        /// As [`Iter`], owning the receiver.
        pub struct IntoIter<T $($any)*> {
            rx: Receiver<T>,
        }

        impl<'a, T: $($recv)*> Iterator for Iter<'a, T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.rx.recv().ok()
            }
        }

        impl<'a, T: $($recv)*> Iterator for TryIter<'a, T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.rx.try_recv().ok()
            }
        }

        impl<T: $($recv)*> Iterator for IntoIter<T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.rx.recv().ok()
            }
        }

        impl<'a, T: $($recv)*> IntoIterator for &'a Receiver<T> {
            type Item = T;
            type IntoIter = Iter<'a, T>;

            fn into_iter(self) -> Iter<'a, T> {
                self.iter()
            }
        }

        impl<T: $($recv)*> IntoIterator for Receiver<T> {
            type Item = T;
            type IntoIter = IntoIter<T>;

            fn into_iter(self) -> IntoIter<T> {
                IntoIter { rx: self }
            }
        }

        impl<T $($any)*> fmt::Debug for Iter<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("Iter").field("rx", &self.rx).finish()
            }
        }

        impl<T $($any)*> fmt::Debug for TryIter<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("TryIter").field("rx", &self.rx).finish()
            }
        }

        impl<T $($any)*> fmt::Debug for IntoIter<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("IntoIter").field("rx", &self.rx).finish()
            }
        }
    };
}

pub(super) use std_ends;
