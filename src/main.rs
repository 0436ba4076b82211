//! The command-line program: looks at channels, removes them, and moves bytes through them.
//!
//! It uses the library's public interface only.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
