//! Fewer and simpler faults.

use super::{Counterexample, Shrinker, weight};
use crate::{
    check::scenario::Scenario,
    model::subject::Subject,
    sim::faults::{Fault, FaultKind, FaultPlan},
};

impl<S: Subject> Shrinker<'_, S> {
    /// Takes faults away, then has each fail once, at once and in the plainest way.
    pub(super) fn simplify_faults(&mut self, best: &mut Counterexample<S::Op>) {
        let mut place = 0;
        while let Some(fault) = listed(&best.scenario).get(place).cloned() {
            let mut simpler = vec![None];
            simpler.extend(plainer(&fault).into_iter().map(Some));
            let is_simpler = simpler.into_iter().any(|other| {
                let mut list = listed(&best.scenario).to_vec();
                match other {
                    None => drop(list.remove(place)),
                    Some(other) => list.iter_mut().skip(place).take(1).for_each(|fault| {
                        fault.clone_from(&other);
                    }),
                }
                let mut candidate = best.scenario.clone();
                candidate.faults = FaultPlan::Listed(list);
                // Not `take`: other places would be no simplification.
                match self.fails(&candidate) {
                    Some(smaller) if weight(&smaller.scenario) < weight(&best.scenario) => {
                        *best = smaller;
                        true
                    }
                    _ => false,
                }
            });
            if !is_simpler || self.is_exhausted() {
                place += 1;
            }
        }
    }
}

fn listed<Op>(scenario: &Scenario<Op>) -> &[Fault] {
    match &scenario.faults {
        FaultPlan::Listed(list) => list,
        FaultPlan::Random(_) => &[],
    }
}

/// The same fault, plainer in one way; `EIO` is the plainest failure.
fn plainer(fault: &Fault) -> Vec<Fault> {
    let mut all = Vec::new();
    if fault.lasting > 0 {
        all.push(Fault { lasting: 0, ..fault.clone() });
        all.push(Fault { lasting: fault.lasting / 2, ..fault.clone() });
        all.push(Fault { lasting: fault.lasting - 1, ..fault.clone() });
    }
    if fault.written > 0 {
        all.push(Fault { written: 0, ..fault.clone() });
        all.push(Fault { written: 1, ..fault.clone() });
    }
    if !fault.kind.is_cancel() && FaultKind::Io.fits(&fault.step) {
        all.push(Fault { kind: FaultKind::Io, ..fault.clone() });
    }
    all.retain(|other| other != fault);
    all
}

/// Renumbers the faults after an action was removed.
pub(super) fn forget_action<Op>(scenario: &mut Scenario<Op>, client: Option<usize>, action: usize) {
    let FaultPlan::Listed(list) = &mut scenario.faults else { return };
    list.retain(|fault| fault.client != client || fault.operation != action);
    for fault in list.iter_mut().filter(|fault| fault.client == client) {
        if fault.operation > action {
            fault.operation -= 1;
        }
    }
}

/// Renumbers the faults after a client was removed.
pub(super) fn forget_client<Op>(scenario: &mut Scenario<Op>, gone: usize) {
    let FaultPlan::Listed(list) = &mut scenario.faults else { return };
    list.retain(|fault| fault.client != Some(gone));
    for client in list.iter_mut().filter_map(|fault| fault.client.as_mut()) {
        if *client > gone {
            *client -= 1;
        }
    }
}
