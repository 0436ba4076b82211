//! What everybody who lends memory must do, measured or not: each message arrives, once, in order and whole, where it was written.

use crate::contestant::{Failure, Place};
use crate::contestants::trial::tempdir;
use crate::loans::{Between, Receiver, Sender};
use crate::work::content;
use std::path::Path;
use std::process::{Command, Stdio};

/// More than have room at a time.
const MESSAGES: u64 = 200;
const CAPACITY: usize = 3;
/// Pages: what fits into a lane of ringway, and what does not.
const BYTES: [usize; 2] = [40 << 10, 200 << 10];
/// Tells the child where it is to send.
const PLACE: &str = "ARENA_TRIAL";

/// Between two processes.
pub fn between<C: Between>(module: &str, test: &str, contestant: C) {
    let places = |base: &Path| BYTES.map(|bytes| (bytes, place(base, bytes)));
    if let Some(base) = std::env::var_os(PLACE) {
        // Ends are kept, as in a turn, until the other side has everything: what one leaves behind may go with it.
        let _kept = places(base.as_ref()).map(|(bytes, place)| {
            let mut to = contestant.sender(&place, bytes).unwrap();
            send(&mut to).unwrap();
            to
        });
        // The other side closes it before it waits for our end.
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
        return;
    }
    let name = format!("{}::{test}", module.split_once("::").expect("a module in a crate").1);
    let base = tempdir(&name);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&name, "--exact", "--nocapture"])
        .env(PLACE, &base)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    for (bytes, place) in places(&base) {
        receive(contestant.receiver(&place, bytes).unwrap(), bytes).unwrap();
    }
    assert!(child.wait().unwrap().success());
    places(&base).iter().for_each(|(_, place)| contestant.clean(place));
    std::fs::remove_dir_all(&base).unwrap();
    let name = base.file_name().unwrap().to_str().unwrap();
    let left = std::fs::read_dir("/dev/shm").unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = left.filter(|file| file.to_string_lossy().contains(name)).collect();
    assert!(left.is_empty(), "{left:?} is left");
}

fn send(to: &mut impl Sender) -> Result<(), Failure> {
    (0..MESSAGES).try_for_each(|number| to.send(|words| content::write(words, number)))
}

fn receive(mut from: impl Receiver, bytes: usize) -> Result<(), Failure> {
    (0..MESSAGES).try_for_each(|number| {
        from.recv(|words| {
            assert_eq!(size_of_val(words), bytes);
            assert!(content::is(words, number), "message {number}");
            Ok(())
        })
    })
}

/// The place for messages of so many bytes under `base`.
fn place(base: &Path, bytes: usize) -> Place {
    let dir = base.join(bytes.to_string());
    // Whoever is first.
    let _ = std::fs::create_dir(&dir);
    let name = format!("{}-{bytes}", base.file_name().unwrap().to_str().unwrap());
    Place { name, dir, capacity: CAPACITY }
}
