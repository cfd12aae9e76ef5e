//! `storeproof merge`.

use std::path::{Path, PathBuf};

use super::{
    Format, Status,
    files::{self, OutputDirectory},
    gate::{Gate, REPORT, read_report},
    usage::Failure,
};
use crate::{
    check::replay::read_violation,
    report::{
        Report, Shown,
        merge::{found_by, merged},
    },
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The report.json of every part, each in the directory that the part wrote it to.
    #[arg(required = true, value_name = "FILE")]
    reports: Vec<PathBuf>,
    /// Where the joined report.json and counterexamples/ go.
    #[arg(long, value_name = "DIR", default_value = "storeproof-out")]
    out: PathBuf,
    /// Write the results as JUnit XML, too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// The report.json of an earlier run to compare with, as `check` does.
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    let (junit, baseline) = (arguments.junit.as_deref(), arguments.baseline.as_deref());
    let gate = Gate::open(junit, baseline, &arguments.reports, &arguments.out)?;
    let parts = arguments.reports.iter().map(|path| read_report(path));
    let parts = parts.collect::<Result<Vec<Report>, Failure>>()?;
    let names: Vec<String> =
        arguments.reports.iter().map(|path| path.display().to_string()).collect();
    let mut report = merged(&parts).map_err(|error| Failure::new(error.describe(&names)))?;
    let output = OutputDirectory::prepare(&arguments.out)?;
    for path in &arguments.reports {
        if files::are_same(path, &output.path(REPORT)) {
            let what = "the joined report would be in its place: give another --out";
            return Err(Failure::new(format!("{}: {what}", path.display())));
        }
    }
    let mut replays = Vec::new();
    for name in std::mem::take(&mut report.counterexamples) {
        let found_by = found_by(&parts, &name).into_iter();
        let reports = found_by.filter_map(|part| arguments.reports.get(part)).map(PathBuf::as_path);
        let (path, text) = replay_of(&reports.collect::<Vec<&Path>>(), &name)?;
        let violation = read_violation(&text)
            .map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        replays.push((name, text, violation));
    }
    let mut shown = Vec::new();
    for (name, text, (header, violation)) in replays {
        let name = format!("counterexamples/{name}");
        output.write(&name, &text)?;
        report.counterexamples.push(output.path(&name).display().to_string());
        shown.push(Shown {
            store: header.store,
            backend: header.backend,
            violation,
            path: output.path(&name).display().to_string(),
            shrinking: "found by a part of the campaign".to_owned(),
        });
    }
    let how = format!(" in {} parts", parts.len());
    gate.conclude(&report, &shown, &how, arguments.format, &output)
}

/// The replay file of that name, which lies beside one of the reports.
fn replay_of(reports: &[&Path], name: &str) -> Result<(PathBuf, String), Failure> {
    let mut looked = Vec::new();
    for report in reports {
        let path = report.parent().unwrap_or(Path::new("")).join("counterexamples").join(name);
        if path.is_file() {
            return Ok((path.clone(), files::read(&path)?));
        }
        looked.push(path.display().to_string());
    }
    Err(Failure::new(format!(
        "a counterexample is missing: it was looked for as {}",
        looked.join(", ")
    )))
}
