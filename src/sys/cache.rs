//! The processor's caches, for sizes that are chosen by them. Nothing is right or wrong by what is said here.

use super::known::Known;
use std::path::Path;

/// A cache of the first processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cache {
    pub(crate) bytes: usize,
    /// Whether other processors have it too.
    pub(crate) is_shared: bool,
}

/// The second-level cache, as it was at the first question; `None` where the kernel does not say (some containers and virtual
/// machines).
pub(crate) fn second_level() -> Option<Cache> {
    /// Bytes, an even number, and whether it is shared; 0: not said.
    static CACHE: Known = Known::new();
    let ask = || {
        let cache = level(Path::new("/sys/devices/system/cpu/cpu0/cache"), 2);
        cache.map_or(0, |cache| cache.bytes as u64 | u64::from(cache.is_shared))
    };
    let said = CACHE.get(ask);
    let bytes = usize::try_from(said & !1).ok().filter(|bytes| *bytes > 0)?;
    Some(Cache { bytes, is_shared: said & 1 != 0 })
}

/// The cache of this level that holds data, by the kernel's description of a processor's caches.
fn level(caches: &Path, level: u32) -> Option<Cache> {
    let field = |index: u32, name: &str| {
        let text = std::fs::read_to_string(caches.join(format!("index{index}")).join(name)).ok()?;
        Some(text.trim().to_owned())
    };
    // Two of the first level, for data and for instructions, and one of each further one.
    (0..8).find_map(|index| {
        let is_it = field(index, "level")?.parse() == Ok(level) && field(index, "type")? != "Instruction";
        if !is_it {
            return None;
        }
        // A list of processors: one is a number. Where it is not said, they may be several.
        let is_alone = field(index, "shared_cpu_list").is_some_and(|list| list.parse::<u32>().is_ok());
        Some(Cache { bytes: bytes(&field(index, "size")?)?, is_shared: !is_alone })
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

    fn describe(caches: &Path, index: u32, fields: &[(&str, &str)]) {
        let index = caches.join(format!("index{index}"));
        std::fs::create_dir_all(&index).unwrap();
        for (name, text) in fields {
            std::fs::write(index.join(name), format!("{text}\n")).unwrap();
        }
    }

    #[test]
    fn the_cache_of_a_level_is_found_by_what_the_kernel_says() {
        let caches = std::env::temp_dir().join(format!("ringway-caches-{}", std::process::id()));
        describe(&caches, 0, &[("level", "1"), ("type", "Data"), ("size", "48K"), ("shared_cpu_list", "0")]);
        describe(&caches, 1, &[("level", "1"), ("type", "Instruction"), ("size", "32K")]);
        describe(&caches, 2, &[("level", "2"), ("type", "Unified"), ("size", "2048K"), ("shared_cpu_list", "0,64")]);
        let found = [1, 2, 3].map(|wanted| level(&caches, wanted));
        let others = ["0-1", "", "3"].map(|list| {
            describe(&caches, 2, &[("shared_cpu_list", list)]);
            level(&caches, 2).map(|cache| cache.is_shared)
        });
        std::fs::remove_file(caches.join("index2/shared_cpu_list")).unwrap();
        let unsaid = level(&caches, 2).map(|cache| cache.is_shared);
        describe(&caches, 2, &[("size", "2M")]);
        let odd = level(&caches, 2);
        std::fs::remove_dir_all(&caches).unwrap();
        let cache = |bytes, is_shared| Some(Cache { bytes, is_shared });
        assert_eq!(found, [cache(48 << 10, false), cache(2 << 20, true), None]);
        assert_eq!((others, unsaid), ([Some(true), Some(true), Some(false)], Some(true)));
        assert_eq!(odd, None);
        assert_eq!(level(&caches, 2), None, "nothing is described");
    }
}
