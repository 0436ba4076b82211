//! What children do before they are killed: the operations, each with what it needs to be there.

use super::stage::{act, word};
use crate::bytes::spsc as parts;
use crate::channel::mpmc;
use crate::channel::options::{Backing, Options};
use crate::channel::spsc::{Receiver, Sender};
use crate::layout::fields::Base;
use crate::stream::{Reader, Writer};
use crate::wait::strategy::WaitStrategy;
use std::io::{IoSlice, IoSliceMut, Read, Write};
use std::path::Path;

/// Two messages a frame, so that batches end inside frames, at their ends, and go around.
pub(super) fn options(directory: &Path) -> Options {
    Options::new().dir(directory).capacity(8).frame_bytes(24).wait(WaitStrategy::Sleep)
}

/// A ring of four frames.
pub(super) fn stream_options(directory: &Path) -> Options {
    Options::new().dir(directory).capacity(4000).frame_bytes(1000).wait(WaitStrategy::Sleep)
}

/// A ring of a little more than four frames, in which a message of more than 56 bytes goes in parts.
pub(super) fn parts_options(directory: &Path) -> Options {
    Options::new().dir(directory).capacity(320).frame_bytes(64).wait(WaitStrategy::Sleep)
}

/// A segment of a length that no other test's has.
pub(super) fn in_system_v(options: Options) -> Options {
    options.capacity(5009).frame_bytes(56).backing(Backing::SystemV)
}

/// Of everything that a many-to-many channel has, one: who is killed leaves nothing for others to do it with.
pub(super) fn scarce_options(directory: &Path) -> Options {
    let options = Options::new().dir(directory).capacity(4).members(3).operations(1).in_hand(1);
    options.wait(WaitStrategy::Sleep).slice(std::time::Duration::from_millis(1))
}

/// Of two processes, so that who comes has the place of who goes.
pub(super) fn two_members(directory: &Path) -> Options {
    Options::new().dir(directory).capacity(4).members(2).operations(2).in_hand(1).wait(WaitStrategy::Sleep)
}

/// The bytes of every stream here; no two thousand of them are alike.
pub(super) fn bytes(len: usize) -> Vec<u8> {
    (0..len as u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
}

/// Whether the consumer sleeps, or is about to.
fn is_armed(path: &Path) -> bool {
    word(path, Base::Consumer, "armed") != word(path, Base::Producer, "bell")
}

/// Returns only by `act`.
pub(super) fn play(scene: &str, name: &str, directory: &Path, n: u64) {
    let options = options(directory);
    // The same scenes in System V segments.
    let (scene, options) = match scene.strip_prefix("system-v-") {
        Some(scene) => (scene, in_system_v(options)),
        None => (scene, options),
    };
    let quiet = options.clone().wait(WaitStrategy::Spin);
    let streams = stream_options(directory);
    let sender = || Sender::<u64>::open_with(name, &options).expect("a channel");
    let receiver = || Receiver::<u64>::open_with(name, &options).expect("a channel");
    let writer = || Writer::open_with(name, &streams).expect("a stream");
    let reader = || Reader::open_with(name, &streams).expect("a stream");
    match scene {
        // Senders: 1 was sent before.
        "send" | "send-ends-frame" | "send-to-sleeper" | "send_many" | "commit" | "close" | "set_wait"
        | "drop-sender" => {
            let mut tx =
                if scene == "set_wait" { Sender::open_with(name, &quiet).expect("a channel") } else { sender() };
            tx.send(1).expect("a receiver");
            match scene {
                "send-ends-frame" => act(n, || tx.send(2)),
                "send" => {
                    tx.send(2).expect("a receiver");
                    act(n, || tx.send(3))
                }
                "send-to-sleeper" => {
                    let path = directory.join(name);
                    while word(&path, Base::Consumer, "head") < 1 || !is_armed(&path) {
                        std::thread::yield_now();
                    }
                    act(n, || tx.send(2))
                }
                "send_many" => act(n, || tx.send_many(&[2, 3, 4, 5, 6])),
                "commit" => act(n, || {
                    let mut grant = tx.try_reserve(6).expect("room");
                    let filled = grant.fill([2, 3, 4, 99]);
                    grant.commit(filled - 1);
                }),
                "close" => act(n, || tx.close()),
                "set_wait" => act(n, || tx.set_wait(WaitStrategy::Sleep)),
                _ => act(n, || drop(tx)),
            }
        }
        // Receivers: 1 ..= 6 are there, and 1 has been taken before.
        "try_recv" | "recv" | "recv_many" | "recv_ref" | "release" | "release-some" | "close-receiver"
        | "drop-receiver" => {
            let mut rx = receiver();
            assert_eq!(rx.recv(), Ok(1));
            match scene {
                "try_recv" => act(n, || rx.try_recv()),
                "recv" => act(n, || rx.recv()),
                "recv_many" => act(n, || rx.recv_many(&mut [0; 3])),
                "recv_ref" => act(n, || rx.recv_ref().expect("a message").commit()),
                "release" => act(n, || rx.try_read(3).expect("messages").release_all()),
                "release-some" => act(n, || rx.try_read(3).expect("messages").release(2)),
                "close-receiver" => act(n, || rx.close()),
                _ => act(n, || drop(rx)),
            }
        }
        // It falls asleep, once or twice, and gets up by itself.
        "recv-in-vain" => {
            let options = options.slice(std::time::Duration::from_millis(1));
            let mut rx = Receiver::<u64>::open_with(name, &options).expect("a channel");
            act(n, || rx.recv_timeout(std::time::Duration::from_millis(1)))
        }
        "recv_ref-third" => {
            // The third hand-out of one message.
            let mut rx = receiver();
            assert_eq!(rx.recv(), Ok(1));
            drop(rx.recv_ref());
            drop(rx.recv_ref());
            act(n, || rx.recv_ref().expect("a message").commit())
        }
        // Many to many, with one record. 1 ..= 3 are there.
        "many-recv-in-vain" => {
            let options = options.slice(std::time::Duration::from_millis(1));
            let rx = mpmc::Receiver::<u64>::open_with(name, &options).expect("a channel");
            act(n, || rx.recv_timeout(std::time::Duration::from_millis(1)))
        }
        "many-recv" | "many-recv_many" | "many-recv_ref" | "many-drop-guard" => {
            let rx = mpmc::Receiver::<u64>::open_with(name, &scarce_options(directory)).expect("a channel");
            match scene {
                "many-recv" => act(n, || rx.recv()),
                "many-recv_many" => act(n, || rx.recv_many(&mut [0; 3])),
                "many-recv_ref" => act(n, || rx.recv_ref().expect("a message").commit()),
                _ => act(n, || drop(rx.recv_ref())),
            }
        }
        "many-send" | "many-send_many" => {
            let tx = mpmc::Sender::<u64>::open_with(name, &scarce_options(directory)).expect("a channel");
            if scene == "many-send" { act(n, || tx.send(4)) } else { act(n, || tx.try_send_many(&[4, 5])) }
        }
        "many-drop-sender" => {
            let tx = mpmc::Sender::<u64>::open_with(name, &two_members(directory)).expect("a channel");
            tx.send(1).expect("a receiver");
            act(n, || drop(tx))
        }
        // Messages of bytes. Senders: one has been sent before.
        "parts-send" | "parts-send-long" | "parts-send-longer" | "parts-commit" | "parts-write" | "parts-give-up" => {
            let mut tx = parts::Sender::open_with(name, &parts_options(directory)).expect("a channel");
            tx.send(b"before").expect("a receiver");
            match scene {
                "parts-send" => act(n, || tx.send(&bytes(30))),
                "parts-send-long" => act(n, || tx.send(&bytes(150))),
                "parts-send-longer" => act(n, || tx.send(&bytes(400))),
                "parts-commit" => act(n, || {
                    // Behind the rest of a frame.
                    let mut claim = tx.claim(56).expect("room");
                    claim[..30].copy_from_slice(&bytes(30));
                    claim.commit(30);
                }),
                "parts-write" => act(n, || {
                    let mut writer = tx.writer(None);
                    writer.write_all(&bytes(150)[..20]).and_then(|()| writer.flush()).expect("room");
                    writer.write_all(&bytes(150)[20..]).and_then(|()| writer.finish()).expect("room");
                }),
                _ => act(n, || {
                    let mut writer = tx.writer(Some(1000));
                    writer.write_all(&bytes(100)).and_then(|()| writer.flush()).expect("room");
                    drop(writer);
                }),
            }
        }
        "parts-open-sender" => act(n, || parts::Sender::open_with(name, &parts_options(directory))),
        "parts-open-receiver" => act(n, || parts::Receiver::open_with(name, &parts_options(directory))),
        // Receivers: one is received before.
        "parts-recv" | "parts-recv_ref" | "parts-try_recv" | "parts-read" => {
            let mut rx = parts::Receiver::open_with(name, &parts_options(directory)).expect("a channel");
            assert_eq!(rx.recv().expect("a message"), b"before");
            match scene {
                "parts-recv" => act(n, || rx.recv()),
                "parts-recv_ref" => act(n, || rx.recv_ref().expect("a message").commit()),
                "parts-try_recv" => act(n, || rx.try_recv()),
                _ => act(n, || {
                    let mut message = Vec::new();
                    let read = rx.reader().expect("a message").read_to_end(&mut message);
                    read.map(|_| message)
                }),
            }
        }
        // Doors. The name may be free, stale or in use.
        "create-sender" => act(n, || Sender::<u64>::create_with(name, &options)),
        "create-receiver" => act(n, || Receiver::<u64>::create_with(name, &options)),
        "open-sender" => act(n, || Sender::<u64>::open_with(name, &options)),
        "open-receiver" => act(n, || Receiver::<u64>::open_with(name, &options)),
        "open-or-create-sender" => act(n, || Sender::<u64>::open_or_create_with(name, &options)),
        "open-or-create-receiver" => act(n, || Receiver::<u64>::open_or_create_with(name, &options)),
        "create-persistent" => act(n, || Sender::<u64>::create_with(name, &options.persistent(true))),
        "open-or-create-persistent" => act(n, || Sender::<u64>::open_or_create_with(name, &options.persistent(true))),
        "remove" => act(n, || crate::observe::remove(name, Some(directory))),
        "last-out" => {
            let tx = Sender::<u64>::create_with(name, &options).expect("a channel");
            act(n, || drop(tx))
        }
        "clean" => act(n, || crate::observe::clean(Some(directory))),
        // Streams.
        "write" => {
            let mut writer = writer();
            writer.write_all(&bytes(500)).expect("a reader");
            act(n, || writer.write_all(&bytes(3500)[500..]))
        }
        "write-pieces" => {
            let mut writer = writer();
            writer.write_all(&bytes(500)).expect("a reader");
            let all = bytes(1500);
            act(n, || writer.write_vectored(&[&all[500..700], &all[700..701], &all[701..]].map(IoSlice::new)))
        }
        "write-to-sleeper" => {
            let mut writer = writer();
            let path = directory.join(name);
            while !is_armed(&path) {
                std::thread::yield_now();
            }
            act(n, || writer.write_all(&bytes(500)))
        }
        "close-writer" | "finish" | "abort" | "drop-writer" => {
            let mut writer = writer();
            writer.write_all(&bytes(1500)).expect("a reader");
            match scene {
                "close-writer" => act(n, || writer.close()),
                "finish" => act(n, || writer.finish()),
                "abort" => act(n, || writer.abort()),
                _ => act(n, || drop(writer)),
            }
        }
        "read" => {
            let mut reader = reader();
            act(n, || reader.read_exact(&mut [0; 2500]))
        }
        "read-pieces" => {
            let mut reader = reader();
            let (mut one, mut other) = ([0; 1200], [0; 1300]);
            act(n, || reader.read_vectored(&mut [&mut one[..], &mut other].map(IoSliceMut::new)))
        }
        "drop-reader" | "close-reader" => {
            let mut reader = reader();
            reader.read_exact(&mut [0; 700]).expect("bytes");
            if scene == "drop-reader" { act(n, || drop(reader)) } else { act(n, || reader.close()) }
        }
        "break-off-writer" => act(n, || Writer::open_with(name, &streams)),
        "break-off-reader" => act(n, || Reader::open_with(name, &streams)),
        _ if scene.starts_with("bytes-") => super::scenes_bytes::play(scene, name, directory, n),
        _ => panic!("no scene {scene}"),
    }
}
