//! Shows the checks what each of them is for: histories in which nothing is wrong, and the same with one rule broken.

use super::check;
use super::history::{Fate, History, Life, Op, Outcome, Role, Rules, What, id, nameless};
use ringway::DisconnectReason;

/// A millisecond.
const MS: u64 = 1_000_000;
/// Messages of the history in which nothing is wrong.
const MESSAGES: u64 = 6;
const SENDER: u32 = 1;
const RECEIVER: u32 = 2;
/// A second receiver, which gets nothing by itself.
const OTHER: u32 = 3;

/// What is done to a history, and the rule that it breaks; `None`: none.
type Broken = (&'static str, Option<&'static str>, fn() -> History);

const ALL: &[Broken] = &[
    ("one to one, nothing wrong", None, || good(true, false)),
    ("one to one at least once, nothing wrong", None, || good(true, true)),
    ("among many, nothing wrong", None, || good(false, true)),
    ("half a message", Some("what arrives is whole"), || {
        with(good(true, false), |history| received(history, 3).outcome = Outcome::Torn)
    }),
    ("a message of nobody's", Some("what arrives was sent"), || {
        with(good(true, false), |history| received(history, 6).id = id(9, 1))
    }),
    ("a message whose sender was told that it was not sent", Some("what arrives was sent"), || {
        with(good(true, false), |history| {
            let send = &mut sender(history).ops[3];
            (send.outcome, send.done) = (Outcome::TimedOut, 0);
        })
    }),
    ("twice, at most once", Some("what comes again is marked"), || {
        with(good(true, false), |history| again(history, 3, 0))
    }),
    ("twice without a mark, at least once", Some("what comes again is marked"), || {
        with(good(false, true), |history| again(history, 3, 1))
    }),
    ("again after a commit", Some("what is committed does not come again"), || {
        with(good(false, true), |history| again(history, 3, 2))
    }),
    ("again, marked, of one who was killed with it", None, || {
        with(good(false, true), |history| {
            received(history, 3).fate = None;
            again(history, 3, 2);
        })
    }),
    ("a message that did not come", Some("nothing is lost"), || {
        with(good(true, true), |history| _ = receiver(history).ops.remove(2))
    }),
    ("one too many that did not come", Some("nothing is lost"), || {
        with(killed_in_the_middle(good(true, false)), |history| _ = receiver(history).ops.remove(2))
    }),
    ("one that a killed receiver may have had", None, || killed_in_the_middle(good(true, false))),
    ("short ones that nobody sent", Some("what arrives was sent, once"), || {
        with(good(true, false), |history| received(history, 4).id = nameless(3))
    }),
    ("short ones that did not come", Some("nothing is lost"), || {
        with(good(true, false), |history| sender(history).ops.push(send_of(nameless(3), 100)))
    }),
    ("out of order, one to one", Some("first in, first out"), || {
        with(good(true, false), |history| swap(&mut receiver(history).ops))
    }),
    ("out of order at one receiver, among many", Some("first in, first out"), || {
        with(good(false, true), |history| swap(&mut receiver(history).ops))
    }),
    ("two at one position", Some("each message has a position"), || {
        with(good(false, true), |history| received(history, 3).position = 1)
    }),
    ("positions that are not in the sender's order", Some("each sender's messages are in its order"), || {
        with(good(false, true), |history| {
            // Two receivers, each of which has its own in order.
            let mut later = receiver(history).ops.remove(2);
            later.position = 0;
            received(history, 1).position = 2;
            other(history).ops.push(later);
        })
    }),
    ("sent before, and behind", Some("what was sent before lies before"), || {
        with(good(false, true), |history| {
            // By another sender, and taken by another receiver: nothing but the time tells.
            sender(history).ops.remove(5);
            let mut life = life(4, Role::Sender);
            life.ops.push(send_of(id(4, 1), 60));
            history.lives.push(life);
            let mut late = receiver(history).ops.remove(5);
            (late.id, late.position) = (id(4, 1), 0);
            received(history, 1).position = 5;
            for number in 1..=5 {
                received(history, number).position = number;
            }
            late.begin = 2 * MS;
            other(history).ops.push(late);
        })
    }),
    ("taken before, and behind", Some("what was taken before lies before"), || {
        with(good(false, true), |history| {
            let mut first = receiver(history).ops.remove(0);
            (first.begin, first.end, first.fate) = (70 * MS, 71 * MS, Some((Fate::Committed, 72 * MS, 72 * MS)));
            other(history).ops.push(first);
        })
    }),
    ("gone, and there", Some("who is there is not gone"), || {
        with(good(true, false), |history| {
            other(history).killed = Some((2 * MS, 3 * MS));
            sender(history).ops.push(told(What::Send, Outcome::Gone(Some(DisconnectReason::Died)), 90));
        })
    }),
    ("gone, and stopped", Some("who is there is not gone"), || {
        with(good(true, false), |history| {
            receiver(history).stops.push((80 * MS, 120 * MS));
            other(history).killed = Some((2 * MS, 3 * MS));
            sender(history).ops.push(told(What::Send, Outcome::Gone(Some(DisconnectReason::Died)), 90));
        })
    }),
    ("died, and left", Some("who is said to have died was killed, who is said to have left left"), || {
        with(good(true, false), |history| {
            receiver(history).left = Some(85 * MS);
            other(history).left = Some(85 * MS);
            sender(history).ops.push(told(What::Send, Outcome::Gone(Some(DisconnectReason::Died)), 90));
        })
    }),
    ("corrupt", Some("who is said to have died was killed, who is said to have left left"), || {
        with(good(true, false), |history| {
            receiver(history).killed = Some((85 * MS, 86 * MS));
            sender(history).ops.push(told(What::Send, Outcome::Gone(Some(DisconnectReason::Corrupt)), 90));
        })
    }),
    ("died, and was killed", None, || {
        with(good(true, false), |history| {
            receiver(history).killed = Some((85 * MS, 86 * MS));
            other(history).left = Some(85 * MS);
            sender(history).ops.push(told(What::Send, Outcome::Gone(Some(DisconnectReason::Died)), 90));
        })
    }),
    ("empty, and something is there", Some("empty is said when nothing is there"), || {
        with(good(true, false), |history| {
            let received = receiver(history);
            (received.ops[5].begin, received.ops[5].end) = (80 * MS, 81 * MS);
            received.ops.insert(5, told(What::TryRecv, Outcome::NotNow, 70));
        })
    }),
    ("full, and there is room", Some("full is said when there is no room"), || {
        with(good(true, false), |history| {
            history.rules.capacity = Some(1);
            sender(history).ops.push(told(What::TrySend, Outcome::NotNow, 80));
        })
    }),
    ("full, and there is none", None, || {
        with(good(true, false), |history| {
            history.rules.capacity = Some(1);
            (received(history, 6).begin, received(history, 6).end) = (90 * MS, 91 * MS);
            sender(history).ops.push(told(What::TrySend, Outcome::NotNow, 80));
        })
    }),
    ("asleep beside what is there", Some("whoever could go on goes on"), sleeps),
    ("asleep beside what is there, and stopped", None, || {
        with(sleeps(), |history| receiver(history).stops.push((60 * MS, 1900 * MS)))
    }),
    ("asleep beside what is there, on a machine that stands still", None, || {
        with(sleeps(), |history| history.control.push((100 * MS, 1900 * MS)))
    }),
    ("asleep, and somebody has died within the slice", None, || {
        with(sleeps(), |history| {
            history.rules.slice = 1900 * MS;
            other(history).killed = Some((60 * MS, 61 * MS));
        })
    }),
    ("both asleep", Some("whoever could go on goes on"), || {
        with(good(true, false), |history| {
            for (life, what) in [(0, What::Send), (1, What::Recv)] {
                let mut op = told(what, Outcome::Unfinished, 100);
                op.end = 0;
                history.lives[life].ops.push(op);
                history.lives[life].killed = Some((2000 * MS, 2001 * MS));
            }
        })
    }),
    ("a stream, nothing wrong", None, streams),
    ("a stream of nobody's", Some("what is read was written"), || {
        with(streams(), |history| receiver(history).ops[0].id = id(9, 9))
    }),
    ("more of a stream than there is", Some("what is read was written"), || {
        with(streams(), |history| receiver(history).ops[0].position = 2000)
    }),
    ("a stream with two readers", Some("a stream has one reader"), || {
        with(streams(), |history| {
            let twice = receiver(history).ops[0];
            other(history).ops.push(twice);
        })
    }),
    ("half a stream as a whole one", Some("what ended well is whole"), || {
        with(streams(), |history| {
            sender(history).ops[0].attempt = 0;
            sender(history).ops[0].outcome = Outcome::Unfinished;
        })
    }),
    ("a stream whose writer is said to have died", Some("who is said to have died was killed"), || {
        with(streams(), |history| {
            receiver(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Died));
        })
    }),
    ("a stream whose reader is said to have died", Some("who is said to have died was killed"), || {
        with(streams(), |history| sender(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Died)))
    }),
    ("a stream that is finished and not read", Some("what is finished was taken"), || {
        with(streams(), |history| {
            receiver(history).ops[0].position = 500;
            receiver(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Left));
        })
    }),
    ("a stream that its writer is said to have left", Some("a stream ends well, or its writer has died"), || {
        with(streams(), |history| {
            receiver(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Left));
        })
    }),
    ("a stream that nobody wrote to, and whose reader left with nothing", None, || {
        with(streams(), |history| {
            (receiver(history).ops[0].position, receiver(history).ops[0].outcome) = (0, Outcome::NotNow);
            receiver(history).ops[0].id = 0;
            (sender(history).ops[0].position, sender(history).ops[0].attempt) = (0, 0);
            sender(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Left));
        })
    }),
    ("a stream that its reader is said to have left", Some("a stream is taken, or its reader has died"), || {
        with(streams(), |history| sender(history).ops[0].outcome = Outcome::Gone(Some(DisconnectReason::Left)))
    }),
];

/// So many histories are shown.
pub(crate) const COUNT: usize = ALL.len();

/// What the checks did not see, or saw where nothing is.
pub(crate) fn all() -> Vec<String> {
    let judge = |(what, rule, make): &Broken| {
        let found = check::all(&make());
        let is_well = match rule {
            Some(rule) => found.iter().any(|finding| finding.rule == *rule),
            None => found.is_empty(),
        };
        (!is_well).then(|| format!("{what}: {rule:?}, and found was {found:#?}"))
    };
    ALL.iter().filter_map(judge).collect()
}

fn life(number: u32, role: Role) -> Life {
    Life { id: number, role, started: 0, here: MS, left: None, killed: None, stops: Vec::new(), ops: Vec::new() }
}

fn send_of(message: u64, at: u64) -> Op {
    Op {
        what: What::Send,
        count: 1,
        id: message,
        begin: at * MS,
        end: (at + 2) * MS,
        outcome: Outcome::Done,
        done: 1,
        attempt: 0,
        position: 0,
        fate: None,
    }
}

fn told(what: What, outcome: Outcome, at: u64) -> Op {
    Op { what, outcome, done: 0, ..send_of(id(SENDER, 100), at) }
}

/// A message every ten milliseconds, and each received as soon as it is there.
fn good(is_one_to_one: bool, is_at_least_once: bool) -> History {
    let (mut sender, mut receiver) = (life(SENDER, Role::Sender), life(RECEIVER, Role::Receiver));
    for number in 1..=MESSAGES {
        sender.ops.push(send_of(id(SENDER, number), 10 * number));
        let begin = 10 * number + 3;
        receiver.ops.push(Op {
            what: What::Recv,
            end: (begin + 2) * MS,
            attempt: u32::from(is_at_least_once),
            position: number - 1,
            fate: is_at_least_once.then_some((Fate::Committed, (begin + 3) * MS, (begin + 4) * MS)),
            ..send_of(id(SENDER, number), begin)
        });
    }
    let rules = Rules { is_one_to_one, is_at_least_once, is_typed: true, capacity: None, slice: 5 * MS };
    History { rules, lives: vec![sender, receiver, life(OTHER, Role::Receiver)], control: Vec::new() }
}

/// A stream of a thousand bytes.
fn streams() -> History {
    let mut history = good(true, false);
    let stream = Op { what: What::Stream, attempt: 1, position: 1000, ..send_of(id(SENDER, 1), 10) };
    history.lives[0].ops = vec![stream];
    history.lives[1].ops = vec![Op { attempt: 0, ..stream }];
    history
}

/// The receiver sleeps from the first message to the end of the second second.
fn sleeps() -> History {
    with(good(true, false), |history| {
        sender(history).ops.truncate(1);
        receiver(history).ops.truncate(1);
        (receiver(history).ops[0].begin, receiver(history).ops[0].end) = (2 * MS, 2000 * MS);
    })
}

/// Its receiver was killed when it was about to receive the last message.
fn killed_in_the_middle(mut history: History) -> History {
    let op = received(&mut history, MESSAGES);
    (op.id, op.end, op.outcome, op.done) = (0, 0, Outcome::Unfinished, 0);
    receiver(&mut history).killed = Some((100 * MS, 101 * MS));
    history
}

fn with(mut history: History, change: impl FnOnce(&mut History)) -> History {
    change(&mut history);
    history
}

fn sender(history: &mut History) -> &mut Life {
    &mut history.lives[0]
}

fn receiver(history: &mut History) -> &mut Life {
    &mut history.lives[1]
}

fn other(history: &mut History) -> &mut Life {
    &mut history.lives[2]
}

fn received(history: &mut History, number: u64) -> &mut Op {
    let of = receiver(history).ops.iter_mut().find(|op| op.id == id(SENDER, number));
    of.expect("a message of this history")
}

/// The message comes to the other receiver, too, later.
fn again(history: &mut History, number: u64, attempt: u32) {
    let mut op = *received(history, number);
    (op.begin, op.end, op.attempt, op.position) = (90 * MS, 91 * MS, attempt, 90);
    other(history).ops.push(op);
}

/// The second and the third change their messages.
fn swap(ops: &mut [Op]) {
    let (second, third) = (ops[1].id, ops[2].id);
    (ops[1].id, ops[2].id) = (third, second);
    let (second, third) = (ops[1].position, ops[2].position);
    (ops[1].position, ops[2].position) = (third, second);
}
