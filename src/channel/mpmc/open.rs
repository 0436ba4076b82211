//! From a name and options to an attachment of a many-to-many channel.

use super::core::Core;
#[cfg(not(loom))]
use crate::channel::cords;
use crate::channel::error::OpenError;
#[cfg(loom)]
use crate::channel::open::NO_FILES;
#[cfg(not(loom))]
use crate::channel::open::NO_NAME_FOR_BOTH;
#[cfg(not(loom))]
use crate::channel::open::{self, Entrance, Refused, Way, agree, on_the_heap, trouble};
use crate::channel::open::{How, NEVER_PERSISTENT, instance, known};
use crate::channel::options::{Backing, CAPACITY, Options};
use crate::layout::dormitory::DormTable;
use crate::layout::error::{FormatError, Kind, TypeId};
use crate::layout::geometry::{Geometry, Shape};
use crate::layout::header::Header;
use crate::layout::lifetime::Lifetime;
use crate::layout::many::Many;
#[cfg(not(loom))]
use crate::layout::status::Status;
use crate::layout::tables::Tables;
#[cfg(not(loom))]
use crate::membership::member;
use crate::membership::member::Member;
use crate::membership::seat::Hold;
#[cfg(not(loom))]
use crate::memory::cords::Cords;
use crate::ring::mpmc::Ring;
use crate::ring::payload::Payload;
#[cfg(not(loom))]
use std::marker::PhantomData;
use std::sync::Arc;

/// What a many-to-many segment is besides the type of its messages.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    /// Messages of one type.
    Typed,
    /// Parcels, and lanes for what does not fit into one.
    Bytes,
}

impl Form {
    fn kind(self) -> Kind {
        match self {
            Self::Typed => Kind::Mpmc,
            Self::Bytes => Kind::ManyBytes,
        }
    }

    /// These tables, with the lanes that the options ask for.
    fn complete(self, tables: Tables, options: &Options) -> Result<Tables, FormatError> {
        match self {
            Self::Typed => Ok(tables),
            Self::Bytes => Ok(tables.with_lanes(options.lane_table()?)),
        }
    }
}

/// The header of a segment of `T` that these options would create.
fn header<T>(form: Form, options: &Options, instance: [u8; 16]) -> Result<Header, FormatError> {
    let message = TypeId { size: size_of::<T>() as u64, align: align_of::<T>() as u64, tag: options.type_tag };
    let [members, records, hands] = [options.members, options.operations, options.in_hand].map(|n| n as u64);
    let tables = form.complete(Tables::new(members, records, hands, message.size, message.align)?, options)?;
    let geometry = Geometry::new(Shape {
        capacity: options.capacity.unwrap_or(CAPACITY) as u64,
        size: message.size,
        align: message.align,
        placement: options.placement,
        frame_bytes: options.frame_bytes.map(|bytes| bytes as u64),
        frames_offset: tables.slots_offset(),
        is_slotted: true,
    })?;
    let waiter = options.waiter.unwrap_or_default();
    let geometry = geometry.with_dorms(DormTable::new(waiter, form.kind(), Some(&tables)))?;
    let lifetime = Lifetime::asked(options.persistent);
    Ok(Header {
        kind: form.kind(),
        lifetime,
        instance,
        boot: [0; 16],
        message,
        geometry,
        tables: Some(tables),
        system_v: None,
    })
}

/// An attachment inside this process.
pub(crate) fn in_process<T: Payload>(form: Form, options: &Options) -> Result<Arc<Core<T>>, OpenError> {
    if options.persistent {
        return Err(OpenError::Options { rule: NEVER_PERSISTENT });
    }
    match &options.backing {
        None | Some(Backing::Heap) => {}
        #[cfg(not(loom))]
        Some(Backing::Memfd) => return enter(form, open::PAIR, How::Create, options),
        #[cfg(loom)]
        Some(_) => return Err(OpenError::Options { rule: NO_FILES }),
        #[cfg(not(loom))]
        Some(_) => return Err(OpenError::Options { rule: NO_NAME_FOR_BOTH }),
    }
    let header = header::<T>(form, options, instance()?)?;
    #[cfg(not(loom))]
    let many = {
        let cords = cords::within(&header)?;
        many(on_the_heap(&header, options)?, &header, cords.as_ref())?
    };
    #[cfg(loom)]
    let many = Many::modelled(&header.geometry, header.tables.ok_or(FormatError::NotASegment)?);
    let words = [known()?, known()?];
    let member = Member::join(&many, 0, Hold::Process, words[0].mark());
    Ok(Arc::new(Core::new(form, Ring::new(many), member, words, header.instance, options)))
}

/// The views of a segment's bytes.
#[cfg(not(loom))]
fn many<T>(region: crate::memory::Region, header: &Header, cords: Option<&Cords>) -> Result<Many<T>, OpenError> {
    let tables = header.tables.ok_or(FormatError::NotASegment)?;
    // A region shorter than its geometry is a file that was cut between two looks.
    Ok(Many::new(Arc::new(region), &header.geometry, tables, cords).ok_or(FormatError::NotASegment)?)
}

/// An attachment to the segment under the name.
#[cfg(not(loom))]
pub(crate) fn enter<T: Payload>(
    form: Form,
    name: &str,
    how: How,
    options: &Options,
) -> Result<Arc<Core<T>>, OpenError> {
    open::enter(&Joining { form, message: PhantomData }, name, how, options)
}

/// In a model there are no files: channels there are made by `channel()`.
#[cfg(loom)]
pub(crate) fn enter<T: Payload>(
    _form: Form,
    _name: &str,
    _how: How,
    _options: &Options,
) -> Result<Arc<Core<T>>, OpenError> {
    Err(OpenError::Options { rule: NO_FILES })
}

/// Coming to a many-to-many channel of `T`.
#[cfg(not(loom))]
struct Joining<T> {
    form: Form,
    message: PhantomData<T>,
}

#[cfg(not(loom))]
impl<T: Payload> Way for Joining<T> {
    type Seated = Arc<Core<T>>;

    fn header(&self, options: &Options, instance: [u8; 16]) -> Result<Header, FormatError> {
        header::<T>(self.form, options, instance)
    }

    fn lock(&self, life: std::os::fd::BorrowedFd<'_>) -> std::io::Result<()> {
        member::lock(life, 0).map(drop)
    }

    fn sit(&self, entrance: Entrance<'_>) -> Result<Arc<Core<T>>, Refused> {
        let Entrance { attachment, header, options, known: sendable, is_creator } = entrance;
        let words = known().map_err(Refused::Never).map(|receivable| [sendable, receivable]);
        let found =
            words.and_then(|words| Ok((words, find_place(self.form, &attachment, &header, options, is_creator)?)));
        match found {
            Ok((words, (many, index))) => {
                Ok(sit_down(self.form, many, index, Hold::File(attachment), words, &header, options))
            }
            Err(refused) => {
                open::go_away(attachment, &header, is_creator);
                Err(refused)
            }
        }
    }
}

/// Everything of joining that can fail; at its end the byte of that member is locked.
#[cfg(not(loom))]
fn find_place<T: Payload>(
    form: Form,
    attachment: &crate::memory::segment::Attachment,
    header: &Header,
    options: &Options,
    is_creator: bool,
) -> Result<(Many<T>, usize), Refused> {
    agree(form.kind(), (size_of::<T>(), align_of::<T>()), header, options)?;
    let cords = cords::between(attachment, header)?;
    let many = many(open::map(attachment)?, header, cords.as_ref())?;
    if is_creator {
        return Ok((many, 0));
    }
    let found = member::lock_any(&many, attachment.life()?).map_err(|source| trouble("locking a member in", source))?;
    match found {
        Some(index) => Ok((many, index)),
        None => Err(Refused::Later(OpenError::TooManyMembers { most: many.tables.members })),
    }
}

/// Takes the place whose byte is locked, and marks what a dead predecessor left there.
#[cfg(not(loom))]
fn sit_down<T: Payload>(
    form: Form,
    many: Many<T>,
    index: usize,
    hold: Hold,
    words: [crate::sys::fork::WipedWord; 2],
    header: &Header,
    options: &Options,
) -> Arc<Core<T>> {
    let before = member::status(&many, index);
    let ring = Ring::new(many);
    if before.has(Status::PRESENT) && !before.has(Status::LEFT) {
        super::core::bury(&ring, index, before);
    }
    let member = Member::join(ring.many(), index, hold, words[0].mark());
    Arc::new(Core::new(form, ring, member, words, header.instance, options))
}
