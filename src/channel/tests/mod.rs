//! The whole channel: under loom, and with ends that are killed before each of their steps.

#[cfg(not(loom))]
mod hostile;
#[cfg(not(loom))]
mod last_look;
#[cfg(loom)]
mod loom_channel;
#[cfg(loom)]
mod loom_mpmc;
#[cfg(not(loom))]
mod model;
#[cfg(not(loom))]
mod scenes;
#[cfg(not(loom))]
mod scenes_bytes;
#[cfg(not(loom))]
mod stage;
#[cfg(not(loom))]
mod stepped_annexes;
#[cfg(not(loom))]
mod stepped_bytes;
#[cfg(not(loom))]
mod stepped_bytes_many;
#[cfg(not(loom))]
mod stepped_channel;
#[cfg(not(loom))]
mod stepped_door;
#[cfg(not(loom))]
mod stepped_many;
#[cfg(not(loom))]
mod stepped_persistent;
#[cfg(not(loom))]
mod stepped_stream;
#[cfg(not(loom))]
mod stepped_system_v;
#[cfg(not(loom))]
mod stepped_waiters;
#[cfg(not(loom))]
mod stopped;
#[cfg(not(loom))]
mod told;
