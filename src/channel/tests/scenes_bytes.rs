//! What children do at channels of bytes between many before they are killed.

use super::scenes::bytes;
use super::stage::act;
use crate::bytes::mpmc::{Receiver, Sender};
use crate::channel::options::Options;
use crate::wait::strategy::WaitStrategy;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Duration;

/// Bytes of a lane.
pub(super) const LANE: usize = 4096;
/// Of a message that is longer.
pub(super) const LONG: usize = 9000;

/// One hand, two lanes: who is killed leaves others little to go on with.
pub(super) fn options(directory: &Path) -> Options {
    let options = Options::new().dir(directory).capacity(4).members(3).operations(2).in_hand(1);
    options.lanes(2, LANE).chunk_bytes(2048).wait(WaitStrategy::Sleep).slice(Duration::from_millis(1))
}

/// The same with one long lane, and short ones.
pub(super) fn options_with_short_lanes(directory: &Path) -> Options {
    options(directory).lanes(1, 2 * LANE)
}

/// A loan that fits into the shortest annex, and one that needs a file eight times as long.
pub(super) const SMALL: usize = LANE + 1;
pub(super) const LARGE: usize = 12 * LANE;

/// One annex.
pub(super) fn options_with_an_annex(directory: &Path) -> Options {
    options(directory).annexes(1)
}

/// Returns only by `act`.
pub(super) fn play(scene: &str, name: &str, directory: &Path, n: u64) {
    let has_short_lanes = matches!(scene, "bytes-send-short" | "bytes-send-long");
    let options = match scene {
        _ if has_short_lanes => options_with_short_lanes(directory),
        _ if scene.contains("annex") => options_with_an_annex(directory),
        _ => options(directory),
    };
    let sender = || Sender::open_with(name, &options).expect("a channel");
    let receiver = || Receiver::open_with(name, &options).expect("a channel");
    match scene {
        "bytes-send" | "bytes-send-short" | "bytes-send-long" | "bytes-send-longer" => {
            let tx = sender();
            let len = match scene {
                "bytes-send-longer" => LONG,
                "bytes-send-long" => 2 * LANE,
                _ => 500,
            };
            let message = bytes(len);
            act(n, || tx.send(&message))
        }
        "bytes-claim" => {
            let tx = sender();
            act(n, || {
                let mut claim = tx.claim(500).expect("a lane");
                claim.copy_from_slice(&bytes(500));
                claim.commit(500)
            })
        }
        "bytes-loan-annex" | "bytes-loan-small-annex" | "bytes-drop-annex" => {
            let tx = sender();
            let len = if scene == "bytes-loan-small-annex" { SMALL } else { LARGE };
            act(n, || {
                let mut loan = tx.loan(len).expect("an annex");
                loan.copy_from_slice(&bytes(len));
                if scene == "bytes-drop-annex" { None } else { Some(loan.send()) }
            })
        }
        "bytes-hold-annex" => {
            let tx = sender();
            act(n, || std::mem::forget(tx.loan(LARGE).expect("an annex")))
        }
        "bytes-bury-annex" => {
            // Somebody else has died with the annex.
            let tx = sender();
            act(n, || tx.loan(LARGE).map(drop).is_ok())
        }
        "bytes-adopt-annex" => {
            // Somebody else has died with a message that lies there.
            let rx = receiver();
            act(n, || rx.recv_ref_timeout(Duration::from_secs(10)).expect("what a dead one had").commit())
        }
        "bytes-hold-guard-annex" => {
            let rx = receiver();
            act(n, || std::mem::forget(rx.recv_ref().expect("a message")))
        }
        "bytes-finish" | "bytes-drop-writer" => {
            let tx = sender();
            act(n, || {
                let mut writer = tx.writer(None).expect("a lane");
                let written = writer.write_all(&bytes(LONG));
                if scene == "bytes-finish" { written.map(|()| writer.finish().is_ok()) } else { Ok(false) }
            })
        }
        "bytes-recv" | "bytes-recv-longer" | "bytes-recv-annex" => {
            let rx = receiver();
            act(n, || rx.recv().map(|message| message.len()))
        }
        "bytes-recv_ref" | "bytes-recv_ref-longer" | "bytes-recv_ref-annex" => {
            let rx = receiver();
            act(n, || rx.recv_ref().expect("a message").commit())
        }
        "bytes-drop-guard" | "bytes-drop-guard-annex" => {
            let rx = receiver();
            act(n, || drop(rx.recv_ref()))
        }
        "bytes-read" => {
            let rx = receiver();
            act(n, || rx.reader().expect("a message").read_to_end(&mut Vec::new()).map_err(|error| error.kind()))
        }
        "bytes-drop-reader" => {
            let rx = receiver();
            act(n, || rx.reader().expect("a message").read_exact(&mut [0; 3000]).map_err(|error| error.kind()))
        }
        _ => panic!("no scene {scene}"),
    }
}
