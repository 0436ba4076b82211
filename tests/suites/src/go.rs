//! A channel as Go has it, which is what crossbeam-channel's copies of Go's tests use; theirs, for our ends, without what only
//! `select!` needs.
//!
//! From `tests/golang.rs` of crossbeam-channel 0.5.17, MIT or Apache-2.0; copied there from <https://github.com/golang/go>,
//! Copyright (c) 2009 The Go Authors, <https://golang.org/LICENSE>.

use ringway::Payload;
use ringway::compat::crossbeam::{Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex};

#[derive(Debug)]
pub struct Chan<T: Payload> {
    inner: Arc<Mutex<ChanInner<T>>>,
}

#[derive(Debug)]
struct ChanInner<T: Payload> {
    s: Option<Sender<T>>,
    r: Option<Receiver<T>>,
}

impl<T: Payload> Clone for Chan<T> {
    fn clone(&self) -> Chan<T> {
        Chan { inner: self.inner.clone() }
    }
}

impl<T: Payload> Chan<T> {
    pub fn new((s, r): (Sender<T>, Receiver<T>)) -> Chan<T> {
        Chan { inner: Arc::new(Mutex::new(ChanInner { s: Some(s), r: Some(r) })) }
    }

    pub fn send(&self, msg: T) {
        let s = self.inner.lock().unwrap().s.as_ref().expect("sending into closed channel").clone();
        let _ = s.send(msg);
    }

    pub fn recv(&self) -> Option<T> {
        let r = self.inner.lock().unwrap().r.as_ref().unwrap().clone();
        r.recv().ok()
    }

    pub fn close_s(&self) {
        self.inner.lock().unwrap().s.take().expect("channel sender already closed");
    }
}

impl<T: Payload> Iterator for Chan<T> {
    type Item = T;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv()
    }
}

impl<T: Payload> IntoIterator for &Chan<T> {
    type Item = T;
    type IntoIter = Chan<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.clone()
    }
}

#[derive(Clone, Debug)]
pub struct WaitGroup(Arc<WaitGroupInner>);

#[derive(Debug)]
struct WaitGroupInner {
    cond: Condvar,
    count: Mutex<i32>,
}

impl WaitGroup {
    #[allow(clippy::new_without_default)] // as it is there
    pub fn new() -> WaitGroup {
        WaitGroup(Arc::new(WaitGroupInner { cond: Condvar::new(), count: Mutex::new(0) }))
    }

    pub fn add(&self, delta: i32) {
        let mut count = self.0.count.lock().unwrap();
        *count += delta;
        assert!(*count >= 0);
        self.0.cond.notify_all();
    }

    pub fn done(&self) {
        self.add(-1);
    }

    pub fn wait(&self) {
        let mut count = self.0.count.lock().unwrap();
        while *count > 0 {
            count = self.0.cond.wait(count).unwrap();
        }
    }
}

/// A thread that has clones of the named variables, and ends the process if it panics.
#[macro_export]
macro_rules! go {
    (@parse $v:ident, $($tail:tt)*) => {{
        let $v = $v.clone();
        $crate::go!(@parse $($tail)*)
    }};
    (@parse $body:expr) => {
        ::std::thread::spawn(move || {
            let res = ::std::panic::catch_unwind(::std::panic::AssertUnwindSafe(|| {
                $body
            }));
            if res.is_err() {
                eprintln!("goroutine panicked: {:?}", res);
                ::std::process::abort();
            }
        })
    };
    (@parse $($tail:tt)*) => {
        compile_error!("invalid `go!` syntax")
    };
    ($($tail:tt)*) => {{
        $crate::go!(@parse $($tail)*)
    }};
}
