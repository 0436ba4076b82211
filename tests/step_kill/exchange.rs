//! A channel changes hands between two processes over a connection, and one of them is killed at every call of the kernel: the other
//! one is told, or has its end of a channel whose other end is dead; never does it wait.

use super::puppet::act;
use super::stage::{Entry, Fate, Place, Points, Progress, Scene};
use super::support::PATIENCE;
use ringway::handover::{HandoverError, Listener, Peer};
use ringway::{DisconnectReason, Options};
use std::cell::RefCell;
use std::io::Read;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What the victim is to get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    Sender,
    Receiver,
    BytesSender,
    BytesReceiver,
    Writer,
    Reader,
}

#[derive(Debug)]
struct Exchange {
    end: End,
    /// The victim's side, for the process that plays it; the other process closes it.
    theirs: RefCell<Option<Peer>>,
}

/// The victim listens at a path, or comes to one who does; then it gets a sender.
#[derive(Debug)]
struct Meeting {
    listens: bool,
}

pub(crate) fn scenes() -> Vec<Entry> {
    let ends = [End::Sender, End::Receiver, End::BytesSender, End::BytesReceiver, End::Writer, End::Reader];
    let exchanges = ends.map(|end| Entry::new(Exchange { end, theirs: RefCell::default() }));
    exchanges.into_iter().chain([true, false].map(|listens| Entry::new(Meeting { listens }))).collect()
}

fn options() -> Options {
    Options::new().capacity(256)
}

/// What came of the survivor's side: the end that it got is one of a dead process, and says so; or why it got none.
type Came = Result<(), HandoverError>;

impl End {
    fn take(self, peer: &mut Peer) -> bool {
        match self {
            Self::Sender => peer.spsc_sender::<u64>(&options()).is_ok(),
            Self::Receiver => peer.spsc_receiver::<u64>(&options()).is_ok(),
            Self::BytesSender => peer.bytes_sender(&options()).is_ok(),
            Self::BytesReceiver => peer.bytes_receiver(&options()).is_ok(),
            Self::Writer => peer.stream_writer(&options()).is_ok(),
            Self::Reader => peer.stream_reader(&options()).is_ok(),
        }
    }

    /// Gets the other end of this one, and uses it until it is told that the dead one is.
    fn survive(self, peer: &mut Peer) -> Came {
        let why = match self {
            Self::Sender => {
                let mut rx = peer.spsc_receiver::<u64>(&options())?;
                assert!(rx.recv_timeout(PATIENCE).is_err_and(|error| error.is_disconnected()));
                rx.disconnect_reason()
            }
            Self::Receiver => {
                let mut tx = peer.spsc_sender::<u64>(&options())?;
                while tx.send_timeout(7, PATIENCE).is_ok() {}
                tx.disconnect_reason()
            }
            Self::BytesSender => {
                let mut rx = peer.bytes_receiver(&options())?;
                assert!(rx.recv_timeout(PATIENCE).is_err_and(|error| error.is_disconnected()));
                rx.disconnect_reason()
            }
            Self::BytesReceiver => {
                let mut tx = peer.bytes_sender(&options())?;
                while tx.send_timeout(b"message", PATIENCE).is_ok() {}
                tx.disconnect_reason()
            }
            Self::Writer => {
                let mut reader = peer.stream_reader(&options())?;
                // One that was dropped before its process was killed has ended its stream.
                assert!(!reader.read(&mut [0]).is_ok_and(|bytes| bytes > 0), "bytes that nobody wrote");
                Some(DisconnectReason::Died)
            }
            Self::Reader => {
                let mut writer = peer.stream_writer(&options())?;
                while std::io::Write::write(&mut writer, &[7; 100]).is_ok() {}
                Some(DisconnectReason::Died)
            }
        };
        // One that was dropped before the operation was over has left.
        assert!(matches!(why, Some(DisconnectReason::Died | DisconnectReason::Left)), "{why:?}");
        Ok(())
    }
}

/// Whether it was told in time, and that it was the connection.
fn judge(came: Came, since: Instant) -> u64 {
    assert!(since.elapsed() < PATIENCE, "it waited");
    match came {
        Ok(()) => 1,
        Err(HandoverError::Closed) => 0,
        Err(error) => panic!("{error}"),
    }
}

/// Sockets are closed by threads of the library's own. Before the next victim is forked they are gone, and the sockets with them.
fn be_alone() {
    let threads = || std::fs::read_dir("/proc/self/task").expect("/proc").count();
    let give_up = Instant::now() + PATIENCE;
    while threads() > 1 {
        assert!(Instant::now() < give_up, "a thread that does not end");
        std::thread::yield_now();
    }
}

/// The survivor's part, done while the victim does its own.
pub(crate) type Survivor = Option<(JoinHandle<Came>, Instant)>;

impl Scene for Exchange {
    type Survivor = (Option<Peer>, Survivor);

    fn name(&self) -> String {
        format!("handover, one becomes the {:?}", self.end)
    }

    fn capacity(&self) -> usize {
        1
    }

    fn points(&self) -> Points {
        Points::Calls
    }

    fn survive(&self, _: &Place) -> Self::Survivor {
        let (mut mine, theirs) = Peer::pair().expect("descriptors");
        mine.set_timeout(2 * PATIENCE);
        *self.theirs.borrow_mut() = Some(theirs);
        (Some(mine), None)
    }

    fn play(&self, _: &Place) {
        let mut peer = self.theirs.borrow_mut().take().expect("a connection");
        let end = self.end;
        act(move || end.take(&mut peer), |is_there| *is_there)
    }

    fn settle(&self, _: &Place, (mine, survivor): &mut Self::Survivor) {
        drop(self.theirs.borrow_mut().take());
        let (mut mine, end) = (mine.take().expect("a connection"), self.end);
        *survivor = Some((std::thread::spawn(move || end.survive(&mut mine)), Instant::now()));
    }

    fn freezes(&self) -> bool {
        // Who waits for one that stands still waits as long as it is told to: see `tests/handover.rs`.
        false
    }

    fn meanwhile(&self, _: &Place, _: &mut Self::Survivor) {}

    fn bury(&self, _: &Place, (_, survivor): Self::Survivor, fate: Fate) -> Progress {
        let (thread, since) = survivor.expect("one who does its part");
        let came = judge(thread.join().expect("a survivor"), since);
        assert!(came == 1 || !fate.is_complete, "it has its end, and nobody has the other one");
        be_alone();
        // Whether the survivor has read what a killed one had said is a matter of time: the kernel throws it away if that one had not
        // read all (ECONNRESET).
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}

impl Scene for Meeting {
    type Survivor = Survivor;

    fn name(&self) -> String {
        format!("handover, one {}", if self.listens { "listens at a path" } else { "comes to a path" })
    }

    fn capacity(&self) -> usize {
        1
    }

    fn points(&self) -> Points {
        Points::Calls
    }

    fn survive(&self, _: &Place) -> Survivor {
        None
    }

    fn play(&self, place: &Place) {
        let path = place.directory().join("door");
        if self.listens {
            act(
                || {
                    let listener = Listener::bind(&path).expect("a free path");
                    listener.accept(PATIENCE).is_ok_and(|mut peer| End::Sender.take(&mut peer))
                },
                |is_there| *is_there,
            );
        }
        act(|| Peer::connect(&path, PATIENCE).is_ok_and(|mut peer| End::Sender.take(&mut peer)), |is_there| *is_there)
    }

    fn settle(&self, place: &Place, survivor: &mut Survivor) {
        let (path, listens) = (place.directory().join("door"), self.listens);
        let work = move || {
            if listens {
                // Nobody knows when it is there.
                let mut peer = Peer::connect(&path, Duration::from_millis(100))?;
                return End::Sender.survive(&mut peer);
            }
            let listener = Listener::bind(&path)?;
            let mut peer = listener.accept(Duration::from_millis(100))?;
            End::Sender.survive(&mut peer)
        };
        *survivor = Some((std::thread::spawn(work), Instant::now()));
    }

    fn freezes(&self) -> bool {
        false
    }

    fn meanwhile(&self, _: &Place, _: &mut Survivor) {}

    fn bury(&self, place: &Place, survivor: Survivor, fate: Fate) -> Progress {
        let (thread, since) = survivor.expect("one who does its part");
        let came = match thread.join().expect("a survivor") {
            // It was killed before it was there.
            Err(HandoverError::Timeout) if !fate.is_complete => 0,
            came => judge(came, since),
        };
        assert!(came == 1 || !fate.is_complete, "nobody met anybody");
        // Whatever a dead listener has left, another one listens there.
        let path = place.directory().join("door");
        let listener = Listener::bind(&path).expect("a path that nobody listens at");
        let peer = Peer::connect(&path, PATIENCE).expect("somebody listens");
        listener.accept(PATIENCE).expect("somebody has come");
        drop((peer, listener));
        for left in ["door", "door.lock"] {
            let _ = std::fs::remove_file(place.directory().join(left));
        }
        be_alone();
        // When it is met is a matter of time.
        [0, 0]
    }

    fn range(&self) -> [Progress; 2] {
        [[0, 0]; 2]
    }
}
