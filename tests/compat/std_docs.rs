//! The examples of std::sync::mpsc's documentation that use `sync_channel`, one `use` changed in each.
//!
//! Ported from <https://github.com/rust-lang/rust> (`library/std/src/sync/mpsc.rs`), Copyright (c) The Rust Project
//! Contributors, MIT or Apache-2.0.
//!
//! Not here are those with bound 0, which is refused, and with `channel`, which has no bound.

macro_rules! examples {
    ($name:ident, $($channel:ident)::+) => {
        mod $name {
            #[test]
            fn sync_channel() {
                use $($channel)::+::sync_channel;
                use std::thread;

                let (sender, receiver) = sync_channel(1);

                // this returns immediately
                sender.send(1).unwrap();

                thread::spawn(move || {
                    // this will block until the previous message has been received
                    sender.send(2).unwrap();
                });

                assert_eq!(receiver.recv().unwrap(), 1);
                assert_eq!(receiver.recv().unwrap(), 2);
            }

            #[test]
            fn sync_sender() {
                use $($channel)::+::sync_channel;
                use std::thread;

                // Create a sync_channel with buffer size 2
                let (sync_sender, receiver) = sync_channel(2);
                let sync_sender2 = sync_sender.clone();

                // First thread owns sync_sender
                thread::spawn(move || {
                    sync_sender.send(1).unwrap();
                    sync_sender.send(2).unwrap();
                });

                // Second thread owns sync_sender2
                thread::spawn(move || {
                    sync_sender2.send(3).unwrap();
                    // thread will now block since the buffer is full
                    println!("Thread unblocked!");
                });

                let mut msg;

                msg = receiver.recv().unwrap();
                println!("message {msg} received");

                // "Thread unblocked!" will be printed now

                msg = receiver.recv().unwrap();
                println!("message {msg} received");

                msg = receiver.recv().unwrap();

                println!("message {msg} received");
            }

            #[test]
            fn sync_sender_try_send() {
                use $($channel)::+::sync_channel;
                use std::thread;

                // Create a sync_channel with buffer size 1
                let (sync_sender, receiver) = sync_channel(1);
                let sync_sender2 = sync_sender.clone();

                // First thread owns sync_sender
                let handle1 = thread::spawn(move || {
                    sync_sender.send(1).unwrap();
                    sync_sender.send(2).unwrap();
                    // Thread blocked
                });

                // Second thread owns sync_sender2
                let handle2 = thread::spawn(move || {
                    // This will return an error and send
                    // no message if the buffer is full
                    let _ = sync_sender2.try_send(3);
                });

                let mut msg;
                msg = receiver.recv().unwrap();
                println!("message {msg} received");

                msg = receiver.recv().unwrap();
                println!("message {msg} received");

                // Third message may have never been sent
                match receiver.try_recv() {
                    Ok(msg) => println!("message {msg} received"),
                    Err(_) => println!("the third message was never sent"),
                }

                // Wait for threads to complete
                handle1.join().unwrap();
                handle2.join().unwrap();
            }
        }
    };
}

examples!(plain, ringway::compat::std_mpsc);
#[cfg(feature = "serde")]
examples!(serde, ringway::compat::serde::std_mpsc);
// The examples are what they are said to be.
examples!(themselves, std::sync::mpsc);

/// Its messages are `&'static str`, which no process can give another: they become `String`.
#[cfg(feature = "serde")]
#[test]
fn unbounded_receive_loop_with_strings() {
    use ringway::compat::serde::std_mpsc::sync_channel;
    use std::thread;

    let (tx, rx) = sync_channel(3);

    for _ in 0..3 {
        // It would be the same without thread and clone here
        // since there will still be one `tx` left.
        let tx = tx.clone();
        // cloned tx dropped within thread
        thread::spawn(move || tx.send(String::from("ok")).unwrap());
    }

    // Drop the last sender to stop `rx` waiting for message.
    // The program will not complete if we comment this out.
    // **All** `tx` needs to be dropped for `rx` to have `Err`.
    drop(tx);

    // Unbounded receiver waiting for all senders to complete.
    while let Ok(msg) = rx.recv() {
        println!("{msg}");
    }

    println!("completed");
}
