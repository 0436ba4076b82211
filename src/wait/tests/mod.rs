//! Bells under loom.

#[cfg(loom)]
mod loom_bell;
