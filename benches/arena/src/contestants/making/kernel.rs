//! What the kernel has: named pipes and sockets, and pairs that have no name and stay in one process.

use super::{NAMES, NEITHER, card};
use crate::contestant::{Failure, Place, Receiver, Sender, Waiting};
use crate::entry::{Entry, Kind};
use crate::making::{Maker, Word, maker};
use bytemuck::{bytes_of, bytes_of_mut};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::stat::Mode;
use std::cell::RefCell;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::{UnixListener, UnixStream};

pub fn entries() -> Vec<Entry> {
    let sleeps = |name, mode| card(name, "", mode, Waiting::Sleeps);
    let entries = [
        maker(sleeps("pipe", "a named one: holds 64 KiB"), Fifo, NAMES),
        maker(sleeps("Unix stream socket", "listens, connects, accepts"), Socket, NAMES),
        maker(sleeps("pipe, unnamed", "pipe(2)"), Unnamed(pipe), NEITHER),
        maker(sleeps("Unix socket pair", "socketpair(2)"), Unnamed(pair), NEITHER),
    ];
    entries.map(|entry| entry.kind(Kind::Kernel)).into()
}

/// One end of bytes.
struct End(File);

impl Sender<Word> for End {
    fn send(&mut self, message: Word) -> Result<(), Failure> {
        Ok(self.0.write_all(bytes_of(&message))?)
    }
}

impl Receiver<Word> for End {
    fn recv(&mut self) -> Result<Word, Failure> {
        let mut message = [0];
        self.0.read_exact(bytes_of_mut(&mut message))?;
        Ok(message)
    }
}

/// A named pipe.
struct Fifo;

impl Maker for Fifo {
    type Member = ();
    type Sender = End;
    type Receiver = End;

    fn member(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn sender(&self, (): &(), place: &Place) -> Result<End, Failure> {
        Ok(End(OpenOptions::new().write(true).open(place.dir.join("fifo"))?))
    }

    fn receiver(&self, (): &(), place: &Place) -> Result<End, Failure> {
        let path = place.dir.join("fifo");
        nix::unistd::mkfifo(&path, Mode::S_IRUSR | Mode::S_IWUSR)?;
        // Opened so that it need not wait for the writer, then like any other; and for writing too: it would else be at its end
        // until the writer comes.
        let file = OpenOptions::new().read(true).write(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
        fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
        Ok(End(file))
    }
}

/// A socket that listens.
struct Socket;

/// Accepts when the first message is asked for.
struct Accepting {
    listener: UnixListener,
    end: Option<End>,
}

impl Receiver<Word> for Accepting {
    fn recv(&mut self) -> Result<Word, Failure> {
        let end = match self.end.take() {
            Some(end) => end,
            None => End(OwnedFd::from(self.listener.accept()?.0).into()),
        };
        self.end.insert(end).recv()
    }
}

impl Maker for Socket {
    type Member = ();
    type Sender = End;
    type Receiver = Accepting;

    fn member(&self, _: &Place) -> Result<(), Failure> {
        Ok(())
    }

    fn sender(&self, (): &(), place: &Place) -> Result<End, Failure> {
        Ok(End(OwnedFd::from(UnixStream::connect(place.dir.join("socket"))?).into()))
    }

    fn receiver(&self, (): &(), place: &Place) -> Result<Accepting, Failure> {
        Ok(Accepting { listener: UnixListener::bind(place.dir.join("socket"))?, end: None })
    }
}

/// A pair, made by this: the end that sends and the one that receives.
struct Unnamed(fn() -> Result<(OwnedFd, OwnedFd), Failure>);

fn pipe() -> Result<(OwnedFd, OwnedFd), Failure> {
    let (from, to) = nix::unistd::pipe2(OFlag::O_CLOEXEC)?;
    Ok((to, from))
}

fn pair() -> Result<(OwnedFd, OwnedFd), Failure> {
    let (to, from) = UnixStream::pair()?;
    Ok((to.into(), from.into()))
}

impl Maker for Unnamed {
    /// The end that was made with the last one that was asked for.
    type Member = RefCell<Option<OwnedFd>>;
    type Sender = End;
    type Receiver = End;

    fn member(&self, _: &Place) -> Result<Self::Member, Failure> {
        Ok(RefCell::default())
    }

    fn sender(&self, other: &Self::Member, _: &Place) -> Result<End, Failure> {
        Ok(End(other.take().ok_or("nobody has made it")?.into()))
    }

    fn receiver(&self, other: &Self::Member, _: &Place) -> Result<End, Failure> {
        let (to, from) = self.0()?;
        other.replace(Some(to));
        Ok(End(from.into()))
    }
}
