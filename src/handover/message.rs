//! The bytes of a hand-over: one HELLO each way, with a descriptor, and one VERDICT each way. See SPEC.md, *Handing over*.

use super::error::HandoverError;
use crate::layout::error::{FormatError, Kind, TypeId};
use crate::layout::geometry::PAGE;
use crate::layout::header::{self, Header};
use crate::membership::role::Role;

/// The version of the messages.
const VERSION: u32 = 1;
/// In the writer's byte order.
const ORDER_MARK: u32 = 0x0403_0201;

/// Where the fields of a HELLO are.
mod hello {
    pub(super) const MAGIC: usize = 0;
    pub(super) const VERSION: usize = 8;
    pub(super) const BYTES: usize = 12;
    pub(super) const ORDER_MARK: usize = 16;
    pub(super) const FORMAT: usize = 20;
    pub(super) const ROLE: usize = 24;
    pub(super) const KIND: usize = 28;
    pub(super) const TYPE_SIZE: usize = 32;
    pub(super) const TYPE_ALIGN: usize = 40;
    pub(super) const TYPE_TAG: usize = 48;
    pub(super) const CAPACITY: usize = 56;
    pub(super) const FRAME_BYTES: usize = 64;
    pub(super) const FILE_BYTES: usize = 72;
    pub(super) const INSTANCE: usize = 80;
    pub(super) const WAITER: usize = 96;
}

/// Bytes of a HELLO.
pub(super) const HELLO_BYTES: usize = 128;
const HELLO_MAGIC: [u8; 8] = *b"ringhand";

/// Bytes of a VERDICT.
pub(super) const VERDICT_BYTES: usize = 32;
const VERDICT_MAGIC: [u8; 8] = *b"ringsaid";

/// What one side says of itself, and of the file that it passes with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hello {
    pub(super) role: Role,
    pub(super) kind: Kind,
    pub(super) message: TypeId,
    /// The sender's; 0 of a receiver that takes any.
    pub(super) capacity: u64,
    /// The sender's; 0 of a receiver.
    pub(super) frame_bytes: u64,
    /// The length of the file.
    pub(super) file_bytes: u64,
    /// The sender's; zeroes of a receiver.
    pub(super) instance: [u8; 16],
}

impl Hello {
    /// Of a sender with this header.
    pub(super) fn of_sender(header: &Header) -> Self {
        Self {
            role: Role::Sender,
            kind: header.kind,
            message: header.message,
            capacity: header.geometry.capacity,
            frame_bytes: header.geometry.frame_bytes,
            file_bytes: header.geometry.total,
            instance: header.instance,
        }
    }

    /// Of a receiver that wants this.
    pub(super) fn of_receiver(kind: Kind, message: TypeId, capacity: Option<usize>) -> Self {
        let capacity = capacity.unwrap_or(0) as u64;
        Self { role: Role::Receiver, kind, message, capacity, frame_bytes: 0, file_bytes: PAGE, instance: [0; 16] }
    }

    pub(super) fn encode(&self) -> [u8; HELLO_BYTES] {
        let mut bytes = [0; HELLO_BYTES];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(hello::MAGIC, &HELLO_MAGIC);
        put(hello::VERSION, &VERSION.to_le_bytes());
        put(hello::BYTES, &(HELLO_BYTES as u32).to_le_bytes());
        put(hello::ORDER_MARK, &ORDER_MARK.to_ne_bytes());
        put(hello::FORMAT, &header::VERSION.to_le_bytes());
        put(hello::ROLE, &code(self.role).to_le_bytes());
        put(hello::KIND, &self.kind.code().to_le_bytes());
        put(hello::TYPE_SIZE, &self.message.size.to_le_bytes());
        put(hello::TYPE_ALIGN, &self.message.align.to_le_bytes());
        put(hello::TYPE_TAG, &self.message.tag.to_le_bytes());
        put(hello::CAPACITY, &self.capacity.to_le_bytes());
        put(hello::FRAME_BYTES, &self.frame_bytes.to_le_bytes());
        put(hello::FILE_BYTES, &self.file_bytes.to_le_bytes());
        put(hello::INSTANCE, &self.instance);
        put(hello::WAITER, &0_u32.to_le_bytes());
        bytes
    }

    /// What the bytes say; believes nothing but that they are so many.
    pub(super) fn decode(bytes: &[u8; HELLO_BYTES]) -> Result<Self, HandoverError> {
        let wrong = |what, found| Err(HandoverError::Protocol { what, found });
        let u32_at = |at: usize| u64::from(u32_in(bytes, at));
        let u64_at = |at: usize| u64_in(bytes, at);
        if bytes[..8] != HELLO_MAGIC {
            return wrong("magic", u64_at(hello::MAGIC));
        }
        for (what, at, must) in [
            ("version", hello::VERSION, VERSION),
            ("bytes", hello::BYTES, HELLO_BYTES as u32),
            ("order_mark", hello::ORDER_MARK, u32::from_le_bytes(ORDER_MARK.to_ne_bytes())),
            ("format", hello::FORMAT, header::VERSION),
            ("waiter", hello::WAITER, 0),
        ] {
            if u32_at(at) != u64::from(must) {
                return wrong(what, u32_at(at));
            }
        }
        let role = match u32_at(hello::ROLE) {
            1 => Role::Sender,
            2 => Role::Receiver,
            other => return wrong("role", other),
        };
        let kind = match Kind::from_code(u32_in(bytes, hello::KIND)) {
            Some(kind) if !kind.is_many() => kind,
            _ => return wrong("kind", u32_at(hello::KIND)),
        };
        let [size, align, tag] = [hello::TYPE_SIZE, hello::TYPE_ALIGN, hello::TYPE_TAG].map(u64_at);
        let mut instance = [0; 16];
        instance.copy_from_slice(&bytes[hello::INSTANCE..hello::INSTANCE + 16]);
        Ok(Self {
            role,
            kind,
            message: TypeId { size, align, tag },
            capacity: u64_at(hello::CAPACITY),
            frame_bytes: u64_at(hello::FRAME_BYTES),
            file_bytes: u64_at(hello::FILE_BYTES),
            instance,
        })
    }

    /// Whether this is the other half of `own`; `max`: the most bytes that are mapped.
    pub(super) fn must_suit(&self, own: &Self, max: u64) -> Result<(), HandoverError> {
        if self.role == own.role {
            return Err(HandoverError::SameRole(own.role));
        }
        if self.kind != own.kind {
            return Err(FormatError::Kind { found: self.kind, asked: own.kind }.into());
        }
        if self.message != own.message {
            return Err(FormatError::Type { found: self.message, asked: own.message }.into());
        }
        // Who receives may take any.
        if self.capacity != own.capacity && self.capacity.min(own.capacity) > 0 {
            return Err(FormatError::Capacity { found: self.capacity, asked: own.capacity }.into());
        }
        match self.role {
            Role::Sender if self.file_bytes > max => Err(HandoverError::TooLarge { bytes: self.file_bytes, max }),
            Role::Receiver if self.file_bytes != PAGE => {
                Err(HandoverError::Unfit { what: "a receiver's part is one page" })
            }
            _ => Ok(()),
        }
    }
}

fn code(role: Role) -> u32 {
    match role {
        Role::Sender => 1,
        Role::Receiver => 2,
    }
}

/// The numbers of a VERDICT, and what they tell people.
const REASONS: [&str; 8] = [
    "it has joined",
    "for a reason that it did not tell",
    "it wants the same end",
    "it was asked for another kind of channel",
    "its messages are of another type",
    "it insists on another capacity",
    "the segment is larger than it allows",
    "it found the file unfit",
];

/// What a side says of its part, when it has the other's: 0 it has joined, else why not.
pub(super) fn verdict(joined: Result<(), &HandoverError>) -> [u8; VERDICT_BYTES] {
    let code: u32 = match joined {
        Ok(()) => 0,
        Err(HandoverError::SameRole(_)) => 2,
        Err(HandoverError::Format(FormatError::Kind { .. })) => 3,
        Err(HandoverError::Format(FormatError::Type { .. })) => 4,
        Err(HandoverError::Format(FormatError::Capacity { .. })) => 5,
        Err(HandoverError::TooLarge { .. }) => 6,
        Err(HandoverError::Unfit { .. } | HandoverError::Format(_)) => 7,
        Err(_) => 1,
    };
    let mut bytes = [0; VERDICT_BYTES];
    bytes[..8].copy_from_slice(&VERDICT_MAGIC);
    bytes[8..12].copy_from_slice(&code.to_le_bytes());
    bytes
}

/// What a verdict says: `Ok(None)` the other side has joined, `Ok(Some)` why not.
pub(super) fn read_verdict(bytes: &[u8; VERDICT_BYTES]) -> Result<Option<&'static str>, HandoverError> {
    if bytes[..8] != VERDICT_MAGIC {
        return Err(HandoverError::Protocol { what: "magic", found: u64_in(bytes, 0) });
    }
    let code = u32_in(bytes, 8);
    let why = REASONS.get(code as usize).copied().unwrap_or(REASONS[1]);
    Ok((code != 0).then_some(why))
}

fn u32_in(bytes: &[u8], at: usize) -> u32 {
    bytes[at..at + 4].iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn u64_in(bytes: &[u8], at: usize) -> u64 {
    bytes[at..at + 8].iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Hello {
        Hello {
            role: Role::Sender,
            kind: Kind::Bytes,
            message: TypeId { size: 1, align: 1, tag: 7 },
            capacity: 4096,
            frame_bytes: 1024,
            file_bytes: 20480,
            instance: *b"sixteen bytes ..",
        }
    }

    #[test]
    fn a_hello_comes_as_it_went() {
        let receiver = Hello::of_receiver(Kind::Spsc, TypeId { size: 8, align: 8, tag: 0 }, Some(3));
        for hello in [sample(), receiver] {
            assert_eq!(Hello::decode(&hello.encode()).unwrap(), hello);
        }
    }

    #[test]
    fn every_byte_of_the_front_matters() {
        let good = sample().encode();
        for at in 0..32 {
            let mut bytes = good;
            bytes[at] ^= 0x40;
            assert!(matches!(Hello::decode(&bytes), Err(HandoverError::Protocol { .. })), "byte {at}");
        }
        let mut bytes = good;
        bytes[hello::WAITER] = 1;
        assert!(matches!(Hello::decode(&bytes), Err(HandoverError::Protocol { what: "waiter", found: 1 })));
    }

    #[test]
    fn halves_that_do_not_suit_say_why() {
        let own = Hello::of_receiver(Kind::Bytes, TypeId { size: 1, align: 1, tag: 7 }, None);
        sample().must_suit(&own, 20480).unwrap();
        assert!(matches!(sample().must_suit(&own, 20479), Err(HandoverError::TooLarge { bytes: 20480, max: 20479 })));
        assert!(matches!(sample().must_suit(&sample(), u64::MAX), Err(HandoverError::SameRole(Role::Sender))));
        for other in
            [Hello { kind: Kind::Stream, ..own }, Hello { message: TypeId { size: 1, align: 1, tag: 8 }, ..own }]
        {
            assert!(matches!(sample().must_suit(&other, u64::MAX), Err(HandoverError::Format(_))));
        }
        assert!(sample().must_suit(&Hello { capacity: 4096, ..own }, u64::MAX).is_ok());
        assert!(sample().must_suit(&Hello { capacity: 4097, ..own }, u64::MAX).is_err());
        assert!(Hello { file_bytes: 8192, ..own }.must_suit(&sample(), u64::MAX).is_err());
    }

    #[test]
    fn a_verdict_says_what_was_wrong() {
        assert_eq!(read_verdict(&verdict(Ok(()))).unwrap(), None);
        let error = HandoverError::TooLarge { bytes: 2, max: 1 };
        assert_eq!(read_verdict(&verdict(Err(&error))).unwrap(), Some(REASONS[6]));
        let mut unknown = verdict(Ok(()));
        unknown[8] = 99;
        assert_eq!(read_verdict(&unknown).unwrap(), Some(REASONS[1]));
        assert!(read_verdict(&[0; VERDICT_BYTES]).is_err());
    }
}
