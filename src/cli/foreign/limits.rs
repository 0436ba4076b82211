//! The limits of each mechanism.

use super::Files;
use nix::sys::statvfs::statvfs;
use serde::Serialize;

/// A limit.
#[derive(Debug, Serialize)]
pub(super) struct Limit {
    pub(super) mechanism: &'static str,
    pub(super) name: &'static str,
    pub(super) value: u64,
    /// Of what, and in what unit.
    pub(super) meaning: &'static str,
}

const SEGMENTS: &str = "System V segments";
const SEMAPHORES: &str = "System V semaphores";
const SYSTEM_V_QUEUES: &str = "System V queues";
const POSIX_QUEUES: &str = "POSIX queues";
const POSIX: &str = "POSIX memory";

/// A number of a file: what it is called, and what it means.
type Named = (&'static str, &'static str);

/// The files below /proc/sys: of which mechanism, and which numbers are in them.
const NUMBERS: [(&str, &str, &[Named]); 12] = [
    (SEGMENTS, "kernel/shmmax", &[("shmmax", "bytes of one")]),
    (SEGMENTS, "kernel/shmall", &[("shmall", "pages of all")]),
    (SEGMENTS, "kernel/shmmni", &[("shmmni", "segments")]),
    (
        SEMAPHORES,
        "kernel/sem",
        &[
            ("semmsl", "semaphores of one array"),
            ("semmns", "semaphores"),
            ("semopm", "operations of one call"),
            ("semmni", "arrays"),
        ],
    ),
    (SYSTEM_V_QUEUES, "kernel/msgmax", &[("msgmax", "bytes of one message")]),
    (SYSTEM_V_QUEUES, "kernel/msgmnb", &[("msgmnb", "bytes of one queue, by default")]),
    (SYSTEM_V_QUEUES, "kernel/msgmni", &[("msgmni", "queues")]),
    (POSIX_QUEUES, "fs/mqueue/queues_max", &[("queues_max", "queues")]),
    (POSIX_QUEUES, "fs/mqueue/msg_max", &[("msg_max", "messages of one queue")]),
    (POSIX_QUEUES, "fs/mqueue/msgsize_max", &[("msgsize_max", "bytes of one message")]),
    (POSIX_QUEUES, "fs/mqueue/msg_default", &[("msg_default", "messages of one queue, by default")]),
    (POSIX_QUEUES, "fs/mqueue/msgsize_default", &[("msgsize_default", "bytes of one message, by default")]),
];

pub(super) fn all(files: &mut Files) -> Vec<Limit> {
    let mut limits = memory(files);
    for (mechanism, file, names) in NUMBERS {
        let path = format!("proc/sys/{file}");
        let Some(text) = files.text(&path) else { continue };
        match numbers(&text, names.len()) {
            Some(values) => limits.extend(names.iter().zip(values).map(|(&(name, meaning), value)| Limit {
                mechanism,
                name,
                value,
                meaning,
            })),
            None => {
                let place = files.path(&path);
                files.cannot(&place, "it does not hold the numbers that it should");
            }
        }
    }
    limits
}

/// That of /dev/shm is its file system's.
fn memory(files: &mut Files) -> Vec<Limit> {
    let place = files.path("dev/shm");
    let limit = |name, value, meaning| Limit { mechanism: POSIX, name, value, meaning };
    match statvfs(&place) {
        Ok(fs) => vec![
            limit("size", fs.blocks().saturating_mul(fs.fragment_size()), "bytes of all in /dev/shm"),
            limit("left", fs.blocks_available().saturating_mul(fs.fragment_size()), "bytes of those that are free"),
        ],
        Err(error) => {
            files.cannot(&place, error);
            Vec::new()
        }
    }
}

/// So many numbers, and nothing else.
fn numbers(text: &str, count: usize) -> Option<Vec<u64>> {
    let values: Option<Vec<u64>> = text.split_whitespace().map(|word| word.parse().ok()).collect();
    values.filter(|values| values.len() == count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_its_numbers_or_is_not_believed() {
        assert_eq!(numbers("32000\t1024000000\t500\t32000\n", 4), Some(vec![32000, 1_024_000_000, 500, 32000]));
        assert_eq!(numbers("18446744073692774399\n", 1), Some(vec![18_446_744_073_692_774_399]));
        for wrong in ["", "1 2", "x", "-1", "18446744073709551616"] {
            assert_eq!(numbers(wrong, 1), None, "{wrong}");
        }
    }
}
