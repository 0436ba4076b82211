//! Where the files of a suite are: in the folder into which cargo has unpacked its package, or in one of ours.

use crate::Anything;
use crate::list::Suite;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::Command;

#[derive(Deserialize)]
pub struct Package {
    name: String,
    version: String,
    manifest_path: PathBuf,
    source: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

pub struct Source {
    pub folder: PathBuf,
    pub version: String,
}

/// Every package that this one is built with.
pub fn packages(here: &Path) -> Result<Vec<Package>, Anything> {
    let cargo = std::env::var_os("CARGO").unwrap_or("cargo".into());
    let answer = Command::new(cargo)
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .args(["--filter-platform", &std::env::var("TARGET")?])
        .current_dir(here)
        .output()?;
    if !answer.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&answer.stderr)).into());
    }
    Ok(serde_json::from_slice::<Metadata>(&answer.stdout)?.packages)
}

pub fn of(suite: &Suite, packages: &[Package], here: &Path) -> Result<Source, Anything> {
    if let (Some(folder), Some(version)) = (&suite.folder, &suite.version) {
        return Ok(Source { folder: here.join(folder), version: version.clone() });
    }
    let name =
        suite.package.as_ref().ok_or_else(|| format!("{}: no package, and no folder with a version", suite.name))?;
    let wanted = wanted(here, name)?;
    let package = packages
        .iter()
        .find(|package| package.name == *name && package.version == wanted && package.source.is_some())
        .ok_or_else(|| format!("{name} {wanted} is not among the packages"))?;
    let folder = package.manifest_path.parent().ok_or("a manifest lies in a folder")?.to_owned();
    Ok(Source { folder, version: format!("{name} {}", package.version) })
}

/// The version that this package pins: others may be in the tree as well.
fn wanted(here: &Path, name: &str) -> Result<String, Anything> {
    let manifest: toml::Table = toml::from_str(&std::fs::read_to_string(here.join("Cargo.toml"))?)?;
    let pinned =
        manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten().find_map(|(key, value)| {
            let is_suite = key.starts_with("suite-of-") && value.get("package")?.as_str()? == name;
            if is_suite { value.get("version")?.as_str()?.strip_prefix('=') } else { None }
        });
    Ok(pinned.ok_or_else(|| format!("Cargo.toml pins no version of {name} as suite-of-..."))?.to_owned())
}
