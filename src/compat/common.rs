//! What both modules have in common: a channel that cannot fail to be made, and ends with a name.

use crate::channel::options::Options;

/// The options of a channel for `capacity` messages.
///
/// # Panics
///
/// If that is 0.
#[track_caller]
pub(super) fn options(capacity: usize, call: &str) -> Options {
    assert!(
        capacity > 0,
        "{call}(0): a channel between processes holds at least one message, there is no rendezvous; \
         take a capacity of 1, and a second channel for the answer where the sender must know that it was received"
    );
    Options::new().capacity(capacity)
}

/// Ends and the constructor that cannot be there across processes without a panic.
///
/// # Panics
///
/// If there are no such ends.
#[track_caller]
pub(super) fn must<T>(made: Result<T, crate::channel::error::OpenError>, call: &str) -> T {
    match made {
        Ok(made) => made,
        Err(error) => panic!("{call}: {error}; `{call}_with` returns this as an error"),
    }
}

/// How an end comes to a channel between processes, and to the end `$native` that it stands on. `$any` is what every message is.
macro_rules! named {
    ($end:ident: $native:ident, [$($any:tt)*], $noun:literal) => {
        impl<T $($any)*> $end<T> {
            #[doc = concat!("A ", $noun, " of the channel `name`, which is opened if it is there, and created for exactly")]
            /// `capacity` messages if not: for sides that may start in any order.
            ///
            /// # Errors
            ///
            /// [`OpenError`](crate::OpenError): a bad name, another type or capacity, no room in `/dev/shm`, something of
            /// somebody else's.
            pub fn open_or_create(name: &str, capacity: usize) -> Result<Self, OpenError> {
                native::$native::open_or_create(name, capacity).map(Self::from)
            }

            #[doc = concat!("A ", $noun, " of the channel `name`, which is created for exactly `capacity` messages.")]
            ///
            /// # Errors
            ///
            /// As [`open_or_create`](Self::open_or_create); and a channel in use is there.
            pub fn create(name: &str, capacity: usize) -> Result<Self, OpenError> {
                native::$native::create(name, capacity).map(Self::from)
            }

            #[doc = concat!("A ", $noun, " of the channel `name`, which is there.")]
            ///
            /// # Errors
            ///
            /// As [`open_or_create`](Self::open_or_create); and nothing is there that anybody uses.
            pub fn open(name: &str) -> Result<Self, OpenError> {
                native::$native::open(name).map(Self::from)
            }

            /// The end that this one stands on: for what only channels between processes have.
            pub fn native(&self) -> &native::$native<T> {
                &self.native
            }

            /// The same, for good.
            pub fn into_native(self) -> native::$native<T> {
                self.native
            }
        }
    };
}

pub(super) use named;
