//! Putting the planted bugs into the sources.

use crate::bugs::BUGS;
use crate::place::Mutant;
use std::collections::HashMap;

/// A bug: some texts that become others.
#[derive(Debug)]
pub(crate) struct Bug {
    pub(crate) name: &'static str,
    pub(crate) changes: &'static [Change],
}

/// One of its places. In what becomes of it, `BUG` is the condition that the bug is chosen.
#[derive(Debug)]
pub(crate) struct Change {
    /// Below `src`.
    pub(crate) file: &'static str,
    /// It stands there once.
    pub(crate) is: &'static str,
    pub(crate) becomes: &'static str,
}

/// Puts all of them into the sources.
pub(crate) fn plant(texts: &mut HashMap<String, String>) -> Result<Vec<Mutant>, String> {
    let mut planted = Vec::new();
    for bug in BUGS {
        let file = bug.changes[0].file;
        let id = format!("{file} planted: {}", bug.name);
        for Change { file, is, becomes } in bug.changes {
            let text = texts.get_mut(*file).ok_or_else(|| format!("{id}: there is no {file}"))?;
            let count = text.matches(is).count();
            if count != 1 {
                return Err(format!("{id}: what it changes stands {count} times in {file}: {is}"));
            }
            *text = text.replacen(is, &becomes.replace("BUG", &condition(&id)), 1);
        }
        planted.push(Mutant { id, file: file.to_owned(), number: 0, wraps: Vec::new() });
    }
    Ok(planted)
}

/// The condition under which a planted bug is there, before it has a number.
pub(crate) fn condition(id: &str) -> String {
    format!("crate::sync::mutant::is({id:?})")
}
