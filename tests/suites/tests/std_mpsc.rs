//! std's tests of `mpsc`, on `ringway::compat::std_mpsc`.

ringway_suites::suite!(std_mpsc: mpsc mpsc_sync);
