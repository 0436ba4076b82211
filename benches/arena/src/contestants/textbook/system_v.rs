//! System V: a segment, and two semaphores of a set, or two message queues for *ready* and *ok*.
//!
//! Nothing of it has a name, so the consumer writes down the numbers. All of it stays until somebody removes it: the segment goes
//! when both have attached it, the rest when the consumer goes; what a killed one leaves, [`Way::clean`] removes.

use super::memory::{Memory, remove_system_v};
use super::way::{End, Turns, Way};
use crate::contestant::{Failure, Place};
use crate::contestants::rendezvous::{publish, retry};
use crate::contestants::sysv;
use nix::errno::Errno;
use nix::libc;
use std::fs;
use std::path::PathBuf;

/// The most that a semaphore counts to (`SEMVMX`).
const MOST: usize = 32767;

#[derive(Clone)]
pub struct SystemVSemaphores;

#[derive(Clone)]
pub struct SystemVQueues;

/// What a producer and a consumer have, in the order in which it is written down.
#[derive(Debug, Clone, Copy, Default)]
struct Numbers {
    segment: Option<libc::c_int>,
    set: Option<libc::c_int>,
    ready: Option<libc::c_int>,
    ok: Option<libc::c_int>,
}

impl Numbers {
    fn text(self) -> String {
        let number = |id: Option<libc::c_int>| id.map_or_else(|| "-".to_owned(), |id| id.to_string());
        [self.segment, self.set, self.ready, self.ok].map(number).join(" ")
    }

    fn read(place: &Place) -> Result<Self, Failure> {
        let text = fs::read_to_string(path(place))?;
        let numbers: Vec<_> = text.split(' ').map(|number| number.parse().ok()).collect();
        match numbers[..] {
            [segment, set, ready, ok] => Ok(Self { segment, set, ready, ok }),
            _ => Err(format!("no four numbers: {text}").into()),
        }
    }

    fn remove(self) {
        self.segment.into_iter().for_each(remove_system_v);
        [self.ready, self.ok].into_iter().flatten().for_each(sysv::remove);
        if let Some(set) = self.set {
            // SAFETY: removing takes no argument. Nothing to do about a set that is gone.
            let _ = unsafe { libc::semctl(set, 0, libc::IPC_RMID) };
        }
    }
}

/// What is removed with the consumer's end.
struct Owned {
    numbers: Numbers,
    path: PathBuf,
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.numbers.remove();
        // Last what tells others of it: who is killed before has it removed by them, and to remove it twice is nothing.
        let _ = fs::remove_file(&self.path);
    }
}

fn path(place: &Place) -> PathBuf {
    place.dir.join("numbers")
}

/// A segment for the consumer, with what is to be removed with it.
fn segment(place: &Place, places: usize, bytes: usize) -> Result<(Memory, Owned), Failure> {
    let (memory, id) = Memory::create_system_v(places, bytes)?;
    Ok((memory, Owned { numbers: Numbers { segment: Some(id), ..Numbers::default() }, path: path(place) }))
}

/// The producer's memory and all numbers. Nobody else comes, so the segment needs no number any longer.
fn found(place: &Place) -> Result<(Memory, Numbers), Failure> {
    let numbers = retry(|| Numbers::read(place))?;
    let id = numbers.segment.ok_or("no segment")?;
    let memory = Memory::open_system_v(id)?;
    remove_system_v(id);
    Ok((memory, numbers))
}

/// Two semaphores of a set: places that are the producer's, and the consumer's.
pub struct Set {
    id: libc::c_int,
    end: End,
    _owned: Option<Owned>,
}

impl Set {
    /// Adds to one of them, and waits until it may if that is less than nothing.
    fn add(&self, end: End, count: i16) -> Result<(), Failure> {
        let mut operation = libc::sembuf { sem_num: end as libc::c_ushort, sem_op: count, sem_flg: 0 };
        loop {
            // SAFETY: one operation.
            match Errno::result(unsafe { libc::semop(self.id, &raw mut operation, 1) }) {
                Ok(_) => return Ok(()),
                Err(Errno::EINTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Turns for Set {
    fn take(&mut self, _most: usize) -> Result<usize, Failure> {
        self.add(self.end, -1)?;
        Ok(1)
    }

    fn give(&mut self, count: usize) -> Result<(), Failure> {
        self.add(if self.end == End::Producer { End::Consumer } else { End::Producer }, count as i16)
    }
}

impl Way for SystemVSemaphores {
    type Turns = Set;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Set), Failure> {
        let (memory, mut owned) = segment(place, place.capacity.min(MOST), bytes)?;
        // SAFETY: no memory is involved. Both begin at zero on Linux.
        let id = Errno::result(unsafe { libc::semget(libc::IPC_PRIVATE, 2, 0o600) })?;
        owned.numbers.set = Some(id);
        let text = owned.numbers.text();
        let turns = Set { id, end: End::Consumer, _owned: Some(owned) };
        turns.add(End::Producer, memory.places() as i16)?;
        publish(&path(place), text.as_bytes())?;
        Ok((memory, turns))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Set), Failure> {
        let (memory, numbers) = found(place)?;
        Ok((memory, Set { id: numbers.set.ok_or("no set")?, end: End::Producer, _owned: None }))
    }

    fn clean(&self, place: &Place) {
        Numbers::read(place).unwrap_or_default().remove();
    }
}

/// What comes tells of a place that is ours; what goes, of one that is the other's.
pub struct Tokens {
    comes: libc::c_int,
    goes: libc::c_int,
    _owned: Option<Owned>,
}

impl Turns for Tokens {
    fn take(&mut self, _most: usize) -> Result<usize, Failure> {
        let mut kind: libc::c_long = 0;
        // SAFETY: room for a type, and nothing behind it.
        Errno::result(unsafe { libc::msgrcv(self.comes, (&raw mut kind).cast(), 0, 0, 0) })?;
        Ok(1)
    }

    fn give(&mut self, count: usize) -> Result<(), Failure> {
        let kind: libc::c_long = 1;
        (0..count).try_for_each(|_| {
            // SAFETY: a type, and nothing behind it.
            Errno::result(unsafe { libc::msgsnd(self.goes, (&raw const kind).cast(), 0, 0) })?;
            Ok(())
        })
    }
}

impl Way for SystemVQueues {
    type Turns = Tokens;

    fn create(&self, place: &Place, bytes: usize) -> Result<(Memory, Tokens), Failure> {
        let mut numbers = Numbers::default();
        let made = queue(&mut numbers.ready, place.capacity).and_then(|ready| {
            let ok = queue(&mut numbers.ok, place.capacity)?;
            // A queue holds no more messages than bytes, even of none.
            let (memory, mut owned) = segment(place, place.capacity.min(ready.1).min(ok.1), bytes)?;
            owned.numbers = Numbers { segment: owned.numbers.segment, ..numbers };
            Ok((memory, owned, ready.0, ok.0))
        });
        let (memory, owned, comes, goes) = made.inspect_err(|_| numbers.remove())?;
        let text = owned.numbers.text();
        let mut turns = Tokens { comes, goes, _owned: Some(owned) };
        turns.give(memory.places())?;
        publish(&path(place), text.as_bytes())?;
        Ok((memory, turns))
    }

    fn open(&self, place: &Place) -> Result<(Memory, Tokens), Failure> {
        let (memory, numbers) = found(place)?;
        let (ready, ok) = (numbers.ready.ok_or("no queue")?, numbers.ok.ok_or("no queue")?);
        Ok((memory, Tokens { comes: ok, goes: ready, _owned: None }))
    }

    fn clean(&self, place: &Place) {
        Numbers::read(place).unwrap_or_default().remove();
    }
}

/// A new queue, written down at once, and how many messages of no bytes it holds.
fn queue(written: &mut Option<libc::c_int>, messages: usize) -> Result<(libc::c_int, usize), Failure> {
    let id = sysv::create()?;
    *written = Some(id);
    Ok((id, sysv::widen(id, messages)?))
}
