//! std's tests of `mpsc`, on `ringway::compat::serde::std_mpsc`.

ringway_suites::suite!(std_mpsc_serde as std_mpsc: mpsc mpsc_sync);
