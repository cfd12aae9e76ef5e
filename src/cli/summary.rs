//! Results as text for people.

use super::files::OutputDirectory;
use crate::{
    check::{
        campaign::{MOST_COUNTEREXAMPLES, MOST_COUNTEREXAMPLES_IN_TIME},
        regression::Outcome,
    },
    report::{Report, Shown, baseline::Comparison, terminal},
};

/// All that `check` and `merge` print.
pub(super) fn summary(
    report: &Report,
    shown: &[Shown],
    comparison: Option<&Comparison>,
    how: &str,
    output: &OutputDirectory,
) -> String {
    let mut text = String::new();
    for Shown { store, backend, violation, path, shrinking } in shown {
        text += &terminal::violation(store, backend, violation);
        let replay = terminal::replay(path);
        text += &format!("  {shrinking}; replay file {path}\n  {replay}\n\n");
    }
    for regression in report.failed_regressions() {
        text += &format!("{}  {}\n", regression.outcome.describe(), regression.file);
        text += &match &regression.violation {
            Some(violation) => {
                terminal::violation(&regression.store, &regression.backend, violation)
            }
            None if regression.outcome == Outcome::Stale => {
                "  Its schedule or its faults name points that the code no longer comes by, and \
                 no others show it: save it anew.\n"
                    .to_owned()
            }
            None => "  There was no time for it: saved scenarios have 60 s, or a fifth of --time \
                     if that is more.\n"
                .to_owned(),
        };
        text += &format!("  {}\n\n", terminal::replay(&regression.file));
    }
    text += &missing(report);
    for worse in comparison.iter().flat_map(|comparison| &comparison.worse) {
        text += &format!("WORSE  {worse}\n\n");
    }
    text += &terminal::table(report);
    text += &terminal::scopes(report);
    text += &further(report, comparison);
    let is_worse = comparison.is_some_and(|comparison| !comparison.worse.is_empty());
    let verdict = if report.violations() > 0 || report.failed_regressions().next().is_some() {
        "Violated."
    } else if report.is_demanding() && report.is_incomplete() {
        "Incomplete: required outcomes were never reached."
    } else if is_worse {
        "Worse than the baseline."
    } else if report.interrupted {
        "Interrupted: what was run holds."
    } else if report.planted.is_some() {
        "Nothing was found."
    } else {
        "All holds."
    };
    if let Some(id) = &report.planted {
        text += &match report.violations() {
            0 => format!("\nNOT FOUND  {id} is planted, and these cases do not show it.\n"),
            _ => format!("\nfound  {id} is planted: that something fails is right.\n"),
        };
    }
    text += &format!(
        "\n{verdict} Seed {}, trace hash {}, {:.1} s{how}. Report: {}\n",
        report.seed,
        report.trace_hash,
        report.seconds,
        output.path("report.json").display()
    );
    text
}

/// What was never reached, of each store on each backend.
fn missing(report: &Report) -> String {
    let mut text = String::new();
    if report.shard.is_some() {
        // What one part does not reach, others do: `merge` says what none has reached.
        return text;
    }
    let incomplete = report.results.iter().filter(|cell| !cell.missing.is_empty());
    if report.is_demanding() {
        for cell in incomplete {
            for missing in &cell.missing {
                text += &format!(
                    "NEVER REACHED  {} on {}: {missing}\n  The generators no longer come by this \
                     outcome: mend them, or strike it from the store's required outcomes.\n\n",
                    cell.store, cell.backend
                );
            }
        }
        return text;
    }
    for cell in incomplete {
        let list = cell.missing.join(" ");
        text += &format!("not reached so far  {} on {}: {list}\n", cell.store, cell.backend);
    }
    if !text.is_empty() {
        text += "  (required of a whole run that takes long enough)\n\n";
    }
    text
}

/// What the table does not say.
fn further(report: &Report, comparison: Option<&Comparison>) -> String {
    let mut text = String::new();
    let most = match report.time {
        Some(_) => MOST_COUNTEREXAMPLES_IN_TIME,
        None => MOST_COUNTEREXAMPLES,
    };
    for cell in report.results.iter().filter(|cell| cell.ways.len() >= most) {
        text += &format!(
            "{} on {} fails in {most} ways or more, and no more are shown: mend these, and run it \
             again.\n",
            cell.store, cell.backend
        );
    }
    if !report.allowed.is_empty() {
        let allowed = report.allowed.join(", ");
        text += &format!("What only these divergences explain is no violation: {allowed}.\n");
    }
    if !report.regressions.is_empty() {
        let holding = report.regressions.len() - report.failed_regressions().count();
        text += &format!("Saved scenarios: {holding} of {} hold.\n", report.regressions.len());
    }
    if let Some(corpus) = report.corpus {
        text += &format!(
            "Corpus: {} scenarios, by which {} keys of coverage were reached.\n",
            terminal::grouped(corpus.entries),
            terminal::grouped(corpus.keys)
        );
    }
    if let Some(comparison) = comparison {
        if comparison.worse.is_empty() {
            text += "Baseline: nothing is worse.\n";
        }
        for note in &comparison.notes {
            text += &format!("Baseline: {note}.\n");
        }
    }
    text
}
