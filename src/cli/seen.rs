//! A channel as `ls` and `stat` tell it: one JSON object, and numbers with the units of its kind.

use super::units;
use ringway::Kind;
use ringway::observe::{Member, Rates, Segment};
use serde::Serialize;

/// A channel as JSON. Amounts and rates are of messages; of a stream, of bytes.
#[derive(Serialize)]
pub(crate) struct Seen<'a> {
    name: &'a str,
    path: String,
    kind: &'static str,
    instance: String,
    capacity: u64,
    depth: u64,
    sent: u64,
    received: u64,
    /// `null` when not measured: one look, or another instance since the last.
    sent_per_second: Option<f64>,
    received_per_second: Option<f64>,
    message_bytes: u64,
    message_align: u64,
    message_tag: u64,
    placement: &'static str,
    frames: u64,
    messages_per_frame: u64,
    frame_bytes: u64,
    total_bytes: u64,
    stale: bool,
    persistent: bool,
    sender: End<'a>,
    receiver: End<'a>,
}

#[derive(Serialize)]
struct End<'a> {
    state: &'static str,
    pid: Option<u32>,
    command: Option<&'a str>,
    generation: u32,
    asleep: bool,
    quiet: bool,
    mute: bool,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(seen: &'a Segment, rates: Option<Rates>) -> Self {
        Self {
            name: &seen.name,
            path: seen.path.display().to_string(),
            kind: seen.kind.name(),
            instance: instance(seen),
            capacity: seen.capacity,
            depth: seen.depth,
            sent: seen.sent,
            received: seen.received,
            sent_per_second: rates.map(|rates| rates.sent_per_second),
            received_per_second: rates.map(|rates| rates.received_per_second),
            message_bytes: seen.message.size,
            message_align: seen.message.align,
            message_tag: seen.message.tag,
            placement: seen.placement.name(),
            frames: seen.frames,
            messages_per_frame: seen.per_frame,
            frame_bytes: seen.frame_bytes,
            total_bytes: seen.total_bytes,
            stale: !seen.is_in_use && !seen.is_persistent,
            persistent: seen.is_persistent,
            sender: End::new(&seen.sender),
            receiver: End::new(&seen.receiver),
        }
    }
}

impl<'a> End<'a> {
    fn new(member: &'a Member) -> Self {
        Self {
            state: member.state.name(),
            pid: (member.pid != 0).then_some(member.pid),
            command: member.command.as_deref(),
            generation: member.generation,
            asleep: member.is_asleep,
            quiet: member.is_quiet,
            mute: member.is_mute,
        }
    }
}

/// What becomes of the channel when nobody uses it, if there is something to say.
pub(crate) fn fate(seen: &Segment) -> &'static str {
    match (seen.is_persistent, seen.is_in_use) {
        (true, _) => "persistent",
        (false, true) => "",
        (false, false) => "stale",
    }
}

/// The instance's random bits.
pub(crate) fn instance(seen: &Segment) -> String {
    seen.instance.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// So many messages, or bytes of a stream.
pub(crate) fn amount(kind: Kind, n: u64) -> String {
    if kind == Kind::Stream { units::bytes(n) } else { n.to_string() }
}

/// So many messages a second, or bytes of a stream; `-` if that is not known.
pub(crate) fn rate(kind: Kind, rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if kind == Kind::Stream => units::rate(rate),
        Some(rate) => units::messages_rate(rate),
    }
}
