//! What two workers have measured.

use crate::cli::failure::Failure;

/// Values under their keys. A key may come more than once.
#[derive(Debug, Clone, Default)]
pub(crate) struct Values(Vec<(String, String)>);

impl Values {
    pub(super) fn add(&mut self, key: String, text: String) {
        self.0.push((key, text));
    }

    /// Everything that was reported under `key`.
    pub(crate) fn texts<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == key).map(|(_, text)| text.as_str())
    }

    /// The number that was reported under `key`.
    pub(crate) fn number(&self, key: &str) -> Result<f64, Failure> {
        let number: Option<f64> = self.texts(key).next().and_then(|text| text.parse().ok());
        number
            .filter(|number| number.is_finite())
            .ok_or_else(|| Failure::Fault(format!("no worker reported a result ({key})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_found_under_its_key_or_missed() {
        let mut values = Values::default();
        for (key, text) in [("a", "1.5"), ("b", "x"), ("c", "NaN"), ("d", "1:2"), ("d", "3:4")] {
            values.add(key.to_owned(), text.to_owned());
        }
        assert!(matches!(values.number("a"), Ok(1.5)));
        for key in ["b", "c", "e"] {
            assert!(values.number(key).is_err(), "{key}");
        }
        assert_eq!(values.texts("d").collect::<Vec<_>>(), ["1:2", "3:4"]);
    }
}
