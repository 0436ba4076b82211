//! In place of `std::sync::mpsc`, its bounded channel, for plain data ([`Payload`]). The errors are std's own.
//!
//! ```
//! use ringway::compat::std_mpsc::sync_channel; // was: std::sync::mpsc::sync_channel
//!
//! let (sender, receiver) = sync_channel(1);
//! sender.send(7).unwrap();
//! assert_eq!(receiver.recv(), Ok(7));
//! drop(sender);
//! assert!(receiver.recv().is_err());
//! ```
//!
//! Between processes, an end by its name (the other process may have any of the two ends of [`crate::mpmc`], too):
//!
//! ```
//! use ringway::compat::std_mpsc::{Receiver, SyncSender};
//! # let name = format!("doc-compat-std-{}", std::process::id());
//! # let name = name.as_str();
//!
//! let sender = SyncSender::<u32>::open_or_create(name, 100)?; // in any number of processes
//! let receiver = Receiver::<u32>::open_or_create(name, 100)?; // in another
//! sender.send(7)?;
//! assert_eq!(receiver.recv(), Ok(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is kept and what is not: [`crate::compat`].

use crate::channel::mpmc as native;
use crate::ring::payload::Payload;

super::std_ends::std_ends!([: Payload], [Payload], [Payload]);
