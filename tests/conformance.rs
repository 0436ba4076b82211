//! One suite for every combination of what a channel lies in, what is sent, and what an end sleeps on.
//!
//! Each test is one combination, and plays all scenes (`conformance/scenes.rs`) in a process of its own. What is skipped says why
//! (`--nocapture` shows it).

#[path = "conformance/case.rs"]
mod case;
#[path = "conformance/ends.rs"]
mod ends;
#[path = "conformance/scenes.rs"]
mod scenes;
mod support;

use case::{Case, Kind, Memory, Waiter};

macro_rules! conformance {
    ($($test:ident: $memory:ident $kind:ident $waiter:ident;)*) => {
        const CASES: &[Case] =
            &[$(Case { memory: Memory::$memory, kind: Kind::$kind, waiter: Waiter::$waiter }),*];

        $(
            #[test]
            fn $test() {
                let case = Case { memory: Memory::$memory, kind: Kind::$kind, waiter: Waiter::$waiter };
                scenes::run(&here!(), case);
            }
        )*
    };
}

conformance! {
    shm_spsc_futex: Shm Spsc Futex;
    shm_mpmc_futex: Shm Mpmc Futex;
    shm_bytes_futex: Shm Bytes Futex;
    shm_many_bytes_futex: Shm ManyBytes Futex;
    shm_stream_futex: Shm Stream Futex;
    file_spsc_futex: File Spsc Futex;
    file_mpmc_futex: File Mpmc Futex;
    file_bytes_futex: File Bytes Futex;
    file_many_bytes_futex: File ManyBytes Futex;
    file_stream_futex: File Stream Futex;
    memfd_spsc_futex: Memfd Spsc Futex;
    memfd_mpmc_futex: Memfd Mpmc Futex;
    memfd_bytes_futex: Memfd Bytes Futex;
    memfd_many_bytes_futex: Memfd ManyBytes Futex;
    memfd_stream_futex: Memfd Stream Futex;
    huge_memfd_spsc_futex: HugeMemfd Spsc Futex;
    huge_memfd_mpmc_futex: HugeMemfd Mpmc Futex;
    huge_memfd_bytes_futex: HugeMemfd Bytes Futex;
    huge_memfd_many_bytes_futex: HugeMemfd ManyBytes Futex;
    huge_memfd_stream_futex: HugeMemfd Stream Futex;
    heap_spsc_futex: Heap Spsc Futex;
    heap_mpmc_futex: Heap Mpmc Futex;
    heap_bytes_futex: Heap Bytes Futex;
    heap_many_bytes_futex: Heap ManyBytes Futex;
    heap_stream_futex: Heap Stream Futex;
}

#[test]
fn every_combination_is_here_once() {
    for memory in Memory::ALL {
        for kind in Kind::ALL {
            for waiter in Waiter::ALL {
                let case = Case { memory, kind, waiter };
                assert_eq!(CASES.iter().filter(|other| **other == case).count(), 1, "{case:?}");
            }
        }
    }
}
