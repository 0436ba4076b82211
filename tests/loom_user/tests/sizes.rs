#![cfg(loom)]
use loom::thread::spawn;
use ringway::{mpmc, spsc};
fn explore(name: &str, bound: usize, model: impl Fn() + Send + Sync + 'static) {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let n = std::sync::Arc::new(AtomicUsize::new(0));
    let c = n.clone();
    let mut b = loom::model::Builder::new();
    b.preemption_bound = Some(bound);
    b.max_duration = Some(std::time::Duration::from_secs(25));
    b.checkpoint_interval = 1000;
    let start = std::time::Instant::now();
    b.check(move || { c.fetch_add(1, Relaxed); model() });
    println!("{name} bound {bound}: {} executions {} ms", n.load(Relaxed), start.elapsed().as_millis());
}
#[test]
fn mpmc_two() { for bound in [2,3] {
        explore("mpmc 2 senders 1 receiver", bound, || {
            let (tx, rx) = mpmc::channel::<u64>(1).unwrap();
            let tx2 = tx.clone();
            let t = spawn(move || { tx.send(1).unwrap(); });
            let u = spawn(move || { tx2.send(2).unwrap(); });
            let mut got: Vec<_> = rx.iter().collect();
            got.sort();
            assert_eq!(got, [1, 2]);
            t.join().unwrap();
            u.join().unwrap();
        });
}}
#[test]
fn mpmc_each() { for bound in [1,2] {
    explore("mpmc 1 sender, 2 receivers", bound, || {
        let (tx, rx) = mpmc::channel::<u32>(2).unwrap();
        let other = rx.clone();
        tx.send(1).unwrap();
        let receiving = spawn(move || other.iter().sum::<u32>());
        let sending = spawn(move || tx.send(2).unwrap());
        let sum: u32 = rx.iter().sum();
        assert_eq!(sum + receiving.join().unwrap(), 3);
        sending.join().unwrap();
    });
}}
#[test]
fn spsc_pipe() { for (n,bound) in [(1,2),(2,2),(1,3)] {
        explore(&format!("spsc pipeline {n} messages"), bound, move || {
            let (mut a, mut b) = spsc::channel::<u64>(1).unwrap();
            let (mut c, mut d) = spsc::channel::<u64>(1).unwrap();
            let t = spawn(move || { for i in 0..n {a.send(i).unwrap(); }});
            let u = spawn(move || { while let Ok(m) = b.recv() { c.send(m * 10).unwrap(); } });
            for i in 0..n { assert_eq!(d.recv(), Ok(i*10)); }
            assert!(d.recv().is_err());
            t.join().unwrap();
            u.join().unwrap();
        });
}}
