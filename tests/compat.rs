//! Channels in place of crossbeam-channel's and std's: what is promised to be the same is held against the originals.

#[path = "compat/crossbeam_docs.rs"]
mod crossbeam_docs;
#[path = "compat/std_docs.rs"]
mod std_docs;
mod support;

use ringway::compat::{crossbeam, std_mpsc};
use ringway::{DisconnectReason, Options, mpmc};
use std::fmt::{Debug, Display};
use std::iter::FusedIterator;
use std::panic::{RefUnwindSafe, UnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, descriptors, hang, hear, role, tell};

/// Both texts. (Those of its errors with a message have quotation marks in `Debug` with crossbeam-channel 0.5.17, and ours have
/// none.)
fn texts(error: impl Debug + Display) -> [String; 3] {
    [format!("{error:?}").replace('"', ""), format!("{error}"), format!("{error:>60}")]
}

#[test]
fn errors_say_what_crossbeam_channels_say() {
    use crossbeam_channel as original;
    fn same(ours: impl Debug + Display, theirs: impl Debug + Display) {
        assert_eq!(texts(ours), texts(theirs));
    }
    same(crossbeam::SendError(1), original::SendError(1));
    same(crossbeam::TrySendError::Full(1), original::TrySendError::Full(1));
    same(crossbeam::TrySendError::Disconnected(1), original::TrySendError::Disconnected(1));
    same(crossbeam::SendTimeoutError::Timeout(1), original::SendTimeoutError::Timeout(1));
    same(crossbeam::SendTimeoutError::Disconnected(1), original::SendTimeoutError::Disconnected(1));
    same(crossbeam::RecvError, original::RecvError);
    same(crossbeam::TryRecvError::Empty, original::TryRecvError::Empty);
    same(crossbeam::TryRecvError::Disconnected, original::TryRecvError::Disconnected);
    same(crossbeam::RecvTimeoutError::Timeout, original::RecvTimeoutError::Timeout);
    same(crossbeam::RecvTimeoutError::Disconnected, original::RecvTimeoutError::Disconnected);
}

#[test]
fn errors_convert_and_are_asked_as_crossbeam_channels() {
    use crossbeam::{RecvError, RecvTimeoutError, SendError, SendTimeoutError, TryRecvError, TrySendError};
    assert_eq!(TrySendError::from(SendError(1)), TrySendError::Disconnected(1));
    assert_eq!(SendTimeoutError::from(SendError(1)), SendTimeoutError::Disconnected(1));
    assert_eq!(TryRecvError::from(RecvError), TryRecvError::Disconnected);
    assert_eq!(RecvTimeoutError::from(RecvError), RecvTimeoutError::Disconnected);
    assert!(TrySendError::Full(1).is_full() && TrySendError::Disconnected(1).is_disconnected());
    assert!(SendTimeoutError::Timeout(1).is_timeout() && SendTimeoutError::Disconnected(1).is_disconnected());
    assert!(TryRecvError::Empty.is_empty() && TryRecvError::Disconnected.is_disconnected());
    assert!(RecvTimeoutError::Timeout.is_timeout() && RecvTimeoutError::Disconnected.is_disconnected());
    let inner =
        [SendError(1).into_inner(), TrySendError::Full(2).into_inner(), SendTimeoutError::Timeout(3).into_inner()];
    assert_eq!(inner, [1, 2, 3]);
    fn copied<E: Copy + Eq + std::error::Error>(_: E) {}
    copied(SendError(1));
    copied(TrySendError::Full(1));
    copied(SendTimeoutError::Timeout(1));
}

#[test]
fn errors_in_place_of_stds_are_stds() {
    let (tx, rx) = std_mpsc::sync_channel::<u8>(1);
    let _: Result<(), mpsc::SendError<u8>> = tx.send(1);
    let full: Result<(), mpsc::TrySendError<u8>> = tx.try_send(2);
    assert_eq!(full, Err(mpsc::TrySendError::Full(2)));
    let _: Result<u8, mpsc::RecvError> = rx.recv();
    let empty: Result<u8, mpsc::TryRecvError> = rx.try_recv();
    assert_eq!(empty, Err(mpsc::TryRecvError::Empty));
    let late: Result<u8, mpsc::RecvTimeoutError> = rx.recv_timeout(Duration::from_millis(1));
    assert_eq!(late, Err(mpsc::RecvTimeoutError::Timeout));
}

#[test]
fn debug_texts_need_no_message() {
    let (s, r) = crossbeam::bounded::<u8>(1);
    let (o, p) = crossbeam_channel::bounded::<u8>(1);
    assert_eq!(
        format!("{s:?} {r:>30?} {:?} {:?}", r.iter(), r.try_iter()),
        format!("{o:?} {p:>30?} {:?} {:?}", p.iter(), p.try_iter())
    );
    assert_eq!(format!("{:?}", r.into_iter()), format!("{:?}", p.into_iter()));
    let (s, r) = std_mpsc::sync_channel::<u8>(1);
    let (o, p) = mpsc::sync_channel::<u8>(1);
    assert_eq!(
        format!("{s:?} {r:?} {:?} {:?}", r.iter(), r.try_iter()),
        format!("{o:?} {p:?} {:?} {:?}", p.iter(), p.try_iter())
    );
    assert_eq!(format!("{:?}", r.into_iter()), format!("{:?}", p.into_iter()));
}

#[test]
fn ends_may_go_where_the_originals_may() {
    fn shared<T: Send + Sync + Clone + UnwindSafe + RefUnwindSafe + Debug>() {}
    fn moved<T: Send + UnwindSafe + RefUnwindSafe + Debug>() {}
    fn fused<T: FusedIterator<Item = u8>>(_: T) {}
    shared::<crossbeam::Sender<u8>>();
    shared::<crossbeam::Receiver<u8>>();
    shared::<std_mpsc::SyncSender<u8>>();
    moved::<std_mpsc::Receiver<u8>>(); // not `Sync`: a doctest of it does not compile
    let (_, r) = crossbeam::bounded(1);
    fused(r.iter());
    fused(r.into_iter());
}

fn said(panic: impl FnOnce() + UnwindSafe) -> String {
    *catch_unwind(panic).unwrap_err().downcast::<String>().unwrap()
}

#[test]
fn what_cannot_be_says_what_to_do() {
    let no_rendezvous = said(|| _ = crossbeam::bounded::<u8>(0));
    assert!(no_rendezvous.starts_with("bounded(0): ") && no_rendezvous.contains("a capacity of 1"), "{no_rendezvous}");
    let no_rendezvous = said(|| _ = std_mpsc::sync_channel::<u8>(0));
    assert!(no_rendezvous.starts_with("sync_channel(0): "), "{no_rendezvous}");
    let too_large = said(|| _ = crossbeam::bounded::<[u64; 1024]>(1));
    assert!(
        too_large.starts_with("bounded: ") && too_large.ends_with("`bounded_with` returns this as an error"),
        "{too_large}"
    );
    // And so they do.
    crossbeam::bounded_with::<[u64; 1024]>(&Options::new()).unwrap_err();
    crossbeam::bounded_with::<u8>(&Options::new().capacity(0)).unwrap_err();
    std_mpsc::sync_channel_with::<u8>(&Options::new().capacity(0)).unwrap_err();
}

/// What every pair of modules does alike.
macro_rules! behaves {
    ($name:ident, $crossbeam:path, $std_mpsc:path, $tx:ty, $rx:ty) => {
        mod $name {
            use super::*;
            use $crossbeam as crossbeam;
            use $std_mpsc as std_mpsc;

            #[test]
            fn iterators_end_with_the_last_sender_and_stay_ended() {
                let (s, r) = crossbeam::bounded::<u32>(4);
                (1..=3).for_each(|n| s.send(n).unwrap());
                assert_eq!(r.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
                assert_eq!(r.try_iter().next(), None);
                s.send(4).unwrap();
                let other = <$tx>::from(s);
                let mut iter = r.iter();
                assert_eq!(iter.next(), Some(4));
                let sending = thread::spawn(move || other.send(5).unwrap());
                assert_eq!((iter.next(), iter.next(), iter.next()), (Some(5), None, None));
                sending.join().unwrap();
                assert_eq!((&r).into_iter().next(), None);
                let mut iter = r.into_iter();
                assert_eq!((iter.next(), iter.next()), (None, None));

                let (s, r) = std_mpsc::sync_channel::<u32>(4);
                (1..=3).for_each(|n| s.send(n).unwrap());
                assert_eq!(r.try_iter().take(2).collect::<Vec<_>>(), [1, 2]);
                drop(s);
                assert_eq!((&r).into_iter().collect::<Vec<_>>(), [3]);
                assert_eq!(r.into_iter().next(), None);
            }

            #[test]
            fn time_runs_out_and_the_message_comes_back() {
                let (s, r) = crossbeam::bounded::<u32>(1);
                let (short, began) = (Duration::from_millis(30), Instant::now());
                assert_eq!(r.recv_timeout(short), Err(crossbeam::RecvTimeoutError::Timeout));
                assert_eq!(r.recv_deadline(Instant::now() + short), Err(crossbeam::RecvTimeoutError::Timeout));
                s.send(1).unwrap();
                assert_eq!(s.send_timeout(2, short), Err(crossbeam::SendTimeoutError::Timeout(2)));
                assert_eq!(s.send_deadline(3, Instant::now() + short), Err(crossbeam::SendTimeoutError::Timeout(3)));
                assert!(began.elapsed() >= 4 * short);
                // What has come already is there whatever the time.
                assert_eq!(r.recv_deadline(began), Ok(1));
                assert_eq!(s.send_deadline(4, began), Ok(()));
                assert_eq!(r.recv_timeout(Duration::MAX), Ok(4));
                assert_eq!(s.send_timeout(5, Duration::MAX), Ok(()));
                drop(r);
                assert_eq!(s.send_timeout(6, Duration::MAX), Err(crossbeam::SendTimeoutError::Disconnected(6)));
                assert_eq!(s.send(7), Err(crossbeam::SendError(7)));

                let (s, r) = std_mpsc::sync_channel::<u32>(1);
                drop(s);
                assert_eq!(r.recv_timeout(Duration::MAX), Err(std_mpsc::RecvTimeoutError::Disconnected));
                assert_eq!(r.try_recv(), Err(std_mpsc::TryRecvError::Disconnected));
                assert_eq!(r.recv(), Err(std_mpsc::RecvError));
                let (s, r) = std_mpsc::sync_channel::<u32>(1);
                drop(r);
                assert_eq!(s.try_send(1), Err(std_mpsc::TrySendError::Disconnected(1)));
                assert_eq!(s.send(2), Err(std_mpsc::SendError(2)));
            }

            #[test]
            fn clones_are_of_one_channel() {
                let (s, r) = crossbeam::bounded::<u32>(3);
                let (other, _r) = crossbeam::bounded::<u32>(3);
                let (s2, r2) = (s.clone(), r.clone());
                assert!(s.same_channel(&s2) && r.same_channel(&r2) && !s.same_channel(&other));
                assert!(s.is_empty() && r.is_empty() && !s.is_full());
                s2.send(1).unwrap();
                assert_eq!((s.len(), r.len(), r.capacity(), s.capacity()), (1, 1, Some(3), Some(3)));
                drop((s, r));
                assert_eq!(r2.recv(), Ok(1));
                drop(s2);
                assert_eq!(r2.recv(), Err(crossbeam::RecvError));
            }

            #[test]
            fn each_message_goes_to_one_receiver() {
                let (s, r) = crossbeam::bounded::<u64>(7);
                let senders: Vec<_> = (0..4)
                    .map(|_| s.clone())
                    .map(|s| thread::spawn(move || (0..1000).for_each(|n| s.send(n).unwrap())))
                    .collect();
                let receivers: Vec<_> =
                    (0..4).map(|_| r.clone()).map(|r| thread::spawn(move || r.iter().sum::<u64>())).collect();
                drop((s, r));
                senders.into_iter().for_each(|sender| sender.join().unwrap());
                let sum: u64 = receivers.into_iter().map(|receiver| receiver.join().unwrap()).sum();
                assert_eq!(sum, 4 * 499_500);
            }

            fn send_natively(dir: &Dir) {
                let tx = <$tx>::open_with("there", &dir.patient()).unwrap();
                (0..100_u32).for_each(|n| tx.send(n).unwrap());
                let rx = <$rx>::open_with("back", &dir.patient()).unwrap();
                tell(rx.recv().unwrap());
                hear();
                hang();
            }

            /// One process has ends of the modules, the other native ones; it is killed.
            #[test]
            fn the_other_process_may_have_native_ends_and_is_missed_when_it_is_killed() {
                let dir = Dir::new();
                if let Some(role) = role() {
                    return match role.as_str() {
                        "native" => send_natively(&dir),
                        other => panic!("no such role: {other}"),
                    };
                }
                let before = descriptors();
                let options = dir.options().capacity(8);
                let there = crossbeam::Receiver::from(<$rx>::create_with("there", &options).unwrap());
                let back = std_mpsc::SyncSender::from(<$tx>::create_with("back", &options).unwrap());
                let mut native = Child::start(
                    concat!(
                        stringify!($name),
                        "::the_other_process_may_have_native_ends_and_is_missed_when_it_is_killed"
                    ),
                    "native",
                    &dir,
                );
                (0..100).for_each(|n| assert_eq!(there.recv_timeout(PATIENCE), Ok(n)));
                assert_eq!(there.try_recv(), Err(crossbeam::TryRecvError::Empty));
                back.send(9).unwrap();
                native.expect("9");
                native.kill();
                assert_eq!(there.recv(), Err(crossbeam::RecvError));
                assert_eq!(there.native().disconnect_reason(), Some(DisconnectReason::Died));
                // A killed receiver is noticed when the channel is full, at the latest.
                let failed = (0..9).find_map(|n| back.send(n).err());
                assert!(failed.is_some());
                // Another one comes, and it goes on.
                let again = <$tx>::open_with("there", &dir.options()).unwrap();
                again.send(11).unwrap();
                assert_eq!(there.recv(), Ok(11));
                drop((there, again, back));
                assert_eq!(dir.files(), Vec::<String>::new());
                support::until("no descriptor is left", || descriptors() <= before);
            }

            /// The constructors by name use the directory that everybody uses.
            #[test]
            fn ends_by_name_find_each_other() {
                let name = format!("compat-{}-{}", stringify!($name), std::process::id());
                let s = crossbeam::Sender::<u32>::create(&name, 2).unwrap();
                assert!(crossbeam::Sender::<u32>::create(&name, 2).unwrap_err().is_already_exists());
                let r = crossbeam::Receiver::<u32>::open(&name).unwrap();
                let t = std_mpsc::SyncSender::<u32>::open_or_create(&name, 2).unwrap();
                let q = std_mpsc::Receiver::<u32>::open_or_create(&name, 2).unwrap();
                s.send(1).unwrap();
                t.send(2).unwrap();
                assert!(s.is_full());
                assert_eq!((r.recv(), q.recv()), (Ok(1), Ok(2)));
                let path = s.native().path().unwrap().to_owned();
                assert!(path.exists());
                drop((s, r, t.into_native(), q.into_native()));
                assert!(!path.exists());
                assert!(crossbeam::Receiver::<u32>::open(&name).unwrap_err().is_not_found());
            }
        }
    };
}

behaves!(plain, ringway::compat::crossbeam, ringway::compat::std_mpsc, mpmc::Sender<u32>, mpmc::Receiver<u32>);
#[cfg(feature = "serde")]
behaves!(
    serde,
    ringway::compat::serde::crossbeam,
    ringway::compat::serde::std_mpsc,
    ringway::codec::Sender<u32>,
    ringway::codec::Receiver<u32>
);

/// Fault M3.
#[test]
fn messages_of_no_size_are_counted() {
    let (s, r) = crossbeam::bounded(2);
    s.send(()).unwrap();
    s.send(()).unwrap();
    assert_eq!(s.try_send(()), Err(crossbeam::TrySendError::Full(())));
    drop(s);
    assert_eq!(r.iter().count(), 2);
}

#[cfg(feature = "serde")]
mod any_type {
    use super::*;
    use ringway::compat::serde::{crossbeam, std_mpsc};
    use std::collections::BTreeMap;

    /// As users have them: no bound on the type.
    struct Pool<T> {
        jobs: crossbeam::Sender<T>,
        results: Option<std_mpsc::Receiver<T>>,
    }

    #[test]
    fn types_that_only_serde_knows() {
        let (jobs, r) = crossbeam::bounded(2);
        let (s, results) = std_mpsc::sync_channel(2);
        let pool = Pool { jobs, results: Some(results) };
        let working = thread::spawn(move || {
            r.iter().for_each(|job: Result<Vec<Option<String>>, BTreeMap<char, ()>>| s.send(job).unwrap())
        });
        for job in [Ok(vec![None, Some("x".repeat(300_000))]), Err(BTreeMap::from([('a', ())]))] {
            pool.jobs.send(job.clone()).unwrap();
            assert!(pool.results.as_ref().unwrap().recv().unwrap() == job);
        }
        drop(pool.jobs);
        assert!(pool.results.unwrap().recv().is_err());
        working.join().unwrap();
    }

    #[test]
    fn what_cannot_be_decoded_stops_who_receives_and_not_the_channel() {
        let (s, r) = crossbeam::bounded::<String>(8);
        let send_garbage = || s.native().bytes().send(&[200]).unwrap();
        send_garbage();
        s.send("good".into()).unwrap();
        assert_eq!(r.recv(), Err(crossbeam::RecvError));
        assert!(!r.native().is_disconnected());
        assert_eq!(r.recv().as_deref(), Ok("good"));
        send_garbage();
        assert_eq!(r.try_recv(), Err(crossbeam::TryRecvError::Disconnected));
        send_garbage();
        assert_eq!(r.recv_timeout(PATIENCE), Err(crossbeam::RecvTimeoutError::Disconnected));
        send_garbage();
        assert_eq!(r.iter().next(), None);
        assert_eq!(r.try_recv(), Err(crossbeam::TryRecvError::Empty));
    }

    #[test]
    fn what_cannot_be_encoded_comes_back() {
        let unnamed =
            std::path::PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(vec![0xff]));
        let (s, r) = crossbeam::bounded(1);
        assert_eq!(s.send(unnamed.clone()), Err(crossbeam::SendError(unnamed.clone())));
        assert!(s.try_send(unnamed.clone()).unwrap_err().is_disconnected());
        assert!(s.send_timeout(unnamed, PATIENCE).unwrap_err().is_disconnected());
        assert!(r.is_empty());
        s.send("named".into()).unwrap();
        assert_eq!(r.recv(), Ok("named".into()));
    }

    /// A receiver that gives a long message up is as if it had never had it: the next one gets it.
    #[test]
    fn a_long_message_is_sent_again_if_its_receiver_goes() {
        let (s, r) = crossbeam::bounded::<String>(2);
        let long = "long".repeat(100_000);
        let (sent, next) = (long.clone(), r.clone());
        let sending = thread::spawn(move || s.send(sent));
        let mut reader = r.native().bytes().reader().unwrap();
        std::io::Read::read_exact(&mut reader, &mut [0; 100]).unwrap();
        drop(reader);
        assert!(next.recv_timeout(PATIENCE).unwrap() == long);
        sending.join().unwrap().unwrap();
        assert_eq!(next.recv(), Err(crossbeam::RecvError));
    }

    /// A sender that dies in the middle has not sent it.
    #[test]
    fn half_a_message_is_none() {
        let (s, r) = crossbeam::bounded::<String>(2);
        let (half, gone) = mpsc::channel();
        let sending = thread::spawn(move || {
            let mut writer = s.native().bytes().writer(Some(1 << 20)).unwrap();
            std::io::Write::write_all(&mut writer, &[1; 140_000]).unwrap();
            half.send(()).unwrap();
            drop(writer);
            s.send("whole".into()).unwrap();
        });
        // It is read while it is being written, or the writer would wait.
        assert_eq!(r.recv_timeout(PATIENCE).as_deref(), Ok("whole"));
        gone.recv().unwrap();
        sending.join().unwrap();
        assert_eq!(r.try_recv(), Err(crossbeam::TryRecvError::Disconnected));
    }
}
