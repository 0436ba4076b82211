//! The same of many to many: members that write any word of the others.

use super::{Input, NAME, OPERATIONS, look, manner, scribble};
use ringway::mpmc::{Guard, Receiver, Sender};
use ringway::{OpenError, Options, Payload, WaitStrategy, observe};
use std::path::Path;
use std::time::Duration;

/// Entries of each table: so few that most of what is written there hits one that is used.
const ENTRIES: usize = 4;

/// Where the words are (SPEC.md): the shared page, then members, records, hands and the first slots.
pub(crate) const WORDS: [u64; 44] = [
    4096, 4096, 4224, 4224, 4352, 4360, 4368, 4376, 4480, 4488, 4496, 4504, 4608, 4616, 4624, 4632, 4736, 4744, 8192,
    8200, 8208, 8216, 8320, 8336, 8448, 8704, 8712, 8720, 8832, 8840, 8848, 8960, 9216, 9224, 9344, 9352, 9472, 9480,
    12288, 12304, 12320, 12336, 12352, 12368,
];

/// A channel of such tables. (A slot holds its message and no more.)
pub(super) fn create<T: Payload>(options: Options) -> Result<Sender<T>, OpenError> {
    Sender::create_with(NAME, &options.members(ENTRIES).operations(ENTRIES).in_hand(ENTRIES))
}

pub(super) fn messages<T: Payload>(how: u8, input: &mut Input<'_>, directory: &Path, path: &Path) {
    // Nothing that waits goes by, so a slice need not be long for what waits for a while.
    let options = manner(how, directory).slice(Duration::from_millis(1));
    let options = if how & 0x20 != 0 { options.deliveries(2) } else { options };
    let (mut tx, mut rx) = (None::<Sender<T>>, None::<Receiver<T>>);
    let mut batch = [T::zeroed(); 50];
    for _ in 0..OPERATIONS {
        if input.is_empty() {
            break;
        }
        let operation = input.byte();
        let n = usize::from(operation >> 3) % 48;
        match operation % 40 {
            0..=9 => scribble(input, path, &WORDS),
            10 => look(directory),
            11 | 12 if tx.is_none() => tx = Sender::open_with(NAME, &options).ok(),
            13 | 14 if rx.is_none() => rx = Receiver::open_with(NAME, &options).ok(),
            11 => tx = None,
            13 => rx = None,
            15 => drop((observe::list(Some(directory)), observe::inspect(NAME, Some(directory), 64))),
            _ => {}
        }
        if let Some(tx) = &mut tx {
            match operation % 40 {
                16..=18 => drop(tx.try_send(T::zeroed())),
                19 => drop(tx.send_timeout(T::zeroed(), Duration::ZERO)),
                20 | 21 => drop(tx.try_send_many(&batch[..n])),
                22 => tx.close(),
                37 => tx.set_wait(if operation & 0x40 != 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
                23 => drop(tx.wait_for_peer(Duration::ZERO)),
                24 => drop((tx.is_full(), tx.is_disconnected(), format!("{tx:?}"), tx.receiver_count())),
                39 => drop(tx.clone()),
                _ => {}
            }
            assert!(tx.len() <= tx.capacity());
        }
        if let Some(rx) = &mut rx {
            match operation % 40 {
                25..=27 => drop(rx.try_recv()),
                28 => drop(rx.recv_timeout(Duration::ZERO)),
                29 => {
                    let _ = rx.try_recv_many(&mut batch[..n]).map(|received| assert!(received <= n));
                }
                30 | 31 => {
                    let _ = rx.try_recv_ref().map(Guard::commit);
                }
                32 => {
                    if let Ok(guard) = rx.recv_ref_timeout(Duration::ZERO) {
                        assert!(guard.attempt() >= 1);
                        let _ = format!("{guard:?}");
                    }
                }
                33 => rx.close(),
                38 => rx.set_wait(if operation & 0x40 != 0 { WaitStrategy::Spin } else { WaitStrategy::Sleep }),
                34 => drop(rx.wait_for_peer(Duration::ZERO)),
                35 => drop((rx.is_full(), rx.is_disconnected(), format!("{rx:?}"), rx.sender_count(), rx.in_hand())),
                36 => drop(rx.try_iter().take(100).count()),
                39 => drop(rx.clone()),
                _ => {}
            }
            assert!(rx.len() <= rx.capacity());
        }
    }
    look(directory);
}
