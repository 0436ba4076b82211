//! What everybody must do, measured or not: each message arrives once, and those of one sender in order at each receiver.
//! All ends are threads here; the arena itself makes processes of them.

use crate::board::Board;
use crate::contestant::{Ends, Failure};
use crate::entry::Entry;
use crate::many::total;
use crate::task::{Part, Role, Seen, Task, Work};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

const MESSAGES: u64 = 4_000;
const BEFORE: u64 = 640;
const CAPACITY: usize = 512;

/// All these, one to one and three to three, one at a time and in batches.
pub fn everybody(entries: Vec<Entry>) {
    for entry in &entries {
        for sides in [1, 3] {
            for batch in [1, 64] {
                if batch == 1 || entry.card.has_batches {
                    run(entry, CAPACITY, sides, batch).unwrap_or_else(|why| panic!("{}: {why}", entry.card.name));
                }
            }
        }
    }
}

/// What both kinds of ends have seen together.
pub fn run(entry: &Entry, capacity: usize, sides: usize, batch: usize) -> Result<[Seen; 2], String> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let name = format!("arena-many-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
    let dir = Path::new("/dev/shm").join(&name);
    std::fs::create_dir(&dir).expect("a directory");
    let board = Board::create(&dir.join("board")).expect("a board");
    let work = Work::Many { sides, messages: MESSAGES, before: BEFORE, batch };
    let task = task(&name, &dir, capacity, work);
    let seen = ends(entry, &board, &task, sides);
    entry.clean(&task.place(0));
    std::fs::remove_dir_all(&dir).expect("a directory");
    let left = std::fs::read_dir("/dev/shm").expect("/dev/shm").flatten().map(|file| file.file_name());
    let left: Vec<_> = left.filter(|file| file.to_string_lossy().ends_with(&name)).collect();
    assert!(left.is_empty(), "{left:?} is left");
    total::of(seen, sides, BEFORE + MESSAGES)
}

fn task(name: &str, dir: &Path, capacity: usize, work: Work) -> Task {
    let allowed = crate::pin::allowed().expect("processors");
    Task {
        entry: 0,
        part: Part::All,
        parent: 0,
        cpus: [allowed[0], allowed[1 % allowed.len()]],
        board: PathBuf::new(),
        names: [name.to_owned(), name.to_owned()],
        dirs: [dir.to_owned(), dir.to_owned()],
        capacity,
        bytes: 8,
        work,
        idle: 0,
        weather_us: 0,
        traced: false,
    }
}

fn ends(entry: &Entry, board: &Board, task: &Task, sides: usize) -> Vec<Seen> {
    // The other ends may wait for ever for one that has failed: the test ends with its process.
    let settle = |seen: Result<Vec<Seen>, Failure>| seen.unwrap_or_else(|failure| crate::worker::fail(board, &failure));
    // In a thread, since whoever works is pinned.
    std::thread::scope(|scope| {
        let parts: Vec<Part> = match entry.ends {
            Ends::Threads => vec![Part::All],
            Ends::Processes => {
                let of = |role| (0..sides).map(move |n| Part::OneOf(role, n));
                of(Role::Receiver).chain(of(Role::Sender)).collect()
            }
        };
        let each = parts.into_iter().map(|part| Task { part, ..task.clone() });
        let threads: Vec<_> = each.map(|task| scope.spawn(move || settle(entry.run(&task, board)))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread has panicked")).collect()
    })
}

/// 3 x 64 messages end the receivers, each of which takes one, and there is room for 16: whoever sends them must not be
/// left alone with the others.
#[test]
fn there_may_be_room_for_fewer_than_end_the_receivers() {
    for entry in super::crossbeam::entries() {
        run(&entry, 16, 3, 64).unwrap_or_else(|why| panic!("{}: {why}", entry.card.name));
    }
}
