//! What needs the inside of the ends, and both of them under loom.

#[cfg(not(loom))]
mod ends;
#[cfg(loom)]
mod loom_channel;
