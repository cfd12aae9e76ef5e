//! Scenarios made of the inputs of a fuzzer, or of whoever else chooses bytes.

use arbitrary::Unstructured;

use super::{
    backends::{BackendUnderTest, Capabilities},
    crash::CrashCheck,
    findings::{Found, saved},
    generate::{self, Purpose},
    scenario::Scenario,
    shrink::shrink,
    statistics::Reached,
    verify::{Target, verify},
    violation::Violation,
};
use crate::model::subject::Subject;

/// An input, and what becomes of it.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The bytes that all choices are made by.
    pub bytes: &'a [u8],
    /// What the scenario is meant to find.
    pub purpose: Purpose,
    /// How many actions each client has at most, and the setup, and what comes after a
    /// crash: what runs for a fuzzer is small.
    pub most_actions: usize,
    /// After how many I/O steps the first crash comes; none: nothing crashes.
    pub crash_after: Option<usize>,
    /// How crashes are checked.
    pub crashes: CrashCheck,
}

/// A store that inputs can be tried on: our own, or one with a bug in it.
pub trait TakesInput: Sync {
    /// The store's name.
    fn store_name(&self) -> &'static str;

    /// Runs the scenario that the input is. What it breaks, if anything.
    fn try_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Violation>;

    /// The smallest scenario that fails as the input does, on any number of crash
    /// images; none if it does not fail.
    fn shrink_input(&self, input: &Input<'_>, backend: &dyn BackendUnderTest) -> Option<Found>;
}

impl Input<'_> {
    /// The scenario that it is on a backend that can do this.
    #[must_use]
    pub fn scenario<S: Subject>(&self, capabilities: &Capabilities) -> Scenario<S::Op> {
        let bytes = &mut Unstructured::new(self.bytes);
        let most = self.most_actions;
        let mut scenario = generate::scenario_for::<S>(bytes, self.purpose, most, capabilities);
        scenario.each_crash(|crash| crash.then.truncate(most));
        scenario.crash = scenario.crash.filter(|_| self.crash_after.is_some());
        if let Some(crash) = &mut scenario.crash {
            crash.after_steps = self.crash_after;
        }
        scenario
    }

    /// What it breaks on that target, whose own bounds of crashes do not count.
    pub fn violation<S: Subject>(&self, target: &Target<'_, S>) -> Option<Violation> {
        let scenario = self.scenario::<S>(&target.backend.capabilities());
        let target = Target { crashes: self.crashes, ..*target };
        verify(&target, &scenario, &mut Reached::new::<S>()).violation
    }

    /// The smallest scenario that fails as it does, with its replay file.
    pub fn counterexample<S: Subject>(&self, target: &Target<'_, S>) -> Option<Found> {
        let scenario = self.scenario::<S>(&target.backend.capabilities());
        saved(target, 0, shrink(target, &scenario)?)
    }
}
