//! Running one test, alone, with one mutant in force.

use crate::build::Layer;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One test of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Test {
    pub(crate) layer: Layer,
    pub(crate) program: PathBuf,
    /// As the program knows it.
    pub(crate) name: String,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    Passed,
    /// With what it said first.
    Failed(String),
    /// It was still running.
    Hung,
}

/// What a test is run with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Chosen<'a> {
    Mutant(u32),
    /// None, and what is asked for is marked in that file.
    Marks(&'a Path),
}

impl Test {
    /// What it is called on the list: with its program, if the layer has several.
    pub(crate) fn title(&self) -> String {
        match self.layer {
            Layer::Processes => format!("{}: {}", self.program_name(), self.name),
            _ => self.name.clone(),
        }
    }

    fn program_name(&self) -> String {
        let file = self.program.file_name().unwrap_or_default().to_string_lossy().into_owned();
        file.rsplit_once('-').map_or(file.clone(), |(name, _)| name.to_owned())
    }

    /// What the program knows as `CARGO_TARGET_TMPDIR`, and a directory to be put in its place.
    fn scratch(&self) -> std::io::Result<(PathBuf, PathBuf)> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Of TARGET/PROFILE/deps/PROGRAM.
        let target = self.program.ancestors().nth(3).unwrap_or(&self.program);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (tmp, scratch) = (target.join("tmp"), target.join(format!("tmp-{}-{number}", std::process::id())));
        std::fs::create_dir_all(&tmp)?;
        std::fs::create_dir_all(&scratch)?;
        Ok((tmp, scratch))
    }

    /// Runs it to its end, or for as long as that.
    pub(crate) fn run(
        &self,
        chosen: Chosen<'_>,
        copy: &Path,
        patience: Duration,
    ) -> std::io::Result<(Ending, Duration)> {
        // A place of its own: what a test that fails or is killed leaves goes with it, processes too.
        // (Files on a disk, too: names have numbers of processes in them, which are the same ones in each place.)
        let alone = "mount -t tmpfs -o size=2g tmpfs /dev/shm && mount --bind \"$SCRATCH\" \"$BUILD_TMP\" && \"$0\" \"$@\"; exit $?";
        let (tmp, scratch) = self.scratch()?;
        let mut command = Command::new("unshare");
        command.args(["--mount", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", alone]);
        command.arg(&self.program);
        match self.layer {
            Layer::StepKill => command.args(["--exact", &self.name]),
            _ => command.args(["--exact", &self.name, "--test-threads=1"]),
        };
        command.current_dir(copy).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // What cargo would tell a test.
        command.env("CARGO_MANIFEST_DIR", copy).env("BUILD_TMP", tmp).env("SCRATCH", &scratch);
        match chosen {
            Chosen::Mutant(number) => command.env("RINGWAY_MUTANT", number.to_string()),
            Chosen::Marks(file) => command.env("RINGWAY_MUTANT_MARKS", file),
        };
        let start = Instant::now();
        let mut child = command.spawn()?;
        let said = [collect(child.stdout.take()), collect(child.stderr.take())];
        let status = wait(&mut child, start + patience)?;
        let took = start.elapsed();
        let _ = std::fs::remove_dir_all(&scratch);
        let said: Vec<String> = said.into_iter().map(|reader| reader.join().unwrap_or_default()).collect();
        Ok((
            match status {
                None => Ending::Hung,
                Some(true) => Ending::Passed,
                Some(false) => Ending::Failed(why(&said.concat())),
            },
            took,
        ))
    }
}

/// Whether it has succeeded; `None`: it was killed, with all that it had started, since the time was over.
fn wait(child: &mut Child, until: Instant) -> std::io::Result<Option<bool>> {
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status.success()));
        }
        if Instant::now() > until {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(Duration::from_millis(3));
    }
}

fn collect(from: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut said = Vec::new();
        if let Some(mut from) = from {
            let _ = from.read_to_end(&mut said);
        }
        String::from_utf8_lossy(&said).into_owned()
    })
}

/// The first thing that a panic said.
fn why(said: &str) -> String {
    let mut lines = said.lines();
    let panic = lines.by_ref().find(|line| line.contains("panicked at"));
    let text = match panic {
        Some(_) => lines.find(|line| !line.trim().is_empty()).unwrap_or_default(),
        None => said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default(),
    };
    text.trim().chars().take(140).collect()
}

/// The tests of a program.
pub(crate) fn list(layer: Layer, program: &Path, copy: &Path) -> Result<Vec<Test>, String> {
    let argument = if layer == Layer::StepKill { "--scenes" } else { "--list" };
    let said = Command::new(program).arg(argument).current_dir(copy).output();
    let said = said.map_err(|error| format!("{}: {error}", program.display()))?.stdout;
    let said = String::from_utf8_lossy(&said).into_owned();
    let names: Vec<String> = match layer {
        Layer::StepKill => said.lines().map(|line| line.trim().to_owned()).collect(),
        _ => said.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect(),
    };
    let is_wanted = |name: &String| match layer {
        Layer::Loom => name.contains("loom_"),
        // Children of other tests.
        _ => !name.is_empty() && !name.ends_with("::child") && name != "child",
    };
    let test = |name| Test { layer, program: program.to_owned(), name };
    Ok(names.into_iter().filter(is_wanted).map(test).collect())
}
