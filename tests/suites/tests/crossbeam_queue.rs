//! The tests of crossbeam-queue's `ArrayQueue`, on `ringway::mpmc`.

ringway_suites::suite!(crossbeam_queue: array_queue);
