//! crossbeam-channel's tests, on `ringway::compat::crossbeam`; and its copy of std's, on `ringway::compat::std_mpsc`.

ringway_suites::suite!(crossbeam_channel: array list iter same_channel mpsc_channel mpsc_sync_channel
    go_fifo go_goroutines go_zerosize go_chan_test);
