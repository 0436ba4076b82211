//! Running a model.

/// Runs `model` through its interleavings, with at most `preemptions` of a running thread in each (`None`: all of them);
/// how many executions that were. Panics where the model does, and on a deadlock.
pub(crate) fn explore(name: &str, preemptions: Option<usize>, model: impl Fn() + Send + Sync + 'static) -> usize {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let executions = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = preemptions;
    builder.max_branches = 10_000;
    let start = std::time::Instant::now();
    builder.check(move || {
        // Relaxed, both: loom runs one execution after the other, on this thread.
        count.fetch_add(1, Relaxed);
        model();
    });
    let executions = executions.load(Relaxed); // relaxed: as above
    println!("{name}: {executions} executions, {} ms", start.elapsed().as_millis());
    executions
}

/// The same with all orders of loads, which loom leaves out (see [`super::AtomicU64`]) and which words that are loaded and
/// swapped by many need: many times the executions.
pub(crate) fn explore_thoroughly(name: &str, preemptions: usize, model: impl Fn() + Send + Sync + 'static) -> usize {
    super::model::thoroughly(|| explore(name, Some(preemptions), model))
}
