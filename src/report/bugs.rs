//! What came of planting the catalogued bugs: as JSON, and as a table.

use serde::Serialize;

use super::terminal::{aligned, grouped};

/// The version of the format.
pub const BUGS_SCHEMA: u64 = 1;

/// What `bugs` found.
#[derive(Clone, Debug, Serialize)]
pub struct BugsReport {
    /// [`BUGS_SCHEMA`].
    pub schema: u64,
    /// The version of storeproof.
    pub version: String,
    /// The seed of all cases.
    pub seed: u64,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// Whether it was interrupted before its end.
    pub interrupted: bool,
    /// How many bugs were planted.
    pub planted: usize,
    /// How many were found.
    pub found: usize,
    /// The median of the times that the found ones took, in seconds.
    pub median_seconds: f64,
    /// The steps of the longest counterexample.
    pub longest: usize,
    /// One entry for each bug.
    pub bugs: Vec<BugResult>,
    /// The same cases without any bug.
    pub control: Control,
}

/// What came of one bug.
#[derive(Clone, Debug, Serialize)]
pub struct BugResult {
    /// Its id.
    pub id: String,
    /// What goes wrong.
    pub title: String,
    /// What kind of mistake it is.
    pub class: String,
    /// What the harness must be able to do to see it.
    pub needs: String,
    /// The mistake, and what our design made of it.
    pub description: String,
    /// The store that it is in.
    pub store: String,
    /// How many cases ran.
    pub cases: u64,
    /// How long they took on one core, in seconds.
    pub seconds: f64,
    /// What was found; none: nothing.
    pub counterexample: Option<Shrunk>,
}

/// The counterexample that shows a bug.
#[derive(Clone, Debug, Serialize)]
pub struct Shrunk {
    /// The backend that it was found on.
    pub backend: String,
    /// The case that it was made from.
    pub case: u64,
    /// The rule that it breaks.
    pub rule: String,
    /// How many steps it has.
    pub steps: usize,
    /// How many runs it took to make it so small.
    pub executions: u64,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// Its replay file.
    pub replay: String,
}

/// The same cases without any bug.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Control {
    /// How many cases ran.
    pub cases: u64,
    /// How many of them broke a promise all the same.
    pub violations: u64,
    /// Replay files of these.
    pub counterexamples: Vec<String>,
}

impl BugsReport {
    /// The report as JSON.
    ///
    /// # Errors
    /// Never: everything in it can be JSON.
    pub fn to_text(&self) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether every bug was found, and nothing without one.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.found == self.planted && self.control.violations == 0
    }

    /// The table of bugs.
    #[must_use]
    pub fn table(&self) -> String {
        let head = ["id", "store", "bug", "found on", "seconds", "cases", "steps"];
        let mut rows = vec![head.map(str::to_owned)];
        rows.extend(self.bugs.iter().map(|bug| {
            let found = bug.counterexample.as_ref();
            [
                bug.id.clone(),
                bug.store.clone(),
                bug.title.clone(),
                found.map_or_else(|| "MISSED".to_owned(), |found| found.backend.clone()),
                format!("{:.3}", bug.seconds),
                grouped(bug.cases),
                found.map_or_else(String::new, |found| found.steps.to_string()),
            ]
        }));
        aligned(&rows, &[4, 5, 6])
    }
}

/// The median of some numbers; 0 of none.
#[must_use]
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = |place: usize| numbers.get(place).copied().unwrap_or(0.0);
    match numbers.len() {
        0 => 0.0,
        length if length % 2 == 1 => middle(length / 2),
        length => f64::midpoint(middle(length / 2 - 1), middle(length / 2)),
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn the_median_is_in_the_middle() {
        for (numbers, expected) in
            [(vec![], 0.0), (vec![3.0], 3.0), (vec![3.0, 1.0], 2.0), (vec![9.0, 1.0, 2.0], 2.0)]
        {
            assert!((median(numbers.clone()) - expected).abs() < 1e-9, "{numbers:?}");
        }
    }
}
