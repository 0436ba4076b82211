//! The processor's caches, for sizes that are chosen by them. Nothing is right or wrong by what is said here.

use super::known::Known;
use std::path::Path;

/// Bytes of the second-level cache of the first processor, as it was at the first question; `None` where the kernel does
/// not say (some containers and virtual machines).
pub(crate) fn second_level() -> Option<usize> {
    /// 0: not said.
    static BYTES: Known = Known::new();
    let ask = || level(Path::new("/sys/devices/system/cpu/cpu0/cache"), 2).map_or(0, |bytes| bytes as u64);
    usize::try_from(BYTES.get(ask)).ok().filter(|bytes| *bytes > 0)
}

/// Bytes of the cache of this level that holds data, by the kernel's description of a processor's caches.
fn level(caches: &Path, level: u32) -> Option<usize> {
    let field = |index: u32, name: &str| {
        let text = std::fs::read_to_string(caches.join(format!("index{index}")).join(name)).ok()?;
        Some(text.trim().to_owned())
    };
    // Two of the first level, for data and for instructions, and one of each further one.
    (0..8).find_map(|index| {
        let is_it = field(index, "level")?.parse() == Ok(level) && field(index, "type")? != "Instruction";
        if is_it { bytes(&field(index, "size")?) } else { None }
    })
}

/// What the kernel writes: a number and `K`.
fn bytes(text: &str) -> Option<usize> {
    let kib: usize = text.strip_suffix('K')?.parse().ok()?;
    kib.checked_mul(1024).filter(|bytes| *bytes > 0)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn describe(caches: &Path, index: u32, level: &str, kind: &str, size: &str) {
        let index = caches.join(format!("index{index}"));
        std::fs::create_dir_all(&index).unwrap();
        for (name, text) in [("level", level), ("type", kind), ("size", size)] {
            std::fs::write(index.join(name), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn the_cache_of_a_level_is_found_by_what_the_kernel_says() {
        let caches = std::env::temp_dir().join(format!("ringway-caches-{}", std::process::id()));
        describe(&caches, 0, "1", "Data", "48K");
        describe(&caches, 1, "1", "Instruction", "32K");
        describe(&caches, 2, "2", "Unified", "2048K");
        let found = [1, 2, 3].map(|wanted| level(&caches, wanted));
        describe(&caches, 2, "2", "Unified", "2M");
        let odd = level(&caches, 2);
        std::fs::remove_dir_all(&caches).unwrap();
        assert_eq!(found, [Some(48 << 10), Some(2 << 20), None]);
        assert_eq!(odd, None);
        assert_eq!(level(&caches, 2), None, "nothing is described");
    }
}
