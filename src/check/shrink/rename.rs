//! Shorter names for what several steps of a scenario name alike.
//!
//! A record that is created and then read can't get a simpler id one step at a
//! time. So all steps are changed at once, and because that is about names and
//! not about operations, it works on the scenario as JSON, for every store.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{check::scenario::Scenario, model::subject::Operation};

/// The names that are tried, the best first.
const SHORT: [&str; 3] = ["a", "b", "c"];

/// The scenario with one of its repeated texts replaced by a shorter one, in
/// every way that still is a scenario.
pub(super) fn renamed<Op: Operation>(scenario: &Scenario<Op>) -> Vec<Scenario<Op>> {
    let Ok(whole) = serde_json::to_value(scenario) else { return Vec::new() };
    let mut counts = BTreeMap::new();
    for part in PARTS {
        if let Some(part) = whole.get(part) {
            count_texts(part, &mut counts);
        }
    }
    let mut scenarios = Vec::new();
    for (from, _) in counts.iter().filter(|(text, count)| **count > 1 && text.len() > 1) {
        for to in SHORT.iter().filter(|to| !counts.contains_key(**to)) {
            let mut changed = whole.clone();
            for part in PARTS {
                if let Some(part) = changed.get_mut(part) {
                    replace(part, from, to);
                }
            }
            scenarios.extend(serde_json::from_value(changed));
        }
    }
    scenarios
}

/// What is about the store, and not about the run.
const PARTS: [&str; 4] = ["legacy", "setup", "clients", "crash"];

fn count_texts(value: &Value, counts: &mut BTreeMap<String, usize>) {
    match value {
        Value::String(text) => *counts.entry(text.clone()).or_insert(0) += 1,
        Value::Array(items) => items.iter().for_each(|item| count_texts(item, counts)),
        Value::Object(members) => members.values().for_each(|item| count_texts(item, counts)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if text == from => to.clone_into(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(members) => {
            members.values_mut().for_each(|item| replace(item, from, to));
        }
        _ => {}
    }
}
