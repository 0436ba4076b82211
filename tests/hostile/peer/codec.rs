//! Values of a type that serde knows, from somebody who sends any bytes.

use super::bytes::made_many;
use super::typed::ends;
use super::{LIMIT, MOMENT, NAME, Program, Waits};
use ringway::bytes::mpmc;
use ringway::codec::{Receiver, RecvTimeoutError, Sender};
use ringway::{Options, codec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A value with a length, an alternative, text and depth in it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Job {
    name: String,
    numbers: Vec<u64>,
    by_name: BTreeMap<String, Option<f64>>,
    then: Option<Box<Job>>,
}

pub(super) fn run(program: &mut Program<'_>) {
    let (made, [capacity, shape, waiter]) = made_many(program);
    let create =
        (|made: &Options| mpmc::Sender::create_with(NAME, made).ok(), |tx: &mpmc::Sender| tx.descriptor().ok());
    let open = |opened: &Options| Receiver::<Job>::open_with(NAME, opened).ok();
    let told = [7, capacity, shape, waiter];
    let Some((bytes, mut rx, opened)) = ends(program, &made, &told, create, open) else { return };
    rx.set_limit(LIMIT);
    let Ok(tx) = Sender::<Job>::open_with(NAME, &opened) else { return };
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 12 {
            0 => program.meddle(),
            // Any bytes as a message.
            1..4 => {
                let len = program.count() * 4;
                let message: Vec<u8> = (0..len).map(|_| program.byte()).collect();
                let _ = program.now(|| bytes.try_send(&message));
            }
            4 => drop(program.wait(|| bytes.send_timeout(&[0xff; 5000], MOMENT))),
            5 | 6 => {
                let job = job(program);
                let _ = program.call(Waits::Yes, 1, || tx.try_send(job).is_ok());
            }
            7 => {
                let job = job(program);
                let _ = program.call(Waits::Yes, 1, || tx.send_timeout(job, MOMENT).is_ok());
            }
            8..11 => judge(program.call(Waits::Yes, 60, || rx.recv_timeout(MOMENT))),
            _ => drop(program.call(Waits::Yes, 60, || rx.try_iter().take(20).filter(Result::is_ok).count())),
        }
    }
    drop(program.wait(|| (bytes, tx, rx)));
}

fn job(program: &mut Program<'_>) -> Job {
    let (len, name) = (program.length(), program.count());
    let then = (name > 3).then(|| Box::new(Job { name: "x".repeat(name), ..Job::default() }));
    Job {
        numbers: vec![u64::MAX; len / 10],
        by_name: BTreeMap::from([("half".to_owned(), Some(0.5))]),
        then,
        ..Job::default()
    }
}

fn judge(got: Result<Job, RecvTimeoutError<codec::PostcardError>>) {
    match got {
        // Its parts are not longer than its bytes.
        Ok(job) => assert!(job.name.len() as u64 <= LIMIT && job.numbers.len() as u64 <= LIMIT),
        Err(error) => drop(error.to_string()),
    }
}
