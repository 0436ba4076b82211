//! The lists: for each suite one file, which says where its tests are, which of them cannot be asked of ringway, and what was
//! changed in others. Why is always a word of `reasons.toml`.

use crate::Anything;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Suite {
    /// The name of its crate, and of the adapter.
    pub name: String,
    /// The package that holds its files; without one they are in a folder here.
    pub package: Option<String>,
    /// The folder here, and what version of what it was taken from.
    pub folder: Option<String>,
    pub version: Option<String>,
    /// What of ringway it runs on: a module, ...
    pub stands_on: String,
    /// The files, package or folder, and version are another suite's.
    pub like: Option<Like>,
    #[serde(default)]
    pub files: Vec<File>,
}

/// The tests of another suite, on something else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Like {
    pub suite: String,
    /// The words that are no reason here.
    pub but_for: Vec<String>,
    /// Files whose helpers do not fit.
    #[serde(default)]
    pub without: Vec<String>,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// From the package's folder.
    pub path: String,
    /// The module that it becomes here.
    pub module: String,
    /// ... or one inside that module.
    pub on: Option<String>,
    /// The tests are in this module of the file, and nothing else of it is taken.
    pub inside: Option<String>,
    /// Why none of its tests is for ringway.
    pub whole: Option<String>,
    /// Why, and which tests, by their paths inside the file.
    #[serde(default)]
    pub not_applicable: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    pub changes: Vec<Change>,
}

/// A text for another one.
#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// In these tests, where it stands; if none is named, anywhere in the file.
    #[serde(default)]
    pub tests: Vec<String>,
    pub from: String,
    pub to: String,
    pub why: String,
}

/// Words, and what they stand for.
pub fn reasons(path: &Path) -> Result<BTreeMap<String, String>, Anything> {
    parsed(path)
}

/// All suites, by name.
pub fn suites(folder: &Path) -> Result<Vec<Suite>, Anything> {
    let mut suites: Vec<Suite> = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "reasons.toml") {
            suites.push(parsed(&path)?);
        }
    }
    suites.sort_by(|one, other| one.name.cmp(&other.name));
    for at in 0..suites.len() {
        if let Some(like) = suites[at].like.take() {
            let other = suites.iter().find(|suite| suite.name == like.suite && suite.like.is_none());
            let other = other.ok_or_else(|| format!("{}: no suite is called {}", suites[at].name, like.suite))?;
            let (package, folder, version) = (other.package.clone(), other.folder.clone(), other.version.clone());
            let is_left = |file: &&File| file.whole.is_none() && !like.without.contains(&file.path);
            let mut files: Vec<_> = other.files.iter().filter(is_left).cloned().collect();
            files.iter_mut().for_each(|file| file.not_applicable.retain(|why, _| !like.but_for.contains(why)));
            let suite = &mut suites[at];
            (suite.package, suite.folder, suite.version) = (package, folder, version);
            (suite.files, suite.like) = (files, Some(like));
        }
    }
    Ok(suites)
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T, Anything> {
    Ok(toml::from_str(&std::fs::read_to_string(path)?).map_err(|why| format!("{}: {why}", path.display()))?)
}
