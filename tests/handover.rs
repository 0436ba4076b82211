//! Channels that are handed over: between threads, to a child, through a path; to another user; to somebody who dies.
//!
//! A child is this test binary started again with a role in its environment. Whoever waits for something waits with a deadline that
//! says only "not hung".
#![allow(unsafe_code)] // looks at what the kernel refuses

#[path = "handover/child.rs"]
mod child;
#[path = "handover/forbidden.rs"]
mod forbidden;
#[path = "support/mod.rs"]
mod support;

use child::{Child, NOBODY, become_nobody, role};
use ringway::handover::{CommandExt, HandoverError, Listener, Peer, Trust};
use ringway::{DisconnectReason, FormatError, Options, Role, WaitForPeerError, WaitStrategy};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use support::{Dir, PATIENCE, descriptors, in_time, skip, until};

/// Long enough that nobody waits for it in vain, and short enough to be waited for.
const MOMENT: Duration = Duration::from_millis(30);
const MESSAGES: u64 = 20_000;

fn options() -> Options {
    Options::new()
}

/// What one side does with the channels of a scene: sends on all kinds, then receives on all kinds.
fn send_all_kinds(peer: &mut Peer) {
    let mut numbers = peer.spsc_sender::<u64>(&options().capacity(100)).expect("numbers");
    (0..MESSAGES).for_each(|n| numbers.send(n).expect("a receiver"));
    drop(numbers);
    let mut texts = peer.bytes_sender(&options().capacity(4096)).expect("texts");
    for n in 0..300_usize {
        texts.send(&vec![n as u8; n * 37]).expect("a receiver");
    }
    drop(texts);
    let mut stream = peer.stream_writer(&options().capacity(8192)).expect("a stream");
    let mut bytes = vec![0; 1 << 20];
    support::fill(&mut bytes, 0);
    stream.write_all(&bytes).expect("a reader");
    stream.finish().expect("all was read");
}

fn receive_all_kinds(peer: &mut Peer) {
    let mut numbers = peer.spsc_receiver::<u64>(&options().capacity(100)).expect("numbers");
    for n in 0..MESSAGES {
        assert_eq!(numbers.recv_timeout(PATIENCE), Ok(n));
    }
    assert!(numbers.recv().is_err());
    assert_eq!(numbers.disconnect_reason(), Some(DisconnectReason::Left));
    let mut texts = peer.bytes_receiver(&options()).expect("texts");
    for n in 0..300_usize {
        assert_eq!(texts.recv_timeout(PATIENCE).expect("a text"), vec![n as u8; n * 37]);
    }
    assert!(texts.recv().unwrap_err().is_disconnected());
    let mut stream = peer.stream_reader(&options()).expect("a stream");
    let mut wanted = vec![0; 1 << 20];
    support::fill(&mut wanted, 0);
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the end");
    assert!(bytes == wanted, "{} bytes came", bytes.len());
}

#[test]
fn every_kind_goes_over_a_pair_both_ways() {
    let (mut here, mut there) = Peer::pair().unwrap();
    let other = std::thread::spawn(move || {
        receive_all_kinds(&mut there);
        send_all_kinds(&mut there);
    });
    in_time("both ways over a pair", move || {
        send_all_kinds(&mut here);
        receive_all_kinds(&mut here);
    });
    other.join().unwrap();
}

#[test]
fn a_child_inherits_a_connection_and_its_own_children_do_not() {
    match role().as_deref() {
        Some("child") => {
            let mut peer = Peer::inherited().expect("a connection");
            assert!(matches!(Peer::inherited(), Err(HandoverError::NotInherited)), "it is taken once");
            assert!(Child::command(&here!(), "grandchild").status().unwrap().success());
            receive_all_kinds(&mut peer);
            send_all_kinds(&mut peer);
        }
        // It has its grandparent's variable in its environment.
        Some("grandchild") => {
            assert!(matches!(Peer::inherited(), Err(HandoverError::NotInherited)));
        }
        _ => {
            assert!(matches!(Peer::inherited(), Err(HandoverError::NotInherited)));
            let (child, mut peer) = Child::with_peer(&here!(), "child");
            send_all_kinds(&mut peer);
            receive_all_kinds(&mut peer);
            child.succeed();
        }
    }
}

#[test]
fn two_who_know_a_path_find_each_other() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    if role().is_some() {
        // It may come first.
        let mut peer = Peer::connect(&path, PATIENCE).expect("somebody listens");
        send_all_kinds(&mut peer);
        return;
    }
    let child = Child::start(&here!(), "client", &dir);
    let listener = Listener::bind(&path).unwrap();
    let mut peer = listener.accept(PATIENCE).unwrap();
    let there = peer.credentials().unwrap();
    assert_eq!((there.uid, there.pid), (nix::unistd::geteuid().as_raw(), child.id()));
    receive_all_kinds(&mut peer);
    child.succeed();
    assert!(matches!(listener.accept(MOMENT), Err(HandoverError::Timeout)));
    drop(listener);
    assert!(dir.files().is_empty(), "the path is taken away");
}

#[test]
fn a_listener_replaces_what_a_dead_one_left_and_nothing_else() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    if role().is_some() {
        let _listener = Listener::bind(&path).expect("nobody is there");
        support::tell("bound");
        support::hang();
    }
    let mut child = support::Child::start(&here!(), "listener", &dir);
    child.expect("bound");
    assert!(matches!(Listener::bind(&path), Err(HandoverError::PathTaken)), "somebody listens");
    child.kill();
    assert_eq!(dir.files(), ["door", "door.lock"], "a killed process leaves its socket");
    drop(Listener::bind(&path).expect("nobody listens there any more"));
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(Listener::bind(&path), Err(HandoverError::PathTaken)), "a file");
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();

    // Of many who want it at once one gets it, and it is never taken from under somebody.
    let bound: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| Listener::bind(&path))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(bound.iter().filter(|bound| bound.is_ok()).count(), 1);
    let listener = bound.into_iter().find_map(Result::ok).unwrap();
    let mut client = in_time("connecting", {
        let path = path.clone();
        move || Peer::connect(path, PATIENCE).unwrap()
    });
    let mut served = listener.accept(PATIENCE).unwrap();
    let receiving = std::thread::spawn(move || served.spsc_receiver::<u8>(&options()).unwrap().recv());
    client.spsc_sender(&options()).unwrap().send(5_u8).unwrap();
    assert_eq!(receiving.join().unwrap(), Ok(5));

    // A path that somebody else has taken meanwhile is left alone.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    drop(listener);
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
}

/// Fault 65.
#[test]
fn nobody_can_change_what_is_the_others() {
    if role().is_some() {
        let mut peer = Peer::inherited().expect("a connection");
        forbidden::scene(&mut peer, true);
        return;
    }
    let (child, mut peer) = Child::with_peer(&here!(), "child");
    forbidden::scene(&mut peer, false);
    child.succeed();
}

#[test]
fn two_users_who_trust_each_other_so_far_exchange_messages() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    if role().is_some() {
        become_nobody();
        let mut peer = Peer::connect_to(&path, Trust::Users(vec![0]), PATIENCE).expect("root listens");
        assert_eq!(peer.credentials().unwrap().uid, 0);
        send_all_kinds(&mut peer);
        receive_all_kinds(&mut peer);
        forbidden::scene(&mut peer, true);
        return;
    }
    if !nix::unistd::geteuid().is_root() {
        skip("only root can start a process of another user");
        return;
    }
    let listener = Listener::bind_for(&path, Trust::Users(vec![NOBODY])).unwrap();
    let child = Child::start(&here!(), "nobody", &dir);
    let mut peer = listener.accept(PATIENCE).unwrap();
    assert_eq!(peer.credentials().unwrap().uid, NOBODY);
    receive_all_kinds(&mut peer);
    send_all_kinds(&mut peer);
    forbidden::scene(&mut peer, false);
    child.succeed();
}

/// Fault 69.
#[test]
fn strangers_are_turned_away_before_anything_is_sent() {
    let dir = Dir::new();
    let path = dir.path().join("door");
    match role().as_deref() {
        Some("shut out") => {
            become_nobody();
            let error = Peer::connect_to(&path, Trust::Anyone, PATIENCE).unwrap_err();
            assert_eq!(std::io::Error::from(error).kind(), ErrorKind::PermissionDenied);
            return;
        }
        Some("turned away") => {
            become_nobody();
            let mut peer = Peer::connect_to(&path, Trust::Anyone, PATIENCE).expect("it can be reached");
            let error = peer.spsc_sender::<u64>(&options()).unwrap_err();
            assert!(matches!(error, HandoverError::Closed), "{error}");
            return;
        }
        Some("choosy") => {
            become_nobody();
            let error = Peer::connect_to(&path, Trust::ThisUser, PATIENCE).unwrap_err();
            assert!(matches!(error, HandoverError::Stranger { uid: 0, .. }), "{error}");
            return;
        }
        _ => {}
    }
    // A pair of our own is made by us, whoever that is.
    let (peer, mut other) = Peer::pair().unwrap();
    let mut peer = peer.trusting(Trust::Users(vec![NOBODY - 1]));
    let error = peer.spsc_sender::<u64>(&options()).unwrap_err();
    assert!(error.is_stranger() && error.to_string().contains("stranger"), "{error}");
    other.set_timeout(MOMENT);
    assert!(other.spsc_receiver::<u64>(&options()).unwrap_err().is_timeout(), "nothing was sent");

    if !nix::unistd::geteuid().is_root() {
        skip("only root can start a process of another user");
        return;
    }
    let listener = Listener::bind(&path).unwrap();
    Child::start(&here!(), "shut out", &dir).succeed();
    drop(listener);
    let listener = Listener::bind_for(&path, Trust::Users(vec![NOBODY - 1])).unwrap();
    let child = Child::start(&here!(), "turned away", &dir);
    assert!(matches!(listener.accept(PATIENCE), Err(HandoverError::Stranger { uid: NOBODY, .. })));
    child.succeed();
    Child::start(&here!(), "choosy", &dir).succeed();
}

#[test]
fn one_that_is_killed_has_died_and_one_that_leaves_has_left() {
    if let Some(role) = role() {
        let mut peer = Peer::inherited().expect("a connection");
        let mut tx = peer.bytes_sender(&options()).unwrap();
        let rx = peer.spsc_receiver::<u64>(&options()).unwrap();
        tx.send(b"before").unwrap();
        if role == "leaves" {
            return;
        }
        std::mem::forget(rx);
        support::hang();
    }
    for (role, reason) in [("is killed", DisconnectReason::Died), ("leaves", DisconnectReason::Left)] {
        let (mut child, mut peer) = Child::with_peer(&here!(), role);
        let mut rx = peer.bytes_receiver(&options()).unwrap();
        let mut tx = peer.spsc_sender::<u64>(&options().capacity(4)).unwrap();
        assert_eq!(rx.recv_timeout(PATIENCE).unwrap(), b"before");
        if role == "is killed" {
            assert_eq!(rx.disconnect_reason(), None, "it is alive");
            assert!(rx.recv_timeout(MOMENT).unwrap_err().is_timeout());
            child.kill_now();
        }
        // Asleep without a deadline: the news comes by itself.
        let rx = in_time("hearing of its end", move || {
            assert!(rx.recv().unwrap_err().is_disconnected());
            rx
        });
        assert_eq!(rx.disconnect_reason(), Some(reason), "{role}");
        let tx = in_time("a full ring whose receiver is gone", move || {
            while tx.send(1).is_ok() {}
            assert_eq!(tx.wait_for_peer(Duration::MAX), Err(WaitForPeerError::Disconnected(reason)));
            tx
        });
        assert_eq!(tx.disconnect_reason(), Some(reason), "{role}");
        child.wait();
    }
}

/// A child that is killed right after the hand-over has never sent anything; it was there all the same.
#[test]
fn one_that_is_killed_at_once_has_died() {
    if role().is_some() {
        let mut peer = Peer::inherited().expect("a connection");
        let _stream = std::mem::ManuallyDrop::new(peer.stream_writer(&options()).unwrap());
        let _rx = std::mem::ManuallyDrop::new(peer.bytes_receiver(&options()).unwrap());
        support::hang();
    }
    let (mut child, mut peer) = Child::with_peer(&here!(), "child");
    let mut stream = peer.stream_reader(&options()).unwrap();
    let mut tx = peer.bytes_sender(&options().capacity(4096)).unwrap();
    child.kill_now();
    let error = in_time("reading from the dead", move || stream.read(&mut [0; 8]).unwrap_err());
    assert_eq!(error.kind(), ErrorKind::ConnectionAborted);
    assert_eq!(ringway::stream::Ended::of(&error).unwrap().reason, DisconnectReason::Died);
    in_time("sending to the dead", move || while tx.send(&[0; 1000]).is_ok() {});
    child.wait();
}

/// Fault 69.
#[test]
fn times_are_kept() {
    let (mut here, mut there) = Peer::pair().unwrap();
    there.set_timeout(MOMENT);
    let begun = Instant::now();
    assert!(there.bytes_receiver(&options()).unwrap_err().is_timeout());
    assert!(begun.elapsed() >= MOMENT && begun.elapsed() < PATIENCE);
    assert!(matches!(there.bytes_receiver(&options()), Err(HandoverError::Spoiled)));
    // The other side finds it closed and does not wait.
    assert!(matches!(here.bytes_sender(&options()), Err(HandoverError::Closed)));

    let (mut here, mut there) = Peer::pair().unwrap();
    let receiving = std::thread::spawn(move || there.spsc_receiver::<u64>(&options()).unwrap());
    let mut tx = here.spsc_sender::<u64>(&options().capacity(2)).unwrap();
    let mut rx = receiving.join().unwrap();
    assert!(rx.recv_timeout(MOMENT).unwrap_err().is_timeout());
    assert!(rx.recv_deadline(Instant::now() + MOMENT).unwrap_err().is_timeout());
    assert!(rx.try_recv().unwrap_err().is_empty());
    tx.try_send(1).unwrap();
    tx.try_send(2).unwrap();
    assert!(tx.try_send(3).unwrap_err().is_full(), "the capacity is exact");
    assert!(tx.send_timeout(3, MOMENT).unwrap_err().is_timeout());
    assert_eq!((rx.len(), rx.capacity(), rx.recv(), rx.try_recv()), (2, 2, Ok(1), Ok(2)));
    rx.set_wait(WaitStrategy::Sleep);
    let sending = std::thread::spawn(move || {
        std::thread::park_timeout(MOMENT);
        tx.send(4).unwrap();
    });
    assert_eq!(rx.recv(), Ok(4), "one that sleeps on a page that it can only read is woken");
    sending.join().unwrap();
}

/// What does not suit is told to both sides, and they may try again.
#[test]
fn two_that_want_different_things_tell_each_other() {
    // In a process of its own, which counts what it has.
    if role().is_none() {
        assert!(Child::command(&here!(), "alone").status().unwrap().success());
        return;
    }
    let (mut here, mut there) = Peer::pair().unwrap();
    let before = descriptors();
    let mut both = |one: &mut (dyn FnMut(&mut Peer) -> Option<HandoverError> + Send),
                    other: &mut (dyn FnMut(&mut Peer) -> Option<HandoverError> + Send)| {
        std::thread::scope(|scope| {
            let one = scope.spawn(|| one(&mut here));
            let other = other(&mut there).expect("it does not suit");
            (one.join().unwrap().expect("it does not suit"), other)
        })
    };
    let (one, other) = both(&mut |peer| peer.spsc_sender::<u64>(&options()).err(), &mut |peer| {
        peer.spsc_sender::<u64>(&options()).err()
    });
    assert!(matches!(one, HandoverError::SameRole(Role::Sender)), "{one}");
    assert!(matches!(other, HandoverError::SameRole(Role::Sender)), "{other}");
    let (one, other) =
        both(&mut |peer| peer.spsc_sender::<u64>(&options()).err(), &mut |peer| peer.bytes_receiver(&options()).err());
    for error in [one, other] {
        assert!(matches!(error, HandoverError::Format(FormatError::Kind { .. })), "{error}");
    }
    let (one, other) = both(&mut |peer| peer.spsc_sender::<u64>(&options().type_tag(1)).err(), &mut |peer| {
        peer.spsc_receiver::<u64>(&options().type_tag(2)).err()
    });
    for error in [one, other] {
        assert!(matches!(error, HandoverError::Format(FormatError::Type { .. })), "{error}");
    }
    let (one, other) = both(&mut |peer| peer.spsc_sender::<u64>(&options().capacity(7)).err(), &mut |peer| {
        peer.spsc_receiver::<u64>(&options().capacity(8)).err()
    });
    for error in [one, other] {
        assert!(matches!(error, HandoverError::Format(FormatError::Capacity { .. })), "{error}");
    }
    // Only the receiver has a limit; the sender is told.
    let (one, other) = both(&mut |peer| peer.bytes_sender(&options().capacity(1 << 20)).err(), &mut |peer| {
        peer.set_max_bytes(1 << 20);
        peer.bytes_receiver(&options()).err()
    });
    assert!(matches!(one, HandoverError::Refused { .. }) && one.to_string().contains("larger"), "{one}");
    assert!(matches!(other, HandoverError::TooLarge { max: 0x10_0000, .. }), "{other}");
    // And then it goes.
    let receiving = std::thread::scope(|scope| {
        let receiving = scope.spawn(|| there.bytes_receiver(&options()).unwrap());
        here.bytes_sender(&options().capacity(4096)).unwrap().send(b"at last").unwrap();
        receiving.join().unwrap().recv()
    });
    assert_eq!(receiving.unwrap(), b"at last");
    // What was refused is closed by a thread.
    until("nothing is left open", || descriptors() == before);
}

#[test]
fn what_cannot_be_handed_over_is_said_before_anything_is_sent() {
    let dir = Dir::new();
    let (mut here, mut there) = Peer::pair().unwrap();
    for impossible in [
        options().persistent(true),
        options().dir(dir.path()),
        options().backing(ringway::Backing::Memfd),
        options().prefault(true),
        options().absent(ringway::Absent::Buffer),
        options().waiter(ringway::Waiter::Semaphore),
    ] {
        let error = here.spsc_sender::<u64>(&impossible).unwrap_err();
        assert!(matches!(error, HandoverError::Options { .. }), "{error}");
    }
    assert!(matches!(
        here.spsc_sender::<u64>(&options().capacity(0)),
        Err(HandoverError::Format(_) | HandoverError::Channel(_))
    ));
    let receiving = std::thread::spawn(move || there.spsc_receiver::<u64>(&options()).unwrap().recv());
    here.spsc_sender(&options().waiter(ringway::Waiter::Futex)).unwrap().send(9_u64).unwrap();
    assert_eq!(receiving.join().unwrap(), Ok(9));
}

/// Somebody who is no ringway program.
/// Fault 69.
#[test]
fn other_protocols_are_refused() {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    let mut peer = Peer::from(ours);
    theirs.write_all(&[b'x'; 128]).unwrap();
    assert!(matches!(peer.spsc_sender::<u64>(&options()), Err(HandoverError::Protocol { what: "magic", .. })));
    assert!(matches!(peer.spsc_sender::<u64>(&options()), Err(HandoverError::Spoiled)));
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    assert!(matches!(Peer::from(ours).spsc_sender::<u64>(&options()), Err(HandoverError::Closed)));
}

/// In a forked child the ends are dead, and the parent's go on; the child does not keep a dead parent alive.
#[test]
fn a_forked_child_touches_nothing_and_keeps_nobody_alive() {
    if role().is_some() {
        let mut peer = Peer::inherited().expect("a connection");
        let mut tx = peer.spsc_sender::<u64>(&options()).unwrap();
        // SAFETY: the child of a process with threads calls only what is async-signal-safe: sends, which fail, and pause.
        match unsafe { nix::unistd::fork() }.unwrap() {
            nix::unistd::ForkResult::Child => {
                let _ = nix::sys::prctl::set_pdeathsig(None);
                // Nobody waits for it: it ends by itself if the test fails.
                nix::unistd::alarm::set(60);
                if tx.try_send(666).is_ok() || tx.disconnect_reason() != Some(DisconnectReason::Forked) {
                    // SAFETY: ends the process.
                    unsafe { nix::libc::_exit(1) };
                }
                loop {
                    nix::unistd::pause();
                }
            }
            nix::unistd::ForkResult::Parent { child } => {
                tx.send(child.as_raw() as u64).unwrap();
                support::hang();
            }
        }
    }
    let (mut child, mut peer) = Child::with_peer(&here!(), "parent");
    let mut rx = peer.spsc_receiver::<u64>(&options()).unwrap();
    let grandchild = nix::unistd::Pid::from_raw(rx.recv_timeout(PATIENCE).unwrap() as i32);
    child.kill_now();
    child.wait();
    let rx = in_time("hearing of a death that a child survives", move || {
        assert!(rx.recv().is_err(), "nothing of the child's came");
        rx
    });
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
    nix::sys::signal::kill(grandchild, nix::sys::signal::Signal::SIGKILL).expect("it lives on");
}

#[test]
fn nothing_is_left_of_channels_that_are_over() {
    // In a process of its own, which counts what it has.
    if role().is_none() {
        assert!(Child::command(&here!(), "alone").status().unwrap().success());
        return;
    }
    let (mut here, mut there) = Peer::pair().unwrap();
    let before = descriptors();
    let other = std::thread::spawn(move || {
        for _ in 0..50 {
            let _ = there.spsc_receiver::<u64>(&options()).unwrap().recv();
            let _ = there.bytes_sender(&options()).unwrap();
        }
        there
    });
    for _ in 0..50 {
        let _ = here.spsc_sender::<u64>(&options()).unwrap().send(1);
        let _ = here.bytes_receiver(&options()).unwrap();
    }
    let _there = other.join().unwrap();
    assert_eq!((descriptors(), forbidden::handed_mappings().len()), (before, 0));
}

#[test]
fn a_command_can_be_started_again_without_a_connection() {
    if let Some(role) = role() {
        assert_eq!(Peer::inherited().is_ok(), role == "with");
        return;
    }
    let mut command = Child::command(&here!(), "with");
    for _ in 0..2 {
        let (mut child, _peer) = command.spawn_peer().unwrap();
        assert!(child.wait().unwrap().success());
    }
    assert!(Child::as_role(&mut command, "without").status().unwrap().success());
}
