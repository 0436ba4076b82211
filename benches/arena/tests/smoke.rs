//! The arena as a program: that everybody can run, that who is broken is noticed, and that nothing is left.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn arena(args: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_arena"));
    command.args(args.split_whitespace());
    command
}

/// What it said and whether it was content; fails if it left something.
fn run(args: &str) -> (String, Output) {
    run_with(&args.split_whitespace().collect::<Vec<_>>())
}

/// The same, with arguments in which there may be spaces.
fn run_with(args: &[&str]) -> (String, Output) {
    let child = arena("").args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the arena starts");
    let pid = child.id();
    let output = child.wait_with_output().expect("the arena ends");
    assert_eq!(left_by(pid), Vec::<PathBuf>::new(), "{args:?}");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output)
}

/// Files in memory that bear the run's name.
fn left_by(pid: u32) -> Vec<PathBuf> {
    let files = fs::read_dir("/dev/shm").expect("/dev/shm").flatten().map(|file| file.path());
    let name = format!("ringway-arena-{pid}");
    // And not that of a run with a longer number.
    let is_of_run = |path: &PathBuf| {
        let path = path.to_string_lossy();
        path.find(&name).is_some_and(|at| !path[at + name.len()..].starts_with(|next: char| next.is_ascii_digit()))
    };
    files.filter(is_of_run).collect()
}

/// What of System V has no key, as `KIND ID`.
fn system_v() -> BTreeSet<String> {
    let of_kind = |kind: &'static str| {
        let text = fs::read_to_string(format!("/proc/sysvipc/{kind}")).unwrap_or_default();
        let ids = text.lines().skip(1).filter_map(move |line| {
            let mut fields = line.split_whitespace();
            (fields.next()? == "0").then(|| format!("{kind} {}", fields.next().unwrap_or_default()))
        });
        ids.collect::<Vec<_>>()
    };
    ["msg", "sem", "shm"].into_iter().flat_map(of_kind).collect()
}

/// Fails if what has come since stays: others may be making such things at the same time.
fn no_system_v_is_left(before: &BTreeSet<String>) {
    let new: BTreeSet<String> = system_v().difference(before).cloned().collect();
    until_some(|| {
        let left: Vec<_> = system_v().intersection(&new).cloned().collect();
        if left.is_empty() { vec![()] } else { vec![] }
    });
}

/// The line of the table that begins with this name.
fn line<'a>(table: &'a str, name: &str) -> &'a str {
    table.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_else(|| panic!("no {name} in\n{table}"))
}

#[test]
fn ringway_and_a_pipe_with_messages_in_turns() {
    let dir = std::env::temp_dir().join(format!("arena-test-{}", std::process::id()));
    let json = dir.join("all.json");
    fs::create_dir(&dir).expect("a directory");
    let work = "rtt,rate,burst,many,bulk,records,loans";
    let files = format!("--json {} --plot {} --report {}/REPORT.md", json.display(), dir.display(), dir.display());
    let (table, output) = run(&format!("--quick --run-ms 2 --only pipe,ringway --work {work} {files}"));
    assert!(output.status.success(), "{output:?}");
    assert!(!table.contains("failed"), "{table}");
    assert!(table.contains("verdicts"), "{table}");

    let document: serde_json::Value = serde_json::from_slice(&fs::read(&json).expect("JSON")).expect("JSON");
    let sheets = document["sheets"].as_array().expect("sheets");
    assert_eq!(sheets.len(), 3 + 24 + 2 + 24 + 5 + 6 + 4);
    for row in sheets.iter().flat_map(|sheet| sheet["rows"].as_array().expect("rows")) {
        for metric in row["metrics"].as_array().expect("metrics") {
            assert_eq!(metric["rounds"].as_array().map(Vec::len), Some(3), "{row}");
            let least = if metric["id"] == "sleeps" { -1.0 } else { 0.0 };
            assert!(metric["all"]["median"].as_f64().is_some_and(|median| median > least), "{row}");
        }
    }
    let drawings = fs::read_dir(&dir).expect("a directory").flatten();
    let drawings: Vec<_> = drawings.filter(|file| file.path().extension().is_some_and(|it| it == "svg")).collect();
    // Bars of each metric; percentiles of round trips and bursts; the knee of bursts.
    let (of_lengths, of_loans) = (5 + 3 + 3 * (5 + 1 + 1), 3 * 2 + 2);
    assert_eq!(drawings.len(), 3 + 24 + 2 * 5 + 3 + 2 + 2 + 24 + of_lengths + of_loans);
    reports_are_the_same(&json, &dir);
    fs::remove_dir_all(&dir).expect("a directory");
}

/// That the report of what was saved is the report of the run, and that all it shows is there.
fn reports_are_the_same(json: &Path, dir: &Path) {
    let again = dir.join("again");
    fs::create_dir(&again).expect("a directory");
    let (_, output) = run(&format!("report {} --report {}/REPORT.md", json.display(), again.display()));
    assert!(output.status.success(), "{output:?}");
    let page = fs::read_to_string(dir.join("REPORT.md")).expect("a report");
    assert_eq!(page, fs::read_to_string(again.join("REPORT.md")).expect("a report"));
    let files = fs::read_dir(dir.join("REPORT")).expect("drawings").flatten().map(|file| file.file_name());
    let mut shown = 0;
    for name in files {
        let of = |dir: &Path| fs::read(dir.join("REPORT").join(&name)).expect("a file");
        assert!(of(dir) == of(&again), "{name:?} is another");
        shown += usize::from(page.contains(&format!("(REPORT/{})", name.display())));
    }
    assert_eq!(page.matches("](REPORT/").count(), shown, "all that is shown is there");
    for said in ["## Goals", "## Where we lose", "| commit | ", "--report "] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    let readme = fs::read_to_string(dir.join("REPORT/readme.md")).expect("a table");
    assert!(readme.contains("| round trip, 8 bytes, ns | "), "{readme}");
}

/// A run of a given length has as many rounds as fit, and says so.
#[test]
fn a_run_is_as_long_as_was_asked_for() {
    let began = Instant::now();
    let (table, output) = run("--minutes 0.2 --work rtt --bytes 8 --only pipe,bare");
    assert!(output.status.success(), "{output:?}");
    // 61 rounds are the most there are: a busy machine has fewer, and each cell has five.
    let rounds = table.split("; ").find_map(|part| part.strip_suffix(" rounds")).expect("rounds");
    assert!((5..=61).contains(&rounds.parse::<u32>().expect("a number")), "{table}");
    assert!(began.elapsed() > Duration::from_secs(3), "{:?} for 12 s", began.elapsed());
    let (_, output) = run("--everything --only pipe");
    assert!(!output.status.success(), "everything is not some of it");
}

/// Everybody else, once through each kind of work.
#[test]
fn everybody_takes_part() {
    let before = system_v();
    let work = "rtt,rate,burst,many";
    let (table, output) = run(&format!("--work {work} --rounds 1 --run-ms 1 --bytes 8 --batch 1,8 --capacity 4096"));
    assert!(output.status.success(), "{output:?}");
    for name in [
        "bare atomic",
        "bare futex",
        "Unix stream",
        "Unix seqpacket",
        "System V",
        "ringway, condvar, sleeping",
        "ringway, semaphore, sleeping",
        "ringway, message queue, sleeping",
        "textbook, mutex and condvar",
        "textbook, robust mutex and condvar",
        "textbook, 3 semaphores",
        "textbook, 2 semaphores",
        "textbook, ready/ok by POSIX queues",
        "textbook, ready/ok by eventfds",
        "textbook, System V semaphores",
        "textbook, ready/ok by System V queues",
    ] {
        assert!(!line(&table, name).contains("failed"), "{table}");
    }
    no_system_v_is_left(&before);
}

/// Everybody with many ends, in both loops, more of them than there are processors. Not shaq: it publishes in order
/// without ever giving the processor up, and may stand still for long there, as its row then says.
#[test]
fn everybody_with_many_ends_takes_part() {
    let names = ["crossbeam ArrayQueue", "crossbeam-channel", "kanal", "cloudtoid", "pipe", "Unix seqpacket", "POSIX"];
    let only = "crossbeam,kanal,cloudtoid,pipe,seqpacket,POSIX";
    let all = "--work many --sides 4 --capacity 1024 --rounds 1 --run-ms 1 --patience 60";
    let (table, output) = run(&format!("{all} --only {only}"));
    assert!(output.status.success(), "{output:?}");
    assert!(!table.contains("failed"), "{table}");
    assert_eq!(table.matches("4 to 4, try and spin").count(), 2 + 2 * 2, "two tables, two verdicts for each\n{table}");
    for name in names {
        line(&table, name);
    }
}

/// Everybody who carries messages of any length: large ones, and records in a flow and in bursts. iceoryx2 may stand still
/// where more processes run than there are processors, as its row then says.
#[test]
fn everybody_with_messages_of_any_length_takes_part() {
    let (table, output) = run("--work bulk,records --bytes 4096,1048576 --rounds 1 --run-ms 1 --patience 20");
    assert!(output.status.success(), "{output:?}");
    let has_failed = |line: &&str| line.contains("failed") && !line.trim_start().starts_with("iceoryx2");
    assert_eq!(table.lines().find(has_failed), None, "{table}");
    for title in ["messages of 4 KiB", "messages of 1 MiB", "records of 16 to 4096 bytes", "bursts of 100 records"] {
        line(&table, title);
    }
    for name in [
        "bare chunks",
        "pipe, 1 MiB",
        "Unix stream",
        "Unix seqpacket",
        "iceoryx2",
        "ipc-channel, shared",
        "shmem-ipc",
        "textbook, robust mutex and condvar",
        "textbook, 2 semaphores",
        "textbook, ready/ok by eventfds",
        "textbook, System V semaphores",
    ] {
        line(&table, name);
    }
    assert!(table.contains("buffer to buffer: ringway >= 1 x the best peer"), "{table}");
    for target in [
        "ringway >= 0.97 x the best bare pipeline: ",
        "16 to 4096 bytes, one way: ringway >= 3 x the best pipe or socket: ",
    ] {
        assert!(table.contains(target), "not measured: {target}\n{table}");
    }
}

/// One that is lost, shorter, doubled, or altered in a byte that nobody looks at before the clock has stopped.
#[test]
fn what_goes_wrong_with_messages_of_any_length_is_told() {
    let (table, output) =
        run("--work bulk,records --broken --only broken,pipe --bytes 1048576,1024 --rounds 1 --run-ms 1 --patience 60");
    assert!(!output.status.success());
    for (name, why) in [
        ("broken: loses one of any length:", "instead of message 2 came something else, of 1048576 bytes"),
        ("broken: shortens one of any length:", "instead of message 2 came something else, of 1048575 bytes"),
        ("broken: sends one of any length twice:", "instead of message 3 came something else, of 1048576 bytes"),
        ("broken: alters a byte where nobody looks:", "came something else, of 1048576 bytes"),
    ] {
        assert!(line(&table, name).contains(why), "{}", line(&table, name));
    }
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("WRONG MESSAGE").count(), 4 * 3, "large ones, records in a flow, records in bursts: {err}");
}

/// Everybody who lends memory: one way, and there and back. iceoryx2 as above.
#[test]
fn everybody_who_lends_memory_takes_part() {
    let (table, output) = run("--work loans --bytes 65536,1048576 --rounds 1 --run-ms 1 --patience 20");
    assert!(output.status.success(), "{output:?}");
    let has_failed = |line: &&str| line.contains("failed") && !line.trim_start().starts_with("iceoryx2");
    assert_eq!(table.lines().find(has_failed), None, "{table}");
    for title in ["messages of 64 KiB, written", "messages of 1 MiB, written", "round trip in place, messages of 1 MiB"]
    {
        line(&table, title);
    }
    for name in ["bare buffers", "ringway, sleeping", "ringway, as it comes", "iceoryx2, events", "shmem-ipc, spinning"]
    {
        line(&table, name);
    }
    assert!(table.contains("written and read in place: ringway >= 1 x iceoryx2's"), "{table}");
}

/// One that is lost, doubled, altered in one bit of one word, or handed over before it was written.
#[test]
fn what_goes_wrong_in_place_is_told() {
    let (table, output) =
        run("--work loans --broken --only broken,ringway --bytes 65536 --rounds 1 --run-ms 1 --patience 60");
    assert!(!output.status.success());
    for (name, number) in [
        ("broken: loses one in place:", 2),
        ("broken: sends one in place twice:", 3),
        ("broken: alters a word in place:", 2),
        ("broken: hands over what nobody has written:", 2),
    ] {
        let why = format!("instead of message {number} came something else, of 65536 bytes");
        assert!(line(&table, name).contains(&why), "{}", line(&table, name));
    }
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("WRONG MESSAGE").count(), 4, "{err}");
}

/// Everybody who makes channels. A queue in the kernel is refused before there are a thousand of it, as its row then says.
#[test]
fn channels_are_made_opened_and_counted() {
    let dir = std::env::temp_dir().join(format!("arena-test-channels-{}", std::process::id()));
    let json = dir.join("all.json");
    fs::create_dir(&dir).expect("a directory");
    let out = format!("--json {} --plot {}", json.display(), dir.display());
    let (table, output) = run(&format!("--work attach,memory,channels --rounds 1 --patience 60 {out}"));
    assert!(output.status.success(), "{output:?}");
    let has_failed = |line: &&str| line.contains("failed") && !line.trim_start().starts_with("POSIX message queue");
    assert_eq!(table.lines().find(has_failed), None, "{table}");

    let document: serde_json::Value = serde_json::from_slice(&fs::read(&json).expect("JSON")).expect("JSON");
    let figure = |sheet: usize, contestant: &str, metric: &str| {
        let rows = document["sheets"][sheet]["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["contestant"] == contestant).expect("a row");
        let metrics = row["metrics"].as_array().expect("metrics");
        let metric = metrics.iter().find(|it| it["id"] == metric).expect("a metric");
        metric["all"]["median"].as_f64().unwrap_or_else(|| panic!("{contestant}: {row}"))
    };
    let attaching = 13 + usize::from(cfg!(feature = "aeron"));
    for (sheet, most) in [(0, attaching), (1, 8), (2, 14)] {
        assert_eq!(document["sheets"][sheet]["rows"].as_array().map(Vec::len), Some(most), "{table}");
    }
    for name in ["ringway", "ringway, many", "iceoryx2", "Unix stream socket"] {
        // Opening is part of what the first message takes.
        let (open, first) = (figure(0, name, "open_us"), figure(0, name, "first_us"));
        assert!(0.0 < open && open <= first * 1.01, "{name}: {open} {first}");
    }
    for name in ["ringway", "ringway, many"] {
        let (fresh, lap) = (figure(1, name, "fresh_kib"), figure(1, name, "lap_kib"));
        assert!(8.0 <= lap && fresh <= lap && lap <= 80.0, "1024 x 8 bytes and what belongs to them: {fresh} {lap}");
    }
    // What can be counted on the fingers.
    assert_eq!((figure(2, "pipe, unnamed", "descriptors"), figure(2, "pipe, unnamed", "mappings")), (2.0, 0.0));
    assert!(figure(2, "ringway", "mappings") >= 1.0 && figure(2, "ringway", "drop_us") > 0.0, "{table}");
    let drawings = fs::read_dir(&dir).expect("a directory").flatten();
    assert_eq!(drawings.filter(|file| file.path().extension().is_some_and(|it| it == "svg")).count(), 3 + 2 + 5);
    fs::remove_dir_all(&dir).expect("a directory");
}

/// More processes than processors, and fresh channels. iceoryx2 as above.
#[test]
fn everybody_takes_part_with_too_many_processes_and_in_first_laps() {
    let only = "ringway,pipe,seqpacket,POSIX message queue,iceoryx2,shaq";
    let args = ["--work", "overcommit,first-lap", "--rounds", "1", "--run-ms", "1", "--patience", "60", "--only", only];
    let (table, output) = run_with(&args);
    assert!(output.status.success(), "{output:?}");
    let has_failed = |line: &&str| line.contains("failed") && !line.trim_start().starts_with("iceoryx2");
    assert_eq!(table.lines().find(has_failed), None, "{table}");
    let sheet = |title: &str| {
        let (_, rest) = table.split_once(&format!("\n{title}")).unwrap_or_else(|| panic!("no {title} in\n{table}"));
        rest.split("\n\n").next().unwrap_or_default().to_owned()
    };
    for name in ["ringway ", "pipe", "Unix seqpacket", "POSIX message queue", "iceoryx2, events", "shaq "] {
        line(&sheet("8 processes in 4 pairs"), name);
    }
    assert!(!sheet("8 processes in 4 pairs").contains("spinning"), "nobody spins there\n{table}");
    for name in ["ringway ", "pipe", "Unix seqpacket", "POSIX message queue", "shaq mpmc"] {
        line(&sheet("8 processes, 4 to 4"), name);
    }
    for title in ["the first lap", "later laps", "how many times as long the first lap takes"] {
        let sheet = sheet(&format!("a fresh channel, 65536 x 8 bytes: {title}"));
        for name in ["ringway ", "ringway, prefaulted", "ringway, many ", "ringway, many, prefaulted", "shaq "] {
            line(&sheet, name);
        }
    }
}

/// The idle ones are processes of their own, sixty of them beside the two ends, and gone when the run is over.
#[test]
fn idle_members_are_there() {
    let mut child = arena("--work members --rounds 1 --run-ms 100 --patience 60 --only many");
    let child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the arena starts");
    let pid = child.id();
    let workers = until_some(|| Some(children(pid)).filter(|it| it.len() == 62).unwrap_or_default());
    let output = child.wait_with_output().expect("the arena ends");
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && !table.contains("failed"), "{table}");
    for title in ["round trip beside idle members", "one way beside idle members"] {
        line(&table, title);
    }
    for name in ["ringway, many ", "ringway, many, 60 idle", "ringway, many, spinning, 60 idle"] {
        line(&table, name);
    }
    assert_eq!(left_by(pid), Vec::<PathBuf>::new());
    for worker in workers {
        assert!(!PathBuf::from(format!("/proc/{worker}")).exists(), "worker {worker} is left");
    }
}

/// One that is altered: in channels that are made, in one of several pairs, in a first lap.
#[test]
fn what_goes_wrong_in_new_channels_is_told() {
    let (table, output) =
        run("--broken --only broken,pipe --work attach,memory,channels,overcommit,first-lap --rounds 1 --patience 60");
    assert!(!output.status.success());
    let of_new = table.lines().filter(|line| line.trim_start().starts_with("broken: alters in a new channel: "));
    let told = of_new.filter(|line| line.contains("instead of message 10 came one that says it is 11")).count();
    assert_eq!(told, 3 + 1 + 1, "{table}");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("WRONG MESSAGE: broken: alters in a new channel").count(), 3 + 1 + 1, "{err}");
}

/// A message that is lost, that comes twice, late, for another or from nowhere fails the run.
#[test]
fn what_goes_wrong_between_many_is_told() {
    let (table, output) = run("--work many --broken --only broken,pipe --sides 1 --batch 1 --capacity 1024 --quick");
    assert!(!output.status.success());
    for (name, why) in [
        ("broken: loses one of many:", "messages of sender 0 there came"),
        ("broken: doubles one of many:", "message 10 of sender 0 came to a receiver after its message 10"),
        ("broken: replaces one of many:", "message 11 of sender 0 came to a receiver after its message 110"),
        ("broken: swaps two of many:", "message 10 of sender 0 came to a receiver after its message 11"),
        ("broken: makes one up:", "nobody sent 0xc800000000000000"),
    ] {
        assert!(line(&table, name).contains(why), "{}", line(&table, name));
    }
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("WRONG MESSAGE").count(), 5, "{err}");
}

/// Who is broken is a row that says why, not the end of the run.
#[test]
fn who_is_broken_is_a_row_that_says_why() {
    let (table, output) = run("--quick --broken --only broken,pipe --patience 2 --work rtt");
    for (name, why) in [
        ("broken: refuses:", "not today"),
        ("broken: panics:", "as it was meant to"),
        ("broken: dies:", "signal: 6"),
        ("broken: loses:", "no end after 2 s: killed"),
        ("broken: alters:", "instead of message 10 came one that says it is 11"),
        ("broken: leaves the other alone:", "signal: 6"),
    ] {
        assert!(line(&table, name).contains(why), "{}", line(&table, name));
    }
    // A message that was never sent fails the run; the rest does not.
    assert!(!output.status.success());
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(err.matches("WRONG MESSAGE").count(), 1, "{err}");
    let (_, output) = run("--quick --broken --only panics --work rtt");
    assert!(output.status.success(), "{output:?}");
}

/// Ctrl-C in the middle: the run ends soon, and neither files nor processes are left.
#[test]
fn an_interrupted_run_leaves_nothing() {
    let before = system_v();
    let args = "--work rtt --run-ms 500 --bytes 8 --only System,pipe,ringway";
    let mut child = arena(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the arena starts");
    let pid = child.id();
    // It has begun when it says so.
    let mut progress = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut progress).expect("progress");
    let workers = until_some(|| children(pid));
    kill(Pid::from_raw(pid as i32), Signal::SIGINT).expect("it runs");
    let status = child.wait().expect("the arena ends");
    assert_eq!(status.code(), Some(128 + 2));
    assert_eq!(left_by(pid), Vec::<PathBuf>::new());
    no_system_v_is_left(&before);
    for worker in workers {
        assert!(!PathBuf::from(format!("/proc/{worker}")).exists(), "worker {worker} is left");
    }
}

/// Processes whose parent this is.
fn children(pid: u32) -> Vec<String> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).expect("it runs");
    children.split_whitespace().map(str::to_owned).collect()
}

fn until_some<T>(mut look: impl FnMut() -> Vec<T>) -> Vec<T> {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let found = look();
        if !found.is_empty() {
            return found;
        }
        assert!(Instant::now() < until, "nothing came");
        std::thread::yield_now();
    }
}
