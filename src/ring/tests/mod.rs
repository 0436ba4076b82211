//! Tests that need the inside of the rings.

#[cfg(not(loom))]
mod ahead;
#[cfg(not(loom))]
mod lane_machine;
#[cfg(loom)]
mod loom_bytes;
#[cfg(loom)]
mod loom_lane;
#[cfg(loom)]
mod loom_mpmc;
#[cfg(loom)]
mod loom_spsc;
#[cfg(not(loom))]
mod machine;
#[cfg(not(loom))]
mod mpmc;
