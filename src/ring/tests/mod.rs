//! Tests that need the inside of the rings.

#[cfg(loom)]
mod loom_bytes;
#[cfg(loom)]
mod loom_mpmc;
#[cfg(loom)]
mod loom_spsc;
#[cfg(not(loom))]
mod machine;
#[cfg(not(loom))]
mod mpmc;
