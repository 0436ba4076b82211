//! `ringway rm`: removes channels that nobody is attached to.

use super::args::RmArgs;
use super::failure::Failure;
use super::output;
use ringway::observe::{self, MemberState};
use ringway::{OpenError, SegmentError};
use serde::Serialize;
use std::path::Path;

/// What became of a name, as JSON.
#[derive(Serialize)]
struct Row<'a> {
    name: &'a str,
    removed: bool,
    error: Option<String>,
}

/// Removes each of the names; goes on after one that cannot be removed.
pub(crate) fn run(args: &RmArgs) -> Result<(), Failure> {
    let directory = args.look.dir.as_deref();
    let mut rows = Vec::new();
    for name in &args.names {
        let removed = observe::remove(name, directory);
        if let Err(error) = &removed {
            refusal(name, error, directory).print();
        } else if !args.look.json {
            output::print(&format!("removed {name}\n"))?;
        }
        let error = removed.err().map(|error| error.to_string());
        rows.push(Row { name, removed: error.is_none(), error });
    }
    if args.look.json {
        output::json(&rows)?;
    }
    if rows.iter().all(|row| row.removed) { Ok(()) } else { Err(Failure::Told) }
}

/// Why it was not removed; if it is in use, by whom.
fn refusal(name: &str, error: &OpenError, directory: Option<&Path>) -> Failure {
    if !matches!(error, OpenError::Segment(SegmentError::InUse { .. })) {
        return Failure::open(name, error);
    }
    let users = observe::stat(name, directory).map(|seen| {
        let ends = [(&seen.sender, "sender"), (&seen.receiver, "receiver")];
        let ends = ends.into_iter().filter_map(|(end, role)| Some((end.as_ref()?, role)));
        let ends = ends.map(|(end, role)| (end.state, format!("{role} {}", end.pid)));
        let members = seen.many.iter().flat_map(|many| &many.members);
        let members = members.map(|member| (member.state, format!("process {}", member.pid)));
        let there = ends.chain(members).filter(|(state, _)| *state == MemberState::Attached);
        there.map(|(_, who)| who).collect::<Vec<_>>().join(", ")
    });
    match users {
        Ok(users) if !users.is_empty() => Failure::of(name, format_args!("in use ({users}); stop them first")),
        _ => Failure::open(name, error),
    }
}
