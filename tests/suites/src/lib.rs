//! Other channels' own tests, run on ringway: for each suite an adapter that has its crate's name and as much of its surface as
//! its tests use. `README.md` is the table of what runs and what does not, and why.
//!
//! Each test runs twice: over a channel inside this process, whose ring lies on the heap, and over one that is opened by its
//! name at either end, as two processes would, through two mappings of one file.

// The adapters are compiled once for each kind of channel.
#![allow(clippy::duplicate_mod)]

pub mod left;
pub mod table;

/// The adapters, over channels inside one process.
pub mod in_process {
    mod make;

    #[path = "../adapters/crossbeam_channel.rs"]
    pub mod crossbeam_channel;
    #[path = "../adapters/crossbeam_queue.rs"]
    pub mod crossbeam_queue;
    #[path = "../adapters/ipc_channel.rs"]
    pub mod ipc_channel;
    #[path = "../adapters/os_pipe.rs"]
    pub mod os_pipe;
    #[path = "../adapters/rtrb.rs"]
    pub mod rtrb;
    #[path = "../adapters/std_mpmc.rs"]
    pub mod std_mpmc;
    #[path = "../adapters/std_mpsc.rs"]
    pub mod std_mpsc;
}

/// The same, over channels that are opened by name, each end by itself.
pub mod by_name {
    mod make;

    #[path = "../adapters/crossbeam_channel.rs"]
    pub mod crossbeam_channel;
    #[path = "../adapters/crossbeam_queue.rs"]
    pub mod crossbeam_queue;
    #[path = "../adapters/ipc_channel.rs"]
    pub mod ipc_channel;
    #[path = "../adapters/os_pipe.rs"]
    pub mod os_pipe;
    #[path = "../adapters/rtrb.rs"]
    pub mod rtrb;
    #[path = "../adapters/std_mpmc.rs"]
    pub mod std_mpmc;
    #[path = "../adapters/std_mpsc.rs"]
    pub mod std_mpsc;
}

/// The files of a suite as modules, over both kinds of channels, and the test that none is missing.
#[macro_export]
macro_rules! suite {
    ($suite:ident: $($module:ident)*) => {
        $crate::suite!(@over in_process, $suite: $($module)*);
        $crate::suite!(@over by_name, $suite: $($module)*);

        #[test]
        fn each_test_runs_or_is_listed() {
            $crate::table::check_what_runs(stringify!($suite));
        }
    };
    (@over $kind:ident, $suite:ident: $($module:ident)*) => {
        mod $kind {
            $(
                // As it was shipped: its style is not ours.
                #[allow(warnings, clippy::all)]
                mod $module {
                    use $crate::$kind::$suite;
                    include!(concat!(env!("OUT_DIR"), "/", stringify!($suite), "/", stringify!($module), ".rs"));
                }
            )*
        }
    };
}
