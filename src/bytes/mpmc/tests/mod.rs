//! Both ends under loom.

mod loom_ends;
