//! In place of `crossbeam_channel`, its bounded channels, for plain data ([`Payload`]).
//!
//! ```
//! use ringway::compat::crossbeam::{bounded, RecvError, TryRecvError}; // was: crossbeam_channel::{...}
//!
//! let (s, r) = bounded(1);
//! s.send(7).unwrap();
//! assert_eq!(r.recv(), Ok(7));
//! assert_eq!(r.try_recv(), Err(TryRecvError::Empty));
//! drop(s);
//! assert_eq!(r.recv(), Err(RecvError));
//! ```
//!
//! Between processes, an end by its name (the other process may have any of the two ends of [`crate::mpmc`], too):
//!
//! ```
//! use ringway::compat::crossbeam::{Receiver, Sender};
//! # let name = format!("doc-compat-crossbeam-{}", std::process::id());
//! # let name = name.as_str();
//!
//! let s = Sender::<u32>::open_or_create(name, 100)?; // in any number of processes
//! let r = Receiver::<u32>::open_or_create(name, 100)?; // in any number of others
//! s.send(7)?;
//! assert_eq!(r.recv(), Ok(7));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What is kept and what is not: [`crate::compat`].

use crate::channel::mpmc as native;
use crate::ring::payload::Payload;

super::crossbeam_ends::crossbeam_ends!([: Payload], [Payload], [Payload]);
