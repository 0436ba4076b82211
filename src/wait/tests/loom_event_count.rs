//! The event count under loom: several sleepers, several wakers. A wake that is lost is a deadlock, which loom reports.
//!
//! Edge `armed` is not shown to be needed: what it forbids is that a load is made behind a later store of the same thread
//! (load buffering), which loom does not explore. It is argued in the module, and kept.

use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{End, FENCED, SLEEP, UNFENCED, weakened};
use crate::sync::explore::explore;
use crate::sync::interrupt::{leave, let_it_reach, point};
use crate::sync::{AtomicU32, AtomicU64, BellWord};
use crate::wait::deadline::Deadline;
use crate::wait::event_count::{Event, Notifier};
use crate::wait::parker::Bell;
use loom::thread::spawn;
// Not loom's: a failing model drops these where loom is no more.
use std::sync::Arc;

/// One event count, and two messages. Each is published by a relaxed store: the fences alone carry it.
#[derive(Default)]
struct Words {
    arms: AtomicU64,
    calmed: AtomicU64,
    unfenced: AtomicU64,
    bell: BellWord,
    barrierless: AtomicU32,
    messages: [AtomicU32; 2],
}

const THERE: u32 = 1;
const TAKEN: u32 = 2;

impl Words {
    fn event(&self) -> Event<'_> {
        Event {
            arms: &self.arms,
            calmed: &self.calmed,
            unfenced: &self.unfenced,
            bell: Bell::from(&self.bell),
            barrierless: &self.barrierless,
        }
    }

    fn take(&self) -> Option<()> {
        let is_taken = |message: &AtomicU32| {
            message.load(Relaxed) == THERE && message.compare_exchange(THERE, TAKEN, Relaxed, Relaxed).is_ok()
        };
        self.messages.iter().any(is_taken).then_some(())
    }

    /// Takes one message, as the channel does; who has slept passes the baton.
    fn receive(&self) {
        let mut has_slept = false;
        while self.take().is_none() {
            has_slept = true;
            if self.event().sleep(Deadline::NEVER, || self.take()).is_ok() {
                break;
            }
        }
        if has_slept && self.messages.iter().any(|message| message.load(Relaxed) == THERE) {
            self.event().wake_one();
        }
    }

    fn publish(&self, message: usize) {
        self.messages[message].store(THERE, Relaxed);
    }
}

/// What follows a publication.
fn notify(notifier: &mut Notifier, words: &Words) {
    if !words.event().is_calm(notifier.seen()) {
        notifier.published(words.event());
    }
}

fn with_all(words: &Arc<Words>, threads: &[fn(&Words)], here: impl FnOnce(&Words)) {
    let running: Vec<_> = threads
        .iter()
        .map(|&thread| {
            let words = Arc::clone(words);
            spawn(move || thread(&words))
        })
        .collect();
    here(words);
    running.into_iter().for_each(|thread| thread.join().unwrap());
}

fn one_each(words: &Words) {
    let mut notifier = Notifier::new(words.event(), 0);
    (0..2).for_each(|message| {
        words.publish(message);
        notify(&mut notifier, words);
    });
}

fn both_at_once(words: &Words) {
    let mut notifier = Notifier::new(words.event(), 0);
    (0..2).for_each(|message| words.publish(message));
    notify(&mut notifier, words);
}

fn one_to_one() {
    with_all(&Arc::default(), &[Words::receive], |words| {
        words.publish(0);
        notify(&mut Notifier::fenced(), words);
    });
}

#[test]
fn one_message_wakes_one() {
    explore("one message", None, one_to_one);
}

#[test]
fn two_messages_wake_two() {
    explore("two messages, two sleepers", Some(2), || {
        with_all(&Arc::default(), &[Words::receive, Words::receive], one_each);
    });
}

#[test]
fn two_messages_at_once_wake_two_by_the_baton() {
    explore("a batch, two sleepers", Some(2), || {
        with_all(&Arc::default(), &[Words::receive, Words::receive], both_at_once);
    });
    let without = || {
        explore("a batch, no baton", Some(2), || {
            fn receive(words: &Words) {
                while words.take().is_none() && words.event().sleep(Deadline::NEVER, || words.take()).is_err() {}
            }
            with_all(&Arc::default(), &[receive, receive], both_at_once);
        })
    };
    assert!(std::panic::catch_unwind(without).is_err(), "the second sleeper is woken without a baton");
}

#[test]
fn two_wakers_never_calm_somebody_who_sleeps() {
    explore("two wakers", Some(3), || {
        fn first(words: &Words) {
            words.publish(0);
            notify(&mut Notifier::fenced(), words);
        }
        fn second(words: &Words) {
            words.publish(1);
            notify(&mut Notifier::fenced(), words);
        }
        with_all(&Arc::default(), &[first, second], |words| (0..2).for_each(|_| words.receive()));
    });
}

#[test]
fn all_are_woken_by_what_concerns_them_all() {
    explore("all", Some(2), || {
        fn until_closed(words: &Words) {
            let look = || (words.messages[0].load(Relaxed) == THERE).then_some(());
            while look().is_none() && words.event().sleep(Deadline::NEVER, look).is_err() {}
        }
        with_all(&Arc::default(), &[until_closed, until_closed], |words| {
            words.publish(0);
            words.event().wake_all();
        });
    });
}

/// What any of several may want, and one is about to sleep for.
#[test]
fn who_lies_down_is_woken_by_what_any_of_them_may_want() {
    explore("any", None, || {
        with_all(&Arc::default(), &[Words::receive], |words| {
            words.publish(0);
            words.event().wake_any();
        });
    });
}

#[test]
fn edge_sleep_matters_among_many() {
    for end in [End::Release, End::Acquire] {
        let weakened = || explore("weakened", None, one_to_one);
        assert!(weakened::fails(SLEEP, end, weakened), "no wake is lost without the fence at the {end:?} end");
    }
}

/// A waker that gives its fence up, and takes it back before the record is returned.
fn without_a_fence() {
    fn waker(words: &Words) {
        let mut notifier = Notifier::new(words.event(), 3);
        // The first publication has its fence, and is followed by giving it up.
        notify(&mut notifier, words);
        point();
        words.publish(0);
        notify(&mut notifier, words);
        point();
        notifier.take_back(words.event());
        leave();
    }
    with_all(&Arc::default(), &[waker], Words::receive);
}

fn reached<R>(models: impl FnOnce() -> R) -> R {
    let_it_reach(true);
    let result = models();
    let_it_reach(false);
    result
}

#[test]
fn a_publication_without_a_fence_wakes_one_of_many() {
    reached(|| explore("no fence", Some(3), without_a_fence));
}

#[test]
fn edges_unfenced_and_fenced_matter_among_many() {
    let weakened = || explore("weakened", Some(3), without_a_fence);
    assert!(reached(|| weakened::fails(UNFENCED, End::Release, weakened)), "it can be given up without a fence");
    for end in [End::Release, End::Acquire] {
        assert!(reached(|| weakened::fails(FENCED, end, weakened)), "it can be taken back without the {end:?} end");
    }
}

/// Who was killed has not taken its word back: whoever leases its record does, and takes back nobody else's.
#[test]
fn what_a_dead_one_said_of_its_fence_is_taken_back_with_its_record() {
    fn says(words: &Words, record: usize) -> Notifier {
        let mut notifier = Notifier::new(words.event(), record);
        notify(&mut notifier, words);
        notifier
    }
    let model = || {
        let words = Words::default();
        let (dead, mut other) = (says(&words, 3), says(&words, 2));
        assert_eq!(words.unfenced.load(Relaxed), 1 << 3 | 1 << 2);
        drop(dead);
        let mut heir = Notifier::new(words.event(), 3);
        assert_eq!(words.unfenced.load(Relaxed), 1 << 2);
        other.take_back(words.event());
        heir.take_back(words.event());
        assert_eq!(words.unfenced.load(Relaxed), 0, "sleepers make barriers for ever, for somebody who is dead");
    };
    reached(|| explore("a dead one's word", None, model));
}
