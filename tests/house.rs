//! Keeps the house: which floor may use which, where unsafe code may live, and how atomics are written.
//!
//! Each rule is a function from a file's text to its breaches, and each is first shown a file that breaks it.

use std::path::{Path, PathBuf};

/// The floors, from the ground up, and what each may use: only what lies below it, and not all of that.
///
/// `ring` does not know `wait`, nor `wait` `ring`: a ring says `Full`, the channel decides to sleep. `membership` knows
/// neither. `bytes`, `stream` and `observe` stand side by side; `codec` on `bytes`, `compat` and `handover` on what there is. The
/// program (`main`, `cli`) uses the public interface only.
const FLOORS: [(&str, &[&str]); 16] = [
    ("sync", &[]),
    ("sys", &["sync"]),
    ("memory", &["sys", "sync"]),
    ("layout", &["memory", "sync"]),
    ("ring", &["layout", "sync"]),
    ("wait", &["sys", "sync"]),
    ("membership", &["layout", "memory", "sys", "sync"]),
    ("channel", &["membership", "wait", "ring", "layout", "memory", "sys", "sync"]),
    ("bytes", &["channel", "membership", "wait", "ring", "layout", "sync"]),
    ("stream", &["channel", "membership", "wait", "ring", "layout", "sync"]),
    ("observe", &["channel", "membership", "ring", "layout", "memory", "sys"]),
    ("codec", &["bytes", "channel", "wait"]),
    ("compat", &["codec", "channel", "wait", "ring"]),
    ("handover", &["bytes", "stream", "channel", "membership", "wait", "ring", "layout", "memory", "sys", "sync"]),
    ("cli", &[]),
    ("main", &["cli"]),
];

/// Which floor may use which crate. What is not named here, nobody uses; the program may use all that it likes.
const CRATES: [(&str, &[&str]); 8] = [
    ("nix", &["sys", "sync", "memory"]),
    ("memmap2", &["memory"]),
    ("bytemuck", &["ring", "layout"]),
    ("loom", &["sync", "layout"]),
    ("crossbeam_utils", &["sys"]),
    ("static_assertions", &["layout"]),
    ("serde", &["codec", "compat"]),
    ("postcard", &["codec"]),
];

/// The files that hold a licence for unsafe code.
const LICENSED: [&str; 31] = [
    // Bare limits have no channel: the benchmark measures what memory and futexes do without one.
    "src/cli/bench/worker/bare.rs",
    "src/cli/bench/worker/chunks.rs",
    "src/cli/signals.rs",
    "src/handover/command.rs",
    "src/handover/in_place.rs",
    "src/layout/dormitory.rs",
    "src/layout/many.rs",
    "src/layout/modelled_bytes.rs",
    "src/layout/overlay.rs",
    "src/layout/prefetch.rs",
    "src/memory/handed.rs",
    "src/memory/heap.rs",
    "src/memory/mapping.rs",
    "src/ring/annex.rs",
    "src/ring/grant.rs",
    "src/ring/lane.rs",
    "src/ring/mpmc/pop.rs",
    "src/ring/mpmc/push.rs",
    "src/ring/payload.rs",
    "src/ring/spsc/consumer.rs",
    "src/ring/spsc/producer.rs",
    "src/sync/dormitory.rs",
    "src/sys/fork.rs",
    "src/sys/futex.rs",
    "src/sys/membarrier.rs",
    "src/sys/posix.rs",
    "src/sys/pages.rs",
    "src/sys/random.rs",
    "src/sys/sigbus.rs",
    "src/sys/socket.rs",
    "src/sys/sysv.rs",
];

/// Where somebody may wait for another thread, beside what a handle has in itself, and why a child that is forked while that thread is
/// at it (which the child has not, so it would wait for ever) is not worth more.
const WAITING: [(&str, &str); 5] = [
    ("src/handover/command.rs", "what a program inherits it takes once, as it begins"),
    ("src/membership/local.rs", "an entry is written: some instructions, of who comes or leaves"),
    ("src/memory/cords.rs", "a queue is made, for a channel that needs one"),
    ("src/sys/fork.rs", "a word is leased or given back, or a list gets longer: of who comes or leaves"),
    ("src/sys/sigbus.rs", "a handler is installed, or a table is full"),
];

const LICENCE: &str = "#![allow(unsafe_code)]";
const LINES_MAX: usize = 700;

/// A file of `src`, by its path from the top.
struct Source {
    path: String,
    text: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// `src/ring/spsc.rs` is on the floor `ring`, `src/main.rs` on `main`.
    fn floor(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or("").trim_end_matches(".rs")
    }

    /// How many modules deep it lies below the crate.
    fn depth(&self) -> usize {
        self.path.matches('/').count() - usize::from(self.path.ends_with("/mod.rs"))
    }

    /// Tests look where they like.
    fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.ends_with("/tests.rs")
    }

    /// The lines without their comments, numbered from 1.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(at, line)| (at + 1, without_comment(line)))
    }

    fn breach(&self, line: usize, what: &str) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

fn without_comment(line: &str) -> &str {
    // No string of this crate holds two slashes, but for addresses in tests.
    line.split("//").next().unwrap_or("")
}

fn identifier(text: &str) -> &str {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or("")
}

/// The names right behind `prefix` wherever it stands in the code, with those of a group in braces; and their lines.
fn behind(source: &Source, prefix: &str) -> Vec<(usize, String)> {
    let code: String = source.code().map(|(_, line)| line.to_owned() + "\n").collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$' || c == ':') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + prefix.len()..];
        let Some(group) = rest.strip_prefix('{') else {
            found.push((line, identifier(rest).to_owned()));
            continue;
        };
        let (mut depth, mut is_start) = (0, true);
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => is_start = true,
                _ if is_start && (c.is_alphanumeric() || c == '_') => {
                    let line = line + group[..at].matches('\n').count();
                    found.push((line, identifier(&group[at..]).to_owned()));
                    is_start = false;
                }
                _ => {}
            }
        }
    }
    found
}

/// Arrows that point up, or sideways.
fn arrows(source: &Source) -> Vec<String> {
    if source.is_test() || source.floor() == "lib" {
        return Vec::new();
    }
    let floor = source.floor();
    let Some((_, allowed)) = FLOORS.iter().find(|(name, _)| *name == floor) else {
        return vec![source.breach(1, "is on no floor that the table knows")];
    };
    let mut paths = behind(source, "crate::");
    // So many steps up are the crate, too.
    paths.extend(behind(source, &"super::".repeat(source.depth())).into_iter().filter(|(_, name)| is_floor(name)));
    let breaks = |name: &str| name != floor && !allowed.contains(&name);
    let told = |(line, name): (usize, String)| source.breach(line, &format!("{floor} may not use {name}"));
    let mut breaches: Vec<_> = paths.into_iter().filter(|(_, name)| breaks(name)).map(told).collect();
    if floor != "cli" && floor != "main" {
        for (name, floors) in CRATES {
            let uses = behind(source, &format!("{name}::"));
            breaches.extend(
                uses.into_iter().filter(|_| !floors.contains(&floor)).map(|(line, _)| (line, name.into())).map(told),
            );
        }
    }
    breaches
}

fn is_floor(name: &str) -> bool {
    FLOORS.iter().any(|(floor, _)| *floor == name)
}

/// Unsafe code without a licence, a licence without its terms, a block without its proof.
fn unsafe_code(source: &Source, licensed: &[&str]) -> Vec<String> {
    let mut breaches = Vec::new();
    let is_licensed = source.text.lines().any(|line| line == LICENCE);
    if is_licensed != licensed.contains(&source.path.as_str()) {
        breaches.push(source.breach(1, "the list of licensed files says otherwise"));
    }
    let header: Vec<&str> =
        source.text.lines().take_while(|line| line.starts_with("//!") || *line == LICENCE).collect();
    if is_licensed && !(header.contains(&LICENCE) && header.contains(&"//! # Safety")) {
        breaches.push(source.breach(1, "a licence stands under module docs with a section `# Safety`"));
    }
    let lines: Vec<&str> = source.text.lines().collect();
    for (number, code) in source.code() {
        let is_block = code.contains("unsafe {") || code.contains("unsafe impl");
        if !code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "unsafe") {
            continue;
        }
        if !is_licensed && !code.contains("unsafe_") {
            breaches.push(source.breach(number, "unsafe code without a licence"));
        }
        // The proof is the comment above; attributes and the beginning of the statement may stand between.
        let above = &lines[number.saturating_sub(8)..number];
        if is_block && !above.iter().any(|line| line.contains("SAFETY:")) {
            breaches.push(source.breach(number, "an unsafe block without a SAFETY comment"));
        }
    }
    breaches
}

/// Atomics that come past the door, orderings that are not argued.
fn atomics(source: &Source) -> Vec<String> {
    let is_door = source.floor() == "sync";
    // Copies of payload go by atomics that no model follows; the file says why. The program is no part of the ring.
    let is_excepted = source.path == "src/ring/payload.rs" || matches!(source.floor(), "cli" | "main");
    let lines: Vec<&str> = source.text.lines().collect();
    let mut breaches = Vec::new();
    for (number, code) in source.code() {
        let past = code.contains("std::sync::atomic") || code.contains("core::sync::atomic");
        if past && !is_door && !is_excepted && !source.is_test() {
            breaches.push(source.breach(number, "atomics come from crate::sync"));
        }
        if code.contains("SeqCst") && !is_door && !source.is_test() {
            breaches.push(source.breach(number, "sequential consistency is crate::sync's fences alone"));
        }
        let is_name = code.trim_start().starts_with("use ") || code.trim().starts_with("Ordering::Relaxed,");
        let is_use = code.contains("Relaxed") && !code.contains("::Relaxed}") && !code.contains("::Relaxed;");
        if is_use && !is_name && !is_excepted_from_reasons(source) {
            let near = &lines[number.saturating_sub(4)..number];
            let is_argued = near.iter().any(|line| {
                let comment = line.split_once("//").map_or("", |(_, comment)| comment).to_lowercase();
                comment.contains("relaxed") || comment.contains("no edge")
            });
            if !is_argued {
                breaches.push(source.breach(number, "Relaxed, and no comment near it says why"));
            }
        }
    }
    breaches
}

/// Where an ordering is handed on, or is a test's or the program's own.
fn is_excepted_from_reasons(source: &Source) -> bool {
    source.is_test() || matches!(source.floor(), "cli" | "main") || source.path == "src/sync/edge.rs"
}

/// Statics for which somebody may wait, and in `sys` whatever else is one's turn.
fn waiting(source: &Source, listed: &[&str]) -> Vec<String> {
    const TURNS: [&str; 6] = ["OnceLock", "LazyLock", "Once", "Mutex", "RwLock", "Condvar"];
    let is_looked_at = !source.is_test() && !matches!(source.floor(), "sync" | "cli" | "main");
    if !is_looked_at || listed.contains(&source.path.as_str()) {
        return Vec::new();
    }
    let is_turn = |code: &str| {
        let mut words = code.split(|c: char| !c.is_alphanumeric() && c != '_');
        words.any(|word| TURNS.contains(&word))
    };
    let is_static = |code: &str| code.trim_start().trim_start_matches("pub(crate) ").starts_with("static ");
    let lines = source.code().filter(|(_, code)| is_turn(code) && (is_static(code) || source.floor() == "sys"));
    lines.map(|(line, _)| source.breach(line, "a forked child could wait here for ever: see `sys::known`")).collect()
}

fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= LINES_MAX { Vec::new() } else { vec![source.breach(lines, "a file has at most 700 lines")] }
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<Source> {
    fn walk(directory: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(directory).expect("src is there") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                into.push(path);
            }
        }
    }
    let mut paths = Vec::new();
    walk(&top().join("src"), &mut paths);
    paths.sort();
    let read = |path: PathBuf| {
        let inside = path.strip_prefix(top()).expect("below the top").to_str().expect("ASCII").to_owned();
        Source { path: inside, text: std::fs::read_to_string(path).expect("UTF-8") }
    };
    paths.into_iter().map(read).collect()
}

fn keeps(rule: impl Fn(&Source) -> Vec<String>) {
    let sources = sources();
    assert!(sources.len() > 40, "the sources are found");
    let breaches: Vec<String> = sources.iter().flat_map(rule).collect();
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

// The house.

#[test]
fn every_floor_uses_only_floors_below_it() {
    for (at, (name, allowed)) in FLOORS.iter().enumerate() {
        for below in *allowed {
            assert!(FLOORS[..at].iter().any(|(floor, _)| floor == below), "{name} uses {below}, which is not below it");
        }
    }
    keeps(arrows);
}

#[test]
fn unsafe_code_is_licensed_and_argued() {
    keeps(|source| unsafe_code(source, &LICENSED));
    let sources = sources();
    for path in LICENSED {
        assert!(sources.iter().any(|source| source.path == path), "{path} is gone");
    }
}

#[test]
fn atomics_come_through_one_door_and_say_why_they_are_relaxed() {
    keeps(atomics);
}

#[test]
fn nobody_waits_for_a_thread_that_a_forked_child_has_not() {
    let listed = WAITING.map(|(path, _)| path);
    keeps(|source| waiting(source, &listed));
    let sources = sources();
    for path in listed {
        let source = sources.iter().find(|source| source.path == path);
        assert!(source.is_some_and(|source| !waiting(source, &[]).is_empty()), "{path}: nobody waits there");
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    keeps(length);
}

#[test]
fn the_papers_are_there() {
    let manifest = std::fs::read_to_string(top().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"deny\""));
    for path in ["src/layout/SPEC.md", "tests/foreign/attach.py", "tests/foreign/many.py", "tests/foreign/parts.py"] {
        assert!(std::fs::metadata(top().join(path)).is_ok_and(|file| file.len() > 1000), "{path}");
    }
}

// The rules, each broken.

#[test]
fn an_arrow_up_is_seen_however_it_is_written() {
    for text in [
        "use crate::channel::end::End;",
        "fn f() { let _ = crate::wait::bell::ring(); }",
        "use crate::{\n    layout::line,\n    sync::{Arc, edge},\n    wait::bell,\n};",
        "use super::super::wait::bell;",
        "use memmap2::MmapRaw;",
    ] {
        let breaches = arrows(&Source::new("src/ring/spsc.rs", text));
        assert_eq!(breaches.len(), 1, "{text}: {breaches:?}");
    }
    let grouped = arrows(&Source::new("src/ring/spsc.rs", "use crate::{\n    layout::line,\n    wait::bell,\n};"));
    assert_eq!(grouped, ["src/ring/spsc.rs:3: ring may not use wait"]);
    assert_eq!(arrows(&Source::new("src/ring/mod.rs", "use super::channel;")).len(), 1);
    assert_eq!(arrows(&Source::new("src/attic/mod.rs", "")).len(), 1, "a floor that nobody planned");
    assert_eq!(arrows(&Source::new("src/cli/send.rs", "use crate::channel::end::End;")).len(), 1);
    for text in ["use crate::layout::line;", "// crate::channel decides", "use super::cursor;", "use ringway::Options;"]
    {
        assert!(arrows(&Source::new("src/ring/spsc.rs", text)).is_empty(), "{text}");
    }
    assert!(
        arrows(&Source::new("src/cli/send.rs", "use crate::cli::args; use nix::libc; use ringway::spsc;")).is_empty()
    );
}

#[test]
fn unsafe_code_is_seen_where_it_may_not_be() {
    let licensed = ["src/a.rs"];
    let proved = "// SAFETY: [1] it is so.\nunsafe { f() }\n";
    let terms = format!("//! A.\n//!\n//! # Safety\n//!\n//! It is so.\n{LICENCE}\n");
    let check = |path: &str, text: &str| unsafe_code(&Source::new(path, text), &licensed);
    assert!(check("src/a.rs", &(terms.clone() + proved)).is_empty());
    assert_eq!(check("src/b.rs", proved).len(), 1, "no licence");
    assert_eq!(check("src/b.rs", &(terms.clone() + proved)).len(), 1, "a licence that is not on the list");
    assert_eq!(check("src/a.rs", "").len(), 1, "a list that is out of date");
    assert_eq!(check("src/a.rs", &format!("//! A.\n{LICENCE}\n{proved}")).len(), 1, "no terms");
    assert_eq!(check("src/a.rs", &(terms.clone() + "unsafe { f() }\n")).len(), 1, "no proof of a block");
    assert_eq!(check("src/a.rs", &(terms + "unsafe impl Send for A {}\n")).len(), 1, "no proof of an impl");
}

#[test]
fn atomics_past_the_door_are_seen() {
    let check = |path: &str, text: &str| atomics(&Source::new(path, text)).len();
    let past = "use std::sync::atomic::AtomicU64;";
    assert_eq!((check("src/ring/spsc.rs", past), check("src/sync/native.rs", past)), (1, 0));
    assert_eq!((check("src/ring/payload.rs", past), check("src/cli/top.rs", past)), (0, 0));
    assert_eq!(check("src/wait/bell.rs", "fence(SeqCst);"), 1);
    assert_eq!(check("src/wait/bell.rs", "\n\n\n\nword.load(Relaxed);"), 1);
    assert_eq!(check("src/wait/bell.rs", "word.load(Relaxed); // relaxed: we alone write it"), 0);
    assert_eq!(check("src/wait/bell.rs", "// Relaxed, both: ...\nword.load(Relaxed);"), 0);
    assert_eq!(check("src/wait/bell.rs", "use crate::sync::Ordering::Relaxed;"), 0);
}

#[test]
fn a_static_that_is_waited_for_is_seen() {
    let check = |path: &str, text: &str| waiting(&Source::new(path, text), &["src/sys/listed.rs"]).len();
    let once = "    static COUNT: OnceLock<usize> = OnceLock::new();";
    assert_eq!((check("src/sys/process.rs", once), check("src/ring/spsc.rs", once)), (1, 1));
    assert_eq!((check("src/sys/listed.rs", once), check("src/sys/tests/process.rs", once)), (0, 0));
    assert_eq!(
        (check("src/sys/process.rs", "    free: Mutex<u64>,"), check("src/ring/a.rs", "    free: Mutex<u64>,")),
        (1, 0)
    );
    assert_eq!(check("src/sys/process.rs", "static KNOWN: Known = Known::new(); // no OnceLock"), 0);
}

#[test]
fn a_file_of_701_lines_is_seen() {
    assert_eq!(length(&Source::new("src/a.rs", &"x\n".repeat(700))).len(), 0);
    assert_eq!(length(&Source::new("src/a.rs", &"x\n".repeat(701))).len(), 1);
}
