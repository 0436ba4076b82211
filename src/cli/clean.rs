//! `ringway clean`: removes every channel that nobody is attached to and that is not persistent, and nothing else.

use super::args::LookArgs;
use super::failure::{Failure, shown};
use super::ls::unless_missing;
use super::output;
use ringway::observe;
use serde::Serialize;

/// What became of a name, as JSON. Neither removed nor persistent nor an error: it is in use.
#[derive(Serialize)]
struct Row {
    name: String,
    removed: bool,
    persistent: bool,
    error: Option<String>,
}

/// Removes what is stale, and says what it did with each name.
pub(crate) fn run(args: &LookArgs) -> Result<(), Failure> {
    let cleaned = unless_missing(observe::clean(args.dir.as_deref()), args.dir.as_deref())?;
    let rows = cleaned.into_iter().map(|cleaned| {
        let (removed, error) = match cleaned.removed {
            Ok(removed) => (removed, None),
            Err(error) => (false, Some(error.to_string())),
        };
        Row { name: cleaned.name, removed, persistent: cleaned.is_persistent, error }
    });
    let rows: Vec<Row> = rows.collect();
    if args.json {
        return output::json(&rows);
    }
    let line = |row: &Row| match (&row.error, row.removed) {
        (_, true) => format!("removed {}\n", shown(&row.name)),
        (None, false) if row.persistent => format!("kept {}: persistent (`ringway rm` removes it)\n", shown(&row.name)),
        (None, false) => format!("kept {}: in use\n", shown(&row.name)),
        (Some(error), false) => format!("left alone {}: {error}\n", shown(&row.name)),
    };
    output::print(&rows.iter().map(line).collect::<String>())
}
