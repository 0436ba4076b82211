//! The tests of ipc-channel's platform layer, on `ringway::bytes::mpmc`.

ringway_suites::suite!(ipc_channel: platform);
