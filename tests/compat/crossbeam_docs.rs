//! The examples of crossbeam-channel 0.5.17's documentation that use a channel of bounded capacity, one `use` changed in each.
//!
//! Ported from <https://github.com/crossbeam-rs/crossbeam> (`crossbeam-channel/src/lib.rs`, `src/channel.rs`), Copyright (c)
//! 2019 The Crossbeam Project Developers, MIT or Apache-2.0.
//!
//! Not here are those with capacity 0, which is refused, and with `unbounded`.

macro_rules! examples {
    ($name:ident, $($channel:ident)::+) => {
        mod $name {
            #[test]
            fn creating_a_bounded_channel() {
                use $($channel)::+::bounded;

                // Create a channel that can hold at most 5 messages at a time.
                let (s, r) = bounded(5);

                // Can send only 5 messages without blocking.
                for i in 0..5 {
                    s.send(i).unwrap();
                }

                // Another call to `send` would block because the channel is full.
                // s.send(5).unwrap();
                assert!(s.is_full() && r.len() == 5); // not in the example
            }

            #[test]
            fn bounded() {
                use std::thread;
                use std::time::Duration;
                use $($channel)::+::bounded;

                let (s, r) = bounded(1);

                // This call returns immediately because there is enough space in the channel.
                s.send(1).unwrap();

                thread::spawn(move || {
                    // This call blocks the current thread because the channel is full.
                    // It will be able to complete only after the first message is received.
                    s.send(2).unwrap();
                });

                thread::sleep(Duration::from_secs(1));
                assert_eq!(r.recv(), Ok(1));
                assert_eq!(r.recv(), Ok(2));
            }

            #[test]
            fn sender_try_send() {
                use $($channel)::+::{bounded, TrySendError};

                let (s, r) = bounded(1);

                assert_eq!(s.try_send(1), Ok(()));
                assert_eq!(s.try_send(2), Err(TrySendError::Full(2)));

                drop(r);
                assert_eq!(s.try_send(3), Err(TrySendError::Disconnected(3)));
            }

            #[test]
            fn sender_send() {
                use std::thread;
                use std::time::Duration;
                use $($channel)::+::{bounded, SendError};

                let (s, r) = bounded(1);
                assert_eq!(s.send(1), Ok(()));

                thread::spawn(move || {
                    assert_eq!(r.recv(), Ok(1));
                    thread::sleep(Duration::from_secs(1));
                    drop(r);
                });

                assert_eq!(s.send(2), Ok(()));
                assert_eq!(s.send(3), Err(SendError(3)));
            }

            #[test]
            fn sender_is_full() {
                use $($channel)::+::bounded;

                let (s, r) = bounded(1);

                assert!(!s.is_full());
                s.send(0).unwrap();
                assert!(s.is_full());
                drop(r); // not in the example: it is not used there
            }

            #[test]
            fn receiver_is_full() {
                use $($channel)::+::bounded;

                let (s, r) = bounded(1);

                assert!(!r.is_full());
                s.send(0).unwrap();
                assert!(r.is_full());
            }

            #[test]
            fn capacity_of_what_is_bounded() {
                use $($channel)::+::bounded;

                let (s, _) = bounded::<i32>(5);
                assert_eq!(s.capacity(), Some(5));

                let (_, r) = bounded::<i32>(5);
                assert_eq!(r.capacity(), Some(5));
            }
        }
    };
}

examples!(plain, ringway::compat::crossbeam);
#[cfg(feature = "serde")]
examples!(serde, ringway::compat::serde::crossbeam);
// The examples are what they are said to be.
examples!(themselves, crossbeam_channel);

/// Its messages are `&'static str`, which no process can give another: they become `String`.
#[cfg(feature = "serde")]
#[test]
fn blocking_operations_with_strings() {
    use ringway::compat::serde::crossbeam::{RecvError, TryRecvError, bounded};

    let (s, r) = bounded(1);

    // Send a message into the channel.
    s.send(String::from("foo")).unwrap();

    // This call would block because the channel is full.
    // s.send("bar").unwrap();

    // Receive the message.
    assert_eq!(r.recv(), Ok(String::from("foo")));

    // This call would block because the channel is empty.
    // r.recv();

    // Try receiving a message without blocking.
    assert_eq!(r.try_recv(), Err(TryRecvError::Empty));

    // Disconnect the channel.
    drop(s);

    // This call doesn't block because the channel is now disconnected.
    assert_eq!(r.recv(), Err(RecvError));
}
