//! How both ends of a stream are made.

/// The constructors of `$end`; `$ring` is its end of the ring.
macro_rules! constructors {
    ($end:ident, $role:expr, $ring:ident, $does:literal, $other:literal) => {
        impl $end {
            #[doc = concat!("Creates the stream `name` and ", $does, " it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn create(name: &str) -> Result<Self, OpenError> {
                Self::enter(name, How::Create, &Options::new())
            }

            #[doc = concat!("Creates the stream `name` with these options and ", $does, " it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                Self::enter(name, How::Create, options)
            }

            #[doc = concat!("Opens the stream `name`, which ", $other, " has created, and ", $does, " it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn open(name: &str) -> Result<Self, OpenError> {
                Self::enter(name, How::Open, &Options::new())
            }

            #[doc = concat!("Opens the stream `name` with these options and ", $does, " it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn open_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                Self::enter(name, How::Open, options)
            }

            #[doc = concat!("Opens the stream `name` or creates it, and ", $does, " it: for sides that may start in any order.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn open_or_create(name: &str) -> Result<Self, OpenError> {
                Self::enter(name, How::OpenOrCreate, &Options::new())
            }

            #[doc = concat!("Opens the stream `name` or creates it, with these options, and ", $does, " it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`].
            pub fn open_or_create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                Self::enter(name, How::OpenOrCreate, options)
            }

            /// A descriptor by which another process opens a channel in a [memfd](crate::Backing::Memfd): it gets it by
            /// inheritance or through a socket, and opens [`Backing::Descriptor`](crate::Backing::Descriptor). It is closed on
            /// `exec` unless that is changed. Whoever has it can read and write all of the channel.
            ///
            /// # Errors
            ///
            /// The channel is in no memfd; there is no descriptor left, or no `/proc`.
            pub fn descriptor(&self) -> Result<std::os::fd::OwnedFd, OpenError> {
                Ok(self.end.seat().descriptor()?)
            }

            #[cfg(not(loom))]
            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                Self::seated(enter(&asked($role), name, how, options)?, options)
            }

            #[cfg(loom)]
            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                Err(enter(asked($role), name, how, options).expect_err("no files in a model"))
            }

            /// The end that sits there.
            #[cfg(not(loom))]
            pub(crate) fn seated(entered: crate::channel::open::Entered, options: &Options) -> Result<Self, OpenError> {
                let frames = Frames::new(entered.seat.control(), &entered.header.geometry);
                let control = entered.seat.control().clone();
                // From here on leaving is in good order, also if the ring's words turn out to be impossible.
                let end = End::new(entered.seat, options, true);
                Ok(Self::new($ring::attach(control, frames).map_err(corrupt)?, end))
            }
        }
    };
}

pub(super) use constructors;
