//! What else people and machines hand to `check` and `merge`: reports, states of campaigns,
//! entries of corpora, what was reached.

use super::scenario_file::unclear;
use crate::{
    check::{campaign_state::CampaignState, corpus::reached::ReachedKeys, registry::STORES},
    report::{
        Report, annotations::annotations, baseline::compare, junit::junit, merge::merged, terminal,
    },
};

/// Each text is refused in one clear line, or can be used as what it says that it is.
pub(super) fn problem(text: &str) -> Option<String> {
    report(text).or_else(|| state(text)).or_else(|| corpus(text))
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
    let joined = merged(&[alone]).err().and_then(|error| unclear(&error));
    let compared = match compare(&report, &report) {
        Ok(comparison) => {
            let lines = annotations(&report, &[], Some(&comparison));
            let is_command = |line: &str| line.starts_with("::");
            if !lines.lines().all(is_command) {
                return Some(format!("annotations that are no commands: {lines}"));
            }
            junit(&report, &[], Some(&comparison)).err().and_then(|error| unclear(&error))
        }
        Err(error) => unclear(&error),
    };
    // It must not panic.
    let _ = (terminal::table(&report), terminal::scopes(&report));
    joined.or(compared)
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
