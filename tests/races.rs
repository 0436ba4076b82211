//! Both ends of every kind of channel, used by threads of this process over one and the same memory, with every way to send and to
//! receive, every waiter and every strategy.
//!
//! It checks that what is sent arrives whole, in order and once. But what it is for is that others look on: ThreadSanitizer
//! (`tests/checks/thread-sanitizer`) and Miri (`tests/checks/miri`) see a race between two threads only where both use the same addresses, and
//! so not in the other tests, in which each end has a mapping of its own.
//!
//! This is a program of its own (`harness = false`): the test harness, and much of the standard library behind it, is compiled
//! without the sanitizer, which then takes their own ordering for a race. For the same reason nothing here but the channels goes from
//! thread to thread, except by `spawn` and `join`. Names given to it, or parts of them, choose scenes. `RINGWAY_RACES` is the number of
//! messages of each scene.

#[path = "races/bytes.rs"]
mod bytes;
#[path = "races/many.rs"]
mod many;
#[path = "races/many_bytes.rs"]
mod many_bytes;
#[path = "races/message.rs"]
mod message;
#[path = "races/rest.rs"]
mod rest;
#[path = "races/stream.rs"]
mod stream;
#[path = "races/typed.rs"]
mod typed;

use rest::Rest;
use ringway::Options;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// What is done with so many messages, over a channel that is made with these options.
type Scene = (&'static str, fn(Options, u64));

/// Nothing takes so long, also where each access is looked at: who waits longer says what for, and fails.
const PATIENCE: Duration = Duration::from_secs(300);

fn scenes() -> impl Iterator<Item = Scene> {
    [typed::SCENES, many::SCENES, bytes::SCENES, many_bytes::SCENES, stream::SCENES].into_iter().flatten().copied()
}

fn named(scene: &str, rest: Rest) -> String {
    format!("{scene}/{rest}")
}

/// The names of all that is played somewhere.
fn names() -> impl Iterator<Item = String> {
    Rest::all().flat_map(|rest| scenes().map(move |(name, _)| named(name, rest)))
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if arguments.iter().any(|argument| argument == "--list") {
        return ExitCode::SUCCESS;
    }
    let wanted: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    // (A word without a slash may be meant for all test programs, and be the name of a test in another.)
    let is_none = |part: &&&String| part.contains('/') && !names().any(|name| name.contains(part.as_str()));
    if let Some(part) = wanted.iter().find(is_none) {
        println!("there is no scene {part}");
        return ExitCode::FAILURE;
    }
    let usual = if cfg!(miri) { 8 } else { 400 };
    let messages = std::env::var("RINGWAY_RACES").ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let mut played = 0;
    for rest in Rest::all() {
        if let Some(why) = rest.impossible() {
            println!("SKIPPED: {rest}: {why}");
            continue;
        }
        for (name, scene) in scenes() {
            let name = named(name, rest);
            if wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str())) {
                play(&name, move || scene(rest.options(), rest.share(messages)));
                played += 1;
            }
        }
    }
    println!("{played} scenes of {messages} messages");
    ExitCode::SUCCESS
}

/// Plays a scene in a thread, and says how long it took.
fn play(name: &str, scene: impl FnOnce() + Send + 'static) {
    let started = Instant::now();
    let thread = std::thread::spawn(scene);
    while !thread.is_finished() {
        if started.elapsed() > PATIENCE {
            println!("hangs: {name}");
            std::process::exit(1);
        }
        std::thread::park_timeout(Duration::from_micros(500));
    }
    if thread.join().is_err() {
        println!("failed: {name}");
        std::process::exit(1);
    }
    println!("{name}: {} ms", started.elapsed().as_millis());
}
