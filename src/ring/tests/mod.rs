//! The ring under loom, and against a `VecDeque`.

#[cfg(loom)]
mod loom_spsc;
