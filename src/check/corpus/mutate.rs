//! Changes a scenario a little: one to three of
//!
//! - an action made anew, added, taken out, or taken over from another scenario;
//! - a client of another scenario beside its own, or its actions after them;
//! - the last actions of a client alone given to two at once;
//! - another schedule, other faults, another crash, or none;
//! - other files of older software, another page size, more or fewer handles.
//!
//! What comes out is what the generators may have made: no larger than theirs, and
//! nothing that the backend does not do.

use arbitrary::{Result, Unstructured};
use rand_core::Rng;

use crate::{
    check::{
        backends::Capabilities,
        generate,
        scenario::{Action, Mode, Scenario},
    },
    model::{
        source::{Focus, RawId, Source},
        subject::Subject,
    },
    sim::{faults::FaultPlan, schedule::Schedule},
};

/// How many bytes decide a change.
const BYTES: usize = 1_024;

/// A scenario made from `parent`, and from parts of `other`.
pub(super) fn mutated<S: Subject>(
    random: &mut impl Rng,
    parent: &Scenario<S::Op>,
    other: &Scenario<S::Op>,
    capabilities: &Capabilities,
) -> Scenario<S::Op> {
    let mut bytes = [0; BYTES];
    random.fill_bytes(&mut bytes);
    let bytes = &mut Unstructured::new(&bytes);
    let mut mutation = Mutation::<S> { scenario: parent.clone(), other, capabilities };
    // It fails on empty choices alone: then it stays as far as it came.
    let _ = mutation.change(bytes);
    mutation.bound();
    mutation.suit(bytes);
    mutation.scenario
}

struct Mutation<'a, S: Subject> {
    scenario: Scenario<S::Op>,
    other: &'a Scenario<S::Op>,
    capabilities: &'a Capabilities,
}

/// How many ids a scenario concentrates on.
const MOST_IDS: usize = 5;

impl<S: Subject> Mutation<'_, S> {
    fn change(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let focus = self.focus(bytes)?;
        for _ in 0..bytes.int_in_range(1..=3_u8)? {
            match bytes.int_in_range(0..=15_u8)? {
                0 | 1 => self.replace(bytes, &focus)?,
                2 | 3 => self.insert(bytes, &focus)?,
                4 => self.remove(bytes)?,
                5 => self.take_over(bytes)?,
                6 => self.further_client(bytes)?,
                7 => self.go_on(bytes)?,
                8 => self.divide(bytes)?,
                9 | 10 => self.reschedule(bytes)?,
                11 | 12 => self.fail(bytes)?,
                13 => self.crash(bytes, &focus)?,
                14 => self.seed_files(),
                _ => self.surround(bytes)?,
            }
        }
        Ok(())
    }

    /// Concentrates on what the scenario is about.
    fn focus(&self, bytes: &mut Unstructured<'_>) -> Result<Focus> {
        let mut focus = Focus::generate(bytes, S::OPERATIONS.len())?;
        let mut ids: Vec<RawId> = Vec::new();
        for op in self.scenario.operations() {
            for id in S::writes(op, None).unwrap_or_default() {
                let id = RawId(id.as_str().into());
                if ids.len() < MOST_IDS && !ids.contains(&id) {
                    ids.push(id);
                }
            }
        }
        if !ids.is_empty() {
            focus.ids = ids;
        }
        Ok(focus)
    }

    /// The setup, or a client's program; mostly the latter.
    fn program(&mut self, bytes: &mut Unstructured<'_>) -> Result<&mut Vec<Action<S::Op>>> {
        let in_setup = bytes.ratio(1_u8, 4)? && self.scenario.clients.len() > 1;
        let client = bytes.choose_index(self.scenario.clients.len())?;
        let program = match in_setup {
            true => Some(&mut self.scenario.setup),
            false => self.scenario.clients.get_mut(client),
        };
        program.ok_or(arbitrary::Error::EmptyChoose)
    }

    fn replace(&mut self, bytes: &mut Unstructured<'_>, focus: &Focus) -> Result<()> {
        let action = generate::action::<S>(&mut Source::new(bytes, focus))?;
        let place = bytes.arbitrary::<u16>()?;
        let program = self.program(bytes)?;
        let place = usize::from(place) % program.len().max(1);
        if let Some(slot) = program.get_mut(place) {
            *slot = action;
        }
        Ok(())
    }

    fn insert(&mut self, bytes: &mut Unstructured<'_>, focus: &Focus) -> Result<()> {
        for _ in 0..bytes.int_in_range(1..=3_u8)? {
            let action = generate::action::<S>(&mut Source::new(bytes, focus))?;
            put(self, bytes, action)?;
        }
        Ok(())
    }

    fn remove(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let place = bytes.arbitrary::<u16>()?;
        let program = self.program(bytes)?;
        if program.len() > 1 {
            program.remove(usize::from(place) % program.len());
        }
        Ok(())
    }

    fn take_over(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let calls: Vec<&S::Op> = self.other.operations().collect();
        let op = (*bytes.choose(&calls)?).clone();
        put(self, bytes, Action::Call(op))
    }

    fn further_client(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let program = bytes.choose(&self.other.clients)?.clone();
        match self.scenario.clients.len() {
            4.. => {
                let client = bytes.choose_index(self.scenario.clients.len())?;
                if let Some(slot) = self.scenario.clients.get_mut(client) {
                    *slot = program;
                }
            }
            _ => self.scenario.clients.push(program),
        }
        self.reschedule(bytes)
    }

    /// The other scenario's actions after its own.
    fn go_on(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let program = bytes.choose(&self.other.clients)?.clone();
        self.program(bytes)?.extend(program);
        Ok(())
    }

    /// What a client did alone happens first, but for its last actions: two clients
    /// do them at once.
    fn divide(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        if let [alone] = self.scenario.clients.as_mut_slice() {
            let at_once = bytes.int_in_range(2..=6_usize)?;
            let last = alone.split_off(alone.len().saturating_sub(at_once));
            let mut setup = std::mem::take(alone);
            let forgotten = setup.len().saturating_sub(MOST_SETUP);
            self.scenario.setup.extend(setup.drain(forgotten..));
            let (mut first, mut second) = (Vec::new(), Vec::new());
            for action in last {
                if bytes.arbitrary()? { &mut first } else { &mut second }.push(action);
            }
            self.scenario.clients = vec![first, second];
            self.scenario.handles = bytes.int_in_range(1..=2)?;
        }
        self.reschedule(bytes)
    }

    fn reschedule(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let seed = bytes.arbitrary()?;
        self.scenario.mode =
            Mode::Simulated(generate::schedule(bytes, seed, &self.scenario.clients)?);
        Ok(())
    }

    fn fail(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        self.scenario.faults = match bytes.ratio(1_u8, 4)? {
            true => FaultPlan::default(),
            false if self.capabilities.faults => generate::faults(bytes)?,
            false => generate::failing_calls(bytes)?,
        };
        self.reschedule(bytes)
    }

    fn crash(&mut self, bytes: &mut Unstructured<'_>, focus: &Focus) -> Result<()> {
        self.scenario.crash = match bytes.ratio(1_u8, 4)? {
            true => None,
            false => Some(generate::crash::<S>(bytes, focus)?),
        };
        Ok(())
    }

    fn seed_files(&mut self) {
        self.scenario.legacy.clone_from(&self.other.legacy);
        self.scenario.foreign.clone_from(&self.other.foreign);
    }

    fn surround(&mut self, bytes: &mut Unstructured<'_>) -> Result<()> {
        let clients = self.scenario.clients.len();
        match bytes.int_in_range(0..=2_u8)? {
            0 => self.scenario.page_size = *bytes.choose(&[None, Some(1), Some(2), Some(3)])?,
            1 => self.scenario.handles = bytes.int_in_range(1..=clients.max(1))?,
            _ => self.scenario.skews = generate::skews(bytes, clients)?,
        }
        Ok(())
    }

    /// Keeps it as small as those that the generators make: what concurrent calls and
    /// crashes may leave grows with a power of their number.
    fn bound(&mut self) {
        let scenario = &mut self.scenario;
        let (most_clients, most_setup) = match (&scenario.crash, scenario.faults.is_none()) {
            (Some(_), _) => (2, 3),
            (None, false) => (3, 3),
            (None, true) => (4, MOST_SETUP),
        };
        scenario.clients.truncate(most_clients);
        let is_plain = scenario.crash.is_none() && scenario.faults.is_none();
        let most_actions = match scenario.clients.len() {
            1 if is_plain => 60,
            2 if is_plain => 6,
            _ if is_plain => 4,
            _ => 5,
        };
        scenario.clients.iter_mut().for_each(|program| program.truncate(most_actions));
        scenario.setup.truncate(most_setup);
    }

    /// Takes out what the backend does not do, and what no generator makes.
    fn suit(&mut self, bytes: &mut Unstructured<'_>) {
        let scenario = &mut self.scenario;
        let is_older = |action: &Action<S::Op>| matches!(action, Action::Older(_));
        if !self.capabilities.older_software {
            scenario.legacy.clear();
            scenario.foreign.clear();
        }
        scenario.setup.retain(|action| !is_older(action));
        // Older software is a client of its own, the only one of its kind, or it acts
        // between the calls of a client alone.
        let alone = scenario.clients.len() == 1;
        let mut older = 0;
        for program in &mut scenario.clients {
            let is_its_own = !program.is_empty() && program.iter().all(is_older);
            older += usize::from(is_its_own);
            let may_act = alone || (is_its_own && older == 1);
            if !self.capabilities.older_software || !may_act {
                program.retain(|action| !is_older(action));
            }
        }
        generate::with_its_clock::<S>(scenario, self.capabilities);
        scenario.clients.retain(|program| !program.is_empty());
        if scenario.clients.is_empty() {
            scenario.clients.push(Vec::new());
        }
        let clients = scenario.clients.len();
        scenario.handles = scenario.handles.clamp(1, clients);
        scenario.skews.truncate(clients);
        if !self.capabilities.crashes {
            scenario.crash = None;
        }
        let is_interleaved = clients > 1 || !scenario.faults.is_none();
        let has_schedule = matches!(
            &scenario.mode,
            Mode::Simulated(Schedule::Random { .. } | Schedule::Pct { .. })
        );
        if !is_interleaved {
            scenario.mode = Mode::default();
        } else if !has_schedule {
            let seed = bytes.arbitrary().unwrap_or_default();
            scenario.mode = Mode::Simulated(Schedule::Random { seed, one_in: 2 });
        }
    }
}

/// How many actions come before concurrent ones.
const MOST_SETUP: usize = 8;

/// Puts an action somewhere.
fn put<S: Subject>(
    mutation: &mut Mutation<'_, S>,
    bytes: &mut Unstructured<'_>,
    action: Action<S::Op>,
) -> Result<()> {
    let place = bytes.arbitrary::<u16>()?;
    let program = mutation.program(bytes)?;
    let place = usize::from(place) % (program.len() + 1);
    program.insert(place, action);
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand_core::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::mutated;
    use crate::{
        check::{
            backends::{BackendUnderTest, Memory, Simulated},
            generate::case,
            scenario::{Action, Mode, Scenario},
        },
        model::{collection::CollectionSubject, subject::Subject},
    };

    type Op = <CollectionSubject as Subject>::Op;

    fn mutants(of: &dyn BackendUnderTest, on: &dyn BackendUnderTest) -> Vec<Scenario<Op>> {
        let cases: Vec<_> = (0..64)
            .map(|number| case::<CollectionSubject>(3, number, &of.capabilities()))
            .collect();
        let capabilities = on.capabilities();
        let mutant = |number: usize| {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(number as u64);
            let (parent, other) = (&cases[number % 64], &cases[number * 7 % 64]);
            mutated::<CollectionSubject>(&mut random, parent, other, &capabilities)
        };
        (0..2_000).map(mutant).collect()
    }

    #[test]
    fn a_mutant_is_decided_by_its_number() {
        let file = Simulated::file();
        assert_eq!(mutants(&file, &file), mutants(&file, &file));
    }

    #[test]
    fn mutants_are_no_larger_than_what_generators_make() {
        for mutant in mutants(&Simulated::legacy(), &Simulated::legacy()) {
            let longest = mutant.clients.iter().map(Vec::len).max().unwrap_or(0);
            assert!(mutant.clients.len() <= 4 && mutant.setup.len() <= 8, "{mutant:?}");
            let is_plain = mutant.crash.is_none() && mutant.faults.is_none();
            let most = if mutant.clients.len() == 1 && is_plain { 60 } else { 6 };
            assert!(longest <= most, "{mutant:?}");
            assert!((1..=mutant.clients.len()).contains(&mutant.handles), "{mutant:?}");
            assert!(matches!(mutant.mode, Mode::Simulated(_)), "{mutant:?}");
        }
    }

    #[test]
    fn a_backend_is_not_asked_for_what_it_does_not_do() {
        for mutant in mutants(&Simulated::legacy(), &Memory) {
            assert!(mutant.legacy.is_empty() && mutant.foreign.is_empty(), "{mutant:?}");
            assert!(mutant.crash.is_none() && !mutant.has_older_software(), "{mutant:?}");
        }
    }

    #[test]
    fn older_software_is_a_client_of_its_own() {
        let mut seen = 0;
        for mutant in mutants(&Simulated::legacy(), &Simulated::legacy()) {
            let is_older = |action: &&Action<Op>| matches!(action, Action::Older(_));
            let older =
                mutant.clients.iter().filter(|program| program.iter().any(|a| is_older(&a)));
            let of_their_own: Vec<_> = older.collect();
            seen += of_their_own.len();
            if mutant.clients.len() > 1 {
                assert!(of_their_own.len() <= 1, "{mutant:?}");
                assert!(of_their_own.iter().all(|p| p.iter().all(|a| is_older(&a))), "{mutant:?}");
            }
        }
        assert!(seen > 0, "no mutant has older software");
    }
}
