//! os_pipe's tests, on `ringway::stream`.

ringway_suites::suite!(os_pipe: lib);
