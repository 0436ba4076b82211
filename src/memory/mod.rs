//! Bytes with an address, and the files behind them; never what the bytes mean.
//!
//! A [`segment::Attachment`] is the right to be there: a life descriptor that holds the gate byte shared. A [`Region`]
//! is the bytes: a mapping made through another description (a mapping keeps its description, and with it the locks,
//! alive), a System V segment, or a block of the heap.

pub(crate) mod annex;
pub(crate) mod backing;
pub(crate) mod cords;
pub(crate) mod error;
#[cfg(not(loom))]
pub(crate) mod handed;
#[cfg(not(loom))]
pub(crate) mod heap;
#[cfg(not(loom))]
pub(crate) mod mapping;
mod medium;
pub(crate) mod name;
pub(crate) mod pages;
pub(crate) mod segment;
pub(crate) mod system_v;
pub(crate) mod view;

#[cfg(not(loom))]
use crate::sys::sysv::Attached;
#[cfg(not(loom))]
use std::ptr::NonNull;

/// Readable and writable bytes that stay where they are for as long as this value lives. Page-aligned. (Of a pair the other side's
/// part is only readable; nobody writes there but who holds the role.)
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) enum Region {
    Mapped(mapping::Mapping),
    SystemV(Attached),
    Heap(heap::Block),
    Handed(handed::Pair),
}

#[cfg(not(loom))]
impl Region {
    /// The first byte.
    pub(crate) fn base(&self) -> NonNull<u8> {
        match self {
            Self::Mapped(mapping) => mapping.base(),
            Self::SystemV(attached) => attached.base(),
            Self::Heap(block) => block.base(),
            Self::Handed(pair) => pair.base(),
        }
    }

    /// Bytes.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Mapped(mapping) => mapping.len(),
            Self::SystemV(attached) => attached.len(),
            Self::Heap(block) => block.len(),
            Self::Handed(pair) => pair.len(),
        }
    }

    /// Whether its file was cut short and something of that was touched.
    pub(crate) fn is_lost(&self) -> bool {
        match self {
            Self::Mapped(mapping) => mapping.is_lost(),
            // Nothing of them can be cut off.
            Self::SystemV(_) | Self::Heap(_) | Self::Handed(_) => false,
        }
    }
}
