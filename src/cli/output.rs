//! Results on stdout: lines, tables and JSON.

use super::failure::Failure;
use serde::Serialize;
use std::io::{self, Write};

/// Prints `text`. (`println!` panics when nobody reads.)
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::Fault(format!("cannot write the output: {error}")))
}

/// Prints `value` as JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Fault(error.to_string()))?;
    print(&(text + "\n"))
}

/// Rows with their columns aligned; numbers, in the columns that `right` names, to the right.
pub(crate) fn table<const N: usize>(rows: &[[String; N]], right: &[usize]) -> String {
    let mut widths = [0; N];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let pad = " ".repeat(width - cell.chars().count());
            let (before, after) = if right.contains(&column) { (pad.as_str(), "") } else { ("", pad.as_str()) };
            line = line + before + cell + after + "  ";
        }
        text = text + line.trim_end() + "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_where_their_text_does() {
        let rows = [["a", "1", "x"], ["long", "200", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(table(&rows, &[1]), "a       1  x\nlong  200\n");
    }
}
