//! From a name and options to a seat at a segment.

#[cfg(not(loom))]
use super::cords;
use super::end::bits;
#[cfg(not(loom))]
use super::end::{dorm, waker};
use super::error::OpenError;
use super::options::{Backing, CAPACITY, Options, STREAM_FRAME, stream_capacity};
use crate::layout::dormitory::DormTable;
use crate::layout::error::{FormatError, Kind, TypeId};
use crate::layout::geometry::{FRAMES_OFFSET, Geometry, Placement, Shape};
use crate::layout::header::{HEADER_BYTES, Header};
use crate::layout::lifetime::Lifetime;
use crate::layout::overlay::Control;
use crate::membership::role::Role;
use crate::membership::seat::{Hold, Seat};
use crate::sys::fork::{Mark, WipedWord};
#[cfg(not(loom))]
use crate::{
    layout::{dormitory::fresh, geometry::PAGE, status::Status},
    membership::{liveness::Life, seat},
    memory::{
        Region,
        cords::Cords,
        error::SegmentError,
        heap, name,
        segment::{self, Attachment, Draft},
        view::View,
    },
    sync::{
        Arc,
        Ordering::Relaxed,
        edge::{CLOSED, STATUS},
    },
    sys::{file, file::Identity, patience::Patience, posix, random},
    wait::{
        bell::{Ringer, Sleeps},
        deadline::Deadline,
    },
};
#[cfg(not(loom))]
use std::io;
#[cfg(not(loom))]
use std::os::fd::BorrowedFd;
use std::time::Duration;

/// Whether a segment may, must or must not be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Create,
    Open,
    OpenOrCreate,
}

/// What is asked for: a kind, an end of it, a type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) kind: Kind,
    pub(crate) role: Role,
    pub(crate) size: usize,
    pub(crate) align: usize,
}

/// A seat, and what is needed to make a ring's end of it.
#[derive(Debug)]
pub(crate) struct Entered {
    pub(crate) seat: Seat,
    pub(crate) header: Header,
}

/// How long a role that is being left is waited for, whatever the options say.
const LEAVING: Duration = Duration::from_millis(100);
/// How long to try again when others create and remove the name at the same time. Each round somebody gets on, so this
/// is for a machine on which this process hardly runs.
#[cfg(not(loom))]
const RACING: Duration = Duration::from_secs(5);
/// However long that has taken, so often it is tried again: on a disk, making a segment may take longer than that by itself, and
/// who then finds that another was faster has only to go in.
#[cfg(not(loom))]
const RACES: u32 = 3;

/// The header of a segment that these options would create.
pub(crate) fn header(asked: Asked, options: &Options, instance: [u8; 16]) -> Result<Header, FormatError> {
    let (capacity, frame_bytes, placement) = match asked.kind {
        Kind::Spsc => (options.capacity.unwrap_or(CAPACITY), options.frame_bytes, options.placement),
        Kind::Bytes => {
            let capacity = options.capacity.unwrap_or_else(stream_capacity);
            // As a stream's; parts begin at multiples of 8.
            let frame = options.frame_bytes.unwrap_or(((capacity / 4).clamp(24, STREAM_FRAME)) / 8 * 8);
            (capacity, Some(frame), Some(options.placement.unwrap_or(Placement::Table)))
        }
        // A many-to-many channel has its own way in.
        Kind::Stream | Kind::Mpmc | Kind::ManyBytes => {
            let capacity = options.capacity.unwrap_or_else(stream_capacity);
            // At least four frames, so that one can be filled while another is emptied.
            let frame = options.frame_bytes.unwrap_or((capacity / 4).clamp(1, STREAM_FRAME));
            (capacity, Some(frame), Some(options.placement.unwrap_or(Placement::Table)))
        }
    };
    let message = TypeId { size: asked.size as u64, align: asked.align as u64, tag: options.type_tag };
    let geometry = Geometry::new(Shape {
        capacity: capacity as u64,
        size: message.size,
        align: message.align,
        placement,
        frame_bytes: frame_bytes.map(|bytes| bytes as u64),
        frames_offset: FRAMES_OFFSET,
        is_slotted: false,
    })?;
    if asked.kind == Kind::Bytes {
        geometry.must_hold_parts()?;
    }
    let geometry = geometry.with_dorms(DormTable::new(options.waiter.unwrap_or_default(), asked.kind, None))?;
    let lifetime = Lifetime::asked(options.persistent);
    Ok(Header { kind: asked.kind, lifetime, instance, boot: [0; 16], message, geometry, tables: None, system_v: None })
}

/// Of a channel that is made with both ends, and without a name.
#[cfg(not(loom))]
pub(crate) const NO_NAME_FOR_BOTH: &str =
    "both ends at once are made on the heap or in a memfd: other backings need a name";

/// The same.
pub(crate) const NEVER_PERSISTENT: &str = "a channel that is made with both ends cannot be persistent: it has no name";

/// The same, in a model.
#[cfg(loom)]
pub(crate) const NO_FILES: &str =
    "a model has no files, names or descriptors: its channels are made with both ends, on the heap";

/// Both seats of a channel in a memfd: each of them an attachment, as in two processes.
#[cfg(not(loom))]
fn pair_in_memfd(asked: Asked, options: &Options) -> Result<(Header, Control, [Seat; 2]), OpenError> {
    let first = enter(&Asked { role: Role::Sender, ..asked }, PAIR, How::Create, options)?;
    let there = options.clone().backing(Backing::Descriptor(Arc::new(first.seat.descriptor()?)));
    let second = enter(&Asked { role: Role::Receiver, ..asked }, PAIR, How::Open, &there)?;
    let control = first.seat.control().clone();
    Ok((first.header, control, [first.seat, second.seat]))
}

/// What `/proc` calls a memfd that was made without a name.
#[cfg(not(loom))]
pub(crate) const PAIR: &str = "pair";

/// Both seats of a channel inside this process.
pub(crate) fn pair(asked: Asked, options: &Options) -> Result<(Header, Control, [Seat; 2]), OpenError> {
    if options.persistent {
        return Err(OpenError::Options { rule: NEVER_PERSISTENT });
    }
    match &options.backing {
        None | Some(Backing::Heap) => {}
        #[cfg(not(loom))]
        Some(Backing::Memfd) => return pair_in_memfd(asked, options),
        #[cfg(loom)]
        Some(_) => return Err(OpenError::Options { rule: NO_FILES }),
        #[cfg(not(loom))]
        Some(_) => return Err(OpenError::Options { rule: NO_NAME_FOR_BOTH }),
    }
    let header = header(asked, options, instance()?)?;
    let (to_send, to_receive) = (known()?, known()?);
    let control = in_process(&header, options)?;
    let bits = bits(options.wait);
    let seat = |role, known| Seat::join(control.clone(), role, Hold::Process, known, bits);
    let seats = [seat(Role::Sender, to_send), seat(Role::Receiver, to_receive)];
    Ok((header, control, seats))
}

/// A word for a seat to know its peer by.
pub(crate) fn known() -> Result<WipedWord, OpenError> {
    Mark::of_this_process().and_then(WipedWord::new).map_err(|source| trouble("marking", source))
}

/// In a model instances are told apart, and nothing is random.
#[cfg(loom)]
pub(crate) fn instance() -> Result<[u8; 16], OpenError> {
    use crate::sync::private::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: the number is all.
    Ok(u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).to_ne_bytes())
}

#[cfg(loom)]
fn in_process(_header: &Header, _options: &Options) -> Result<Control, OpenError> {
    Ok(Control::modelled())
}

#[cfg(loom)]
pub(crate) fn trouble(_doing: &'static str, _source: std::io::Error) -> OpenError {
    OpenError::Options { rule: NO_FILES }
}

/// In a model there are no files: channels there are made by `channel()`.
#[cfg(loom)]
pub(crate) fn enter(_asked: Asked, _name: &str, _how: How, _options: &Options) -> Result<Entered, OpenError> {
    let _ = HEADER_BYTES;
    Err(OpenError::Options { rule: NO_FILES })
}

#[cfg(not(loom))]
pub(crate) fn trouble(doing: &'static str, source: std::io::Error) -> OpenError {
    SegmentError::Io { doing, path: "/proc/self".into(), source }.into()
}

#[cfg(not(loom))]
pub(crate) fn instance() -> Result<[u8; 16], OpenError> {
    random::bits128().map_err(|source| trouble("getting random bytes in", source))
}

#[cfg(not(loom))]
fn in_process(header: &Header, options: &Options) -> Result<Control, OpenError> {
    let cords = cords::within(header)?;
    control(on_the_heap(header, options)?, header, cords.as_ref())
}

/// Room for a whole segment inside this process.
#[cfg(not(loom))]
pub(crate) fn on_the_heap(header: &Header, options: &Options) -> Result<Region, OpenError> {
    let asked = header.geometry.total;
    if !options.pages.is_plain() {
        // Pages of its own: what is done with them ends with them.
        let len = usize::try_from(asked).map_err(|_| SegmentError::OutOfMemory { asked })?;
        let mapping = options.pages.anonymous(len)?;
        if let Some(dorms) = dormitories(header) {
            mapping.put(header.geometry.dorms_offset() as usize, &dorms);
        }
        return Ok(Region::Mapped(mapping));
    }
    let block = usize::try_from(asked).ok().and_then(heap::Block::new);
    let mut block = block.ok_or(SegmentError::OutOfMemory { asked })?;
    if let Some(dorms) = dormitories(header) {
        block.fill(header.geometry.dorms_offset() as usize, &dorms);
    }
    Ok(Region::Heap(block))
}

/// The bytes of a new segment's dormitories, if it has any.
#[cfg(not(loom))]
fn dormitories(header: &Header) -> Option<Vec<u8>> {
    let words = fresh(&header.geometry.dorms?, posix::new_mutex(), posix::new_semaphore());
    Some(words.into_iter().flat_map(u64::to_ne_bytes).collect())
}

/// The control pages of a region that holds the segment of this header.
#[cfg(not(loom))]
pub(crate) fn control(region: Region, header: &Header, cords: Option<&Cords>) -> Result<Control, OpenError> {
    // A region shorter than its geometry is a file that was cut between two looks.
    Ok(Control::new(Arc::new(region), &header.geometry, cords).ok_or(FormatError::NotASegment)?)
}

/// Reads and validates the header of an open file; believes nothing else of it.
#[cfg(not(loom))]
pub(crate) fn read_header(file: BorrowedFd<'_>, seen: &Identity) -> Result<Header, OpenError> {
    let mut page = vec![0; HEADER_BYTES];
    let got = file::read_at(file, &mut page, 0).map_err(|source| trouble("reading a segment in", source))?;
    page.truncate(got);
    // In huge pages the file ends behind the segment.
    let claimed = Header::claimed_bytes(&page);
    let whole = claimed.and_then(|claimed| file::whole_len(file, claimed).ok());
    let len = if whole == Some(seen.len) { claimed.unwrap_or(seen.len) } else { seen.len };
    Ok(Header::decode(&page, len)?)
}

/// How a kind of channel makes its segment, and takes its place there.
#[cfg(not(loom))]
pub(crate) trait Way {
    /// What is there once the place is taken.
    type Seated;

    /// The header of a segment that these options would create.
    fn header(&self, options: &Options, instance: [u8; 16]) -> Result<Header, FormatError>;

    /// Locks the creator's place, before anybody else can see the segment.
    fn lock(&self, life: BorrowedFd<'_>) -> io::Result<()>;

    /// Whether it is a stream.
    fn is_stream(&self) -> bool {
        false
    }

    /// Takes the place, which the creator has locked already. On failure it leaves the segment.
    fn sit(&self, entrance: Entrance<'_>) -> Result<Self::Seated, Refused>;
}

/// A segment that somebody has come to.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Entrance<'a> {
    pub(crate) attachment: Attachment,
    pub(crate) header: Header,
    pub(crate) options: &'a Options,
    pub(crate) known: WipedWord,
    /// Whether it is whoever made the segment.
    pub(crate) is_creator: bool,
}

/// Takes a place at the segment under the name.
///
/// Tries again, until the options' deadline, what may be different in a moment: a name that is not there yet, a role
/// whose holder is being torn down, a stream that is over and not yet left.
#[cfg(not(loom))]
pub(crate) fn enter<W: Way>(way: &W, name: &str, how: How, options: &Options) -> Result<W::Seated, OpenError> {
    if options.persistent && way.is_stream() {
        return Err(OpenError::Options { rule: "a stream cannot be persistent: its segment carries one stream" });
    }
    let place = options.place(name, how)?;
    let deadline = Deadline::after(options.open_timeout);
    let leaving = Deadline::after(options.open_timeout.max(LEAVING));
    let racing = Deadline::after(options.open_timeout.max(RACING));
    let mut patience = Patience::default();
    let mut races = 0;
    loop {
        let refused = match try_enter(way, &place, how, options) {
            Ok(entered) => return Ok(entered),
            Err(refused) => refused,
        };
        let is_over = match refused {
            Refused::Later(_) => deadline.is_over(),
            Refused::Leaving(_) => leaving.is_over(),
            Refused::Raced(_) => {
                races += 1;
                races > RACES && racing.is_over()
            }
            Refused::Never(_) => true,
        };
        if is_over {
            return Err(refused.into_error());
        }
        patience.wait();
    }
}

/// Why there is no place now.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) enum Refused {
    /// It may come to be.
    Later(OpenError),
    /// Somebody is on their way out.
    Leaving(OpenError),
    /// Somebody else created or removed it meanwhile.
    Raced(OpenError),
    /// It will not change by waiting.
    Never(OpenError),
}

#[cfg(not(loom))]
impl Refused {
    fn into_error(self) -> OpenError {
        match self {
            Self::Later(error) | Self::Leaving(error) | Self::Raced(error) | Self::Never(error) => error,
        }
    }
}

#[cfg(not(loom))]
impl<E: Into<OpenError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self::Never(error.into())
    }
}

#[cfg(not(loom))]
fn try_enter<W: Way>(way: &W, place: &name::Place, how: How, options: &Options) -> Result<W::Seated, Refused> {
    let known = known()?;
    let opened = segment::open(place, |file, seen| {
        let header = read_header(file, seen)?;
        Ok::<_, OpenError>((header, header.estate()))
    });
    match opened {
        Ok((attachment, header)) if how == How::Create => {
            let _ = header;
            let path = place.path.clone();
            attachment.leave();
            Err(Refused::Later(SegmentError::AlreadyExists { path }.into()))
        }
        Ok((attachment, header)) => way.sit(Entrance { attachment, header, options, known, is_creator: false }),
        Err(error) if error.is_not_found() && how == How::Open => Err(Refused::Later(error)),
        Err(error) if error.is_not_found() => create(way, place, options, known),
        Err(error) => Err(Refused::Never(error)),
    }
}

/// Makes the segment and takes the place that was asked for before anybody else can see it.
#[cfg(not(loom))]
fn create<W: Way>(way: &W, place: &name::Place, options: &Options, known: WipedWord) -> Result<W::Seated, Refused> {
    let header = Header { boot: options.boot()?, ..way.header(options, instance()?)? };
    cords::must_be_possible(header.waiter(), place)?;
    let dorms = dormitories(&header);
    let draft = |system_v| {
        let header = Header { system_v, ..header };
        let dorms = dorms.iter().map(|dorms| (header.geometry.dorms_offset(), dorms.clone()));
        Draft { written: [(0, header.encode())].into_iter().chain(dorms).collect(), estate: header.estate() }
    };
    segment::sweep(place, |file, seen| Ok::<_, OpenError>(read_header(file, seen)?.estate()));
    let len = header.geometry.total;
    let attachment =
        segment::create(place, options.mode, len, draft, |life| way.lock(life)).map_err(|error| match error {
            SegmentError::AlreadyExists { .. } => Refused::Raced(error.into()),
            _ => Refused::Never(error.into()),
        })?;
    let header = Header { system_v: attachment.system_v(), ..header };
    way.sit(Entrance { attachment, header, options, known, is_creator: true })
}

/// Leaves a segment at which no place could be taken. It has its name by now, which nobody else may take away.
#[cfg(not(loom))]
pub(crate) fn go_away(attachment: Attachment, header: &Header, is_creator: bool) {
    if is_creator {
        attachment.abandon(|segment| is_untouched(segment, header));
    } else {
        attachment.leave();
    }
}

/// Whether nobody has ever been here: what lies between the header and the frames is as it was created.
#[cfg(not(loom))]
pub(super) fn is_untouched(segment: View<'_>, header: &Header) -> bool {
    let mut bytes = vec![1; (header.geometry.frames_offset - PAGE) as usize];
    segment.read_at(&mut bytes, PAGE).is_ok() && bytes.iter().all(|byte| *byte == 0)
}

/// The whole segment, mapped.
#[cfg(not(loom))]
pub(crate) fn map(attachment: &Attachment) -> Result<Region, Refused> {
    attachment.map().map_err(|error| match error {
        SegmentError::NotFound { .. } | SegmentError::Removed { .. } => Refused::Raced(error.into()),
        _ => Refused::Never(error.into()),
    })
}

/// The control pages of a segment's file.
#[cfg(not(loom))]
fn view(attachment: &Attachment, header: &Header) -> Result<Control, Refused> {
    let cords = cords::between(attachment, header)?;
    Ok(control(map(attachment)?, header, cords.as_ref())?)
}

#[cfg(not(loom))]
impl Way for Asked {
    type Seated = Entered;

    fn header(&self, options: &Options, instance: [u8; 16]) -> Result<Header, FormatError> {
        header(*self, options, instance)
    }

    fn lock(&self, life: BorrowedFd<'_>) -> io::Result<()> {
        seat::lock(life, self.role).map(drop)
    }

    fn is_stream(&self) -> bool {
        self.kind == Kind::Stream
    }

    fn sit(&self, entrance: Entrance<'_>) -> Result<Entered, Refused> {
        let Entrance { attachment, header, options, known, is_creator } = entrance;
        let control =
            if is_creator { view(&attachment, &header) } else { try_join(*self, &attachment, &header, options) };
        match control {
            Ok(control) => {
                let seat = Seat::join(control, self.role, Hold::File(attachment), known, bits(options.wait));
                Ok(Entered { seat, header })
            }
            Err(refused) => {
                go_away(attachment, &header, is_creator);
                Err(refused)
            }
        }
    }
}

/// Everything of joining that can fail; at its end the role's byte is locked.
#[cfg(not(loom))]
fn try_join(asked: Asked, attachment: &Attachment, header: &Header, options: &Options) -> Result<Control, Refused> {
    agree(asked.kind, (asked.size, asked.align), header, options)?;
    let control = view(attachment, header)?;
    let lines = asked.role.lines(&control);
    let locked = seat::lock(attachment.life()?, asked.role).map_err(|source| trouble("locking a role in", source))?;
    let status = Status(lines.presence.status.load(STATUS.acquire()));
    if !locked {
        let pid = lines.member.pid.load(Relaxed); // relaxed: for people
        let error = OpenError::RoleTaken { role: asked.role, pid };
        return Err(if status.has(Status::LEFT) { Refused::Leaving(error) } else { Refused::Later(error) });
    }
    if asked.kind == Kind::Stream && is_spent(asked.role, attachment, &control, status)? {
        break_off(asked.role, &control, status);
        return Err(Refused::Later(OpenError::Spent));
    }
    Ok(control)
}

/// Whether the segment is what was asked for.
#[cfg(not(loom))]
pub(crate) fn agree(
    kind: Kind,
    (size, align): (usize, usize),
    header: &Header,
    options: &Options,
) -> Result<(), FormatError> {
    if header.kind != kind {
        return Err(FormatError::Kind { found: header.kind, asked: kind });
    }
    let message = TypeId { size: size as u64, align: align as u64, tag: options.type_tag };
    if header.message != message {
        return Err(FormatError::Type { found: header.message, asked: message });
    }
    if options.persistent && header.lifetime != Lifetime::Persistent {
        return Err(FormatError::NotPersistent);
    }
    if let Some(asked) = options.waiter.filter(|asked| *asked != header.waiter()) {
        return Err(FormatError::Waiter { found: header.waiter(), asked });
    }
    let is_system_v = header.system_v.is_some();
    if options.backing.as_ref().is_some_and(|asked| matches!(asked, Backing::SystemV) != is_system_v) {
        return Err(FormatError::Backing { is_system_v });
    }
    match options.capacity {
        Some(capacity) if capacity as u64 != header.geometry.capacity => {
            Err(FormatError::Capacity { found: header.geometry.capacity, asked: capacity as u64 })
        }
        _ => Ok(()),
    }
}

/// Whether a stream's instance has had this role's holder already, or the other end will move no byte any more.
///
/// An instance of a stream carries one stream: each role has one holder in its life. So nobody can come in unnoticed in
/// place of somebody who died.
#[cfg(not(loom))]
fn is_spent(role: Role, attachment: &Attachment, control: &Control, own: Status) -> Result<bool, OpenError> {
    let peer = || Status(role.other().lines(control).presence.status.load(STATUS.acquire()));
    let seen = peer();
    let descriptor = attachment.life()?;
    let life = crate::membership::liveness::judge(descriptor, attachment.file(), role.other().byte(), seen, peer)
        .map_err(|source| trouble("asking for a lock in", source))?;
    let ended_well = control.producer().cursor.closed.load(CLOSED.acquire()) != 0;
    Ok(match life {
        _ if !own.is_new() => true,
        Life::Died => true,
        // A writer that closed its stream and left may have left bytes to read.
        Life::Left => !(role == Role::Receiver && ended_well),
        Life::Nobody | Life::Alive => false,
    })
}

/// Tells the survivor of a stream whose other end died that nobody will take that end over. The caller holds the dead
/// end's role and moves no byte.
#[cfg(not(loom))]
pub(super) fn break_off(role: Role, control: &Control, dead: Status) {
    if !dead.has(Status::PRESENT) || dead.has(Status::LEFT) {
        return;
    }
    let lines = role.lines(control);
    lines.presence.status.store(dead.succeeded(Status::LEFT | Status::BROKEN).0, STATUS.release());
    Ringer::take_over(waker(lines, role.other().lines(control), dorm(control, role)), Sleeps::BehindAFence);
}
