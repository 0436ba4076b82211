//! The parts of the chaos test.

pub(crate) mod args;
pub(crate) mod check;
pub(crate) mod check_order;
pub(crate) mod check_streams;
pub(crate) mod check_time;
pub(crate) mod clock;
pub(crate) mod control;
pub(crate) mod crew;
pub(crate) mod ends;
pub(crate) mod episode;
pub(crate) mod errands;
pub(crate) mod history;
pub(crate) mod log;
pub(crate) mod message;
pub(crate) mod plan;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod self_test;
pub(crate) mod streams;
#[path = "../support/mod.rs"]
pub(crate) mod support;
pub(crate) mod surroundings;
pub(crate) mod why;
pub(crate) mod worker;
