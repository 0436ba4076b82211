//! The honest side of a round.

use crate::plan::{Kind, Plan};
use crate::support::{PATIENCE, Random};
use ringway::handover::{BytesReceiver, HandoverError, Peer, Reader, Receiver};
use ringway::{DisconnectReason, Options, WaitStrategy};
use std::io::{IoSliceMut, Read, Write};
use std::time::{Duration, Instant};

/// What a message of the tests is: five words, so that a frame holds more than one.
pub(crate) type Message = [u64; 5];

const MOMENT: Duration = Duration::from_millis(3);
/// For so long one side plays with the channel.
const ROUND: Duration = Duration::from_millis(40);
/// The longest message that is received.
const LIMIT: u64 = 1 << 20;

/// What the honest side has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) moved: u64,
    pub(crate) is_corrupt: bool,
}

/// What is left to do when the hostile side is dead: a call without a deadline, until there is an end.
pub(crate) type Rest = Box<dyn FnOnce() + Send>;

/// How the honest end waits: also without slices, so that nothing but its deadline ends a wait.
pub(crate) fn options(plan: Plan) -> Options {
    let mut random = Random::with(plan.seed ^ 0x0ff);
    let wait = [WaitStrategy::Sleep, WaitStrategy::default(), WaitStrategy::Spin][random.below(3) as usize];
    Options::new().wait(wait).slice(slice(plan))
}

/// How long the honest end sleeps at most before it asks whether the other lives.
fn slice(plan: Plan) -> Duration {
    if plan.seed >> 13 & 1 == 0 { ENDLESS } else { Duration::from_millis(5) }
}

/// Longer than any round.
const ENDLESS: Duration = Duration::from_secs(3600);

/// Runs a call that has a deadline of some milliseconds.
fn bounded<R>(plan: Plan, what: &str, call: impl FnOnce() -> R) -> R {
    let begun = Instant::now();
    let result = call();
    assert!(begun.elapsed() < PATIENCE, "{what} took {:?} in {plan:?}", begun.elapsed());
    result
}

/// Takes the part that the plan says, and plays with it.
pub(crate) fn play(mut peer: Peer, plan: Plan) -> Result<(Seen, Rest), HandoverError> {
    let options = options(plan);
    let sized = options.clone().capacity(plan.capacity);
    let mut random = Random::with(plan.seed ^ 0xbeef);
    let mut seen = Seen::default();
    let end = Instant::now() + ROUND;
    let goes_on = || Instant::now() < end;
    let (reason, rest): (_, Rest) = match (plan.kind, plan.honest_receives) {
        (Kind::Numbers, true) => {
            let mut rx = bounded(plan, "a hand-over", || peer.spsc_receiver::<Message>(&options))?;
            drop(peer);
            while goes_on() {
                seen.moved += receive_numbers(plan, &mut rx, &mut random);
            }
            (rx.disconnect_reason(), Box::new(move || while rx.recv().is_ok() {}))
        }
        (Kind::Numbers, false) => {
            let mut tx = bounded(plan, "a hand-over", || peer.spsc_sender::<Message>(&sized))?;
            drop(peer);
            while goes_on() {
                seen.moved += send_numbers(plan, &mut tx, &mut random);
            }
            (tx.disconnect_reason(), Box::new(move || while tx.send([1; 5]).is_ok() {}))
        }
        (Kind::Bytes, true) => {
            let mut rx = bounded(plan, "a hand-over", || peer.bytes_receiver(&options))?;
            rx.set_limit(LIMIT);
            drop(peer);
            while goes_on() {
                seen.moved += receive_bytes(plan, &mut rx, &mut random);
            }
            let is_over = |got: Result<_, ringway::bytes::RecvError>| got.is_err_and(|error| error.is_disconnected());
            (rx.disconnect_reason(), Box::new(move || while !is_over(rx.recv()) {}))
        }
        (Kind::Bytes, false) => {
            let mut tx = bounded(plan, "a hand-over", || peer.bytes_sender(&sized))?;
            drop(peer);
            while goes_on() {
                seen.moved += send_bytes(plan, &mut tx, &mut random);
            }
            (tx.disconnect_reason(), Box::new(move || while tx.send(&[1; 100]).is_ok() {}))
        }
        (Kind::Stream, true) => {
            let mut reader = bounded(plan, "a hand-over", || peer.stream_reader(&options))?;
            drop(peer);
            reader.set_read_timeout(Some(MOMENT)).expect("not zero");
            while goes_on() {
                seen.moved += read(plan, &mut reader, &mut random);
            }
            reader.set_read_timeout(None).expect("for ever");
            (None, Box::new(move || while reader.read(&mut [0; 100]).is_ok_and(|n| n > 0) {}))
        }
        (Kind::Stream, false) => {
            let mut writer = bounded(plan, "a hand-over", || peer.stream_writer(&sized))?;
            drop(peer);
            writer.set_write_timeout(Some(MOMENT)).expect("not zero");
            while goes_on() {
                seen.moved += write(plan, &mut writer, &mut random);
            }
            writer.set_write_timeout(None).expect("for ever");
            (None, Box::new(move || while writer.write(&[1; 100]).is_ok() {}))
        }
    };
    seen.is_corrupt = reason == Some(DisconnectReason::Corrupt);
    // Between two slices nobody asks.
    Ok((seen, if slice(plan) == ENDLESS { Box::new(|| drop(rest)) } else { rest }))
}

fn receive_numbers(plan: Plan, rx: &mut Receiver<Message>, random: &mut Random) -> u64 {
    assert!(rx.len() <= rx.capacity());
    let mut many = [[0; 5]; 20];
    match random.below(6) {
        0 => bounded(plan, "try_recv", || u64::from(rx.try_recv().is_ok())),
        1 => bounded(plan, "recv_timeout", || u64::from(rx.recv_timeout(MOMENT).is_ok())),
        2 => bounded(plan, "recv_deadline", || u64::from(rx.recv_deadline(Instant::now() + MOMENT).is_ok())),
        3 => bounded(plan, "try_recv_many", || rx.try_recv_many(&mut many).unwrap_or(0) as u64),
        4 => bounded(plan, "try_iter", || rx.try_iter().take(50).count() as u64),
        _ => {
            bounded(plan, "questions", || drop((rx.disconnect_reason(), rx.is_empty(), rx.stats(), format!("{rx:?}"))));
            0
        }
    }
}

fn send_numbers(plan: Plan, tx: &mut ringway::spsc::Sender<Message>, random: &mut Random) -> u64 {
    assert!(tx.len() <= tx.capacity());
    let message = [random.next(); 5];
    match random.below(6) {
        0 => bounded(plan, "try_send", || u64::from(tx.try_send(message).is_ok())),
        1 => bounded(plan, "send_timeout", || u64::from(tx.send_timeout(message, MOMENT).is_ok())),
        2 => bounded(plan, "try_send_many", || tx.try_send_many(&[message; 20]).unwrap_or(0) as u64),
        3 => bounded(plan, "try_reserve", || {
            let Ok(mut grant) = tx.try_reserve(7) else { return 0 };
            let filled = grant.fill([message; 7]);
            grant.commit(filled);
            filled as u64
        }),
        4 => {
            let _ = bounded(plan, "wait_for_peer", || tx.wait_for_peer(MOMENT));
            0
        }
        _ => {
            bounded(plan, "questions", || drop((tx.disconnect_reason(), tx.is_full(), tx.stats(), format!("{tx:?}"))));
            0
        }
    }
}

fn receive_bytes(plan: Plan, rx: &mut BytesReceiver, random: &mut Random) -> u64 {
    assert!(rx.len() <= rx.capacity());
    let mut message = Vec::new();
    let got = match random.below(5) {
        0 => bounded(plan, "try_recv_into", || rx.try_recv_into(&mut message).is_ok()),
        1 => bounded(plan, "recv_into_timeout", || rx.recv_into_timeout(&mut message, MOMENT).is_ok()),
        2 => bounded(plan, "recv_timeout", || rx.recv_timeout(MOMENT).map(|got| message = got).is_ok()),
        3 => return bounded(plan, "try_iter", || rx.try_iter().take(50).count() as u64),
        _ => {
            bounded(plan, "questions", || drop((rx.disconnect_reason(), rx.is_empty(), rx.stats(), format!("{rx:?}"))));
            false
        }
    };
    assert!(message.len() as u64 <= LIMIT && message.capacity() as u64 <= 4 * LIMIT);
    u64::from(got)
}

fn send_bytes(plan: Plan, tx: &mut ringway::bytes::spsc::Sender, random: &mut Random) -> u64 {
    assert!(tx.len() <= tx.capacity());
    let message = vec![7; random.below(3 * plan.capacity as u64) as usize];
    let sent = match random.below(6) {
        0 => bounded(plan, "try_send", || tx.try_send(&message).is_ok()),
        1 | 2 => bounded(plan, "send_timeout", || tx.send_timeout(&message, MOMENT).is_ok()),
        3 => bounded(plan, "claim_timeout", || {
            let len = message.len().min(tx.contiguous_max());
            let Ok(mut claim) = tx.claim_timeout(len, MOMENT) else { return false };
            claim.fill(3);
            claim.commit(len / 2);
            true
        }),
        4 => {
            let _ = bounded(plan, "wait_for_peer", || tx.wait_for_peer(MOMENT));
            false
        }
        _ => {
            bounded(plan, "questions", || drop((tx.disconnect_reason(), tx.is_empty(), tx.stats(), format!("{tx:?}"))));
            false
        }
    };
    u64::from(sent)
}

fn read(plan: Plan, reader: &mut Reader, random: &mut Random) -> u64 {
    let mut bytes = vec![0; random.below(3 * plan.capacity as u64) as usize];
    let got = match random.below(3) {
        0 => bounded(plan, "read", || reader.read(&mut bytes)),
        1 => {
            let half = bytes.len() / 2;
            let (one, other) = bytes.split_at_mut(half);
            bounded(plan, "read_vectored", || reader.read_vectored(&mut [IoSliceMut::new(one), IoSliceMut::new(other)]))
        }
        _ => {
            bounded(plan, "questions", || drop((reader.received(), reader.stats(), format!("{reader:?}"))));
            Ok(0)
        }
    };
    got.unwrap_or(0) as u64
}

fn write(plan: Plan, writer: &mut ringway::stream::Writer, random: &mut Random) -> u64 {
    let bytes = vec![9; random.below(3 * plan.capacity as u64) as usize];
    match random.below(4) {
        0 => bounded(plan, "write", || writer.write(&bytes)).unwrap_or(0) as u64,
        1 => bounded(plan, "reserve_timeout", || {
            let Ok(Some(mut grant)) = writer.reserve_timeout(bytes.len().max(1), MOMENT) else { return 0 };
            let n = grant.copy_from_slice(&bytes);
            grant.commit(n);
            n as u64
        }),
        2 => {
            let _ = bounded(plan, "check", || writer.check());
            0
        }
        _ => {
            bounded(plan, "questions", || drop((writer.taken(), writer.stats(), format!("{writer:?}"))));
            0
        }
    }
}
