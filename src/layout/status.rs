//! The `status` word of an end: its state in one store.
//!
//! ```text
//!  63            32 31             8 7      0
//! +----------------+----------------+--------+
//! |   generation   |    changes     |  bits  |
//! +----------------+----------------+--------+
//! ```
//!
//! | bits | state of the role |
//! |---|---|
//! | word is 0 | nobody ever held it in this instance |
//! | PRESENT | taken; its holder lives exactly as long as the role's lock byte is held |
//! | LEFT | its last holder went of its own will (or closed its end and is still there) |
//!
//! PRESENT with a free lock byte means that the holder died.

/// A value of the word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Status(pub(crate) u64);

impl Status {
    /// The holder of the role is here, or died.
    pub(crate) const PRESENT: u64 = 1;
    /// The holder left, or closed its end.
    pub(crate) const LEFT: u64 = 1 << 1;
    /// The holder has declared that it never sleeps: nobody need look whether it does.
    pub(crate) const QUIET: u64 = 1 << 2;
    /// Some holder of the role in this instance has once declared QUIET.
    pub(crate) const WAS_QUIET: u64 = 1 << 3;
    /// The holder cannot ring: the other end must not sleep longer than a millisecond at a time.
    pub(crate) const MUTE: u64 = 1 << 4;
    /// A stream: somebody found this role's last holder dead; no byte moves in this instance any more.
    pub(crate) const BROKEN: u64 = 1 << 5;
    /// The holder cannot make a barrier (`membarrier`): the other end must fence after each publication.
    pub(crate) const NO_BARRIER: u64 = 1 << 6;
    /// Reserved, and ignored in a word that is read: so a word with this bit is one that no peer can store.
    pub(crate) const NEVER: u64 = 1 << 7;

    const CHANGE: u64 = 1 << 8;
    const CHANGES: u64 = 0xff_ffff << 8;
    const GENERATION_SHIFT: u32 = 32;

    /// The word that was loaded from the other end's line.
    #[inline(always)]
    pub(crate) fn loaded(word: u64) -> Self {
        Self(word & !Self::NEVER)
    }

    /// A word that was loaded, as something to compare with [`known`](Self::known): never 0.
    #[inline(always)]
    pub(crate) fn fresh(word: u64) -> u64 {
        word | Self::NEVER
    }

    /// What [`fresh`](Self::fresh) gives for this word.
    pub(crate) fn known(self) -> u64 {
        Self::fresh(self.0)
    }

    /// How many holders the role has had, the present one included. Wraps after 2^32 of them.
    pub(crate) fn generation(self) -> u32 {
        (self.0 >> Self::GENERATION_SHIFT) as u32
    }

    /// How often the present holder has stored the word since it joined, modulo 2^24.
    pub(crate) fn changes(self) -> u64 {
        (self.0 & Self::CHANGES) / Self::CHANGE
    }

    /// Whether all of `bits` are set.
    #[inline(always)]
    pub(crate) fn has(self, bits: u64) -> bool {
        self.0 & bits == bits
    }

    /// Whether anybody ever held the role.
    pub(crate) fn is_new(self) -> bool {
        self.generation() == 0
    }

    /// The word of the role's next holder.
    pub(crate) fn succeeded(self, bits: u64) -> Self {
        // 0 means "nobody ever", so the count goes around it.
        let generation = match self.generation().wrapping_add(1) {
            0 => 1,
            next => next,
        };
        Self(u64::from(generation) << Self::GENERATION_SHIFT | self.0 & Self::WAS_QUIET).with(bits)
    }

    /// The same holder's word with these bits instead; unlike every word of the last 2^24 changes.
    pub(crate) fn changed(self, bits: u64) -> Self {
        let changes = self.0.wrapping_add(Self::CHANGE) & Self::CHANGES;
        Self(self.0 & !(0xff | Self::CHANGES) | changes | self.0 & Self::WAS_QUIET).with(bits)
    }

    /// The eight bits.
    #[cfg(test)]
    pub(crate) fn bits(self) -> u64 {
        self.0 & 0xff
    }

    fn with(self, bits: u64) -> Self {
        let sticky = if bits & Self::QUIET != 0 { Self::WAS_QUIET } else { 0 };
        Self(self.0 | bits & 0xff | sticky)
    }
}

impl core::fmt::Debug for Status {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names = [
            (Self::PRESENT, "PRESENT"),
            (Self::LEFT, "LEFT"),
            (Self::QUIET, "QUIET"),
            (Self::WAS_QUIET, "WAS_QUIET"),
            (Self::MUTE, "MUTE"),
            (Self::BROKEN, "BROKEN"),
            (Self::NO_BARRIER, "NO_BARRIER"),
        ];
        write!(f, "generation {}", self.generation())?;
        names.iter().filter(|(bit, _)| self.has(*bit)).try_for_each(|(_, name)| write!(f, " {name}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_is_never_mistaken_for_its_predecessor() {
        let mut word = Status::default();
        assert!(word.is_new());
        for generation in 1..5 {
            word = word.succeeded(Status::PRESENT);
            assert_eq!(word.generation(), generation);
            assert_eq!(word.bits(), Status::PRESENT);
        }
        assert_eq!(Status(u64::from(u32::MAX) << 32).succeeded(Status::PRESENT).generation(), 1);
    }

    #[test]
    fn having_been_quiet_is_remembered_across_holders() {
        let quiet = Status::default().succeeded(Status::PRESENT | Status::QUIET);
        assert!(quiet.has(Status::QUIET | Status::WAS_QUIET));
        let sleeper = quiet.changed(Status::PRESENT);
        assert!(!sleeper.has(Status::QUIET) && sleeper.has(Status::WAS_QUIET));
        let next = sleeper.succeeded(Status::PRESENT);
        assert!(next.has(Status::WAS_QUIET) && !next.has(Status::QUIET));
    }

    #[test]
    fn every_change_gives_another_word_of_the_same_generation() {
        let mut word = Status::default().succeeded(Status::PRESENT);
        let mut seen = vec![word.0];
        for _ in 0..300 {
            word = word.changed(Status::PRESENT);
            assert!(!seen.contains(&word.0) && word.generation() == 1);
            seen.push(word.0);
        }
        let last = Status(word.0 | Status::CHANGES).changed(Status::LEFT);
        assert_eq!(last.generation(), 1, "the count of changes does not run into the generation");
    }
}
