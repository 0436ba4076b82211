//! The protocols of sleeping: under loom, and where no futex puts anybody to sleep; and the loop around them.

#[cfg(not(loom))]
mod awaited;
#[cfg(not(loom))]
mod dormitory;
#[cfg(loom)]
mod loom_bell;
#[cfg(loom)]
mod loom_dormitory;
#[cfg(loom)]
mod loom_event_count;
#[cfg(loom)]
mod loom_flag;
