//! The page says what runs, and each reason is somebody's. `RINGWAY_BLESS=1` writes the page's tables anew.

use ringway_suites::{left, table};
use std::process::Command;

const BEGIN: &str = "<!-- made from lists/ -->\n";
const END: &str = "<!-- end -->\n";

#[test]
fn the_page_is_what_the_lists_say() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("a mark before the tables");
    let (tables, after) = rest.split_once(END).expect("a mark behind the tables");
    let made = format!("\n{}\n", table::page());
    if std::env::var_os("RINGWAY_BLESS").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert!(tables == made, "README.md does not say what the lists say; RINGWAY_BLESS=1 cargo test writes it anew");
    }
}

#[test]
fn each_reason_is_somebodys() {
    assert_eq!(table::unused_reasons(), [""; 0]);
}

/// The look at the end sees a file, a descriptor and a mapping that are left. A child leaves them: this test again.
#[test]
fn what_is_left_at_the_end_is_a_failure() {
    const ROLE: &str = "RINGWAY_SUITES_LEAVES";
    if std::env::var_os(ROLE).is_some() {
        let name = left::name();
        let end = ringway::spsc::Sender::<u32>::create(&name, 1).unwrap();
        println!("path {}", end.path().unwrap().display());
        std::mem::forget(end);
        return;
    }
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["what_is_left_at_the_end_is_a_failure", "--exact", "--nocapture"])
        .env(ROLE, "1")
        .output()
        .unwrap();
    let (out, err) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    let path = out.lines().find_map(|line| line.split_once("path ")).expect("the child's channel").1;
    let is_removed = std::fs::remove_file(path).is_ok();
    assert_eq!(child.status.code(), Some(left::LEFT), "{err}");
    assert!(is_removed && ["file", "descriptor", "mapping"].iter().all(|what| err.contains(what)), "{err}");
}
