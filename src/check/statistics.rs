//! What a campaign reached: operations by outcome.

use std::{collections::BTreeMap, fmt};

use super::{
    backends::Capabilities,
    coverage::{Coverage, Feature, Watch},
    history::{Call, Deed, Phase},
    scenario::{Action, Scenario},
    verify::Verified,
};
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
    /// What the cases are the first to reach; none: nobody asks.
    watch: Option<Box<Watch>>,
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
            watch: None,
        }
    }

    /// The same, and from now on it is noted what the cases reach beyond `known`.
    pub(super) fn watching(self, known: Coverage) -> Self {
        Self { watch: Some(Box::new(Watch::new(known))), ..self }
    }

    /// What the case that now ends was the first to reach.
    pub(super) fn end_case(&mut self) -> Vec<u32> {
        self.watch.as_mut().map(|watch| watch.end_case()).unwrap_or_default()
    }

    /// The number of an operation with its outcome.
    fn place(&self, op: &impl Operation, seen: &impl Verdict) -> usize {
        op.kind() * self.classes.len() + seen.class()
    }

    /// Counts one call.
    pub fn count(&mut self, op: &impl Operation, seen: &impl Verdict) {
        let place = self.place(op, seen);
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
        if let Some(watch) = &mut self.watch {
            watch.note_call(op.kind(), place);
        }
    }

    /// Notes how many I/O steps a call took that nobody was beside.
    pub(super) fn note_steps(&mut self, op: &impl Operation, seen: &impl Verdict, steps: usize) {
        let place = self.place(op, seen);
        if let Some(watch) = &mut self.watch {
            watch.note(Feature::Steps(place, steps));
        }
    }

    /// Notes the state that a client alone has left.
    pub(super) fn note_state(&mut self, model: &impl fmt::Debug) {
        if let Some(watch) = &mut self.watch {
            watch.note_state(model);
        }
    }

    /// Notes which calls of the history met faults, and which overlapped.
    pub(super) fn note_history<S: Subject>(&mut self, calls: &[Call<S>]) {
        if self.watch.is_none() {
            return;
        }
        let place = |call: &Call<S>| match &call.deed {
            Deed::Call { op, seen: Some(seen) } if call.phase == Phase::Clients => {
                Some(self.place(op, seen))
            }
            _ => None,
        };
        let placed: Vec<(&Call<S>, usize)> =
            calls.iter().filter_map(|call| Some((call, place(call)?))).collect();
        let Some(watch) = &mut self.watch else { return };
        for (number, (call, place)) in placed.iter().enumerate() {
            for fault in &call.faults {
                let kind = FaultKind::ALL.iter().position(|kind| *kind == fault.kind);
                watch.note(Feature::Fault(*place, kind.unwrap_or_default()));
                watch.note(Feature::FaultAt(place / self.classes.len(), &fault.step));
            }
            // They stand in the order in which they began.
            let later = placed.iter().skip(number + 1);
            for (other, beside) in later.take_while(|(other, _)| other.invoked < call.returned) {
                if other.client != call.client {
                    watch.note(Feature::Overlapping(place / self.classes.len(), *beside));
                }
            }
        }
    }

    /// Notes what the run of a scenario says besides: where clients were preempted,
    /// and what crashes there were.
    pub(super) fn note_run<Op: Operation>(&mut self, scenario: &Scenario<Op>, run: &Verified) {
        let Some(watch) = &mut self.watch else { return };
        for preemption in run.preemptions.iter().flatten() {
            let program = scenario.clients.get(preemption.client);
            let action = program.and_then(|actions| actions.get(preemption.operation));
            if let Some(Action::Call(op)) = action {
                watch.note(Feature::Preempted(op.kind(), &preemption.step, preemption.occurrence));
            }
        }
        if run.crash_images > 0 {
            watch.note(Feature::Crash(scenario.length(), run.crash_images));
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
            *count = count.saturating_add(times);
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
        let of_other = other.counts.iter().chain(&other.events).chain(&other.faults);
        let own = self.counts.iter_mut().chain(&mut self.events).chain(&mut self.faults);
        for (own, add) in own.zip(of_other) {
            *own = own.saturating_add(*add);
        }
    }

    /// Adds so many of what [`Self::table`] calls by this name; false: it calls
    /// nothing so.
    #[must_use]
    pub fn add_named(&mut self, name: &str, times: u64) -> bool {
        let event = EVENTS.iter().position(|event| event.name() == name);
        let fault = FaultKind::ALL.iter().position(|kind| kind.name() == name);
        let call = name.split_once(':').and_then(|(operation, class)| {
            let operation = self.operations.iter().position(|known| *known == operation)?;
            let class = self.classes.iter().position(|known| *known == class)?;
            Some(operation * self.classes.len() + class)
        });
        let count = match (event, fault, call) {
            (Some(place), _, _) => self.events.get_mut(place),
            (_, Some(place), _) => self.faults.get_mut(place),
            (_, _, place) => place.and_then(|place| self.counts.get_mut(place)),
        };
        let Some(count) = count else { return false };
        *count = count.saturating_add(times);
        true
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

#[cfg(test)]
mod tests {
    use super::{Event, Reached};
    use crate::model::users::UsersSubject;

    #[test]
    fn what_a_table_says_can_be_added_by_name() {
        let mut reached = Reached::new::<UsersSubject>();
        for name in ["get:user", "older_software:wrote", "fault:io"] {
            assert!(reached.add_named(name, 3), "{name}");
        }
        assert!(reached.add_named("get:user", u64::MAX), "no sum is too large");
        for name in ["", "get", "get:", "nonesuch:user", "get:nonesuch", ":"] {
            assert!(!reached.add_named(name, 1), "{name:?} was taken for an outcome");
        }
        assert_eq!(reached.events(Event::OlderWrote), 3);
        let mut again = Reached::new::<UsersSubject>();
        for (name, count) in reached.table() {
            assert!(again.add_named(&name, count), "{name}");
        }
        assert_eq!(again, reached);
    }
}
