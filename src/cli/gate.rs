//! What decides about a change: the comparison with a baseline, what other programs
//! read of the results, and the exit status.

use std::{
    collections::BTreeSet,
    io::Write,
    path::{Path, PathBuf},
};

use quick_junit::SerializeError;

use super::{
    Format, Status,
    files::{self, OutputDirectory},
    summary::summary,
    usage::{Failure, print},
};
use crate::report::{
    Report, Shown,
    annotations::annotations,
    baseline::{Comparison, compare, must_compare},
    junit::{junit, unfinished},
};

/// The name of the report in the output directory.
pub(super) const REPORT: &str = "report.json";

/// Where results go besides standard output, and what they are compared with.
pub(super) struct Gate {
    junit: Option<PathBuf>,
    baseline: Option<(PathBuf, Report)>,
}

impl Gate {
    /// Reads the baseline, and finds out whether the files can be written, before any
    /// work is done. Until the results are there, the JUnit file says that there are none.
    /// It takes the place of none of `inputs`, which are read too, nor of the report, which
    /// goes to `out`.
    pub(super) fn open(
        junit: Option<&Path>,
        baseline: Option<&Path>,
        inputs: &[PathBuf],
        out: &Path,
    ) -> Result<Self, Failure> {
        let of_baseline = baseline.map(Path::to_owned);
        let baseline = baseline.map(|path| Ok((path.to_owned(), read_report(path)?)));
        let baseline = baseline.transpose()?;
        if let Some(path) = junit {
            let others = inputs.iter().cloned().chain(of_baseline).chain([out.join(REPORT)]);
            if let Some(other) = others.into_iter().find(|other| files::are_same(path, other)) {
                let what = format!("the JUnit file would be in the place of {}", other.display());
                return Err(Failure::new(format!("{}: {what}", path.display())));
            }
            files::make_room_for(path)?;
            files::write(path, &in_junit(path, unfinished())?)?;
        }
        Ok(Self { junit: junit.map(Path::to_owned), baseline })
    }

    /// Finds out before any work is done whether these stores on backends can be compared
    /// with the baseline, if there is one.
    pub(super) fn must_compare(&self, cells: &BTreeSet<(&str, &str)>) -> Result<(), Failure> {
        let Some((path, baseline)) = &self.baseline else { return Ok(()) };
        let fits = must_compare(cells, baseline);
        fits.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// Writes report.json and whatever else is asked for, prints the results, and says what
    /// they come to. `how` says how they came about.
    pub(super) fn conclude(
        &self,
        report: &Report,
        shown: &[Shown],
        how: &str,
        format: Format,
        output: &OutputDirectory,
    ) -> Result<Status, Failure> {
        let json = report.to_text().map_err(|error| Failure::new(error.to_string()))?;
        // What can't be written can be read all the same.
        let written = output.replace(REPORT, &json);
        let comparison = self.compare(report)?;
        let told = self.tell(report, shown, comparison.as_ref());
        match format {
            Format::Json => print(&json)?,
            Format::Human => print(&summary(report, shown, comparison.as_ref(), how, output))?,
        }
        written.and(told)?;
        Ok(status(report, comparison.as_ref()))
    }

    /// Compares the report with the baseline; none: there is no baseline, or the run
    /// was interrupted and says nothing about what it would have reached.
    fn compare(&self, report: &Report) -> Result<Option<Comparison>, Failure> {
        let Some((path, baseline)) = self.baseline.as_ref().filter(|_| !report.interrupted) else {
            return Ok(None);
        };
        let comparison = compare(report, baseline);
        comparison.map(Some).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    }

    /// Writes the JUnit file, and, where GitHub runs it, annotations.
    fn tell(
        &self,
        report: &Report,
        shown: &[Shown],
        comparison: Option<&Comparison>,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.junit {
            files::write(path, &in_junit(path, junit(report, shown, comparison))?)?;
        }
        if is_on_github() {
            // Workflow commands are read from both streams, and standard output may be
            // one JSON document. Nobody may be listening.
            let lines = annotations(report, shown, comparison);
            let _ = std::io::stderr().lock().write_all(lines.as_bytes());
        }
        Ok(())
    }
}

fn in_junit(path: &Path, text: Result<String, SerializeError>) -> Result<String, Failure> {
    text.map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

/// What the results come to.
fn status(report: &Report, comparison: Option<&Comparison>) -> Status {
    let is_worse = comparison.is_some_and(|comparison| !comparison.worse.is_empty());
    Status::of(is_worse || !report.holds(), report.interrupted)
}

/// Reads a report.json.
pub(super) fn read_report(path: &Path) -> Result<Report, Failure> {
    let text = files::read(path)?;
    Report::read(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
}

#[expect(clippy::disallowed_methods, reason = "the command line reads the environment")]
fn is_on_github() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}
