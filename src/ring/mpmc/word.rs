//! What the words of a many-to-many ring say, in bits.

/// Positions have 56 bits in packed words.
const POSITION_SHIFT: u32 = 8;

/// The word of a slot: which lap it is at, and what is in it.
///
/// ```text
///  63                              8 7        2 1     0
/// +---------------------------------+----------+-------+
/// |               lap               | attempts | state |
/// +---------------------------------+----------+-------+
/// ```
///
/// *lap* is the position at which the present round through the ring began: the slot's position less the slot's number. A
/// slot goes FREE(lap), FULL(lap) or TOMB(lap), FREE(lap + N), and never back, so no word comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(pub(crate) u64);

/// What a slot's word says of a position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It may be written.
    Free,
    /// A message is in it.
    Full,
    /// Its producer died before it published: there is no message at this position.
    Tomb,
    /// The slot is still at an earlier position.
    Before,
    /// The slot is at a later position already.
    After,
}

impl Word {
    const STATE: u64 = 0b11;
    const FULL: u64 = 0b01;
    const TOMB: u64 = 0b10;
    const ATTEMPT: u64 = 1 << 2;
    const ATTEMPTS: u64 = 0b1111_1100;

    #[inline(always)]
    pub(super) const fn free(lap: u64) -> Self {
        Self(lap << POSITION_SHIFT)
    }

    #[inline(always)]
    pub(super) const fn full(lap: u64) -> Self {
        Self(lap << POSITION_SHIFT | Self::FULL)
    }

    pub(super) const fn tomb(lap: u64) -> Self {
        Self(lap << POSITION_SHIFT | Self::TOMB)
    }

    #[inline(always)]
    pub(crate) fn lap(self) -> u64 {
        self.0 >> POSITION_SHIFT
    }

    /// What it says of the position of this slot in this lap.
    #[inline(always)]
    pub(crate) fn at(self, lap: u64) -> State {
        match self.lap() {
            mine if mine < lap => State::Before,
            mine if mine > lap => State::After,
            _ => match self.0 & Self::STATE {
                0 => State::Free,
                Self::FULL => State::Full,
                _ => State::Tomb,
            },
        }
    }

    /// How often the message has been taken over from a dead consumer.
    #[inline(always)]
    pub(crate) fn attempts(self) -> u64 {
        (self.0 & Self::ATTEMPTS) / Self::ATTEMPT
    }

    /// The word after one more taking over; `None` when it cannot count further.
    pub(super) fn taken_over(self) -> Option<Self> {
        (self.0 & Self::ATTEMPTS != Self::ATTEMPTS).then(|| Self(self.0 + Self::ATTEMPT))
    }
}

/// Consecutive positions, as a record announces them: `first << 8 | count`. 0: none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Claim(pub(crate) u64);

impl Claim {
    pub(crate) const NONE: Self = Self(0);
    /// The most positions that one claim can have.
    pub(super) const MOST: usize = 255;

    #[inline(always)]
    pub(super) const fn of(first: u64, count: usize) -> Self {
        Self(first << POSITION_SHIFT | count as u64)
    }

    pub(crate) fn positions(self) -> core::ops::Range<u64> {
        let first = self.0 >> POSITION_SHIFT;
        first..first + (self.0 & 0xff)
    }

    pub(super) fn covers(self, position: u64) -> bool {
        self.positions().contains(&position)
    }
}

/// Who a record or a hand belongs to: a member in one of its lives.
///
/// ```text
///  63            32 31      24 23             8 7       0
/// +----------------+----------+----------------+---------+
/// |   generation   |    0     |     member     |  state  |
/// +----------------+----------+----------------+---------+
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner(pub(crate) u64);

impl Owner {
    /// Nobody's, and empty.
    pub(crate) const FREE: Self = Self(0);
    const STATE: u64 = 0xff;
    const LEASED: u64 = 1;
    const ORPHANED: u64 = 2;

    /// A member in the life of this generation.
    pub(crate) const fn leased(member: usize, generation: u32) -> Self {
        Self((generation as u64) << 32 | (member as u64 & 0xffff) << 8 | Self::LEASED)
    }

    /// The same, gone: what is left is for whoever finds it.
    pub(crate) fn orphaned(self) -> Self {
        Self(self.0 & !Self::STATE | Self::ORPHANED)
    }

    pub(crate) fn is_leased(self) -> bool {
        self.0 & Self::STATE == Self::LEASED
    }

    pub(crate) fn is_orphaned(self) -> bool {
        self.0 & Self::STATE == Self::ORPHANED
    }

    pub(crate) fn member(self) -> usize {
        (self.0 >> 8 & 0xffff) as usize
    }

    pub(crate) fn generation(self) -> u32 {
        (self.0 >> 32) as u32
    }
}

/// What is in a hand: `position << 8 | deliveries`. 0: nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Held(pub(crate) u64);

impl Held {
    pub(crate) const NONE: Self = Self(0);

    /// A message that is being delivered for the `delivery`-th time; from 255 on it counts no further.
    pub(super) fn of(position: u64, delivery: u32) -> Self {
        Self(position << POSITION_SHIFT | u64::from(delivery.clamp(1, 255)))
    }

    pub(crate) fn position(self) -> u64 {
        self.0 >> POSITION_SHIFT
    }

    pub(crate) fn delivery(self) -> u32 {
        (self.0 & 0xff) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fault 70.
    #[test]
    fn a_slot_never_shows_the_same_word_twice() {
        for capacity in [1, 2, 3, 7] {
            let mut seen = std::collections::BTreeSet::new();
            for lap in (0..5).map(|n| n * capacity) {
                for word in [Word::free(lap), Word::full(lap), Word::tomb(lap)] {
                    assert!(seen.insert(word.0), "capacity {capacity} lap {lap}");
                    assert_eq!((word.lap(), word.attempts()), (lap, 0));
                }
                assert_eq!(Word::free(lap).at(lap), State::Free);
                assert_eq!(Word::full(lap).at(lap), State::Full);
                assert_eq!(Word::tomb(lap).at(lap), State::Tomb);
                assert_eq!(Word::full(lap).at(lap + capacity), State::Before);
                assert_eq!(Word::free(lap + capacity).at(lap), State::After);
            }
        }
    }

    #[test]
    fn attempts_never_run_into_the_state_or_the_lap() {
        let mut word = Word::full(12);
        for attempts in 0..63 {
            assert_eq!((word.at(12), word.attempts(), word.lap()), (State::Full, attempts, 12));
            word = word.taken_over().unwrap();
        }
        assert_eq!((word.taken_over(), word.at(12)), (None, State::Full));
    }

    #[test]
    fn a_claim_covers_its_positions_and_none_covers_nothing() {
        assert!(!Claim::NONE.covers(0));
        let claim = Claim::of(1 << 50, 3);
        let covered: Vec<_> = ((1 << 50) - 2..(1 << 50) + 6).filter(|&p| claim.covers(p)).collect();
        assert_eq!(covered, [1 << 50, (1 << 50) + 1, (1 << 50) + 2]);
        assert_eq!(Claim::of(0, Claim::MOST).positions(), 0..255);
    }

    #[test]
    fn an_owner_keeps_its_member_and_its_life() {
        let owner = Owner::leased(4095, u32::MAX);
        assert!(owner.is_leased() && !owner.is_orphaned() && owner != Owner::FREE);
        assert_eq!((owner.member(), owner.generation()), (4095, u32::MAX));
        let orphan = owner.orphaned();
        assert!(orphan.is_orphaned() && !orphan.is_leased());
        assert_eq!((orphan.member(), orphan.generation()), (4095, u32::MAX));
        assert_eq!((Held::of(9, 1000).position(), Held::of(9, 1000).delivery()), (9, 255));
    }
}
