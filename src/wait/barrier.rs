//! The heavy half of an asymmetric pair of fences. The light half costs nothing and is made after each publication
//! (`Edge::light_source`), the heavy half costs a system call and is made before a sleep. Together they order as two
//! sequentially consistent fences would.
//!
//! Source: WG21 P1202 (asymmetric fences). The kernel's side is `sys::membarrier`, the model's `sync::interrupt`.

#[cfg(loom)]
use crate::sync::interrupt;
#[cfg(not(loom))]
use crate::sys::membarrier;

/// Puts a fence into every thread that makes the light half in a process that it reaches; whether it did.
///
/// *Progress*: never sleeps; one `membarrier`.
pub(crate) fn heavy() -> bool {
    #[cfg(not(loom))]
    return membarrier::barrier();
    #[cfg(loom)]
    {
        interrupt::ask();
        true
    }
}

/// Whether this process can make the heavy half.
pub(crate) fn can_be_made() -> bool {
    #[cfg(not(loom))]
    return membarrier::is_available();
    #[cfg(loom)]
    true
}

/// Whether others' heavy halves reach this process; if not, sees to it that they soon will.
pub(crate) fn reaches_us() -> bool {
    #[cfg(not(loom))]
    return membarrier::is_registered();
    #[cfg(loom)]
    interrupt::reaches()
}
