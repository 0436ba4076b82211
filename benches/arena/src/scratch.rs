//! Where a run keeps its files: a directory in memory, which goes when the run ends.

use crate::contestant::Failure;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Memory with names.
const SHM: &str = "/dev/shm";

/// The run's directory.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
    turns: u64,
}

/// One turn's directory, gone when this is dropped.
#[derive(Debug)]
pub struct TurnDir {
    /// In which everything lies but what contestants make.
    pub dir: PathBuf,
    /// The channels' directories, empty.
    pub dirs: [PathBuf; 2],
    /// The channels' names.
    pub names: [String; 2],
}

/// How the name of everything begins that belongs to a run.
const STEM: &str = "ringway-arena-";

fn stem(pid: u32) -> String {
    format!("{STEM}{pid}")
}

impl Scratch {
    /// Makes this run's directory, and removes those of runs that were killed.
    pub fn new() -> Result<Self, Failure> {
        for entry in fs::read_dir(SHM).map_err(|error| format!("{SHM}: {error}"))?.flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_prefix(STEM)).and_then(|pid| pid.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
                // Another run may be doing the same.
                let _ = fs::remove_dir_all(entry.path());
            }
        }
        let dir = Path::new(SHM).join(stem(std::process::id()));
        make(&dir)?;
        Ok(Self { dir, turns: 0 })
    }

    /// A directory for the next turn.
    pub fn turn(&mut self) -> Result<TurnDir, Failure> {
        self.turns += 1;
        let dir = self.dir.join(self.turns.to_string());
        let dirs = [dir.join("a"), dir.join("b")];
        make(&dir)?;
        dirs.iter().try_for_each(|dir| make(dir))?;
        let names = ["a", "b"].map(|way| format!("{}-{}-{way}", stem(std::process::id()), self.turns));
        Ok(TurnDir { dir, dirs, names })
    }
}

fn make(dir: &Path) -> Result<(), Failure> {
    DirBuilder::new().mode(0o700).create(dir).map_err(|error| format!("{}: {error}", dir.display()).into())
}

impl Drop for TurnDir {
    fn drop(&mut self) {
        // The run's end tries again.
        let _ = fs::remove_dir_all(&self.dir);
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.dir);
        // What contestants that were killed have left under the names that they were given.
        let stem = format!("{}-", stem(std::process::id()));
        for entry in fs::read_dir(SHM).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains(&stem) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }
}
