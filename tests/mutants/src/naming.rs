//! Names of mutants: the same ones today and tomorrow, whatever lines are put between.

use std::collections::HashMap;

/// The names that have been given.
#[derive(Debug, Default)]
pub(crate) struct Names(HashMap<String, u32>);

impl Names {
    /// A name for the next change of this kind at this place: from the second on with a number.
    pub(crate) fn unique(&mut self, place_and_what: &str, becomes: &str) -> String {
        let count = self.0.entry(format!("{place_and_what} {becomes}")).or_default();
        *count += 1;
        match *count {
            1 => format!("{place_and_what} => {becomes}"),
            count => format!("{place_and_what} #{count} => {becomes}"),
        }
    }
}
