//! Records between many processes, and a queue of jobs whose workers are killed.
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;

use nix::sys::signal::Signal;
use process::{Directory, Process, feed, ringway, start, take, until};
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// A queue in a directory of its own.
struct Queue(Directory);

impl Queue {
    fn new(label: &str) -> Self {
        Self(Directory::new(label))
    }

    fn args<'a>(&self, args: &[&'a str]) -> Vec<std::borrow::Cow<'a, str>> {
        let (before, after) = args.split_at(args.iter().position(|arg| *arg == "--").unwrap_or(args.len()));
        let directory = [self.0.arg().into()];
        before.iter().map(|arg| (*arg).into()).chain(directory).chain(after.iter().map(|arg| (*arg).into())).collect()
    }

    /// Starts `ringway ARGS` on channels of this directory.
    fn start(&self, args: &[&str]) -> Process {
        start(&self.args(args).iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// Runs it to its end, without input.
    fn run(&self, args: &[&str]) -> process::Ended {
        process::run(&self.args(args).iter().map(AsRef::as_ref).collect::<Vec<_>>())
    }

    /// Runs `ringway ARGS` with `input` as its stdin.
    fn start_on(&self, args: &[&str], input: &[u8]) -> Process {
        let file = self.file("input");
        fs::write(&file, input).unwrap();
        let args = self.args(args);
        let mut command = ringway(&args.iter().map(AsRef::as_ref).collect::<Vec<_>>());
        Process::new(command.stdin(Stdio::from(fs::File::open(&file).unwrap())))
    }

    /// A file beside the channels.
    fn file(&self, name: &str) -> PathBuf {
        self.0.0.join(format!("file-{name}"))
    }

    /// Waits until the channel is there: whoever was started first is attached to it.
    #[track_caller]
    fn until_there(&self, name: &str) {
        until("a channel", || self.0.0.join(name).exists());
    }

    #[track_caller]
    fn is_clean(&self) {
        let left: Vec<_> = self.0.names().into_iter().filter(|name| !name.starts_with("file-")).collect();
        assert!(left.is_empty(), "left behind: {left:?}");
    }
}

fn sorted(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut lines: Vec<_> = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    lines.sort();
    lines
}

fn numbers(label: &str, count: usize) -> String {
    (0..count).map(|number| format!("{label}-{number}\n")).collect()
}

// What is moved.

#[test]
fn every_line_of_several_senders_goes_to_one_of_several_receivers() {
    let queue = Queue::new("many");
    let inputs: Vec<_> = (0..3).map(|sender| numbers(&format!("sender{sender}"), 20_000)).collect();
    let mut senders: Vec<_> = inputs.iter().map(|_| queue.start(&["send", "q", "--records"])).collect();
    // All of them are there before the first has ended.
    let stdins: Vec<_> = senders.iter_mut().map(Process::stdin).collect();
    queue.until_there("q");
    let mut receivers: Vec<_> = (0..3).map(|_| queue.start(&["recv", "q", "--records"])).collect();
    let outputs: Vec<_> = receivers.iter_mut().map(Process::stdout).collect();
    let readers: Vec<_> = outputs
        .into_iter()
        .map(|mut output| {
            std::thread::spawn(move || {
                let mut bytes = Vec::new();
                output.read_to_end(&mut bytes).map(|_| bytes).unwrap()
            })
        })
        .collect();
    let feeders: Vec<_> = stdins
        .into_iter()
        .zip(inputs.clone())
        .map(|(mut stdin, input)| std::thread::spawn(move || feed(&mut stdin, input.as_bytes())))
        .collect();
    feeders.into_iter().for_each(|feeder| feeder.join().unwrap());
    senders.into_iter().for_each(|sender| _ = sender.end_by_itself().well());
    let outputs: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
    receivers.into_iter().for_each(|receiver| _ = receiver.end_by_itself().well());
    assert_eq!(sorted(&outputs.concat()), sorted(inputs.concat().as_bytes()));
    // Those of one sender come to each receiver in their order.
    for output in outputs {
        let mut last = [None; 3];
        for line in output.lines().map(Result::unwrap) {
            let (sender, number) = line["sender".len()..].split_once('-').unwrap();
            let (sender, number): (usize, usize) = (sender.parse().unwrap(), number.parse().unwrap());
            assert!(last[sender].is_none_or(|last| last < number), "{line}");
            last[sender] = Some(number);
        }
    }
    queue.is_clean();
}

#[test]
fn either_side_may_start_first() {
    for first in ["send", "recv"] {
        let queue = Queue::new("first");
        let start = |role: &str| match role {
            "send" => queue.start_on(&["send", "q", "--records"], b"a\nb\n"),
            _ => queue.start(&["recv", "q", "--records"]),
        };
        let before = start(first);
        queue.until_there("q");
        let after = start(if first == "send" { "recv" } else { "send" });
        let (sender, receiver) = if first == "send" { (before, after) } else { (after, before) };
        assert_eq!(receiver.end().well(), b"a\nb\n", "{first} first");
        sender.end().well();
        queue.is_clean();
    }
}

#[test]
fn any_bytes_are_a_record_and_so_are_none() {
    let queue = Queue::new("bytes");
    let mut input: Vec<u8> = b"\n\nfirst\n\0\xff\xfe\r\n \n".to_vec();
    for seed in 1..50 {
        input.extend(
            process::noise(seed, 80 * seed as usize).into_iter().map(|byte| if byte == b'\n' { 0 } else { byte }),
        );
        input.push(b'\n');
    }
    input.extend([b'x'; 300_000]);
    input.extend(b"\nlast, without a newline");
    for (mode, more) in [("--records", &[][..]), ("--at-least-once", &["--", "cat"][..])] {
        let sender = queue.start_on(&["send", "q", "--records"], &input);
        let mut args = vec!["recv", "q", mode];
        args.extend(more);
        let output = queue.start(&args).end().well();
        assert!(output == [&input[..], b"\n"].concat(), "the bytes differ: {mode}");
        sender.end().well();
    }
}

#[test]
fn no_records_at_all_wait_for_a_receiver() {
    let queue = Queue::new("none");
    let mut sender = queue.start_on(&["send", "q", "--records"], b"");
    queue.until_there("q");
    assert!(sender.is_running());
    assert_eq!(queue.run(&["recv", "q", "--records"]).well(), b"");
    sender.end().well();
}

#[test]
fn lines_of_any_length_are_records() {
    let queue = Queue::new("long");
    let lines = [3, 112, 113, 4096, 4097, 131_072, 131_073, 5_000_000, 1].map(|len| "x".repeat(len) + "\n");
    for mode in ["--records", "--at-least-once"] {
        let receiver = queue.start(&["recv", "q", mode]);
        let sender = queue.start_on(&["send", "q", "--records"], lines.concat().as_bytes());
        assert!(receiver.end().well() == lines.concat().as_bytes());
        sender.end().well();
    }
    // A command has it on stdin, and as an argument if the kernel takes it.
    let sender = queue.start_on(&["send", "q", "--records"], lines.concat().as_bytes());
    let counted = queue.run(&["recv", "q", "--at-least-once", "--", "wc", "-c"]).well();
    let counted: Vec<usize> = String::from_utf8(counted).unwrap().lines().map(|n| n.trim().parse().unwrap()).collect();
    assert_eq!(counted, lines.each_ref().map(String::len));
    sender.end().well();
}

#[test]
fn who_is_killed_with_a_long_record_leaves_it_to_another() {
    let queue = Queue::new("long-killed");
    let line = "y".repeat(3_000_000) + "\n";
    let sender = queue.start_on(&["send", "q", "--records"], line.as_bytes());
    let begun = queue.0.0.join("begun");
    let job = format!("cat > /dev/null; touch {}; sleep 100", begun.display());
    let worker = queue.start(&["recv", "q", "--at-least-once", "--", "sh", "-c", &job]);
    process::until("the job has begun", || begun.exists());
    worker.kill();
    assert!(queue.run(&["recv", "q", "--at-least-once", "--", "cat"]).well() == line.as_bytes());
    sender.end().well();
}

#[test]
fn a_line_is_written_when_nothing_follows_it() {
    for mode in ["--records", "--at-least-once"] {
        let queue = Queue::new("flush");
        let mut receiver = queue.start(&["recv", "q", mode]);
        let mut sender = queue.start(&["send", "q", "--records"]);
        let (mut stdin, mut stdout) = (sender.stdin(), receiver.stdout());
        for line in ["one\n", "two\n"] {
            feed(&mut stdin, line.as_bytes());
            assert_eq!(take(&mut stdout, line.len()), line.as_bytes(), "{mode}");
        }
        drop(stdin);
        receiver.end().well();
        sender.end().well();
    }
}

#[test]
fn a_sender_waits_until_its_records_are_taken() {
    let queue = Queue::new("taken");
    let gate = queue.file("gate");
    let script = "read line; while ! [ -e \"$1\" ]; do sleep 0.02; done; echo \"$line\"";
    let worker = queue.start(&["recv", "q", "--at-least-once", "--", "sh", "-c", script, "sh", gate.to_str().unwrap()]);
    let mut sender = queue.start_on(&["send", "q", "--records"], b"job\n");
    // The time is what is tested: many times what a sender takes that does not wait.
    std::thread::sleep(Duration::from_millis(500));
    assert!(sender.is_running());
    fs::write(&gate, "").unwrap();
    sender.end().well();
    assert_eq!(worker.end().well(), b"job\n");
}

#[test]
fn progress_counts_records_and_bytes() {
    let queue = Queue::new("progress");
    let receiver = queue.start(&["recv", "q", "--records"]);
    let sender = queue.start_on(&["send", "q", "--records", "--progress"], b"one\ntwo\n");
    receiver.end().well();
    let ended = sender.end();
    assert!(ended.code == 0 && ended.stderr.contains("q: 2 records, 6 B"), "{ended:?}");
}

// Who goes away.

#[test]
fn a_closed_output_ends_the_receiver_and_then_the_sender() {
    for mode in ["--records", "--at-least-once"] {
        let queue = Queue::new("head");
        let mut receiver = queue.start(&["recv", "q", mode]);
        let mut sender = queue.start(&["send", "q", "--records"]);
        let (stdin, mut stdout) = (sender.stdin(), receiver.stdout());
        let feeder = std::thread::spawn(move || {
            use std::io::Write;
            let mut stdin = stdin;
            // Until the sender ends.
            while stdin.write_all(b"line\n").is_ok() {}
        });
        assert_eq!(take(&mut stdout, 5), b"line\n");
        drop(stdout);
        receiver.end_by_itself().badly(&["q: the output was closed after"]).soon();
        sender.end_by_itself().badly(&["q: the receivers are gone (the last one left)"]).soon();
        feeder.join().unwrap();
    }
}

#[test]
fn a_closed_output_is_noticed_while_nothing_comes() {
    for mode in ["--records", "--at-least-once"] {
        let queue = Queue::new("idle-head");
        let mut receiver = queue.start(&["recv", "q", mode]);
        queue.until_there("q");
        drop(receiver.stdout());
        receiver.end().badly(&["q: the output was closed after 0 records"]).soon();
    }
}

#[test]
fn what_could_not_be_written_goes_to_the_next() {
    let queue = Queue::new("next");
    let input: String = (10..40).map(|number| format!("{number}{}\n", "x".repeat(4000))).collect();
    queue.start_on(&["send", "q", "--records", "--persistent"], input.as_bytes()).end().well();
    let mut receiver = queue.start(&["recv", "q", "--at-least-once"]);
    // More than a pipe holds, so it is writing when its reader goes.
    take(&mut receiver.stdout(), 2);
    let ended = receiver.end_by_itself().badly(&["q: the output was closed after", "one more was given back"]).soon();
    let written: usize =
        ended.stderr.split("after ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().parse().unwrap();
    let script = "echo \"$1 $RINGWAY_ATTEMPT\" | tr -d x";
    let left = queue.run(&["recv", "q", "--at-least-once", "--", "sh", "-c", script, "sh", "{}"]).well();
    let attempts =
        (10 + written..40).map(|number| format!("{number} {}\n", if number == 10 + written { 2 } else { 1 }));
    assert_eq!(sorted(&left), sorted(attempts.collect::<String>().as_bytes()));
}

#[test]
fn a_killed_sender_is_told_after_all_it_sent_was_written() {
    let queue = Queue::new("killed-sender");
    let mut sender = queue.start(&["send", "q", "--records"]);
    let mut receiver = queue.start(&["recv", "q", "--records"]);
    let (mut stdin, mut stdout) = (sender.stdin(), receiver.stdout());
    feed(&mut stdin, b"one\ntwo\nthr");
    assert_eq!(take(&mut stdout, 8), b"one\ntwo\n");
    sender.kill();
    receiver.end_by_itself().badly(&["q: the last sender died"]).soon();
}

#[test]
fn a_killed_receiver_is_noticed_while_there_is_nothing_to_send() {
    let queue = Queue::new("killed-receiver");
    let mut sender = queue.start(&["send", "q", "--records"]);
    let mut receiver = queue.start(&["recv", "q", "--records"]);
    let (mut stdin, mut stdout) = (sender.stdin(), receiver.stdout());
    feed(&mut stdin, b"one\n");
    assert_eq!(take(&mut stdout, 4), b"one\n");
    receiver.kill();
    sender.end_by_itself().badly(&["q: the receivers are gone (the last one died)", "--persistent"]).soon();
}

#[test]
fn signals_end_both_sides_in_good_order() {
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        for role in [&["send", "q", "--records"][..], &["recv", "q", "--records"], &["recv", "q", "--at-least-once"]] {
            let queue = Queue::new("signal");
            let waiting = queue.start(role);
            queue.until_there("q");
            // Who is there has its handlers.
            waiting.signal(signal);
            let ended = waiting.end_by_itself().soon();
            assert_eq!((ended.code, ended.stderr.as_str()), (128 + signal as i32, ""), "{role:?}");
            queue.is_clean();
        }
    }
}

// Jobs.

#[test]
fn a_command_gets_the_record_in_every_way() {
    let queue = Queue::new("ways");
    let script = "read -r line; echo \"$line|$1|$2|$RINGWAY_POSITION|$RINGWAY_ATTEMPT\"";
    let worker = queue.start(&["recv", "q", "--at-least-once", "--", "sh", "-c", script, "sh", "{}", "<{}{}>"]);
    queue.start_on(&["send", "q", "--records"], b"a b\n$x {}\n").end().well();
    assert_eq!(worker.end().well(), b"a b|a b|<a ba b>|0|1\n$x {}|$x {}|<$x {}$x {}>|1|1\n");
}

#[test]
fn a_command_need_not_read_its_input() {
    let queue = Queue::new("unread");
    let worker = queue.start(&["recv", "q", "--at-least-once", "--", "true"]);
    queue.start_on(&["send", "q", "--records"], numbers("job", 50).as_bytes()).end().well();
    worker.end().well();
}

#[test]
fn a_job_that_fails_is_tried_again_so_often_and_then_dropped() {
    let queue = Queue::new("failing");
    let script = "echo $1 $RINGWAY_ATTEMPT; [ $1 != bad ] || exit 7";
    let worker = queue.start(&["recv", "q", "--at-least-once", "--", "sh", "-c", script, "sh", "{}"]);
    let sender = queue.start_on(&["send", "q", "--records"], b"good\nbad\nbetter\n");
    let ended = worker.end();
    assert_eq!(sorted(&ended.stdout), sorted(b"good 1\nbad 1\nbad 2\nbad 3\nbetter 1\n"), "{ended:?}");
    let lines: Vec<_> = ended.stderr.lines().collect();
    assert_eq!((ended.code, lines.len()), (1, 4), "{ended:?}");
    assert_eq!(lines[0], "ringway: q: sh exited with 7: record 1, attempt 1 of 3; it is given back");
    assert_eq!(lines[2], "ringway: q: sh exited with 7: record 1, attempt 3 of 3; it is given up");
    assert!(lines[3].starts_with("ringway: q: 1 records were given up"), "{ended:?}");
    sender.end().well();
}

#[test]
fn a_job_that_fails_once_is_done_the_next_time() {
    let queue = Queue::new("once");
    let script = "[ $RINGWAY_ATTEMPT = 2 ] && echo done || kill -KILL $$";
    let worker = queue.start(&["recv", "q", "--at-least-once", "--deliveries=2", "--", "sh", "-c", script]);
    queue.start_on(&["send", "q", "--records"], b"job\n").end().well();
    let ended = worker.end();
    assert_eq!((ended.code, &ended.stdout[..]), (0, &b"done\n"[..]), "{ended:?}");
    assert_eq!(ended.stderr, "ringway: q: sh was ended by SIGKILL: record 0, attempt 1 of 2; it is given back\n");
}

#[test]
fn dead_letters_wait_for_a_reader() {
    let queue = Queue::new("letters");
    let args = ["recv", "q", "--at-least-once", "--dead-letters=bad", "--deliveries=1", "--capacity=7"];
    let worker = queue.start(&[&args[..], &["--", "sh", "-c", "[ $1 != {} ]", "sh", "no"]].concat());
    queue.until_there("q");
    queue.start_on(&["send", "q", "--records"], b"yes\nno\n\0\nno\n").end().well();
    let ended = worker.end();
    assert_eq!((ended.code, ended.stderr.lines().count()), (0, 3), "{ended:?}");
    assert!(ended.stderr.lines().all(|line| line.ends_with("attempt 1 of 1; it goes to bad")), "{ended:?}");
    assert!(ended.stderr.contains("a NUL byte"), "{ended:?}");
    assert_eq!(sorted(&queue.run(&["recv", "bad", "--records"]).well()), sorted(b"no\n\0\nno\n"));
    assert_eq!(queue.run(&["rm", "bad"]).code, 0);
    queue.is_clean();
}

#[test]
fn a_command_that_is_not_there_costs_no_record() {
    let queue = Queue::new("missing");
    let sender = queue.start_on(&["send", "q", "--records", "--persistent"], b"job\n");
    sender.end().well();
    for _ in 0..5 {
        queue
            .run(&["recv", "q", "--at-least-once", "--", "/no/such/program"])
            .badly(&["q: cannot run /no/such/program", "no record was taken"]);
    }
    assert_eq!(queue.run(&["recv", "q", "--at-least-once", "--", "cat"]).well(), b"job\n");
}

#[test]
fn a_signal_is_passed_on_and_what_was_not_done_goes_to_another() {
    for (script, is_done) in
        [("trap 'exit 0' TERM; echo started; while :; do sleep 0.02; done", true), ("echo started; sleep 1000", false)]
    {
        let queue = Queue::new("passed-on");
        queue.start_on(&["send", "q", "--records", "--persistent"], b"job\n").end().well();
        let mut worker = queue.start(&["recv", "q", "--at-least-once", "--", "sh", "-c", script]);
        let mut stdout = worker.stdout();
        assert_eq!(take(&mut stdout, 8), b"started\n");
        worker.signal(Signal::SIGTERM);
        let ended = worker.end_by_itself().soon();
        assert_eq!(ended.code, 143, "{ended:?}");
        // Nothing of it is running: its output is closed.
        assert_eq!(stdout.read(&mut [0]).unwrap(), 0);
        let attempt = ["recv", "q", "--at-least-once", "--", "sh", "-c", "echo $RINGWAY_ATTEMPT"];
        let left = queue.run(&attempt).well();
        assert_eq!(left, if is_done { &b""[..] } else { b"2\n" }, "{script}");
    }
}

/// What the commands of a test did: for each job the attempts at which it was done.
fn done(log: &PathBuf) -> BTreeMap<String, Vec<u32>> {
    let mut done: BTreeMap<String, Vec<u32>> = BTreeMap::new();
    for line in BufReader::new(fs::File::open(log).unwrap()).lines().map(Result::unwrap) {
        let (job, attempt) = line.split_once(' ').expect("a whole line");
        done.entry(job.to_owned()).or_default().push(attempt.parse().unwrap());
    }
    done
}

#[test]
fn every_job_is_done_whichever_worker_is_killed() {
    let jobs: usize = std::env::var("RINGWAY_JOBS").ok().map_or(300, |jobs| jobs.parse().expect("a number"));
    let seed: u64 = std::env::var("RINGWAY_SEED").ok().map_or(0x5eed, |seed| seed.parse().expect("a number"));
    let queue = Queue::new("killed");
    let log = queue.file("log");
    fs::write(&log, "").unwrap();
    // Appended by one write, when the job is done.
    let script = "printf '%s %s\\n' {} $RINGWAY_ATTEMPT >> \"$1\"";
    let worker = || {
        queue.start(&[
            "recv",
            "q",
            "--at-least-once",
            "--deliveries=100",
            "--",
            "sh",
            "-c",
            script,
            "sh",
            log.to_str().unwrap(),
        ])
    };
    let began = Instant::now();
    // Persistent: on a busy machine all four may be starting at a time, and another sender would rightly fail.
    let sender = queue.start_on(&["send", "q", "--records", "--persistent"], numbers("job", jobs).as_bytes());
    queue.until_there("q");
    let mut workers: Vec<_> = (0..4).map(|_| worker()).collect();
    let (mut state, mut killed, mut next) = (seed | 1, 0, 1);
    let size = || fs::metadata(&log).unwrap().len();
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    // A line is a dozen bytes: one death for some ten jobs, at any instant of a job. None when hardly any is left.
    let last = (numbers("job", jobs).len() + 2 * jobs).saturating_sub(40 * 11) as u64;
    while next < last {
        until("progress", || size() >= next);
        std::thread::sleep(Duration::from_micros(random(5000)));
        let victim = random(4) as usize;
        workers.remove(victim).kill();
        workers.push(worker());
        killed += 1;
        next = size() + 5 * 11 + random(10 * 11);
    }
    sender.end().well();
    workers.into_iter().for_each(|worker| _ = worker.end().well());
    // Commands of dead workers may be running still: those of the live have been waited for.
    let done = done(&log);
    let repeated = done.values().filter(|attempts| attempts.len() > 1).count();
    let marked = done.values().filter(|attempts| attempts.iter().any(|attempt| *attempt > 1)).count();
    println!(
        "{jobs} jobs, {killed} workers killed: {repeated} done more than once, {marked} marked, {:.1} s (seed {seed})",
        began.elapsed().as_secs_f64()
    );
    assert!(killed > 5, "{killed} workers were killed");
    let expected: Vec<_> = (0..jobs).map(|number| format!("job-{number}")).collect();
    let missing: Vec<_> = expected.iter().filter(|job| !done.contains_key(*job)).collect();
    assert!(missing.is_empty() && done.len() == jobs, "missing: {missing:?}, of {} (seed {seed})", done.len());
    for (job, attempts) in done {
        let mut distinct = attempts.clone();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), attempts.len(), "{job} was repeated and not marked: {attempts:?} (seed {seed})");
    }
    assert_eq!(queue.run(&["rm", "q"]).code, 0);
    queue.is_clean();
}

#[test]
fn the_job_of_a_worker_that_is_killed_at_the_very_end_is_done_by_another() {
    let queue = Queue::new("end");
    let script = "echo $RINGWAY_ATTEMPT; [ $RINGWAY_ATTEMPT != 1 ] || exec sleep 1000";
    let args = ["recv", "q", "--at-least-once", "--", "sh", "-c", script];
    let mut first = queue.start(&args);
    queue.until_there("q");
    queue.start_on(&["send", "q", "--records", "--persistent"], b"").end().badly(&["--persistent"]);
    let mut sender = queue.start(&["send", "q", "--records"]);
    feed(&mut sender.stdin(), b"job\n");
    assert_eq!(take(&mut first.stdout(), 2), b"1\n");
    let mut second = queue.start(&args);
    sender.kill(); // it waits for this very job
    // The second has nothing to do, and stays.
    std::thread::sleep(Duration::from_millis(300));
    assert!(second.is_running());
    first.kill();
    let ended = second.end();
    assert_eq!(ended.stdout, b"2\n", "{ended:?}");
    ended.badly(&["the last sender died"]);
}

// A queue that stays.

#[test]
fn a_persistent_queue_keeps_its_records_until_they_are_received() {
    let queue = Queue::new("persistent");
    for part in ["a\nb\n", "c\n"] {
        queue.start_on(&["send", "q", "--records", "--persistent"], part.as_bytes()).end().well();
    }
    assert_eq!(queue.run(&["recv", "q", "--records"]).well(), b"a\nb\nc\n");
    assert_eq!(queue.run(&["recv", "q", "--records"]).well(), b"", "it ends when nothing is there");
    assert!(queue.0.0.join("q").exists());
    assert_eq!(queue.run(&["rm", "q"]).code, 0);
    queue.is_clean();
}

#[test]
fn who_follows_waits_for_the_next_sender() {
    for mode in ["--records", "--at-least-once"] {
        let queue = Queue::new("follow");
        let mut receiver = queue.start(&["recv", "q", mode, "--follow", "--persistent"]);
        let mut stdout = receiver.stdout();
        for line in ["one\n", "two\n"] {
            queue.start_on(&["send", "q", "--records", "--persistent"], line.as_bytes()).end().well();
            assert_eq!(take(&mut stdout, 4), line.as_bytes());
        }
        assert!(receiver.is_running());
        receiver.signal(Signal::SIGTERM);
        assert_eq!(receiver.end_by_itself().soon().code, 143);
    }
}

#[test]
fn a_full_persistent_queue_waits_for_room() {
    let queue = Queue::new("full");
    let mut sender = queue.start_on(&["send", "q", "--records", "--persistent", "--capacity=2"], b"1\n2\n3\n");
    queue.until_there("q");
    assert!(sender.is_running());
    assert_eq!(queue.run(&["recv", "q", "--records"]).well(), b"1\n2\n3\n");
    sender.end().well();
}

// Who is refused.

#[test]
fn what_does_not_go_together_is_refused() {
    for args in [
        &["send", "q", "--persistent"][..],
        &["recv", "q", "--follow"],
        &["recv", "q", "--persistent"],
        &["recv", "q", "--deliveries", "2", "--records"],
        &["recv", "q", "--at-least-once", "--deliveries", "0"],
        &["recv", "q", "--records", "--dead-letters", "x"],
        &["recv", "q", "--records", "--", "cat"],
    ] {
        assert_eq!(process::run(args).code, 2, "{args:?}");
    }
    let queue = Queue::new("refused");
    queue.run(&["recv", "q", "--at-least-once", "--dead-letters=q"]).badly(&["q:", "of their own"]);
    queue.run(&["recv", "q", "--at-least-once", "--dead-letters=/"]).badly(&[]);
    queue.run(&["send", "q", "--records", "--capacity=0"]).badly(&["q:", "capacity"]);
}

#[test]
fn other_channels_of_the_name_are_left_alone() {
    let queue = Queue::new("kinds");
    let records = queue.start(&["recv", "q", "--records"]);
    queue.until_there("q");
    queue.run(&["send", "q"]).badly(&["q:", "--records on both sides"]);
    queue.run(&["send", "q", "--records", "--capacity=9"]).badly(&["capacity=256", "--capacity"]);
    queue.start_on(&["send", "q", "--records"], b"yes\n").end().well();
    assert_eq!(records.end().well(), b"yes\n");

    let options = ringway::Options::new().dir(&queue.0.0);
    let _other = ringway::mpmc::Sender::<[u64; 512]>::create_with("other", &options).unwrap();
    queue.run(&["recv", "other", "--records"]).badly(&["other:", "another program"]);
}

#[test]
fn the_help_says_what_a_record_is() {
    for (role, words) in [
        ("send", &["--records", "1 GiB", "--persistent"][..]),
        (
            "recv",
            &["--at-least-once", "COMMAND", "RINGWAY_ATTEMPT", "--dead-letters", "--deliveries", "--follow", "{}"],
        ),
    ] {
        let help = String::from_utf8(process::run(&[role, "--help"]).well()).unwrap();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.iter().all(|word| help.contains(word)), "{help}");
    }
}
