//! `ringway ls`, `stat` and `inspect`, as processes, at channels between processes.
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;

use nix::sys::signal::Signal;
use process::{Directory, Ended, Process, feed, noise, run, seen, start, take, unique, until, until_receiving};
use ringway::spsc::Sender;
use ringway::{Options, Placement};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::{OpenOptionsExt, symlink};
use std::process::ChildStdin;
use std::time::{Duration, Instant};

fn json(args: &[&str]) -> Value {
    let text = run(args).well();
    serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)))
}

fn text(args: &[&str]) -> String {
    String::from_utf8(run(args).well()).expect("text")
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

/// A stream that never ends, and whoever sends it.
fn busy(name: &str, directory: &Directory) -> [Process; 2] {
    let sender = start(&["send", name, "/dev/zero", "--capacity=64K", &directory.arg()]);
    let mut receiver = start(&["recv", name, "--capacity=64K", &directory.arg()]);
    let mut stdout = receiver.stdout();
    std::thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
    until("it flows", || ringway::observe::stat(name, Some(&directory.0)).is_ok_and(|seen| seen.received > 1_000_000));
    [sender, receiver]
}

/// A stream that holds a thousand bytes, and nothing moves.
fn idle(name: &str, directory: &Directory) -> (Process, ChildStdin) {
    let mut sender = start(&["send", name, "--capacity=64K", &directory.arg()]);
    let mut stdin = sender.stdin();
    feed(&mut stdin, &noise(1, 1000));
    until("a thousand bytes", || ringway::observe::stat(name, Some(&directory.0)).is_ok_and(|seen| seen.sent == 1000));
    (sender, stdin)
}

// Rates.

#[test]
fn the_list_has_rates_of_those_that_move() {
    let directory = Directory::new("rates");
    let [sender, receiver] = busy("busy", &directory);
    let idle = idle("idle", &directory);
    let rows = json(&["ls", "--json", &directory.arg()]);
    let rate = |row: usize, what: &str| rows[row][what].as_f64().unwrap_or_else(|| panic!("a rate: {rows}"));
    assert_eq!((rows[0]["name"].as_str(), rows[1]["name"].as_str()), (Some("busy"), Some("idle")));
    assert!(rate(0, "sent_per_second") > 0.0 && rate(0, "received_per_second") > 0.0, "{rows}");
    assert!(rate(1, "sent_per_second") == 0.0 && rate(1, "received_per_second") == 0.0, "{rows}");
    let table = text(&["ls", "--interval=20ms", &directory.arg()]);
    let lines: Vec<&str> = table.lines().collect();
    assert!(lines[0].contains("SENT/S") && lines[0].contains("RECEIVED/S"), "{table}");
    assert!(lines[1].contains("B/s") && !lines[1].contains("0 B/s  0 B/s"), "{table}");
    assert!(lines[2].contains("0 B/s") && lines[2].matches("B/s").count() == 2, "{table}");

    let once = json(&["ls", "--json", "--interval=0", &directory.arg()]);
    assert!(once[0]["sent"].as_u64() > Some(0), "{once}");
    for row in [&once[0], &once[1]] {
        assert!(row["sent_per_second"].is_null() && row["received_per_second"].is_null(), "{once}");
    }
    assert!(text(&["ls", "--interval=0", &directory.arg()]).contains(" -  "), "no rate is a dash");
    for process in [sender, receiver, idle.0] {
        process.kill();
    }
}

#[test]
fn all_channels_are_looked_at_in_the_same_interval() {
    let directory = Directory::new("at-once");
    let channels: Vec<_> = (0..8)
        .map(|n| Sender::<u64>::create_with(&format!("c{n}"), &Options::new().dir(&directory.0).capacity(4)).unwrap())
        .collect();
    let started = Instant::now();
    let rows = json(&["ls", "--json", "--interval=1s", &directory.arg()]);
    let took = started.elapsed();
    assert!(rows.as_array().unwrap().iter().all(|row| row["sent_per_second"].as_f64() == Some(0.0)), "{rows}");
    assert_eq!(rows.as_array().unwrap().len(), channels.len());
    assert!(took >= Duration::from_secs(1) && took < Duration::from_secs(6), "{took:?} for one interval of a second");
}

#[test]
fn a_channel_that_goes_or_comes_between_the_looks_is_told_as_it_is_at_the_end() {
    let directory = Directory::new("between");
    let options = Options::new().dir(&directory.0).capacity(4);
    let goes = Sender::<u64>::create_with("goes", &options).unwrap();
    let replaced = Sender::<u64>::create_with("replaced", &options).unwrap();
    let _stays = Sender::<u64>::create_with("stays", &options).unwrap();
    let list = start(&["ls", "--json", "--interval=2s", &directory.arg()]);
    // Between its looks it sleeps, and nowhere else.
    let sleeps = || {
        let told = |what: &str| fs::read_to_string(format!("/proc/{}/{what}", list.pid())).unwrap_or_default();
        // A kernel that does not tell in which call says 0.
        told("wchan").contains("nanosleep") || told("wchan") == "0" && told("stat").contains(") S ")
    };
    until("the first look is over", sleeps);
    drop((goes, replaced));
    let _comes = Sender::<u64>::create_with("comes", &options).unwrap();
    let _replaced = Sender::<u64>::create_with("replaced", &options).unwrap();
    let rows: Value = serde_json::from_slice(&list.end().well()).unwrap();
    let told: Vec<_> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["name"].as_str().unwrap(), row["sent_per_second"].as_f64()))
        .collect();
    assert_eq!(told, [("comes", None), ("replaced", None), ("stays", Some(0.0))]);
}

// Persistent ones.

#[test]
fn a_persistent_channel_is_told_kept_by_clean_and_removed_by_rm() {
    let directory = Directory::new("kept");
    let dir = directory.arg();
    let options = Options::new().dir(&directory.0).capacity(4).persistent(true);
    let mut tx = Sender::<u64>::create_with("queue", &options).unwrap();
    tx.send(1).unwrap();
    let mut user = Some(tx);
    for _ in ["in use", "not in use"] {
        let row = &json(&["ls", "--json", "--interval=0", &dir])[0];
        assert_eq!((row["persistent"].as_bool(), row["stale"].as_bool()), (Some(true), Some(false)), "{row}");
        assert_eq!(row["depth"].as_u64(), Some(1));
        let table = text(&["ls", "--interval=0", &dir]);
        assert!(table.lines().nth(1).is_some_and(|line| line.ends_with("persistent")), "{table}");
        assert!(!table.contains("stale"), "{table}");
        assert!(text(&["stat", "queue", "--interval=0", &dir]).starts_with("channel   queue (spsc, persistent)\n"));
        let page = text(&["inspect", "queue", &dir]);
        let line = page.lines().find(|line| line.contains(" lifetime ")).expect("a line");
        assert!(line.contains("  2  persistent  "), "{line}");
        let kept = text(&["clean", &dir]);
        assert_eq!(kept, "kept queue: persistent (`ringway rm` removes it)\n");
        let row = &json(&["clean", "--json", &dir])[0];
        assert_eq!((row["removed"].as_bool(), row["persistent"].as_bool()), (Some(false), Some(true)), "{row}");
        if let Some(user) = user.take() {
            run(&["rm", "queue", &dir]).badly(&["queue", "in use", &format!("sender {}", std::process::id())]);
            drop(user);
        }
    }
    assert_eq!(text(&["rm", "queue", &dir]), "removed queue\n");
    assert!(directory.names().is_empty());
}

// One channel.

const KEYS: [&str; 22] = [
    "capacity",
    "depth",
    "frame_bytes",
    "frames",
    "instance",
    "kind",
    "message_align",
    "message_bytes",
    "message_tag",
    "messages_per_frame",
    "name",
    "path",
    "persistent",
    "placement",
    "received",
    "received_per_second",
    "receiver",
    "sender",
    "sent",
    "sent_per_second",
    "stale",
    "total_bytes",
];

#[test]
fn a_channel_is_told_in_full() {
    let directory = Directory::new("stat");
    let (sender, stdin) = idle("x", &directory);
    let object = json(&["stat", "x", "--json", &directory.arg()]);
    let mut told = keys(&object);
    told.sort_unstable();
    assert_eq!(told, KEYS);
    let listed = json(&["ls", "--json", &directory.arg()]);
    assert_eq!(keys(&listed[0]), keys(&object), "one object for both");
    assert_eq!(
        ["kind", "placement"].map(|key| object[key].as_str().unwrap().to_owned()),
        ["stream", "table"].map(str::to_owned)
    );
    for (key, value) in [("capacity", 65536), ("depth", 1000), ("sent", 1000), ("received", 0), ("message_bytes", 1)] {
        assert_eq!(object[key].as_u64(), Some(value), "{key}");
    }
    assert_eq!(object["instance"].as_str().map(str::len), Some(32));
    assert_eq!((object["sent_per_second"].as_f64(), object["stale"].as_bool()), (Some(0.0), Some(false)));
    let end = &object["sender"];
    assert_eq!(keys(end), ["asleep", "command", "generation", "mute", "pid", "quiet", "state"]);
    assert_eq!((end["state"].as_str(), end["command"].as_str()), (Some("attached"), Some("ringway")));
    assert_eq!((end["pid"].as_u64(), end["generation"].as_u64()), (Some(sender.pid().into()), Some(1)));
    assert_eq!((end["quiet"].as_bool(), end["mute"].as_bool()), (Some(false), Some(false)));
    assert_eq!((object["receiver"]["state"].as_str(), object["receiver"]["pid"].as_u64()), (Some("never"), None));

    let page = text(&["stat", "x", &directory.arg()]);
    let attached = format!("attached, pid {} (ringway), generation 1", sender.pid());
    for part in ["x (stream)", "1000 B of 64 KiB", "0 B/s", &attached, "never", object["instance"].as_str().unwrap()] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }

    let pid = sender.pid();
    sender.kill();
    let object = json(&["stat", "x", "--json", &directory.arg()]);
    assert_eq!((object["sender"]["state"].as_str(), object["stale"].as_bool()), (Some("died"), Some(true)));
    assert_eq!(
        (object["sender"]["pid"].as_u64(), object["sender"]["asleep"].as_bool()),
        (Some(pid.into()), Some(false))
    );
    let page = text(&["stat", "x", &directory.arg()]);
    assert!(page.contains("stale") && page.contains(&format!("died, pid {pid}, generation 1")), "{page}");
    drop(stdin);
}

#[test]
fn one_who_waits_is_told_to_sleep() {
    let name = unique("asleep");
    let receiver = start(&["recv", &name]);
    until_receiving(&name);
    let is_asleep = || json(&["stat", &name, "--json", "--interval=0"])["receiver"]["asleep"].as_bool() == Some(true);
    until("the receiver sleeps", is_asleep);
    until("the page says so", || text(&["stat", &name, "--interval=0"]).contains(", asleep"));
    receiver.signal(Signal::SIGTERM);
    receiver.end_by_itself();
}

#[test]
fn a_message_channel_is_told_in_messages() {
    let directory = Directory::new("messages");
    let options = Options::new().dir(&directory.0).capacity(10).placement(Placement::Inline).type_tag(0xab);
    let mut tx = Sender::<[u32; 4]>::create_with("m", &options).unwrap();
    tx.send_many(&[[1; 4]; 7]).unwrap();
    let object = json(&["stat", "m", "--json", &directory.arg()]);
    for (key, value) in [("message_bytes", 16), ("message_align", 4), ("message_tag", 0xab), ("sent", 7), ("depth", 7)]
    {
        assert_eq!(object[key].as_u64(), Some(value), "{key}");
    }
    let page = text(&["stat", "m", &directory.arg()]);
    for part in ["m (spsc)", "16 bytes, aligned to 4, tag 0xab", "10 messages", "7 of 10", "0/s"] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
}

// Again and again.

fn lines(ended: Ended) -> Vec<Value> {
    let text = String::from_utf8(ended.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_channel_is_watched_so_many_times() {
    let directory = Directory::new("count");
    let [sender, receiver] = busy("x", &directory);
    let args = ["stat", "x", "--json", "--every=50ms", "--count=3", "--interval=50ms", &directory.arg()];
    let told = lines(run(&args));
    assert_eq!(told.len(), 3);
    assert!(told.iter().all(|object| object["sent_per_second"].as_f64() > Some(0.0)), "{told:?}");
    assert!(told[0]["sent"].as_u64() < told[2]["sent"].as_u64(), "{told:?}");
    let args = ["stat", "x", "--json", "--every=50ms", "--count=2", "--interval=0", &directory.arg()];
    let told = lines(run(&args));
    assert!(told[0]["sent_per_second"].is_null() && told[1]["sent_per_second"].as_f64() > Some(0.0), "{told:?}");
    let pages = text(&["stat", "x", "--every=1ms", "--count=2", &directory.arg()]);
    assert_eq!(pages.matches("\nreceiver ").count(), 2, "{pages}");
    sender.kill();
    receiver.kill();
}

#[test]
fn a_channel_is_watched_to_its_end() {
    for as_json in [true, false] {
        let name = unique("to-the-end");
        let tx = Sender::<u64>::create(&name, 4).unwrap();
        let mut args = vec!["stat", &name, "--every=10ms"];
        args.extend(as_json.then_some("--json"));
        let mut watcher = start(&args);
        let mut stdout = watcher.stdout();
        take(&mut stdout, 100);
        drop(tx);
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
        watcher.end().well();
        assert_eq!(rest.ends_with("\ngone\n"), !as_json, "{rest}");
    }
}

#[test]
fn one_who_watches_stops_when_told_to() {
    let name = unique("watch");
    let _tx = Sender::<u64>::create(&name, 4).unwrap();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        // Asleep between two looks, and blocked in a write that nobody reads.
        for every in ["--every=1h", "--every=1us"] {
            let mut watcher = start(&["stat", &name, "--json", "--interval=0", every]);
            let mut stdout = watcher.stdout();
            take(&mut stdout, 10);
            watcher.signal(signal);
            let ended = watcher.end_by_itself().soon();
            assert_eq!((ended.code, ended.stderr.as_str()), (128 + signal as i32, ""), "{every}");
        }
    }
    let mut watcher = start(&["stat", &name, "--every=1ms"]);
    drop(watcher.stdout());
    watcher.end_by_itself().badly(&["cannot write the output"]).soon();
}

#[test]
fn what_cannot_be_looked_at_is_refused() {
    let directory = Directory::new("refused");
    for command in ["stat", "inspect"] {
        run(&[command, "nothing", &directory.arg()]).badly(&["nothing: no channel at", "ringway ls"]);
        for name in ["", "a/b", ".hidden", "a b", "line\nbreak", &"x".repeat(201)] {
            run(&[command, name]).badly(&[]);
        }
        assert_eq!(run(&[command]).code, 2);
    }
    for bad in ["--every=0", "--every=1", "--every=-1s", "--count=2", "--interval=1", "--interval=soon"] {
        assert_eq!(run(&["stat", "x", bad]).code, 2, "{bad}");
    }
    assert_eq!(run(&["stat", "x", "--every=1s", "--count=0"]).code, 2);
    assert_eq!(run(&["ls", "--interval=2d"]).code, 2);
}

// Field by field.

#[test]
fn a_file_is_told_field_by_field() {
    let directory = Directory::new("inspect");
    let options = Options::new().dir(&directory.0).capacity(10).placement(Placement::Inline);
    let mut tx = Sender::<u64>::create_with("x", &options).unwrap();
    tx.send_many(&[5; 9]).unwrap();
    let object = json(&["inspect", "x", "--json", &directory.arg()]);
    assert_eq!((object["sound"].as_bool(), object["problems"].as_array().map(Vec::len)), (Some(true), Some(0)));
    // The library's tests compare every field with SPEC.md: here, that the program prints all of it.
    let seen = ringway::observe::inspect("x", Some(&directory.0), 3).unwrap();
    let rows = object["fields"].as_array().unwrap();
    assert_eq!(rows.len(), seen.fields.len());
    for (row, field) in rows.iter().zip(&seen.fields) {
        assert_eq!((row["name"].as_str(), row["page"].as_str()), (Some(field.name), Some(field.page.name())));
        assert_eq!(
            ["offset", "at", "bytes"].map(|key| row[key].as_u64().unwrap()),
            [field.offset, field.at(), field.bytes]
        );
        assert_eq!((row["value"].as_u64(), row["meaning"].as_str()), (field.number(), Some(field.meaning)));
        assert!(row["problem"].is_null(), "{row}");
    }
    let words = &object["words"];
    assert_eq!(["head", "tail", "per", "frames"].map(|key| words[key].as_u64().unwrap()), [0, 9, 7, 3]);
    assert!(object.get("frames").is_none());
    let listed = json(&["inspect", "x", "--json", "--frames", &directory.arg()]);
    let published: Vec<_> = listed["frames"].as_array().unwrap().iter().map(|row| row["published"].as_u64()).collect();
    assert_eq!(published, [7, 2, 0].map(Some));

    let page = text(&["inspect", "x", &directory.arg()]);
    for field in &seen.fields {
        let is_line = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().take(3).collect();
            words == [field.offset.to_string(), field.bytes.to_string(), field.name.to_owned()]
        };
        assert!(page.lines().any(is_line) && page.contains(field.meaning), "{} is missing:\n{page}", field.name);
    }
    for part in ["header, at 0", "producer, at 4096", "consumer, at 8192", "sent 9, released 0, 9 in the ring"] {
        assert!(page.contains(part), "{part:?} is missing:\n{page}");
    }
    assert!(!page.contains("WRONG") && !page.contains("published  "), "{page}");
    assert!(text(&["inspect", "x", "--frames", &directory.arg()]).contains("unreleased"));
}

#[test]
fn whatever_a_file_holds_is_told_and_left_as_it_is() {
    let directory = Directory::new("damaged");
    let path = |name: &str| directory.0.join(name);
    let options = Options::new().dir(&directory.0).capacity(10);
    let tx = Sender::<u64>::create_with("whole", &options).unwrap();
    let whole = fs::read(path("whole")).unwrap();
    drop(tx);
    let changed = |at: usize, byte: u8| {
        let mut bytes = whole.clone();
        bytes[at] = byte;
        bytes
    };
    for (name, bytes, told) in [
        ("empty", Vec::new(), "the file is empty"),
        ("garbage", noise(9, 20_000), "magic: "),
        ("zeroes", vec![0; 20_000], "magic: not a ringway segment"),
        ("short", whole[..5000].to_vec(), "ends after 5000 bytes"),
        ("other-version", changed(8, 99), "version 99"),
        ("other-capacity", changed(48, 99), "frames: must be"),
        ("no-checksum", changed(130, 1), "checksum: must be"),
        ("bad-credit", changed(8192 + 128, 1), "consumer's credit: must be at most head"),
        ("bad-word", changed(12288, 8), "beyond its frame's end"),
    ] {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create_new(true).mode(0o600).open(path(name)).unwrap();
        std::io::Write::write_all(&mut file, &bytes).unwrap();
        let ended = run(&["inspect", name, "--json", "--frames", &directory.arg()]).badly(&[name, "left alone"]).soon();
        let object: Value = serde_json::from_slice(&ended.stdout).expect("JSON");
        assert_eq!((object["sound"].as_bool(), object["file_bytes"].as_u64()), (Some(false), Some(bytes.len() as u64)));
        let problems = object["problems"].as_array().unwrap();
        assert!(problems.iter().any(|problem| problem.as_str().unwrap().contains(told)), "{told:?}: {problems:?}");
        let page = run(&["inspect", name, "--frames", &directory.arg()]).badly(&[name]);
        assert!(String::from_utf8(page.stdout).unwrap().contains("WRONG: "), "{name}");
        assert!(fs::read(path(name)).unwrap() == bytes, "{name} was touched");
    }
    fs::create_dir(path("directory")).unwrap();
    symlink(path("garbage"), path("link")).unwrap();
    nix::unistd::mkfifo(&path("fifo"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    for name in ["directory", "link", "fifo"] {
        for command in ["stat", "inspect"] {
            let ended = run(&[command, name, "--json", &directory.arg()]).badly(&[name]).soon();
            assert!(ended.stdout.is_empty(), "{ended:?}");
        }
    }
}

#[test]
fn a_channel_between_processes_is_sound_while_it_runs() {
    let directory = Directory::new("sound");
    let [sender, receiver] = busy("x", &directory);
    for _ in 0..20 {
        let object = json(&["inspect", "x", "--json", &directory.arg()]);
        assert_eq!(object["sound"].as_bool(), Some(true), "{object}");
    }
    sender.kill();
    // What a killed process leaves is not wrong.
    let object = json(&["inspect", "x", "--json", &directory.arg()]);
    assert_eq!(object["sound"].as_bool(), Some(true), "{object}");
    receiver.kill();
    assert!(seen("x").is_none());
}
