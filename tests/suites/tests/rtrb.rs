//! rtrb's tests, on `ringway::spsc`.

ringway_suites::suite!(rtrb: chunks lib write_and_read);
