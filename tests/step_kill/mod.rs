//! Victims, survivors, and what is done to them.
//!
//! | file | holds |
//! |---|---|
//! | `puppet.rs` | a child that is traced: steps, breakpoints, the end |
//! | `walk.rs` | one operation, instruction by instruction, and the way to any of them |
//! | `stage.rs` | what a scene is; killing and stopping in each state |
//! | `page.rs` | the page of what is killed where, `STEP_KILLS.md`, kept true |
//! | `room.rs` | too little room for another file |
//! | `run.rs` | the program: which scenes, in which processes, and the table at the end |
//! | `spsc_*.rs`, `bytes_*.rs` | the scenes of one kind of channel each |
//! | `lanes_*.rs` | those of messages of bytes among many: in lanes, through them, and what recovery does with lanes |
//! | `loan_*.rs` | memory that is lent, sent, read in place and given back, in a lane and in an annex |
//! | `ends.rs`, `doors.rs` | those of coming and going, with channels of every kind in memory of every kind |
//! | `exchange.rs` | those of a channel that changes hands over a connection |
//! | `stream_ends.rs` | those of streams, one way and both |
//! | `waiters.rs` | who sleeps, and who wakes one of several, with each waiter |
//! | `mpmc_*.rs` | those of another, among others who live, and among some who are dead already; and what recovery costs |

mod bytes_pair;
mod bytes_receiver;
mod bytes_sender;
mod doors;
mod ends;
mod exchange;
mod lanes_group;
mod lanes_long;
mod lanes_reader;
mod lanes_receiver;
mod lanes_recovery;
mod lanes_sender;
mod lanes_stream;
mod lanes_words;
mod loan_last;
mod loan_pool;
mod loan_receiver;
mod loan_recovery;
mod loan_sender;
mod message;
mod mpmc_corpse;
mod mpmc_cost;
mod mpmc_doors;
mod mpmc_group;
mod mpmc_last;
mod mpmc_loser;
mod mpmc_receiver;
mod mpmc_recovery;
mod mpmc_sender;
mod mpmc_words;
mod page;
mod puppet;
mod room;
pub(crate) mod run;
mod sleeper;
mod spsc_doors;
mod spsc_pair;
mod spsc_receiver;
mod spsc_sender;
mod spsc_sleeper;
mod stage;
mod stream_ends;
#[path = "../support/mod.rs"]
mod support;
mod waiters;
mod walk;
