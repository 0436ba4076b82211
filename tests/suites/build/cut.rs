//! What is left of a file when the tests are taken out that its list names.

use crate::list::File;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use syn::spanned::Spanned;
use syn::{Attribute, Item};

pub struct Cut {
    pub text: String,
    /// The tests that are left, by their paths inside the file.
    pub run: Vec<String>,
    /// Those that are not, and why.
    pub not_applicable: Vec<(String, String)>,
    /// Those that run with a change, and why; one for each change.
    pub changed: Vec<(String, String)>,
}

struct Test {
    path: String,
    bytes: Range<usize>,
}

/// Bytes of the file and what stands in their place.
type Edit = (Range<usize>, String);

pub fn cut(text: &str, file: &File, reasons: &BTreeMap<String, String>) -> Result<Cut, String> {
    let parsed = syn::parse_file(text).map_err(|why| why.to_string())?;
    let (items, taken) = taken(&parsed, file, text.len())?;
    let mut tests = Vec::new();
    collect(items, "", &makers(items), &mut tests);
    let listed = listed(file, &tests, reasons)?;
    let mut edits: Vec<Edit> = Vec::new();
    // Attributes and comments of a whole file are not for a module that includes it.
    for attribute in &parsed.attrs {
        edits.push((attribute.span().byte_range(), String::new()));
    }
    let (mut run, mut not_applicable) = (Vec::new(), Vec::new());
    for test in &tests {
        match listed.get(test.path.as_str()) {
            Some(why) => {
                not_applicable.push((test.path.clone(), (*why).to_owned()));
                edits.push((test.bytes.clone(), String::new()));
            }
            None => run.push(test.path.clone()),
        }
    }
    let mut changed = changes(text, file, &tests, &taken, reasons, &mut edits)?;
    // What does not run here may run on something else, with its changes.
    changed.retain(|(test, _)| test.is_empty() || run.contains(test));
    edits.push((0..taken.start, String::new()));
    edits.push((taken.end..text.len(), String::new()));
    Ok(Cut { text: apply(text, edits)?, run, not_applicable, changed })
}

/// The items that are of use, and the bytes between which they stand.
fn taken<'a>(parsed: &'a syn::File, file: &File, len: usize) -> Result<(&'a [Item], Range<usize>), String> {
    let Some(name) = &file.inside else { return Ok((&parsed.items, 0..len)) };
    for item in &parsed.items {
        if let Item::Mod(module) = item
            && module.ident == name
            && let Some((brace, items)) = &module.content
        {
            return Ok((items, brace.span.open().byte_range().end..brace.span.close().byte_range().start));
        }
    }
    Err(format!("it has no module {name}"))
}

/// The macros of the file that make tests.
fn makers(items: &[Item]) -> BTreeSet<String> {
    let macros = items.iter().filter_map(|item| if let Item::Macro(item) = item { Some(item) } else { None });
    macros
        .filter(|item| item.mac.tokens.to_string().contains("# [test]"))
        .filter_map(|item| item.ident.as_ref().map(ToString::to_string))
        .collect()
}

/// Every test among the items. One that a macro makes has the first word in its call for a name.
fn collect(items: &[Item], inside: &str, makers: &BTreeSet<String>, tests: &mut Vec<Test>) {
    for item in items {
        let bytes = item.span().byte_range();
        match item {
            Item::Fn(function) if is_test(&function.attrs) => {
                tests.push(Test { path: format!("{inside}{}", function.sig.ident), bytes });
            }
            Item::Macro(call) if call.mac.path.get_ident().is_some_and(|name| makers.contains(&name.to_string())) => {
                let name = call.mac.tokens.clone().into_iter().next().map(|token| token.to_string());
                tests.push(Test { path: format!("{inside}{}", name.unwrap_or_default()), bytes });
            }
            Item::Mod(module) => {
                if let Some((_, items)) = &module.content {
                    collect(items, &format!("{inside}{}::", module.ident), makers, tests);
                }
            }
            _ => {}
        }
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("test"))
}

/// The tests that are not for ringway, and why. Each is there, each has one reason, each reason is one of those that are
/// explained.
fn listed<'a>(
    file: &'a File,
    tests: &'a [Test],
    reasons: &BTreeMap<String, String>,
) -> Result<BTreeMap<&'a str, &'a str>, String> {
    let known = |why: &str| if reasons.contains_key(why) { Ok(()) } else { Err(format!("no reason is called {why}")) };
    let mut listed = BTreeMap::new();
    if let Some(why) = &file.whole {
        known(why)?;
        listed.extend(tests.iter().map(|test| (test.path.as_str(), why.as_str())));
    }
    for (why, names) in &file.not_applicable {
        known(why)?;
        for name in names {
            if !tests.iter().any(|test| test.path == *name) {
                return Err(format!("it has no test {name}"));
            }
            if listed.insert(name, why).is_some() {
                return Err(format!("{name} is listed twice"));
            }
        }
    }
    Ok(listed)
}

/// Adds the changes that the list names; which tests they are in, and why.
fn changes(
    text: &str,
    file: &File,
    tests: &[Test],
    taken: &Range<usize>,
    reasons: &BTreeMap<String, String>,
    edits: &mut Vec<Edit>,
) -> Result<Vec<(String, String)>, String> {
    let mut changed = Vec::new();
    for change in &file.changes {
        if !reasons.contains_key(&change.why) {
            return Err(format!("no reason is called {}", change.why));
        }
        let mut places = Vec::new();
        for name in &change.tests {
            let test = tests.iter().find(|test| test.path == *name).ok_or(format!("it has no test {name}"))?;
            places.push((name.clone(), test.bytes.clone()));
        }
        if places.is_empty() {
            places.push((String::new(), taken.clone()));
        }
        for (name, bytes) in places {
            let found: Vec<_> =
                text[bytes.clone()].match_indices(&change.from).map(|(at, _)| bytes.start + at).collect();
            if found.is_empty() {
                return Err(format!("{:?} does not stand in {name:?}", change.from));
            }
            edits.extend(found.iter().map(|at| (*at..at + change.from.len(), change.to.clone())));
            changed.push((name, change.why.clone()));
        }
    }
    Ok(changed)
}

/// The text with the edits made. As many lines as before, as long as what comes in has no more of them than what goes.
fn apply(text: &str, mut edits: Vec<Edit>) -> Result<String, String> {
    edits.sort_by_key(|(bytes, _)| (bytes.start, std::cmp::Reverse(bytes.end)));
    let (mut out, mut at) = (String::with_capacity(text.len()), 0);
    for (bytes, new) in edits {
        if bytes.end <= at {
            continue; // inside what has been cut
        }
        if bytes.start < at {
            return Err(format!("two changes meet: {:?}", &text[bytes.start..at]));
        }
        let lines = text[bytes.clone()].matches('\n').count().saturating_sub(new.matches('\n').count());
        out += &text[at..bytes.start];
        out += &new;
        out.extend(std::iter::repeat_n('\n', lines));
        at = bytes.end;
    }
    Ok(out + &text[at..])
}
