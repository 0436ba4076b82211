//! What all hostile programs have in common: how their bytes are read, what a word becomes, where files are.

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use std::fs::File;
use std::path::PathBuf;

/// The bytes of an input, read from the front; zeroes when they are used up.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl Input<'_> {
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    pub(crate) fn number(&mut self) -> u64 {
        u64::from_le_bytes(std::array::from_fn(|_| self.byte()))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A directory in memory that only this process uses. (A fuzzer ends without a destructor: whoever comes later removes
/// what it left.)
pub(crate) fn directory() -> PathBuf {
    for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name.to_str().and_then(|name| name.strip_prefix("ringway-hostile-")?.split('-').next());
        if pid.is_some_and(|pid| !PathBuf::from(format!("/proc/{pid}")).exists()) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
    let path =
        PathBuf::from(format!("/dev/shm/ringway-hostile-{}-{:?}", std::process::id(), std::thread::current().id()));
    std::fs::create_dir_all(&path).expect("a directory in /dev/shm");
    path
}

/// What a word becomes.
pub(crate) fn another(old: u64, what: u8, input: &mut Input<'_>) -> u64 {
    let near = u64::from(what >> 4);
    match what & 15 {
        0 => 0,
        1 => u64::MAX - near,
        2 => (1 << 56) - near,
        3 => (1 << 56) + near,
        4 => (1 << 63) + near,
        5 => old.wrapping_add(near + 1),
        6 => old.wrapping_sub(near + 1),
        7 => near,
        8 => near * 8,
        9 => old ^ 1 << (near * 4),
        10 => old << 8 | near,
        11 => 1 << 32 | near,
        12 => 2 << 32 | near,
        13 => (1 << 56) - 1 - 16 * near,
        _ => input.number(),
    }
}

/// Holds the gate of the segment as an attached process does.
pub(crate) fn hold_gate(file: &File) {
    let gate = libc::flock {
        l_type: libc::F_RDLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 1 << 62,
        l_len: 1,
        l_pid: 0,
    };
    fcntl(file, FcntlArg::F_OFD_SETLK(&gate)).expect("the gate, shared");
}
