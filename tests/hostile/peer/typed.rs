//! Kinds 1 and 3: messages of one type, one to one and many to many; and the same with the names of others.

use super::writes::Memory;
use super::{LETTERS, MOMENT, NAME, Program};
use ringway::{Backing, Options, mpmc, spsc};
use std::sync::Arc;
use std::time::Duration;

/// Makes the channel with `create`, opens its other end with `open`, and gives its words to the peer.
pub(super) fn ends<T, R>(
    program: &mut Program<'_>,
    made: &Options,
    shape: &[u8],
    (create, descriptor): (impl Fn(&Options) -> Option<T>, impl Fn(&T) -> Option<std::os::fd::OwnedFd>),
    open: impl Fn(&Options) -> Option<R>,
) -> Option<(T, R, Options)> {
    let mut opened = program.opened();
    let tx = create(made)?;
    let memory = if program.backing % 4 == 3 {
        opened = opened.backing(Backing::Descriptor(Arc::new(descriptor(&tx)?)));
        Memory::of(descriptor(&tx)?)
    } else {
        Memory::named(NAME, program.directory, shape)
    };
    let rx = open(&opened)?;
    program.attack(memory);
    Some((tx, rx, opened))
}

pub(super) fn pair(program: &mut Program<'_>) {
    let (capacity, frame) = (program.count() + 1, program.byte() % 4);
    let made = program.made().capacity(capacity).frame_bytes(24 + 8 * usize::from(frame));
    let shape = [0, capacity as u8, frame, program.how & 64];
    let create = (
        |made: &Options| spsc::Sender::<u64>::create_with(NAME, made).ok(),
        |tx: &spsc::Sender<u64>| tx.descriptor().ok(),
    );
    let open = |opened: &Options| spsc::Receiver::<u64>::open_with(NAME, opened).ok();
    let Some((tx, rx, opened)) = ends(program, &made, &shape, create, open) else { return };
    let (mut tx, mut rx) = (Some(tx), Some(rx));
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 32 {
            0 => program.meddle(),
            1 => tx = None,
            2 => rx = None,
            which @ 3..17 => match &mut tx {
                Some(tx) => send(program, tx, which),
                None => tx = program.wait(|| spsc::Sender::open_with(NAME, &opened)).ok(),
            },
            which => match &mut rx {
                Some(rx) => receive(program, rx, which),
                None => rx = program.wait(|| spsc::Receiver::open_with(NAME, &opened)).ok(),
            },
        }
    }
    drop(program.wait(|| (tx, rx)));
}

fn send(program: &mut Program<'_>, tx: &mut spsc::Sender<u64>, which: u8) {
    let n = program.count();
    match which {
        3..6 => drop(program.now(|| tx.try_send(7))),
        6 => drop(program.wait(|| tx.send_timeout(7, MOMENT))),
        7 => assert!(program.now(|| tx.try_send_many(&[7; 16][..n])).unwrap_or(0) <= n),
        8..10 => {
            if let Ok(mut grant) = program.now(|| tx.try_reserve(n)) {
                assert!(grant.len() == n);
                program.scribble();
                let filled = grant.fill((0..n as u64).take(n / 2 + 1));
                program.now(|| grant.commit(filled));
            }
        }
        10 => program.now(|| tx.close()),
        11 => drop(program.wait(|| tx.wait_for_peer(MOMENT))),
        12 => drop(program.wait(|| tx.disconnect_reason())),
        13 => drop(program.now(|| (tx.is_full(), tx.stats(), format!("{tx:?}")))),
        14 => drop(program.wait(|| tx.receiver_count())),
        _ => drop(program.now(|| tx.send_timeout(7, Duration::ZERO))),
    }
    assert!(program.now(|| tx.len()) <= tx.capacity());
}

fn receive(program: &mut Program<'_>, rx: &mut spsc::Receiver<u64>, which: u8) {
    let n = program.count();
    match which {
        17..19 => drop(program.now(|| rx.try_recv())),
        19 => drop(program.wait(|| rx.recv_timeout(MOMENT))),
        20 => assert!(program.now(|| rx.try_recv_many(&mut [0; 16][..n])).unwrap_or(0) <= n),
        21..23 => {
            if let Ok(guard) = program.now(|| rx.try_recv_ref()) {
                program.scribble();
                assert!(guard.attempt() >= 1);
                program.now(|| if n % 2 == 0 { guard.commit() } else { drop(guard) });
            }
        }
        23 => {
            if let Ok(guard) = program.wait(|| rx.recv_ref_timeout(MOMENT)) {
                program.now(|| drop(guard));
            }
        }
        24..26 => {
            let capacity = rx.capacity();
            if let Ok(grant) = program.now(|| rx.try_read(n)) {
                assert!(grant.len() == n.max(1) && n <= capacity);
                program.scribble();
                assert_eq!(grant.iter().count(), grant.len());
                program.now(|| grant.release(n / 2));
            }
        }
        26 => program.now(|| rx.close()),
        27 => drop(program.wait(|| rx.wait_for_peer(MOMENT))),
        28 => drop(program.wait(|| rx.disconnect_reason())),
        29 => drop(program.now(|| (rx.is_full(), rx.stats(), format!("{rx:?}")))),
        30 => drop(program.wait(|| rx.sender_count())),
        _ => drop(program.now(|| rx.try_iter().take(50).count())),
    }
    assert!(program.now(|| rx.len()) <= rx.capacity());
}

type Three = [u64; 3];

pub(super) fn many(program: &mut Program<'_>) {
    let capacity = program.count() + 1;
    let made = program.made().capacity(capacity);
    let create = (
        |made: &Options| mpmc::Sender::<Three>::create_with(NAME, made).ok(),
        |tx: &mpmc::Sender<Three>| tx.descriptor().ok(),
    );
    // Letters go to a channel of their own, which is in order.
    let letters = Options::new().dir(program.directory).capacity(4).members(2);
    let letters = mpmc::Receiver::<Three>::create_with(LETTERS, &letters).ok();
    let deliveries = if program.how & 32 != 0 { Some(u32::from(program.how >> 3 & 3) + 1) } else { None };
    let open = |opened: &Options| {
        let opened = deliveries.map_or(opened.clone(), |most| opened.clone().deliveries(most).dead_letters(LETTERS));
        mpmc::Receiver::<Three>::open_with(NAME, &opened).ok()
    };
    let shape = [1, capacity as u8, program.how & 64];
    let Some((tx, rx, opened)) = ends(program, &made, &shape, create, open) else { return };
    let (mut tx, mut rx) = (Some(tx), Some(rx));
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 32 {
            0 => program.meddle(),
            1 => tx = None,
            2 => rx = None,
            which @ 3..14 => match &mut tx {
                Some(tx) => send_many(program, tx, which),
                None => tx = program.wait(|| mpmc::Sender::open_with(NAME, &opened)).ok(),
            },
            which => match &mut rx {
                Some(rx) => receive_many(program, rx, which),
                None => rx = program.wait(|| open(&opened)),
            },
        }
    }
    drop(program.wait(|| (tx, rx)));
    drop(letters);
}

fn send_many(program: &mut Program<'_>, tx: &mut mpmc::Sender<Three>, which: u8) {
    let n = program.count();
    match which {
        3..6 => drop(program.now(|| tx.try_send([7; 3]))),
        6 => drop(program.wait(|| tx.send_timeout([7; 3], MOMENT))),
        7 => assert!(program.now(|| tx.try_send_many(&[[7; 3]; 16][..n])).unwrap_or(0) <= n),
        8 => program.now(|| tx.close()),
        9 => drop(program.wait(|| tx.wait_for_peer(MOMENT))),
        10 => drop(program.wait(|| (tx.disconnect_reason(), tx.receiver_count(), tx.sender_count()))),
        11 => drop(program.now(|| (tx.is_full(), tx.stats(), format!("{tx:?}"), tx.in_hand()))),
        12 => drop(program.now(|| tx.clone())),
        _ => drop(program.now(|| tx.send_timeout([7; 3], Duration::ZERO))),
    }
    assert!(program.now(|| tx.len()) <= tx.capacity());
}

fn receive_many(program: &mut Program<'_>, rx: &mut mpmc::Receiver<Three>, which: u8) {
    let n = program.count();
    match which {
        14..17 => drop(program.now(|| rx.try_recv())),
        17 => drop(program.wait(|| rx.recv_timeout(MOMENT))),
        18 => assert!(program.now(|| rx.try_recv_many(&mut [[0; 3]; 16][..n])).unwrap_or(0) <= n),
        19..23 => {
            if let Ok(guard) = program.now(|| rx.try_recv_ref()) {
                program.scribble();
                assert!(guard.attempt() >= 1);
                let _ = (guard.position(), guard.is_redelivered(), format!("{guard:?}"));
                // Given back, it may be one too often: then it goes to the dead letters.
                program.wait(|| if n % 4 == 0 { guard.commit() } else { drop(guard) });
            }
        }
        23 => {
            if let Ok(guard) = program.wait(|| rx.recv_ref_timeout(MOMENT)) {
                let other = program.now(|| rx.try_recv_ref());
                program.wait(|| (other.map(mpmc::Guard::commit).is_ok(), guard.commit()));
            }
        }
        24 => program.now(|| rx.close()),
        25 => drop(program.wait(|| rx.wait_for_peer(MOMENT))),
        26 => drop(program.wait(|| (rx.disconnect_reason(), rx.receiver_count(), rx.sender_count()))),
        27 => drop(program.now(|| (rx.is_full(), rx.stats(), format!("{rx:?}"), rx.in_hand()))),
        28 => drop(program.now(|| rx.clone())),
        _ => drop(program.now(|| rx.try_iter().take(50).count())),
    }
    assert!(program.now(|| rx.len()) <= rx.capacity());
}

pub(super) fn compat(program: &mut Program<'_>) {
    use ringway::compat::{crossbeam as cross, std_mpsc as std};
    let capacity = program.count() + 1;
    let made = program.made().capacity(capacity);
    let create = (
        |made: &Options| mpmc::Sender::<u64>::create_with(NAME, made).ok(),
        |tx: &mpmc::Sender<u64>| tx.descriptor().ok(),
    );
    let open = |opened: &Options| mpmc::Receiver::<u64>::open_with(NAME, opened).ok();
    let shape = [2, capacity as u8, program.how & 64];
    let Some((tx, rx, _)) = ends(program, &made, &shape, create, open) else { return };
    let (sync, sending) = (std::SyncSender::from(tx.clone()), cross::Sender::from(tx));
    let (one, other) = (std::Receiver::from(rx.clone()), cross::Receiver::from(rx));
    for _ in program.calls() {
        if program.input.is_empty() {
            break;
        }
        match program.byte() % 12 {
            0 => program.meddle(),
            1 => drop(program.now(|| sync.try_send(1))),
            2 => drop(program.now(|| sending.try_send(1))),
            3 => drop(program.wait(|| sending.send_timeout(1, MOMENT))),
            4 => drop(program.now(|| (sending.is_full(), sending.is_empty(), sending.len(), sending.capacity()))),
            5 => drop(program.now(|| one.try_recv())),
            6 => drop(program.wait(|| one.recv_timeout(MOMENT))),
            7 => drop(program.now(|| one.try_iter().take(50).count())),
            8 => drop(program.now(|| other.try_recv())),
            9 => drop(program.wait(|| other.recv_timeout(MOMENT))),
            10 => drop(program.now(|| other.try_iter().take(50).count())),
            _ => drop(program.now(|| (other.is_full(), other.is_empty(), other.len(), other.capacity()))),
        }
    }
    drop(program.wait(|| (sync, sending, one, other)));
}
