//! The sources, and a copy of the crate with all mutants in it.

use crate::naming::Names;
use crate::place::{self, Mutant};
use crate::planted;
use crate::publish::Publishers;
use crate::{sites, swaps};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What is no part of the program that is checked: the command line, tests, and what stands in for the machine in tests and models.
const LEFT_ALONE: [&str; 3] = ["cli/", "sync/", "main.rs"];

/// Where things are published. (Elsewhere they are made before anybody else sees them, or looked at.)
const PUBLISHING: [&str; 8] =
    ["ring/", "wait/", "membership/", "channel/", "bytes/", "sys/ranges.rs", "sys/sigbus.rs", "sys/membarrier.rs"];

/// All sources with all mutants.
#[derive(Debug)]
pub(crate) struct Tree {
    /// Those of `src`, by their paths below it, with planted bugs in them.
    texts: HashMap<String, String>,
    pub(crate) mutants: Vec<Mutant>,
}

impl Tree {
    /// Of the crate at `top`.
    pub(crate) fn read(top: &Path) -> Result<Self, String> {
        let mut texts = HashMap::new();
        let source = top.join("src");
        for path in files(&source).map_err(|error| format!("{}: {error}", source.display()))? {
            let name = path.strip_prefix(&source).expect("below it").to_string_lossy().into_owned();
            if name.ends_with(".rs") && !LEFT_ALONE.iter().any(|left| name.starts_with(left)) && !is_test(&name) {
                texts.insert(name, fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?);
            }
        }
        let counts: HashMap<_, _> = texts.iter().map(|(name, text)| (name.clone(), sites::count(text))).collect();
        let mut mutants = planted::plant(&mut texts)?;
        let mut names: Vec<_> = texts.keys().cloned().collect();
        names.sort();
        let mut parsed = Vec::new();
        for name in names {
            let syntax = syn::parse_file(&texts[&name]).map_err(|error| format!("{name}: {error}"))?;
            parsed.push((name, syntax));
        }
        let does_publish = |name: &str| PUBLISHING.iter().any(|place| name.starts_with(place));
        let publishing = parsed.iter().filter(|(name, _)| does_publish(name));
        let publishers = Publishers::of(publishing.map(|(_, syntax)| syntax));
        let mut ids = Names::default();
        for (name, syntax) in &parsed {
            let text = &texts[name];
            let found = sites::find(name, syntax, &mut ids);
            let places: std::collections::HashSet<_> = found.iter().map(|mutant| mutant.wraps[0].at.start).collect();
            let (all, seen) = (counts[name], places.len());
            if seen < all {
                return Err(format!("{name}: {all} orderings and fences, and {seen} of them are seen"));
            }
            mutants.extend(found);
            if does_publish(name) {
                mutants.extend(swaps::find(name, text, syntax, &publishers, &mut ids));
            }
        }
        for (number, mutant) in (1..).zip(&mut mutants) {
            mutant.number = number;
        }
        Ok(Self { texts, mutants })
    }

    /// Writes the crate to `copy`, with all mutants but those that are not to be there. What has not changed stays as it is,
    /// so that it is not compiled again.
    pub(crate) fn write(&self, top: &Path, copy: &Path, is_left_out: impl Fn(&Mutant) -> bool) -> io::Result<()> {
        for name in ["Cargo.toml", "Cargo.lock", "README.md"] {
            put(&copy.join(name), &fs::read(top.join(name))?)?;
        }
        for directory in ["src", "tests", "benches/instructions"] {
            for path in files(&top.join(directory))? {
                let name = path.strip_prefix(top).expect("below it");
                let below = name.strip_prefix("src").ok().and_then(Path::to_str).unwrap_or_default();
                if let Some(text) = self.texts.get(below) {
                    let mutants: Vec<_> =
                        self.mutants.iter().filter(|mutant| mutant.file == below && !is_left_out(mutant)).collect();
                    put(&copy.join(name), self.numbered(&place::write(text, &mutants)).as_bytes())?;
                } else if !name.starts_with("tests/mutants") && !is_a_package_of_its_own(name) {
                    put(&copy.join(name), &fs::read(&path)?)?;
                }
            }
        }
        let door = copy.join("src/sync/mod.rs");
        let text = fs::read_to_string(top.join("src/sync/mod.rs"))? + "\npub(crate) mod mutant;\n";
        put(&door, text.as_bytes())?;
        put(&copy.join("src/sync/mutant.rs"), include_bytes!("mutant.in"))
    }

    /// Planted bugs stand in the text by their names: here they get their numbers.
    fn numbered(&self, text: &str) -> String {
        let planted = self.mutants.iter().filter(|mutant| mutant.wraps.is_empty());
        planted.fold(text.to_owned(), |text, mutant| {
            text.replace(&planted::condition(&mutant.id), &format!("crate::sync::mutant::is({})", mutant.number))
        })
    }
}

fn is_test(name: &str) -> bool {
    name.split('/').any(|part| part == "tests" || part == "tests.rs")
}

fn is_a_package_of_its_own(name: &Path) -> bool {
    name.ancestors().any(|parent| {
        ["tests/loom_user", "tests/suites", "tests/ecosystem"].iter().any(|package| parent == Path::new(package))
    })
}

/// Writes a file unless it says that already.
fn put(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    fs::create_dir_all(path.parent().expect("in a directory"))?;
    fs::write(path, bytes)
}

/// All files below a directory that are no build's output.
fn files(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory)? {
            let path = entry?.path();
            if !path.is_dir() {
                found.push(path);
            } else if path.file_name().is_none_or(|name| name != "target") {
                left.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
