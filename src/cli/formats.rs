//! `storeproof formats`.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::{
    Format, Status,
    files::{self, OutputDirectory},
    usage::{Failure, print},
};
use crate::{
    formats::{
        all,
        judge::{Judged, Reading, judge, unreviewed},
        listing::{Checked, Listing},
        shipped::SHIPPED,
        snapshot::Snapshot,
    },
    report::terminal,
};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Prove that every snapshot of what was ever shipped still reads as the
    /// same value, and that what is written today has a snapshot.
    #[arg(long)]
    check: bool,
    /// Judge these snapshots instead of those that this program carries: does
    /// this release read what another one writes?
    #[arg(long, value_name = "DIR", requires = "check")]
    snapshots: Option<PathBuf>,
    /// Write what this release writes today as snapshots below this directory,
    /// for another release to judge.
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    write: Option<PathBuf>,
    /// How to write the results.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

pub(super) fn run(arguments: &Arguments) -> Result<Status, Failure> {
    if let Some(directory) = &arguments.write {
        write_today(directory)?;
    }
    let paths: Vec<&str> = SHIPPED.iter().map(|(path, _)| *path).collect();
    let mut listing = Listing::of(&paths);
    if arguments.check {
        listing.checked = Some(match &arguments.snapshots {
            None => check_own(),
            Some(directory) => check_others(directory)?,
        });
    }
    match arguments.format {
        Format::Json => {
            print(&listing.to_text().map_err(|error| Failure::new(error.to_string()))?)?;
        }
        Format::Human => match &listing.checked {
            None => print(&list(&listing))?,
            Some(checked) => print(&verdicts(checked))?,
        },
    }
    Ok(match listing.checked {
        Some(Checked { holds: false, .. }) => Status::Violated,
        _ => Status::Holds,
    })
}

/// Writes today's samples. One that can't be written is left out: `--check`
/// names it.
fn write_today(directory: &Path) -> Result<(), Failure> {
    let output = OutputDirectory::prepare(directory)?;
    for format in all() {
        let today = (format.samples)().into_iter().map(|sample| Snapshot::of(format, sample));
        for snapshot in today.flatten() {
            output.write(&format!("{}.snap", snapshot.path()), &snapshot.to_text())?;
        }
    }
    Ok(())
}

/// Judges what this program carries. A format that it does not know any more is
/// data that it does not read any more.
fn check_own() -> Checked {
    let snapshots: Vec<_> = SHIPPED.iter().map(|(path, text)| judge(path, text)).collect();
    let unreviewed = unreviewed(SHIPPED);
    let holds = unreviewed.is_empty() && snapshots.iter().all(reads_the_same);
    Checked { holds, snapshots, unreviewed }
}

/// Judges another release's snapshots. A format that this one does not know was
/// made later; that is for the caller to weigh.
fn check_others(directory: &Path) -> Result<Checked, Failure> {
    let found = files::read_all(directory, ".snap")?;
    if found.is_empty() {
        return Err(Failure::new(format!("{} holds no snapshots", directory.display())));
    }
    let judged = found.into_iter().map(|(path, bytes)| {
        // What is no text is no snapshot, with replacement characters as well.
        judge(&path, &String::from_utf8_lossy(&bytes))
    });
    let snapshots: Vec<_> = judged.collect();
    let acceptable = [Reading::Same, Reading::UnknownFormat];
    let holds = snapshots.iter().all(|judged| acceptable.contains(&judged.reading));
    Ok(Checked { holds, snapshots, unreviewed: Vec::new() })
}

fn reads_the_same(judged: &Judged) -> bool {
    judged.reading == Reading::Same
}

fn list(listing: &Listing) -> String {
    let mut rows = vec![["format", "version", "snapshots", "what it is"].map(str::to_owned)];
    for format in &listing.formats {
        // By version: the second level of the path.
        let mut versions: BTreeMap<&str, usize> = BTreeMap::new();
        for path in &format.snapshots {
            *versions.entry(path.split('/').nth(1).unwrap_or_default()).or_default() += 1;
        }
        let counts = versions.iter().map(|(version, count)| format!("{version}: {count}"));
        rows.push([
            format.name.clone(),
            if format.version == 0 { "read only".to_owned() } else { format.version.to_string() },
            counts.collect::<Vec<_>>().join(", "),
            format.about.clone(),
        ]);
    }
    terminal::aligned(&rows, &[])
}

fn verdicts(checked: &Checked) -> String {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for judged in &checked.snapshots {
        let said = judged.detail.clone().unwrap_or_default();
        rows.push([judged.reading.describe().to_owned(), judged.path.clone(), said]);
    }
    for unreviewed in &checked.unreviewed {
        rows.push(["UNREVIEWED".into(), unreviewed.path.clone(), unreviewed.problem.clone()]);
    }
    let same = checked.snapshots.iter().filter(|judged| reads_the_same(judged)).count();
    let mut text = terminal::aligned(&rows, &[]);
    text += &format!("\n{same} of {} snapshots read the same", checked.snapshots.len());
    text += &match checked.unreviewed.len() {
        0 => ".\n".to_owned(),
        count => format!("; {count} samples of today's formats are unreviewed.\n"),
    };
    text
}
