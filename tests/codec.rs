//! Typed ends over messages of bytes: every type, every length, and what goes wrong.
#![cfg(feature = "serde")]

mod support;

use ringway::bytes;
use ringway::codec::{
    self, Codec, PostcardError, Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender,
    TryRecvError, TrySendError,
};
use ringway::{DisconnectReason, Options};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, descriptors, hang, hear, in_time, role, tell};

/// A lane's length, by default.
const LANE: usize = 128 << 10;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Job {
    Stop,
    Fetch { url: String, headers: BTreeMap<String, Vec<u8>> },
    Pair(char, Option<bool>),
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Nothing;

fn fetch() -> Job {
    Job::Fetch { url: "https://example.org/ä".into(), headers: [("etag".into(), vec![0, 255])].into() }
}

/// Text, with a format that describes itself, and writes it piece by piece.
struct Json;

impl Codec for Json {
    type Error = serde_json::Error;

    fn encode<T: Serialize + ?Sized, W: std::io::Write>(message: &T, writer: W) -> Result<(), Self::Error> {
        serde_json::to_writer(writer, message)
    }

    fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Self::Error> {
        serde_json::from_slice(bytes)
    }
}

#[track_caller]
fn goes_through<T: Serialize + DeserializeOwned + Clone + Debug + PartialEq>(message: T) {
    let (tx, rx) = codec::channel::<T>(2).unwrap();
    tx.send(message.clone()).unwrap();
    tx.try_send(message.clone()).unwrap();
    assert!(tx.try_send(message.clone()).unwrap_err().is_full());
    assert_eq!((tx.len(), rx.is_full(), rx.capacity()), (2, true, 2));
    assert_eq!(rx.recv().unwrap(), message);
    assert_eq!(rx.recv_timeout(Duration::ZERO).unwrap(), message);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(tx);
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert_eq!(rx.recv_timeout(Duration::MAX), Err(RecvTimeoutError::Disconnected));
}

#[test]
fn every_type_goes_through() {
    goes_through(());
    goes_through(Nothing);
    goes_through([(); 3]);
    goes_through(true);
    goes_through('ß');
    goes_through(u128::MAX);
    goes_through(-0.5_f64);
    goes_through(String::new());
    goes_through(String::from("ring"));
    goes_through(vec![Some(String::from("a")), None, Some(String::new())]);
    goes_through(Box::new((1_u8, [2_u16; 4], Ok::<i32, String>(3))));
    goes_through(HashMap::from([(1, "one".to_owned()), (2, "two".to_owned())]));
    goes_through(BTreeMap::from([("k".to_owned(), vec![Nothing; 5])]));
    goes_through(Job::Stop);
    goes_through(fetch());
    goes_through(Job::Pair('x', Some(false)));
    goes_through(Duration::from_nanos(1));
    goes_through((0..20_000_u64).collect::<Vec<_>>());
}

/// Lengths around everything at which something changes: the ring, the lanes, the pieces, and far beyond.
fn lengths() -> Vec<usize> {
    let edges = [0, 112, 127, 224, 4096, LANE, 3 * LANE];
    let mut lengths: Vec<usize> = edges.iter().flat_map(|edge| edge.saturating_sub(6)..edge + 4).collect();
    lengths.extend([1000, 10_000, 1 << 20]);
    lengths
}

fn every_length<C: Codec + 'static, T>(make: fn(usize) -> T)
where
    T: Serialize + DeserializeOwned + Debug + PartialEq + Send + 'static,
{
    let (tx, rx) = codec::channel_of::<T, C>(&Options::new().capacity(4)).unwrap();
    let sending = thread::spawn(move || {
        for length in lengths() {
            tx.send(make(length)).unwrap();
            tx.send_timeout(make(length), PATIENCE).unwrap();
        }
    });
    for length in lengths() {
        assert!(rx.recv().unwrap() == make(length), "{length}");
        assert!(rx.recv_timeout(PATIENCE).unwrap() == make(length), "{length}");
    }
    assert!(rx.iter().next().is_none());
    sending.join().unwrap();
}

fn text(length: usize) -> String {
    (0..length).map(|at| char::from(b'a' + (at % 26) as u8)).collect()
}

/// In three bytes each, but for some, in postcard; and in six as text.
fn numbers(bytes: usize) -> Vec<u16> {
    (0..bytes / 3).map(|at| !(at as u16)).chain((0..bytes % 3).map(|at| at as u16)).collect()
}

#[test]
fn every_length_goes_through_in_one_piece() {
    every_length::<codec::Postcard, _>(text);
}

#[test]
fn every_length_goes_through_in_small_pieces() {
    every_length::<codec::Postcard, _>(numbers);
}

#[test]
fn every_length_goes_through_as_text() {
    every_length::<Json, _>(|bytes| numbers(bytes / 2));
}

#[test]
fn what_is_only_borrowed_can_be_sent() {
    let (tx, rx) = codec::channel::<(String, Vec<u32>)>(4).unwrap();
    let tx = Sender::<(&str, &[u32])>::from(tx.into_bytes());
    let (text, numbers) = (text(500), [1, 2, 3]);
    tx.send((&text, &numbers)).unwrap();
    assert_eq!(rx.recv(), Ok((text, numbers.to_vec())));
}

/// What the format makes of a value is what goes over the wire, whatever way it takes.
#[test]
fn a_message_is_the_formats_bytes_and_nothing_else() {
    let (tx, rx) = codec::channel::<Vec<u16>>(4).unwrap();
    for length in lengths().into_iter().filter(|length| *length < LANE - 6) {
        tx.send(numbers(length)).unwrap();
        let sent = rx.bytes().recv().unwrap();
        assert!(codec::Postcard::decode::<Vec<u16>>(&sent).unwrap() == numbers(length), "{length}");
        tx.bytes().send(&sent).unwrap();
        assert!(rx.recv().unwrap() == numbers(length), "{length}");
    }
}

/// Fails to be encoded behind so many bytes.
#[derive(Debug, PartialEq)]
struct Halting(usize);

impl Serialize for Halting {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::{Error, SerializeTuple};
        let mut tuple = serializer.serialize_tuple(self.0 + 1)?;
        for _ in 0..self.0 {
            tuple.serialize_element(&7_u8)?;
        }
        Err(S::Error::custom("no more"))
    }
}

#[test]
fn what_cannot_be_encoded_is_handed_back_and_nothing_of_it_is_sent() {
    let (tx, rx) = bytes::mpmc::channel(4).unwrap();
    let (tx, rx) = (Sender::<Halting>::from(tx), Receiver::<Vec<u8>>::from(rx));
    for length in [0, 50, 112, 113, 5000, LANE + 1, 3 * LANE] {
        // More often than there are lanes: each is given back.
        for _ in 0..100 {
            let error = tx.send(Halting(length)).unwrap_err();
            assert!(error.is_encode(), "{error:?}");
            assert_eq!(error.into_inner(), Halting(length));
        }
        let error = tx.try_send(Halting(length)).unwrap_err();
        assert_eq!(error, TrySendError::Encode { message: Halting(length), error: PostcardError::SerdeSerCustom });
        let error = tx.send_timeout(Halting(length), Duration::ZERO).unwrap_err();
        assert_eq!(error, SendTimeoutError::Encode { message: Halting(length), error: PostcardError::SerdeSerCustom });
        assert_eq!(error.to_string(), "the message cannot be encoded: Serde Serialization Error");
        assert_eq!(format!("{error:?}"), "Encode { error: SerdeSerCustom, .. }");
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty), "{length}");
        assert!(rx.is_empty());
    }
    tx.bytes().send(&[1, 9]).unwrap();
    assert_eq!(rx.recv(), Ok(vec![9]));
}

#[test]
fn what_cannot_be_decoded_is_an_error_and_the_next_message_comes() {
    let (tx, rx) = codec::channel::<Vec<Option<String>>>(8).unwrap();
    let good = vec![None, Some(String::from("good"))];
    for length in [0, 1, 50, 112, 113, 4096, 5000, LANE, LANE + 1, 3 * LANE] {
        let garbage = vec![0xff; length];
        thread::scope(|scope| {
            scope.spawn(|| {
                tx.bytes().send(&garbage).unwrap();
                tx.send(good.clone()).unwrap();
            });
            let error = rx.recv().unwrap_err();
            assert!(matches!(error, RecvError::Decode { bytes, .. } if bytes == length), "{length}: {error:?}");
            assert_eq!(rx.recv().as_ref(), Ok(&good));
        });
    }
    // Every way of receiving says it, and why.
    tx.bytes().send(&[1, 2]).unwrap();
    let error = RecvTimeoutError::Decode { bytes: 2, error: PostcardError::DeserializeBadOption };
    assert_eq!(rx.recv_timeout(PATIENCE), Err(error.clone()));
    assert_eq!(
        error.to_string(),
        "a message of 2 bytes cannot be decoded, and is gone: Found an Option discriminant that wasn't 0 or 1"
    );
    assert!(std::error::Error::source(&error).is_some());
    tx.bytes().send(&[]).unwrap();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Decode { bytes: 0, error: PostcardError::DeserializeUnexpectedEnd }));
    // A value, and more behind it.
    tx.bytes().send(&[0, 0]).unwrap();
    assert_eq!(rx.recv(), Err(RecvError::Decode { bytes: 2, error: PostcardError::DeserializeBadEncoding }));
    // By iterator: the errors are among the messages.
    tx.bytes().send(&[3]).unwrap();
    tx.send(good.clone()).unwrap();
    let seen: Vec<_> = rx.try_iter().collect();
    assert!(matches!(&seen[..], [Err(TryRecvError::Decode { bytes: 1, .. }), Ok(message)] if *message == good));
    assert!(rx.is_empty() && rx.bytes().in_hand() == 0);
}

/// Panics when it is decoded.
#[derive(Debug)]
struct Panicking;

impl<'de> Deserialize<'de> for Panicking {
    fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("decoded");
    }
}

#[test]
fn a_panic_in_decoding_costs_that_message_and_no_lane() {
    let (tx, rx) = bytes::mpmc::channel(4).unwrap();
    let panicking = Receiver::<Panicking>::from(rx.clone());
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ())); // a hundred times the same text
    for length in [1, 113, 5000] {
        for _ in 0..100 {
            tx.try_send(&vec![7; length]).unwrap();
            assert!(catch_unwind(AssertUnwindSafe(|| panicking.try_recv())).is_err());
        }
    }
    std::panic::set_hook(before);
    assert_eq!((rx.len(), rx.in_hand()), (0, 0));
    tx.send(b"and on").unwrap();
    assert_eq!(rx.recv().unwrap(), b"and on");
}

#[test]
fn who_does_not_wait_is_told_what_there_is_no_room_for() {
    let (tx, rx) = codec::channel_with::<Vec<u8>>(&Options::new().capacity(64).lanes(2, 8192)).unwrap();
    let long = vec![1; 8000];
    tx.try_send(long.clone()).unwrap();
    tx.try_send(long.clone()).unwrap();
    // Both lanes that are long enough are in use; short ones are not.
    assert_eq!(tx.try_send(long.clone()), Err(TrySendError::Full(long.clone())));
    let error = tx.send_timeout(long.clone(), Duration::from_millis(20)).unwrap_err();
    assert_eq!(error, SendTimeoutError::Timeout(long.clone()));
    tx.try_send(vec![2; 1000]).unwrap();
    tx.try_send(vec![3]).unwrap();
    assert_eq!(rx.try_iter().map(|message| message.unwrap()[0]).collect::<Vec<_>>(), [1, 1, 2, 3]);
    // Longer than a lane: never without a receiver that takes it meanwhile.
    let longer = vec![4; 8192];
    let error = tx.try_send(longer.clone()).unwrap_err();
    assert_eq!(error, TrySendError::TooLong { message: longer.clone(), bytes: 8194, limit: 8192 });
    assert_eq!(error.to_string(), "8194 bytes are too many for the ring: at most 8192");
    let began = Instant::now();
    let error = tx.send_timeout(longer.clone(), Duration::from_millis(30)).unwrap_err();
    assert_eq!(error, SendTimeoutError::Timeout(longer));
    assert!(began.elapsed() >= Duration::from_millis(30));
    tx.try_send(long).unwrap();
}

#[test]
fn a_message_comes_back_when_nobody_receives() {
    for length in [1, 1000, 200_000] {
        let (tx, rx) = codec::channel::<String>(4).unwrap();
        drop(rx);
        assert_eq!(tx.send(text(length)), Err(SendError::Disconnected(text(length))));
        assert_eq!(tx.try_send(text(length)).unwrap_err().into_inner(), text(length));
        let error = tx.send_timeout(text(length), PATIENCE).unwrap_err();
        assert_eq!(error, SendTimeoutError::Disconnected(text(length)));
        assert_eq!(tx.disconnect_reason(), Some(DisconnectReason::Left));
    }
}

#[test]
fn too_long_for_the_receiver_is_skipped() {
    let (tx, mut rx) = codec::channel::<String>(4).unwrap();
    rx.set_limit(1000);
    tx.send(text(2000)).unwrap();
    tx.send(text(500)).unwrap();
    assert_eq!(rx.recv(), Err(RecvError::TooLong { bytes: 2002, limit: 1000 }));
    assert_eq!(rx.recv(), Ok(text(500)));
}

#[test]
fn a_long_message_that_its_receiver_gives_up_comes_back() {
    let (tx, rx) = codec::channel::<String>(4).unwrap();
    let sending = thread::spawn(move || tx.send(text(1 << 20)));
    let mut reader = rx.bytes().reader().unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 1000]).unwrap();
    drop(reader);
    let error = in_time("a message given up", move || sending.join().unwrap()).unwrap_err();
    assert!(matches!(&error, SendError::Aborted { bytes, .. } if (1000..1 << 20).contains(bytes)), "{error:?}");
    assert_eq!(error.into_inner(), text(1 << 20));
}

#[test]
fn another_type_does_not_get_in() {
    let dir = Dir::new();
    let tagged = dir.options().type_tag(0x4a6f_6201);
    let tx = Sender::<Job>::create_with("tagged", &tagged).unwrap();
    let error = Receiver::<String>::open_with("tagged", &dir.options().type_tag(2)).unwrap_err();
    assert!(matches!(error, ringway::OpenError::Format(ringway::FormatError::Type { .. })), "{error:?}");
    Receiver::<String>::open_with("tagged", &dir.options()).unwrap_err();
    let rx = Receiver::<Job>::open_with("tagged", &tagged).unwrap();
    tx.send(fetch()).unwrap();
    assert_eq!(rx.recv(), Ok(fetch()));
    // A channel of plain data is none of bytes.
    let _plain = ringway::mpmc::Sender::<u64>::create_with("plain", &dir.options()).unwrap();
    Receiver::<u64>::open_with("plain", &dir.options()).unwrap_err();
}

#[test]
fn many_threads_share_two_ends() {
    let (tx, rx) = codec::channel_with::<(usize, String)>(&Options::new().capacity(8)).unwrap();
    let (tx, rx, sum) = (Arc::new(tx), Arc::new(rx), Arc::new(AtomicUsize::new(0)));
    let senders: Vec<_> = (0..3)
        .map(|sender| {
            let tx = Arc::clone(&tx);
            thread::spawn(move || {
                for n in 0..500 {
                    let length = if n % 50 == 0 { 150_000 } else { n * 7 };
                    tx.send((length, text(length))).unwrap();
                }
                sender
            })
        })
        .collect();
    let receivers: Vec<_> = (0..3)
        .map(|_| {
            let (rx, sum) = (Arc::clone(&rx), Arc::clone(&sum));
            thread::spawn(move || {
                for message in rx.iter() {
                    let (length, message) = message.unwrap();
                    assert!(message == text(length));
                    sum.fetch_add(length, Relaxed);
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| _ = sender.join().unwrap());
    drop(tx);
    receivers.into_iter().for_each(|receiver| receiver.join().unwrap());
    let one: usize = (0..500).map(|n| if n % 50 == 0 { 150_000 } else { n * 7 }).sum();
    assert_eq!(sum.load(Relaxed), 3 * one);
}

// Between processes.

fn send_and_be_killed(dir: &Dir) {
    let tx = Sender::<Job>::open_with("jobs", &dir.patient()).unwrap();
    tx.send(fetch()).unwrap();
    tx.send(Job::Stop).unwrap();
    tell("sent");
    hear();
    // Longer than a lane, and nobody reads it to its end: it dies in the middle.
    let _ = tx.send(Job::Fetch { url: text(1 << 20), headers: BTreeMap::new() });
    hang();
}

#[test]
fn a_killed_sender_is_the_end_behind_what_it_had_sent() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return match role.as_str() {
            "sender" => send_and_be_killed(&dir),
            other => panic!("no such role: {other}"),
        };
    }
    let before = descriptors();
    let rx = Receiver::<Job>::create_with("jobs", &dir.options().capacity(8)).unwrap();
    let mut sender = Child::start(&here!(), "sender", &dir);
    sender.expect("sent");
    assert_eq!(rx.recv(), Ok(fetch()));
    assert_eq!(rx.recv(), Ok(Job::Stop));
    sender.tell("go");
    // Something of the long one is there; then its sender is not.
    let mut reader = rx.bytes().reader().unwrap();
    std::io::Read::read_exact(&mut reader, &mut [0; 1000]).unwrap();
    sender.kill();
    drop(reader);
    assert_eq!(rx.recv(), Err(RecvError::Disconnected));
    assert_eq!(rx.disconnect_reason(), Some(DisconnectReason::Died));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    drop(rx);
    assert_eq!(dir.files(), Vec::<String>::new());
    support::until("no descriptor is left", || descriptors() <= before);
}

fn send_bytes(dir: &Dir) {
    let tx = bytes::mpmc::Sender::open_with("mixed", &dir.patient()).unwrap();
    for number in 0..100_u32 {
        if number % 2 == 0 {
            tx.send(&vec![0xff; (number as usize) * 50]).unwrap();
        } else {
            tx.send(format!("[{number}]").as_bytes()).unwrap();
        }
    }
}

/// One process has typed ends, the other bytes, half of which are nonsense.
#[test]
fn the_other_process_may_send_what_it_likes() {
    let dir = Dir::new();
    if let Some(role) = role() {
        return match role.as_str() {
            "sender" => send_bytes(&dir),
            other => panic!("no such role: {other}"),
        };
    }
    let rx = Receiver::<Vec<u32>, Json>::create_with("mixed", &dir.options().capacity(8)).unwrap();
    let sender = Child::start(&here!(), "sender", &dir);
    rx.wait_for_peer(PATIENCE).unwrap();
    let (mut good, mut bad) = (Vec::new(), 0);
    for message in rx.iter() {
        match message {
            Ok(message) => good.extend(message),
            Err(RecvError::Decode { .. }) => bad += 1,
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(good, (1..100).step_by(2).collect::<Vec<_>>());
    assert_eq!(bad, 50);
    sender.succeed();
    drop(rx);
    assert_eq!(dir.files(), Vec::<String>::new());
}
