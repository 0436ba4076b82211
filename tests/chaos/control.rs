//! A process that needs no channel: what it waits for in vain, the machine kept from it.

use super::history::{Outcome, What};
use super::log::{self, Log, Word};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long it sleeps, again and again.
const REST: Duration = Duration::from_micros(500);
/// What is longer than it should be by less is not written down, in ns.
const TRIFLE: u64 = 2_000_000;

/// Writes down what took longer than it should: sleeping on each processor, since one may stand still and the others not; and having
/// a byte go to another thread and back through a pair of sockets.
pub(crate) fn run(log: &Log) {
    let (mut here, mut there) = UnixStream::pair().expect("a pair of sockets");
    std::thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && there.write_all(&byte).is_ok() {}
    });
    let book = Mutex::new(log);
    let allowed = sched_getaffinity(Pid::from_raw(0)).unwrap_or_default();
    let processors = (0..CpuSet::count()).filter(|processor| allowed.is_set(*processor).unwrap_or(false));
    std::thread::scope(|scope| {
        for processor in processors {
            let book = &book;
            scope.spawn(move || {
                let mut here = CpuSet::new();
                let _ = here.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &here));
                watch(book, || std::thread::sleep(REST));
            });
        }
        log.set(Word::Here, log::now());
        watch(&book, || {
            std::thread::sleep(REST);
            here.write_all(&[1]).expect("the other thread");
            here.read_exact(&mut [0]).expect("the other thread");
        });
    });
    log.set(Word::LeaveEnded, log::now());
}

/// Does this again and again, until it is told to stop.
fn watch(book: &Mutex<&Log>, mut work: impl FnMut()) {
    loop {
        let begin = log::now();
        work();
        let log = book.lock().unwrap_or_else(PoisonError::into_inner);
        if log::now() - begin > REST.as_nanos() as u64 + TRIFLE && !log.is_full() {
            let slot = log.begin(What::Control, 1, begin);
            log.end(slot, Outcome::Done, 1);
        }
        if log.get(Word::Stop) != 0 {
            return;
        }
    }
}
