//! Which names are legal, and where they live.

use super::error::SegmentError;
use super::medium::Medium;
use super::pages::Pages;
use crate::sys::file;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The directory that `shm_open` uses.
const SHARED_MEMORY: &str = "/dev/shm";
const LEN_MAX: usize = 200;

/// Where a segment is: a checked name in a directory, or a descriptor.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) directory: PathBuf,
    /// Of what has no name, something for error messages.
    pub(crate) path: PathBuf,
    pub(super) medium: Medium,
    /// What its memory is to consist of.
    pub(super) pages: Pages,
}

impl Place {
    /// `NAME` becomes `/dev/shm/ringway.UID.NAME`, which `shm_open("/ringway.UID.NAME")` opens; in a `directory` of
    /// the caller's choice it is `NAME` itself. One leading `/` is accepted, as `shm_open` does.
    pub(crate) fn new(name: &str, directory: Option<&Path>) -> Result<Self, SegmentError> {
        let bare = name.strip_prefix('/').unwrap_or(name);
        check(bare).map_err(|rule| SegmentError::Name { name: shown(name), rule })?;
        let (medium, pages) = (Medium::Memory, Pages::default());
        Ok(match directory {
            Some(directory) => {
                // The process may go to another directory before it takes the name away again.
                let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_path_buf());
                Self { path: directory.join(bare), directory, medium, pages }
            }
            None => {
                let path = Path::new(SHARED_MEMORY).join(prefix() + bare);
                Self { directory: SHARED_MEMORY.into(), path, medium, pages }
            }
        })
    }

    /// The same, in a directory that may be on a disk.
    pub(crate) fn anywhere(name: &str, directory: Option<&Path>) -> Result<Self, SegmentError> {
        let medium = if directory.is_some() { Medium::Disk } else { Medium::Memory };
        Ok(Self { medium, ..Self::new(name, directory)? })
    }

    /// A name as that of [`new`](Self::new), of a channel whose bytes are in a System V segment.
    pub(crate) fn system_v(name: &str, directory: Option<&Path>) -> Result<Self, SegmentError> {
        Ok(Self { medium: Medium::SystemV, ..Self::new(name, directory)? })
    }

    /// A memfd that is not there yet, and what it is to be called in `/proc`.
    pub(crate) fn memfd(name: &str) -> Result<Self, SegmentError> {
        check(name).map_err(|rule| SegmentError::Name { name: shown(name), rule })?;
        Ok(Self {
            directory: "memfd".into(),
            path: format!("memfd:ringway.{name}").into(),
            medium: Medium::Memfd(None),
            pages: Pages::default(),
        })
    }

    /// The same, with memory of such pages.
    pub(crate) fn of(self, pages: Pages) -> Self {
        Self { pages, ..self }
    }

    /// The memfd of this descriptor.
    pub(crate) fn descriptor(file: &Arc<OwnedFd>) -> Self {
        let medium = Medium::Memfd(Some(Arc::clone(file)));
        Self { directory: "memfd".into(), path: "memfd".into(), medium, pages: Pages::default() }
    }

    /// Every name that could be a segment of this user in the directory, with its place. Says nothing of the files.
    pub(crate) fn all(directory: Option<&Path>) -> std::io::Result<Vec<(String, Self)>> {
        let places = Self::all_names(directory)?.into_iter();
        Ok(places.filter_map(|(name, _)| Self::anywhere(&name, directory).ok().map(|place| (name, place))).collect())
    }

    /// Every name of a file of this user's there, legal or not, sorted, and its path.
    pub(super) fn all_names(directory: Option<&Path>) -> std::io::Result<Vec<(String, PathBuf)>> {
        let prefix = if directory.is_some() { String::new() } else { prefix() };
        let folder = directory.unwrap_or(Path::new(SHARED_MEMORY));
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let file_name = entry?.file_name();
            let Some(name) = file_name.to_str().and_then(|name| name.strip_prefix(&prefix)) else { continue };
            found.push((name.to_owned(), folder.join(&file_name)));
        }
        found.sort();
        Ok(found)
    }
}

/// In the directory that all users share, a name carries its user.
fn prefix() -> String {
    format!("ringway.{}.", file::effective_uid())
}

fn check(name: &str) -> Result<(), &'static str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    match name {
        "" => Err("a name has at least one byte"),
        _ if name.len() > LEN_MAX => Err("a name has at most 200 bytes"),
        _ if name.starts_with('.') => Err("a name does not start with a dot"),
        _ if !name.bytes().all(legal) => Err("a name consists of letters, digits, '.', '_' and '-'"),
        _ => Ok(()),
    }
}

/// A name fit for an error message: escaped, and not longer than a line.
fn shown(name: &str) -> String {
    let mut short: String = name.chars().take(40).flat_map(char::escape_debug).collect();
    if name.chars().count() > 40 {
        short.push_str("...");
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_shm_open_would_open_are_legal() {
        for name in ["a", "orders", "/orders", "A-b_c.9", &"x".repeat(200)] {
            let place = Place::new(name, None).expect("a legal name");
            assert!(place.path.starts_with("/dev/shm"));
        }
        assert_eq!(Place::new("x", Some(Path::new("/tmp/d"))).unwrap().path, Path::new("/tmp/d/x"));
    }

    /// Fault 15.
    #[test]
    fn other_names_are_refused() {
        for name in ["", "/", "a/b", "//a", "..", ".hidden", "a b", "a\0b", "é", &"x".repeat(201), &"y".repeat(300)] {
            let error = Place::new(name, None).expect_err(name);
            assert!(matches!(error, SegmentError::Name { .. }), "{error:?}");
            assert!(error.to_string().len() < 200, "{error}");
        }
    }
}
