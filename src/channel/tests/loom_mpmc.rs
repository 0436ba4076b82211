//! Many-to-many channels under loom: ring, event counts, presence, leases, inside one process.
//!
//! An operation is some thirty atomic ones, with its lease, so bounds are low, and there are two threads: more of them are
//! in the models of the ring and of the event count.

use crate::channel::mpmc::transfer::{self, Want};
use crate::channel::mpmc::{Receiver, Sender, channel_with};
use crate::channel::options::Options;
use crate::membership::role::Role;
use crate::sync::edge::{End, PRESENCE, weakened};
use crate::sync::explore::explore;
use crate::wait::strategy::WaitStrategy;
use crate::{DisconnectReason, RecvError, TryRecvError};
use loom::thread::spawn;

fn channel(capacity: usize) -> (Sender<u64>, Receiver<u64>) {
    // As few words as can be for loom to follow.
    let options = Options::new().members(1).operations(3).in_hand(1);
    channel_with(&options.capacity(capacity).wait(WaitStrategy::Sleep)).unwrap()
}

#[test]
fn both_sides_sleep_and_nothing_is_lost() {
    explore("mpmc, blocking", Some(1), || {
        let (tx, rx) = channel(1);
        let sending = spawn(move || {
            tx.send(1).unwrap();
            tx.send(2).unwrap();
            tx
        });
        assert_eq!((rx.recv(), rx.recv()), (Ok(1), Ok(2)));
        drop(sending.join().unwrap());
    });
}

fn the_last_sender_leaves() {
    let (tx, rx) = channel(1);
    let sending = spawn(move || tx.send(1).unwrap());
    assert_eq!((rx.recv(), rx.recv()), (Ok(1), Err(RecvError)));
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Left));
    sending.join().unwrap();
}

#[test]
fn the_last_sender_wakes_the_receiver_behind_what_it_sent() {
    explore("mpmc, sender leaves", Some(1), the_last_sender_leaves);
}

/// Who asks without sleeping comes by no fence: the words of presence alone say that all that was sent is there.
#[test]
fn who_polls_and_finds_the_last_sender_gone_has_what_it_sent() {
    explore("mpmc, sender leaves a poller", Some(2), || {
        let (tx, rx) = channel(1);
        let sending = spawn(move || tx.send(1).unwrap());
        let found = rx.try_recv();
        assert_ne!(found, Err(TryRecvError::Disconnected), "gone, and its message is lost");
        sending.join().unwrap();
    });
}

#[test]
fn edge_presence_matters() {
    for end in [End::Release, End::Acquire] {
        let weakened = || explore("weakened", Some(1), the_last_sender_leaves);
        assert!(weakened::fails(PRESENCE, end, weakened), "who goes is followed without the {end:?} end");
    }
}

#[test]
fn the_last_receiver_wakes_the_sender_which_has_its_message_back() {
    explore("mpmc, receiver leaves", Some(2), || {
        let (tx, rx) = channel(1);
        tx.send(1).unwrap();
        let receiving = spawn(move || drop(rx));
        assert_eq!(tx.send(2).unwrap_err().into_inner(), 2);
        receiving.join().unwrap();
    });
}

#[test]
fn what_is_given_back_wakes_another() {
    explore("mpmc, given back", Some(2), || {
        let (tx, rx) = channel(1);
        tx.send(1).unwrap();
        let guard = rx.recv_ref().unwrap();
        let other = rx.clone();
        let receiving = spawn(move || {
            let again = other.recv_ref().unwrap();
            assert_eq!((*again, again.attempt()), (1, 2));
            again.commit();
        });
        drop(guard);
        receiving.join().unwrap();
        drop(tx);
    });
}

/// A receiver looks for what was left, and finds nothing, while somebody gives a message back: it looks once more.
#[test]
fn what_is_given_back_while_somebody_looks_is_found() {
    explore("mpmc, given back while one looks", Some(2), || {
        let (tx, rx) = channel(1);
        tx.send(1).unwrap();
        // Once before, so that there is something to look for.
        drop(rx.recv_ref().unwrap());
        let guard = rx.recv_ref().unwrap();
        let other = rx.clone();
        let receive = move || {
            let mut message = None;
            transfer::pop(other.core(), &mut Want::One(&mut message)).ok().and(message)
        };
        let looking = spawn(move || receive().or_else(receive));
        drop(guard);
        let mut message = looking.join().unwrap();
        if message.is_none() {
            let _ = transfer::pop(rx.core(), &mut Want::One(&mut message));
        }
        assert_eq!(message, Some(1), "lost: it counts as seen");
        drop(tx);
    });
}

/// The news that somebody has come, gone, or left something comes with what was left.
#[test]
fn who_is_told_to_look_sees_that_something_was_left() {
    explore("mpmc, left", Some(3), || {
        let (tx, rx) = channel(1);
        let core = rx.core();
        core.digest(Role::Receiver);
        assert!(core.is_undisturbed(Role::Receiver));
        let leaving = spawn(move || {
            tx.core().leave_orphans();
            tx
        });
        if !core.is_undisturbed(Role::Receiver) {
            core.digest(Role::Receiver);
            assert!(!core.is_undisturbed(Role::Receiver), "it was told to look, and is as busy as before");
        }
        drop(leaving.join().unwrap());
    });
}

#[test]
fn closing_wakes_everybody() {
    explore("mpmc, closed", Some(2), || {
        let (tx, rx) = channel(1);
        let receiving = spawn(move || rx.recv());
        tx.close();
        assert_eq!(receiving.join().unwrap(), Err(RecvError));
    });
}
