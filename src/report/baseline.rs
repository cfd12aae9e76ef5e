//! Compares a report with that of an earlier run, its baseline.

use std::{collections::BTreeSet, fmt};

use super::{Report, speed::Speed};
use crate::check::one_line::one_line;

/// How much slower than in the baseline anything may be: half as fast.
///
/// Measured: three runs of the same cases on one machine differed by 3 parts in a hundred
/// where 0.3 s or more were measured, and by 27 where it was 0.05 s. A machine of another
/// kind does not slow everything down alike: that is what the rest is for.
pub const LEAST_SPEED: f64 = 0.5;

/// What was measured for less than this is measured together, in seconds.
const SHORT: f64 = 0.2;

/// What a comparison says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Comparison {
    /// What is worse than it was.
    pub worse: Vec<Worse>,
    /// What could not be compared, or not well, and why.
    pub notes: Vec<String>,
}

/// Something that is worse than it was.
#[derive(Clone, Debug, PartialEq)]
pub enum Worse {
    /// An outcome that was reached, and is not any more: `store.operation:class`.
    Lost(String),
    /// Something goes slower.
    Slower {
        /// A store on a backend, or several.
        what: String,
        /// So many times as fast as it was, by the calibration.
        ratio: f64,
    },
}

impl fmt::Display for Worse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost(outcome) => {
                let outcome = one_line(outcome);
                write!(f, "{outcome} was reached in the baseline, and is not any more")
            }
            Self::Slower { what, ratio } => write!(
                f,
                "{what}: {ratio:.2} times as fast as in the baseline, less than {LEAST_SPEED} \
                 (each beside the calibration of its own run)"
            ),
        }
    }
}

/// Why two reports can't be compared.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BaselineError {
    /// They have nothing in common.
    #[error("it has no store of this run with all the same backends: nothing can be compared")]
    NothingInCommon,
    /// A speed in it is none.
    #[error("not a report: a speed in it can't be")]
    Impossible,
    /// It is of a run that did not do all of its work, or not on the sound stores.
    #[error("it is of a run {0}: what that one did not reach says nothing")]
    NotWhole(&'static str),
}

/// Compares `now` with `baseline`. Outcomes are compared store by store, of those that
/// ran on all backends that they had in the baseline.
///
/// # Errors
/// When there is nothing to compare.
pub fn compare(now: &Report, baseline: &Report) -> Result<Comparison, BaselineError> {
    let mut comparison = Comparison::default();
    let cells = now.results.iter().map(|cell| (&*cell.store, &*cell.backend)).collect();
    let (alike, others) = in_common(&cells, baseline)?;
    if !others.is_empty() {
        let others = one_line(&others.join(" "));
        comparison.notes.push(format!(
            "not compared are outcomes of {others}: not all backends of the baseline are in this \
             run"
        ));
    }
    comparison.notes.extend(other_cases(now, baseline));
    for name in baseline.reached.iter().filter(|(_, count)| **count > 0).map(|(name, _)| name) {
        let store = name.split_once('.').map_or("", |(store, _)| store);
        if alike.contains(&store) && now.reached.get(name).is_none_or(|count| *count == 0) {
            comparison.worse.push(Worse::Lost(name.clone()));
        }
    }
    match (&now.speed, &baseline.speed) {
        (Some(own), Some(theirs)) if own.calibration.name == theirs.calibration.name => {
            comparison.worse.extend(slower(own, theirs));
        }
        (own, theirs) => {
            let why = match (own, theirs) {
                (None, _) => "this run has none",
                (_, None) => "the baseline has none",
                _ => "the baseline has another calibration",
            };
            comparison.notes.push(format!("not compared are speeds: {why}"));
        }
    }
    Ok(comparison)
}

/// What makes the cases others than those of the baseline: they may reach other outcomes.
fn other_cases(now: &Report, baseline: &Report) -> Option<String> {
    let number = |number: Option<u64>| number.map_or("none".to_owned(), |n| n.to_string());
    let differences = [
        ("seed", now.seed.to_string(), baseline.seed.to_string()),
        ("--profile", now.profile.clone(), baseline.profile.clone()),
        ("--cases", number(now.cases), number(baseline.cases)),
        ("--time", number(now.time), number(baseline.time)),
    ];
    let (what, own, theirs) = differences.into_iter().find(|(_, own, theirs)| own != theirs)?;
    Some(format!(
        "{what} is {own} here and {} there: other cases may reach other outcomes",
        one_line(&theirs)
    ))
}

/// Finds out before anything is run whether these stores on backends can be compared with a
/// baseline.
///
/// # Errors
/// When they can't.
pub fn must_compare(
    cells: &BTreeSet<(&str, &str)>,
    baseline: &Report,
) -> Result<(), BaselineError> {
    in_common(cells, baseline).map(drop)
}

/// The stores of the baseline that are on all of its backends among these, and the others.
fn in_common<'b>(
    own: &BTreeSet<(&str, &str)>,
    baseline: &'b Report,
) -> Result<(Vec<&'b str>, Vec<&'b str>), BaselineError> {
    if baseline.speed.as_ref().is_some_and(|speed| !speed.is_possible()) {
        return Err(BaselineError::Impossible);
    }
    let parts = [
        (baseline.interrupted, "that was interrupted"),
        (baseline.shard.is_some(), "of one part of the cases (`merge` joins them)"),
        (baseline.planted.is_some(), "with a planted bug"),
    ];
    if let Some((_, what)) = parts.into_iter().find(|(is_so, _)| *is_so) {
        return Err(BaselineError::NotWhole(what));
    }
    let theirs: BTreeSet<(&str, &str)> =
        baseline.results.iter().map(|cell| (&*cell.store, &*cell.backend)).collect();
    let stores: BTreeSet<&str> = theirs.iter().map(|(store, _)| *store).collect();
    let (alike, others): (Vec<&str>, Vec<&str>) = stores.into_iter().partition(|name| {
        theirs.iter().filter(|(store, _)| store == name).all(|cell| own.contains(cell))
    });
    if alike.is_empty() { Err(BaselineError::NothingInCommon) } else { Ok((alike, others)) }
}

/// What goes slower.
fn slower(own: &Speed, theirs: &Speed) -> Vec<Worse> {
    let machine = own.calibration.per_second / theirs.calibration.per_second;
    // How long it took, and how long it would have taken by the baseline, here.
    let mut short = (0.0, 0.0);
    let mut worse = Vec::new();
    let mut judge = |what: String, (took, expected): (f64, f64)| {
        // What took no time that could be measured is not slow.
        let ratio = if took > 0.0 { expected / took } else { f64::INFINITY };
        if ratio < LEAST_SPEED {
            worse.push(Worse::Slower { what, ratio });
        }
    };
    for cell in &own.cells {
        let mut cells = theirs.cells.iter();
        let earlier =
            cells.find(|other| (&other.store, &other.backend) == (&cell.store, &cell.backend));
        let Some(earlier) = earlier.filter(|cell| cell.operations > 0) else { continue };
        let expected =
            earlier.seconds / earlier.operations as f64 * cell.operations as f64 / machine;
        if cell.seconds.min(earlier.seconds) < SHORT {
            short = (short.0 + cell.seconds, short.1 + expected);
        } else {
            judge(format!("{} on {}", cell.store, cell.backend), (cell.seconds, expected));
        }
    }
    if short.0 > 0.0 {
        judge("what took too little time to be judged alone".to_owned(), short);
    }
    worse
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{BaselineError, Worse, compare};
    use crate::report::{
        Cell, Report,
        speed::{Calibration, CellSpeed, Speed},
    };

    fn report(cells: &[(&str, &str, f64)], reached: &[&str], per_second: f64) -> Report {
        let of = |(store, backend, _): &(&str, &str, f64)| Cell {
            store: (*store).to_owned(),
            backend: (*backend).to_owned(),
            ..Cell::default()
        };
        let speed_of = |(store, backend, seconds): &(&str, &str, f64)| CellSpeed {
            store: (*store).to_owned(),
            backend: (*backend).to_owned(),
            operations: 1_000,
            seconds: *seconds,
        };
        Report {
            results: cells.iter().map(of).collect(),
            reached: reached.iter().map(|name| ((*name).to_owned(), 1)).collect::<BTreeMap<_, _>>(),
            speed: Some(Speed {
                calibration: Calibration { name: "a".to_owned(), per_second },
                cells: cells.iter().map(speed_of).collect(),
            }),
            ..Report::default()
        }
    }

    #[test]
    fn an_outcome_that_is_lost_is_worse() {
        let baseline = report(&[("users", "memory", 1.0)], &["users.get:found", "users.x:y"], 1.0);
        let now = report(&[("users", "memory", 1.0)], &["users.get:found", "users.new:y"], 1.0);
        let comparison = compare(&now, &baseline).unwrap();
        assert_eq!(comparison.worse, [Worse::Lost("users.x:y".to_owned())]);
        assert_eq!(compare(&baseline, &baseline).unwrap().worse, []);
    }

    #[test]
    fn only_stores_on_all_their_backends_are_compared() {
        let baseline = report(
            &[("users", "memory", 1.0), ("users", "file", 1.0), ("secrets", "memory", 1.0)],
            &["users.x:y", "secrets.x:y"],
            1.0,
        );
        let now = report(&[("users", "memory", 1.0), ("secrets", "memory", 1.0)], &[], 1.0);
        let comparison = compare(&now, &baseline).unwrap();
        assert_eq!(comparison.worse, [Worse::Lost("secrets.x:y".to_owned())]);
        assert_eq!(comparison.notes.len(), 1, "{:?}", comparison.notes);
        let other = report(&[("sessions", "memory", 1.0)], &[], 1.0);
        assert_eq!(compare(&other, &baseline), Err(BaselineError::NothingInCommon));
    }

    #[test]
    fn speeds_are_compared_beside_the_calibration() {
        let baseline = report(&[("users", "memory", 1.0)], &[], 100.0);
        // A machine half as fast: twice the time is as it should be.
        let now = |seconds| report(&[("users", "memory", seconds)], &[], 50.0);
        assert_eq!(compare(&now(2.0), &baseline).unwrap().worse, []);
        assert_eq!(compare(&now(3.9), &baseline).unwrap().worse, []);
        let worse = compare(&now(4.1), &baseline).unwrap().worse;
        assert!(matches!(&worse[..], [Worse::Slower { what, .. }] if what == "users on memory"));
    }

    #[test]
    fn short_times_are_compared_together() {
        let cells = |seconds| [("users", "memory", seconds), ("users", "file", seconds)];
        let baseline = report(&cells(0.01), &[], 1.0);
        assert_eq!(compare(&report(&cells(0.015), &[], 1.0), &baseline).unwrap().worse, []);
        let worse = compare(&report(&cells(0.03), &[], 1.0), &baseline).unwrap().worse;
        assert_eq!(worse.len(), 1, "{worse:?}");
    }

    #[test]
    fn a_speed_that_is_none_is_refused() {
        let sound = report(&[("users", "memory", 1.0)], &[], 1.0);
        for per_second in [0.0, -1.0, f64::NAN] {
            let broken = report(&[("users", "memory", 1.0)], &[], per_second);
            assert_eq!(compare(&sound, &broken), Err(BaselineError::Impossible), "{per_second}");
        }
    }
}
