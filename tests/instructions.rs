//! The parts of `cargo bench --bench instructions` that need no valgrind: the operations do what they say, reports are
//! read, and counts are compared.

use std::collections::HashSet;

#[path = "../benches/instructions/baseline.rs"]
mod baseline;
#[path = "../benches/instructions/count.rs"]
#[allow(dead_code)] // here nothing is counted
mod count;
#[path = "../benches/instructions/operations.rs"]
mod operations;

use baseline::{Counts, Difference, Origin, difference};
use count::collected;
use operations::{ITERATIONS_MAX, OPERATIONS};

#[test]
fn every_operation_works_as_often_as_it_may_be_asked_for() {
    // Each checks itself.
    for operation in OPERATIONS {
        for iterations in [1, 2_000, ITERATIONS_MAX] {
            (operation.run)(iterations);
        }
        assert!(operation.messages > 0, "{}", operation.name);
    }
}

#[test]
fn operations_have_names_of_their_own_and_all_are_in_the_baseline() {
    let names: HashSet<&str> = OPERATIONS.iter().map(|operation| operation.name).collect();
    assert_eq!(names.len(), OPERATIONS.len());
    let kept = Counts::parse(include_str!("../benches/instructions.baseline")).expect("a baseline");
    let rows: HashSet<&str> = kept.rows.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(rows, names, "`cargo bench --bench instructions -- --bless` writes it");
    assert!(kept.origin.rustc.starts_with("rustc 1."), "{:?}", kept.origin);
}

#[test]
fn what_is_written_is_read() {
    let origin =
        Origin { rustc: "rustc 1.95.0 (abc 2026-04-14)".to_owned(), target: "x86_64-unknown-linux-gnu".to_owned() };
    let rows = vec![("send, 8 bytes".to_owned(), 12.5), ("of 64, a message".to_owned(), 123_456_789_012.25)];
    let counts = Counts { origin, rows };
    assert_eq!(Counts::parse(&counts.print()), Ok(counts.clone()));
    assert_eq!((counts.of("send, 8 bytes"), counts.of("send")), (Some(12.5), None));
}

#[test]
fn a_baseline_that_is_none_is_refused_with_the_reason() {
    let head = "# rustc: r\n# target: t\n";
    for (text, why) in [
        (String::new(), "its rustc"),
        ("# rustc: r\n".to_owned(), "its target"),
        (format!("{head}12.00"), "line 3"),
        (format!("{head}12.00  \n"), "line 3"),
        (format!("{head}\n  many  send\n"), "line 4"),
        (format!("{head}-1.00  send\n"), "line 3"),
        (format!("{head}NaN  send\n"), "line 3"),
        (format!("{head}inf  send\n"), "line 3"),
    ] {
        let error = Counts::parse(&text).expect_err(&text);
        assert!(error.contains(why), "{text:?}: {error}");
    }
}

#[test]
fn reports_of_callgrind_are_read() {
    let report = "==7== Events    : Ir\n==7== Collected : 134311\n==7== \n==7== I   refs:      134,311\n";
    assert_eq!(collected(report), Some(134_311));
    // With more events the instructions come first.
    assert_eq!(collected("==7== Collected : 12 3 4\n"), Some(12));
    for none in ["", "==7== Collected :\n", "==7== Collected : -\n", "valgrind: failed to start tool\n"] {
        assert_eq!(collected(none), None, "{none}");
    }
}

#[test]
fn more_than_two_instructions_or_three_in_a_hundred_is_loud() {
    let is_loud = |count, before| matches!(difference(count, Some(before)), Difference::More(_));
    for (count, before, loud) in [
        (100.0, 100.0, false),
        (101.9, 100.0, false), // 2 instructions
        (102.1, 100.0, true),
        (1001.9, 1000.0, false),
        (1002.1, 1000.0, true),
        (20.5, 20.0, false), // 3 in a hundred
        (20.7, 20.0, true),
        (99.0, 100.0, false),
        (0.0, 100.0, false),
    ] {
        assert_eq!(is_loud(count, before), loud, "{count} after {before}");
    }
    assert_eq!(difference(90.0, Some(100.0)), Difference::Less(-10.0));
    assert_eq!(difference(99.0, Some(100.0)), Difference::Same(-1.0));
    assert_eq!(difference(99.0, None), Difference::New);
    // The file has two digits: a third is no difference, and none is written as -0.
    assert_eq!(format!("{:?}", difference(53.987, Some(53.99))), "Same(0.0)");
}
