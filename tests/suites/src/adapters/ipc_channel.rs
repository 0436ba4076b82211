//! `ipc_channel::platform`, as far as its tests use it, on [`ringway::bytes::mpmc`].
//!
//! A channel of ringway goes by its name; an end is not sent in a message. Where a message would carry one, sending fails.

pub mod platform {
    use super::super::make;
    use crate::left::name;
    use ringway::bytes::mpmc::{Receiver, Sender};
    use ringway::bytes::{RecvError, TryRecvError};
    use ringway::{OpenError, Options};

    #[derive(Debug)]
    pub enum Error {
        /// Nothing is left, and no sender is there.
        Closed,
        /// Nothing is there now.
        Empty,
        /// What cannot be.
        Refused(String),
    }

    impl Error {
        pub fn channel_is_closed(&self) -> bool {
            matches!(self, Self::Closed)
        }
    }

    impl From<OpenError> for Error {
        fn from(error: OpenError) -> Self {
            Self::Refused(error.to_string())
        }
    }

    #[derive(Debug)]
    pub struct IpcMessage {
        pub data: Vec<u8>,
        pub os_ipc_channels: Vec<OsOpaqueIpcChannel>,
        pub os_ipc_shared_memory_regions: Vec<OsIpcSharedMemory>,
    }

    impl IpcMessage {
        fn of(data: Vec<u8>) -> Self {
            Self { data, os_ipc_channels: Vec::new(), os_ipc_shared_memory_regions: Vec::new() }
        }
    }

    pub fn channel() -> Result<(OsIpcSender, OsIpcReceiver), Error> {
        let (tx, rx) = make::bytes(&Options::new());
        Ok((OsIpcSender(tx), OsIpcReceiver(rx)))
    }

    #[derive(Debug, Clone)]
    pub struct OsIpcSender(Sender);

    impl OsIpcSender {
        /// What is in the channel before it is received: half of a long lane.
        pub fn get_max_fragment_size() -> usize {
            64 << 10
        }

        pub fn connect(name: String) -> Result<Self, Error> {
            Ok(Self(Sender::open(&name)?))
        }

        pub fn send(
            &self,
            data: &[u8],
            channels: Vec<OsIpcChannel>,
            regions: Vec<OsIpcSharedMemory>,
        ) -> Result<(), Error> {
            if !channels.is_empty() || !regions.is_empty() {
                return Err(Error::Refused("a message is bytes, and carries no end and no memory".to_owned()));
            }
            self.0.send(data).map_err(|error| Error::Refused(error.to_string()))
        }
    }

    #[derive(Debug)]
    pub struct OsIpcReceiver(Receiver);

    impl OsIpcReceiver {
        pub fn recv(&self) -> Result<IpcMessage, Error> {
            self.0.recv().map(IpcMessage::of).map_err(|error| match error {
                RecvError::Disconnected => Error::Closed,
                other => Error::Refused(other.to_string()),
            })
        }

        pub fn try_recv(&self) -> Result<IpcMessage, Error> {
            self.0.try_recv().map(IpcMessage::of).map_err(|error| match error {
                TryRecvError::Empty => Error::Empty,
                TryRecvError::Disconnected => Error::Closed,
                other => Error::Refused(other.to_string()),
            })
        }
    }

    /// A receiver whose name others are told.
    #[derive(Debug)]
    pub struct OsIpcOneShotServer(Receiver);

    impl OsIpcOneShotServer {
        #[allow(clippy::new_ret_no_self)] // as it is there
        pub fn new() -> Result<(Self, String), Error> {
            let name = name();
            Ok((Self(Receiver::create_with(&name, &Options::new())?), name))
        }

        pub fn accept(self) -> Result<(OsIpcReceiver, IpcMessage), Error> {
            let receiver = OsIpcReceiver(self.0);
            let message = receiver.recv()?;
            Ok((receiver, message))
        }
    }

    /// An end in a message, which there is not.
    #[derive(Debug)]
    pub enum OsIpcChannel {
        Sender(OsIpcSender),
        Receiver(OsIpcReceiver),
    }

    /// An end that has come in a message, which there is not.
    #[derive(Debug)]
    pub enum OsOpaqueIpcChannel {}

    impl OsOpaqueIpcChannel {
        pub fn to_sender(&mut self) -> OsIpcSender {
            match *self {}
        }
    }

    /// Memory in a message, which there is not.
    #[derive(Debug)]
    pub enum OsIpcSharedMemory {}

    /// Nothing waits for several channels.
    #[derive(Debug)]
    pub enum OsIpcReceiverSet {}
}

/// What the tests have in common: children, as `ipc_channel`'s own helpers start them.
pub mod test {
    use super::super::make;
    use libc::pid_t;
    use std::process::{Child, Command, Stdio};

    /// # Safety
    ///
    /// As `fork`: the child does what may be done there, and ends.
    pub unsafe fn fork(work: impl FnOnce()) -> pid_t {
        // SAFETY: the caller's.
        match unsafe { libc::fork() } {
            0 => {
                work();
                // SAFETY: ends the process without running what is the parent's to run.
                unsafe { libc::_exit(0) }
            }
            pid => {
                assert!(pid > 0, "fork");
                pid
            }
        }
    }

    pub trait Wait {
        fn wait(self);
    }

    impl Wait for pid_t {
        fn wait(self) {
            let mut status = 0;
            // SAFETY: a child of ours, and a place for its status.
            let waited = unsafe { libc::waitpid(self, &raw mut status, 0) };
            assert_eq!((waited, status), (self, 0), "the forked child ends well");
        }
    }

    pub fn get_channel_name_arg(which: &str) -> Option<String> {
        let mark = format!("channel_name-{which}:");
        std::env::args().find_map(|arg| arg.strip_prefix(&mark).map(str::to_owned))
    }

    /// Starts this binary again, to run just this test of just this kind.
    pub fn spawn_server(test: &str, arguments: &[(&str, &str)]) -> Child {
        let name = |(name, value): &(&str, &str)| format!("channel_name-{name}:{value}");
        Command::new(std::env::current_exe().expect("this binary"))
            .args([&format!("{}::platform::{test}", make::KIND), "--exact"])
            .args(arguments.iter().map(name))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("this binary starts")
    }
}
