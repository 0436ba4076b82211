//! A process that needs no channel: what it waits for in vain, the machine kept from it.

use super::history::{Outcome, What};
use super::log::{self, Log, Word};
use std::io::{Read, Write, pipe};
use std::time::Duration;

/// How long it sleeps, again and again.
const REST: Duration = Duration::from_micros(500);
/// What is longer than it should be by less is not written down, in ns.
const TRIFLE: u64 = 2_000_000;

/// Sleeps, and has a byte go to another thread and back through two pipes; writes down what took longer than it should.
pub(crate) fn run(log: &Log) {
    let (mut there, mut to) = pipe().expect("a pipe");
    let (mut from, mut back) = pipe().expect("a pipe");
    std::thread::spawn(move || {
        let mut byte = [0];
        while there.read_exact(&mut byte).is_ok() && back.write_all(&byte).is_ok() {}
    });
    log.set(Word::Here, log::now());
    while log.get(Word::Stop) == 0 {
        let begin = log::now();
        std::thread::sleep(REST);
        to.write_all(&[1]).expect("the other thread");
        from.read_exact(&mut [0]).expect("the other thread");
        if log::now() - begin > REST.as_nanos() as u64 + TRIFLE && !log.is_full() {
            let slot = log.begin(What::Control, 1, begin);
            log.end(slot, Outcome::Done, 1);
        }
    }
    log.set(Word::LeaveEnded, log::now());
}
