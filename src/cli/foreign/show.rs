//! Foreign objects as tables.

use super::Foreign;
use crate::cli::failure::shown;
use crate::cli::output;

/// A table under its heading, if it has rows.
fn section<const N: usize>(title: &str, head: [&str; N], right: &[usize], rows: Vec<[String; N]>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let table: Vec<_> = std::iter::once(head.map(str::to_owned)).chain(rows).collect();
    format!("\n{title}\n{}", output::table(&table, right))
}

fn mode(mode: u32) -> String {
    format!("{mode:04o}")
}

pub(super) fn text(foreign: &Foreign) -> String {
    [posix(foreign), system_v(foreign), limits(foreign)].concat()
}

fn posix(foreign: &Foreign) -> String {
    let objects = foreign.posix.iter().map(|it| {
        let (bytes, in_use) = (it.bytes.to_string(), it.bytes_in_use.to_string());
        [shown(&it.name), it.kind.to_owned(), it.owner.to_string(), mode(it.mode), bytes, in_use]
    });
    let queues = foreign.posix_queues.iter().map(|it| {
        let bytes = it.bytes.map_or("-".to_owned(), |bytes| bytes.to_string());
        [shown(&it.name), it.owner.to_string(), mode(it.mode), bytes]
    });
    let head = ["NAME", "KIND", "OWNER", "MODE", "BYTES", "IN USE"];
    section("POSIX objects (/dev/shm)", head, &[4, 5], objects.collect())
        + &section("POSIX queues (/dev/mqueue)", ["NAME", "OWNER", "MODE", "BYTES"], &[3], queues.collect())
}

fn system_v(foreign: &Foreign) -> String {
    let segments = foreign.system_v_segments.iter().map(|it| {
        let channel = match (&it.channel, it.ringway) {
            (Some(name), _) => format!("channel {}", shown(name)),
            (None, true) => "a channel's, not of this directory".to_owned(),
            (None, false) => String::new(),
        };
        let fate = if it.removed { "removed, and in use" } else { "" };
        let fate = if channel.is_empty() || fate.is_empty() { channel + fate } else { channel + "; " + fate };
        [
            it.key.to_string(),
            it.id.to_string(),
            it.owner.to_string(),
            mode(it.mode),
            it.bytes.to_string(),
            it.attached.to_string(),
            it.created_by_pid.to_string(),
            it.last_used_by_pid.to_string(),
            fate,
        ]
    });
    let semaphores = foreign.system_v_semaphores.iter().map(|it| {
        [it.key.to_string(), it.id.to_string(), it.owner.to_string(), mode(it.mode), it.semaphores.to_string()]
    });
    let queues = foreign.system_v_queues.iter().map(|it| {
        [
            it.key.to_string(),
            it.id.to_string(),
            it.owner.to_string(),
            mode(it.mode),
            it.bytes.to_string(),
            it.messages.to_string(),
            it.last_sent_by_pid.to_string(),
            it.last_received_by_pid.to_string(),
        ]
    });
    let head = ["KEY", "ID", "OWNER", "MODE", "BYTES", "ATTACHED", "CREATOR", "LAST", ""];
    let mut text = section("System V segments", head, &[1, 4, 5, 6, 7], segments.collect());
    let head = ["KEY", "ID", "OWNER", "MODE", "SEMAPHORES"];
    text += &section("System V semaphores", head, &[1, 4], semaphores.collect());
    let head = ["KEY", "ID", "OWNER", "MODE", "BYTES", "MESSAGES", "SENDER", "RECEIVER"];
    text + &section("System V queues", head, &[1, 4, 5, 6, 7], queues.collect())
}

fn limits(foreign: &Foreign) -> String {
    let limits = foreign
        .limits
        .iter()
        .map(|it| [it.mechanism.to_owned(), it.name.to_owned(), it.value.to_string(), it.meaning.to_owned()]);
    let unread = foreign.unread.iter().map(|it| [shown(&it.path), it.why.clone()]);
    section("Limits", ["OF", "NAME", "VALUE", ""], &[2], limits.collect())
        + &section("Not read", ["FILE", "WHY"], &[], unread.collect())
}
