//! A hostile client: a process that knows the protocol of a hand-over, and does with it what it likes.
//!
//! Each round the honest side, this process, accepts a connection and takes one end of one kind of channel; the other side is a child
//! that stands between it and an honest end of the library in the same child, and changes what goes by. What it does is drawn from a
//! seed, which is printed (`RINGWAY_SEED`; `RINGWAY_SECONDS` says for how long, 4 by default).
//!
//! *While the channel is handed over* the child
//! * says nothing, says random bytes, half a HELLO (and then nothing, or goes), one byte now and then, with and without end;
//! * changes a bit of a HELLO, says another magic, version, role, kind, type, capacity, length;
//! * passes no descriptor, two, 253, one too late, one with a VERDICT; and instead of its file a pipe, a directory, a device, a socket,
//!   an event, a descriptor that can neither be read nor written, a file of `/dev/shm`, a memfd without seals, one without each single
//!   seal, one of another length, one without room, one in huge pages, an empty one;
//! * passes a file whose header is not what it said, or whose every byte may be anything;
//! * says another VERDICT, refuses, none, or goes before it; never joins; lets its lock go.
//!
//! *When the channel is there* it writes to every word of its file: positions, credits, status, bells, the words of frames, the headers
//! and lengths of parts, payloads; random numbers, numbers near those that are there, old ones again, all ones, zeroes; one now and then
//! or as fast as it can, while its own end sends and receives as if nothing was, or does nothing, and so wakes nobody. It lets its lock
//! go and goes on; locks every byte of the honest side's file as far as it may; tries to punch holes, which must fail; dies at any moment.
//!
//! *The oracle*: the honest process does not panic and gets no signal; each call ends, at the latest a few tens of seconds after its
//! deadline, which says "not hung" and no more; what must be refused is refused; the memory that is its own stays bounded; at the end of
//! a round it has the descriptors and mappings that it had at its beginning. And when the child is dead, calls without a deadline end,
//! however it has left its words.
#![allow(unsafe_code)] // the hostile side

#[path = "handover_hostile/attacker.rs"]
mod attacker;
#[path = "handover_hostile/plan.rs"]
mod plan;
#[path = "support/mod.rs"]
mod support;
#[path = "handover_hostile/victim.rs"]
mod victim;

use plan::{Deed, Plan};
use ringway::handover::{HandoverError, Listener, Trust};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::{Dir, PATIENCE, Random, descriptors, in_time, number, own_memory, until};

const SEED: &str = "RINGWAY_HOSTILE_ROUND";

/// More than this process needs for all that it receives and keeps, in KiB.
const MEMORY_MAX: u64 = 96 << 10;

fn seconds() -> Duration {
    Duration::from_secs(number("RINGWAY_SECONDS", 4))
}

fn mappings() -> usize {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("/proc");
    maps.lines().filter(|line| line.contains("memfd:")).count()
}

/// What came of the rounds.
#[derive(Debug, Default)]
struct Count {
    rounds: u64,
    handed_over: u64,
    moved: u64,
    corrupt: u64,
}

/// Faults 20 and 69.
#[test]
fn whatever_a_client_does_nothing_happens_to_the_other_side() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    if let Ok(seed) = std::env::var(SEED) {
        let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
        attacker::run(&path, Plan::of(seed.parse().expect("a number")));
    }
    let mut random = Random::new();
    let listener = Listener::bind_for(&path, Trust::Anyone).unwrap();
    let (end, mut count) = (Instant::now() + seconds(), Count::default());
    let (open, memory) = (descriptors(), own_memory());
    // At first every deed once, then whatever comes.
    let mut deeds = Deed::ALL.iter().copied();
    loop {
        let deed = deeds.next();
        // On a busy machine the first rounds take all the time: some more tell whether anything is handed over at all.
        let is_enough = count.handed_over > 10 || count.rounds > 300;
        if deed.is_none() && Instant::now() >= end && is_enough {
            break;
        }
        let seed = Plan::seed(random.next(), deed);
        round(&listener, &dir, seed, &mut count);
        until("everything that came is closed", || descriptors() <= open && mappings() == 0);
        let now = own_memory();
        assert!(now < memory + MEMORY_MAX, "round {seed} takes memory: {now} KiB, {memory} before");
    }
    println!("{count:?}");
    assert!(count.handed_over > 10 && count.moved > 0, "most rounds come to nothing: {count:?}");
}

fn round(listener: &Listener, dir: &Dir, seed: u64, count: &mut Count) {
    let plan = Plan::of(seed);
    let mut child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["whatever_a_client_does_nothing_happens_to_the_other_side", "--exact", "--nocapture"])
        .env(SEED, seed.to_string())
        .env(support::DIR, dir.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("this binary starts");
    let begun = Instant::now();
    let mut peer = listener.accept(PATIENCE).unwrap_or_else(|error| panic!("{plan:?}: {error}"));
    peer.set_timeout(if plan.deed.stalls() { Duration::from_millis(60) } else { Duration::from_secs(5) });
    peer.set_max_bytes(1 << 20);
    let outcome = victim::play(peer, plan);
    let took = begun.elapsed();
    let _ = child.kill();
    let _ = child.wait();
    count.rounds += 1;
    if std::env::var_os("RINGWAY_LOG").is_some() {
        println!("{took:?} {:?} {plan:?}", outcome.as_ref().map(|(seen, _)| seen));
    }
    match outcome {
        Ok((seen, rest)) => {
            // However it has left its words, that it is dead ends all waiting.
            in_time(&format!("after the end of {plan:?}"), rest);
            assert!(!plan.must_fail(), "handed over in spite of {plan:?}");
            count.handed_over += 1;
            count.moved += seen.moved;
            count.corrupt += u64::from(seen.is_corrupt);
        }
        Err(error) => {
            assert!(plan.may_fail(), "{plan:?}: {error}");
            // Not by chance, because of what is in it: the hostile side may be gone first, or may have no such file.
            let is_file = matches!(
                error,
                HandoverError::Unfit { .. } | HandoverError::Closed | HandoverError::Descriptors { .. }
            );
            assert!(is_file || !matches!(plan.deed, Deed::WrongFile(_)), "{plan:?}: {error}");
        }
    }
    assert!(took < PATIENCE * 2, "{plan:?} took {took:?}");
}
