//! Tests that need a model of the memory.

#[cfg(loom)]
mod loom_ranges;
