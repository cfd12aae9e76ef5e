//! How fast a run went, so that it can be compared with one on another machine.

use serde::{Deserialize, Serialize};

/// Speeds of one run. All times are of processors: what else a machine does does not
/// count, nor does waiting for a disk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// A fixed piece of work, done in the same run.
    pub calibration: Calibration,
    /// One entry for each store on each backend.
    pub cells: Vec<CellSpeed>,
}

/// A fixed piece of work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Its name; see `check::calibration`.
    pub name: String,
    /// How often it was done in a second: the median.
    pub per_second: f64,
}

/// The speed of a store on a backend.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CellSpeed {
    /// The store.
    pub store: String,
    /// The backend.
    pub backend: String,
    /// How many calls were made by cases that the seed decides.
    pub operations: u64,
    /// How long that took.
    pub seconds: f64,
}

impl Speed {
    /// Whether its numbers can be such.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let is_number = |number: f64| number.is_finite() && number >= 0.0;
        is_number(self.calibration.per_second)
            && self.calibration.per_second > 0.0
            && self.cells.iter().all(|cell| is_number(cell.seconds))
    }

    /// Adds the speeds of another part of the campaign, perhaps on another machine: its
    /// times are brought to what they would have been on this one.
    pub fn add(&mut self, other: &Self) {
        let factor = other.calibration.per_second / self.calibration.per_second;
        for cell in &other.cells {
            let same =
                |own: &&mut CellSpeed| (&own.store, &own.backend) == (&cell.store, &cell.backend);
            if let Some(own) = self.cells.iter_mut().find(same) {
                own.operations = own.operations.saturating_add(cell.operations);
                own.seconds += cell.seconds * factor;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Calibration, CellSpeed, Speed};

    fn speed(per_second: f64, operations: u64, seconds: f64) -> Speed {
        Speed {
            calibration: Calibration { name: "a".to_owned(), per_second },
            cells: vec![CellSpeed {
                store: "users".to_owned(),
                backend: "memory".to_owned(),
                operations,
                seconds,
            }],
        }
    }

    #[test]
    fn times_of_a_slower_machine_count_for_less() {
        let mut fast = speed(100.0, 10, 1.0);
        fast.add(&speed(50.0, 10, 2.0));
        assert_eq!(fast, speed(100.0, 20, 2.0));
    }
}
