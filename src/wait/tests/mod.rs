//! The protocols of sleeping under loom.

#[cfg(loom)]
mod loom_bell;
#[cfg(loom)]
mod loom_event_count;
