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
    system_v_spsc_futex: SystemV Spsc Futex;
    system_v_mpmc_futex: SystemV Mpmc Futex;
    system_v_bytes_futex: SystemV Bytes Futex;
    system_v_many_bytes_futex: SystemV ManyBytes Futex;
    system_v_stream_futex: SystemV Stream Futex;
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
    shm_spsc_condvar: Shm Spsc Condvar;
    shm_mpmc_condvar: Shm Mpmc Condvar;
    shm_bytes_condvar: Shm Bytes Condvar;
    shm_many_bytes_condvar: Shm ManyBytes Condvar;
    shm_stream_condvar: Shm Stream Condvar;
    system_v_spsc_condvar: SystemV Spsc Condvar;
    system_v_mpmc_condvar: SystemV Mpmc Condvar;
    system_v_bytes_condvar: SystemV Bytes Condvar;
    system_v_many_bytes_condvar: SystemV ManyBytes Condvar;
    system_v_stream_condvar: SystemV Stream Condvar;
    file_spsc_condvar: File Spsc Condvar;
    file_mpmc_condvar: File Mpmc Condvar;
    file_bytes_condvar: File Bytes Condvar;
    file_many_bytes_condvar: File ManyBytes Condvar;
    file_stream_condvar: File Stream Condvar;
    memfd_spsc_condvar: Memfd Spsc Condvar;
    memfd_mpmc_condvar: Memfd Mpmc Condvar;
    memfd_bytes_condvar: Memfd Bytes Condvar;
    memfd_many_bytes_condvar: Memfd ManyBytes Condvar;
    memfd_stream_condvar: Memfd Stream Condvar;
    huge_memfd_spsc_condvar: HugeMemfd Spsc Condvar;
    huge_memfd_mpmc_condvar: HugeMemfd Mpmc Condvar;
    huge_memfd_bytes_condvar: HugeMemfd Bytes Condvar;
    huge_memfd_many_bytes_condvar: HugeMemfd ManyBytes Condvar;
    huge_memfd_stream_condvar: HugeMemfd Stream Condvar;
    heap_spsc_condvar: Heap Spsc Condvar;
    heap_mpmc_condvar: Heap Mpmc Condvar;
    heap_bytes_condvar: Heap Bytes Condvar;
    heap_many_bytes_condvar: Heap ManyBytes Condvar;
    heap_stream_condvar: Heap Stream Condvar;
    shm_spsc_semaphore: Shm Spsc Semaphore;
    shm_mpmc_semaphore: Shm Mpmc Semaphore;
    shm_bytes_semaphore: Shm Bytes Semaphore;
    shm_many_bytes_semaphore: Shm ManyBytes Semaphore;
    shm_stream_semaphore: Shm Stream Semaphore;
    system_v_spsc_semaphore: SystemV Spsc Semaphore;
    system_v_mpmc_semaphore: SystemV Mpmc Semaphore;
    system_v_bytes_semaphore: SystemV Bytes Semaphore;
    system_v_many_bytes_semaphore: SystemV ManyBytes Semaphore;
    system_v_stream_semaphore: SystemV Stream Semaphore;
    file_spsc_semaphore: File Spsc Semaphore;
    file_mpmc_semaphore: File Mpmc Semaphore;
    file_bytes_semaphore: File Bytes Semaphore;
    file_many_bytes_semaphore: File ManyBytes Semaphore;
    file_stream_semaphore: File Stream Semaphore;
    memfd_spsc_semaphore: Memfd Spsc Semaphore;
    memfd_mpmc_semaphore: Memfd Mpmc Semaphore;
    memfd_bytes_semaphore: Memfd Bytes Semaphore;
    memfd_many_bytes_semaphore: Memfd ManyBytes Semaphore;
    memfd_stream_semaphore: Memfd Stream Semaphore;
    huge_memfd_spsc_semaphore: HugeMemfd Spsc Semaphore;
    huge_memfd_mpmc_semaphore: HugeMemfd Mpmc Semaphore;
    huge_memfd_bytes_semaphore: HugeMemfd Bytes Semaphore;
    huge_memfd_many_bytes_semaphore: HugeMemfd ManyBytes Semaphore;
    huge_memfd_stream_semaphore: HugeMemfd Stream Semaphore;
    heap_spsc_semaphore: Heap Spsc Semaphore;
    heap_mpmc_semaphore: Heap Mpmc Semaphore;
    heap_bytes_semaphore: Heap Bytes Semaphore;
    heap_many_bytes_semaphore: Heap ManyBytes Semaphore;
    heap_stream_semaphore: Heap Stream Semaphore;
    shm_spsc_message_queue: Shm Spsc MessageQueue;
    shm_mpmc_message_queue: Shm Mpmc MessageQueue;
    shm_bytes_message_queue: Shm Bytes MessageQueue;
    shm_many_bytes_message_queue: Shm ManyBytes MessageQueue;
    shm_stream_message_queue: Shm Stream MessageQueue;
    system_v_spsc_message_queue: SystemV Spsc MessageQueue;
    system_v_mpmc_message_queue: SystemV Mpmc MessageQueue;
    system_v_bytes_message_queue: SystemV Bytes MessageQueue;
    system_v_many_bytes_message_queue: SystemV ManyBytes MessageQueue;
    system_v_stream_message_queue: SystemV Stream MessageQueue;
    file_spsc_message_queue: File Spsc MessageQueue;
    file_mpmc_message_queue: File Mpmc MessageQueue;
    file_bytes_message_queue: File Bytes MessageQueue;
    file_many_bytes_message_queue: File ManyBytes MessageQueue;
    file_stream_message_queue: File Stream MessageQueue;
    memfd_spsc_message_queue: Memfd Spsc MessageQueue;
    memfd_mpmc_message_queue: Memfd Mpmc MessageQueue;
    memfd_bytes_message_queue: Memfd Bytes MessageQueue;
    memfd_many_bytes_message_queue: Memfd ManyBytes MessageQueue;
    memfd_stream_message_queue: Memfd Stream MessageQueue;
    huge_memfd_spsc_message_queue: HugeMemfd Spsc MessageQueue;
    huge_memfd_mpmc_message_queue: HugeMemfd Mpmc MessageQueue;
    huge_memfd_bytes_message_queue: HugeMemfd Bytes MessageQueue;
    huge_memfd_many_bytes_message_queue: HugeMemfd ManyBytes MessageQueue;
    huge_memfd_stream_message_queue: HugeMemfd Stream MessageQueue;
    heap_spsc_message_queue: Heap Spsc MessageQueue;
    heap_mpmc_message_queue: Heap Mpmc MessageQueue;
    heap_bytes_message_queue: Heap Bytes MessageQueue;
    heap_many_bytes_message_queue: Heap ManyBytes MessageQueue;
    heap_stream_message_queue: Heap Stream MessageQueue;
    shm_spsc_eventfd: Shm Spsc EventFd;
    shm_mpmc_eventfd: Shm Mpmc EventFd;
    shm_bytes_eventfd: Shm Bytes EventFd;
    shm_many_bytes_eventfd: Shm ManyBytes EventFd;
    shm_stream_eventfd: Shm Stream EventFd;
    system_v_spsc_eventfd: SystemV Spsc EventFd;
    system_v_mpmc_eventfd: SystemV Mpmc EventFd;
    system_v_bytes_eventfd: SystemV Bytes EventFd;
    system_v_many_bytes_eventfd: SystemV ManyBytes EventFd;
    system_v_stream_eventfd: SystemV Stream EventFd;
    file_spsc_eventfd: File Spsc EventFd;
    file_mpmc_eventfd: File Mpmc EventFd;
    file_bytes_eventfd: File Bytes EventFd;
    file_many_bytes_eventfd: File ManyBytes EventFd;
    file_stream_eventfd: File Stream EventFd;
    memfd_spsc_eventfd: Memfd Spsc EventFd;
    memfd_mpmc_eventfd: Memfd Mpmc EventFd;
    memfd_bytes_eventfd: Memfd Bytes EventFd;
    memfd_many_bytes_eventfd: Memfd ManyBytes EventFd;
    memfd_stream_eventfd: Memfd Stream EventFd;
    huge_memfd_spsc_eventfd: HugeMemfd Spsc EventFd;
    huge_memfd_mpmc_eventfd: HugeMemfd Mpmc EventFd;
    huge_memfd_bytes_eventfd: HugeMemfd Bytes EventFd;
    huge_memfd_many_bytes_eventfd: HugeMemfd ManyBytes EventFd;
    huge_memfd_stream_eventfd: HugeMemfd Stream EventFd;
    heap_spsc_eventfd: Heap Spsc EventFd;
    heap_mpmc_eventfd: Heap Mpmc EventFd;
    heap_bytes_eventfd: Heap Bytes EventFd;
    heap_many_bytes_eventfd: Heap ManyBytes EventFd;
    heap_stream_eventfd: Heap Stream EventFd;
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
