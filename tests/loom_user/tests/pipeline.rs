//! The pipeline in threads; and with `--cfg loom`, in the orders that they can have.

use loom_user::sync::{Arc, spawn};
use loom_user::{CREDIT, Shared, consume, produce, work};
use ringway::spsc;

/// Runs it once, with a consumer that has enough after so many.
fn run(numbers: u32, enough: u32) {
    let shared = Shared::new();
    // There is room for all that there is credit for: nobody waits for room.
    let (jobs, to_do) = spsc::channel(CREDIT as usize).unwrap();
    let (places, done) = spsc::channel(CREDIT as usize).unwrap();
    let (theirs, its) = (Arc::clone(&shared), Arc::clone(&shared));
    let producing = spawn(move || produce(&theirs, jobs, 1..=numbers));
    let working = spawn(move || work(&its, to_do, places));
    let (sum, seen) = consume(&shared, done, enough);
    let (sent, worked) = (producing.join().unwrap(), working.join().unwrap());
    assert!(sent == worked && sent == seen, "a job was lost: {sent} sent, {worked} done, {seen} seen");
    assert_eq!(shared.credit(), CREDIT, "credit was lost");
    let all: u32 = (1..=numbers).map(|number| number * number).sum();
    assert!((1..=all).contains(&sum), "squares of nothing that was sent: {sum}");
}

#[cfg(loom)]
#[test]
fn every_job_is_done_and_every_credit_comes_back() {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.check(|| run(2, 1));
}

#[cfg(not(loom))]
#[test]
fn every_job_is_done_and_every_credit_comes_back() {
    (0..100).for_each(|_| run(1000, 500));
}
