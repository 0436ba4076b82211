//! Who may be at the other end.

use crate::sys::file;
use std::fmt;

/// To whom a channel is handed over: which users' processes. The kernel says who somebody is; everybody else is turned away before
/// anything is sent.
///
/// Users are numbers of this process's user namespace. All who have none there are one and the same, the overflow user (65534, mostly
/// called `nobody`): whoever acts as that user in a container, or names it, trusts all of them who can reach the socket.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Trust {
    /// The user that this process acts as.
    #[default]
    ThisUser,
    /// These users, by their numbers.
    Users(Vec<u32>),
    /// Everybody who can reach the socket.
    Anyone,
}

impl Trust {
    /// Whether this user is welcome.
    pub(super) fn welcomes(&self, uid: u32) -> bool {
        match self {
            Self::ThisUser => uid == file::effective_uid(),
            Self::Users(users) => users.contains(&uid),
            Self::Anyone => true,
        }
    }

    /// The permissions of a socket in a directory.
    pub(super) fn mode(&self) -> u32 {
        match self {
            Self::ThisUser => 0o600,
            // Who of them is welcome the kernel says when they come.
            Self::Users(_) | Self::Anyone => 0o666,
        }
    }
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ThisUser => f.write_str("this user"),
            Self::Users(users) => write!(f, "users {users:?}"),
            Self::Anyone => f.write_str("anyone"),
        }
    }
}
