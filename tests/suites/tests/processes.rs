//! The scenarios of these suites as real processes: what is a thread there is a child here, which opens its ends by name. Each
//! names the test that it is taken from. Where a test there sleeps so that somebody waits meanwhile, the parent here looks
//! whether somebody does.

#[path = "../../support/mod.rs"]
#[macro_use]
mod support;

use ringway::compat::crossbeam::{
    Receiver, RecvError, RecvTimeoutError, SendError, SendTimeoutError, Sender, TryRecvError, TrySendError,
};
use ringway::{Payload, mpmc, spsc, stream};
use ringway_suites::left;
use std::io::{Read, Write};
use std::thread;
use std::time::{Duration, Instant};
use support::{Child, Dir, PATIENCE, hear, role, tell, until};

const MS: Duration = Duration::from_millis(1);

fn ends<T: Payload>(dir: &Dir, name: &str, cap: usize) -> (Sender<T>, Receiver<T>) {
    left::watch();
    let sender = mpmc::Sender::create_with(name, &dir.options().capacity(cap)).unwrap();
    (sender.into(), receiver(dir, name))
}

fn sender<T: Payload>(dir: &Dir, name: &str) -> Sender<T> {
    mpmc::Sender::open_with(name, &dir.patient()).unwrap().into()
}

fn receiver<T: Payload>(dir: &Dir, name: &str) -> Receiver<T> {
    mpmc::Receiver::open_with(name, &dir.patient()).unwrap().into()
}

/// The parent's part: starts the children, lets go of its own ends when they have theirs, and then lets them begin.
fn begin<E>(test: &str, dir: &Dir, own: E, roles: &[&str]) -> Vec<Child> {
    let mut children: Vec<_> = roles.iter().map(|role| Child::start(test, role, dir)).collect();
    children.iter_mut().for_each(|child| child.expect("attached"));
    drop(own);
    children.iter_mut().for_each(|child| child.tell("begin"));
    children
}

/// The child's: it has its ends, and waits until all have.
fn attached() {
    tell("attached");
    assert_eq!(hear(), "begin");
}

/// All children end well, and nothing is left.
fn end(children: Vec<Child>, dir: &Dir) {
    children.into_iter().for_each(Child::succeed);
    assert_eq!(dir.files(), [""; 0]);
}

/// crossbeam-channel, array.rs: `spsc`.
#[test]
fn spsc() {
    const COUNT: u64 = 100_000;
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => {
            let s = sender(&dir, "c");
            attached();
            (0..COUNT).for_each(|i| s.send(i).unwrap());
        }
        Some(_) => {
            let r = receiver(&dir, "c");
            attached();
            (0..COUNT).for_each(|i| assert_eq!(r.recv(), Ok(i)));
            assert_eq!(r.recv(), Err(RecvError));
        }
        None => end(begin(&here!(), &dir, ends::<u64>(&dir, "c", 3), &["sender", "receiver"]), &dir),
    }
}

/// crossbeam-channel, array.rs: `mpmc`; std, mpsc.rs: `stress_shared`. The receivers tell what they got in a channel, too.
#[test]
fn mpmc() {
    const COUNT: u32 = 10_000;
    const PROCESSES: usize = 4;
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => {
            let s = sender(&dir, "c");
            attached();
            (0..COUNT).for_each(|i| s.send(i).unwrap());
        }
        Some(_) => {
            let (r, counts) = (receiver::<u32>(&dir, "c"), sender(&dir, "counts"));
            attached();
            let mut v = vec![0_u32; COUNT as usize];
            r.iter().for_each(|n| v[n as usize] += 1);
            (0..COUNT).for_each(|n| counts.send([n, v[n as usize]]).unwrap());
        }
        None => {
            let (own, counts) = (ends::<u32>(&dir, "c", 3), ends::<[u32; 2]>(&dir, "counts", 1000));
            let roles = [["sender"; PROCESSES], ["receiver"; PROCESSES]].concat();
            let children = begin(&here!(), &dir, (own, counts.0), &roles);
            let mut v = vec![0_u32; COUNT as usize];
            counts.1.iter().for_each(|[n, count]| v[n as usize] += count);
            assert!(v.iter().all(|&count| count as usize == PROCESSES));
            drop(counts.1);
            end(children, &dir);
        }
    }
}

/// crossbeam-queue, array_queue.rs: `mpmc`, which tries instead of waiting.
#[test]
fn mpmc_that_tries() {
    const COUNT: u64 = 10_000;
    let dir = Dir::new();
    match role().as_deref() {
        Some("sender") => {
            let s = sender(&dir, "c");
            attached();
            (0..COUNT).for_each(|i| {
                while s.try_send(i).is_err() {
                    thread::yield_now()
                }
            });
        }
        Some(_) => {
            let (r, sums) = (receiver::<u64>(&dir, "c"), sender(&dir, "sums"));
            attached();
            let (mut count, mut sum) = (0, 0);
            loop {
                match r.try_recv() {
                    Ok(n) => (count, sum) = (count + 1, sum + n),
                    Err(TryRecvError::Empty) => thread::yield_now(),
                    Err(TryRecvError::Disconnected) => break,
                }
            }
            sums.send([count, sum]).unwrap();
        }
        None => {
            let (own, sums) = (ends::<u64>(&dir, "c", 3), ends::<[u64; 2]>(&dir, "sums", 2));
            let children = begin(&here!(), &dir, (own, sums.0), &["sender", "sender", "receiver", "receiver"]);
            let total = sums.1.iter().fold([0, 0], |all, one| [all[0] + one[0], all[1] + one[1]]);
            assert_eq!(total, [2 * COUNT, COUNT * (COUNT - 1)]);
            drop(sums.1);
            end(children, &dir);
        }
    }
}

/// crossbeam-channel, array.rs: `linearizable`. Whoever has sent finds a message, its own or another's; not at once, if a
/// process that does not run now is in the middle of sending the one before it.
#[test]
fn linearizable() {
    const COUNT: usize = 10_000;
    let dir = Dir::new();
    if role().is_some() {
        let (s, r) = (sender(&dir, "c"), receiver::<u32>(&dir, "c"));
        attached();
        for _ in 0..COUNT {
            s.send(0).unwrap();
            until("a message is there", || r.try_recv().is_ok());
        }
        return;
    }
    end(begin(&here!(), &dir, ends::<u32>(&dir, "c", 4), &["both"; 4]), &dir);
}

/// rtrb, lib.rs: `parallel`: a ring of three, tried by both.
#[test]
fn a_ring_that_is_tried() {
    const COUNT: u64 = 20_000;
    let dir = Dir::new();
    match role().as_deref() {
        Some("producer") => {
            let mut p = spsc::Sender::<u64>::open_with("c", &dir.patient()).unwrap();
            attached();
            (0..COUNT).for_each(|i| {
                while p.try_send(i).is_err() {
                    thread::yield_now()
                }
            });
        }
        Some(_) => {
            let mut c = spsc::Receiver::<u64>::open_with("c", &dir.patient()).unwrap();
            attached();
            for i in 0..COUNT {
                loop {
                    match c.try_recv() {
                        Ok(x) => break assert_eq!(x, i),
                        Err(TryRecvError::Empty) => thread::yield_now(),
                        Err(TryRecvError::Disconnected) => panic!("before message {i}"),
                    }
                }
            }
            assert!(c.recv().is_err());
        }
        None => {
            let own = spsc::Sender::<u64>::create_with("c", &dir.options().capacity(3)).unwrap();
            // A ring has one producer: the child takes over from the parent, and the consumer holds the ring meanwhile.
            let mut consumer = Child::start(&here!(), "consumer", &dir);
            consumer.expect("attached");
            drop(own);
            let children = begin(&here!(), &dir, (), &["producer"]);
            consumer.tell("begin");
            end(children.into_iter().chain([consumer]).collect(), &dir);
        }
    }
}

/// crossbeam-channel, array.rs: `disconnect_wakes_receiver`; and the sender is killed.
#[test]
fn disconnect_wakes_receiver() {
    let dir = Dir::new();
    if role().is_some() {
        let s = sender::<u32>(&dir, "c");
        attached();
        hear(); // or be killed
        return drop(s);
    }
    for is_killed in [false, true] {
        let (s, r) = ends::<u32>(&dir, "c", 1);
        let mut child = begin(&here!(), &dir, s, &["sender"]).remove(0);
        thread::scope(|scope| {
            let waiting = scope.spawn(|| r.recv());
            until("the receiver sleeps", || r.native().stats().sleeps > 0);
            if is_killed {
                child.kill()
            } else {
                (child.tell("drop"), child.succeed()).1
            }
            assert_eq!(waiting.join().unwrap(), Err(RecvError));
        });
        drop(r);
        assert_eq!(dir.files(), [""; 0]);
    }
}

/// crossbeam-channel, array.rs: `disconnect_wakes_sender`; and the receiver is killed.
#[test]
fn disconnect_wakes_sender() {
    let dir = Dir::new();
    if role().is_some() {
        let r = receiver::<u32>(&dir, "c");
        attached();
        hear(); // or be killed
        return drop(r);
    }
    for is_killed in [false, true] {
        let (s, r) = ends::<u32>(&dir, "c", 1);
        let mut child = begin(&here!(), &dir, r, &["receiver"]).remove(0);
        assert_eq!(s.send(1), Ok(()));
        thread::scope(|scope| {
            let waiting = scope.spawn(|| s.send(2));
            until("the sender sleeps", || s.native().stats().sleeps > 0);
            if is_killed {
                child.kill()
            } else {
                (child.tell("drop"), child.succeed()).1
            }
            assert_eq!(waiting.join().unwrap(), Err(SendError(2)));
        });
        drop(s);
        assert_eq!(dir.files(), [""; 0]);
    }
}

/// crossbeam-channel, array.rs: `recv_after_disconnect`; the sender has left, or was killed with its messages sent.
#[test]
fn recv_after_disconnect() {
    let dir = Dir::new();
    if role().is_some() {
        let s = sender::<u32>(&dir, "c");
        attached();
        (1..=3).for_each(|n| s.send(n).unwrap());
        tell("sent");
        hear(); // or be killed
        return;
    }
    for is_killed in [false, true] {
        let (s, r) = ends::<u32>(&dir, "c", 100);
        let mut child = begin(&here!(), &dir, s, &["sender"]).remove(0);
        child.expect("sent");
        if is_killed {
            child.kill()
        } else {
            (child.tell("leave"), child.succeed()).1
        }
        assert_eq!(r.recv(), Ok(1));
        assert_eq!(r.try_iter().collect::<Vec<_>>(), [2, 3]);
        assert_eq!(r.recv(), Err(RecvError));
        drop(r);
        assert_eq!(dir.files(), [""; 0]);
    }
}

/// crossbeam-channel, array.rs: `send_after_disconnect`; the receiver has left, or was killed with messages under way.
#[test]
fn send_after_disconnect() {
    let dir = Dir::new();
    if role().is_some() {
        let r = receiver::<u32>(&dir, "c");
        attached();
        assert_eq!(r.recv(), Ok(1));
        tell("received");
        hear(); // or be killed
        return;
    }
    for is_killed in [false, true] {
        let (s, r) = ends::<u32>(&dir, "c", 100);
        let mut child = begin(&here!(), &dir, r, &["receiver"]).remove(0);
        (1..=3).for_each(|n| s.send(n).unwrap());
        child.expect("received");
        if is_killed {
            child.kill()
        } else {
            (child.tell("leave"), child.succeed()).1
        }
        // Of a death one learns when one asks, or waits.
        until("the sender knows", || s.native().disconnect_reason().is_some());
        assert_eq!(s.send(4), Err(SendError(4)));
        assert_eq!(s.try_send(5), Err(TrySendError::Disconnected(5)));
        assert_eq!(s.send_timeout(6, 500 * MS), Err(SendTimeoutError::Disconnected(6)));
        drop(s);
        assert_eq!(dir.files(), [""; 0]);
    }
}

/// crossbeam-channel, array.rs: `recv_timeout`, `send_timeout`, `send_timeout_nonfull_expired`.
#[test]
fn timeouts() {
    let dir = Dir::new();
    if role().is_some() {
        let (requests, answers) = (receiver::<u32>(&dir, "requests"), sender::<u32>(&dir, "answers"));
        attached();
        assert_eq!((hear(), requests.recv()), ("one".to_owned(), Ok(1)));
        answers.send(7).unwrap();
        assert_eq!(hear(), "leave");
        return;
    }
    let ((s, to_child), (from_child, r)) = (ends::<u32>(&dir, "requests", 1), ends::<u32>(&dir, "answers", 1));
    let mut child = begin(&here!(), &dir, (to_child, from_child), &["other"]).remove(0);
    let start = Instant::now();
    assert_eq!(r.recv_timeout(100 * MS), Err(RecvTimeoutError::Timeout));
    assert_eq!(s.send_timeout(1, Duration::ZERO), Ok(()));
    assert_eq!(s.send_timeout(2, Duration::ZERO), Err(SendTimeoutError::Timeout(2)));
    assert_eq!(s.send_timeout(2, 100 * MS), Err(SendTimeoutError::Timeout(2)));
    assert!(start.elapsed() >= 200 * MS);
    child.tell("one");
    assert_eq!(r.recv_timeout(PATIENCE), Ok(7));
    assert_eq!(s.send_timeout(3, PATIENCE), Ok(()));
    child.tell("leave");
    assert_eq!(r.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
    drop((s, r));
    end(vec![child], &dir);
}

/// crossbeam-channel, array.rs: `len_empty_full`: one process counts what another has sent.
#[test]
fn len_empty_full() {
    let dir = Dir::new();
    if role().is_some() {
        let s = sender::<()>(&dir, "c");
        attached();
        loop {
            match &*hear() {
                "send" => s.send(()).unwrap(),
                "count" => {}
                _ => return,
            }
            tell(format_args!("{} {} {}", s.len(), s.is_empty(), s.is_full()));
        }
    }
    let (s, r) = ends::<()>(&dir, "c", 2);
    let mut child = begin(&here!(), &dir, s, &["sender"]).remove(0);
    let mut check = |order: &str, len: usize| {
        child.tell(order);
        child.expect(&format!("{len} {} {}", len == 0, len == 2));
        assert_eq!((r.len(), r.is_empty(), r.is_full()), (len, len == 0, len == 2));
    };
    check("count", 0);
    check("send", 1);
    check("send", 2);
    r.recv().unwrap();
    check("count", 1);
    drop(r);
    child.tell("leave");
    end(vec![child], &dir);
}

/// std, mpsc_sync.rs: `try_recv_states`.
#[test]
fn try_recv_states() {
    let dir = Dir::new();
    if role().is_some() {
        let (tx1, rx2) = (sender::<i32>(&dir, "one"), receiver::<()>(&dir, "two"));
        let tx3 = sender::<()>(&dir, "three");
        attached();
        rx2.recv().unwrap();
        tx1.send(1).unwrap();
        tx3.send(()).unwrap();
        rx2.recv().unwrap();
        drop(tx1);
        tx3.send(()).unwrap();
        return;
    }
    let (tx1, rx1) = ends::<i32>(&dir, "one", 1);
    let ((tx2, rx2), (tx3, rx3)) = (ends::<()>(&dir, "two", 1), ends::<()>(&dir, "three", 1));
    let children = begin(&here!(), &dir, (tx1, rx2, tx3), &["other"]);
    assert_eq!(rx1.try_recv(), Err(TryRecvError::Empty));
    tx2.send(()).unwrap();
    rx3.recv().unwrap();
    assert_eq!(rx1.try_recv(), Ok(1));
    assert_eq!(rx1.try_recv(), Err(TryRecvError::Empty));
    tx2.send(()).unwrap();
    rx3.recv().unwrap();
    assert_eq!(rx1.try_recv(), Err(TryRecvError::Disconnected));
    drop((rx1, tx2, rx3));
    end(children, &dir);
}

/// crossbeam-channel, array.rs: `stress_iter`: questions and answers.
#[test]
fn stress_iter() {
    const COUNT: u64 = 10_000;
    let dir = Dir::new();
    if role().is_some() {
        let (requests, answers) = (receiver::<()>(&dir, "requests"), sender::<u64>(&dir, "answers"));
        attached();
        for () in requests.iter() {
            if answers.send(1).is_err() {
                break;
            }
        }
        return;
    }
    let ((s, to_child), (from_child, r)) = (ends::<()>(&dir, "requests", 1), ends::<u64>(&dir, "answers", 1));
    let children = begin(&here!(), &dir, (to_child, from_child), &["other"]);
    let mut count = 0;
    while count < COUNT {
        s.send(()).unwrap();
        count += r.try_iter().sum::<u64>();
    }
    drop((s, r));
    end(children, &dir);
}

/// crossbeam-channel, array.rs: `stress_oneshot`: a channel for each message.
#[test]
fn stress_oneshot() {
    const COUNT: usize = 200;
    let dir = Dir::new();
    if role().is_some() {
        attached();
        for n in 0..COUNT {
            let s = mpmc::Sender::open_or_create_with(&format!("c{n}"), &dir.options().capacity(1)).unwrap();
            s.wait_for_peer(PATIENCE).unwrap();
            Sender::from(s).send(n).unwrap();
        }
        return;
    }
    let children = begin(&here!(), &dir, (), &["sender"]);
    for n in 0..COUNT {
        let r = mpmc::Receiver::open_or_create_with(&format!("c{n}"), &dir.options().capacity(1)).unwrap();
        assert_eq!(Receiver::from(r).recv(), Ok(n));
    }
    end(children, &dir);
}

/// os_pipe, lib.rs: `test_pipe_a_megabyte_of_data_from_another_thread`.
#[test]
fn a_megabyte_from_another_process() {
    let dir = Dir::new();
    if role().is_some() {
        let mut writer = stream::Writer::open_with("c", &dir.patient()).unwrap();
        return writer.write_all(&vec![0xff; 1_000_000]).unwrap();
    }
    let mut reader = stream::Reader::create_with("c", &dir.options().capacity(64 << 10)).unwrap();
    let child = Child::start(&here!(), "writer", &dir);
    let mut out = Vec::new();
    reader.read_to_end(&mut out).unwrap();
    assert!(out == vec![0xff; 1_000_000]);
    drop(reader);
    end(vec![child], &dir);
}
