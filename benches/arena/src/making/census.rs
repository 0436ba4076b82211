//! What channels take of the machine.

use crate::contestant::Failure;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What `st_blocks` counts, in bytes.
const BLOCK: u64 = 512;

/// Bytes of memory that lie behind the files in this directory and those in `/dev/shm` whose name contains this: blocks that
/// were really allocated, however long the files are.
pub fn allocated(dir: &Path, name: &str) -> Result<u64, Failure> {
    let mut blocks = blocks(dir)?;
    for file in fs::read_dir("/dev/shm")?.flatten() {
        if file.file_name().to_string_lossy().contains(name) {
            blocks += file.metadata().map_or(0, |it| it.blocks());
        }
    }
    Ok(blocks * BLOCK)
}

fn blocks(dir: &Path) -> Result<u64, Failure> {
    let mut sum = 0;
    for file in fs::read_dir(dir)?.flatten() {
        // What is gone since the look has no blocks.
        let Ok(metadata) = file.metadata() else { continue };
        sum += if metadata.is_dir() { blocks(&file.path())? } else { metadata.blocks() };
    }
    Ok(sum)
}

/// Descriptors that this process has open, and its mappings.
pub fn descriptors_and_mappings() -> Result<[f64; 2], Failure> {
    let mappings = fs::read_to_string("/proc/self/maps")?.lines().count();
    Ok([fs::read_dir("/proc/self/fd")?.count() as f64, mappings as f64])
}

/// As many descriptors as this process may have.
pub fn allow_descriptors() -> Result<(), Failure> {
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    Ok(setrlimit(Resource::RLIMIT_NOFILE, most, most)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, SeekFrom, Write};

    /// A file of a megabyte of which one page was written has one page.
    #[test]
    fn only_what_was_touched_counts() {
        let name = format!("arena-census-{}", std::process::id());
        let dir = Path::new("/dev/shm").join(format!("{name}-dir"));
        fs::create_dir(&dir).unwrap();
        let mut file = fs::File::create(dir.join("file")).unwrap();
        file.set_len(1 << 20).unwrap();
        assert_eq!(allocated(&dir, "no such file").unwrap(), 0);
        file.seek(SeekFrom::Start(500_000)).unwrap();
        file.write_all(b"x").unwrap();
        let found = allocated(&dir, "no such file").unwrap();
        fs::remove_dir_all(&dir).unwrap();
        assert_eq!(found, 4096);
    }
}
