//! What senders and receivers have in common: how they are made, and what can be asked of them.

/// The constructors and the questions of an end.
macro_rules! common {
    ($end:ident, $role:expr, $noun:literal, $peer:literal) => {
        impl<T: Payload> $end<T> {
            #[doc = concat!("Creates the channel `name`, for exactly `capacity` messages, and is a ", $noun, " of it.")]
            ///
            /// The segment is complete before it has its name, mode 0600, its room reserved. What dead processes left
            /// under the name is replaced; what a live one uses is not.
            ///
            /// *Progress*: some twenty system calls; sleeps only as `Options::open_timeout` says.
            ///
            /// # Errors
            ///
            /// [`OpenError`]: a bad name, a channel in use there, no room in `/dev/shm`, something of somebody else's.
            ///
            /// # If this process dies here
            ///
            /// Others find nothing, or a complete segment that nobody holds, which the next opener replaces.
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
            /// [`OpenError`]: nothing there that anybody uses, another type, version or kind, as many attached as can be.
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
                Ok(Self::of(super::open::enter(super::open::Form::Typed, name, how, options)?, options))
            }

            /// What all ends of this attachment share.
            pub(crate) fn core(&self) -> &Arc<Core<T>> {
                &self.core
            }

            /// How this end waits.
            pub(crate) fn waits(&self) -> Waits {
                self.waits
            }

            /// An end of this attachment.
            pub(crate) fn of(core: Arc<Core<T>>, options: &Options) -> Self {
                core.add($role);
                Self { core, waits: Waits { strategy: options.wait, slice: options.slice } }
            }

            /// Messages that the channel holds at most; exact.
            pub fn capacity(&self) -> usize {
                self.core.ring().capacity() as usize
            }

            /// Messages that were sent and that nobody has taken; exact when nobody is in the middle of an operation.
            /// (A message in a [`Guard`](super::Guard)'s hand is taken.) 0 in a forked child.
            pub fn len(&self) -> usize {
                if self.core.why_unusable().is_none() { self.core.ring().len() as usize } else { 0 }
            }

            /// Messages that a receiver, here or elsewhere, has taken and not done: they are in its hand
            /// ([`Guard`](super::Guard)) or on their way out of the ring. They are done soon, or come back. One that goes from
            /// hand to hand may be counted twice, but none is missed: if no sender is left, `is_empty` and *then* 0 here say
            /// that nothing can come any more. 0 in a forked child.
            pub fn in_hand(&self) -> usize {
                if self.core.why_unusable().is_none() { self.core.ring().in_hand() } else { 0 }
            }

            /// Whether `len` is 0. (A message that somebody gave back, or died with, is taken and yet received again.)
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// Whether the ring has no room.
            pub fn is_full(&self) -> bool {
                self.core.why_unusable().is_none() && self.core.ring().is_full()
            }

            /// Whether this is an end of the same channel as `other`.
            pub fn same_channel(&self, other: &Self) -> bool {
                self.core.instance == other.core.instance
            }

            /// 128 random bits that name this instance of the channel: another one of the same name has others.
            pub fn instance_id(&self) -> [u8; 16] {
                self.core.instance
            }

            #[doc = concat!("Whether no ", $peer, " is left, or this end cannot be used. Asks the kernel.")]
            pub fn is_disconnected(&self) -> bool {
                self.disconnect_reason().is_some()
            }

            /// Why the channel is disconnected; `None` while it is not, and before anybody ever came to the other end.
            /// Asks the kernel: one system call for each process that is attached.
            pub fn disconnect_reason(&self) -> Option<DisconnectReason> {
                self.core.probe(true);
                self.core.digest($role)
            }

            #[doc = concat!("Waits until a ", $peer, " is there; at once if one is.")]
            ///
            /// *Progress*: may sleep.
            ///
            /// # Errors
            ///
            /// [`WaitForPeerError`]: not in time, or not ever.
            pub fn wait_for_peer(&self, timeout: Duration) -> Result<(), WaitForPeerError> {
                waiting::for_peer(&self.core, $role, self.waits, Deadline::after(timeout)).map_err(|vain| match vain {
                    Vain::Gone(reason) => WaitForPeerError::Disconnected(reason),
                    Vain::NotNow | Vain::InBetween => WaitForPeerError::Timeout,
                })
            }

            /// Senders attached now, clones included. Asks the kernel.
            pub fn sender_count(&self) -> usize {
                self.count(Role::Sender)
            }

            /// Receivers attached now, clones included. Asks the kernel.
            pub fn receiver_count(&self) -> usize {
                self.count(Role::Receiver)
            }

            fn count(&self, role: Role) -> usize {
                self.core.probe(true);
                if self.core.why_unusable().is_none() { self.core.count(role) } else { 0 }
            }

            /// What this process has done at this channel so far, by ends of one attachment.
            pub fn stats(&self) -> super::Stats {
                self.core.stats()
            }

            /// Waits otherwise from now on. Clones that are there already go on as they are.
            pub fn set_wait(&mut self, strategy: WaitStrategy) {
                self.waits.strategy = strategy;
            }

            /// Where the segment's file is; `None` for a channel that has no name.
            pub fn path(&self) -> Option<&std::path::Path> {
                self.core.member().path()
            }

            /// A descriptor by which another process opens a channel in a [memfd](crate::Backing::Memfd): it gets it by
            /// inheritance or through a socket, and opens [`Backing::Descriptor`](crate::Backing::Descriptor). It is closed on
            /// `exec` unless that is changed. Whoever has it can read and write all of the channel.
            ///
            /// # Errors
            ///
            /// The channel is in no memfd; there is no descriptor left, or no `/proc`.
            pub fn descriptor(&self) -> Result<std::os::fd::OwnedFd, OpenError> {
                Ok(self.core.member().descriptor()?)
            }

            /// Closes the channel, for all of its ends everywhere and for good: nothing more can be sent, receivers get
            /// what was sent, and then `Disconnected`. Idempotent.
            pub fn close(&self) {
                self.core.close();
            }
        }

        impl<T: Payload> Clone for $end<T> {
            fn clone(&self) -> Self {
                self.core.add($role);
                Self { core: Arc::clone(&self.core), waits: self.waits }
            }
        }

        impl<T: Payload> Drop for $end<T> {
            fn drop(&mut self) {
                self.core.remove($role);
            }
        }

        impl<T: Payload> fmt::Debug for $end<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($end))
                    .field("message", &std::any::type_name::<T>())
                    .field("capacity", &self.capacity())
                    .field("len", &self.len())
                    .field("path", &self.path())
                    .finish()
            }
        }
    };
}

pub(super) use common;
