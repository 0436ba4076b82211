//! One sender, one receiver, in threads: every method, every error, every shape of message.
//!
//! # Safety
//!
//! `pthread_kill` of a thread of ours that is joined later, with a handler that does nothing.
#![allow(unsafe_code)]

mod support;

use bytemuck::{AnyBitPattern, NoUninit, Pod, Zeroable};
use nix::libc;
use ringway::spsc::{Guard, IntoIter, ReadGrant, Receiver, Sender, WriteGrant, channel, channel_with};
use ringway::{
    Absent, DisconnectReason, FormatError, OpenError, Options, Placement, RecvError, RecvTimeoutError, SendError,
    SendTimeoutError, TryGrantError, TryRecvError, TrySendError, WaitForPeerError, WaitStrategy,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};
use std::error::Error;
use std::fmt::{Debug, Display};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use support::in_time;

// Fault M6.
assert_impl_all!(Sender<u64>: Send, Debug);
assert_impl_all!(Receiver<u64>: Send, Debug);
assert_impl_all!(IntoIter<u64>: Send, std::iter::FusedIterator);
assert_not_impl_any!(Sender<u64>: Clone);
assert_not_impl_any!(Receiver<u64>: Clone);
assert_impl_all!(SendError<Opaque>: Error, Debug, Display, Copy);
assert_impl_all!(TrySendError<Opaque>: Error, Debug, Display, Copy);
assert_impl_all!(SendTimeoutError<Opaque>: Error, Debug, Display, Copy);
assert_impl_all!(IntoIter<Opaque>: Debug);
assert_impl_all!(Guard<'static, Opaque>: Debug);
assert_impl_all!(WriteGrant<'static, Opaque>: Debug);
assert_impl_all!(ReadGrant<'static, Opaque>: Debug);
assert_impl_all!(OpenError: Error, Send, Sync);

/// A message that nobody can print.
#[derive(Clone, Copy, PartialEq, Eq, Zeroable, Pod)]
#[repr(C)]
struct Opaque(u32);

#[derive(Clone, Copy, AnyBitPattern)]
#[repr(C, align(4096))]
struct Page([u8; 4096]);
// SAFETY: as large as it is aligned: no padding.
unsafe impl NoUninit for Page {}

#[derive(Clone, Copy, AnyBitPattern, PartialEq, Debug)]
#[repr(C, align(64))]
struct Line([u64; 8]);
// SAFETY: as large as it is aligned: no padding.
unsafe impl NoUninit for Line {}

fn pair(capacity: usize) -> (Sender<u64>, Receiver<u64>) {
    channel(capacity).expect("a channel")
}

fn text(error: &(impl Error + ?Sized)) -> String {
    format!("{error} {error:?}")
}

/// Fault 22.
#[test]
fn what_cannot_be_made_is_refused() {
    let field = |error: OpenError| match error {
        OpenError::Format(FormatError::Field { field, .. }) => field,
        other => panic!("{other:?}"),
    };
    assert_eq!(field(channel::<u64>(0).unwrap_err()), "capacity");
    assert_eq!(field(channel::<u64>(usize::MAX).unwrap_err()), "capacity");
    for bytes in [0, 8, 12, 20] {
        assert_eq!(field(channel_with::<u64>(&Options::new().frame_bytes(bytes)).unwrap_err()), "frame_bytes");
    }
    let table = Options::new().placement(Placement::Table).frame_bytes(12);
    assert_eq!(field(channel_with::<u64>(&table).unwrap_err()), "frame_bytes");
    assert!(channel::<[u8; 1 << 20]>(1 << 40).is_err());
}

#[test]
fn errors_say_what_happened_and_not_what_was_sent() {
    let message = Opaque(987_654);
    let errors: [&dyn Error; 11] = [
        &SendError(message),
        &TrySendError::Full(message),
        &TrySendError::Disconnected(message),
        &SendTimeoutError::Timeout(message),
        &SendTimeoutError::Disconnected(message),
        &RecvError,
        &TryRecvError::Empty,
        &RecvTimeoutError::Timeout,
        &TryGrantError::TooFew(3),
        &WaitForPeerError::Timeout,
        &WaitForPeerError::Disconnected(DisconnectReason::Died),
    ];
    let mut texts: Vec<_> = errors.iter().map(|error| text(*error)).collect();
    assert!(texts.iter().all(|text| !text.contains("987654") && text.len() > 10), "{texts:?}");
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 11, "each has its own words, those of `Debug` counted");

    assert!(SendError(message).into_inner() == message);
    let (full, gone) = (TrySendError::Full(message), TrySendError::Disconnected(message));
    assert_eq!(
        (full.is_full(), full.is_disconnected(), gone.is_full(), gone.is_disconnected()),
        (true, false, false, true)
    );
    assert!(full.into_inner() == message && gone.into_inner() == message);
    let (late, gone) = (SendTimeoutError::Timeout(message), SendTimeoutError::Disconnected(message));
    assert_eq!(
        (late.is_timeout(), late.is_disconnected(), gone.is_timeout(), gone.is_disconnected()),
        (true, false, false, true)
    );
    assert!(late.into_inner() == message && gone.into_inner() == message);
    assert!(TryRecvError::Empty.is_empty() && !TryRecvError::Empty.is_disconnected());
    assert!(TryRecvError::Disconnected.is_disconnected() && !TryRecvError::Disconnected.is_empty());
    assert!(RecvTimeoutError::Timeout.is_timeout() && !RecvTimeoutError::Timeout.is_disconnected());
    assert!(RecvTimeoutError::Disconnected.is_disconnected() && !RecvTimeoutError::Disconnected.is_timeout());
    assert!(TryGrantError::Disconnected.is_disconnected() && !TryGrantError::TooFew(0).is_disconnected());
    assert!(TrySendError::from(SendError(message)).is_disconnected());
    assert!(SendTimeoutError::from(SendError(message)).is_disconnected());
    assert_eq!((TryRecvError::from(RecvError), RecvTimeoutError::from(RecvError)).0, TryRecvError::Disconnected);
}

#[test]
fn debug_needs_nothing_of_the_message_and_shows_nothing_of_it() {
    let (mut tx, mut rx) = channel::<Opaque>(4).unwrap();
    tx.send(Opaque(987_654)).unwrap();
    let mut shown = format!("{tx:?} {rx:?}");
    assert!(shown.contains("Opaque") && shown.contains("len: 1") && shown.contains("capacity: 4"), "{shown}");
    shown += &format!("{:?}", rx.iter());
    shown += &format!("{:?}", rx.try_iter());
    shown += &format!("{:?}", rx.recv_ref().unwrap());
    shown += &format!("{:?}", rx.try_read(1).unwrap());
    shown += &format!("{:?}", tx.try_reserve(1).unwrap());
    shown += &format!("{:?}", rx.into_iter());
    assert!(!shown.contains("987654"), "{shown}");
}

/// Fills the ring to the last place and empties it, again and again from every offset.
fn exact<T: ringway::Payload + PartialEq>(options: &Options, capacity: usize, make: impl Fn(usize) -> T) {
    let (mut tx, mut rx) = channel_with::<T>(&options.clone().capacity(capacity)).unwrap();
    let (mut sent, mut got) = (0, 0);
    for round in 0..5 {
        assert_eq!((tx.capacity(), rx.capacity()), (capacity, capacity));
        for filled in 0..capacity {
            assert_eq!((tx.len(), rx.len(), tx.is_full(), rx.is_empty()), (filled, filled, false, filled == 0));
            assert!(tx.try_send(make(sent)).is_ok(), "message {filled} of {capacity}");
            sent += 1;
        }
        assert_eq!((tx.len(), rx.len(), tx.is_full(), rx.is_full()), (capacity, capacity, true, true));
        assert!(tx.try_send(make(0)).is_err_and(|error| error.is_full()));
        // One in, one out: the offset moves on.
        for _ in 0..=round {
            assert!(rx.try_recv().is_ok_and(|message| message == make(got)));
            got += 1;
            assert!(!tx.is_full() && tx.try_send(make(sent)).is_ok() && tx.is_full());
            sent += 1;
        }
        while got < sent {
            assert!(rx.try_recv().is_ok_and(|message| message == make(got)));
            got += 1;
        }
        assert_eq!(rx.try_recv().err(), Some(TryRecvError::Empty));
        assert!(tx.is_empty() && rx.is_empty());
    }
}

#[test]
fn s1_capacity_is_exact() {
    for capacity in 1..=50 {
        exact(&Options::new(), capacity, |n| n as u64);
        for frame in [16, 24, 64, 128] {
            exact(&Options::new().frame_bytes(frame), capacity, |n| n as u64);
            exact(&Options::new().frame_bytes(frame).placement(Placement::Table), capacity, |n| n as u64);
        }
    }
}

#[test]
fn every_size_and_alignment_arrives_as_it_went() {
    fn bytes<const N: usize>() -> impl Fn(usize) -> [u8; N] {
        |n| std::array::from_fn(|at| (n * 31 + at) as u8)
    }
    for capacity in [1, 2, 3, 17] {
        for options in
            [Options::new(), Options::new().placement(Placement::Table), Options::new().placement(Placement::Inline)]
        {
            exact(&options, capacity, |_| ());
            exact(&options, capacity, |n| n as u8);
            exact(&options, capacity, bytes::<3>());
            exact(&options, capacity, bytes::<7>());
            exact(&options, capacity, bytes::<33>());
            exact(&options, capacity, bytes::<513>());
            exact(&options, capacity, |n| [n as u16; 3]);
            exact(&options, capacity, |n| n as u128);
            exact(&options, capacity, |n| Line([n as u64; 8]));
            exact(&options, capacity, |n| [n as u64; 700]);
        }
    }
    let (mut tx, mut rx) = channel::<Page>(3).unwrap();
    for n in 0..10 {
        tx.send(Page([n; 4096])).unwrap();
        let grant = rx.try_read(1).unwrap();
        let place = grant.contiguous(1);
        assert!(place.as_ptr().addr() % 4096 == 0 && place[0].0 == [n; 4096]);
        grant.release_all();
    }
}

#[test]
fn large_messages_lie_in_a_table_and_small_ones_inline() {
    let runs = |options: &Options| {
        let (mut tx, _rx) = channel_with::<[u64; 2]>(&options.clone().capacity(100)).unwrap();
        let mut grant = tx.try_reserve(100).unwrap();
        grant.runs_mut().count()
    };
    assert!(runs(&Options::new()) > 10);
    assert_eq!(runs(&Options::new().placement(Placement::Table)), 1);
    let (mut tx, _rx) = channel::<[u64; 1024]>(4).unwrap();
    assert_eq!(tx.try_reserve(4).unwrap().runs_mut().count(), 1, "by default");
}

#[test]
fn grants_write_and_read_in_place() {
    for options in [Options::new(), Options::new().placement(Placement::Table).frame_bytes(64)] {
        let (mut tx, mut rx) = channel_with::<u64>(&options.capacity(20)).unwrap();
        let (mut sent, mut got) = (0, 0);
        for round in 0..50 {
            let want = 1 + round % 20;
            let mut grant = tx.try_reserve(want).unwrap();
            assert_eq!((grant.len(), grant.is_empty()), (want, false));
            assert!((1..=want).contains(&grant.contiguous(usize::MAX).len()) && grant.contiguous(1).len() == 1);
            assert_eq!(grant.runs_mut().map(|run| run.len()).sum::<usize>(), want);
            match round % 4 {
                0 => assert_eq!(grant.fill(sent..), want),
                1 => assert_eq!(grant.copy_from_slice(&(sent..sent + 30).collect::<Vec<_>>()), want),
                2 => grant.iter_mut().zip(sent..).for_each(|(place, number)| *place = number),
                _ => {
                    for (place, number) in grant.runs_mut().flatten().zip(sent..) {
                        *place = number;
                    }
                }
            }
            let part = if round % 3 == 0 { want } else { want / 2 };
            if part == want {
                grant.commit_all()
            } else {
                grant.commit(part)
            }
            sent += part as u64;
            assert_eq!(rx.len(), part);

            assert_eq!(rx.try_read(part + 1).unwrap_err(), TryGrantError::TooFew(part));
            if part == 0 {
                continue;
            }
            let grant = rx.read_up_to(usize::MAX).unwrap();
            assert_eq!((grant.len(), grant.position(), grant.attempt(), grant.is_redelivered()), (part, got, 1, false));
            let expected: Vec<_> = (got..sent).collect();
            assert_eq!(grant.iter().collect::<Vec<_>>(), expected);
            assert_eq!(grant.runs().flatten().copied().collect::<Vec<_>>(), expected);
            assert!(expected.starts_with(grant.contiguous(usize::MAX)));
            let mut copy = [u64::MAX; 25];
            assert_eq!(grant.copy_to_slice(&mut copy), part);
            assert_eq!((&copy[..part], copy[part]), (&expected[..], u64::MAX));
            let first = part.div_ceil(2);
            grant.release(first);
            got += first as u64;
            if first < part {
                let rest = rx.try_read(part - first).unwrap();
                assert!(rest.is_redelivered() && rest.attempt() == 2 && rest.position() == got);
                assert!(rest.iter().eq(got..sent));
                rest.release_all();
                got = sent;
            }
            assert!(rx.is_empty() && tx.is_empty());
        }
    }
}

/// Fault M4.
#[test]
fn grants_that_do_not_fit_say_how_many_would() {
    let (mut tx, mut rx) = pair(5);
    assert_eq!(tx.try_reserve(6).unwrap_err(), TryGrantError::TooFew(5));
    assert!(tx.try_reserve(0).unwrap().is_empty());
    drop(tx.try_reserve(5).unwrap());
    assert!(rx.is_empty(), "nothing was committed");
    tx.send_many(&[1, 2, 3]).unwrap();
    assert_eq!(tx.try_reserve(3).unwrap_err(), TryGrantError::TooFew(2));
    assert_eq!(tx.reserve_up_to(9).unwrap().len(), 2);
    assert_eq!(tx.reserve_up_to(0).unwrap().len(), 1);
    assert_eq!(rx.try_read(4).unwrap_err(), TryGrantError::TooFew(3));
    assert_eq!(rx.try_read(0).unwrap().len(), 1);
    assert_eq!(rx.read_up_to(0).unwrap().len(), 1);
    for (panics, end) in [("committed", true), ("released", false)] {
        let result = std::panic::catch_unwind(|| {
            let (mut tx, mut rx) = pair(2);
            tx.send(1).unwrap();
            if end { tx.try_reserve(1).unwrap().commit(2) } else { rx.try_read(1).unwrap().release(2) }
        });
        assert!(result.unwrap_err().downcast_ref::<String>().is_some_and(|text| text.contains(panics)));
    }
}

/// A sender that waits for room for no message waits for room for one, and is woken.
#[test]
fn reserving_nothing_on_a_full_ring_ends_when_there_is_room() {
    let (mut tx, mut rx) = channel_with::<u64>(&Options::new().capacity(1).wait(WaitStrategy::Sleep)).unwrap();
    tx.send(1).unwrap();
    let waiting = std::thread::spawn(move || tx.reserve_up_to(0).is_ok());
    assert_eq!(rx.recv(), Ok(1));
    assert!(in_time("reserve_up_to(0)", || waiting.join().unwrap()));
    drop(rx);
}

#[test]
fn guards_give_back_what_is_not_committed() {
    let (mut tx, mut rx) = pair(2);
    tx.send_many(&[7, 8]).unwrap();
    let guard = rx.recv_ref().unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered(), guard.position()), (7, 1, false, 0));
    // In hand: taken, but its room is not free.
    assert_eq!((tx.len(), tx.is_full(), tx.try_send(9)), (1, true, Err(TrySendError::Full(9))));
    drop(guard);
    // A leak, and not `mem::forget`, which the linter thinks is a mistake where there is no destructor.
    let _ = std::mem::ManuallyDrop::new(rx.try_recv_ref().unwrap());
    let guard = rx.recv_ref_timeout(Duration::ZERO).unwrap();
    assert_eq!((*guard, guard.attempt(), guard.is_redelivered()), (7, 3, true));
    guard.commit();
    assert_eq!((tx.len(), tx.is_full()), (1, false));
    // Received plainly, a message that was handed back comes once more and no more.
    drop(rx.recv_ref().unwrap());
    assert_eq!((rx.recv(), rx.try_recv()), (Ok(8), Err(TryRecvError::Empty)));
    assert_eq!(rx.try_recv_ref().unwrap_err(), TryRecvError::Empty);
    assert_eq!(rx.recv_ref_timeout(Duration::from_millis(1)).unwrap_err(), RecvTimeoutError::Timeout);
    tx.send(9).unwrap();
    for attempt in 1..400 {
        assert_eq!(rx.recv_ref().unwrap().attempt(), attempt.min(255));
    }
    rx.recv_ref().unwrap().commit();
    tx.close();
    assert!(rx.recv_ref().is_err() && rx.try_recv_ref().unwrap_err().is_disconnected());
    assert!(rx.recv_ref_timeout(Duration::MAX).unwrap_err().is_disconnected());
}

/// Fault M2.
#[test]
fn many_at_a_time() {
    let (mut tx, mut rx) = pair(7);
    assert_eq!((tx.try_send_many(&[]), rx.try_recv_many(&mut [])), (Ok(0), Ok(0)));
    assert_eq!((tx.try_send_many(&[1; 10]), tx.try_send_many(&[1]), rx.recv_many(&mut [])), (Ok(7), Ok(0), Ok(0)));
    let mut got = [0; 10];
    assert_eq!((rx.try_recv_many(&mut got[..3]), rx.recv_many(&mut got)), (Ok(3), Ok(4)));
    assert_eq!(rx.try_recv_many(&mut got), Ok(0));
    let sending = std::thread::spawn(move || {
        tx.send_many(&(0..10_000).collect::<Vec<_>>()).unwrap();
        tx.send_many(&[]).unwrap();
    });
    let mut all = Vec::new();
    while let Ok(n) = rx.recv_many(&mut got) {
        assert!(n > 0);
        all.extend_from_slice(&got[..n]);
    }
    assert!(all.into_iter().eq(0..10_000));
    sending.join().unwrap();
    assert_eq!((rx.recv_many(&mut got), rx.try_recv_many(&mut got)), (Err(RecvError), Err(RecvError)));
}

#[test]
fn iterators_end_where_they_should() {
    let (mut tx, mut rx) = pair(10);
    tx.send_many(&[1, 2, 3]).unwrap();
    assert_eq!(rx.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    tx.send_many(&[4, 5]).unwrap();
    assert_eq!(rx.iter().take(2).collect::<Vec<_>>(), [4, 5]);
    tx.send(6).unwrap();
    assert_eq!((&mut rx).into_iter().next(), Some(6));
    tx.send(7).unwrap();
    drop(tx);
    let mut owned = rx.into_iter();
    assert_eq!((owned.next(), owned.next(), owned.next()), (Some(7), None, None));
}

#[test]
fn closing_is_leaving_and_idempotent() {
    let (mut tx, mut rx) = pair(3);
    tx.send_many(&[1, 2]).unwrap();
    tx.close();
    tx.close();
    assert_eq!((tx.disconnect_reason(), tx.sender_count()), (Some(DisconnectReason::Closed), 0));
    assert_eq!(tx.try_send(3), Err(TrySendError::Disconnected(3)));
    assert_eq!(tx.send(3), Err(SendError(3)));
    assert_eq!(tx.send_timeout(3, Duration::MAX), Err(SendTimeoutError::Disconnected(3)));
    assert_eq!(tx.send_deadline(3, Instant::now()), Err(SendTimeoutError::Disconnected(3)));
    assert_eq!(tx.wait_for_peer(Duration::MAX), Err(WaitForPeerError::Disconnected(DisconnectReason::Closed)));
    assert_eq!((rx.disconnect_reason(), rx.sender_count()), (Some(DisconnectReason::Left), 0));
    assert_eq!((rx.recv(), rx.recv(), rx.recv(), rx.recv()), (Ok(1), Ok(2), Err(RecvError), Err(RecvError)));
    assert!(rx.recv_deadline(Instant::now() + Duration::from_secs(9)).unwrap_err().is_disconnected());

    let (mut tx, mut rx) = pair(3);
    tx.send_many(&[1, 2]).unwrap();
    rx.close();
    rx.close();
    assert_eq!(
        (tx.try_send(3), tx.disconnect_reason()),
        (Err(TrySendError::Disconnected(3)), Some(DisconnectReason::Left))
    );
    assert_eq!((rx.recv(), rx.recv(), rx.recv()), (Ok(1), Ok(2), Err(RecvError)), "what is there is there");
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Closed));
}

/// Fault 56.
#[test]
fn closing_wakes_sleepers() {
    let options = Options::new().capacity(1).wait(WaitStrategy::Sleep).slice(Duration::MAX);
    let (tx, mut rx) = channel_with::<u64>(&options).unwrap();
    let waiting = std::thread::spawn(move || rx.recv());
    drop(tx);
    assert_eq!(in_time("a receiver", || waiting.join().unwrap()), Err(RecvError));
    let (mut tx, rx) = channel_with::<u64>(&options).unwrap();
    tx.send(1).unwrap();
    let waiting = std::thread::spawn(move || tx.send(2));
    drop(rx);
    assert_eq!(in_time("a sender", || waiting.join().unwrap()), Err(SendError(2)));
}

/// Fault 55.
#[test]
fn s4_timeouts() {
    for wait in [WaitStrategy::Sleep, WaitStrategy::Spin, WaitStrategy::default()] {
        let (mut tx, mut rx) = channel_with::<u64>(&Options::new().capacity(1).wait(wait)).unwrap();
        assert_eq!(rx.recv_timeout(Duration::ZERO), Err(RecvTimeoutError::Timeout));
        assert_eq!(rx.recv_deadline(Instant::now() - Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
        assert_eq!(tx.send_timeout(1, Duration::ZERO), Ok(()));
        assert_eq!(tx.send_timeout(2, Duration::ZERO), Err(SendTimeoutError::Timeout(2)));
        assert_eq!(tx.send_deadline(2, Instant::now()), Err(SendTimeoutError::Timeout(2)));
        assert_eq!(rx.recv_timeout(Duration::ZERO), Ok(1));
        let time = Duration::from_millis(20);
        let start = Instant::now();
        assert_eq!(rx.recv_timeout(time), Err(RecvTimeoutError::Timeout));
        assert!(start.elapsed() >= time);
        tx.send_timeout(1, Duration::MAX).unwrap();
        let start = Instant::now();
        assert_eq!(tx.send_deadline(2, start + time), Err(SendTimeoutError::Timeout(2)));
        assert!(start.elapsed() >= time);
        assert_eq!(rx.recv_timeout(Duration::MAX), Ok(1));
        let waiting = std::thread::spawn(move || (rx.recv_timeout(Duration::MAX), rx.recv_timeout(Duration::MAX)));
        tx.send(5).unwrap();
        drop(tx);
        assert_eq!(waiting.join().unwrap(), (Ok(5), Err(RecvTimeoutError::Disconnected)));
    }
}

/// Sends a signal to a thread every 2 ms while `work` runs in it.
fn interrupted<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    extern "C" fn nothing(_: libc::c_int) {}
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
    let action = SigAction::new(SigHandler::Handler(nothing), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler does nothing.
    unsafe { sigaction(Signal::SIGUSR1, &action) }.unwrap();
    let (tx, rx) = mpsc::channel();
    let over = Arc::new(AtomicBool::new(false));
    let is_over = over.clone();
    let thread = std::thread::spawn(move || {
        // SAFETY: names the calling thread.
        tx.send(unsafe { libc::pthread_self() }).unwrap();
        let result = work();
        is_over.store(true, Relaxed);
        result
    });
    let name = rx.recv().unwrap();
    let give_up = Instant::now() + support::PATIENCE;
    while !over.load(Relaxed) {
        assert!(Instant::now() < give_up, "hangs under signals");
        // SAFETY: the thread is joined below, so the name is valid.
        unsafe { libc::pthread_kill(name, libc::SIGUSR1) };
        std::thread::sleep(Duration::from_millis(2));
    }
    thread.join().unwrap()
}

/// Fault 54.
#[test]
fn s4_deadlines_are_exact_across_signals() {
    let options = Options::new().capacity(1).wait(WaitStrategy::Sleep);
    let (mut tx, mut rx) = channel_with::<u64>(&options).unwrap();
    let time = Duration::from_millis(120);
    let elapsed = interrupted(move || {
        let start = Instant::now();
        assert!(rx.recv_timeout(time).unwrap_err().is_timeout());
        let received = start.elapsed();
        tx.send(1).unwrap();
        assert!(tx.send_timeout(2, time).unwrap_err().is_timeout());
        [received, start.elapsed() - received]
    });
    assert!(elapsed.iter().all(|elapsed| *elapsed >= time), "{elapsed:?}");
    // The quicker of the two: a busy machine may hold one up.
    assert!(elapsed.iter().any(|elapsed| *elapsed < 10 * time), "{elapsed:?}");
}

/// A thread that a signal wakes every 2 ms never sleeps for a whole slice, and learns of a death all the same.
#[test]
fn s3_death_is_noticed_under_a_storm_of_signals() {
    let dir = support::Dir::new();
    if support::role().is_some() {
        let _tx = Sender::<u64>::open_with("storm", &dir.options()).unwrap();
        support::tell("here");
        support::hang();
    }
    let mut rx = Receiver::<u64>::create_with("storm", &dir.options().wait(WaitStrategy::Sleep)).unwrap();
    let mut child = support::Child::start(&here!(), "sender", &dir);
    child.expect("here");
    assert_eq!(rx.recv_timeout(Duration::from_millis(1)), Err(RecvTimeoutError::Timeout));
    let (ready, begin) = mpsc::channel();
    let killing = std::thread::spawn(move || {
        begin.recv().unwrap();
        child.kill();
    });
    let found = interrupted(move || {
        ready.send(()).unwrap();
        (rx.recv(), rx.disconnect_reason())
    });
    assert_eq!(found, (Err(RecvError), Some(DisconnectReason::Died)));
    killing.join().unwrap();
}

#[test]
fn policies_for_when_nobody_receives() {
    let dir = support::Dir::new();
    let policy = |absent| dir.options().capacity(2).absent(absent);
    // Before the first receiver.
    let mut tx = Sender::<u64>::create_with("wait", &policy(Absent::Wait)).unwrap();
    assert_eq!(tx.try_send_many(&[1, 2, 3]), Ok(2));
    assert_eq!((tx.try_send(3), tx.disconnect_reason()), (Err(TrySendError::Full(3)), None));
    // After the last.
    drop(Receiver::<u64>::open_with("wait", &dir.options()).unwrap());
    assert_eq!(
        (tx.try_send(3), tx.disconnect_reason()),
        (Err(TrySendError::Disconnected(3)), Some(DisconnectReason::Left))
    );
    // A new one mends it.
    let mut rx = Receiver::<u64>::open_with("wait", &dir.options()).unwrap();
    assert_eq!((rx.recv(), tx.try_send(3), rx.recv(), rx.recv()), (Ok(1), Ok(()), Ok(2), Ok(3)));

    let mut tx = Sender::<u64>::create_with("buffer", &policy(Absent::Buffer)).unwrap();
    tx.send(1).unwrap();
    drop(Receiver::<u64>::open_with("buffer", &dir.options()).unwrap());
    tx.send(2).unwrap();
    assert_eq!((tx.try_send(3), tx.disconnect_reason()), (Err(TrySendError::Full(3)), None));
    assert_eq!(tx.send_timeout(3, Duration::from_millis(2)), Err(SendTimeoutError::Timeout(3)));

    let mut tx = Sender::<u64>::create_with("fail", &policy(Absent::Fail)).unwrap();
    assert_eq!(
        (tx.try_send(1), tx.disconnect_reason()),
        (Err(TrySendError::Disconnected(1)), Some(DisconnectReason::Absent))
    );
    assert_eq!((tx.send(1), tx.len()), (Err(SendError(1)), 0));
    assert_eq!(tx.wait_for_peer(Duration::from_millis(2)), Err(WaitForPeerError::Timeout));
    let rx = Receiver::<u64>::open_with("fail", &dir.options()).unwrap();
    assert_eq!((tx.wait_for_peer(Duration::ZERO), tx.send(1), rx.len()), (Ok(()), Ok(()), 1));
}

#[test]
fn an_end_may_change_its_mind_while_messages_flow() {
    let (mut tx, mut rx) = channel_with::<u64>(&Options::new().capacity(3)).unwrap();
    const MESSAGES: u64 = 30_000;
    let change = |n: u64| match n / 500 % 3 {
        0 => WaitStrategy::Spin,
        1 => WaitStrategy::Sleep,
        _ => WaitStrategy::SpinThenSleep(Duration::from_micros(5)),
    };
    let sending = std::thread::spawn(move || {
        for n in 0..MESSAGES {
            if n % 500 == 0 {
                tx.set_wait(change(n));
            }
            tx.send(n).unwrap();
        }
        tx.stats()
    });
    let stats = in_time("two ends that change their minds", move || {
        for n in 0..MESSAGES {
            if n % 700 == 0 {
                rx.set_wait(change(n + 500));
            }
            assert_eq!(rx.recv(), Ok(n));
        }
        assert_eq!(rx.recv(), Err(RecvError));
        rx.stats()
    });
    let sender = sending.join().unwrap();
    assert!(stats.sleeps + sender.sleeps > 0, "{stats:?} {sender:?}");
}

#[test]
fn stats_count_sleeps_and_wakes() {
    let (mut tx, mut rx) = channel_with::<u64>(&Options::new().wait(WaitStrategy::Sleep)).unwrap();
    let before = (tx.stats(), rx.stats());
    for n in 0..100 {
        tx.send(n).unwrap();
    }
    assert_eq!((tx.stats(), rx.stats()), before, "nobody slept, so nobody was woken");
    assert!(rx.recv_many(&mut [0; 100]).is_ok());
    assert!(rx.recv_timeout(Duration::from_millis(1)).is_err());
    assert!(rx.stats().sleeps > before.1.sleeps);
    let waiting = std::thread::spawn(move || {
        rx.recv().unwrap();
        rx.stats().sleeps
    });
    while tx.stats().wakes == before.0.wakes && !waiting.is_finished() {
        let _ = tx.try_send(1);
        std::thread::yield_now();
    }
    assert!(waiting.join().unwrap() > 0);
}

#[test]
fn ends_know_their_channel() {
    let dir = support::Dir::new();
    let (a, b) = (pair(1), pair(1));
    assert!(a.0.same_channel(&a.0) && !a.0.same_channel(&b.0) && !a.1.same_channel(&b.1));
    assert_eq!((a.0.instance_id(), a.0.path()), (a.1.instance_id(), None));
    assert_eq!((a.0.sender_count(), a.0.receiver_count(), a.1.sender_count(), a.1.receiver_count()), (1, 1, 1, 1));
    let tx = Sender::<u64>::create_with("named", &dir.options()).unwrap();
    assert_eq!(tx.path(), Some(&*dir.path().join("named")));
    assert_eq!((tx.receiver_count(), tx.is_disconnected(), tx.capacity()), (0, false, 1024));
    let rx = Receiver::<u64>::open_with("named", &dir.options()).unwrap();
    assert_eq!((tx.receiver_count(), rx.sender_count(), rx.instance_id() == tx.instance_id()), (1, 1, true));
}

/// Messages of a struct, by name, through the four ways of making a channel.
#[test]
fn constructors() {
    let name = |what: &str| format!("spsc-test.{}.{what}", std::process::id());
    let (first, second) = (name("first"), name("second"));
    assert!(Receiver::<u32>::open(&first).unwrap_err().is_not_found());
    let mut tx = Sender::<u32>::create(&first, 10).unwrap();
    assert!(Sender::<u32>::create(&first, 10).unwrap_err().is_already_exists());
    assert!(Receiver::<u32>::create(&first, 10).unwrap_err().is_already_exists());
    let mut rx = Receiver::<u32>::open(&first).unwrap();
    tx.send(1).unwrap();
    assert_eq!((rx.recv(), rx.capacity()), (Ok(1), 10));
    let mut rx = Receiver::<u32>::open_or_create(&second, 5).unwrap();
    assert!(Receiver::<u32>::open(&second).unwrap_err().is_role_taken());
    let mut tx = Sender::<u32>::open_or_create(&second, 5).unwrap();
    tx.send(2).unwrap();
    assert_eq!(rx.recv(), Ok(2));
    let error = std::io::Error::from(Sender::<u32>::open(&second).unwrap_err());
    assert_eq!(error.kind(), std::io::ErrorKind::ResourceBusy);
}

#[test]
fn a_million_messages_in_order() {
    for wait in [WaitStrategy::Sleep, WaitStrategy::default()] {
        let (mut tx, mut rx) = channel_with::<u64>(&Options::new().capacity(100).wait(wait)).unwrap();
        let sending = std::thread::spawn(move || (0..500_000).for_each(|n| tx.send(n).unwrap()));
        in_time("a million messages", move || assert!(rx.iter().eq(0..500_000)));
        sending.join().unwrap();
    }
}
