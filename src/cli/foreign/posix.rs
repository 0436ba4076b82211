//! POSIX objects: files in /dev/shm and /dev/mqueue.

use super::{Files, Owner};
use serde::Serialize;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;

/// Something in /dev/shm that is no channel of this user's, nor an annex of one.
#[derive(Debug, Serialize)]
pub(super) struct Object {
    /// As `shm_open` and `sem_open` take it, without the slash.
    pub(super) name: String,
    /// "memory", "semaphore", "directory" or "other".
    pub(super) kind: &'static str,
    #[serde(flatten)]
    pub(super) owner: Owner,
    /// The permission bits.
    pub(super) mode: u32,
    pub(super) bytes: u64,
    /// Those that take up room.
    pub(super) bytes_in_use: u64,
}

/// A message queue.
#[derive(Debug, Serialize)]
pub(super) struct Queue {
    pub(super) name: String,
    #[serde(flatten)]
    pub(super) owner: Owner,
    pub(super) mode: u32,
    /// Bytes of the messages that are in it; `null` if this user may not know.
    pub(super) bytes: Option<u64>,
}

/// What glibc and musl put in front of the name of a semaphore.
const SEMAPHORE: &str = "sem.";

pub(super) fn objects(files: &mut Files) -> Vec<Object> {
    // Those of this user are in the list of channels, whatever is wrong with them.
    let ours = format!("ringway.{}.", nix::unistd::geteuid());
    let names = files.names("dev/shm").into_iter().filter(|(name, _)| !name.starts_with(&ours));
    names.collect::<Vec<_>>().into_iter().filter_map(|(name, path)| object(files, name, &path)).collect()
}

fn object(files: &mut Files, name: String, path: &Path) -> Option<Object> {
    let seen = seen(files, path)?;
    let (kind, name) = match (name.strip_prefix(SEMAPHORE), seen.file_type()) {
        (Some(name), file) if file.is_file() => ("semaphore", name.to_owned()),
        (_, file) if file.is_file() => ("memory", name),
        (_, file) if file.is_dir() => ("directory", name),
        _ => ("other", name),
    };
    let (owner, mode) = (Owner::of(seen.uid()), seen.mode() & 0o7777);
    Some(Object { name, kind, owner, mode, bytes: seen.len(), bytes_in_use: seen.blocks() * 512 })
}

pub(super) fn queues(files: &mut Files) -> Vec<Queue> {
    files.names("dev/mqueue").into_iter().filter_map(|(name, path)| queue(files, name, &path)).collect()
}

fn queue(files: &mut Files, name: String, path: &Path) -> Option<Queue> {
    let seen = seen(files, path)?;
    // A FIFO would be waited on.
    let is_special = seen.file_type().is_fifo() || seen.file_type().is_dir();
    let text = if is_special { None } else { std::fs::read_to_string(path).ok() };
    let bytes = text.as_deref().and_then(queued);
    if bytes.is_none() {
        files.cannot(path, "its length is not to be read");
    }
    Some(Queue { name, owner: Owner::of(seen.uid()), mode: seen.mode() & 0o7777, bytes })
}

/// `QSIZE:129        NOTIFY:2 ...`
fn queued(text: &str) -> Option<u64> {
    text.split_whitespace().find_map(|word| word.strip_prefix("QSIZE:"))?.parse().ok()
}

/// What is under the name; `None` if it went meanwhile.
fn seen(files: &mut Files, path: &Path) -> Option<std::fs::Metadata> {
    match std::fs::symlink_metadata(path) {
        Ok(seen) => Some(seen),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            files.cannot(path, error);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_a_queue_is_read_and_nothing_else_is_taken_for_it() {
        assert_eq!(queued("QSIZE:129        NOTIFY:2     SIGNO:0     NOTIFY_PID:8260\n"), Some(129));
        for wrong in ["", "QSIZE:", "QSIZE:-1", "QSIZE 129", "NOTIFY:2"] {
            assert_eq!(queued(wrong), None, "{wrong}");
        }
    }
}
