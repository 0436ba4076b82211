//! Finds the version of each contestant in Cargo.lock, so that the table says what was really measured.

use std::{env, fs};

fn main() {
    let root = env::var("CARGO_MANIFEST_DIR").expect("cargo says where");
    let path = format!("{root}/Cargo.lock");
    println!("cargo:rerun-if-changed={path}");
    let lock = fs::read_to_string(&path).expect("Cargo.lock is committed");
    let mut name = None;
    for line in lock.lines() {
        if let Some(found) = value(line, "name") {
            name = Some(found);
        }
        if let (Some(version), Some(name)) = (value(line, "version"), name) {
            // Two versions of one crate: the later is the newer, and the one that contestants use.
            println!("cargo:rustc-env=VERSION_{}={version}", name.to_uppercase().replace('-', "_"));
        }
    }
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}
