//! What everybody who carries messages of any length must do, measured or not: each arrives, once, in order and whole.

use crate::contestant::{Failure, Place};
use crate::contestants::trial::tempdir;
use crate::lengths::{Between, Lengths, Receiver, Sender};
use crate::work::content::{Large, Records};
use std::path::Path;
use std::process::{Command, Stdio};

const RECORDS: u64 = 3000;
const LARGE: u64 = 20;
/// More than the channel holds, and no multiple of anything.
const BYTES: usize = 300_008;
const CAPACITY: usize = 64 << 10;
/// Tells the child where it is to send.
const PLACE: &str = "ARENA_TRIAL";

/// Between two processes: records, and messages larger than the channel.
pub fn between<C: Between>(module: &str, test: &str, contestant: C) {
    run(module, test, &contestant, &[Lengths::UpTo(4096), Lengths::Known(BYTES)]);
}

/// Only messages whose length both sides know.
pub fn known<C: Between>(module: &str, test: &str, contestant: C) {
    run(module, test, &contestant, &[Lengths::Known(BYTES)]);
}

/// Messages that are not longer than this.
pub fn up_to<C: Between>(bytes: usize, module: &str, test: &str, contestant: C) {
    run(module, test, &contestant, &[Lengths::UpTo(4096), Lengths::Known(bytes)]);
}

fn run<C: Between>(module: &str, test: &str, contestant: &C, kinds: &[Lengths]) {
    let places = |base: &Path| kinds.iter().map(|&lengths| (lengths, place(base, lengths))).collect::<Vec<_>>();
    if let Some(base) = std::env::var_os(PLACE) {
        for (lengths, place) in places(base.as_ref()) {
            send(contestant.sender(&place, lengths).unwrap(), lengths).unwrap();
        }
        return;
    }
    let name = format!("{}::{test}", module.split_once("::").expect("a module in a crate").1);
    let base = tempdir(&name);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture"])
        .env(PLACE, &base)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for (lengths, place) in places(&base) {
        receive(contestant.receiver(&place, lengths).unwrap(), lengths).unwrap();
    }
    assert!(child.wait().unwrap().success());
    places(&base).iter().for_each(|(_, place)| contestant.clean(place));
    std::fs::remove_dir_all(&base).unwrap();
    let name = base.file_name().unwrap().to_str().unwrap();
    let left = std::fs::read_dir("/dev/shm").unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = left.filter(|file| file.to_string_lossy().contains(name)).collect();
    assert!(left.is_empty(), "{left:?} is left");
}

fn send(mut to: impl Sender, lengths: Lengths) -> Result<(), Failure> {
    match lengths {
        Lengths::UpTo(most) => {
            let mut records = Records::new(16, most);
            (0..RECORDS).try_for_each(|number| to.send(records.make(number)))
        }
        Lengths::Known(bytes) => {
            let mut message = Large::new(bytes);
            (0..LARGE).try_for_each(|number| to.send(message.stamped(number)))
        }
    }
}

fn receive(mut from: impl Receiver, lengths: Lengths) -> Result<(), Failure> {
    match lengths {
        Lengths::UpTo(most) => {
            let (records, mut buffer) = (Records::new(16, most), vec![0; most]);
            for number in 0..RECORDS {
                let len = from.recv(&mut buffer)?;
                assert!(records.is(number, &buffer[..len]), "record {number}, of {len} bytes");
            }
        }
        Lengths::Known(bytes) => {
            let mut message = Large::new(bytes);
            for number in 0..LARGE {
                assert_eq!(from.recv(message.buffer())?, bytes);
                assert!(message.is_wholly(number), "message {number}");
            }
        }
    }
    Ok(())
}

/// The place for messages of these lengths under `base`.
fn place(base: &Path, lengths: Lengths) -> Place {
    let dir = base.join(lengths.longest().to_string());
    // Whoever is first.
    let _ = std::fs::create_dir(&dir);
    let name = format!("{}-{}", base.file_name().unwrap().to_str().unwrap(), lengths.longest());
    Place { name, dir, capacity: CAPACITY }
}
