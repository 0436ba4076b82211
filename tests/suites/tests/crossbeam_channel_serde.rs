//! crossbeam-channel's tests, on `ringway::compat::serde::crossbeam`; and its copy of std's, on `ringway::compat::serde::std_mpsc`.
//! Many of them sleep for seconds, and both modules are one text with those for plain data; so they run once.

ringway_suites::suite!(crossbeam_channel_serde as crossbeam_channel, by_name: array list iter same_channel mpsc_channel mpsc_sync_channel);
