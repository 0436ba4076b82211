//! `ringway inspect`: a file, field by field, as the format's tables have it.

use super::args::InspectArgs;
use super::failure::Failure;
use super::output;
use ringway::observe::{self, Field, Inspection, Lock, Page, Region, Slot, Slots, Word, Words};
use serde::Serialize;

/// The words that are listed at most: what is behind says nothing new, and a hostile file may say that it has 2^40.
const WORDS_MAX: usize = 1 << 20;

/// Prints what is there, whatever it is; fails if anything of it is wrong.
pub(crate) fn run(args: &InspectArgs) -> Result<(), Failure> {
    let words = if args.frames { WORDS_MAX } else { 0 };
    let seen = observe::inspect(&args.name, args.look.dir.as_deref(), words);
    let seen = seen.map_err(|error| Failure::open(&args.name, &error))?;
    let wrong = seen.wrong();
    if args.look.json {
        output::json(&Inspected::new(&seen, &wrong, args.frames))?;
    } else {
        output::print(&page(&seen))?;
    }
    let Some(first) = wrong.first() else { return Ok(()) };
    let others = match wrong.len() {
        1 => String::new(),
        n => format!(" (and {} more)", n - 1),
    };
    Err(Failure::of(
        &args.name,
        format_args!("{first}{others}; it was left alone: use another name, or remove the file by hand"),
    ))
}

// For people.

fn page(seen: &Inspection) -> String {
    let mut text = format!("{}, {} bytes\n", seen.path.display(), seen.file_bytes);
    for problem in &seen.problems {
        text += &format!("WRONG: {problem}\n");
    }
    for fields in seen.fields.chunk_by(|one, next| one.page == next.page) {
        text += &format!("\n{}, at {}\n", fields[0].page, fields[0].start);
        text += &output::table(&fields.iter().map(row).collect::<Vec<_>>(), &[0, 1, 3]);
        if fields[0].page == Page::Header && !seen.regions.is_empty() {
            text += "\nregions\n";
            text += &regions(&seen.regions);
        }
    }
    let locks = seen.locks.iter().map(|lock| format!("{} {}", lock.name, if lock.is_held { "held" } else { "free" }));
    text += &format!("\nlock bytes: {}\n", locks.collect::<Vec<_>>().join(", "));
    if let Some(words) = &seen.words {
        text += &frames(words);
    }
    if let Some(ring) = &seen.slots {
        text += &slots(ring);
    }
    text
}

/// Offset, bytes, name, value, what it says, what it means.
fn row(field: &Field) -> [String; 6] {
    let number = field.number().filter(|_| field.name != "magic");
    let text = field.text.clone().unwrap_or_default();
    let text = match &field.problem {
        Some(problem) if text.is_empty() => format!("WRONG: {problem}"),
        Some(problem) => format!("{text} WRONG: {problem}"),
        None => text,
    };
    let number = number.map_or("-".to_owned(), |number| number.to_string());
    let [offset, bytes] = [field.offset, field.bytes].map(|number| number.to_string());
    [offset, bytes, field.name.to_owned(), number, text, field.meaning.to_owned()]
}

fn regions(regions: &[Region]) -> String {
    let head = ["", "kind", "version", "offset", "length", "stride"].map(str::to_owned);
    let row = |region: &Region| {
        let name = region.name.clone().unwrap_or("unknown".to_owned());
        let numbers = [region.version.into(), region.offset, region.length, region.stride];
        let [version, offset, length, stride] = numbers.map(|number: u64| number.to_string());
        [region.kind.to_string(), name, version, offset, length, stride]
    };
    let rows: Vec<_> = std::iter::once(head).chain(regions.iter().map(row)).collect();
    output::table(&rows, &[0, 2, 3, 4, 5])
}

fn frames(words: &Words) -> String {
    let Words { capacity, per, frames, head, tail, .. } = words;
    let there = tail.saturating_sub(*head);
    let mut text = format!(
        "\nframes: {frames} of {per} messages, for {capacity}\n\
         by their words: sent {tail}, released {head}, {there} in the ring\n"
    );
    if words.list.is_empty() {
        return text;
    }
    let head = ["frame", "at", "word", "position", "published", "unreleased", ""].map(str::to_owned);
    let row = |word: &Word| {
        let numbers = [word.frame, word.at, word.value, word.position, word.published, word.unreleased];
        let [frame, at, value, position, published, unreleased] = numbers.map(|number| number.to_string());
        let problem = word.problem.as_ref().map_or(String::new(), |problem| format!("WRONG: {problem}"));
        [frame, at, value, position, published, unreleased, problem]
    };
    let rows: Vec<_> = std::iter::once(head).chain(words.list.iter().map(row)).collect();
    text += "\n";
    text += &output::table(&rows, &[0, 1, 2, 3, 4, 5]);
    text
}

fn slots(ring: &Slots) -> String {
    let Slots { capacity, head, tail, .. } = ring;
    let there = tail.saturating_sub(*head);
    let mut text =
        format!("\nslots: {capacity}\nclaimed by senders {tail}, by receivers {head}, {there} in the ring\n");
    if ring.list.is_empty() {
        return text;
    }
    let head = ["slot", "at", "word", "position", "state", "taken over", ""].map(str::to_owned);
    let row = |slot: &Slot| {
        let numbers = [slot.slot, slot.at, slot.value, slot.position, slot.taken_over];
        let [number, at, value, position, taken_over] = numbers.map(|number| number.to_string());
        let problem = slot.problem.as_ref().map_or(String::new(), |problem| format!("WRONG: {problem}"));
        [number, at, value, position, slot.state.name().to_owned(), taken_over, problem]
    };
    let rows: Vec<_> = std::iter::once(head).chain(ring.list.iter().map(row)).collect();
    text += "\n";
    text += &output::table(&rows, &[0, 1, 2, 3, 5]);
    text
}

// As JSON.

#[derive(Serialize)]
struct Inspected<'a> {
    name: &'a str,
    path: String,
    file_bytes: u64,
    sound: bool,
    problems: &'a [String],
    fields: Vec<FieldRow<'a>>,
    regions: Vec<RegionRow<'a>>,
    locks: Vec<LockRow<'a>>,
    words: Option<WordsRow>,
    /// Only with `--frames`.
    #[serde(skip_serializing_if = "Option::is_none")]
    frames: Option<Vec<WordRow<'a>>>,
    /// Only of a many-to-many channel.
    #[serde(skip_serializing_if = "Option::is_none")]
    ring: Option<RingRow>,
    /// Only of that, and with `--frames`.
    #[serde(skip_serializing_if = "Option::is_none")]
    slots: Option<Vec<SlotRow<'a>>>,
}

#[derive(Serialize)]
struct FieldRow<'a> {
    page: &'static str,
    /// Which of them: of a member, a record, a hand.
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<u64>,
    offset: u64,
    at: u64,
    bytes: u64,
    name: &'static str,
    writer: &'static str,
    /// `null` of what is no number, or not in the file.
    value: Option<u64>,
    text: Option<&'a str>,
    meaning: &'static str,
    problem: Option<&'a str>,
}

#[derive(Serialize)]
struct RegionRow<'a> {
    kind: u32,
    name: Option<&'a str>,
    version: u32,
    offset: u64,
    length: u64,
    stride: u64,
}

#[derive(Serialize)]
struct LockRow<'a> {
    byte: u32,
    name: &'a str,
    held: bool,
}

#[derive(Serialize)]
struct WordsRow {
    capacity: u64,
    per: u64,
    frames: u64,
    head: u64,
    tail: u64,
}

#[derive(Serialize)]
struct RingRow {
    capacity: u64,
    head: u64,
    tail: u64,
}

#[derive(Serialize)]
struct SlotRow<'a> {
    slot: u64,
    at: u64,
    word: u64,
    position: u64,
    state: &'static str,
    taken_over: u64,
    problem: Option<&'a str>,
}

#[derive(Serialize)]
struct WordRow<'a> {
    frame: u64,
    at: u64,
    word: u64,
    position: u64,
    published: u64,
    unreleased: u64,
    problem: Option<&'a str>,
}

impl<'a> Inspected<'a> {
    fn new(seen: &'a Inspection, wrong: &'a [String], with_frames: bool) -> Self {
        let words = seen.words.as_ref().filter(|_| with_frames).map(|words| &words.list);
        let slots = seen.slots.as_ref().filter(|_| with_frames).map(|slots| &slots.list);
        Self {
            name: &seen.name,
            path: seen.path.display().to_string(),
            file_bytes: seen.file_bytes,
            sound: wrong.is_empty(),
            problems: wrong,
            fields: seen.fields.iter().map(FieldRow::new).collect(),
            regions: seen.regions.iter().map(RegionRow::new).collect(),
            locks: seen
                .locks
                .iter()
                .map(|Lock { byte, name, is_held, .. }| LockRow { byte: *byte, name, held: *is_held })
                .collect(),
            words: seen.words.as_ref().map(|&Words { capacity, per, frames, head, tail, .. }| WordsRow {
                capacity,
                per,
                frames,
                head,
                tail,
            }),
            frames: words.map(|list| list.iter().map(WordRow::new).collect()),
            ring: seen.slots.as_ref().map(|&Slots { capacity, head, tail, .. }| RingRow { capacity, head, tail }),
            slots: slots.map(|list| list.iter().map(SlotRow::new).collect()),
        }
    }
}

impl<'a> FieldRow<'a> {
    fn new(field: &'a Field) -> Self {
        Self {
            page: field.page.name(),
            index: field.page.index(),
            offset: field.offset,
            at: field.at(),
            bytes: field.bytes,
            name: field.name,
            writer: field.writer,
            value: field.number(),
            text: field.text.as_deref(),
            meaning: field.meaning,
            problem: field.problem.as_deref(),
        }
    }
}

impl<'a> RegionRow<'a> {
    fn new(region: &'a Region) -> Self {
        let &Region { kind, ref name, version, offset, length, stride, .. } = region;
        Self { kind, name: name.as_deref(), version, offset, length, stride }
    }
}

impl<'a> SlotRow<'a> {
    fn new(slot: &'a Slot) -> Self {
        Self {
            slot: slot.slot,
            at: slot.at,
            word: slot.value,
            position: slot.position,
            state: slot.state.name(),
            taken_over: slot.taken_over,
            problem: slot.problem.as_deref(),
        }
    }
}

impl<'a> WordRow<'a> {
    fn new(word: &'a Word) -> Self {
        Self {
            frame: word.frame,
            at: word.at,
            word: word.value,
            position: word.position,
            published: word.published,
            unreleased: word.unreleased,
            problem: word.problem.as_deref(),
        }
    }
}
