//! Some messages at once, now and then: what it costs to be ready for them.

use super::{clock, histogram, must_have_left, receiver, report, sender, until_sender, until_there, wrong};
use crate::cli::bench::job::{Assignment, Side};
use crate::cli::failure::Failure;
use crate::cli::pair::report::Report;
use crate::cli::signals::{self, SLICE};
use nix::sys::prctl;
use ringway::spsc::{Receiver, Sender};
use std::time::Duration;

/// Its number, and when it was sent, in nanoseconds of the monotonic clock; 0 for those of whom nobody asks.
type Message = [u64; 2];

/// Does one side.
pub(super) fn run(assignment: &Assignment) -> Result<(), Failure> {
    match assignment.side {
        Side::First => send(assignment),
        Side::Second => receive(assignment),
    }
}

fn send(assignment: &Assignment) -> Result<(), Failure> {
    // Otherwise the kernel lets us sleep 50 us longer than asked, to wake for several reasons at once.
    prctl::set_timerslack(1).map_err(|error| Failure::Fault(format!("cannot ask for exact sleeps: {error}")))?;
    let mut tx: Sender<Message> = sender(assignment, 0)?;
    until_there(|slice| tx.wait_for_peer(slice))?;
    let job = &assignment.job;
    let (count, every) = (job.batch as u64, clock::ns(job.every));
    let bursts = (clock::ns(job.run) / every).max(2);
    let (start, cpu, wakes) = (clock::now_ns(), clock::cpu_ns(), tx.stats().wakes);
    for burst in 0..bursts {
        sleep_until(start + (burst + 1) * every)?;
        let first = burst * count + job.shift(burst * count, count);
        for at in 0..count {
            let stamp = if at == 0 || at == count - 1 { clock::now_ns() } else { 0 };
            tx.send([first + at, stamp]).map_err(|_| Failure::gone(tx.disconnect_reason()))?;
        }
    }
    // The pause after the last burst is a part of its cost.
    sleep_until(start + (bursts + 1) * every)?;
    let (ns, cpu) = (clock::now_ns() - start, clock::cpu_ns() - cpu);
    Report::value("sent", bursts * count).send();
    Report::value("bursts", bursts).send();
    Report::value("sender_ns", ns).send();
    Report::value("sender_cpu_ns", cpu).send();
    Report::value("wakes", tx.stats().wakes - wakes).send();
    Ok(())
}

/// Sleeps, but not through signals.
fn sleep_until(then: u64) -> Result<(), Failure> {
    loop {
        signals::check()?;
        let now = clock::now_ns();
        if now >= then {
            return Ok(());
        }
        std::thread::sleep(Duration::from_nanos(then - now).min(SLICE));
    }
}

fn receive(assignment: &Assignment) -> Result<(), Failure> {
    let mut rx: Receiver<Message> = receiver(assignment, 0)?;
    until_sender(&mut rx)?;
    let count = assignment.job.batch as u64;
    let (mut first, mut last) = (histogram()?, histogram()?);
    let (start, cpu, sleeps) = (clock::now_ns(), clock::cpu_ns(), rx.stats().sleeps);
    let mut n = 0;
    while let Ok([number, stamp]) = rx.recv() {
        if number != n {
            return Err(wrong(n));
        }
        let at = n % count;
        if at == 0 || at == count - 1 {
            let took = clock::now_ns().saturating_sub(stamp);
            if at == 0 {
                first.saturating_record(took);
            }
            if at == count - 1 {
                last.saturating_record(took);
            }
            signals::check()?;
        }
        n += 1;
    }
    let (ns, cpu) = (clock::now_ns() - start, clock::cpu_ns() - cpu);
    must_have_left(rx.disconnect_reason())?;
    Report::value("received", n).send();
    Report::value("receiver_ns", ns).send();
    Report::value("receiver_cpu_ns", cpu).send();
    Report::value("sleeps", rx.stats().sleeps - sleeps).send();
    report("first", &first);
    report("last", &last);
    Ok(())
}
