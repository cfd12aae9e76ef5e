//! What a campaign reached: operations by outcome.

use std::collections::BTreeMap;

use super::backends::Capabilities;
use crate::{
    model::{
        legacy::OlderAction,
        subject::{Operation, Subject, Verdict},
    },
    sim::faults::{Fault, FaultKind},
};

/// Counts of (operation, outcome class) for one store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    operations: &'static [&'static str],
    classes: &'static [&'static str],
    counts: Vec<u64>,
    /// By [`Event`].
    events: [u64; EVENTS.len()],
    /// By place in [`FaultKind::ALL`].
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
            events: [0; EVENTS.len()],
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
        let event = match action {
            OlderAction::Write(_) => Event::OlderWrote,
            OlderAction::Remove { .. } => Event::OlderRemoved,
        };
        self.count_events(event, 1);
    }

    /// Counts that something happened so many times.
    pub fn count_events(&mut self, event: Event, times: u64) {
        if let Some(count) = self.events.get_mut(event as usize) {
            *count += times;
        }
    }

    /// How often that happened.
    #[must_use]
    pub fn events(&self, event: Event) -> u64 {
        self.events.get(event as usize).copied().unwrap_or(0)
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
        for (own, add) in self.events.iter_mut().zip(other.events) {
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
        for event in EVENTS.into_iter().filter(|event| self.events(*event) > 0) {
            table.insert(event.name().to_owned(), self.events(event));
        }
        for (kind, count) in self.faults().filter(|(_, count)| *count > 0) {
            table.insert(kind.name().to_owned(), count);
        }
        table
    }
}

/// What happens in a campaign besides the calls of a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Older software wrote a file.
    OlderWrote,
    /// Older software removed one.
    OlderRemoved,
    /// A client opened the storage anew while others worked on other handles.
    Reopened,
    /// A client's process was killed, and another one went on in its place.
    Killed,
}

const EVENTS: [Event; 4] = [Event::OlderWrote, Event::OlderRemoved, Event::Reopened, Event::Killed];

impl Event {
    /// As the table of what was reached names it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OlderWrote => "older_software:wrote",
            Self::OlderRemoved => "older_software:removed",
            Self::Reopened => "handles:reopened",
            Self::Killed => "processes:killed",
        }
    }

    /// What a campaign on a backend that can do so much must have reached.
    pub(super) fn required(capabilities: &Capabilities) -> impl Iterator<Item = Self> + '_ {
        EVENTS.into_iter().filter(|event| match event {
            Self::OlderWrote | Self::OlderRemoved => capabilities.older_software,
            Self::Reopened => true,
            Self::Killed => capabilities.processes,
        })
    }
}
