//! Asking the processor for lines before they are used. Hints: no word changes, and nothing is known afterwards that was not before.
//!
//! A line that the other end has written comes from its cache, some hundred nanoseconds away, and a processor that copies
//! or polls asks for no more than a few lines at once. Whoever goes through a ring knows long before which lines come next.
//!
//! # Safety
//!
//! A prefetch of any address, mapped or not, has no effect that a program could see; processors without it do nothing.
#![allow(unsafe_code)]

/// What a processor moves at once.
pub(crate) const LINE: usize = 64;

/// Asks for the lines of so many bytes from `start` on, one at least.
#[inline(always)]
pub(crate) fn each(start: *const u8, bytes: usize, line: impl Fn(*const u8)) {
    line(start);
    let mut at = LINE;
    while at < bytes {
        line(start.wrapping_add(at));
        at += LINE;
    }
}

/// A line that is to be read.
#[inline(always)]
pub(crate) fn to_read(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as the module says.
    unsafe {
        core::arch::asm!("prefetcht0 [{}]", in(reg) line, options(nostack, preserves_flags));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pldl1keep, [{}]", in(reg) line, options(nostack, preserves_flags));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = line;
}

/// A line that is to be written to: it comes so that nobody else has it.
#[inline(always)]
pub(crate) fn to_write(line: *const u8) {
    #[cfg(all(target_arch = "x86_64", not(miri)))]
    // SAFETY: as the module says.
    unsafe {
        core::arch::asm!("prefetchw [{}]", in(reg) line, options(nostack, preserves_flags));
    }
    #[cfg(all(target_arch = "aarch64", not(miri)))]
    // SAFETY: as above.
    unsafe {
        core::arch::asm!("prfm pstl1keep, [{}]", in(reg) line, options(nostack, preserves_flags));
    }
    #[cfg(any(miri, not(any(target_arch = "x86_64", target_arch = "aarch64"))))]
    let _ = line;
}
