#!/usr/bin/env bash
# Makes a copy of the crate with faults to plant, for checks that must show that they can fail: tests/checks/planted.sh DIRECTORY.
# Built there, the variable RINGWAY_PLANTED takes one end of one edge of src/sync/edge.rs away ("filled-release"), or makes a
# block of the heap a page shorter than it says it is ("short-block"). Takes a second, and fails if the places to patch
# are no longer there.
set -euo pipefail
cd "$(dirname "$0")/../.."
to=${1:?a directory}

rm -rf "$to"
mkdir -p "$to"
tar c --exclude target Cargo.toml Cargo.lock README.md src benches tests | tar x -C "$to"

# FILE, what is there once, and what stands there instead.
replace() {
    local file="$to/$1"
    [ "$(grep -cxF -- "$2" "$file")" = 1 ] || { echo "not once in $1: $2"; exit 1; }
    awk -v old="$2" -v new="$3" '{ print $0 == old ? new : $0 }' "$file" >"$file.new"
    mv "$file.new" "$file"
}
replace src/sync/edge.rs '        Ordering::Release' \
    '        if crate::sync::planted(self.name, "release") { Ordering::Relaxed } else { Ordering::Release }'
replace src/sync/edge.rs '        Ordering::Acquire' \
    '        if crate::sync::planted(self.name, "acquire") { Ordering::Relaxed } else { Ordering::Acquire }'
replace src/memory/heap.rs '        let base = NonNull::new(unsafe { alloc_zeroed(layout) })?;' \
    '        let there = if crate::sync::planted("short", "block") { len - ALIGN } else { layout.size() };
        let base = NonNull::new(unsafe { alloc_zeroed(Layout::from_size_align(there, ALIGN).ok()?) })?;'
cat >>"$to/src/sync/mod.rs" <<'RUST'

/// Whether this fault is planted.
#[allow(dead_code)]
pub(crate) fn planted(name: &str, what: &str) -> bool {
    static WHICH: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let which = WHICH.get_or_init(|| std::env::var("RINGWAY_PLANTED").ok());
    which.as_deref().and_then(|which| which.split_once('-')) == Some((name, what))
}
RUST
