//! What members say of themselves, under loom.

mod loom_members;
