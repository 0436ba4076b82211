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

            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                let entered = enter(&asked($role), name, how, options)?;
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
