//! What a campaign reached: operations by outcome.

use std::collections::BTreeMap;

use crate::model::subject::{Operation, Subject, Verdict};

/// Counts of (operation, outcome class) for one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    operations: &'static [&'static str],
    classes: &'static [&'static str],
    counts: Vec<u64>,
}

impl Reached {
    /// Nothing yet.
    #[must_use]
    pub fn new<S: Subject>() -> Self {
        Self {
            operations: S::OPERATIONS,
            classes: S::CLASSES,
            counts: vec![0; S::OPERATIONS.len() * S::CLASSES.len()],
        }
    }

    /// Counts one call.
    pub fn count(&mut self, op: &impl Operation, seen: &impl Verdict) {
        let place = op.kind() * self.classes.len() + seen.class();
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        for (own, add) in self.counts.iter_mut().zip(&other.counts) {
            *own += add;
        }
    }

    /// How often that was reached.
    #[must_use]
    pub fn of(&self, operation: &str, class: &str) -> u64 {
        let place = |names: &[&str], name: &str| names.iter().position(|other| *other == name);
        let (Some(operation), Some(class)) =
            (place(self.operations, operation), place(self.classes, class))
        else {
            return 0;
        };
        self.counts.get(operation * self.classes.len() + class).copied().unwrap_or(0)
    }

    /// All counts that are not 0, by `operation:class`.
    #[must_use]
    pub fn table(&self) -> BTreeMap<String, u64> {
        let mut table = BTreeMap::new();
        for (operation, row) in self.operations.iter().zip(self.counts.chunks(self.classes.len())) {
            for (class, count) in self.classes.iter().zip(row).filter(|(_, count)| **count > 0) {
                table.insert(format!("{operation}:{class}"), *count);
            }
        }
        table
    }
}
