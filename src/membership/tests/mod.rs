//! Who is alive; and, under loom, what members say of themselves.

#[cfg(not(loom))]
mod liveness;
#[cfg(loom)]
mod loom_members;
