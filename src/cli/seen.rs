//! A channel as `ls` and `stat` tell it: one JSON object, and numbers with the units of its kind.

use super::units;
use ringway::Kind;
use ringway::observe::{self, End, Many, MemberState, Rates, Segment};
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
    /// The number of the System V segment that it lies in; left out if it lies in its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    system_v: Option<i32>,
    /// With one sender and one receiver.
    #[serde(skip_serializing_if = "Option::is_none")]
    sender: Option<EndRow<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<EndRow<'a>>,
    /// With many.
    #[serde(flatten)]
    many: Option<ManyRow<'a>>,
}

/// What is particular to many senders and many receivers.
#[derive(Serialize)]
struct ManyRow<'a> {
    closed: bool,
    senders: u64,
    sender_state: &'static str,
    receivers: u64,
    receiver_state: &'static str,
    in_hand: u64,
    in_hand_max: u64,
    operations: u64,
    operations_max: u64,
    lanes: u64,
    lanes_max: u64,
    lane_classes: Vec<LanesRow>,
    tombs: u64,
    dropped: u64,
    members: Vec<MemberRow<'a>>,
    members_max: u64,
}

/// Lanes of one kind.
#[derive(Serialize)]
struct LanesRow {
    class: &'static str,
    lane_bytes: u64,
    lanes: u64,
    in_use: u64,
    free: u64,
    bytes: u64,
    bytes_in_use: u64,
    message_bytes: u64,
    files: u64,
    files_made: u64,
    files_replaced: u64,
}

#[derive(Serialize)]
struct MemberRow<'a> {
    member: u64,
    state: &'static str,
    pid: u32,
    command: Option<&'a str>,
    generation: u32,
    senders: u32,
    receivers: u32,
}

#[derive(Serialize)]
struct EndRow<'a> {
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
            system_v: seen.system_v,
            sender: seen.sender.as_ref().map(EndRow::new),
            receiver: seen.receiver.as_ref().map(EndRow::new),
            many: seen.many.as_ref().map(ManyRow::new),
        }
    }
}

impl<'a> EndRow<'a> {
    fn new(end: &'a End) -> Self {
        Self {
            state: end.state.name(),
            pid: (end.pid != 0).then_some(end.pid),
            command: end.command.as_deref(),
            generation: end.generation,
            asleep: end.is_asleep,
            quiet: end.is_quiet,
            mute: end.is_mute,
        }
    }
}

impl<'a> ManyRow<'a> {
    fn new(many: &'a Many) -> Self {
        Self {
            closed: many.is_closed,
            senders: many.senders,
            sender_state: many.sender_state.name(),
            receivers: many.receivers,
            receiver_state: many.receiver_state.name(),
            in_hand: many.in_hand,
            in_hand_max: many.in_hand_max,
            operations: many.operations,
            operations_max: many.operations_max,
            lanes: many.lanes,
            lanes_max: many.lanes_max,
            lane_classes: many.lane_classes.iter().map(LanesRow::new).collect(),
            tombs: many.tombs,
            dropped: many.dropped,
            members: many.members.iter().map(MemberRow::new).collect(),
            members_max: many.members_max,
        }
    }
}

impl LanesRow {
    fn new(lanes: &observe::Lanes) -> Self {
        Self {
            class: lanes.class.name(),
            lane_bytes: lanes.lane_bytes,
            lanes: lanes.count,
            in_use: lanes.in_use,
            free: lanes.free(),
            bytes: lanes.bytes,
            bytes_in_use: lanes.bytes_in_use,
            message_bytes: lanes.message_bytes,
            files: lanes.files,
            files_made: lanes.files_made,
            files_replaced: lanes.files_replaced,
        }
    }
}

impl<'a> MemberRow<'a> {
    fn new(member: &'a observe::Member) -> Self {
        Self {
            member: member.index,
            state: member.state.name(),
            pid: member.pid,
            command: member.command.as_deref(),
            generation: member.generation,
            senders: member.senders,
            receivers: member.receivers,
        }
    }
}

/// Who sends, in a few words.
pub(crate) fn senders(seen: &Segment) -> String {
    match (&seen.sender, &seen.many) {
        (Some(end), _) => who(end.state, end.pid, end.command.as_deref()),
        (None, Some(many)) => crowd(many, many.sender_state, |member| member.senders),
        (None, None) => "-".to_owned(),
    }
}

/// Who receives.
pub(crate) fn receivers(seen: &Segment) -> String {
    match (&seen.receiver, &seen.many) {
        (Some(end), _) => who(end.state, end.pid, end.command.as_deref()),
        (None, Some(many)) => crowd(many, many.receiver_state, |member| member.receivers),
        (None, None) => "-".to_owned(),
    }
}

/// One end: the process that is there, or what became of the last one.
fn who(state: MemberState, pid: u32, command: Option<&str>) -> String {
    match (state, command) {
        (MemberState::Attached, Some(command)) => format!("{pid} ({command})"),
        (MemberState::Attached, None) => pid.to_string(),
        (MemberState::Died, _) if pid != 0 => format!("died ({pid})"),
        (MemberState::Died, _) => "died".to_owned(),
        (MemberState::Left, _) => "left".to_owned(),
        _ => "-".to_owned(),
    }
}

/// All ends of a kind: of one process, of several, or what became of the last.
fn crowd(many: &Many, state: MemberState, ends: fn(&observe::Member) -> u32) -> String {
    let there = many.members.iter().filter(|member| member.state == MemberState::Attached && ends(member) > 0);
    let there: Vec<_> = there.collect();
    match &there[..] {
        [] => who(state, 0, None),
        [one] => {
            let who = who(one.state, one.pid, one.command.as_deref());
            if ends(one) == 1 { who } else { format!("{who} x {}", ends(one)) }
        }
        several => {
            let ends: u64 = several.iter().map(|member| u64::from(ends(member))).sum();
            format!("{ends} in {} attachments", several.len())
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

/// Whether what is counted of this kind are bytes: those of a stream, or of messages with what is around them.
pub(crate) fn counts_bytes(kind: Kind) -> bool {
    matches!(kind, Kind::Stream | Kind::Bytes)
}

/// So many messages, or bytes.
pub(crate) fn amount(kind: Kind, n: u64) -> String {
    if counts_bytes(kind) { units::bytes(n) } else { n.to_string() }
}

/// So many messages a second, or bytes; `-` if that is not known.
pub(crate) fn rate(kind: Kind, rate: Option<f64>) -> String {
    match rate {
        None => "-".to_owned(),
        Some(rate) if counts_bytes(kind) => units::rate(rate),
        Some(rate) => units::messages_rate(rate),
    }
}
