//! A worker: this program once more, as one end of one measurement, or both.

use crate::board::Board;
use crate::contestant::Failure;
use crate::contestants;
use crate::task::{Said, Task};
use crate::work::WrongMessage;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// Does what the task says and prints what was seen; does not return.
pub fn run(task: &str) -> ! {
    let outcome = serde_json::from_str::<Task>(task).map_err(Failure::from).and_then(|task| {
        follow(task.parent)?;
        let board = Board::open(&task.board)?;
        Ok((task, board))
    });
    let (task, board) = match outcome {
        Ok(ready) => ready,
        Err(failure) => {
            say(&Said::Failed(failure.to_string()));
            std::process::exit(1);
        }
    };
    let told = board.clone();
    std::panic::set_hook(Box::new(move |panic| fail(&told, &panic.to_string().replace('\n', " ").into())));
    let entries = contestants::all();
    let Some(entry) = entries.get(task.entry) else { fail(&board, &"no such contestant".into()) };
    match entry.run(&task, &board) {
        Ok(seen) => say(&Said::Done(seen)),
        Err(failure) => fail(&board, &failure),
    }
    std::process::exit(0);
}

/// Ends when the process that asked for this worker ends.
fn follow(parent: i32) -> Result<(), Failure> {
    set_pdeathsig(Signal::SIGKILL)?;
    if nix::unistd::getppid().as_raw() != parent {
        return Err("the arena is gone".into());
    }
    Ok(())
}

fn say(said: &Said) {
    let mut out = std::io::stdout().lock();
    let _ = serde_json::to_string(said).map_err(Failure::from).and_then(|said| {
        // A line of its own. Nobody to tell that nobody listens.
        write!(out, "\n{said}\n")?;
        Ok(out.flush()?)
    });
}

/// Tells the arena and the other side that it did not go well, and ends the process, whatever its other threads do.
pub fn fail(board: &Board, failure: &Failure) -> ! {
    static FAILED: AtomicBool = AtomicBool::new(false);
    if FAILED.swap(true, Relaxed) {
        // Another thread was first, and is about to end the process: what went wrong here followed from that.
        loop {
            std::thread::park();
        }
    }
    board.fail();
    let why = failure.to_string();
    say(&if failure.is::<WrongMessage>() { Said::Wrong(why) } else { Said::Failed(why) });
    std::process::exit(1);
}
