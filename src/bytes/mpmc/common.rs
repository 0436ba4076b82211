//! What a sender and a receiver of bytes have in common with those of messages of one type, whose ends they stand on.

/// The constructors and the questions of an end. `$ends` is the field with the ends of the ring of parcels.
macro_rules! common {
    ($end:ident, $ends:ident, $noun:literal, $peer:literal) => {
        impl $end {
            #[doc = concat!("Creates the channel `name`, for exactly `capacity` messages on their way, and is a ", $noun, " of it.")]
            ///
            /// What a dead process left under the name is replaced; what a live one uses, or is
            /// [persistent](Options::persistent), is not.
            ///
            /// # Errors
            ///
            /// [`OpenError`]: a bad name, a channel in use there or a persistent one, no room in `/dev/shm`, something of
            /// somebody else's.
            ///
            /// # If this process dies here
            ///
            /// Others find nothing, or a complete segment that nobody holds, which the next opener replaces (or, if it is
            /// persistent, opens).
            pub fn create(name: &str, capacity: usize) -> Result<Self, OpenError> {
                Self::create_with(name, &Options::new().capacity(capacity))
            }

            /// Creates the channel `name` with these options. See [`create`](Self::create).
            ///
            /// # Errors
            ///
            /// As `create`; and options that cannot be met.
            pub fn create_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                Self::enter(name, How::Create, options)
            }

            #[doc = concat!("Opens the channel `name`, which is there, and is a ", $noun, " of it.")]
            ///
            /// # Errors
            ///
            /// [`OpenError`]: nothing there that anybody uses or that is persistent, too many members, another kind or
            /// version.
            pub fn open(name: &str) -> Result<Self, OpenError> {
                Self::open_with(name, &Options::new())
            }

            /// Opens the channel `name` with these options. See [`open`](Self::open).
            ///
            /// # Errors
            ///
            /// As `open`, when `Options::open_timeout` is over; and another capacity than the options insist on.
            pub fn open_with(name: &str, options: &Options) -> Result<Self, OpenError> {
                Self::enter(name, How::Open, options)
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
                Self::enter(name, How::OpenOrCreate, options)
            }

            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                Ok(Self::of(open::enter(open::Form::Bytes, name, how, options)?, options))
            }

            /// Messages that can be on their way at a time, exactly, whatever their lengths. (Of long ones no more than there
            /// are [lanes](Options::lanes).)
            pub fn capacity(&self) -> usize {
                self.$ends.capacity()
            }

            /// Messages that were sent and that nobody has taken; exact when nobody is in the middle of an operation. 0 in a
            /// forked child.
            pub fn len(&self) -> usize {
                self.$ends.len()
            }

            /// Messages that a receiver, here or elsewhere, has taken and not done: see
            /// [`mpmc::Receiver::in_hand`](crate::mpmc::Receiver::in_hand).
            pub fn in_hand(&self) -> usize {
                self.$ends.in_hand()
            }

            /// Whether `len` is 0.
            pub fn is_empty(&self) -> bool {
                self.$ends.is_empty()
            }

            /// Whether the ring has no room, for messages of any length.
            pub fn is_full(&self) -> bool {
                self.$ends.is_full()
            }

            /// Whether this is an end of the same channel as `other`.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.$ends.same_channel(&other.$ends)
            }

            /// 128 random bits that name this instance of the channel: another one of the same name has others.
            pub fn instance_id(&self) -> [u8; 16] {
                self.$ends.instance_id()
            }

            #[doc = concat!("Whether no ", $peer, " is left, or this end cannot be used. Asks the kernel.")]
            pub fn is_disconnected(&self) -> bool {
                self.$ends.is_disconnected()
            }

            /// Why the channel is disconnected; `None` while it is not, and before anybody ever came to the other end.
            /// Asks the kernel: one system call for each process that is attached.
            pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
                self.$ends.disconnect_reason()
            }

            #[doc = concat!("Waits until a ", $peer, " is there; at once if one is.")]
            ///
            /// *Progress*: may sleep.
            ///
            /// # Errors
            ///
            /// [`WaitForPeerError`]: not in time, or not ever.
            pub fn wait_for_peer(&self, timeout: Duration) -> Result<(), WaitForPeerError> {
                self.$ends.wait_for_peer(timeout)
            }

            /// Senders attached now, clones included. Asks the kernel.
            pub fn sender_count(&self) -> usize {
                self.$ends.sender_count()
            }

            /// Receivers attached now, clones included. Asks the kernel.
            pub fn receiver_count(&self) -> usize {
                self.$ends.receiver_count()
            }

            /// What this process has done at this channel so far, by ends of one attachment.
            pub fn stats(&self) -> Stats {
                self.$ends.stats()
            }

            /// What the channel's lanes are at, of all processes: by kinds, how many are in use, and how much of their memory. See
            /// [where a message is](crate::bytes::mpmc#where-a-message-is). Nothing in a forked child.
            ///
            /// ```
            /// let (tx, _rx) = ringway::bytes::mpmc::channel(16)?;
            /// tx.send(&[7; 1000])?;
            /// let short = tx.lanes()[0];
            /// assert_eq!((short.in_use, short.bytes_in_use, short.message_bytes), (1, 4096, 1000));
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            pub fn lanes(&self) -> Vec<super::Lanes> {
                self.core().lanes()
            }

            /// Waits otherwise from now on. Clones that are there already go on as they are.
            pub fn set_wait(&mut self, strategy: WaitStrategy) {
                self.$ends.set_wait(strategy);
            }

            /// Where the segment's file is; `None` for a channel that has no name.
            pub fn path(&self) -> Option<&Path> {
                self.$ends.path()
            }

            /// A descriptor by which another process opens a channel in a [memfd](crate::Backing::Memfd): it gets it by
            /// inheritance or through a socket, and opens [`Backing::Descriptor`](crate::Backing::Descriptor). It is closed on
            /// `exec` unless that is changed. Whoever has it can read and write all of the channel.
            ///
            /// # Errors
            ///
            /// The channel is in no memfd; there is no descriptor left, or no `/proc`.
            pub fn descriptor(&self) -> Result<std::os::fd::OwnedFd, OpenError> {
                self.$ends.descriptor()
            }

            /// Closes the channel, for all of its ends everywhere and for good: nothing more can be sent, receivers get
            /// what was sent, and then `Disconnected`. Idempotent.
            pub fn close(&self) {
                self.$ends.close();
            }

            pub(crate) fn core(&self) -> &Attached {
                self.$ends.core()
            }
        }

        impl fmt::Debug for $end {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end))
                    .field("capacity", &self.capacity())
                    .field("len", &self.len())
                    .field("path", &self.path())
                    .finish_non_exhaustive()
            }
        }
    };
}

pub(super) use common;
