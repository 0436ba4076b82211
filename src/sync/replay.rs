//! Running an operation against the answers that its steps have had, up to the first one that has none.
//!
//! A *step* is an atomic operation, a copy of a message in or out, or the question who is alive. In a replay a step touches
//! no memory: the first steps of the operation are given the answers of a list, and the next one ends the run, by an
//! unwinding that [`replay`] catches, and becomes a [`Request`]. Whoever plays the memory then makes that step, appends its
//! answer to the list, and runs the operation again, from its beginning: so an operation can be left between any two of
//! its steps, and its place in it is a list of numbers, which can be compared and hashed. The operation must do the same
//! whenever it is given the same answers.
//!
//! Only on the calling thread, and only in this crate's unit tests.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// What a step is about to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Load,
    Store(u64),
    /// Its answer is what was there; it succeeds if that is `expected`.
    Exchange {
        expected: u64,
        value: u64,
    },
    Add(u64),
    Sub(u64),
    Max(u64),
    Or(u64),
    And(u64),
    Fence,
    /// A copy of a message of 8 bytes to its place.
    Write(u64),
    /// And from it.
    Read,
    /// Whether this owner is alive; 0: dead.
    IsAlive(u64),
}

/// A step that waits for its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Request {
    /// Of the word or the message; 0 for what has none.
    pub(crate) address: usize,
    pub(crate) operation: Operation,
}

/// How far a replay came.
#[derive(Debug)]
pub(crate) enum Replayed<R> {
    /// To the operation's end.
    Ended(R),
    /// To a step that has no answer yet.
    Asks(Request),
}

/// What an unwinding to [`replay`] carries.
struct Unanswered(Request);

thread_local! {
    static IS_ACTIVE: Cell<bool> = const { Cell::new(false) };
    /// The answers, and how many of them have been given.
    static ANSWERS: RefCell<(Vec<u64>, usize)> = const { RefCell::new((Vec::new(), 0)) };
}

/// Runs `operation` with these answers to its first steps. Panics where it does, and if it ends before the last answer.
pub(crate) fn replay<R>(answers: &[u64], operation: impl FnOnce() -> R) -> Replayed<R> {
    ANSWERS.with_borrow_mut(|(list, given)| {
        list.clear();
        list.extend_from_slice(answers);
        *given = 0;
    });
    IS_ACTIVE.set(true);
    let result = catch_unwind(AssertUnwindSafe(operation));
    IS_ACTIVE.set(false);
    match result {
        Ok(result) => {
            let given = ANSWERS.with_borrow(|(_, given)| *given);
            assert_eq!(given, answers.len(), "an operation that does not do the same with the same answers");
            Replayed::Ended(result)
        }
        Err(payload) => match payload.downcast::<Unanswered>() {
            Ok(unanswered) => Replayed::Asks(unanswered.0),
            Err(panic) => resume_unwind(panic),
        },
    }
}

/// The answer to a step; `None` where nothing is replayed and the step is to be made.
#[inline]
pub(crate) fn answer(address: usize, operation: Operation) -> Option<u64> {
    IS_ACTIVE.get().then(|| next_answer(Request { address, operation }))
}

fn next_answer(request: Request) -> u64 {
    let answer = ANSWERS.with_borrow_mut(|(list, given)| {
        let answer = list.get(*given).copied();
        *given += usize::from(answer.is_some());
        answer
    });
    // Past the panic hook: this is no panic.
    answer.unwrap_or_else(|| resume_unwind(Box::new(Unanswered(request))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::AtomicU64;
    use crate::sync::Ordering::SeqCst;

    #[test]
    fn an_operation_is_left_before_each_of_its_steps_and_touches_nothing() {
        let word = AtomicU64::default();
        word.store(3, SeqCst);
        let operation = || {
            let before = word.load(SeqCst);
            word.store(before + 1, SeqCst);
            word.compare_exchange(before + 1, 9, SeqCst, SeqCst)
        };
        let asked = |answers: &[u64]| match replay(answers, operation) {
            Replayed::Asks(request) => request.operation,
            Replayed::Ended(result) => panic!("ended: {result:?}"),
        };
        assert_eq!(asked(&[]), Operation::Load);
        assert_eq!(asked(&[5]), Operation::Store(6));
        assert_eq!(asked(&[5, 0]), Operation::Exchange { expected: 6, value: 9 });
        assert!(matches!(replay(&[5, 0, 6], operation), Replayed::Ended(Ok(6))));
        assert!(matches!(replay(&[5, 0, 7], operation), Replayed::Ended(Err(7))));
        assert_eq!(word.load(SeqCst), 3);
        assert_eq!((operation(), word.load(SeqCst)), (Ok(4), 9));
    }
}
