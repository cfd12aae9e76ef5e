//! Scenarios without some of their parts.

use super::{faults, preemptions};
use crate::{
    check::{
        processes::Kill,
        scenario::{Action, Mode, Scenario},
    },
    sim::schedule::{Preemption, Schedule},
};

/// Where an action stands: in the setup, or in a client's program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) client: Option<usize>,
    pub(super) action: usize,
}

/// How many preemptions, or kills, there are.
pub(super) fn decisions(mode: &Mode) -> usize {
    match mode {
        Mode::Simulated(Schedule::Preemptions(list)) => list.len(),
        Mode::Processes { kills } => kills.len(),
        _ => 0,
    }
}

pub(super) fn remove_decisions(mode: &mut Mode, start: usize, count: usize) {
    fn remove<T>(list: &mut Vec<T>, start: usize, count: usize) {
        let end = (start + count).min(list.len());
        list.drain(start.min(end)..end);
    }
    match mode {
        Mode::Simulated(Schedule::Preemptions(list)) => remove(list, start, count),
        Mode::Processes { kills } => remove(kills, start, count),
        _ => {}
    }
}

pub(super) fn places<Op>(scenario: &Scenario<Op>) -> Vec<Place> {
    let setup = (0..scenario.setup.len()).map(|action| Place { client: None, action });
    let clients = scenario.clients.iter().enumerate();
    let clients = clients.flat_map(|(client, actions)| {
        (0..actions.len()).map(move |action| Place { client: Some(client), action })
    });
    setup.chain(clients).collect()
}

pub(super) fn action_at<Op>(scenario: &Scenario<Op>, place: Place) -> Option<&Action<Op>> {
    match place.client {
        None => scenario.setup.get(place.action),
        Some(client) => scenario.clients.get(client)?.get(place.action),
    }
}

pub(super) fn set_action<Op>(scenario: &mut Scenario<Op>, place: Place, action: Action<Op>) {
    let program = match place.client {
        None => Some(&mut scenario.setup),
        Some(client) => scenario.clients.get_mut(client),
    };
    if let Some(slot) = program.and_then(|program| program.get_mut(place.action)) {
        *slot = action;
    }
}

/// The scenario without the actions at `gone`. A client left with nothing to
/// do goes too; preemptions keep naming the actions that they named.
pub(super) fn without<Op: Clone>(scenario: &Scenario<Op>, gone: &[Place]) -> Scenario<Op> {
    let mut left = scenario.clone();
    for place in gone.iter().rev() {
        match place.client {
            None => {
                left.setup.remove(place.action);
                faults::forget_action(&mut left, None, place.action);
            }
            Some(client) => {
                if let Some(program) = left.clients.get_mut(client) {
                    program.remove(place.action);
                }
                faults::forget_action(&mut left, Some(client), place.action);
                let length = left.clients.get(client).map_or(0, Vec::len);
                let is_last = place.action == length;
                for_preemptions(&mut left, |list| {
                    preemptions::forget_action(list, client, place.action, is_last);
                });
                for_kills(&mut left, |kills| {
                    kills.retain(|kill| (kill.client, kill.operation) != (client, place.action));
                    for kill in kills.iter_mut().filter(|kill| kill.client == client) {
                        if kill.operation > place.action {
                            kill.operation -= 1;
                        }
                    }
                });
            }
        }
    }
    for client in (0..left.clients.len()).rev() {
        if left.clients.len() > 1 && left.clients.get(client).is_some_and(Vec::is_empty) {
            left.clients.remove(client);
            forget_client(&mut left, client);
        }
    }
    left
}

/// Mends what names clients after client `gone` was removed.
pub(super) fn forget_client<Op>(scenario: &mut Scenario<Op>, gone: usize) {
    faults::forget_client(scenario, gone);
    if gone < scenario.skews.len() {
        scenario.skews.remove(gone);
    }
    for_kills(scenario, |kills| {
        kills.retain(|kill| kill.client != gone);
        for kill in kills.iter_mut().filter(|kill| kill.client > gone) {
            kill.client -= 1;
        }
    });
    for_preemptions(scenario, |list| preemptions::forget_client(list, gone));
}

pub(super) fn for_kills<Op>(scenario: &mut Scenario<Op>, edit: impl FnOnce(&mut Vec<Kill>)) {
    if let Mode::Processes { kills } = &mut scenario.mode {
        edit(kills);
    }
}

pub(super) fn for_preemptions<Op>(
    scenario: &mut Scenario<Op>,
    edit: impl FnOnce(&mut Vec<Preemption>),
) {
    if let Mode::Simulated(Schedule::Preemptions(list)) = &mut scenario.mode {
        edit(list);
    }
}
