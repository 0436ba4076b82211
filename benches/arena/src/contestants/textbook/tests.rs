//! That every message arrives by each way, and that what the cards say of a dead one is so.

use super::*;
use crate::contestant::{Failure, Place};
use crate::contestants::lengths::trial as lengths_trial;
use crate::contestants::trial;
use way::Turns;

const HELD: Condvar = Condvar { is_robust: false, is_held: true };
const ROBUST: Condvar = Condvar { is_robust: true, is_held: true };
const BESIDE: Condvar = Condvar { is_robust: true, is_held: false };

macro_rules! every_message_arrives {
    ($($name:ident: $way:expr;)*) => {$(
        #[test]
        fn $name() {
            trial::between(module_path!(), stringify!($name), Buffer($way));
        }
    )*};
}

every_message_arrives! {
    mutex_and_condvar: HELD;
    robust_mutex_and_condvar: ROBUST;
    three_semaphores: Semaphores { has_lock: true };
    two_semaphores: Semaphores { has_lock: false };
    posix_queues: Queues;
    eventfds: Eventfds;
    system_v_semaphores: SystemVSemaphores;
    system_v_queues: SystemVQueues;
}

macro_rules! every_message_arrives_whole {
    ($($name:ident: $way:expr;)*) => {$(
        #[test]
        fn $name() {
            lengths_trial::between(module_path!(), stringify!($name), Rounds($way));
        }
    )*};
}

every_message_arrives_whole! {
    rounds_by_condvar: BESIDE;
    rounds_by_semaphores: Semaphores { has_lock: false };
    rounds_by_posix_queues: Queues;
    rounds_by_eventfds: Eventfds;
    rounds_by_system_v_semaphores: SystemVSemaphores;
    rounds_by_system_v_queues: SystemVQueues;
}

/// A producer that is gone with the mutex: the next one gets it, if it is robust.
#[test]
fn a_robust_mutex_outlives_its_owner() -> Result<(), Failure> {
    let dir = trial::tempdir("a_robust_mutex_outlives_its_owner");
    let place = Place { name: "robust".into(), dir: dir.clone(), capacity: 2 };
    let (memory, mut consumer) = ROBUST.create(&place, 8)?;
    let owner = {
        let place = place.clone();
        // It takes a place, and with it the mutex, and ends.
        std::thread::spawn(move || {
            let (memory, mut producer) = ROBUST.open(&place).expect("it is there");
            (memory, producer.take(1).expect("a place is free"))
        })
    };
    let (owners, taken) = owner.join().expect("it has not panicked");
    assert_eq!(taken, 1);
    let (producers, mut producer) = ROBUST.open(&place)?;
    assert_eq!(producer.take(2)?, 1, "the dead one's place is lost, the other one is free");
    producer.give(1)?;
    assert_eq!(consumer.take(2)?, 1);
    consumer.give(1)?;
    drop((owners, producers, memory));
    Ok(std::fs::remove_dir_all(dir)?)
}

/// As many places as there are messages in a queue, or numbers in a semaphore.
#[test]
fn nobody_has_more_places_than_it_can_count() -> Result<(), Failure> {
    let dir = trial::tempdir("nobody_has_more_places_than_it_can_count");
    let place =
        Place { name: dir.file_name().expect("a name").to_string_lossy().into(), dir: dir.clone(), capacity: 65536 };
    let (memory, mut consumer) = SystemVSemaphores.create(&place, 8)?;
    assert_eq!(memory.places(), 32767);
    let (_, mut producer) = SystemVSemaphores.open(&place)?;
    for _ in 0..memory.places() {
        producer.take(1)?;
        producer.give(1)?;
    }
    consumer.take(1)?;
    consumer.give(1)?;
    drop(consumer);
    let (memory, consumer) = SystemVQueues.create(&place, 8)?;
    let (_, mut producer) = SystemVQueues.open(&place)?;
    for _ in 0..memory.places() {
        producer.take(1)?;
        producer.give(1)?;
    }
    drop(consumer);
    Ok(std::fs::remove_dir_all(dir)?)
}
