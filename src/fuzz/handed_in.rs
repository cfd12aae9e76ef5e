//! What else people and machines hand to `check` and `merge`: reports, states of campaigns,
//! entries of corpora, what was reached.

use super::scenario_file::unclear;
use crate::{
    check::{
        campaign_state::CampaignState, corpus::reached::ReachedKeys, registry::STORES,
        replay::read_violation, totals::Totals,
    },
    report::{
        Report, Shown,
        annotations::annotations,
        baseline::{Comparison, compare},
        junit::junit,
        merge::merged,
        terminal,
    },
};

/// Each text is refused in one clear line, or can be used as what it says that it is.
pub(super) fn problem(text: &str) -> Option<String> {
    let violation = || read_violation(text).err().and_then(|error| unclear(&error));
    report(text).or_else(|| state(text)).or_else(|| corpus(text)).or_else(violation)
}

fn report(text: &str) -> Option<String> {
    let report = match Report::read(text) {
        Ok(report) => report,
        Err(error) => return unclear(&error),
    };
    let again = report.to_text().ok().and_then(|text| Report::read(&text).ok()?.to_text().ok());
    if again.is_none() || again != report.to_text().ok() {
        return Some("the report is another one when it is written again".to_owned());
    }
    let alone = Report { shard: Some("1/1".to_owned()), ..report.clone() };
    let joined = match merged(&[alone]) {
        Ok(joined) => joined_problem(&report, &joined),
        Err(error) => unclear(&error),
    };
    // As if it were of a whole run: others are no baselines.
    let whole = Report { interrupted: false, shard: None, planted: None, ..report.clone() };
    let compared = match compare(&whole, &whole) {
        Ok(comparison) if !comparison.worse.is_empty() => {
            Some(format!("it is worse than itself: {:?}", comparison.worse))
        }
        Ok(comparison) => shown_problem(&report, &comparison),
        Err(error) => unclear(&error),
    };
    // It must not panic.
    let _ = (terminal::table(&report), terminal::scopes(&report));
    joined.or(compared)
}

/// The only part of a campaign is the campaign.
fn joined_problem(report: &Report, joined: &Report) -> Option<String> {
    let counts = |report: &Report| -> Vec<(u64, Totals)> {
        report.results.iter().map(|cell| (cell.cases, cell.totals)).collect()
    };
    let is_same = counts(report) == counts(joined) && report.reached == joined.reached;
    (!is_same).then(|| format!("joined alone it is {joined:?}"))
}

/// What other programs are told of it is of their form.
fn shown_problem(report: &Report, comparison: &Comparison) -> Option<String> {
    let broken = report.regressions.iter();
    let shown = broken.filter_map(|result| {
        Some(Shown {
            store: result.store.clone(),
            backend: result.backend.clone(),
            violation: result.violation.clone()?,
            path: result.file.clone(),
            shrinking: String::new(),
        })
    });
    let shown: Vec<Shown> = shown.collect();
    let lines = annotations(report, &shown, Some(comparison));
    if !lines.lines().all(|line| line.starts_with("::")) {
        return Some(format!("annotations that are no commands: {lines}"));
    }
    match junit(report, &shown, Some(comparison)) {
        Ok(text) => quick_junit::Report::deserialize_from_str(&text)
            .err()
            .map(|error| format!("it is no JUnit XML ({error}): {text}")),
        Err(error) => unclear(&error),
    }
}

fn state(text: &str) -> Option<String> {
    let state = match CampaignState::read(text) {
        Ok(state) => state,
        Err(error) => return unclear(&error),
    };
    for (cell, store) in state.cells.iter().zip(STORES) {
        if let Err(error) = cell.findings(*store) {
            return unclear(&error);
        }
    }
    let other = state.must_be_of(&state.identity, &[]).err().and_then(|error| unclear(&error));
    other.or_else(|| {
        let again = state.to_text().ok().and_then(|text| CampaignState::read(&text).ok());
        (again.as_ref() != Some(&state)).then(|| "the state is another one".to_owned())
    })
}

fn corpus(text: &str) -> Option<String> {
    let store = STORES.iter().find(|store| text.contains(store.name()))?;
    match store.rewrite_entry(text) {
        Err(error) if unclear(&error).is_some() => return unclear(&error),
        Ok(again) if store.rewrite_entry(&again).ok().as_ref() != Some(&again) => {
            return Some(format!("the entry is another one when it is written again: {again}"));
        }
        _ => {}
    }
    ReachedKeys::read(text, store.name()).err().and_then(|error| unclear(&error))
}
