#![cfg(loom)]
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
fn explore(name: &str, bound: usize, model: impl Fn() + Send + Sync + 'static) {
    let n = Arc::new(AtomicUsize::new(0));
    let c = n.clone();
    let mut b = loom::model::Builder::new();
    b.preemption_bound = Some(bound);
    b.max_branches = 10000;
    b.max_duration = Some(std::time::Duration::from_secs(20));
    b.checkpoint_interval = 1000;
    let start = std::time::Instant::now();
    b.check(move || { c.fetch_add(1, Relaxed); model() });
    println!("{name} bound {bound}: {} executions {} ms", n.load(Relaxed), start.elapsed().as_millis());
}
#[test]
fn spsc_two() {
    for bound in [2, 3] {
        explore("spsc 1x2", bound, || {
            let (mut tx, mut rx) = ringway::spsc::channel::<u64>(1).unwrap();
            let t = loom::thread::spawn(move || { tx.send(1).unwrap(); tx.send(2).unwrap(); });
            assert_eq!(rx.recv(), Ok(1));
            assert_eq!(rx.recv(), Ok(2));
            assert!(rx.recv().is_err());
            t.join().unwrap();
        });
    }
}
#[test]
fn spsc_pipeline() {
    for bound in [2, 3] {
        explore("spsc pipeline 3 threads", bound, || {
            let (mut a, mut b) = ringway::spsc::channel::<u64>(1).unwrap();
            let (mut c, mut d) = ringway::spsc::channel::<u64>(1).unwrap();
            let t = loom::thread::spawn(move || { a.send(1).unwrap(); a.send(2).unwrap(); });
            let u = loom::thread::spawn(move || { while let Ok(m) = b.recv() { c.send(m * 10).unwrap(); } });
            assert_eq!(d.recv(), Ok(10));
            assert_eq!(d.recv(), Ok(20));
            assert!(d.recv().is_err());
            t.join().unwrap();
            u.join().unwrap();
        });
    }
}
#[test]
fn mpmc_two_senders() {
    for bound in [1, 2, 3] {
        explore("mpmc 2 senders 1 receiver", bound, || {
            let (tx, rx) = ringway::mpmc::channel::<u64>(1).unwrap();
            let tx2 = tx.clone();
            let t = loom::thread::spawn(move || { tx.send(1).unwrap(); });
            let u = loom::thread::spawn(move || { tx2.send(2).unwrap(); });
            let mut got: Vec<_> = rx.iter().collect();
            got.sort();
            assert_eq!(got, [1, 2]);
            t.join().unwrap();
            u.join().unwrap();
        });
    }
}
#[test]
fn spsc_pipeline_one() {
    for bound in [2, 3] {
        explore("spsc pipeline 3 threads, one message", bound, || {
            let (mut a, mut b) = ringway::spsc::channel::<u64>(1).unwrap();
            let (mut c, mut d) = ringway::spsc::channel::<u64>(1).unwrap();
            let t = loom::thread::spawn(move || { a.send(1).unwrap(); });
            let u = loom::thread::spawn(move || { while let Ok(m) = b.recv() { c.send(m * 10).unwrap(); } });
            assert_eq!(d.recv(), Ok(10));
            assert!(d.recv().is_err());
            t.join().unwrap();
            u.join().unwrap();
        });
    }
}
