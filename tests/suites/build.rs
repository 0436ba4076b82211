//! Makes of each file of others' tests what runs here: the same text without the tests that a list names, with the changes
//! that it names; and of all lists a table, which the tests compare with what runs and with the page that says so.
//!
//! The text stays as it is shipped, line by line: what is cut leaves empty lines, so that a failure names the line of the
//! package's own file.

#[path = "build/cut.rs"]
mod cut;
#[path = "build/list.rs"]
mod list;
#[path = "build/source.rs"]
mod source;

use std::fmt::Write;
use std::path::Path;

type Anything = Box<dyn std::error::Error>;

fn main() -> Result<(), Anything> {
    let (here, out) = (std::env::var("CARGO_MANIFEST_DIR")?, std::env::var("OUT_DIR")?);
    let (here, out) = (Path::new(&here), Path::new(&out));
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    println!("cargo:rerun-if-changed=lists");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let packages = source::packages(here)?;
    let reasons = list::reasons(&here.join("lists/reasons.toml"))?;
    let mut table = "pub const SUITES: &[Suite] = &[\n".to_owned();
    for suite in list::suites(&here.join("lists"))? {
        let source = source::of(&suite, &packages, here)?;
        if suite.like.is_none() {
            all_are_listed(&suite, &source.folder)?;
        }
        let folder = out.join(&suite.name);
        std::fs::create_dir_all(&folder)?;
        let mut files = String::new();
        for file in &suite.files {
            let path = source.folder.join(&file.path);
            println!("cargo:rerun-if-changed={}", path.display());
            let text = std::fs::read_to_string(&path).map_err(|why| format!("{}: {why}", path.display()))?;
            let cut = cut::cut(&text, file, &reasons).map_err(|why| format!("{} {}: {why}", suite.name, file.path))?;
            std::fs::write(folder.join(format!("{}.rs", file.module)), &cut.text)?;
            let on = file.on.as_ref().map_or(suite.stands_on.clone(), |on| format!("{}::{on}", suite.stands_on));
            writeln!(
                files,
                "File {{ path: {:?}, module: {:?}, stands_on: {on:?}, tests: &{:?}, not_applicable: &{:?}, changed: &{:?} }},",
                file.path, file.module, cut.run, cut.not_applicable, cut.changed
            )?;
        }
        writeln!(table, "Suite {{ name: {:?}, version: {:?}, files: &[{files}] }},", suite.name, source.version)?;
    }
    table += "];\n";
    writeln!(table, "pub const REASONS: &[(&str, &str)] = &{:?};", reasons.iter().collect::<Vec<_>>())?;
    std::fs::write(out.join("table.rs"), table)?;
    Ok(())
}

/// Each file of tests that the package has is in the list, if only with the reason why nothing of it runs.
fn all_are_listed(suite: &list::Suite, folder: &Path) -> Result<(), Anything> {
    let Ok(entries) = std::fs::read_dir(folder.join("tests")) else { return Ok(()) };
    for entry in entries {
        let name = entry?.file_name().into_string().map_err(|name| format!("{} is no text", name.display()))?;
        if name.ends_with(".rs") && !suite.files.iter().any(|file| file.path == format!("tests/{name}")) {
            return Err(format!("{}: tests/{name} is not in the list", suite.name).into());
        }
    }
    Ok(())
}
