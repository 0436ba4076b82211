//! std's tests of `mpmc`, on `ringway::compat::serde::crossbeam`.

ringway_suites::suite!(std_mpmc_serde as std_mpmc: mpmc);
