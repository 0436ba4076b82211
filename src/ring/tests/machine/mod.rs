//! The step machine: the ring's own code, taken apart into its atomic steps, in every order, with deaths in between.
//!
//! An actor's step is found by running the real operation against the answers that its steps have had so far, up to the one
//! that has none yet (`crate::sync::replay`); what it asks then is done to a row of numbers, which stands for the segment.
//! Because the ring does the same whenever it is given the same answers, its code is run once for each list of answers, and
//! a step costs less than a microsecond after that. A state is that row, everybody's place in their operation, and what
//! the judge must remember. Nothing of the protocol is written down a second time: what is searched is what is shipped.
//!
//! ```text
//! scene      who is there, what each of them calls, who may die
//! book       what the ring's code does next, behind each list of answers
//! memory     the memory, and everybody's next step on it
//! judge      what may be done in a step, and answered by a call
//! aftermath  whoever comes when nobody has a step left finds all that was sent, and an empty ring of its full size
//! search     all states, the shortest way first, with a death before any step
//! scenes     what is searched
//! fault      what could be wrong with the ring; faults: that it is found
//! random     schedules of larger scenes, by priorities that change
//! history    what was called and answered, against a queue
//! ```
//!
//! Memory is sequentially consistent here: which orderings are needed is another model's business (`--cfg loom`). Copies of
//! messages are steps, whole ones. Pauses are nothing. A message counts as delivered when the call that receives it has
//! ended; one whose slot was freed by a pop that died before its end is gone (that is what at most once means); one in a
//! hand is not gone before the hand is empty.

mod aftermath;
mod book;
mod calls;
mod fault;
mod faults;
mod history;
mod judge;
mod memory;
mod random;
mod scene;
mod scenes;
mod search;
mod state;

/// What has been done that must not be.
type Wrong = String;
