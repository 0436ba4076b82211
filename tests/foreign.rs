//! A peer in another language, which knows SPEC.md and nothing else: `tests/foreign/attach.py`.
//!
//! It never creates a segment, polls (a mute peer cannot be woken and cannot wake), joins and leaves as SPEC.md says.

#[path = "foreign/process.rs"]
mod process;

use nix::time::{ClockId, clock_gettime};
use process::is_possible;
use ringway::observe::{self, MemberState};
use ringway::spsc::{Receiver, Sender};
use ringway::{Backing, DisconnectReason, Options, Placement, WaitStrategy};
use std::time::Duration;

/// The script that all of these are about.
struct Foreign;

impl Foreign {
    fn start(arguments: &[&str]) -> process::Foreign {
        process::Foreign::start("attach.py", arguments)
    }

    fn joined(arguments: &[&str]) -> process::Foreign {
        process::Foreign::joined("attach.py", arguments)
    }
}

fn name(of: &str) -> String {
    format!("foreign-{of}-{}", std::process::id())
}

/// Small rings: seven messages in a frame, a table of frames of three, and the first in a System V segment.
fn rings() -> [Options; 3] {
    let slice = Duration::from_millis(20);
    [
        Options::new().capacity(10).placement(Placement::Inline).slice(slice),
        Options::new().capacity(8).placement(Placement::Table).frame_bytes(24).slice(slice),
        Options::new().capacity(10).placement(Placement::Inline).slice(slice).backing(Backing::SystemV),
    ]
}

// What is refused.

#[test]
fn it_finds_nothing_and_a_taken_role_and_creates_nothing() {
    if !is_possible() {
        return;
    }
    let name = name("refused");
    assert_eq!(Foreign::start(&["recv", &name]).end().1, Some(3));
    assert!(observe::stat(&name, None).unwrap_err().is_not_found());
    let _tx = Sender::<u64>::create(&name, 4).unwrap();
    assert_eq!(Foreign::start(&["send", &name, "0", "1"]).end().1, Some(3));
    let foreign = Foreign::joined(&["hold", &name, "receiver"]);
    let taken = Receiver::<u64>::open(&name).unwrap_err();
    assert!(taken.to_string().contains(&foreign.id().to_string()), "{taken}");
}

// What is formatted.

#[test]
fn it_reads_the_header() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("header-{at}"));
        let tx = Sender::<u64>::create_with(&name, &options.clone().type_tag(99)).unwrap();
        let seen = observe::stat(&name, None).unwrap();
        let (lines, code) = Foreign::start(&["header", &name]).end();
        let told = |field: &str| {
            let line = lines.iter().find_map(|line| line.strip_prefix(&format!("{field} ")));
            line.unwrap_or_else(|| panic!("{field}")).to_owned()
        };
        assert_eq!(code, Some(0));
        assert_eq!(told("capacity"), seen.capacity.to_string());
        assert_eq!(told("total_bytes"), seen.total_bytes.to_string());
        assert_eq!((told("type_size"), told("type_align"), told("type_tag")), ("8".into(), "8".into(), "99".into()));
        assert_eq!(told("instance"), tx.instance_id().iter().map(|byte| format!("{byte:02x}")).collect::<String>());
        assert_eq!(told("kind"), "1");
        assert_eq!(told("placement"), ["1", "2", "1"][at]);
        // It was attached, and has left the segment to us.
        assert!(observe::stat(&name, None).unwrap().is_in_use);
    }
}

// What happens.

#[test]
fn it_receives_what_we_send_lap_after_lap() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("to-{at}"));
        let mut tx = Sender::<u64>::create_with(&name, options).unwrap();
        let foreign = Foreign::joined(&["recv", &name]);
        let receiver = observe::stat(&name, None).unwrap().receiver.unwrap();
        assert_eq!((receiver.state, receiver.pid), (MemberState::Attached, foreign.id()));
        for message in 0..500_u64 {
            tx.send(message * message).unwrap();
        }
        tx.send_many(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]).unwrap();
        drop(tx);
        let (lines, code) = foreign.end();
        let expected = (0..500_u64).map(|n| n * n).chain(1..=12).map(|n| n.to_string());
        assert_eq!(lines, expected.chain(["end left".to_owned()]).collect::<Vec<_>>());
        assert_eq!(code, Some(0));
        assert!(observe::stat(&name, None).unwrap_err().is_not_found(), "the last one takes the name away");
    }
}

#[test]
fn we_receive_what_it_sends_lap_after_lap() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("from-{at}"));
        let mut rx = Receiver::<u64>::create_with(&name, options).unwrap();
        let foreign = Foreign::joined(&["send", &name, "7", "500"]);
        assert_eq!(rx.iter().collect::<Vec<_>>(), (7..507).collect::<Vec<_>>());
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
        assert_eq!(foreign.end().1, Some(0));
        assert_eq!(observe::stat(&name, None).unwrap().sender.unwrap().state, MemberState::Left);
        // The next one goes on where the last one stopped.
        let foreign = Foreign::joined(&["send", &name, "507", "20"]);
        assert_eq!(rx.iter().collect::<Vec<_>>(), (507..527).collect::<Vec<_>>());
        assert_eq!(foreign.end().1, Some(0));
    }
}

/// The time of the monotonic clock, which every process sees alike.
fn now_ns() -> u64 {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).expect("a clock"));
    u64::try_from(now.as_nanos()).expect("less than 584 years")
}

#[test]
fn a_sleeper_hears_a_mute_peer_at_once() {
    if !is_possible() {
        return;
    }
    let name = name("mute");
    // A slice so long that whoever slept through it would fail.
    let options = Options::new().capacity(8).wait(WaitStrategy::Sleep).slice(Duration::from_secs(60));
    let mut rx = Receiver::<u64>::create_with(&name, &options).unwrap();
    let mut foreign = Foreign::joined(&["stamp", &name]);
    let mut delays: Vec<Duration> = (0..25)
        .map(|_| {
            foreign.ask();
            let sent = rx.recv_timeout(Duration::from_secs(30)).expect("in time");
            Duration::from_nanos(now_ns().saturating_sub(sent))
        })
        .collect();
    delays.sort();
    assert!(rx.stats().sleeps > 25, "{:?}", rx.stats());
    // A receiver that relied on a bell would sleep for its slice of a minute; and the quickest of them was held up by
    // nothing but naps of a millisecond.
    assert!(delays[12] < Duration::from_secs(10) && delays[0] < Duration::from_millis(20), "{delays:?}");
    assert_eq!(foreign.end().1, Some(0));
}

// What happens when it dies.

#[test]
fn its_death_is_noticed_while_we_wait() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("dead-sender-{at}"));
        let mut rx = Receiver::<u64>::create_with(&name, options).unwrap();
        let foreign = Foreign::joined(&["hold", &name, "sender", "3"]);
        foreign.kill();
        assert_eq!(rx.iter().collect::<Vec<_>>(), [0, 1, 2], "what it sent, then the end");
        assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));

        // Its successor finds the tail in the words, and goes on.
        let foreign = Foreign::joined(&["send", &name, "3", "30"]);
        assert_eq!(rx.iter().collect::<Vec<_>>(), (3..33).collect::<Vec<_>>());
        assert_eq!(foreign.end().1, Some(0));
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("dead-receiver-{at}"));
        let mut tx = Sender::<u64>::create_with(&name, options).unwrap();
        tx.send_many(&[1, 2, 3, 4]).unwrap();
        Foreign::joined(&["hold", &name, "receiver", "2"]).kill();
        let sent = (5..100).take_while(|message| tx.send(*message).is_ok()).count();
        assert!(sent <= tx.capacity(), "no more than there was room for");
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Died));
        // We take the messages that it left, as its successor.
        let mut rx = Receiver::<u64>::open(&name).unwrap();
        assert_eq!(rx.try_iter().take(2).collect::<Vec<_>>(), [3, 4]);
    }
}

#[test]
fn it_notices_our_end() {
    if !is_possible() {
        return;
    }
    let name = name("our-end");
    let mut rx = Receiver::<u64>::create(&name, 4).unwrap();
    let foreign = Foreign::joined(&["send", &name, "0", "1000000"]);
    assert_eq!(rx.recv(), Ok(0));
    drop(rx);
    assert_eq!(foreign.end(), (vec!["end left".to_owned()], Some(1)));
    // It went without leaving in order, so what it was attached to is stale.
    observe::remove(&name, None).expect("a segment that nobody holds");
}

#[test]
fn what_one_side_leaves_in_a_persistent_channel_the_other_finds() {
    if !is_possible() {
        return;
    }
    for (at, options) in rings().iter().enumerate() {
        let name = name(&format!("persistent-{at}"));
        let mut tx = Sender::<u64>::create_with(&name, &options.clone().persistent(true)).unwrap();
        tx.send_many(&[1, 2, 3, 4, 5]).unwrap();
        let path = tx.path().unwrap().to_owned();
        drop(tx);
        // Nobody is there; it takes three of ours, and leaves.
        let (lines, code) = Foreign::joined(&["recv", &name, "3"]).end();
        assert_eq!((lines, code), (["1", "2", "3", "end None"].map(str::to_owned).to_vec(), Some(0)));
        // Nobody is there; it sends three of its own, and leaves.
        let (lines, code) = Foreign::joined(&["send", &name, "6", "3"]).end();
        assert_eq!((lines, code), (Vec::new(), Some(0)));
        assert!(path.exists(), "it has left the name alone");
        let mut rx = Receiver::<u64>::open(&name).unwrap();
        assert_eq!(rx.iter().collect::<Vec<_>>(), (4..9).collect::<Vec<_>>());
        drop(rx);
        // Killed, it leaves what it has not sent unsent, and the rest.
        Foreign::joined(&["hold", &name, "sender", "2"]).kill();
        assert_eq!(Receiver::<u64>::open(&name).unwrap().iter().collect::<Vec<_>>(), [0, 1]);
        observe::remove(&name, None).unwrap();
        assert!(!path.exists());
    }
}
