//! The whole channel: under loom, and with ends that are killed before each of their steps.

#[cfg(loom)]
mod loom_channel;
