//! Other channels' own tests, run on ringway: for each suite an adapter that has its crate's name and as much of its surface as
//! its tests use. `README.md` is the table of what runs and what does not, and why.
//!
//! Each test runs twice: over a channel inside this process, whose ring lies on the heap, and over one that is opened by its
//! name at either end, as two processes would, through two mappings of one file.

// The adapters are compiled once for each kind of channel.
#![allow(clippy::duplicate_mod)]

pub mod go;
pub mod left;
pub mod table;

/// The adapters, over channels inside one process.
pub mod in_process {
    mod make;

    #[path = "../adapters/crossbeam_channel.rs"]
    pub mod crossbeam_channel;
    #[path = "../adapters/crossbeam_channel_serde.rs"]
    pub mod crossbeam_channel_serde;
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
    #[path = "../adapters/std_mpmc_serde.rs"]
    pub mod std_mpmc_serde;
    #[path = "../adapters/std_mpsc.rs"]
    pub mod std_mpsc;
    #[path = "../adapters/std_mpsc_serde.rs"]
    pub mod std_mpsc_serde;
}

/// The same, over channels that are opened by name, each end by itself.
pub mod by_name {
    mod make;

    #[path = "../adapters/crossbeam_channel.rs"]
    pub mod crossbeam_channel;
    #[path = "../adapters/crossbeam_channel_serde.rs"]
    pub mod crossbeam_channel_serde;
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
    #[path = "../adapters/std_mpmc_serde.rs"]
    pub mod std_mpmc_serde;
    #[path = "../adapters/std_mpsc.rs"]
    pub mod std_mpsc;
    #[path = "../adapters/std_mpsc_serde.rs"]
    pub mod std_mpsc_serde;
}

/// The files of a suite as modules, over both kinds of channels or over one, and the test that none is missing. `as` says what
/// name the adapter has in them.
#[macro_export]
macro_rules! suite {
    ($suite:ident: $($module:ident)*) => {
        $crate::suite!($suite as $suite, in_process by_name: $($module)*);
    };
    ($suite:ident as $name:ident: $($module:ident)*) => {
        $crate::suite!($suite as $name, in_process by_name: $($module)*);
    };
    ($suite:ident as $name:ident, $($kind:ident)*: $($module:ident)*) => {
        $crate::suite!(@over [$($kind)*], $suite as $name: [$($module)*]);

        #[test]
        fn each_test_runs_or_is_listed() {
            $crate::table::check_what_runs(stringify!($suite), &[$(stringify!($kind)),*]);
        }
    };
    (@over [$($kind:ident)*], $suite:ident as $name:ident: $modules:tt) => {
        $($crate::suite!(@files $kind, $suite as $name: $modules);)*
    };
    (@files $kind:ident, $suite:ident as $name:ident: [$($module:ident)*]) => {
        mod $kind {
            $(
                // As it was shipped: its style is not ours.
                #[allow(warnings, clippy::all)]
                mod $module {
                    use $crate::$kind::$suite as $name;
                    include!(concat!(env!("OUT_DIR"), "/", stringify!($suite), "/", stringify!($module), ".rs"));
                }
            )*
        }
    };
}
