//! What the models of each call have in common.
#![cfg(loom)]
// Not every file of models has a use for all of it.
#![allow(dead_code)]

use loom::cell::UnsafeCell;
use loom::sync::Arc;

/// Something that is protected by the program's own protocol, or is not; loom says which.
#[derive(Default)]
pub struct Plain(UnsafeCell<u64>);

// SAFETY: loom checks each access.
unsafe impl Sync for Plain {}

impl Plain {
    pub fn shared() -> Arc<Self> {
        Arc::new(Self::default())
    }

    pub fn write(&self, value: u64) {
        // SAFETY: loom checks that nobody else is at it.
        self.0.with_mut(|place| unsafe { *place = value });
    }

    pub fn read(&self) -> u64 {
        // SAFETY: as above.
        self.0.with(|place| unsafe { *place })
    }
}

/// All executions with at most two preemptions.
pub fn check(model: impl Fn() + Send + Sync + 'static) {
    check_up_to(2, model);
}

/// With at most so many.
pub fn check_up_to(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}
