//! A System V message queue, of as many bytes as the kernel lets us have.

use super::rendezvous::{publish, retry};
use crate::contestant::{Between, Card, Failure, Message, Place, Receiver, Sender, Waiting};
use crate::entry::{Entry, Kind};
use nix::errno::Errno;
use nix::libc;
use std::fs;
use std::path::{Path, PathBuf};
use std::ptr::null_mut;

pub fn entries() -> Vec<Entry> {
    let card = Card {
        name: "System V message queue",
        version: "",
        mode: "holds msgmnb bytes (16384), or what is asked for if privileged",
        waiting: Waiting::Sleeps,
        largest: 8192,
        has_batches: false,
    };
    vec![Entry::between(card, Queue).kind(Kind::Kernel)]
}

#[derive(Clone)]
pub(super) struct Queue;

/// What the calls take: a type, which must be positive, and then the bytes.
#[repr(C)]
struct Typed<M> {
    kind: libc::c_long,
    message: M,
}

pub(super) struct End {
    id: libc::c_int,
    /// Where the number is written down, with the end that removes the queue.
    owned: Option<PathBuf>,
}

/// Where the receiver writes the queue's number: a queue has no name.
fn path(place: &Place) -> PathBuf {
    place.dir.join("queue")
}

/// A new queue that only its number names.
pub(super) fn create() -> Result<libc::c_int, Failure> {
    // SAFETY: no memory is involved.
    Ok(Errno::result(unsafe { libc::msgget(libc::IPC_PRIVATE, 0o600) })?)
}

pub(super) fn remove(id: libc::c_int) {
    // SAFETY: removing takes no structure. Nothing to do about a queue that is gone.
    let _ = unsafe { libc::msgctl(id, libc::IPC_RMID, null_mut()) };
}

fn read(path: &Path) -> Result<libc::c_int, Failure> {
    Ok(fs::read_to_string(path)?.parse()?)
}

/// Room for so many bytes, if we may; for how many there is.
pub(super) fn widen(id: libc::c_int, bytes: usize) -> Result<usize, Failure> {
    // SAFETY: any bytes are such a structure; it is filled, changed and given back to the same queue.
    unsafe {
        let mut about: libc::msqid_ds = std::mem::zeroed();
        Errno::result(libc::msgctl(id, libc::IPC_STAT, &mut about))?;
        about.msg_qbytes = about.msg_qbytes.max(bytes as libc::msglen_t);
        // Refused to who may not: then there is what there was.
        libc::msgctl(id, libc::IPC_SET, &mut about);
        Errno::result(libc::msgctl(id, libc::IPC_STAT, &mut about))?;
        Ok(about.msg_qbytes as usize)
    }
}

impl Drop for End {
    fn drop(&mut self) {
        if let Some(path) = self.owned.take() {
            remove(self.id);
            // Last what tells others of it: who is killed before has it removed by them, and to remove it twice is nothing.
            let _ = fs::remove_file(path);
        }
    }
}

impl<M: Message> Sender<M> for End {
    fn send(&mut self, message: M) -> Result<(), Failure> {
        let typed = Typed { kind: 1, message };
        // SAFETY: a type, and then as many bytes as said.
        let sent = unsafe { libc::msgsnd(self.id, (&raw const typed).cast(), M::BYTES, 0) };
        Errno::result(sent)?;
        Ok(())
    }
}

impl<M: Message> Receiver<M> for End {
    fn recv(&mut self) -> Result<M, Failure> {
        let mut typed = Typed { kind: 0, message: M::zeroed() };
        // SAFETY: room for a type, and then for as many bytes as said.
        let received = unsafe { libc::msgrcv(self.id, (&raw mut typed).cast(), M::BYTES, 0, 0) };
        match Errno::result(received)? as usize {
            bytes if bytes == M::BYTES => Ok(typed.message),
            bytes => Err(format!("a message of {bytes} bytes, not {}", M::BYTES).into()),
        }
    }
}

impl Between for Queue {
    type Sender<M: Message> = End;
    type Receiver<M: Message> = End;

    fn sender<M: Message>(&self, place: &Place) -> Result<End, Failure> {
        Ok(End { id: retry(|| read(&path(place)))?, owned: None })
    }

    fn receiver<M: Message>(&self, place: &Place) -> Result<End, Failure> {
        let end = End { id: create()?, owned: Some(path(place)) };
        widen(end.id, place.capacity * M::BYTES)?;
        publish(&path(place), end.id.to_string().as_bytes())?;
        Ok(end)
    }

    fn clean(&self, place: &Place) {
        if let Ok(id) = read(&path(place)) {
            remove(id);
        }
    }
}
