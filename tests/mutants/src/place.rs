//! What a mutant is, and the places of a source that are wrapped for it.

use std::ops::Range;

/// What a number stands in for in the text of a [`Wrap`].
pub(crate) const NUMBER: &str = "#NUMBER#";

/// Text around a place of a source. With no mutant chosen the program is what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wrap {
    pub(crate) at: Range<usize>,
    pub(crate) open: String,
    pub(crate) close: String,
}

/// One change of the program.
#[derive(Debug, Clone)]
pub(crate) struct Mutant {
    /// File, function, what is changed, and which of those it is if there are several: it lives through edits elsewhere.
    pub(crate) id: String,
    /// Below `src`.
    pub(crate) file: String,
    /// From 1 on; what the program that has all of them is told.
    pub(crate) number: u32,
    /// None if it stands in the text already.
    pub(crate) wraps: Vec<Wrap>,
}

/// The condition that this mutant is chosen.
pub(crate) fn is_chosen() -> String {
    format!("crate::sync::mutant::is({NUMBER})")
}

/// The source with all of its mutants in it.
pub(crate) fn write(text: &str, mutants: &[&Mutant]) -> String {
    /// Where, whether it opens, and the order among those that are there.
    type Key = (usize, bool, isize, isize);
    let mut pieces: Vec<(Key, String)> = Vec::new();
    let wraps = mutants.iter().flat_map(|mutant| mutant.wraps.iter().map(|wrap| (mutant.number, wrap)));
    for (order, (number, wrap)) in wraps.enumerate() {
        let (start, end, order) = (wrap.at.start as isize, wrap.at.end as isize, order as isize);
        let number = |text: &str| text.replace(NUMBER, &number.to_string());
        // Those that close come first, the innermost of them before the others; of those that open the outermost is first.
        pieces.push(((wrap.at.start, true, -end, order), number(&wrap.open)));
        pieces.push(((wrap.at.end, false, -start, -order), number(&wrap.close)));
    }
    pieces.sort();
    let mut written = String::with_capacity(text.len() * 2);
    let mut from = 0;
    for ((at, ..), piece) in pieces {
        written.push_str(&text[from..at]);
        written.push_str(&piece);
        from = at;
    }
    written.push_str(&text[from..]);
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(number: u32, at: Range<usize>, open: &str, close: &str) -> Mutant {
        let wrap = Wrap { at, open: open.to_owned(), close: close.to_owned() };
        Mutant { id: String::new(), file: String::new(), number, wraps: vec![wrap] }
    }

    #[test]
    fn wraps_lie_in_each_other() {
        let (outer, inner) = (mutant(1, 0..3, "<#NUMBER#:", ">"), mutant(2, 0..1, "(#NUMBER#:", ")"));
        let (last, same) = (mutant(3, 2..3, "[", "]"), mutant(4, 0..3, "{", "}"));
        assert_eq!(write("a+b;", &[&outer, &inner, &last, &same]), "<1:{(2:a)+[b]}>;");
    }
}
