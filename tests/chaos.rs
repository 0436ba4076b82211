//! Chaos: many processes at one channel of any kind, in any memory, on any waiter, to which everything is done that can be done to
//! processes, at random moments: they are killed, stopped, let go on, told to leave, forked, left without descriptors and without
//! room, and have clocks of their own. Each writes down what it does in a file that outlives it; in the end the whole history is
//! checked: nothing invented, torn, lost, or twice without a mark; in order; nobody said to be gone who is there; nobody left
//! waiting; nothing left behind.
//!
//! This is a program of its own (`harness = false`): `cargo test --test chaos` is a short round of all combinations, `--help` says
//! what else. The seed that is printed for an episode repeats its plan, not its timing. The checks themselves are shown histories
//! that break each rule (`--self-test`; before anything else, too).

// `support` is one of all tests, and macros of it are looked for here.
#[path = "chaos/mod.rs"]
mod chaos;

fn main() -> std::process::ExitCode {
    chaos::run::main()
}
