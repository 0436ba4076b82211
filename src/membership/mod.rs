//! Who is here: roles, their holders, and who of them died.
//!
//! A *role* (producer, consumer) is held by one end at a time. Holding it is holding its lock byte; the kernel frees the
//! byte when the holder's process is gone, and not before it has torn its memory down. The `status` word on the
//! role's page says the rest:
//!
//! ```text
//!             join: lock byte, then PRESENT            leave: LEFT, then unlock byte
//!   nobody  ------------------------------>  present  ------------------------------>  left
//!                                               |                                        |
//!                                               |  killed: byte free, still PRESENT      |  join: next generation
//!                                               v                                        v
//!                                             died  --------- join: next generation -> present
//! ```
//!
//! Because the word is stored last on joining and first on leaving, *PRESENT with a free byte always means died* (or a
//! holder that is between its last two steps of leaving, for whom LEFT is found on a second look).
//!
//! A timeout, a heartbeat or a pid decides nothing: a stopped process, one in a debugger and one whose core is being
//! written are alive, since the kernel holds their locks.

pub(crate) mod liveness;
pub(crate) mod local;
pub(crate) mod member;
pub(crate) mod role;
pub(crate) mod seat;
#[cfg(test)]
mod tests;
