//! What a sender and a receiver have in common: how they are made, and what can be asked of them.

/// The constructors and the questions of an end. `$ring` is the field with the ring's end, which
/// `$make` makes; then come its other fields.
macro_rules! common {
    ($end:ident, $role:expr, $ring:ident, $make:ident, $noun:literal, $peer:literal, { $($field:ident: $value:expr),* }) => {
        impl $end {
            #[doc = concat!("Creates the channel `name`, with a ring of `capacity` bytes, and is its ", $noun, ".")]
            ///
            /// The segment is complete before it has its name, mode 0600, its room reserved. What a dead process left
            /// under the name is replaced; what a live one uses, or is [persistent](Options::persistent), is not.
            ///
            /// *Progress*: some twenty system calls; sleeps only as `Options::open_timeout` says.
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

            #[doc = concat!("Opens the channel `name`, which is there, and is its ", $noun, ".")]
            ///
            /// # Errors
            ///
            #[doc = concat!("[`OpenError`]: nothing there that anybody uses or that is persistent, another ", $noun, ", another type, version or kind.")]
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

            #[doc = concat!("Opens the channel `name` or creates it, and is its ", $noun, ": for sides that may start in any order.")]
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

            #[cfg(not(loom))]
            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                Self::seated(enter(&asked($role), name, how, options)?, options)
            }

            /// The end that sits there.
            #[cfg(not(loom))]
            pub(crate) fn seated(entered: crate::channel::open::Entered, options: &Options) -> Result<Self, OpenError> {
                let frames = Frames::new(entered.seat.control(), &entered.header.geometry);
                let control = entered.seat.control().clone();
                // From here on leaving is in good order, also if the ring's words turn out to be impossible.
                let end = End::new(entered.seat, options, false);
                let $ring = $make::attach(control, frames).map_err(corrupt)?;
                Ok(Self { $ring, end, instance: entered.header.instance, $($field: $value),* })
            }

            #[cfg(loom)]
            fn enter(name: &str, how: How, options: &Options) -> Result<Self, OpenError> {
                Err(enter(asked($role), name, how, options).expect_err("no files in a model"))
            }

            /// Bytes of the ring: what can be on its way at a time, eight for each part of a message included.
            pub fn capacity(&self) -> usize {
                self.$ring.ring().capacity() as usize
            }

            /// Bytes of the ring that were published and that nobody has taken, eight for each part of a message included;
            /// exact when nobody is in the middle of an operation. (A message in a [`Guard`](super::Guard)'s hand is
            /// taken.) 0 in a forked child.
            pub fn len(&self) -> usize {
                if self.end.is_usable() { self.$ring.ring().len() as usize } else { 0 }
            }

            /// Whether `len` is 0. (A message that a dropped guard gave back is taken and yet received again. What is left of
            /// a message that came to nothing counts until the receiver has passed it by.)
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether this is an end of the same channel as `other`.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.instance == other.instance
            }

            /// 128 random bits that name this instance of the channel: another one of the same name has others.
            pub fn instance_id(&self) -> [u8; 16] {
                self.instance
            }

            #[doc = concat!("Whether the ", $peer, " is known to be gone, or this end cannot be used. Asks the kernel.")]
            pub fn is_disconnected(&self) -> bool {
                self.disconnect_reason().is_some()
            }

            /// Why the channel is disconnected; `None` while it is not, and before anybody ever came to the other end.
            /// Asks the kernel: one system call.
            pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
                self.end.ask()
            }

            #[doc = concat!("Waits until a ", $peer, " is there; at once if one is.")]
            ///
            /// *Progress*: may sleep.
            ///
            /// # Errors
            ///
            /// [`WaitForPeerError`]: not in time, or not ever.
            pub fn wait_for_peer(&mut self, timeout: Duration) -> Result<(), WaitForPeerError> {
                self.end.wait_for_peer(Deadline::after(timeout))
            }

            /// Senders attached now: 0 or 1.
            pub fn sender_count(&self) -> usize {
                self.end.count(Role::Sender)
            }

            /// Receivers attached now: 0 or 1.
            pub fn receiver_count(&self) -> usize {
                self.end.count(Role::Receiver)
            }

            /// What this end has done so far.
            pub fn stats(&self) -> Stats {
                self.end.stats()
            }

            /// Waits otherwise from now on.
            ///
            /// An end that changes from [`WaitStrategy::Spin`] to one that sleeps sleeps at most a millisecond at a time
            /// until the other end has next looked at the channel.
            pub fn set_wait(&mut self, strategy: WaitStrategy) {
                self.end.set_strategy(strategy);
            }

            /// Where the segment's file is; `None` for a channel that has no name.
            pub fn path(&self) -> Option<&std::path::Path> {
                self.end.seat().path()
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
        }

        impl fmt::Debug for $end {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end))
                    .field("capacity", &self.capacity())
                    .field("len", &self.len())
                    .field("path", &self.end.seat().path())
                    .field("disconnected", &self.end.reason())
                    .finish()
            }
        }
    };
}

pub(super) use common;
