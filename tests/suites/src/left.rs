//! Names for channels, and the look at what is left of them: when the process ends, no file under such a name may be there,
//! no mapping of one in the process, and no descriptor of anything in `/dev/shm`. Otherwise it says which, and fails.
//!
//! Some tests do not wait for the threads that they start, so the look gives those some seconds to end.

use std::io::Write;
use std::path::PathBuf;
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Exit code of a test binary that has left something.
pub const LEFT: i32 = 102;

/// How long threads may still be at it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What every name begins with.
const MARK: &str = "suites-";

/// A name that no other channel has.
pub fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    watch();
    format!("{}{}", mark(), COUNT.fetch_add(1, Relaxed))
}

/// From now on this process looks, when it ends, what it leaves.
pub fn watch() {
    static LOOK: Once = Once::new();
    LOOK.call_once(|| {
        // SAFETY: a function of this library, which lives as long as the process.
        assert_eq!(unsafe { libc::atexit(look_at_the_end) }, 0);
    });
}

/// What the names of this process begin with.
fn mark() -> String {
    format!("{MARK}{}-", std::process::id())
}

/// Files, descriptors and mappings that are left of this process's channels.
pub fn left() -> Vec<String> {
    let mark = mark();
    let files = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten().map(|entry| entry.path());
    let descriptors = std::fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    // A file that was made before it had its name has none here; but nobody else opens anything there.
    let open =
        descriptors.flat_map(|entry| std::fs::read_link(entry.path())).filter(|path| path.starts_with("/dev/shm"));
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mapped = maps.lines().filter(|line| line.contains(&mark)).map(str::to_owned);
    let named = |path: &PathBuf| path.to_string_lossy().contains(&mark);
    files
        .filter(named)
        .map(|path| format!("file {}", path.display()))
        .chain(open.map(|path| format!("descriptor {}", path.display())))
        .chain(mapped.map(|line| format!("mapping {line}")))
        .collect()
}

extern "C" fn look_at_the_end() {
    let give_up = Instant::now() + PATIENCE;
    let mut left = left();
    while !left.is_empty() && Instant::now() < give_up {
        std::thread::sleep(Duration::from_millis(5)); // who is to end says nothing when it does
        left = self::left();
    }
    if !left.is_empty() {
        let _ = writeln!(std::io::stderr(), "left at the end: {left:#?}");
        // SAFETY: ends the process, whose own end this is.
        unsafe { libc::_exit(LEFT) };
    }
}
