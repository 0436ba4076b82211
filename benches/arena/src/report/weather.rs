//! How far apart the two processors were, over all turns.

use crate::sheet::Sheet;
use crate::stats::{Summary, summary};
use crate::weather::{NEAR_NS, Sky};
use serde::{Deserialize, Serialize};
use std::fmt;

/// All turns of a run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Weather {
    /// Turns with the processors near each other before and after.
    pub near: usize,
    /// Turns with them far apart before and after.
    pub far: usize,
    /// Turns in which that changed.
    pub mixed: usize,
    /// A bare round trip in ns, in all looks.
    pub round_trip_ns: Option<Summary>,
}

impl Weather {
    /// Of all these.
    pub fn of(sheets: &[Sheet]) -> Self {
        let rows = sheets.iter().flat_map(|sheet| &sheet.rows);
        let turns: Vec<_> = rows.flat_map(|row| row.turns.iter().flatten()).collect();
        let count = |sky| turns.iter().filter(|turn| turn.sky() == sky).count();
        Self {
            near: count(Sky::Near),
            far: count(Sky::Far),
            mixed: count(Sky::Mixed),
            round_trip_ns: summary(turns.iter().flat_map(|turn| turn.weather_ns)),
        }
    }
}

impl fmt::Display for Weather {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(trip) = self.round_trip_ns else { return f.write_str("nobody has looked") };
        write!(
            f,
            "a bare round trip took {:.0} ns [{:.0} to {:.0}]; processors near (< {NEAR_NS:.0} ns) in {} turns, far in {}, \
             moved during {}",
            trip.median, trip.min, trip.max, self.near, self.far, self.mixed
        )
    }
}
