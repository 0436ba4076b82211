//! Annexes: lanes whose bytes lie in files of their own, made when they are first needed.

use super::lanes::LANE_BYTES_MAX;
#[cfg(loom)]
use super::modelled_bytes::Bytes;
#[cfg(not(loom))]
use crate::memory::Region;

/// The shortest annex has a page.
const LOG_MIN: u64 = 12;
const LOG_MAX: u64 = LANE_BYTES_MAX.trailing_zeros() as u64;

/// Which file holds the bytes of an annex lane: version << 8 | log2 of its bytes. Versions count the files that the lane has had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AnnexWord(pub(crate) u64);

impl AnnexWord {
    /// The file of this version, which has at least so many bytes, and less than twice as many; at most 1 GiB.
    pub(crate) fn with_room_for(version: u64, bytes: u64) -> Self {
        let log = u64::from(bytes.clamp(1, LANE_BYTES_MAX).next_power_of_two().trailing_zeros());
        Self(version << 8 | log.max(LOG_MIN))
    }

    /// No file; the last one was of this version.
    pub(crate) fn without_file(version: u64) -> Self {
        Self(version << 8)
    }

    /// How many files there have been.
    pub(crate) fn version(self) -> u64 {
        self.0 >> 8
    }

    /// Bytes of the file; `None` if there is no file, or the word cannot be.
    pub(crate) fn bytes(self) -> Option<u64> {
        let log = self.0 & 0xff;
        let is_file = (LOG_MIN..=LOG_MAX).contains(&log) && self.version() > 0;
        is_file.then(|| 1 << log)
    }

    /// Whether it is one that somebody may have stored.
    pub(crate) fn is_possible(self) -> bool {
        self.0 & 0xff == 0 || self.bytes().is_some()
    }
}

/// The bytes of an annex, as long as anybody looks at them.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Annex {
    word: AnnexWord,
    region: Region,
}

#[cfg(not(loom))]
impl Annex {
    /// The file of this word, mapped; `None` if it is too short.
    pub(crate) fn new(word: AnnexWord, region: Region) -> Option<Self> {
        let bytes = word.bytes()?;
        (region.len() as u64 >= bytes).then_some(Self { word, region })
    }

    pub(crate) fn word(&self) -> AnnexWord {
        self.word
    }

    /// Whether the memory is gone, and zeroes are in its place.
    pub(crate) fn is_lost(&self) -> bool {
        self.region.is_lost()
    }

    /// Lets `use_it` have the address of these bytes, which lie in it.
    pub(crate) fn with<R>(&self, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R {
        assert!(bytes.start <= bytes.end && bytes.end <= self.region.len());
        use_it(self.region.base().as_ptr().wrapping_add(bytes.start))
    }

    /// The same, to read there: a model tells the two apart.
    pub(crate) fn see<R>(&self, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*const u8) -> R) -> R {
        self.with(bytes, |place| use_it(place))
    }
}

/// The same in a model.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Annex {
    word: AnnexWord,
    bytes: Bytes,
}

#[cfg(loom)]
impl Annex {
    /// One of this word, if it names any.
    pub(crate) fn modelled(word: AnnexWord) -> Option<Self> {
        let len = usize::try_from(word.bytes()?).ok()?;
        Some(Self { word, bytes: Bytes::new(len) })
    }

    pub(crate) fn word(&self) -> AnnexWord {
        self.word
    }

    pub(crate) fn is_lost(&self) -> bool {
        false
    }

    pub(crate) fn with<R>(&self, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*mut u8) -> R) -> R {
        assert!(bytes.start <= bytes.end && bytes.end <= self.bytes.len());
        self.bytes.with(bytes, use_it)
    }

    pub(crate) fn see<R>(&self, bytes: core::ops::Range<usize>, use_it: impl FnOnce(*const u8) -> R) -> R {
        assert!(bytes.start <= bytes.end && bytes.end <= self.bytes.len());
        self.bytes.see(bytes, use_it)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::memory::heap::Block;

    #[test]
    fn a_file_has_room_and_is_less_than_twice_as_long() {
        for bytes in [0, 1, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, (1 << 30) - 1, 1 << 30] {
            let word = AnnexWord::with_room_for(7, bytes);
            let room = word.bytes().expect("a file");
            assert!(room >= bytes && (room < 2 * bytes || room == 4096), "{bytes}: {room}");
            assert_eq!((word.version(), word.is_possible()), (7, true));
        }
        assert_eq!(AnnexWord::with_room_for(1, u64::MAX).bytes(), Some(1 << 30));
        let none = AnnexWord::without_file(3);
        assert_eq!((none.version(), none.bytes(), none.is_possible()), (3, None, true));
        for wrong in [7 << 8 | 11, 7 << 8 | 31, 7 << 8 | 255, 12] {
            assert!(!AnnexWord(wrong).is_possible() && AnnexWord(wrong).bytes().is_none(), "{wrong:#x}");
        }
    }

    #[test]
    fn an_annex_is_as_long_as_its_word_says() {
        let block = |bytes| Region::Heap(Block::new(bytes).expect("memory"));
        let word = AnnexWord::with_room_for(1, 8000);
        assert!(Annex::new(word, block(4096)).is_none());
        assert!(Annex::new(AnnexWord::without_file(1), block(4096)).is_none());
        let annex = Annex::new(word, block(8192)).expect("long enough");
        assert_eq!(annex.with(100..8192, |at| at.addr()) - annex.with(0..8192, |at| at.addr()), 100);
    }
}
