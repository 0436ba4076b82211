//! System V objects: the tables of /proc/sysvipc, by the names of their columns.

use super::{Files, Owner};
use serde::{Serialize, Serializer};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// What `ftok` makes, shown as `ipcs` does; 0 is private.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key(u32);

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Segment {
    pub(super) key: Key,
    pub(super) id: i32,
    #[serde(flatten)]
    pub(super) owner: Owner,
    /// The permission bits.
    pub(super) mode: u32,
    pub(super) bytes: u64,
    pub(super) attached: u64,
    pub(super) created_by_pid: i32,
    pub(super) last_used_by_pid: i32,
    /// Gone when the last one detaches.
    pub(super) removed: bool,
    /// Whether it begins as a channel's does.
    pub(super) ringway: bool,
    /// The channel in the directory that was listed whose bytes it holds.
    pub(super) channel: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct Semaphores {
    pub(super) key: Key,
    pub(super) id: i32,
    #[serde(flatten)]
    pub(super) owner: Owner,
    pub(super) mode: u32,
    pub(super) semaphores: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct Queue {
    pub(super) key: Key,
    pub(super) id: i32,
    #[serde(flatten)]
    pub(super) owner: Owner,
    pub(super) mode: u32,
    pub(super) bytes: u64,
    pub(super) messages: u64,
    pub(super) last_sent_by_pid: i32,
    pub(super) last_received_by_pid: i32,
}

/// In the mode of a segment: it was removed while somebody was attached.
const DESTROYED: u32 = 0o1000;

/// `channel_of`: whether a segment begins as a channel's does, and the channel's name, if it is known.
pub(super) fn segments(files: &mut Files, channel_of: impl Fn(i32) -> (bool, Option<String>)) -> Vec<Segment> {
    table(files, "proc/sysvipc/shm", |row| {
        let (owner, mode) = whose(row)?;
        let id = row.number("shmid")?;
        let (ringway, channel) = channel_of(id);
        Some(Segment {
            key: key(row)?,
            id,
            owner,
            mode: mode & 0o777,
            bytes: row.number("size")?,
            attached: row.number("nattch")?,
            created_by_pid: row.number("cpid")?,
            last_used_by_pid: row.number("lpid")?,
            removed: mode & DESTROYED != 0,
            ringway,
            channel,
        })
    })
}

pub(super) fn semaphores(files: &mut Files) -> Vec<Semaphores> {
    table(files, "proc/sysvipc/sem", |row| {
        let (owner, mode) = whose(row)?;
        let (id, semaphores) = (row.number("semid")?, row.number("nsems")?);
        Some(Semaphores { key: key(row)?, id, owner, mode: mode & 0o777, semaphores })
    })
}

pub(super) fn queues(files: &mut Files) -> Vec<Queue> {
    table(files, "proc/sysvipc/msg", |row| {
        let (owner, mode) = whose(row)?;
        Some(Queue {
            key: key(row)?,
            id: row.number("msqid")?,
            owner,
            mode: mode & 0o777,
            bytes: row.number("cbytes")?,
            messages: row.number("qnum")?,
            last_sent_by_pid: row.number("lspid")?,
            last_received_by_pid: row.number("lrpid")?,
        })
    })
}

/// The kernel prints it as a signed number.
fn key(row: &Row<'_>) -> Option<Key> {
    row.number::<i32>("key").map(|key| Key(key as u32))
}

fn whose(row: &Row<'_>) -> Option<(Owner, u32)> {
    let mode = u32::from_str_radix(row.word("perms")?, 8).ok()?;
    Some((Owner::of(row.number("uid")?), mode))
}

/// A line of a table.
struct Row<'a> {
    columns: &'a [&'a str],
    words: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn word(&self, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| *name == column)?;
        self.words.get(at).copied()
    }

    fn number<N: FromStr>(&self, column: &str) -> Option<N> {
        self.word(column)?.parse().ok()
    }
}

/// The rows of a table whose first line names the columns. A line that is not understood is told, and left out.
fn table<R>(files: &mut Files, path: &str, read: impl Fn(&Row<'_>) -> Option<R>) -> Vec<R> {
    let Some(text) = files.text(path) else { return Vec::new() };
    let place: PathBuf = files.path(path);
    let mut lines = text.lines().enumerate();
    let columns: Vec<_> = lines.next().map_or("", |(_, line)| line).split_whitespace().collect();
    if columns.is_empty() {
        files.cannot(&place, "it names no columns");
        return Vec::new();
    }
    let mut rows = Vec::new();
    for (at, line) in lines.filter(|(_, line)| !line.trim().is_empty()) {
        match read(&Row { columns: &columns, words: line.split_whitespace().collect() }) {
            Some(row) => rows.push(row),
            None => files.cannot(&place, format_args!("line {} is not understood", at + 1)),
        }
    }
    rows
}
