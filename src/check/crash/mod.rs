//! Crashes: what a storage holds after losing its process or its power at any
//! I/O step, opened anew and checked; and what becomes of it when it goes on,
//! and crashes again.
//!
//! The run is recorded once. From its trace the images are made that each step
//! may leave. Images that look the same are opened once, and what is seen of
//! them is judged once for each history that may have led there: that is most
//! of the speed.

mod past;
mod recovered;

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::Hasher,
    rc::Rc,
};

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use past::Past;
use recovered::{Recovered, Seen};

use super::{
    backends::{Crashes, Storage},
    history::{Call, Phase},
    run::{Place, Run},
    scenario::{Action, Crash},
    trace_hash::TraceHasher,
    verify::Verified,
    violation::Violation,
};
use crate::{model::subject::Subject, seam::Instant, sim::disk::ImageKind};

/// How crashes are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashCheck {
    /// How many images of one scenario are checked at most; four times as many
    /// of a store whose calls [write several records](Subject::WRITES_SEVERAL), but where
    /// it is one.
    pub most_images: u64,
    /// Of how many of them the clients go on, at most; as above.
    pub most_lives: usize,
    /// What a recovered state must be.
    pub recovery: Recovery,
}

impl Default for CrashCheck {
    fn default() -> Self {
        Self { most_images: 300, most_lives: 12, recovery: Recovery::Admissible }
    }
}

/// How many times as much is checked of a store whose calls [write several
/// records](Subject::WRITES_SEVERAL).
const TIMES_FOR_SEVERAL: u8 = 4;

/// What a recovered state must be.
///
/// Only the first is right. The others ask for more than any storage can give,
/// so that a campaign must refute them: if it does not, it does not come by the
/// crashes that matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Recovery {
    /// One that some admissible history explains.
    #[default]
    Admissible,
    /// Exactly what was there at the moment of the crash.
    ExactlyLatest,
    /// Exactly what the acknowledged calls left.
    ExactlyAcknowledged,
}

/// How many images one step has at most.
const MOST_IMAGES_A_STEP: u64 = 1_024;

/// And at least, however many steps there are.
const FEWEST_IMAGES_A_STEP: u64 = 6;

/// From how many times as many the images of a moment are chosen where no other one is looked
/// at, and there is room for a few alone.
const CHOICE: u64 = 16;

/// Which part of the images that are left a life after a crash may have.
const PART_OF_A_LIFE: u64 = 3;

/// Checks the crash points of a run that was recorded.
pub(super) fn check<S: Subject>(
    run: &Run<'_, S>,
    plan: &Crash<S::Op>,
    calls: &[Call<S>],
    io_steps: usize,
    verified: &mut Verified,
) {
    let mut explorer = Explorer::new(run);
    let life = Life { storage: &*run.storage, calls, io_steps, begun: None };
    let broken = explorer.explore(&life, plan);
    verified.crash_images = explorer.images;
    let mut digest = explorer.digest;
    digest.write_u64(verified.digest);
    verified.digest = digest.finish();
    if let Some(Broken { mut violation, moments }) = broken {
        let words: Vec<&str> = moments.iter().map(|moment| moment.words.as_str()).collect();
        violation.crash = Some(words.join("; and of what came next: "));
        verified.violation = Some(violation);
        verified.crashed = moments.into_iter().map(|moment| (moment.after, moment.image)).collect();
    }
}

/// What a process did with a storage until it crashed.
struct Life<'a, S: Subject> {
    storage: &'a dyn Storage,
    calls: &'a [Call<S>],
    io_steps: usize,
    /// The past that it began with, by its number; none: the first one.
    begun: Option<usize>,
}

impl<S: Subject> Life<'_, S> {
    /// How many calls had returned, and how many had begun, after so many
    /// steps: what a crash leaves is judged by nothing else.
    fn cut(&self, after: usize) -> (usize, usize) {
        let count = |is: fn(&Call<S>, usize) -> bool| {
            self.calls.iter().filter(|call| is(call, after)).count()
        };
        (
            count(|call, after| call.io_returned <= after),
            count(|call, after| call.io_invoked < after),
        )
    }
}

/// A broken promise, and the crashes that lead to it.
struct Broken {
    violation: Violation,
    moments: Vec<Moment>,
}

/// A crash.
struct Moment {
    after: usize,
    image: ImageKind,
    words: String,
}

/// Which past: that with this number, or none, and then a life's calls up to a
/// cut, ended by a loss of power or not.
type PastKey = (Option<usize>, usize, (usize, usize), bool);

struct Explorer<'a, S: Subject> {
    run: &'a Run<'a, S>,
    recovery: Recovery,
    most_lives: usize,
    random: Xoshiro256PlusPlus,
    /// What is asked of every image, and a few calls to see that it works.
    asked: Vec<S::Op>,
    pasts: Vec<Past<S>>,
    past_numbers: BTreeMap<PastKey, usize>,
    lives: usize,
    /// Which disks were checked after which past.
    seen: BTreeSet<(usize, u64)>,
    /// What came of opening each disk, at what time.
    known: BTreeMap<(u64, Instant), Recovered<S>>,
    /// What was seen of each one that was opened.
    opened: BTreeMap<(u64, Instant), Rc<Seen<S>>>,
    /// Which pasts explain what was seen.
    explained: BTreeSet<(usize, u64)>,
    images: u64,
    /// How many there may be until the life that is looked at is done with.
    limit: u64,
    digest: TraceHasher,
}

impl<'a, S: Subject> Explorer<'a, S> {
    fn new(run: &'a Run<'a, S>) -> Self {
        let mut asked = S::observations(run.scenario.operations());
        asked.extend(S::trial());
        let check = run.target.crashes;
        let is_of_several = S::WRITES_SEVERAL && check.most_images > 1;
        let times = if is_of_several { TIMES_FOR_SEVERAL } else { 1 };
        Self {
            run,
            recovery: check.recovery,
            most_lives: check.most_lives * usize::from(times),
            random: Xoshiro256PlusPlus::seed_from_u64(run.scenario.seed),
            asked,
            pasts: Vec::new(),
            past_numbers: BTreeMap::new(),
            lives: 0,
            seen: BTreeSet::new(),
            known: BTreeMap::new(),
            opened: BTreeMap::new(),
            explained: BTreeSet::new(),
            images: 0,
            limit: check.most_images * u64::from(times),
            digest: TraceHasher::default(),
        }
    }

    /// How many more images there may be.
    fn room(&self) -> u64 {
        self.limit.saturating_sub(self.images)
    }

    /// How many images a moment has at most, with so many moments to come. What
    /// others leave is for the later ones: many of them look alike.
    fn most_images(&self, moments: usize) -> u64 {
        let moments = u64::try_from(moments).unwrap_or(u64::MAX).max(1);
        (self.room() / moments * 2).clamp(FEWEST_IMAGES_A_STEP, MOST_IMAGES_A_STEP)
    }

    /// Tries the crashes of a life as the plan has them.
    fn explore(&mut self, life: &Life<'_, S>, plan: &Crash<S::Op>) -> Option<Broken> {
        self.lives += 1;
        let number = self.lives;
        let mut broken = None;
        life.storage.crashes(&mut |crashes| broken = self.walk(life, number, plan, crashes));
        broken
    }

    fn walk(
        &mut self,
        life: &Life<'_, S>,
        number: usize,
        plan: &Crash<S::Op>,
        crashes: &mut dyn Crashes,
    ) -> Option<Broken> {
        let pinned = plan.after_steps.map(|point| point.min(life.io_steps));
        let (mut matters, mut last_cut) = (true, None);
        loop {
            let after = crashes.position();
            let cut = life.cut(after);
            let is_wanted = match pinned {
                Some(point) => after == point,
                None => matters || last_cut != Some(cut),
            };
            if is_wanted {
                last_cut = Some(cut);
                let most = match pinned {
                    Some(_) => MOST_IMAGES_A_STEP.min(self.room().saturating_mul(CHOICE)),
                    None => self.most_images(life.io_steps.saturating_sub(after)),
                };
                let is_alone = pinned.is_some();
                let moment = At { life, number, cut, after, most, is_alone };
                if let Some(broken) = self.crash(&moment, plan, crashes) {
                    return Some(broken);
                }
            }
            matters = crashes.next_matters();
            if self.room() == 0 || pinned == Some(after) || !crashes.advance() {
                return None;
            }
        }
    }

    /// Tries the images of one moment.
    fn crash(
        &mut self,
        at: &At<'_, S>,
        plan: &Crash<S::Op>,
        crashes: &mut dyn Crashes,
    ) -> Option<Broken> {
        let mut kinds = match &plan.image {
            Some(image) => vec![image.clone()],
            None => crashes
                .kinds(usize::try_from(at.most).unwrap_or(usize::MAX), self.random.next_u64()),
        };
        if at.is_alone && self.room() < FEWEST_IMAGES_A_STEP && !kinds.is_empty() {
            // The plainest come first: they alone would ever be tried.
            let first = usize::try_from(self.random.next_u32()).unwrap_or(0) % kinds.len();
            kinds.rotate_left(first);
        }
        let mut latest = None;
        if self.recovery == Recovery::ExactlyLatest {
            let disk = crashes.image(&ImageKind::Everything);
            latest = self.recover(disk, crashes).map(|recovered| recovered.seen.digest);
        }
        for image in kinds {
            let disk = crashes.image(&image);
            let past = self.past(at, image.is_power_loss());
            if !self.seen.insert((past, disk)) {
                continue;
            }
            self.images += 1;
            let Some(recovered) = self.recover(disk, crashes) else { continue };
            let seen = &recovered.seen;
            self.digest.write_usize(at.after);
            self.digest.write_u64(disk);
            self.digest.write_u64(seen.digest);
            let mut broken = None;
            let is_explained = self.explained.contains(&(past, seen.digest));
            match self.judge(past, seen, is_explained, latest) {
                Some(violation) => broken = Some(Broken { violation, moments: Vec::new() }),
                None => {
                    self.explained.insert((past, seen.digest));
                    if self.goes_on(plan, recovered.changes) {
                        crashes.image(&image);
                        broken = self.live_on(plan, past, crashes.storage());
                    }
                }
            }
            if let Some(mut broken) = broken {
                let words = format!("{}, after {} I/O steps", crashes.describe(&image), at.after);
                broken.moments.insert(0, Moment { after: at.after, image, words });
                return Some(broken);
            }
            if self.room() == 0 {
                return None;
            }
        }
        None
    }

    /// The number of the past that a crash at this moment ends.
    fn past(&mut self, at: &At<'_, S>, power_lost: bool) -> usize {
        let begun = at.life.begun.and_then(|number| self.pasts.get(number));
        let (number, cut) = match begun {
            // Nothing was called yet: the past is that of the crash before.
            Some(past) if at.cut == (0, 0) && (past.power_lost || !power_lost) => {
                return at.life.begun.unwrap_or_default();
            }
            Some(_) if at.cut == (0, 0) => (0, at.cut),
            _ => (at.number, at.cut),
        };
        let key = (at.life.begun, number, cut, power_lost);
        if let Some(known) = self.past_numbers.get(&key) {
            return *known;
        }
        let past = Past::new(self.run, begun, at.life.calls, at.after, power_lost);
        self.pasts.push(past);
        let number = self.pasts.len() - 1;
        self.past_numbers.insert(key, number);
        number
    }

    /// Whether to see what the clients make of an image, and whether it crashes
    /// again: always where the plan names one, else now and then, and more often
    /// the more opening it had to do.
    fn goes_on(&mut self, plan: &Crash<S::Op>, changes: usize) -> bool {
        if plan.then.is_empty() && plan.again.is_none() {
            return false;
        }
        if plan.after_steps.is_some() && plan.image.is_some() {
            return true;
        }
        let one_in = match changes {
            0 => 24,
            1 | 2 => 8,
            _ => 1,
        };
        self.lives < self.most_lives && self.random.next_u32().is_multiple_of(one_in)
    }

    /// Goes on with an image, and lets that crash as the plan says.
    fn live_on(
        &mut self,
        plan: &Crash<S::Op>,
        past: usize,
        storage: Option<Box<dyn Storage>>,
    ) -> Option<Broken> {
        let storage = storage?;
        // It opened before, when it was looked at.
        let mut seat = self.run.seat(&*storage).ok()?;
        let mut moved = 0_i64;
        for (action, what) in plan.then.iter().enumerate() {
            match what {
                Action::Older(_) => continue,
                Action::AdvanceClock(seconds) => moved = moved.saturating_add(*seconds),
                Action::Call(_) | Action::Reopen { .. } => {}
            }
            let place = Place::after_a_crash(Phase::Recovered, action);
            self.run.alone(self.run.act(place, what, &mut seat)).ok()?.ok()?;
        }
        drop(seat);
        let calls = self.run.take_calls();
        let io_steps = storage.io_steps();
        let life = Life { storage: &*storage, calls: &calls, io_steps, begun: Some(past) };
        // Its end is looked at as if the process had been killed then.
        let end = Crash {
            after_steps: Some(io_steps),
            image: Some(ImageKind::Everything),
            then: Vec::new(),
            again: None,
        };
        let whole = self.limit;
        self.limit = self.images + self.room() / PART_OF_A_LIFE;
        let mut broken = self.explore(&life, &end);
        if let Some(broken) = &mut broken {
            broken.moments.clear();
        }
        let again = plan.again.as_deref();
        let broken = broken.or_else(|| again.and_then(|again| self.explore(&life, again)));
        self.limit = whole;
        self.run.clock.advance(moved.saturating_neg());
        broken
    }
}

/// A moment at which a life may crash.
struct At<'a, S: Subject> {
    life: &'a Life<'a, S>,
    /// The number of the life.
    number: usize,
    cut: (usize, usize),
    after: usize,
    /// How many images to try at most.
    most: u64,
    /// Whether no other moment of the life is looked at.
    is_alone: bool,
}
