//! Where an episode plays: namespaces of its own, where it may have some, so that a file system can be filled up and nothing is ever
//! left behind; and what it has left there.

use super::ends::NAME;
use super::plan::Places;
use nix::mount::{MsFlags, mount, umount};
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{Gid, Uid};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of the file system that can be full.
const SIZE: u64 = 48 << 20;

/// Where the directories are, and how they begin.
const TOP: &str = "/dev/shm/ringway-chaos.";
const DISK: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/chaos.");

/// What this user may have here, found out once.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    top: PathBuf,
    disk: PathBuf,
    /// A file system of its own, that may be filled up; or why there is none.
    pub(crate) room: Result<(), String>,
    /// A list of all message queues; or why there is none.
    pub(crate) queues: Result<PathBuf, String>,
    /// Clocks of their own; or why there are none.
    pub(crate) clocks: Result<(), String>,
    is_alone: bool,
}

impl Surroundings {
    /// To be called by a process with one thread.
    pub(crate) fn new() -> Self {
        let isolated = isolate();
        let top = PathBuf::from(format!("{TOP}{}", std::process::id()));
        let disk = PathBuf::from(format!("{DISK}{}", std::process::id()));
        forget_the_dead();
        // Whoever had this number before was killed.
        for left in [&top, &disk] {
            let _ = fs::remove_dir_all(left);
        }
        fs::create_dir(&top).expect("a directory");
        // Nothing is left of what is in here, however this process ends.
        let is_alone = isolated.is_ok() && mount_on(&top, "tmpfs", "mode=700").is_ok();
        for directory in [&top.join("shared"), &top.join("logs"), &top.join("queues"), &disk] {
            fs::create_dir(directory).expect("a directory");
        }
        let why = |error: io::Error| error.to_string();
        let size = format!("size={SIZE},mode=700");
        let room = isolated
            .as_ref()
            .map_err(|why| why.to_string())
            .and_then(|()| mount_on(&top.join("shared"), "tmpfs", &size).map_err(why));
        let queues = isolated
            .as_ref()
            .map_err(|why| why.to_string())
            .and_then(|()| mount_on(&top.join("queues"), "mqueue", "").map_err(why).map(|()| top.join("queues")));
        let clocks = match super::clock::is_permitted() {
            true => Ok(()),
            false => Err("no time namespace may be made".to_owned()),
        };
        Self { top, disk, room, queues, clocks, is_alone }
    }

    pub(crate) fn places(&self) -> Places {
        Places { shared: self.top.join("shared"), disk: self.disk.clone(), logs: self.top.join("logs") }
    }

    /// Takes all the room that is left; it is free again when the file is.
    pub(crate) fn fill(&self) -> Option<Ballast> {
        self.room.as_ref().ok()?;
        let path = self.top.join("shared").join(".ballast");
        let file = fs::File::create(&path).ok()?;
        // As much as there is, by halves.
        let (mut at, mut step) = (0, SIZE as i64);
        while step >= 4096 {
            let flags = nix::fcntl::FallocateFlags::empty();
            match nix::fcntl::fallocate(&file, flags, at, step) {
                Ok(()) => at += step,
                Err(_) => step /= 2,
            }
        }
        Some(Ballast(path))
    }

    /// What is left of any channel: files, queues, System V segments. Of the episode's own, which others left in good order, nothing; of
    /// one whose only user was killed what `clean` leaves.
    pub(crate) fn left_over(&self) -> Vec<String> {
        let places = self.places();
        for directory in [&places.shared, &places.disk] {
            let names = listed(directory);
            // An intent is what a killed maker leaves, for `clean`; all else of it goes with the name.
            let is_of_channel = |file: &String| {
                file == NAME
                    || (file.strip_prefix(NAME).is_some_and(|rest| rest.starts_with('~')) && !file.ends_with(".v"))
            };
            let of_channel = names.into_iter().filter(is_of_channel).collect::<Vec<_>>();
            if !of_channel.is_empty() {
                return of_channel;
            }
            if let Err(error) = ringway::observe::clean(Some(directory)) {
                return vec![format!("{}: {error}", directory.display())];
            }
        }
        let mut left = listed(&places.shared);
        left.extend(listed(&places.disk));
        if let Ok(queues) = &self.queues {
            left.extend(listed(queues).into_iter().map(|name| format!("queue {name}")));
        }
        if self.is_alone {
            let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
            left.extend(table.lines().skip(1).map(|line| format!("System V: {}", line.trim())));
        }
        left
    }

    /// Makes room for the next episode, whatever the last one left.
    pub(crate) fn sweep(&self) {
        let places = self.places();
        for directory in [&places.shared, &places.disk] {
            let _ = ringway::observe::clean(Some(directory));
            for name in listed(directory) {
                let _ = ringway::observe::remove(&name, Some(directory));
                let _ = fs::remove_file(directory.join(name));
            }
        }
        for name in listed(&places.logs) {
            let _ = fs::remove_file(places.logs.join(name));
        }
        // What was found is told once. (Where System V segments are others', too, they are left alone.)
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        for id in table.lines().skip(1).filter_map(|line| line.split_whitespace().nth(1)).filter(|_| self.is_alone) {
            let _ = Command::new("ipcrm").args(["-m", id]).status();
        }
    }
}

impl Drop for Surroundings {
    fn drop(&mut self) {
        self.sweep();
        for (directory, is_mounted) in [("shared", self.room.is_ok()), ("queues", self.queues.is_ok())] {
            if is_mounted {
                let _ = umount(&self.top.join(directory));
            }
        }
        if self.is_alone {
            let _ = umount(&self.top);
        }
        let _ = fs::remove_dir_all(&self.top);
        let _ = fs::remove_dir_all(&self.disk);
    }
}

/// Removes the directories of those who were killed. In memory they are empty, for who has mounts of its own.
fn forget_the_dead() {
    for (directory, begin) in [(Path::new("/dev/shm"), TOP), (Path::new(env!("CARGO_TARGET_TMPDIR")), DISK)] {
        for name in listed(directory) {
            let path = directory.join(name);
            let pid = path.to_str().and_then(|path| path.strip_prefix(begin)).and_then(|pid| pid.parse::<u32>().ok());
            if pid.is_some_and(|pid| !Path::new("/proc").join(pid.to_string()).exists()) {
                let _ = if begin == DISK { fs::remove_dir_all(path) } else { fs::remove_dir(path) };
            }
        }
    }
}

/// What fills a file system up.
#[derive(Debug)]
pub(crate) struct Ballast(PathBuf);

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn listed(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).filter(|name| name != ".ballast").collect()
}

/// Mounts and IPC objects of its own; as root of a user namespace of its own, if it is not root.
fn isolate() -> Result<(), String> {
    let flags = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWIPC;
    if unshare(flags).is_err() {
        let (uid, gid) = (Uid::effective(), Gid::effective());
        unshare(CloneFlags::CLONE_NEWUSER | flags).map_err(|error| format!("no namespaces: {error}"))?;
        let map = |file: &str, line: String| fs::write(file, line).map_err(|error| format!("{file}: {error}"));
        map("/proc/self/setgroups", "deny".to_owned())?;
        map("/proc/self/uid_map", format!("0 {uid} 1"))?;
        map("/proc/self/gid_map", format!("0 {gid} 1"))?;
    }
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).map_err(|error| format!("mounts of its own: {error}"))
}

fn mount_on(directory: &Path, kind: &str, data: &str) -> io::Result<()> {
    mount(Some(kind), directory, Some(kind), MsFlags::empty(), Some(data)).map_err(io::Error::from)
}
