//! `ringway stat`: one channel in full, once or again and again.

use super::args::StatArgs;
use super::descriptor;
use super::failure::Failure;
use super::output;
use super::seen::{self, Seen};
use super::signals::{self, SLICE};
use super::units;
use ringway::Kind;
use ringway::observe::{self, End, LaneClass, Lanes, Many, Member, MemberState, Rates, Segment};
use std::io;
use std::os::fd::AsFd;
use std::time::Instant;

/// Prints the channel; with `--every` until it is gone, so many times, or until a signal says to stop.
pub(crate) fn run(args: &StatArgs) -> Result<(), Failure> {
    signals::install()?;
    let look = || observe::stat(&args.name, args.look.dir.as_deref()).map(|seen| (seen, Instant::now()));
    let mut last = look().map_err(|error| Failure::open(&args.name, &error))?;
    let mut next = last.1;
    let mut printed = 0;
    // The first pause is short, so that the first line has rates too.
    let mut pause = args.interval;
    loop {
        let mut rates = None;
        if !pause.is_zero() {
            next += pause;
            sleep_until(next)?;
            let now = match look() {
                Ok(now) => now,
                // Watched to its end: that is an end, and no failure.
                Err(error) if error.is_not_found() && args.every.is_some() => return gone(args),
                Err(error) => return Err(Failure::open(&args.name, &error)),
            };
            rates = now.0.rates_since(&last.0, now.1.duration_since(last.1));
            last = now;
        }
        show(args, &last.0, rates, printed == 0)?;
        printed += 1;
        let Some(every) = args.every else { return Ok(()) };
        if args.count.is_some_and(|count| printed >= count) {
            return Ok(());
        }
        pause = every;
        // Whoever was stopped, or could not write, does not catch up.
        next = next.max(Instant::now().checked_sub(every).unwrap_or(next));
    }
}

fn sleep_until(then: Instant) -> Result<(), Failure> {
    loop {
        signals::check()?;
        let left = then.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(());
        }
        std::thread::sleep(left.min(SLICE));
    }
}

fn gone(args: &StatArgs) -> Result<(), Failure> {
    if args.look.json { Ok(()) } else { print("\ngone\n") }
}

/// One object or page; with `--every` one object a line.
fn show(args: &StatArgs, seen: &Segment, rates: Option<Rates>, is_first: bool) -> Result<(), Failure> {
    let object = Seen::new(seen, rates);
    match (args.look.json, args.every) {
        (true, None) => output::json(&object),
        (true, Some(_)) => {
            let line = serde_json::to_string(&object).map_err(|error| Failure::Fault(error.to_string()))?;
            print(&(line + "\n"))
        }
        (false, _) => print(&((if is_first { "" } else { "\n" }).to_owned() + &page(seen, rates))),
    }
}

/// Prints, with an ear for signals while nobody reads.
fn print(text: &str) -> Result<(), Failure> {
    let stdout = io::stdout();
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        signals::check()?;
        let written = descriptor::write(stdout.as_fd(), rest);
        let written = written.map_err(|error| Failure::Fault(format!("cannot write the output: {error}")))?;
        rest = &rest[written.unwrap_or(0)..];
    }
    Ok(())
}

/// Where its bytes are.
fn file(seen: &Segment) -> String {
    let (path, bytes) = (seen.path.display(), units::bytes(seen.total_bytes));
    match seen.system_v {
        Some(id) => format!("{path}; System V segment {id}, {bytes}"),
        None => format!("{path}, {bytes}"),
    }
}

/// The channel for people.
fn page(seen: &Segment, rates: Option<Rates>) -> String {
    let what = if seen::counts_bytes(seen.kind) { "bytes" } else { "messages" };
    let amount = |n| exact(seen.kind, n);
    let rate = |of: fn(Rates) -> f64| seen::rate(seen.kind, rates.map(of));
    let words: Vec<_> = [seen.kind.name(), seen::fate(seen)].into_iter().filter(|word| !word.is_empty()).collect();
    let mut rows = vec![
        ("channel", format!("{} ({})", seen.name, words.join(", "))),
        ("file", file(seen)),
        ("instance", seen::instance(seen)),
        ("type", type_of(seen)),
        ("capacity", capacity(seen, what)),
        ("depth", format!("{} of {}", amount(seen.depth), seen::amount(seen.kind, seen.capacity))),
        ("sent", format!("{}, {}", amount(seen.sent), rate(|rates| rates.sent_per_second))),
        ("received", format!("{}, {}", amount(seen.received), rate(|rates| rates.received_per_second))),
    ];
    rows.extend(seen.sender.iter().map(|sender| ("sender", end(sender))));
    rows.extend(seen.receiver.iter().map(|receiver| ("receiver", end(receiver))));
    if let Some(many) = &seen.many {
        rows.extend([("senders", seen::senders(seen)), ("receivers", seen::receivers(seen))]);
        rows.extend(crowd(many));
    }
    rows.iter().map(|(what, value)| format!("{what:9} {value}\n")).collect()
}

/// As `ls` has it, and in full.
fn exact(kind: Kind, n: u64) -> String {
    if seen::counts_bytes(kind) && n >= 1024 {
        format!("{n} B ({})", seen::amount(kind, n))
    } else {
        seen::amount(kind, n)
    }
}

fn capacity(seen: &Segment, what: &str) -> String {
    let placement = seen.placement.name();
    let (frames, per, bytes) = (seen.frames, seen.per_frame, units::bytes(seen.frame_bytes));
    if matches!(seen.kind, Kind::Mpmc | Kind::ManyBytes) {
        return format!("{} {what}: as many slots, {bytes} each", seen.capacity);
    }
    format!("{} {what}: {frames} frames of {per}, {bytes} each, {placement}", seen.capacity)
}

fn type_of(seen: &Segment) -> String {
    let message = &seen.message;
    match seen.kind {
        Kind::Bytes => format!("messages of any length, tag {:#x}", message.tag),
        Kind::ManyBytes => {
            format!("messages of any length, up to 112 bytes of them in the ring, tag {:#x}", message.tag)
        }
        _ => format!("{} bytes, aligned to {}, tag {:#x}", message.size, message.align, message.tag),
    }
}

/// What is particular to many senders and many receivers, and each of the processes.
fn crowd(many: &Many) -> Vec<(&'static str, String)> {
    let mut rows = vec![
        ("in hand", format!("{} of {}", many.in_hand, many.in_hand_max)),
        ("records", format!("{} of {} leased", many.operations, many.operations_max)),
    ];
    rows.extend(many.lane_classes.iter().map(|lanes| ("lanes", lanes_of(lanes))));
    rows.extend((many.tombs > 0).then(|| ("tombs", format!("{}: their senders died in the middle", many.tombs))));
    rows.extend((many.dropped > 0).then(|| ("dropped", format!("{}, delivered too often", many.dropped))));
    rows.extend(many.is_closed.then(|| ("closed", "nothing may be sent any more".to_owned())));
    rows.extend(many.members.iter().map(|of| ("member", member(of))));
    rows
}

/// The lanes of a kind: how many are in use, and how much of their memory holds messages.
fn lanes_of(lanes: &Lanes) -> String {
    let in_use = format!("{} of {} {} in use", lanes.in_use, lanes.count, lanes.class.name());
    let bytes = format!("{} of messages in {}", units::bytes(lanes.message_bytes), units::bytes(lanes.bytes_in_use));
    match lanes.class {
        LaneClass::Annex => {
            let (files, held) = (lanes.files, units::bytes(lanes.bytes));
            let (made, replaced) = (lanes.files_made, lanes.files_replaced);
            format!("{in_use}, {bytes}; {files} files, {held} ({made} made, {replaced} replaced)")
        }
        _ => format!("{in_use}, {bytes}; {} each", units::bytes(lanes.lane_bytes)),
    }
}

/// A process among many.
fn member(member: &Member) -> String {
    let count = |n: u32, of: &str| format!("{n} {of}{}", if n == 1 { "" } else { "s" });
    let mut words = vec![format!("{}: {}", member.index, member.state.name()), who(member.pid, &member.command)];
    words.push(format!("generation {}", member.generation));
    if matches!(member.state, MemberState::Attached | MemberState::Died) {
        words.extend([count(member.senders, "sender"), count(member.receivers, "receiver")]);
    }
    words.join(", ")
}

/// A process, with what it runs if it does.
fn who(pid: u32, command: &Option<String>) -> String {
    match command {
        Some(command) => format!("pid {pid} ({command})"),
        None => format!("pid {pid}"),
    }
}

/// An end, with who is there or was.
fn end(end: &End) -> String {
    let mut words = vec![end.state.name().to_owned()];
    if end.state != MemberState::Never {
        words.extend([who(end.pid, &end.command), format!("generation {}", end.generation)]);
    }
    if end.state == MemberState::Attached {
        words.push(if end.is_asleep { "asleep" } else { "awake" }.to_owned());
    }
    words.extend(end.is_quiet.then(|| "quiet: never sleeps".to_owned()));
    words.extend(end.is_mute.then(|| "mute: wakes nobody".to_owned()));
    words.join(", ")
}
