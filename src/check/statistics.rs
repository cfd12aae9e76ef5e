//! What a campaign reached: operations by outcome.

use std::collections::BTreeMap;

use crate::model::{
    legacy::OlderAction,
    subject::{Operation, Subject, Verdict},
};
use crate::sim::faults::{Fault, FaultKind};

/// Counts of (operation, outcome class) for one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    operations: &'static [&'static str],
    classes: &'static [&'static str],
    counts: Vec<u64>,
    /// How often older software wrote a file, and how often it removed one.
    older: [u64; 2],
    /// How often each kind of fault was met, in the order of [`FaultKind::ALL`].
    faults: Vec<u64>,
}

impl Reached {
    /// Nothing yet.
    #[must_use]
    pub fn new<S: Subject>() -> Self {
        Self {
            operations: S::OPERATIONS,
            classes: S::CLASSES,
            counts: vec![0; S::OPERATIONS.len() * S::CLASSES.len()],
            older: [0; 2],
            faults: vec![0; FaultKind::ALL.len()],
        }
    }

    /// Counts one call.
    pub fn count(&mut self, op: &impl Operation, seen: &impl Verdict) {
        let place = op.kind() * self.classes.len() + seen.class();
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
    }

    /// Counts one change by older software.
    pub fn count_older(&mut self, action: &OlderAction) {
        let [written, removed] = &mut self.older;
        match action {
            OlderAction::Write(_) => *written += 1,
            OlderAction::Remove { .. } => *removed += 1,
        }
    }

    /// The kinds of change by older software that were never made.
    #[must_use]
    pub fn older_missing(&self) -> Vec<&'static str> {
        let kinds = OLDER.iter().zip(self.older);
        kinds.filter(|(_, count)| *count == 0).map(|(name, _)| *name).collect()
    }

    /// Counts one fault.
    pub fn count_fault(&mut self, fault: &Fault) {
        let place = FaultKind::ALL.iter().position(|kind| *kind == fault.kind);
        if let Some(count) = place.and_then(|place| self.faults.get_mut(place)) {
            *count += 1;
        }
    }

    fn faults(&self) -> impl Iterator<Item = (FaultKind, u64)> + use<'_> {
        FaultKind::ALL.iter().copied().zip(self.faults.iter().copied())
    }

    /// The kinds of fault that `can_be` says there can be, and that were never
    /// met.
    #[must_use]
    pub fn faults_missing(&self, can_be: impl Fn(FaultKind) -> bool) -> Vec<&'static str> {
        let missing = self.faults().filter(|(kind, count)| *count == 0 && can_be(*kind));
        missing.map(|(kind, _)| kind.name()).collect()
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        for (own, add) in self.counts.iter_mut().zip(&other.counts) {
            *own += add;
        }
        for (own, add) in self.older.iter_mut().zip(other.older) {
            *own += add;
        }
        for (own, add) in self.faults.iter_mut().zip(&other.faults) {
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
        for (name, count) in OLDER.iter().zip(self.older).filter(|(_, count)| *count > 0) {
            table.insert((*name).to_owned(), count);
        }
        for (kind, count) in self.faults().filter(|(_, count)| *count > 0) {
            table.insert(kind.name().to_owned(), count);
        }
        table
    }
}

/// What older software does, as the table of what was reached names it.
const OLDER: [&str; 2] = ["older_software:wrote", "older_software:removed"];
