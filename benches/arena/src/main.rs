//! ringway beside everything else that moves messages, in one fair run. See README.md.

mod board;
mod clock;
mod contestant;
mod contestants;
mod entry;
mod pin;
mod task;
mod weather;
mod work;
mod worker;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    worker::run(&args[2]);
}
