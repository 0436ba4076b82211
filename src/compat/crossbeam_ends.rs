//! The ends of `crossbeam_channel`, written once for messages of all kinds.

/// A module's contents. `$any` is what every message is, `$send` what one that is sent is besides, `$recv` one that is
/// received. `native` is in scope: the ends that these stand on.
macro_rules! crossbeam_ends {
    ([$($any:tt)*], [$($send:tt)*], [$($recv:tt)*]) => {
        use crate::channel::error::OpenError;
        use crate::channel::options::Options;
        use crate::compat::carry::{CarryRecv, CarrySend};
        use crate::compat::common::{self, named};
        use crate::compat::crossbeam_ends::both;
        use crate::wait::deadline::until;
        use std::fmt;
        use std::iter::FusedIterator;
        use std::panic::{RefUnwindSafe, UnwindSafe};
        use std::time::{Duration, Instant};

        pub use crate::channel::error::{
            RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError,
        };

        /// Both ends of a channel inside this process, for exactly `cap` messages.
        ///
        /// # Panics
        ///
        /// If `cap` is 0 (there is no rendezvous), or there is no memory for the channel, or messages are too large for it:
        /// crossbeam's signature has no other place for that. [`bounded_with`] returns an error.
        #[track_caller]
        pub fn bounded<T $($any)*>(cap: usize) -> (Sender<T>, Receiver<T>) {
            common::must(bounded_with(&common::options(cap, "bounded")), "bounded")
        }

        /// Both ends of a channel inside this process, made with these options.
        ///
        /// # Errors
        ///
        /// [`OpenError`](crate::OpenError): no memory, or options that cannot be met.
        pub fn bounded_with<T $($any)*>(options: &Options) -> Result<(Sender<T>, Receiver<T>), OpenError> {
            let (tx, rx) = native::channel_with(options)?;
            Ok((Sender::from(tx), Receiver::from(rx)))
        }

        /// The sending side of a channel. Cloning it gives another one; all may be used by several threads at once.
        pub struct Sender<T $($any)*> {
            native: native::Sender<T>,
        }

        impl<T: $($send)*> Sender<T> {
            /// Sends `msg` if there is room now.
            ///
            /// # Errors
            ///
            /// [`TrySendError`] hands the message back.
            #[inline]
            pub fn try_send(&self, msg: T) -> Result<(), TrySendError<T>> {
                CarrySend::try_send(&self.native, msg)
            }

            /// Sends `msg`, waiting while the channel is full.
            ///
            /// # Errors
            ///
            /// [`SendError`] hands the message back: no receiver is left.
            #[inline]
            pub fn send(&self, msg: T) -> Result<(), SendError<T>> {
                CarrySend::send(&self.native, msg)
            }

            /// Sends `msg`, waiting for room for so long; with `Duration::MAX` for ever.
            ///
            /// # Errors
            ///
            /// [`SendTimeoutError`] hands the message back.
            pub fn send_timeout(&self, msg: T, timeout: Duration) -> Result<(), SendTimeoutError<T>> {
                CarrySend::send_timeout(&self.native, msg, timeout)
            }

            /// Sends `msg`, waiting for room until then.
            ///
            /// # Errors
            ///
            /// [`SendTimeoutError`] hands the message back.
            pub fn send_deadline(&self, msg: T, deadline: Instant) -> Result<(), SendTimeoutError<T>> {
                self.send_timeout(msg, until(deadline))
            }
        }

        /// The receiving side of a channel. Cloning it gives another one, and each message goes to one of them; all may be
        /// used by several threads at once.
        pub struct Receiver<T $($any)*> {
            native: native::Receiver<T>,
        }

        impl<T: $($recv)*> Receiver<T> {
            /// The next message if there is one now.
            ///
            /// # Errors
            ///
            /// [`TryRecvError`].
            #[inline]
            pub fn try_recv(&self) -> Result<T, TryRecvError> {
                CarryRecv::try_recv(&self.native)
            }

            /// The next message, waiting while there is none.
            ///
            /// # Errors
            ///
            /// [`RecvError`]: nothing is left, and no sender is.
            #[inline]
            pub fn recv(&self) -> Result<T, RecvError> {
                CarryRecv::recv(&self.native)
            }

            /// The next message, waiting for it for so long; with `Duration::MAX` for ever.
            ///
            /// # Errors
            ///
            /// [`RecvTimeoutError`].
            pub fn recv_timeout(&self, timeout: Duration) -> Result<T, RecvTimeoutError> {
                CarryRecv::recv_timeout(&self.native, timeout)
            }

            /// The next message, waiting for it until then.
            ///
            /// # Errors
            ///
            /// [`RecvTimeoutError`].
            pub fn recv_deadline(&self, deadline: Instant) -> Result<T, RecvTimeoutError> {
                self.recv_timeout(until(deadline))
            }

            /// Messages as they come, until nothing is left and no sender is. Waits between them.
            pub fn iter(&self) -> Iter<'_, T> {
                Iter { receiver: Some(self) }
            }

            /// The messages that are there now. Does not wait.
            pub fn try_iter(&self) -> TryIter<'_, T> {
                TryIter { receiver: self }
            }
        }

        both!(Sender, [$($any)*], "sender", "Sender { .. }");
        both!(Receiver, [$($any)*], "receiver", "Receiver { .. }");

        /// Waits for each message; ends, and stays ended, when nothing is left and no sender is. See [`Receiver::iter`].
        pub struct Iter<'a, T $($any)*> {
            receiver: Option<&'a Receiver<T>>,
        }

        /// The messages that are there now. See [`Receiver::try_iter`].
        pub struct TryIter<'a, T $($any)*> {
            receiver: &'a Receiver<T>,
        }

        /// As [`Iter`], owning the receiver, which it drops when it ends.
        pub struct IntoIter<T $($any)*> {
            receiver: Option<Receiver<T>>,
        }

        impl<T: $($recv)*> Iterator for Iter<'_, T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                let message = self.receiver?.recv().ok();
                if message.is_none() {
                    self.receiver = None; // whoever may come to the other end: fused
                }
                message
            }
        }

        impl<T: $($recv)*> Iterator for TryIter<'_, T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                self.receiver.try_recv().ok()
            }
        }

        impl<T: $($recv)*> Iterator for IntoIter<T> {
            type Item = T;

            fn next(&mut self) -> Option<T> {
                let message = self.receiver.as_ref()?.recv().ok();
                if message.is_none() {
                    self.receiver = None;
                }
                message
            }
        }

        impl<T: $($recv)*> FusedIterator for Iter<'_, T> {}
        impl<T: $($recv)*> FusedIterator for IntoIter<T> {}

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
                IntoIter { receiver: Some(self) }
            }
        }

        impl<T $($any)*> fmt::Debug for Iter<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad("Iter { .. }")
            }
        }

        impl<T $($any)*> fmt::Debug for TryIter<'_, T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad("TryIter { .. }")
            }
        }

        impl<T $($any)*> fmt::Debug for IntoIter<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad("IntoIter { .. }")
            }
        }
    };
}

/// What both ends have.
macro_rules! both {
    ($end:ident, [$($any:tt)*], $noun:literal, $text:literal) => {
        named!($end: $end, [$($any)*], $noun);

        impl<T $($any)*> $end<T> {
            /// Whether `len` is 0.
            pub fn is_empty(&self) -> bool {
                self.native.is_empty()
            }

            /// Whether the channel has no room.
            pub fn is_full(&self) -> bool {
                self.native.is_full()
            }

            /// Messages that were sent and not received yet.
            pub fn len(&self) -> usize {
                self.native.len()
            }

            /// Messages that the channel holds at most: always some number.
            pub fn capacity(&self) -> Option<usize> {
                Some(self.native.capacity())
            }

            /// Whether this is an end of the same channel as `other`, in whatever process either was made.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.native.same_channel(&other.native)
            }
        }

        impl<T $($any)*> From<native::$end<T>> for $end<T> {
            fn from(native: native::$end<T>) -> Self {
                Self { native }
            }
        }

        impl<T $($any)*> From<$end<T>> for native::$end<T> {
            fn from(end: $end<T>) -> Self {
                end.native
            }
        }

        impl<T $($any)*> Clone for $end<T> {
            fn clone(&self) -> Self {
                Self { native: self.native.clone() }
            }
        }

        impl<T $($any)*> UnwindSafe for $end<T> {}
        impl<T $($any)*> RefUnwindSafe for $end<T> {}

        impl<T $($any)*> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad($text)
            }
        }
    };
}

pub(super) use {both, crossbeam_ends};
