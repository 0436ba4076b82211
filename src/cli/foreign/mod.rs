//! What else there is on this machine for processes to share and to talk through, as `ipcs` shows it: POSIX objects, System V
//! objects, and the limits of each mechanism. All of it is read from files; what cannot be read is told, and nothing fails for it.

mod limits;
mod posix;
mod show;
mod system_v;

use ringway::observe;
use serde::Serialize;
use std::fmt;
use std::path::{Path, PathBuf};

/// Everything that is no channel of this user's.
#[derive(Serialize)]
pub(crate) struct Foreign {
    /// In /dev/shm: what `shm_open` and `sem_open` make.
    posix: Vec<posix::Object>,
    /// In /dev/mqueue: what `mq_open` makes.
    posix_queues: Vec<posix::Queue>,
    system_v_segments: Vec<system_v::Segment>,
    system_v_semaphores: Vec<system_v::Semaphores>,
    system_v_queues: Vec<system_v::Queue>,
    limits: Vec<limits::Limit>,
    unread: Vec<Unread>,
}

impl Foreign {
    /// What is there now. `root`: where /proc and /dev are, if not in `/`. `channels`: those that are known to lie in System V segments.
    pub(crate) fn look(root: Option<&Path>, channels: &[(i32, &str)]) -> Self {
        let channel_of = |id| {
            let known = channels.iter().find(|(channels_id, _)| *channels_id == id);
            // Numbers under another root are of another machine.
            let is_ours = known.is_some() || (root.is_none() && observe::is_of_a_channel(id));
            (is_ours && root.is_none(), known.filter(|_| root.is_none()).map(|(_, name)| (*name).to_owned()))
        };
        let mut files = Files { root: root.unwrap_or(Path::new("/")).to_path_buf(), unread: Vec::new() };
        Self {
            posix: posix::objects(&mut files),
            posix_queues: posix::queues(&mut files),
            system_v_segments: system_v::segments(&mut files, channel_of),
            system_v_semaphores: system_v::semaphores(&mut files),
            system_v_queues: system_v::queues(&mut files),
            limits: limits::all(&mut files),
            unread: files.unread,
        }
    }

    /// As tables with headings.
    pub(crate) fn text(&self) -> String {
        show::text(self)
    }
}

/// A file, or a line of one, that could not be read.
#[derive(Debug, Serialize)]
struct Unread {
    path: String,
    why: String,
}

/// The files that things are read from, and what was wrong with them.
struct Files {
    root: PathBuf,
    unread: Vec<Unread>,
}

impl Files {
    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// The text of a file; `None` if it cannot be read, which is told.
    fn text(&mut self, path: &str) -> Option<String> {
        let place = self.path(path);
        match std::fs::read(&place) {
            Ok(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Err(error) => {
                self.cannot(&place, error);
                None
            }
        }
    }

    /// The entries of a directory by name; none if it cannot be read, which is told.
    fn names(&mut self, path: &str) -> Vec<(String, PathBuf)> {
        let place = self.path(path);
        let entries = std::fs::read_dir(&place).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let mut names: Vec<_> = match entries {
            Ok(entries) => entries
                .into_iter()
                .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
                .collect(),
            Err(error) => {
                self.cannot(&place, error);
                Vec::new()
            }
        };
        names.sort();
        names
    }

    fn cannot(&mut self, path: &Path, why: impl fmt::Display) {
        self.unread.push(Unread { path: path.display().to_string(), why: why.to_string() });
    }
}

/// Whose something is.
#[derive(Debug, Serialize)]
struct Owner {
    uid: u32,
    /// `null` if there is no such user here.
    user: Option<String>,
}

impl Owner {
    fn of(uid: u32) -> Self {
        let user = nix::unistd::User::from_uid(uid.into()).ok().flatten().map(|user| user.name);
        Self { uid, user }
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.user {
            Some(user) => f.write_str(user),
            None => write!(f, "{}", self.uid),
        }
    }
}
