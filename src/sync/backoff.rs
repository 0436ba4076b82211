//! Spinning.

/// One pause of a spinning thread: the processor's hint natively, a switch to another thread in the model.
#[inline(always)]
pub(crate) fn pause() {
    #[cfg(not(loom))]
    core::hint::spin_loop();
    #[cfg(loom)]
    loom::thread::yield_now();
}
