//! What typed ends have from the ends of bytes that they stand on.

/// The constructors and the questions of an end.
macro_rules! common {
    ($end:ident, $noun:literal, $peer:literal) => {
        impl<T, C> $end<T, C> {
            #[doc = concat!("Creates the channel `name`, for exactly `capacity` messages on their way, and is a ", $noun, " of it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`]: a bad name, a channel in use there or a persistent one, no room in `/dev/shm`, something of
            /// somebody else's.
            ///
            /// # If this process dies here
            ///
            /// As [`bytes::mpmc`](crate::bytes::mpmc): others find nothing, or a complete segment.
            pub fn create(name: &str, capacity: usize) -> Result<Self, OpenError> {
                Self::create_with(name, &Options::new().capacity(capacity))
            }

            /// Creates the channel `name` with these options. See [`create`](Self::create).
            ///
            /// # Errors
            ///
            /// As `create`; and options that cannot be met.
            pub fn create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                mpmc::$end::create_with(name, options).map(Self::from)
            }

            #[doc = concat!("Opens the channel `name`, which is there, and is a ", $noun, " of it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`]: nothing there that anybody uses or that is persistent, too many members, another kind, version or
            /// [type tag](Options::type_tag).
            pub fn open(name: &str) -> Result<Self, OpenError> {
                Self::open_with(name, &Options::new())
            }

            /// Opens the channel `name` with these options. See [`open`](Self::open).
            ///
            /// # Errors
            ///
            /// As `open`, when `Options::open_timeout` is over; and another capacity than the options insist on.
            pub fn open_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                mpmc::$end::open_with(name, options).map(Self::from)
            }

            #[doc = concat!("Opens the channel `name` or creates it, and is a ", $noun, " of it: for sides that may start in any order.")]
            ///
            /// # Errors
            ///
            /// As [`open`](Self::open) and [`create`](Self::create).
            pub fn open_or_create(name: &str, capacity: usize) -> Result<Self, OpenError> {
                Self::open_or_create_with(name, &Options::new().capacity(capacity))
            }

            /// Opens the channel `name` or creates it, with these options.
            ///
            /// # Errors
            ///
            /// As [`open_with`](Self::open_with) and [`create_with`](Self::create_with).
            pub fn open_or_create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                mpmc::$end::open_or_create_with(name, options).map(Self::from)
            }

            #[doc = concat!("The end of bytes that this one stands on: for what has been encoded elsewhere, and all that is asked of a ", $noun, ".")]
            pub fn bytes(&self) -> &mpmc::$end {
                &self.bytes
            }

            /// The same, for good.
            pub fn into_bytes(self) -> mpmc::$end {
                self.bytes
            }

            /// Messages that can be on their way at a time, exactly, whatever their lengths. (Of long ones no more than there
            /// are [lanes](Options::lanes).)
            pub fn capacity(&self) -> usize {
                self.bytes.capacity()
            }

            /// Messages that were sent and that nobody has taken; exact when nobody is in the middle of an operation. 0 in a
            /// forked child.
            pub fn len(&self) -> usize {
                self.bytes.len()
            }

            /// Whether `len` is 0.
            pub fn is_empty(&self) -> bool {
                self.bytes.is_empty()
            }

            /// Whether the ring has no room, for messages of any length.
            pub fn is_full(&self) -> bool {
                self.bytes.is_full()
            }

            /// Whether this is an end of the same channel as `other`.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.bytes.same_channel(&other.bytes)
            }

            #[doc = concat!("Whether no ", $peer, " is left, or this end cannot be used. Asks the kernel.")]
            pub fn is_disconnected(&self) -> bool {
                self.bytes.is_disconnected()
            }

            /// Why the channel is disconnected; `None` while it is not, and before anybody ever came to the other end.
            /// Asks the kernel: one system call for each process that is attached.
            pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
                self.bytes.disconnect_reason()
            }

            #[doc = concat!("Waits until a ", $peer, " is there; at once if one is.")]
            ///
            /// *Progress*: may sleep.
            ///
            /// # Errors
            ///
            /// [`WaitForPeerError`]: not in time, or not ever.
            pub fn wait_for_peer(&self, timeout: Duration) -> Result<(), WaitForPeerError> {
                self.bytes.wait_for_peer(timeout)
            }

            /// Senders attached now, clones included. Asks the kernel.
            pub fn sender_count(&self) -> usize {
                self.bytes.sender_count()
            }

            /// Receivers attached now, clones included. Asks the kernel.
            pub fn receiver_count(&self) -> usize {
                self.bytes.receiver_count()
            }

            /// What this process has done at this channel so far, by ends of one attachment.
            pub fn stats(&self) -> Stats {
                self.bytes.stats()
            }

            /// Waits otherwise from now on. Clones that are there already go on as they are.
            pub fn set_wait(&mut self, strategy: WaitStrategy) {
                self.bytes.set_wait(strategy);
            }

            /// Where the segment's file is; `None` for a channel that has no name.
            pub fn path(&self) -> Option<&Path> {
                self.bytes.path()
            }

            /// A descriptor by which another process opens a channel in a [memfd](crate::Backing::Memfd): it gets it by
            /// inheritance or through a socket, and opens [`Backing::Descriptor`](crate::Backing::Descriptor). It is closed on
            /// `exec` unless that is changed. Whoever has it can read and write all of the channel.
            ///
            /// # Errors
            ///
            /// The channel is in no memfd; there is no descriptor left, or no `/proc`.
            pub fn descriptor(&self) -> Result<std::os::fd::OwnedFd, OpenError> {
                self.bytes.descriptor()
            }

            /// Closes the channel, for all of its ends everywhere and for good: nothing more can be sent, receivers get
            /// what was sent, and then `Disconnected`. Idempotent.
            pub fn close(&self) {
                self.bytes.close();
            }
        }

        impl<T, C> From<mpmc::$end> for $end<T, C> {
            fn from(bytes: mpmc::$end) -> Self {
                Self { bytes, form: PhantomData }
            }
        }

        impl<T, C> From<$end<T, C>> for mpmc::$end {
            fn from(end: $end<T, C>) -> Self {
                end.bytes
            }
        }

        impl<T, C> Clone for $end<T, C> {
            fn clone(&self) -> Self {
                Self { bytes: self.bytes.clone(), form: PhantomData }
            }
        }

        impl<T, C> fmt::Debug for $end<T, C> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end))
                    .field("message", &std::any::type_name::<T>())
                    .field("format", &std::any::type_name::<C>())
                    .field("bytes", &self.bytes)
                    .finish()
            }
        }
    };
}

pub(super) use common;
