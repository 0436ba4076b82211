//! std's tests of `mpmc`, on `ringway::compat::crossbeam`.

ringway_suites::suite!(std_mpmc: mpmc);
