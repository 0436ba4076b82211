//! What can go wrong, number by number: `FAULTS.md` is the table of it, and tells which test shows what.
//!
//! Here is the check of that page, and the tests of faults that belong to no other file. What a machine does not permit (another
//! user, namespaces, tracing) is said and passed over.

mod support;

#[path = "faults/coming.rs"]
mod coming;
#[path = "faults/elsewhere.rs"]
mod elsewhere;
#[cfg(target_arch = "x86_64")]
#[path = "faults/failing.rs"]
mod failing;
#[cfg(target_arch = "x86_64")]
#[path = "faults/failing_every.rs"]
mod failing_every;
#[cfg(target_arch = "x86_64")]
#[path = "faults/failing_plays.rs"]
mod failing_plays;
#[path = "faults/going.rs"]
mod going;
#[path = "faults/page.rs"]
mod page;
#[cfg(target_arch = "x86_64")]
#[path = "support/tracer.rs"]
mod traced;
#[cfg(target_arch = "x86_64")]
#[path = "faults/tracer.rs"]
mod tracer;
#[path = "faults/waiting.rs"]
mod waiting;
#[path = "faults/words.rs"]
mod words;
