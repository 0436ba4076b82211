//! The flag under loom: one publishes, the other sleeps. A wake that is lost is a deadlock, which loom reports.

use crate::sync::Ordering::Relaxed;
use crate::sync::edge::{End, SLEEP, weakened};
use crate::sync::explore::explore;
use crate::sync::{AtomicU32, AtomicU64, BellWord};
use crate::wait::deadline::Deadline;
use crate::wait::event_count::Event;
use crate::wait::flag;
use crate::wait::parker::Bell;
use loom::thread::spawn;
// Not loom's: a failing model drops these where loom is no more.
use std::sync::Arc;

/// What was published, by relaxed stores: the fences alone carry it.
#[derive(Default)]
struct Words {
    flag: AtomicU32,
    bell: BellWord,
    news: AtomicU32,
    arms: AtomicU64,
    calmed: AtomicU64,
    unfenced: AtomicU64,
    barrierless: AtomicU32,
}

impl Words {
    fn bell(&self) -> Bell<'_> {
        Bell::from(&self.bell)
    }

    fn event(&self) -> Event<'_> {
        Event {
            arms: &self.arms,
            calmed: &self.calmed,
            unfenced: &self.unfenced,
            bell: self.bell(),
            barrierless: &self.barrierless,
        }
    }

    fn is_at(&self, news: u32) -> Option<()> {
        (self.news.load(Relaxed) == news).then_some(())
    }

    /// As the writer of a lane waits.
    fn wait_for(&self, news: u32) {
        while self.is_at(news).is_none() {
            let _ = flag::sleep(&self.flag, self.bell(), Deadline::NEVER, || self.is_at(news));
        }
    }

    /// As its reader does, who sleeps where all receivers do.
    fn wait_among_many_for(&self, news: u32) {
        while self.is_at(news).is_none() {
            self.flag.store(1, Relaxed);
            let _ = self.event().sleep(Deadline::NEVER, || self.is_at(news));
            self.flag.store(0, Relaxed);
        }
    }
}

fn one_waits(most: u32, waits: fn(&Words, u32), tell: fn(&Words)) {
    let words: Arc<Words> = Arc::default();
    let theirs = Arc::clone(&words);
    let waiting = spawn(move || waits(&theirs, most));
    for news in 1..=most {
        words.news.store(news, Relaxed);
        tell(&words);
    }
    waiting.join().unwrap();
}

fn tell(words: &Words) {
    flag::tell(&words.flag, words.bell());
}

fn tell_all(words: &Words) {
    if flag::is_up(&words.flag) {
        words.event().wake_all();
    }
}

#[test]
fn who_waits_is_woken() {
    for news in [1, 2] {
        explore("a writer waits", Some(3), move || one_waits(news, Words::wait_for, tell));
        explore("a reader waits", Some(3), move || one_waits(news, Words::wait_among_many_for, tell_all));
    }
}

#[test]
fn edge_sleep_matters_to_a_flag() {
    for end in [End::Release, End::Acquire] {
        let model = || explore("weakened", None, || one_waits(1, Words::wait_for, tell));
        assert!(weakened::fails(SLEEP, end, model), "no wake is lost without the {end:?} end");
    }
}
