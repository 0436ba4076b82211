//! Judging who is alive, by a file's lock bytes.

use crate::layout::status::Status;
use crate::membership::liveness::{Life, judge};
use crate::membership::local;
use crate::sys::byte_lock::{self, Byte, Mode};
use crate::sys::fork::Mark;
use std::fs::File;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

const BYTE: Byte = Byte(2);

/// A file that has no name any more, and which it is.
fn file(test: &str) -> (File, (u64, u64)) {
    let path = std::env::temp_dir().join(format!("ringway-liveness-{}-{test}", std::process::id()));
    let file = File::create_new(&path).expect("a file of our own");
    std::fs::remove_file(&path).expect("it is ours");
    let seen = file.metadata().expect("an open file");
    (file, (seen.dev(), seen.ino()))
}

fn present() -> Status {
    Status(0).succeeded(Status::PRESENT)
}

/// A description does not see its own locks.
#[test]
fn who_asks_through_its_own_description_finds_itself_alive() {
    let (file, id) = file("ourselves");
    let life = || judge(file.as_fd(), id, BYTE, present(), present).expect("no error of fcntl");
    assert!(byte_lock::try_lock(file.as_fd(), BYTE, Mode::Exclusive).expect("a lock"));
    assert_eq!(life(), Life::Died, "the kernel alone says that it is free");
    local::add(id, BYTE, Mark::of_this_process().expect("a mark"));
    assert_eq!(life(), Life::Alive);
    local::remove(id, BYTE);
}

/// Its byte is free since it has said that it leaves, between the look at its word and the question.
#[test]
fn who_leaves_meanwhile_has_left() {
    let (file, id) = file("meanwhile");
    let left = || present().changed(Status::LEFT);
    assert_eq!(judge(file.as_fd(), id, BYTE, present(), left).expect("no error of fcntl"), Life::Left);
    let successor = || present().succeeded(Status::PRESENT);
    assert_eq!(judge(file.as_fd(), id, BYTE, present(), successor).expect("no error of fcntl"), Life::Alive);
    assert_eq!(judge(file.as_fd(), id, BYTE, present(), present).expect("no error of fcntl"), Life::Died);
}
