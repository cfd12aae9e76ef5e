//! Joins the reports of the parts of a campaign.

use std::collections::BTreeMap;

use super::{Cell, CorpusSize, Report, speed::Speed, trace_hash_of};
use crate::check::{
    campaign::{MOST_COUNTEREXAMPLES, WayOfFailing, first_ways, shown},
    findings::file_name,
    one_line::one_line,
    shard::Shard,
};

/// Why reports can't be joined; a part is told by its place among them.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// There are none.
    #[error("there is no report to join")]
    Nothing,
    /// One is not of a part.
    #[error("{}: it is not of a part of a campaign (made with --shard I/N, of at least 2)", of(*.part))]
    NoShard {
        /// Which one.
        part: usize,
    },
    /// Something in one can't be.
    #[error("{}: not a report: {what}", of(*.part))]
    Impossible {
        /// Which one.
        part: usize,
        /// What it is.
        what: String,
    },
    /// One is of another campaign than the first.
    #[error("{}: it has {what} {}, and {} has {}: they do not belong together", of(*.part), one_line(found), of(0), one_line(expected))]
    Other {
        /// Which one.
        part: usize,
        /// What differs.
        what: &'static str,
        /// What it has.
        found: String,
        /// What the first one has.
        expected: String,
    },
    /// Two are of the same part.
    #[error("{}: it is of shard {shard}, as {} is: cases would count twice", of(*.part), of(*.earlier))]
    Overlap {
        /// Which one.
        part: usize,
        /// The one before it.
        earlier: usize,
        /// Which part it is of.
        shard: String,
    },
    /// A part is missing.
    #[error("shard {0} is missing")]
    Missing(String),
}

/// How a message names a part: whoever knows the files puts their names in its place.
#[must_use]
pub fn of(part: usize) -> String {
    format!("report number {}", part + 1)
}

impl MergeError {
    /// The message, with the names of the reports.
    #[must_use]
    pub fn describe(&self, names: &[String]) -> String {
        let mut text = self.to_string();
        // The highest numbers first: "report number 1" begins "report number 12".
        for (part, name) in names.iter().enumerate().rev() {
            text = text.replace(&of(part), name);
        }
        text
    }
}

/// One report of these parts: the same as that of the whole campaign on one machine,
/// but for times.
///
/// # Errors
/// When they are not all parts of one campaign.
pub fn merged(parts: &[Report]) -> Result<Report, MergeError> {
    let first = parts.first().ok_or(MergeError::Nothing)?;
    are_of_one_campaign(parts, first)?;
    let order = order_of_shards(parts)?;
    // Names of files are made of these.
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b));
    if !first.results.iter().all(|cell| is_name(&cell.store) && is_name(&cell.backend)) {
        let what = "the name of a store or a backend in it is none".to_owned();
        return Err(MergeError::Impossible { part: 0, what });
    }
    let nothing = |cell: &Cell| Cell {
        store: cell.store.clone(),
        backend: cell.backend.clone(),
        missing: cell.missing.clone(),
        trace_hash: format!("{:016x}", 0),
        ..Cell::default()
    };
    let mut whole = Report {
        shard: None,
        seconds: 0.0,
        regressions: Vec::new(),
        results: first.results.iter().map(nothing).collect(),
        corpus: first.corpus.map(|_| CorpusSize::default()),
        speed: None,
        reached: BTreeMap::new(),
        counterexamples: Vec::new(),
        ..first.clone()
    };
    for part in order {
        let Some(report) = parts.get(part) else { continue };
        add(&mut whole, report).map_err(|what| MergeError::Impossible { part, what })?;
    }
    whole.speed = joined_speed(parts);
    let most = if whole.time.is_some() { usize::MAX } else { MOST_COUNTEREXAMPLES };
    for cell in &mut whole.results {
        cell.ways = first_ways(std::mem::take(&mut cell.ways), most);
        for way in shown(&cell.ways) {
            whole.counterexamples.push(name_of(first.seed, cell, way));
        }
    }
    whole.trace_hash = trace_hash_of(whole.results.iter().filter_map(hash));
    Ok(whole)
}

/// The parts that found the counterexample of that name: its replay file lies beside their
/// reports.
#[must_use]
pub fn found_by(parts: &[Report], name: &str) -> Vec<usize> {
    let has_found = |report: &Report| {
        let cells = report.results.iter();
        let mut ways = cells.flat_map(|cell| cell.ways.iter().map(move |way| (cell, way)));
        ways.any(|(cell, way)| name_of(report.seed, cell, way) == name)
    };
    let parts = parts.iter().enumerate();
    parts.filter(|(_, report)| has_found(report)).map(|(part, _)| part).collect()
}

fn name_of(seed: u64, cell: &Cell, way: &WayOfFailing) -> String {
    file_name(&cell.store, &cell.backend, seed, (way.case, way.mutated))
}

fn are_of_one_campaign(parts: &[Report], first: &Report) -> Result<(), MergeError> {
    let cells = |report: &Report| -> Vec<String> {
        let cells = report.results.iter();
        cells.map(|cell| format!("{} on {}", cell.store, cell.backend)).collect()
    };
    let planted = |report: &Report| report.planted.clone().unwrap_or_else(|| "none".to_owned());
    let asked = |number: Option<u64>| number.map_or("none".to_owned(), |n| n.to_string());
    for (part, report) in parts.iter().enumerate().skip(1) {
        let differences = [
            ("the version", report.version.clone(), first.version.clone()),
            ("the seed", report.seed.to_string(), first.seed.to_string()),
            ("the profile", report.profile.clone(), first.profile.clone()),
            ("--cases", asked(report.cases), asked(first.cases)),
            ("--time", asked(report.time), asked(first.time)),
            ("the planted bug", planted(report), planted(first)),
            ("the divergences", report.allowed.join(" "), first.allowed.join(" ")),
        ];
        for (what, found, expected) in differences {
            if found != expected {
                return Err(MergeError::Other { part, what, found, expected });
            }
        }
        if cells(report) != cells(first) {
            let describe = |report: &Report| format!("({})", cells(report).join(", "));
            let (found, expected) = (describe(report), describe(first));
            let what = "the stores on backends";
            return Err(MergeError::Other { part, what, found, expected });
        }
    }
    Ok(())
}

/// All shards, in their order: the place of the part that is of each.
fn order_of_shards(parts: &[Report]) -> Result<Vec<usize>, MergeError> {
    let mut shards: Vec<Shard> = Vec::new();
    for (part, report) in parts.iter().enumerate() {
        let text = report.shard.as_deref().ok_or(MergeError::NoShard { part })?;
        let shard = Shard::parse(text)
            .map_err(|what| MergeError::Impossible { part, what: format!("its shard: {what}") })?;
        if let Some(first) = shards.first().filter(|first| first.of() != shard.of()) {
            let (found, expected) = (shard.to_string(), first.to_string());
            return Err(MergeError::Other { part, what: "the shard", found, expected });
        }
        if let Some(earlier) = shards.iter().position(|earlier| *earlier == shard) {
            return Err(MergeError::Overlap { part, earlier, shard: shard.to_string() });
        }
        shards.push(shard);
    }
    let of = shards.first().map_or(0, |shard| shard.of());
    let place = |number: u64| {
        let place = shards.iter().position(|shard| shard.number() == number);
        place.ok_or_else(|| MergeError::Missing(format!("{number}/{of}")))
    };
    (1..=of).map(place).collect()
}

fn hash(cell: &Cell) -> Option<u64> {
    u64::from_str_radix(&cell.trace_hash, 16).ok()
}

/// Adds a part; the message says what in it can't be.
fn add(whole: &mut Report, part: &Report) -> Result<(), String> {
    // They ran at the same time.
    whole.seconds = whole.seconds.max(part.seconds);
    whole.interrupted |= part.interrupted;
    for (sum, cell) in whole.results.iter_mut().zip(&part.results) {
        sum.cases = sum.cases.saturating_add(cell.cases);
        sum.totals.add(&cell.totals);
        // What none of them has reached.
        sum.missing.retain(|missing| cell.missing.contains(missing));
        sum.ways.extend(cell.ways.iter().cloned());
        let (Some(own), Some(more)) = (hash(sum), hash(cell)) else {
            return Err("a trace hash in it is none".to_owned());
        };
        sum.trace_hash = format!("{:016x}", own.wrapping_add(more));
    }
    for (name, count) in &part.reached {
        let sum = whole.reached.entry(name.clone()).or_insert(0);
        *sum = sum.saturating_add(*count);
    }
    whole.regressions.extend(part.regressions.iter().cloned());
    whole.corpus = match (whole.corpus, part.corpus) {
        (Some(own), Some(more)) => Some(CorpusSize {
            entries: own.entries.saturating_add(more.entries),
            keys: own.keys.saturating_add(more.keys),
        }),
        _ => None,
    };
    Ok(())
}

/// None: a part has none, or one that can't be.
fn joined_speed(parts: &[Report]) -> Option<Speed> {
    let possible = |part: &Report| part.speed.clone().filter(Speed::is_possible);
    let mut speeds = parts.iter().map(possible).collect::<Option<Vec<Speed>>>()?.into_iter();
    let mut sum = speeds.next()?;
    speeds.for_each(|more| sum.add(&more));
    Some(sum).filter(Speed::is_possible)
}

#[cfg(test)]
mod tests {
    use super::{MergeError, merged};
    use crate::report::{Cell, Report};

    fn part(shard: &str) -> Report {
        let cell = Cell {
            store: "users".to_owned(),
            backend: "memory".to_owned(),
            cases: 2,
            missing: vec!["get:corrupt".to_owned(), shard.to_owned()],
            trace_hash: "ffffffffffffffff".to_owned(),
            ..Cell::default()
        };
        Report { shard: Some(shard.to_owned()), results: vec![cell], ..Report::default() }
    }

    #[test]
    fn parts_add_up_in_any_order() {
        let parts = ["1/3", "2/3", "3/3"].map(part);
        let whole = merged(&parts).unwrap();
        let cell = &whole.results[0];
        assert_eq!(cell.cases, 6);
        assert_eq!(cell.missing, ["get:corrupt"], "what no part has reached");
        assert_eq!(cell.trace_hash, format!("{:016x}", u64::MAX - 2));
        assert_eq!(whole.shard, None);
        let [one, two, three] = parts;
        assert_eq!(merged(&[two, three, one]).unwrap().trace_hash, whole.trace_hash);
    }

    #[test]
    fn what_does_not_belong_together_is_told() {
        let other = |edit: fn(&mut Report)| {
            let mut other = part("2/2");
            edit(&mut other);
            merged(&[part("1/2"), other]).unwrap_err()
        };
        let what = |error| match error {
            MergeError::Other { part: 1, what, .. } => what,
            error => panic!("{error}"),
        };
        assert_eq!(what(other(|report| report.seed = 9)), "the seed");
        assert_eq!(what(other(|report| report.version = "9".to_owned())), "the version");
        assert_eq!(what(other(|report| report.profile = "deep".to_owned())), "the profile");
        assert_eq!(what(other(|report| report.cases = Some(1))), "--cases");
        assert_eq!(what(other(|report| report.time = Some(1))), "--time");
        let planted = what(other(|report| report.planted = Some("A7".to_owned())));
        assert_eq!(planted, "the planted bug");
        assert_eq!(what(other(|report| report.allowed.push("x".to_owned()))), "the divergences");
        assert_eq!(what(other(|report| report.results.clear())), "the stores on backends");
        assert_eq!(what(other(|report| report.shard = Some("2/3".to_owned()))), "the shard");
        assert_eq!(other(|report| report.shard = None), MergeError::NoShard { part: 1 });
        let twice = other(|report| report.shard = Some("1/2".to_owned()));
        let names = ["a.json".to_owned(), "b.json".to_owned()];
        assert_eq!(
            twice.describe(&names),
            "b.json: it is of shard 1/2, as a.json is: cases would count twice"
        );
        let missing = merged(&[part("1/2")]).unwrap_err();
        assert_eq!(missing, MergeError::Missing("2/2".to_owned()));
        assert_eq!(merged(&[]).unwrap_err(), MergeError::Nothing);
    }
}
