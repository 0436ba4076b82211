//! A place where others can find this process, who know nothing but a path.

use super::error::HandoverError;
use super::peer::Peer;
use super::trust::Trust;
use crate::sys::file;
use crate::sys::socket::{self, Parting, Ready};
use crate::sys::turn::{self, Turn};
use crate::wait::deadline::Deadline;
use std::fs;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Listens at a path, where others [connect](Peer::connect). The path is taken away when this is dropped, in the process that made
/// it: not in a forked child.
///
/// Beside the socket, for as long as it listens, is a file with `.lock` behind its name, whose lock says that it is still there.
/// (Whether somebody listens at a socket can else be found out only by connecting to it, which they would notice.)
///
/// Keep it in a directory that only those can write who may be at the other end: whoever can write the directory can put a socket of
/// their own there. (They gain nothing that they had not: a [`Peer`] asks who it is connected to.)
#[derive(Debug)]
pub struct Listener {
    socket: Parting<UnixListener>,
    path: PathBuf,
    /// Device and inode.
    made: (u64, u64),
    trust: Trust,
    turn: Turn,
}

impl Listener {
    /// Listens at `path` for processes of this user; see [`bind_for`](Self::bind_for).
    ///
    /// # Errors
    ///
    /// As `bind_for`.
    pub fn bind(path: impl AsRef<Path>) -> Result<Self, HandoverError> {
        Self::bind_for(path, Trust::ThisUser)
    }

    /// Listens at `path` for those who are trusted. Where only this user is, nobody else can even connect: the socket has mode 0600,
    /// else 0666. A socket of this user's that nobody listens at any more, since its process was killed, is replaced.
    ///
    /// # Errors
    ///
    /// [`HandoverError::PathTaken`]; a path that cannot be one, or a directory in which nothing can be made.
    pub fn bind_for(path: impl AsRef<Path>, trust: Trust) -> Result<Self, HandoverError> {
        let path = path.as_ref();
        let failed = HandoverError::io("listening");
        let mut beside = path.as_os_str().to_owned();
        beside.push(".lock");
        let turn = turn::take(Path::new(&beside)).map_err(HandoverError::io("locking the file beside the socket"))?;
        let Some(turn) = turn else { return Err(HandoverError::PathTaken) };
        let socket = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                remove_stale(path)?;
                UnixListener::bind(path)
            }
            made => made,
        };
        let socket = Parting::new(socket.map_err(&failed)?);
        // Whoever connects before the mode is right is asked who they are, as everybody is.
        let made = file::set_socket_mode(path, trust.mode()).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => HandoverError::PathTaken,
            _ => failed(error),
        })?;
        socket.set_nonblocking(true).map_err(&failed)?;
        Ok(Self { socket, path: path.to_path_buf(), made: made.file, trust, turn })
    }

    /// The next process that connects, if it is one that is trusted; waits for so long. Others are turned away, with an error: call it
    /// again.
    ///
    /// # Errors
    ///
    /// [`HandoverError::Timeout`], [`HandoverError::Stranger`], [`HandoverError::Io`].
    pub fn accept(&self, timeout: Duration) -> Result<Peer, HandoverError> {
        let deadline = Deadline::after(timeout);
        loop {
            match self.socket.accept() {
                Ok((socket, _)) => {
                    let peer = Peer::from(socket).trusting(self.trust.clone());
                    peer.must_be_welcome()?;
                    return Ok(peer);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {}
                    // Somebody went away again before they were let in.
                    io::ErrorKind::Interrupted | io::ErrorKind::ConnectionAborted if !deadline.is_over() => continue,
                    _ => return Err(HandoverError::Io { doing: "accepting a connection", source: error }),
                },
            }
            let waited = socket::wait(self.socket.as_fd(), Ready::Read, deadline.ns());
            if !waited.map_err(HandoverError::io("waiting for a connection"))? {
                return Err(HandoverError::Timeout);
            }
        }
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // The turn goes behind this: until then nobody else of us is there. (A forked child takes nothing of its parent's away.)
        if self.turn.is_ours() && file::identity_at(&self.path).is_ok_and(|there| there.file == self.made) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes a socket of this user's away at which nobody listens. It is our turn, so none of us does; but somebody else may.
fn remove_stale(path: &Path) -> Result<(), HandoverError> {
    let there = fs::symlink_metadata(path).map_err(HandoverError::io("examining the socket's path"))?;
    if !there.file_type().is_socket() || there.uid() != file::effective_uid() {
        return Err(HandoverError::PathTaken);
    }
    match socket::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            fs::remove_file(path).map_err(HandoverError::io("removing a stale socket"))
        }
        _ => Err(HandoverError::PathTaken),
    }
}
