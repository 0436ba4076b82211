//! `ringway bench`, as processes: what it says, what it draws, what it finds, and what is left behind. How fast anything is
//! is nobody's business here.
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use process::{Directory, Process, SOON, in_small, ringway, run, until};
use serde_json::Value;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// One test at a time: all measure on the same two processors, and who spins there keeps the others from it.
fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// As little as there can be.
const TINY: [&str; 4] = ["--rounds", "1", "--run-ms", "5"];

/// The subcommands, each with little to do.
const BENCHES: [&[&str]; 6] = [
    &["bench", "rtt", "--bytes", "8,64"],
    &["bench", "rate", "--bytes", "8,256", "--batch", "1,8"],
    &["bench", "burst", "--count", "10", "--every", "1ms"],
    &["bench", "bulk", "--bytes", "4K,192K"],
    &["bench", "copy-vs-map", "--bytes", "192K,64,4K"],
    &["bench", "waiters"],
];

fn with<'a>(args: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [args, more].concat()
}

/// The results of one round.
fn json(args: &[&str]) -> Value {
    let directory = Directory::new("bench");
    let ended = run(&with(&with(args, &TINY), &["--json", &directory.arg()]));
    assert_eq!(ended.code, 0, "{ended:?}");
    assert!(directory.names().is_empty());
    // A debug build, a busy machine: warnings, and nothing else.
    assert!(ended.stderr.lines().all(|line| line.starts_with("ringway: warning: ")), "{ended:?}");
    let results: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    let warnings = results["warnings"].as_array().expect("warnings");
    assert_eq!(warnings.len(), ended.stderr.lines().count(), "{ended:?}");
    let machine = &results["machine"];
    assert!(machine["cpus"].as_u64().is_some_and(|cpus| cpus > 0), "{results}");
    assert!(machine["clock_reading_ns"].as_f64().is_some_and(|ns| ns > 0.0), "{results}");
    for key in ["model", "kernel", "ringway_version"] {
        assert!(machine[key].as_str().is_some_and(|text| !text.is_empty()), "{key}: {results}");
    }
    assert_eq!((results["rounds"].as_u64(), results["run_ms"].as_f64()), (Some(1), Some(5.0)));
    results
}

fn rows(results: &Value) -> &[Value] {
    results["results"].as_array().expect("rows")
}

#[track_caller]
fn has_positive(row: &Value, keys: &[&str]) {
    for key in keys {
        assert!(row[key].as_f64().is_some_and(|number| number > 0.0), "{key}: {row}");
    }
}

/// With one processor nobody spins, and what is measured is less.
fn is_single() -> bool {
    let set = nix::sched::sched_getaffinity(Pid::from_raw(0)).expect("our own");
    (0..nix::sched::CpuSet::count()).filter(|cpu| set.is_set(*cpu) == Ok(true)).count() == 1
}

// What is said.

#[test]
fn round_trips_are_compared_with_their_limits() {
    let _turn = turn();
    let results = json(BENCHES[0]);
    assert_eq!(results["bench"], "rtt");
    let of = |via: &str| rows(&results).iter().filter(|row| row["via"] == via).collect::<Vec<_>>();
    let (atomics, futex, channels) = (of("atomics").len(), of("futex").len(), of("ringway"));
    assert_eq!((atomics, futex, channels.len()), if is_single() { (0, 1, 2) } else { (1, 1, 6) });
    for row in rows(&results) {
        has_positive(row, &["bytes", "median_ns", "min_ns", "max_ns", "trips"]);
        has_positive(row, &["trip_p50_ns", "trip_p99_ns", "trip_p99_9_ns", "trip_max_ns"]);
        assert_eq!(row["rounds_ns"].as_array().map(Vec::len), Some(1), "{row}");
    }
    for row in channels {
        has_positive(row, &["ratio_to_limit"]);
        let limit = if row["waiting"] == "sleep" { "futex" } else { "atomics" };
        assert_eq!(row["limit"], limit, "{row}");
    }
}

#[test]
fn rates_are_compared_with_bare_lines_and_a_pipe() {
    let _turn = turn();
    let results = json(BENCHES[1]);
    assert_eq!(results["bench"], "rate");
    let of = |via: &str| rows(&results).iter().filter(|row| row["via"] == via).collect::<Vec<_>>();
    let (lines, pipes, channels) = (of("lines").len(), of("pipe").len(), of("ringway"));
    assert_eq!((lines, pipes, channels.len()), if is_single() { (0, 4, 4) } else { (1, 4, 8) });
    for row in rows(&results) {
        has_positive(row, &["bytes", "batch", "median_gigabytes_per_second"]);
        has_positive(row, &["median_millions_per_second", "min_millions_per_second", "max_millions_per_second"]);
        assert_eq!(row["rounds_gigabytes_per_second"].as_array().map(Vec::len), Some(1), "{row}");
    }
    for row in channels {
        has_positive(row, if is_single() { &["ratio_to_pipe"] } else { &["ratio_to_pipe", "ratio_to_lines"] });
        assert!(row["waiting"].is_string(), "{row}");
    }
}

#[test]
fn bursts_show_what_each_way_of_waiting_costs() {
    let _turn = turn();
    let results = json(BENCHES[2]);
    assert_eq!(results["bench"], "burst");
    for row in rows(&results) {
        assert_eq!((row["every_us"].as_u64(), row["count"].as_u64()), (Some(1000), Some(10)), "{row}");
        has_positive(row, &["first_p50_us", "first_p99_us", "last_p50_us", "last_p99_us", "bursts"]);
        has_positive(row, &["sender_cpu_ms_per_second", "receiver_cpu_ms_per_second"]);
        assert!(row["wakes_per_burst"].is_number() && row["sleeps_per_burst"].is_number(), "{row}");
    }
    if !is_single() {
        let waiting: Vec<_> = rows(&results).iter().map(|row| row["waiting"].as_str().expect("text")).collect();
        assert_eq!(waiting, ["0 us", "5 us", "10 us", "20 us", "50 us", "100 us", "200 us", "spin"]);
        let spins: Vec<_> = rows(&results).iter().map(|row| row["spin_us"].as_u64()).collect();
        assert_eq!(spins, [Some(0), Some(5), Some(10), Some(20), Some(50), Some(100), Some(200), None]);
        let defaults: Vec<_> = rows(&results).iter().filter(|row| row["is_default"] == true).collect();
        assert!(defaults.len() == 1 && defaults[0]["waiting"] == "20 us", "{defaults:?}");
        let spinning = rows(&results).last().expect("the last");
        assert_eq!(spinning["sleeps_per_burst"].as_f64(), Some(0.0), "{spinning}");
    }
}

#[test]
fn large_messages_are_compared_with_the_best_bare_pipeline_a_pipe_and_a_socket() {
    let _turn = turn();
    let results = json(BENCHES[3]);
    assert_eq!(results["bench"], "bulk");
    let of = |via: &str| rows(&results).iter().filter(|row| row["via"] == via).collect::<Vec<_>>();
    let counts = ["chunks", "ringway", "pipe", "socket"].map(|via| of(via).len());
    assert_eq!(counts, if is_single() { [0, 2, 2, 2] } else { [10, 4, 2, 2] });
    for row in rows(&results) {
        has_positive(row, &["bytes", "median_gigabytes_per_second", "median_messages_per_second"]);
        has_positive(row, &["min_gigabytes_per_second", "max_gigabytes_per_second"]);
        assert_eq!(row["rounds_gigabytes_per_second"].as_array().map(Vec::len), Some(1), "{row}");
        has_positive(
            row,
            &["ratio_to_limit", "ratio_to_pipe", "ratio_to_socket"].map(|key| {
                let is_it = key.ends_with(row["via"].as_str().expect("text"));
                let is_there = !is_it && row["is_limit"] == false && !(is_single() && key == "ratio_to_limit");
                if is_there { key } else { "bytes" }
            }),
        );
    }
    for bytes in [4096, 192 << 10] {
        let limits: Vec<_> =
            of("chunks").into_iter().filter(|row| row["bytes"] == bytes && row["is_limit"] == true).collect();
        assert_eq!(limits.len(), usize::from(!is_single()));
        for limit in limits {
            has_positive(limit, &["chunk_bytes", "chunks"]);
            let best = |row: &&&Value| {
                row["bytes"] == bytes
                    && row["median_gigabytes_per_second"].as_f64() > limit["median_gigabytes_per_second"].as_f64()
            };
            assert_eq!(of("chunks").iter().filter(best).count(), 0, "{limit}");
        }
    }
    for row in of("ringway") {
        assert!(row["waiting"].is_string(), "{row}");
    }
}

#[test]
fn copying_is_compared_with_mapping_size_by_size() {
    let _turn = turn();
    let results = json(&with(BENCHES[4], &["--copy-up-to", "1K"]));
    assert_eq!((&results["bench"], &results["threshold_bytes"]), (&"copy-vs-map".into(), &1024.into()));
    // From small to large, whatever the order they were asked in.
    let measured: Vec<_> = rows(&results).iter().map(|row| (row["bytes"].as_u64().unwrap(), &row["via"])).collect();
    let ways = ["copied", "placed", "mapped", "chosen"].map(Value::from);
    let expected: Vec<_> =
        [64, 4096, 192 << 10].iter().flat_map(|bytes| ways.each_ref().map(|via| (*bytes, via))).collect();
    assert_eq!(measured, expected);
    let mut crossing = None;
    for row in rows(&results) {
        has_positive(row, &["median_ns", "min_ns", "max_ns", "median_gigabytes_per_second"]);
        assert_eq!(row["rounds_ns"].as_array().map(Vec::len), Some(1), "{row}");
        assert_eq!(row["ratio_to_copied"].is_null(), row["via"] == "copied", "{row}");
        if row["via"] == "mapped" {
            let is_sooner = row["ratio_to_copied"].as_f64().expect("a ratio") < 1.0;
            crossing = if is_sooner { crossing.or(row["bytes"].as_u64()) } else { None };
        }
    }
    assert_eq!(results["crossing_bytes"].as_u64(), crossing, "{results}");
}

#[test]
fn waiters_are_compared_with_futexes_in_processes_and_in_threads() {
    let _turn = turn();
    let results = json(&with(BENCHES[5], &["--waiter", "eventfd,futex,message-queue"]));
    assert_eq!(results["bench"], "waiters");
    let seen: Vec<_> = rows(&results).iter().map(|row| (row["via"].as_str(), row["waiter"].as_str())).collect();
    let processes = ["futex", "message-queue"].map(|waiter| (Some("ringway"), Some(waiter)));
    let threads = ["eventfd", "futex", "message-queue"].map(|waiter| (Some("heap"), Some(waiter)));
    assert_eq!(seen, [&[(Some("futex"), None)][..], &processes, &threads].concat());
    for row in rows(&results) {
        has_positive(row, &["median_ns", "min_ns", "max_ns", "trip_p50_ns", "trip_p99_ns"]);
        if row["waiter"].is_string() {
            has_positive(row, &["wake_p50_ns", "wake_p99_ns", "ratio_to_futex"]);
        }
    }
}

#[test]
fn tables_are_for_people() {
    let _turn = turn();
    for (bench, parts) in BENCHES.into_iter().zip([
        ["round trip, ns", "median", "limit: bare futexes"],
        ["one way", "GB/s", "8 B, one at a time, pipe"],
        ["10 messages every 1 ms", "receiver, ms/s", "sleeps"],
        ["192 KiB, default", "GB/s", "4 KiB, socket"],
        ["copied, ns", "192 KiB", "crossing: "],
        ["asleep, ns", "two threads, eventfd", "two processes, message-queue"],
    ]) {
        let ended = run(&with(bench, &TINY));
        assert_eq!(ended.code, 0, "{ended:?}");
        let table = String::from_utf8(ended.stdout).expect("text");
        assert!(table.contains("Linux") && parts.iter().all(|part| table.contains(part)), "{table}");
    }
}

// What is drawn.

#[test]
fn charts_have_axes_and_names() {
    let _turn = turn();
    let directory = Directory::new("charts");
    for (bench, names) in BENCHES.into_iter().zip([
        &["percentile of single round trips", "nanoseconds", "limit: bare futexes", "64 B, sleep", "90 %"][..],
        &["GB/s", "8 B, one at a time, pipe", "256 B, by 8, pipe"],
        &["processor time of both sides, milliseconds a second", "every 1 ms"],
        &["GB/s", "4 KiB, pipe", "192 KiB, socket"],
        &["bytes of a message", "copied", "mapped", "4 KiB"],
        &["limit: bare futexes", "two processes, semaphore", "two threads, condvar"],
    ]) {
        let path = directory.0.join(format!("{}.svg", bench[1]));
        // What was there before is longer than any chart.
        fs::write(&path, vec![b'x'; 1 << 20]).unwrap();
        let ended = run(&with(&with(bench, &TINY), &["--plot", path.to_str().unwrap()]));
        assert_eq!(ended.code, 0, "{ended:?}");
        let text = fs::read_to_string(&path).expect("a chart");
        let chart = roxmltree::Document::parse(&text).expect("XML");
        assert_eq!(chart.root_element().tag_name().name(), "svg");
        let texts: Vec<_> = chart.descendants().filter_map(|node| node.text()).map(str::trim).collect();
        for name in names {
            assert!(texts.contains(name), "{name}: {texts:?}");
        }
        if bench[1] == "burst" && !is_single() {
            for name in ["0 us", "20 us (default)", "200 us", "spin"] {
                assert!(texts.contains(&name), "{name}: {texts:?}");
            }
        }
        let is_line = |name: &str| matches!(name, "line" | "polyline");
        let lines = chart.descendants().filter(|node| is_line(node.tag_name().name())).count();
        assert!(lines > 2, "no axes: {text}");
    }
}

// What goes wrong.

#[test]
fn one_wrong_message_is_found_wherever_it_goes() {
    let _turn = turn();
    for (bench, vias) in BENCHES.into_iter().zip([
        &["ringway", "atomics", "futex"][..],
        &["ringway", "lines", "pipe"],
        &["ringway"],
        &["ringway", "chunks", "pipe", "socket"],
        &["copied", "placed", "mapped", "chosen"],
        &["ringway", "heap", "futex"],
    ]) {
        for via in vias {
            if is_single() && matches!(*via, "atomics" | "lines" | "chunks") {
                continue;
            }
            let directory = Directory::new("spoilt");
            let spoil = format!("{via}:12");
            let ended = run(&with(&with(bench, &TINY), &["--spoil", &spoil, &directory.arg()]));
            ended.badly(&["bench: message ", " is wrong"]);
            assert!(directory.names().is_empty());
        }
    }
}

#[test]
fn what_cannot_be_measured_is_refused_in_one_line() {
    let _turn = turn();
    let tiny = |args: &[&'static str]| run(&with(args, &TINY));
    for bench in BENCHES {
        tiny(&with(bench, &["--dir", "/no/such/directory"])).badly(&["/no/such/directory"]);
        tiny(&with(bench, &["--dir", env!("CARGO_MANIFEST_DIR")])).badly(&["tmpfs"]);
        tiny(&with(bench, &["--capacity", "0"])).badly(&["capacity"]);
        tiny(&with(bench, &["--plot", "/no/such/directory/x.svg"])).badly(&["/no/such/directory/x.svg"]);
        tiny(&with(bench, &["--cpus", "0,0"])).badly(&["--cpus"]);
        for odd in [&["--rounds", "0"][..], &["--run-ms", "0"], &["--seconds", "nan"], &["--seconds", "-1"]] {
            assert_eq!(run(&with(bench, odd)).code, 2, "{odd:?}");
        }
    }
    for odd in [
        &["bench"][..],
        &["bench", "fly"],
        &["bench", "rtt", "--bytes", "9"],
        &["bench", "rate", "--batch", "0"],
        &["bench", "burst", "--every", "5"],
        &["bench", "bulk", "--bytes", "12"],
        &["bench", "bulk", "--bytes", "0"],
        &["bench", "bulk", "--bytes", "2G"],
        &["bench", "copy-vs-map", "--bytes", "12"],
        &["bench", "copy-vs-map", "--copy-up-to", "much"],
        &["bench", "copy-vs-map", "--quick", "--bytes", "64"],
        &["bench", "copy-vs-map", "--quick", "--rounds", "3"],
        &["bench", "burst", "--count", "0"],
        &["bench", "waiters", "--waiter", "pillow"],
        &["bench-worker", "{}"],
    ] {
        assert_eq!(run(odd).code, 2, "{odd:?}");
    }
}

#[test]
fn a_chart_that_is_never_drawn_leaves_no_file() {
    let _turn = turn();
    let directory = Directory::new("no-chart");
    let path = directory.0.join("x.svg");
    let plot = path.to_str().unwrap();
    run(&with(BENCHES[0], &["--dir", "/no/such/directory", "--plot", plot])).badly(&[]);
    assert!(directory.names().is_empty());
    fs::write(&path, "what was there").unwrap();
    run(&with(BENCHES[0], &["--dir", "/no/such/directory", "--plot", plot])).badly(&[]);
    assert_eq!(fs::read_to_string(&path).unwrap(), "what was there");
}

#[test]
fn a_full_file_system_is_said_to_be_full() {
    let _turn = turn();
    for script in [
        "bench rtt --capacity 10000",
        "bench rate",
        "bench burst --capacity 100000",
        "bench bulk",
        "bench copy-vs-map --capacity 100000",
        "bench waiters --capacity 100000",
    ] {
        let Some(ended) = in_small(script) else { return };
        ended.badly(&["not enough room in /dev/shm", "--capacity"]);
    }
}

/// A benchmark that takes for ever in its first measurement through channels, and its workers. `channel` is one of theirs.
fn long_bench(args: &[&str], directory: &Directory) -> (Process, Vec<i32>) {
    let bench = Process::new(&mut ringway(&with(args, &["--run-ms", "600000", &directory.arg()])));
    let path = format!("/proc/{0}/task/{0}/children", bench.pid());
    let mut workers = Vec::new();
    until("two workers", || {
        let text = fs::read_to_string(&path).unwrap_or_default();
        workers = text.split_whitespace().map(|pid| pid.parse().expect("a pid")).collect();
        workers.len() == 2 && is_at_work(bench.pid(), &workers, directory)
    });
    (bench, workers)
}

/// Messages move, or both workers share memory that has no name.
fn is_at_work(bench: u32, workers: &[i32], directory: &Directory) -> bool {
    let name = format!("bench-{bench}-there");
    let moves = ringway::observe::stat(&name, Some(&directory.0)).is_ok_and(|seen| seen.received > 0);
    let shares = |pid: &i32| {
        fs::read_to_string(format!("/proc/{pid}/maps")).is_ok_and(|maps| maps.contains("memfd:ringway-bench"))
    };
    moves || workers.iter().all(shares)
}

fn until_gone(workers: &[i32]) {
    let gone = |pid: &i32| !fs::exists(format!("/proc/{pid}/exe")).is_ok_and(|there| there);
    until("the workers go too", || workers.iter().all(gone));
}

#[test]
fn nothing_is_left_when_it_is_told_to_stop_or_killed() {
    let _turn = turn();
    for args in BENCHES {
        for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGKILL] {
            let directory = Directory::new("stopped-bench");
            let (bench, workers) = long_bench(args, &directory);
            bench.signal(signal);
            let ended = bench.end_by_itself().soon();
            let code = if signal == Signal::SIGKILL { 1009 } else { 128 + signal as i32 };
            assert_eq!((ended.code, ended.stderr.as_str()), (code, ""), "{ended:?}");
            until_gone(&workers);
            assert!(directory.names().is_empty(), "{:?}", directory.names());
        }
    }
}

#[test]
fn a_killed_worker_is_told_of() {
    let _turn = turn();
    for args in BENCHES {
        for victim in 0..2 {
            let directory = Directory::new("killed-worker");
            let (bench, workers) = long_bench(args, &directory);
            kill(Pid::from_raw(workers[victim]), Signal::SIGKILL).unwrap();
            let ended = bench.end().badly(&["was killed by signal 9"]);
            assert!(ended.took < 2 * SOON, "{ended:?}");
            until_gone(&workers);
            assert!(directory.names().is_empty());
        }
    }
}
