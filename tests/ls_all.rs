//! `ringway ls --all`: what is no channel, of this machine and of one that is made up.
#![cfg(feature = "cli")]

#[path = "cli/process.rs"]
mod process;

use nix::libc;
use process::{Directory, ringway, run, unique};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

fn json(args: &[&str]) -> Value {
    serde_json::from_slice(&run(args).well()).expect("JSON")
}

fn text(args: &[&str]) -> String {
    String::from_utf8(run(args).well()).expect("UTF-8")
}

/// The one object of a list whose field is this.
#[track_caller]
fn find<'a>(all: &'a Value, list: &str, field: &str, is: impl Into<Value>) -> &'a Value {
    let is = is.into();
    let rows = all[list].as_array().unwrap_or_else(|| panic!("no {list}: {all}"));
    rows.iter().find(|row| row[field] == is).unwrap_or_else(|| panic!("no {field} {is} in {list}: {all}"))
}

/// System V objects of this test's, which nobody else removes.
struct SystemV {
    segment: i32,
    semaphores: i32,
    queue: i32,
}

#[allow(unsafe_code)]
impl SystemV {
    fn new() -> Self {
        let made = |id: i32| {
            assert!(id >= 0, "{}", std::io::Error::last_os_error());
            id
        };
        // SAFETY: a private object is made; no memory of ours is involved.
        let segment = unsafe { libc::shmget(libc::IPC_PRIVATE, 12_345, 0o640) };
        let segment = made(segment);
        // SAFETY: as above.
        let semaphores = unsafe { libc::semget(libc::IPC_PRIVATE, 7, 0o600) };
        let semaphores = made(semaphores);
        // SAFETY: as above.
        let queue = unsafe { libc::msgget(libc::IPC_PRIVATE, 0o622) };
        let queue = made(queue);
        Self { segment, semaphores, queue }
    }

    /// Sends a message of so many bytes.
    fn send(&self, bytes: usize) {
        let message = vec![1_u64; 1 + bytes.div_ceil(8)];
        // SAFETY: a type, and so many bytes behind it.
        let sent = unsafe { libc::msgsnd(self.queue, message.as_ptr().cast(), bytes, 0) };
        assert_eq!(sent, 0, "{}", std::io::Error::last_os_error());
    }

    fn attach(&self) {
        // SAFETY: at an address that the kernel chooses; it stays until the process ends.
        assert!(!unsafe { libc::shmat(self.segment, std::ptr::null(), 0) }.is_null());
    }
}

#[allow(unsafe_code)]
impl Drop for SystemV {
    fn drop(&mut self) {
        // SAFETY: objects of our own.
        unsafe { libc::shmctl(self.segment, libc::IPC_RMID, std::ptr::null_mut()) };
        // SAFETY: as above.
        unsafe { libc::semctl(self.semaphores, 0, libc::IPC_RMID) };
        // SAFETY: as above.
        unsafe { libc::msgctl(self.queue, libc::IPC_RMID, std::ptr::null_mut()) };
    }
}

#[test]
fn what_is_there_is_listed_with_its_owner_and_its_size() {
    let it = SystemV::new();
    it.attach();
    it.send(100);
    let all = json(&["ls", "--all", "--json", "--interval=0"]);
    let (segment, semaphores, queue) = (
        find(&all, "system_v_segments", "id", it.segment),
        find(&all, "system_v_semaphores", "id", it.semaphores),
        find(&all, "system_v_queues", "id", it.queue),
    );
    let uid = u64::from(nix::unistd::geteuid().as_raw());
    for object in [segment, semaphores, queue] {
        assert_eq!((object["uid"].as_u64(), object["key"].as_str()), (Some(uid), Some("0x00000000")), "{object}");
    }
    assert_eq!(
        [&segment["bytes"], &segment["attached"], &segment["mode"]].map(Value::as_u64),
        [12_345, 1, 0o640].map(Some)
    );
    assert_eq!(segment["created_by_pid"].as_u64(), Some(u64::from(std::process::id())));
    assert_eq!((segment["removed"].as_bool(), semaphores["semaphores"].as_u64()), (Some(false), Some(7)));
    assert_eq!([&queue["bytes"], &queue["messages"], &queue["mode"]].map(Value::as_u64), [100, 1, 0o622].map(Some));
    let table = text(&["ls", "--all", "--interval=0"]);
    for words in ["System V segments", "System V semaphores", "System V queues", "12345", "Limits"] {
        assert!(table.contains(words), "{words}: {table}");
    }
}

#[test]
fn a_segment_that_was_removed_under_its_users_says_so() {
    let it = SystemV::new();
    it.attach();
    #[allow(unsafe_code)]
    // SAFETY: an object of our own, whose memory stays for as long as it is attached.
    unsafe {
        libc::shmctl(it.segment, libc::IPC_RMID, std::ptr::null_mut())
    };
    let all = json(&["ls", "--all", "--json", "--interval=0"]);
    let segment = find(&all, "system_v_segments", "id", it.segment);
    assert_eq!((segment["removed"].as_bool(), segment["mode"].as_u64()), (Some(true), Some(0o640)));
    assert!(text(&["ls", "--all", "--interval=0"]).contains("removed, and in use"));
}

/// A file in /dev/shm, as somebody else's program makes one.
struct Object(PathBuf);

impl Object {
    fn new(name: &str, bytes: u64) -> Self {
        let path = Path::new("/dev/shm").join(name);
        let file = fs::File::create_new(&path).expect("a name of our own");
        file.set_len(bytes).unwrap();
        Self(path)
    }
}

impl Drop for Object {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn posix_objects_are_those_that_are_no_channels() {
    let (memory, semaphore, channel) = (unique("memory"), unique("semaphore"), unique("channel"));
    let _memory = Object::new(&memory, 5_000_000);
    let _semaphore = Object::new(&format!("sem.{semaphore}"), 32);
    let _channel = ringway_channel(&channel);
    let all = json(&["ls", "--all", "--json", "--interval=0"]);
    let (memory, semaphore) =
        (find(&all, "posix", "name", memory.as_str()), find(&all, "posix", "name", semaphore.as_str()));
    assert_eq!((memory["kind"].as_str(), memory["bytes"].as_u64()), (Some("memory"), Some(5_000_000)));
    assert_eq!(memory["bytes_in_use"].as_u64(), Some(0), "nothing has been written to it");
    assert_eq!((semaphore["kind"].as_str(), semaphore["bytes"].as_u64()), (Some("semaphore"), Some(32)));
    find(&all, "channels", "name", channel.as_str());
    let is_there = |row: &Value| row["name"].as_str().is_some_and(|name| name.contains(&channel));
    assert!(!all["posix"].as_array().unwrap().iter().any(is_there), "{all}");
}

fn ringway_channel(name: &str) -> ::ringway::spsc::Sender<u64> {
    ::ringway::spsc::Sender::create(name, 16).expect("a channel")
}

#[test]
fn the_limits_are_those_that_the_kernel_names() {
    let all = json(&["ls", "--all", "--json", "--interval=0"]);
    let limit = |name: &str| find(&all, "limits", "name", name)["value"].as_u64().expect("a number");
    let file = |path: &str| fs::read_to_string(Path::new("/proc/sys").join(path)).ok();
    let mut seen = 0;
    for (name, path) in [
        ("shmmax", "kernel/shmmax"),
        ("shmall", "kernel/shmall"),
        ("shmmni", "kernel/shmmni"),
        ("msgmax", "kernel/msgmax"),
        ("msgmnb", "kernel/msgmnb"),
        ("msgmni", "kernel/msgmni"),
        ("queues_max", "fs/mqueue/queues_max"),
        ("msgsize_max", "fs/mqueue/msgsize_max"),
    ] {
        // A kernel may have been built without one of them.
        let Some(text) = file(path) else { continue };
        assert_eq!(limit(name).to_string(), text.trim(), "{name}");
        seen += 1;
    }
    assert!(seen > 0);
    if let Some(text) = file("kernel/sem") {
        let numbers = ["semmsl", "semmns", "semopm", "semmni"].map(|name| limit(name).to_string());
        assert_eq!(numbers.join(" "), text.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    assert!(limit("size") >= limit("left"), "of /dev/shm");
}

#[test]
fn segments_that_are_channels_are_told_by_their_names_and_by_how_they_begin() {
    use ::ringway::{Backing, Options, spsc};

    let (directory, elsewhere) = (Directory::new("system-v"), Directory::new("elsewhere"));
    let options = Options::new().capacity(16).dir(&directory.0).backing(Backing::SystemV).persistent(true);
    let mut tx = spsc::Sender::<u64>::create_with("orders", &options).expect("a channel");
    tx.send(7).expect("room");
    let none = SystemV::new();
    let stat = json(&["stat", "orders", "--json", "--interval=0", &directory.arg()]);
    let id = stat["system_v"].as_i64().expect("a number");
    assert_eq!((stat["depth"].as_u64(), stat["persistent"].as_bool()), (Some(1), Some(true)));
    let page = text(&["stat", "orders", "--interval=0", &directory.arg()]);
    assert!(page.contains(&format!("System V segment {id},")), "{page}");
    assert!(text(&["inspect", "orders", &directory.arg()]).contains("a System V segment"));

    let all = json(&["ls", "--all", "--json", "--interval=0", &directory.arg()]);
    let (ours, theirs) =
        (find(&all, "system_v_segments", "id", id), find(&all, "system_v_segments", "id", none.segment));
    assert_eq!((ours["ringway"].as_bool(), ours["channel"].as_str()), (Some(true), Some("orders")), "{ours}");
    assert!(ours["key"].as_str().is_some_and(|key| key.starts_with("0x72")), "{ours}");
    assert_eq!((theirs["ringway"].as_bool(), &theirs["channel"]), (Some(false), &Value::Null), "{theirs}");
    assert!(text(&["ls", "--all", "--interval=0", &directory.arg()]).contains("channel orders"));
    let all = json(&["ls", "--all", "--json", "--interval=0", &elsewhere.arg()]);
    let ours = find(&all, "system_v_segments", "id", id);
    assert_eq!((ours["ringway"].as_bool(), &ours["channel"]), (Some(true), &Value::Null), "{ours}");
    assert!(text(&["ls", "--all", "--interval=0", &elsewhere.arg()]).contains("a channel's, not of this directory"));

    let refused = run(&["rm", "orders", &directory.arg()]);
    assert!(refused.code != 0 && refused.stderr.contains("in use"), "{refused:?}");
    drop(tx);
    assert!(text(&["clean", &directory.arg()]).contains("kept orders: persistent"));
    assert!(text(&["rm", "orders", &directory.arg()]).contains("removed orders"));
    let all = json(&["ls", "--all", "--json", "--interval=0", &directory.arg()]);
    assert!(!all["system_v_segments"].as_array().unwrap().iter().any(|row| row["id"] == id), "{all}");
    assert!(directory.names().is_empty());
}

#[test]
fn send_and_recv_come_to_a_channel_wherever_it_lies() {
    use ::ringway::{Backing, Options, stream};
    use std::io::Read;

    let directory = Directory::new("system-v-stream");
    let options = Options::new().dir(&directory.0).backing(Backing::SystemV);
    let mut reader = stream::Reader::create_with("words", &options).expect("a stream");
    let file = directory.0.with_extension("text");
    fs::write(&file, "some words").unwrap();
    let sending = process::start(&["send", "words", file.to_str().unwrap(), &directory.arg()]);
    let mut words = String::new();
    reader.read_to_string(&mut words).expect("words, and their end");
    drop(reader);
    let ended = sending.end();
    fs::remove_file(&file).unwrap();
    assert_eq!((words.as_str(), ended.code), ("some words", 0), "{ended:?}");
    assert!(directory.names().is_empty());
}

// A machine that is made up.

const SHM: &str = "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid      atime      dtime      ctime                   rss                  swap
 -559038737          3  1600                  4096   100   200      2 4000000000     0     0     0          0          0          0                  4096                     0
";

fn put(root: &Directory, path: &str, text: &str) {
    let path = root.0.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn root(directory: &Directory) -> String {
    format!("--root={}", directory.0.display())
}

#[test]
fn nothing_at_all_is_told_and_is_no_failure() {
    let nothing = Directory::new("nothing");
    let (root, dir) = (root(&nothing), nothing.arg());
    let all = json(&["ls", "--all", "--json", &root, &dir]);
    for list in
        ["channels", "posix", "posix_queues", "system_v_segments", "system_v_semaphores", "system_v_queues", "limits"]
    {
        assert_eq!(all[list].as_array().map(Vec::len), Some(0), "{list}");
    }
    let unread = all["unread"].as_array().unwrap();
    for path in
        ["dev/shm", "dev/mqueue", "proc/sysvipc/shm", "proc/sysvipc/sem", "proc/sysvipc/msg", "proc/sys/kernel/sem"]
    {
        let is_told = |row: &&Value| row["path"].as_str().is_some_and(|told| told.ends_with(path));
        let row = unread.iter().find(is_told).unwrap_or_else(|| panic!("{path}: {all}"));
        assert!(row["why"].as_str().is_some_and(|why| why.contains("No such file")), "{row}");
    }
    let table = text(&["ls", "--all", &root, &dir]);
    let row = table.lines().find(|line| line.contains("/proc/sysvipc/shm ")).unwrap_or_else(|| panic!("{table}"));
    assert!(table.starts_with("Not read\n") && row.contains("No such file"), "{table}");
}

#[test]
fn lines_and_numbers_that_are_not_understood_are_told_and_the_others_listed() {
    let made_up = Directory::new("made-up");
    put(&made_up, "proc/sysvipc/shm", &format!("{SHM}half a line\n{}\n", "9".repeat(300)));
    put(&made_up, "proc/sysvipc/sem", "");
    put(&made_up, "proc/sysvipc/msg", "\u{0} key\nx y z\n");
    put(&made_up, "proc/sys/kernel/sem", "1 2 3\n");
    put(&made_up, "proc/sys/kernel/shmmax", "many\n");
    put(&made_up, "proc/sys/kernel/shmmni", "17\n");
    put(&made_up, "dev/shm/mine", "12345");
    put(&made_up, "dev/mqueue/good", "QSIZE:129        NOTIFY:0     SIGNO:0     NOTIFY_PID:0     \n");
    put(&made_up, "dev/mqueue/bad", "no queue");
    nix::unistd::mkfifo(&made_up.0.join("dev/mqueue/fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let (root, dir) = (root(&made_up), made_up.arg());
    let all = json(&["ls", "--all", "--json", &root, &dir]);
    let segment = find(&all, "system_v_segments", "id", 3);
    assert_eq!((segment["key"].as_str(), segment["removed"].as_bool()), (Some("0xdeadbeef"), Some(true)));
    assert_eq!((segment["uid"].as_u64(), &segment["user"]), (Some(4_000_000_000), &Value::Null));
    assert_eq!([&segment["attached"], &segment["mode"]].map(Value::as_u64), [2, 0o600].map(Some));
    assert_eq!(find(&all, "limits", "name", "shmmni")["value"].as_u64(), Some(17));
    assert_eq!(find(&all, "posix", "name", "mine")["bytes"].as_u64(), Some(5));
    assert_eq!(find(&all, "posix_queues", "name", "good")["bytes"].as_u64(), Some(129));
    for name in ["bad", "fifo"] {
        assert!(find(&all, "posix_queues", "name", name)["bytes"].is_null(), "{name}");
    }
    let told = |path: &str, why: &str| {
        let is = |row: &Value| {
            row["path"].as_str().is_some_and(|told| told.ends_with(path)) && row["why"].as_str().unwrap().contains(why)
        };
        assert!(all["unread"].as_array().unwrap().iter().any(is), "{path}, {why}: {all}");
    };
    told("proc/sysvipc/shm", "line 3 is not understood");
    told("proc/sysvipc/shm", "line 4 is not understood");
    told("proc/sysvipc/sem", "it names no columns");
    told("proc/sysvipc/msg", "line 2 is not understood");
    told("proc/sys/kernel/sem", "it does not hold the numbers that it should");
    told("proc/sys/kernel/shmmax", "it does not hold the numbers that it should");
    told("dev/mqueue/bad", "its length is not to be read");
    let table = text(&["ls", "--all", &root, &dir]);
    assert!(table.contains("4000000000") && table.contains("0xdeadbeef"), "{table}");
}

#[test]
fn without_all_the_list_is_what_it_was() {
    let directory = Directory::new("plain");
    assert_eq!(run(&["ls", "--json", &directory.arg()]).well(), b"[]\n");
    assert_eq!(run(&["ls", &directory.arg()]).well(), b"");
    let refused = ringway(&["ls", "--root=/", &directory.arg()]).output().unwrap();
    assert!(!refused.status.success(), "{refused:?}");
}
