//! Looking at a file field by field, and what can be said of each value.
//!
//! A live segment changes while it is looked at, and correct peers must never look wrong. So what is compared is read in
//! an order in which time can only make it more right: `credit` before `head`, `tail` and `closed` before the words, and
//! `head` once more behind them.

use super::inspection::{Field, Inspection, Lock, Page, Region, Word, Words};
use super::{inspect_many, read};
use crate::channel::error::OpenError;
use crate::layout::diagnosis;
use crate::layout::error::{FormatError, Kind};
use crate::layout::fields::{self, Base, FIELDS, Writer};
use crate::layout::geometry::{Geometry, PAGE, Placement};
use crate::layout::header::{HEADER_BYTES, Header, REGION_BYTES, REGIONS_MAX, RegionKind, at};
use crate::layout::lifetime::Lifetime;
use crate::layout::status::Status;
use crate::membership::role::Role;
use crate::memory::error::SegmentError;
use crate::memory::name::Place;
use crate::memory::segment::{GATE, observe, observe_twin};
use crate::memory::view::View;
use crate::sys::byte_lock::{self, Byte};
use crate::sys::process;
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

/// Positions have so many bits.
const POSITION_BITS: u32 = 56;

/// The file at this place, with at most so many words of frames, or slots, one by one.
pub(super) fn inspect(name: &str, place: &Place, words: usize) -> Result<Inspection, OpenError> {
    let failed = |source| SegmentError::Io { doing: "reading", path: place.path.clone(), source };
    let (file, seen) = observe(place)?;
    let page = bytes(View::new(file.as_fd(), None), 0, HEADER_BYTES).map_err(failed)?;
    let (errors, header) = diagnosis::diagnose(&page, seen.len);
    let estate = header.map(|header| header.estate());
    let twin = estate.as_ref().map_or(Ok(None), |estate| observe_twin(place, (file.as_fd(), &seen), estate));
    let attached = twin.as_ref().ok().and_then(Option::as_ref);
    let view = View::new(file.as_fd(), attached);
    let file_bytes = attached.map_or(seen.len, |attached| attached.len() as u64);
    let code = page.get(at::KIND..at::KIND + 4).and_then(|code| Some(u32::from_le_bytes(code.try_into().ok()?)));
    let is_many = code.and_then(Kind::from_code).is_some_and(Kind::is_many);
    let roles =
        [(GATE, "gate"), (Byte(1), "repairs"), (Role::Sender.byte(), "producer"), (Role::Receiver.byte(), "consumer")];
    let mut inspection = Inspection {
        name: name.to_owned(),
        path: place.path.clone(),
        file_bytes,
        fields: fields(view, is_many).map_err(failed)?,
        regions: Vec::new(),
        locks: if is_many { Vec::new() } else { locks(view, &roles).map_err(failed)? },
        words: None,
        slots: None,
        problems: twin.as_ref().err().map(ToString::to_string).into_iter().collect(),
    };
    inspection.blame(&errors);
    let kind = header.map(|header| header.kind);
    match header {
        None => {}
        Some(Header { geometry, tables: Some(tables), .. }) => {
            inspect_many::look(view, &geometry, &tables, &mut inspection, words).map_err(failed)?;
        }
        Some(header) => inspection.words = Some(look(view, &header, &mut inspection, words).map_err(failed)?),
    }
    inspection.regions = inspection.entries();
    inspection.explain(kind);
    Ok(inspection)
}

/// Bytes from there; fewer at the end of the file.
pub(super) fn bytes(view: View<'_>, at: u64, len: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    let got = view.read_at(&mut bytes, at)?;
    bytes.truncate(got);
    Ok(bytes)
}

/// The table with the values. The last line of a page first: `credit` is read before `head`.
fn fields(view: View<'_>, is_many: bool) -> io::Result<Vec<Field>> {
    let mut fields = Vec::with_capacity(FIELDS.len());
    for told in FIELDS.iter().rev() {
        let page = match told.base {
            Base::Segment => Page::Header,
            Base::Producer if !is_many => Page::Producer,
            Base::Consumer if !is_many => Page::Consumer,
            Base::Shared if is_many => Page::Shared,
            _ => continue,
        };
        let Some(start) = told.base.page() else { continue };
        fields.push(field(told, page, start, bytes(view, start + told.offset as u64, told.bytes)?));
    }
    fields.reverse();
    Ok(fields)
}

/// A field of the table, with what lies there.
pub(super) fn field(told: &fields::Field, page: Page, start: u64, raw: Vec<u8>) -> Field {
    let writer = match told.writer {
        Writer::Creator => "creator",
        Writer::Producer => "producer",
        Writer::Consumer => "consumer",
        Writer::All => "all",
        Writer::Member => "member",
        Writer::Lessee => "lessee",
        Writer::Writing => "writer",
        Writer::Reading => "reader",
    };
    Field {
        page,
        start,
        name: told.name,
        offset: told.offset as u64,
        bytes: told.bytes as u64,
        writer,
        meaning: told.meaning,
        raw,
        text: None,
        problem: None,
    }
}

/// Who holds these.
pub(super) fn locks(view: View<'_>, named: &[(Byte, &str)]) -> io::Result<Vec<Lock>> {
    let ask = |&(byte, name): &(Byte, &str)| {
        Ok(Lock { byte: byte.0, name: name.to_owned(), is_held: byte_lock::is_held_by_another(view.file(), byte)? })
    };
    named.iter().map(ask).collect()
}

/// What the words tell, and what of the two pages cannot be beside them.
fn look(view: View<'_>, header: &Header, seen: &mut Inspection, list: usize) -> io::Result<Words> {
    let ring = &header.geometry;
    let head_now = || read::word(view, Base::Consumer, "head");
    let first = seen.position(Page::Consumer, "head");
    let tail = read::tail(view, ring, seen.position(Page::Producer, "tail").max(first))?;
    let frame = tail / ring.per;
    let at = read::word_offset(ring, frame % ring.frames);
    let beyond = read::u64_at(view, at)?;
    let head = head_now()?;
    seen.compare(header.kind, ring, tail, head);
    // Beyond the frame's end it is nonsense, or a lap has been done meanwhile; then the tail is another.
    let end = frame.saturating_add(1).saturating_mul(ring.per);
    if beyond > end && read::tail(view, ring, read::word(view, Base::Producer, "tail")?.max(head_now()?))? == tail {
        seen.problems.push(format!("the word at {at} is beyond its frame's end: {beyond}, and the end is {end}"));
    }
    let mut words = Words { capacity: ring.capacity, per: ring.per, frames: ring.frames, head, tail, list: Vec::new() };
    for frame in 0..ring.frames.min(list as u64) {
        let at = read::word_offset(ring, frame);
        if at + 8 > seen.file_bytes {
            break;
        }
        words.list.push(word(ring, frame, at, read::u64_at(view, at)?, head));
    }
    Ok(words)
}

fn word(ring: &Geometry, frame: u64, at: u64, value: u64, head: u64) -> Word {
    let lap = value.saturating_sub(1) / ring.per;
    let position = lap * ring.per;
    let (published, unreleased) = (value - position.min(value), value.saturating_sub(head.max(position)));
    let is_here = value == 0 || lap % ring.frames == frame;
    let problem = if !is_here {
        Some(format!("it is a word of frame {}", lap % ring.frames))
    } else {
        (value >> POSITION_BITS != 0).then(|| format!("a position has {POSITION_BITS} bits"))
    };
    Word { frame, at, value, position, published, unreleased, problem }
}

impl Page {
    fn other(self) -> Self {
        if self == Self::Producer { Self::Consumer } else { Self::Producer }
    }
}

impl Inspection {
    /// The field's number, or 0.
    pub(super) fn position(&self, page: Page, name: &str) -> u64 {
        self.field(page, name).and_then(Field::number).unwrap_or(0)
    }

    pub(super) fn set(&mut self, page: Page, name: &str, problem: impl FnOnce() -> String) {
        let field = self.fields.iter_mut().find(|field| field.page == page && field.name == name);
        if let Some(field) = field.filter(|field| field.problem.is_none()) {
            field.problem = Some(problem());
        }
    }

    /// Puts what is wrong with the header to its fields, and says where the file ends too early.
    fn blame(&mut self, errors: &[FormatError]) {
        match self.file_bytes {
            0 => self.problems.push("the file is empty".to_owned()),
            len if len < 3 * PAGE => {
                self.problems
                    .push(format!("the file ends after {len} bytes, and a segment has more than {}", 3 * PAGE));
            }
            _ => {}
        }
        for error in errors {
            self.set(Page::Header, diagnosis::field(error), || match error {
                FormatError::Field { must, .. } => format!("must be {must}"),
                error => error.to_string(),
            });
        }
        for field in &mut self.fields {
            if (field.raw.len() as u64) < field.bytes {
                field.problem = Some("the file ends before it".to_owned());
            }
        }
    }

    /// What two words cannot be at the same time.
    fn compare(&mut self, kind: Kind, ring: &Geometry, tail: u64, head: u64) {
        let capacity = ring.capacity;
        for (page, name) in [(Page::Producer, "tail"), (Page::Consumer, "head"), (Page::Consumer, "taken")] {
            if self.position(page, name) >> POSITION_BITS != 0 {
                self.set(page, name, || format!("must be a position: they have {POSITION_BITS} bits"));
            }
        }
        if self.position(Page::Producer, "tail") > head.saturating_add(capacity) {
            self.set(Page::Producer, "tail", || format!("must be at most head + {capacity}: head={head}"));
        } else if tail > head.saturating_add(capacity) {
            self.problems
                .push(format!("the words tell of more than fits: tail={tail} head={head} capacity={capacity}"));
        }
        if self.position(Page::Consumer, "credit") > head {
            self.set(Page::Consumer, "credit", || format!("must be at most head: head={head}"));
        }
        if self.position(Page::Consumer, "taken") > head.saturating_add(capacity) {
            self.set(Page::Consumer, "taken", || format!("must be at most head + {capacity}: head={head}"));
        }
        let closed = self.position(Page::Producer, "closed");
        if kind == Kind::Stream && closed != 0 && closed != tail.saturating_add(1) {
            self.set(Page::Producer, "closed", || format!("must be 0 or 1 + the final tail: tail={tail}"));
        }
        let finished = self.position(Page::Consumer, "finished");
        if kind == Kind::Stream && finished != 0 && finished != tail.saturating_add(1) {
            self.set(Page::Consumer, "finished", || format!("must be 0 or 1 + the final tail: tail={tail}"));
        }
        for page in [Page::Producer, Page::Consumer] {
            let status = Status(self.position(page, "status"));
            if status.has(Status::NEVER) {
                self.set(page, "status", || "bit 7 is never stored".to_owned());
            } else if status.is_new() && status.0 != 0 {
                self.set(page, "status", || "generation 0 is the word 0".to_owned());
            }
        }
    }

    /// The entries of the region table.
    fn entries(&self) -> Vec<Region> {
        let count = usize::try_from(self.position(Page::Header, "regions")).unwrap_or(0).min(REGIONS_MAX);
        let Some(table) = self.field(Page::Header, "region_table") else { return Vec::new() };
        let entry = |bytes: &[u8]| {
            let number = |at: usize, len: usize| {
                let mut number = [0; 8];
                number[..len].copy_from_slice(&bytes[at..at + len]);
                u64::from_le_bytes(number)
            };
            let kind = number(0, 4) as u32;
            Region {
                kind,
                name: RegionKind::from_code(kind).map(|kind| format!("{kind:?}")),
                version: number(4, 4) as u32,
                offset: number(8, 8),
                length: number(16, 8),
                stride: number(24, 8),
            }
        };
        table.raw.chunks_exact(REGION_BYTES).take(count).map(entry).collect()
    }

    /// Gives each field the text that its number needs.
    fn explain(&mut self, kind: Option<Kind>) {
        let texts: Vec<_> = self.fields.iter().map(|field| self.text(field, kind)).collect();
        for (field, text) in self.fields.iter_mut().zip(texts) {
            field.text = field.text.take().or(text);
        }
    }

    fn text(&self, field: &Field, kind: Option<Kind>) -> Option<String> {
        if (field.raw.len() as u64) < field.bytes {
            return None;
        }
        match field.page {
            Page::Shared => return inspect_many::text(self, field),
            Page::Member(_) | Page::Record(_) | Page::Hand(_) | Page::Lane(_) => return None,
            Page::Header | Page::Producer | Page::Consumer => {}
        }
        let number = field.number().unwrap_or(0);
        let code = u32::try_from(number).unwrap_or(u32::MAX);
        let here = |name| self.position(field.page, name);
        let there = |name| self.position(field.page.other(), name);
        match field.name {
            "magic" => Some(format!("\"{}\"", field.raw.escape_ascii())),
            "order_mark" | "checksum" => Some(format!("{number:#x}")),
            "type_tag" if number != 0 => Some(format!("{number:#x}")),
            "memory" => Some(if number == 0 { "the file" } else { "a System V segment" }.to_owned()),
            "shm_key" if number != 0 => Some(format!("{number:#x}")),
            "instance" | "boot" if field.name == "instance" || field.raw.iter().any(|byte| *byte != 0) => {
                Some(field.raw.iter().map(|byte| format!("{byte:02x}")).collect())
            }
            "kind" => Kind::from_code(code).map(|kind| kind.name().to_owned()),
            "placement" => Placement::from_code(code).map(|placement| placement.name().to_owned()),
            "lifetime" => Lifetime::from_code(code).map(|lifetime| lifetime.name().to_owned()),
            "state" => (number == 1).then(|| "READY".to_owned()),
            "region_table" => None,
            "tail" => self.words.as_ref().map(|words| format!("the words tell {}", words.tail)),
            "closed" if number != 0 => Some(format!("closed at {}", number - 1)),
            "closed" => Some("open".to_owned()),
            "begun" | "refused" if kind != Some(Kind::Bytes) => None,
            "begun" if number == 0 => Some("no message is in the middle".to_owned()),
            "begun" => Some(format!("a message that begins at {} is in the middle", number - 1)),
            "refused" => Some(if number == 0 { "none" } else { "up to there" }.to_owned()),
            "finished" if kind != Some(Kind::Stream) => None,
            "finished" => Some(if number == 0 { "not yet" } else { "everything was taken" }.to_owned()),
            "taken" if number <= here("head") => Some("none in hand".to_owned()),
            "taken" => Some(format!("{} in hand, or given back", number - here("head"))),
            "tries" if number >> 8 == here("head") && number != 0 => {
                Some(format!("message {}, handed out {} times", number >> 8, number & 0xff))
            }
            "tries" => Some("means nothing now".to_owned()),
            "credit" => Some(format!("{} behind head", here("head").saturating_sub(number))),
            "status" | "echo" => Some(status(Status(number))),
            "armed" if number == there("bell") => Some("asks for no ring".to_owned()),
            "armed" => Some(format!("asks for the {}'s bell to be {number}", field.page.other())),
            "pid" => process::command(code, here("started")).or((number != 0).then(|| "gone".to_owned())),
            "started" if number != 0 => process::age(number).map(ago),
            _ => None,
        }
    }
}

/// What the word says.
pub(super) fn status(status: Status) -> String {
    match (status.0, status.changes()) {
        (0, _) => "nobody ever".to_owned(),
        (_, 0) => format!("{status:?}"),
        (_, changes) => format!("{status:?}, changed {changes} times"),
    }
}

/// How long ago a process started.
pub(super) fn ago(age: Duration) -> String {
    format!("{:.1} s ago", age.as_secs_f64())
}
