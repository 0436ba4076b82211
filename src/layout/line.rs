//! A line: what two processors hand to each other.

/// 128 bytes on every target. Processors of today fetch 64-byte lines in pairs, or have 128-byte lines; a format must
/// not follow the target as `crossbeam_utils::CachePadded` does.
#[cfg_attr(not(loom), repr(C, align(128)))]
#[derive(Debug, Default)]
pub(crate) struct Line<T>(pub(crate) T);

impl<T> core::ops::Deref for Line<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
