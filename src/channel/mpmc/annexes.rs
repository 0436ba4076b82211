//! Annexes as an attachment has them: which it has mapped, and making those that are needed.
//!
//! A lane's word says who may use it, whether its bytes are in the segment or in an annex; nothing here decides that. Who has
//! taken an annex's lane for writing makes its file, if there is none that fits, and says in the lane's word `annex` which it
//! is; that store goes the way of the message's bytes (edge `passed`). Every process maps an annex when it first meets it.
//!
//! # If the process dies here
//!
//! The burial frees its lane, whose word names the old file, the new one, or none. A file that no word names is removed by whoever
//! next makes one for the lane, or with the segment.

use super::core::Core;
use crate::layout::annex::{Annex, AnnexWord};
use crate::layout::many::Many;
#[cfg(not(loom))]
use crate::memory::Region;
use crate::memory::annex as files;
use crate::memory::error::SegmentError;
#[cfg(not(loom))]
use crate::memory::heap::Block;
use crate::ring::Corrupt;
use crate::ring::lane::{Lanes, Ticket};
use crate::ring::payload::Payload;
use crate::sync::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// An annex is taken for a message if it is long enough, and not so many times longer.
const TOO_MUCH: u64 = 4;

/// What of the annexes of a channel an attachment has mapped.
#[derive(Debug)]
pub(crate) struct Annexes {
    /// Where the files are; a channel inside one process has none, and what is mapped is all there is.
    files: Option<files::Annexes>,
    /// By lane, from the first annex on.
    mapped: Mutex<Vec<Option<Arc<Annex>>>>,
}

/// Why a message in an annex cannot be read here.
#[derive(Debug)]
pub(crate) enum Unreadable {
    /// The word is not what a peer may leave.
    Corrupt(Corrupt),
    /// There is no such file, or it is not what its maker made: somebody who should not have has taken it away.
    Lost,
    /// This process has no memory, or no descriptor, for the mapping.
    NoMemory,
}

/// How an annex suits a message, from good to bad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    Good,
    /// It has no file yet.
    Empty,
    /// It would have to have another file.
    Bad,
}

impl Fit {
    fn of(word: AnnexWord, bytes: u64) -> Self {
        let needed = AnnexWord::with_room_for(1, bytes).bytes().unwrap_or(u64::MAX);
        match word.bytes() {
            Some(room) if room >= needed && room / TOO_MUCH <= needed => Self::Good,
            Some(_) => Self::Bad,
            None => Self::Empty,
        }
    }
}

fn word<T>(many: &Many<T>, lane: usize) -> AnnexWord {
    // Relaxed: a look; or the lane is ours, and its word `own` carries this one (edge `passed`).
    AnnexWord(many.lane(lane).writer.annex.load(Relaxed))
}

/// The lane of an annex for a message of so many bytes, if one is free: rather one that has a file which fits than one that has
/// none, and rather that than one whose file would have to be replaced.
pub(crate) fn take<T>(many: &Many<T>, me: usize, bytes: u64) -> Option<Ticket> {
    let lanes = many.annexes();
    let count = lanes.len();
    // Different processes begin at different lanes.
    let each = || (0..count).map(|step| lanes.start + (me + step) % count);
    [Fit::Good, Fit::Empty, Fit::Bad].into_iter().find_map(|wanted| {
        let mut fitting = each().filter(|lane| Fit::of(word(many, *lane), bytes) == wanted);
        fitting.find_map(|lane| many.take(me, lane..lane + 1, 0))
    })
}

impl Annexes {
    /// Those of a segment, of which nothing is mapped yet.
    pub(crate) fn new(files: Option<files::Annexes>) -> Self {
        Self { files, mapped: Mutex::default() }
    }

    fn mapped(&self, index: usize) -> MutexGuard<'_, Vec<Option<Arc<Annex>>>> {
        let mut mapped = self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        if mapped.len() <= index {
            mapped.resize(index + 1, None);
        }
        mapped
    }

    /// The file of this word, mapped.
    fn get(&self, index: usize, word: AnnexWord) -> Result<Arc<Annex>, SegmentError> {
        let mut mapped = self.mapped(index);
        if let Some(annex) = mapped[index].as_ref().filter(|annex| annex.word() == word) {
            return Ok(Arc::clone(annex));
        }
        let none = || SegmentError::NotFound { path: "annex".into() };
        let (files, len) = (self.files.as_ref().ok_or_else(none)?, word.bytes().ok_or_else(none)?);
        let annex = Arc::new(opened(files, index as u64, word, len)?.ok_or_else(none)?);
        mapped[index] = Some(Arc::clone(&annex));
        Ok(annex)
    }

    /// Makes the file of this word, and maps it; nobody knows of it yet.
    fn make(&self, index: usize, word: AnnexWord) -> Result<Arc<Annex>, SegmentError> {
        let len = word.bytes().unwrap_or(0);
        let made = created(self.files.as_ref(), index as u64, word, len)?;
        let annex = Arc::new(made.ok_or(SegmentError::OutOfMemory { asked: len })?);
        self.mapped(index)[index] = Some(Arc::clone(&annex));
        Ok(annex)
    }

    /// Takes the file of this word away, which no lane names any more, and one that somebody who was killed may have left before.
    fn remove(&self, index: usize, word: AnnexWord) {
        if let Some(files) = &self.files {
            let last = word.version();
            (last.saturating_sub(1).max(1)..=last).for_each(|version| files.remove(index as u64, version));
        }
    }

    /// Whether the memory of one that is mapped is gone.
    pub(crate) fn is_lost(&self) -> bool {
        let mapped = self.mapped.lock().unwrap_or_else(PoisonError::into_inner);
        mapped.iter().flatten().any(|annex| annex.is_lost())
    }

    /// Lets go of what is mapped of this lane.
    fn forget(&self, index: usize) {
        self.mapped(index)[index] = None;
    }
}

/// The lane of a free annex whose file has so much room, however much more.
pub(crate) fn take_roomy<T>(many: &Many<T>, me: usize, bytes: u64) -> Option<Ticket> {
    let has_room = |lane: &usize| word(many, *lane).bytes().is_some_and(|room| room >= bytes);
    many.annexes().filter(has_room).find_map(|lane| many.take(me, lane..lane + 1, 0))
}

/// The file of this word, which is there.
#[cfg(not(loom))]
fn opened(files: &files::Annexes, index: u64, word: AnnexWord, len: u64) -> Result<Option<Annex>, SegmentError> {
    Ok(Annex::new(word, Region::Mapped(files.open(index, word.version(), len)?)))
}

/// A new file of this word; memory, where there are no files.
#[cfg(not(loom))]
fn created(
    files: Option<&files::Annexes>,
    index: u64,
    word: AnnexWord,
    len: u64,
) -> Result<Option<Annex>, SegmentError> {
    let region = match files {
        Some(files) => Region::Mapped(files.create(index, word.version(), len)?),
        None => {
            let block = usize::try_from(len).ok().and_then(Block::new);
            Region::Heap(block.ok_or(SegmentError::OutOfMemory { asked: len })?)
        }
    };
    Ok(Annex::new(word, region))
}

/// A model has no files.
#[cfg(loom)]
fn opened(_files: &files::Annexes, _index: u64, _word: AnnexWord, _len: u64) -> Result<Option<Annex>, SegmentError> {
    Ok(None)
}

#[cfg(loom)]
fn created(
    _files: Option<&files::Annexes>,
    _index: u64,
    word: AnnexWord,
    _len: u64,
) -> Result<Option<Annex>, SegmentError> {
    Ok(Annex::modelled(word))
}

/// Whether a file is not there, or is not what it was made as: another one can be made.
fn is_lost(error: &SegmentError) -> bool {
    use SegmentError::{NotAFile, NotFound, Untrusted};
    matches!(error, NotFound { .. } | NotAFile { .. } | Untrusted { .. })
}

/// Whether memory is lacking.
pub(crate) fn is_no_room(error: &SegmentError) -> bool {
    use SegmentError::{LockLimit, NoHugePages, NoSpace, OutOfMemory};
    matches!(error, NoSpace { .. } | OutOfMemory { .. } | NoHugePages { .. } | LockLimit { .. })
}

impl<T: Payload> Core<T> {
    /// Room for a message of so many bytes in an annex whose lane we have WRITING.
    ///
    /// # Errors
    ///
    /// [`SegmentError`]: there is no more memory, or no file can be made. The lane is the caller's still.
    pub(crate) fn annex_to_write(&self, ticket: Ticket, bytes: u64) -> Result<Arc<Annex>, SegmentError> {
        let many = self.ring().many();
        let index = ticket.lane - many.annexes().start;
        let old = word(many, ticket.lane);
        if Fit::of(old, bytes) == Fit::Good {
            match self.annexes().get(index, old) {
                // Somebody has taken it away who should not have: it can be replaced.
                Err(error) if is_lost(&error) => {}
                got => return got,
            }
        }
        // Relaxed: the next step of `own` releases it.
        let say = |word: AnnexWord| many.lane(ticket.lane).writer.annex.store(word.0, Relaxed);
        let new = AnnexWord::with_room_for(old.version() + 1, bytes);
        let made = match self.annexes().make(index, new) {
            Err(error) if is_no_room(&error) && old.bytes().is_some_and(|room| room >= bytes) => {
                // Too long, but better than nothing.
                return self.annexes().get(index, old);
            }
            Err(error) if is_no_room(&error) => {
                // Its room may be what is lacking, or that of the next one, left by somebody who was killed before its word named it.
                // First the word: who is killed leaves none that names a file that is gone.
                say(AnnexWord::without_file(old.version()));
                self.annexes().forget(index);
                self.annexes().remove(index, old);
                self.annexes().remove(index, new);
                self.annexes().make(index, new)?
            }
            made => made?,
        };
        say(new);
        self.annexes().remove(index, old);
        Ok(made)
    }

    /// The bytes of a whole message of `len` bytes that is ours to read; `None`: it is in no annex.
    pub(crate) fn annex_to_read(&self, ticket: Ticket, len: u64) -> Result<Option<Arc<Annex>>, Unreadable> {
        let many = self.ring().many();
        let Some(index) = ticket.lane.checked_sub(many.annexes().start) else { return Ok(None) };
        let word = word(many, ticket.lane);
        let corrupt = || Unreadable::Corrupt(Corrupt { word: "annex", found: word.0 });
        if word.bytes().is_none_or(|bytes| bytes < len) {
            return Err(corrupt());
        }
        match self.annexes().get(index, word) {
            Ok(annex) => Ok(Some(annex)),
            Err(error) if is_lost(&error) => Err(Unreadable::Lost),
            Err(_) => Err(Unreadable::NoMemory),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_annex_fits_what_is_not_much_shorter() {
        let word = AnnexWord::with_room_for(1, 1 << 20);
        let fits = [
            ((1 << 20) + 1, Fit::Bad),
            (1 << 20, Fit::Good),
            ((1 << 18) + 1, Fit::Good),
            (1 << 18, Fit::Good),
            ((1 << 17) + 1, Fit::Good),
            (1 << 17, Fit::Bad),
            (0, Fit::Bad),
        ];
        for (bytes, fit) in fits {
            assert_eq!(Fit::of(word, bytes), fit, "{bytes}");
        }
        assert_eq!(Fit::of(AnnexWord(0), 5), Fit::Empty);
        assert_eq!(Fit::of(AnnexWord::without_file(7), 5), Fit::Empty);
    }
}
