//! The file of a chart.

use crate::cli::failure::Failure;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is open before there is anything to write, and that keeps what it held until there is.
#[derive(Debug)]
pub(super) struct PlotFile {
    path: PathBuf,
    file: File,
    /// It was not there before, and nothing has been written yet.
    is_new: bool,
}

impl PlotFile {
    pub(super) fn open(path: &Path) -> Result<Self, Failure> {
        let is_new = !path.exists();
        let file = File::options().write(true).create(true).truncate(false).open(path);
        let file = file.map_err(|error| failed(path, &error))?;
        Ok(Self { path: path.to_owned(), file, is_new })
    }

    /// Writes the chart in place of what was there.
    pub(super) fn write(mut self, svg: &str) -> Result<(), Failure> {
        // Devices and pipes cannot be cut, and need not be.
        let cut = if self.file.metadata().is_ok_and(|seen| seen.is_file()) { self.file.set_len(0) } else { Ok(()) };
        cut.and_then(|()| self.file.write_all(svg.as_bytes())).map_err(|error| failed(&self.path, &error))?;
        self.is_new = false;
        Ok(())
    }
}

impl Drop for PlotFile {
    /// What was made for nothing goes.
    fn drop(&mut self) {
        if self.is_new {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Fault(format!("cannot write {}: {error}", path.display()))
}
