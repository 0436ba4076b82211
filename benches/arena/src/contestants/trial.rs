//! What every contestant must do, measured or not: each message arrives, once and in order, and nothing is left behind.

use crate::contestant::{Between, Failure, Message, Place, Receiver, Sender, Within};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const MESSAGES: u64 = 20_000;
/// More than the channel holds, so that batches come in parts.
const BATCH: usize = 100;
const CAPACITY: usize = 64;
/// Tells the child where it is to send.
const PLACE: &str = "ARENA_TRIAL";

fn send<M: Message>(mut to: impl Sender<M>) -> Result<(), Failure> {
    (0..MESSAGES).try_for_each(|number| to.send(M::of(number)))?;
    (MESSAGES..2 * MESSAGES).step_by(BATCH).try_for_each(|first| to.send_batch(first, BATCH))
}

fn receive<M: Message>(mut from: impl Receiver<M>) -> Result<(), Failure> {
    for number in 0..MESSAGES {
        let message = from.recv()?;
        assert!(message.is(number), "{message:?} instead of {number}");
    }
    let mut next = MESSAGES;
    while next < 2 * MESSAGES {
        // Not a divisor of what is sent at once.
        let max = (2 * MESSAGES - next).min(37) as usize;
        let first = next;
        let count = from.recv_batch(max, |message| {
            assert!(message.is(next), "{message:?} instead of {next}");
            next += 1;
        })?;
        assert_eq!(next - first, count as u64);
        assert!(count <= max, "{count} messages of {max}");
    }
    Ok(())
}

/// Between two threads.
pub fn within<C: Within>(contestant: C) {
    let place = Place { name: "threads".into(), dir: PathBuf::new(), capacity: CAPACITY };
    within_of::<C, [u64; 1]>(&contestant, &place).unwrap();
    within_of::<C, [u64; 128]>(&contestant, &place).unwrap();
}

fn within_of<C: Within, M: Message>(contestant: &C, place: &Place) -> Result<(), Failure> {
    let (tx, rx) = contestant.pair::<M>(place)?;
    std::thread::scope(|scope| {
        let sender = scope.spawn(|| send(tx));
        receive(rx)?;
        sender.join().expect("the sender has panicked")
    })
}

/// Between two processes: this one receives, and the same test in a child sends. `module` and `test` name that test.
pub fn between<C: Between>(module: &str, test: &str, contestant: C) {
    if let Some(base) = std::env::var_os(PLACE) {
        sends::<C, [u64; 1]>(&contestant, base.as_ref()).unwrap();
        sends::<C, [u64; 128]>(&contestant, base.as_ref()).unwrap();
        return;
    }
    let module = module.split_once("::").expect("a module in a crate").1;
    let base = tempdir(&format!("{module}::{test}"));
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([&format!("{module}::{test}"), "--exact", "--nocapture"])
        .env(PLACE, &base)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    receives::<C, [u64; 1]>(&contestant, &base).unwrap();
    receives::<C, [u64; 128]>(&contestant, &base).unwrap();
    assert!(child.wait().unwrap().success());
    contestant.clean(&place::<[u64; 1]>(&base));
    contestant.clean(&place::<[u64; 128]>(&base));
    std::fs::remove_dir_all(&base).unwrap();
    let name = base.file_name().unwrap().to_str().unwrap();
    let left = std::fs::read_dir("/dev/shm").unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = left.filter(|file| file.to_string_lossy().contains(name)).collect();
    assert!(left.is_empty(), "{left:?} is left");
}

pub(super) fn tempdir(test: &str) -> PathBuf {
    // Short: iceoryx2 makes paths with it in them twice, and a path has an end.
    let mut hash = DefaultHasher::new();
    test.hash(&mut hash);
    let dir = Path::new("/dev/shm").join(format!("arena-{}-{:08x}", std::process::id(), hash.finish() as u32));
    std::fs::create_dir(&dir).unwrap();
    dir
}

/// The place for messages of that size under `base`.
fn place<M: Message>(base: &Path) -> Place {
    let dir = base.join(M::BYTES.to_string());
    // Whoever is first.
    let _ = std::fs::create_dir(&dir);
    let name = format!("{}-{}", base.file_name().unwrap().to_str().unwrap(), M::BYTES);
    Place { name, dir, capacity: CAPACITY }
}

fn sends<C: Between, M: Message>(contestant: &C, base: &Path) -> Result<(), Failure> {
    let place = place::<M>(base);
    send(contestant.sender::<M>(&place)?)
}

fn receives<C: Between, M: Message>(contestant: &C, base: &Path) -> Result<(), Failure> {
    let place = place::<M>(base);
    receive(contestant.receiver::<M>(&place)?)
}
