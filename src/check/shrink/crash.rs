//! Simpler crashes: fewer of them, with less done between them, that leave
//! something plainer.

use super::{Counterexample, Shrinker};
use crate::{
    check::scenario::{Action, Crash, Scenario},
    model::subject::{Operation, Subject},
    sim::disk::ImageKind,
};

/// How much there is to say about the crashes of a scenario.
pub(super) fn weight<Op: Operation>(scenario: &Scenario<Op>) -> usize {
    scenario.crashes().map(|crash| 1 + crash.image.as_ref().map_or(0, complexity)).sum()
}

fn complexity(image: &ImageKind) -> usize {
    match image {
        ImageKind::Everything => 0,
        ImageKind::NothingUnsynced => 1,
        ImageKind::Dropped(dropped) => 2 + 2 * dropped.len(),
        ImageKind::Kept(kept) => 3 + 2 * kept.len(),
        ImageKind::Torn { kept, .. } => 100 + 2 * kept.len(),
    }
}

/// Images that are plainer and much like it.
fn plainer(image: &ImageKind) -> Vec<ImageKind> {
    let without = |list: &[u32]| -> Vec<Vec<u32>> {
        let gone = list.iter().map(|gone| list.iter().filter(|k| *k != gone).copied().collect());
        gone.collect()
    };
    match image {
        ImageKind::Everything | ImageKind::NothingUnsynced => Vec::new(),
        ImageKind::Kept(kept) => without(kept).into_iter().map(ImageKind::Kept).collect(),
        ImageKind::Dropped(lost) => without(lost).into_iter().map(ImageKind::Dropped).collect(),
        ImageKind::Torn { kept, write, tear } => {
            let mut whole = kept.clone();
            whole.push(*write);
            let mut images = vec![ImageKind::Kept(whole), ImageKind::Kept(kept.clone())];
            let fewer = without(kept).into_iter();
            images.extend(fewer.map(|kept| ImageKind::Torn { kept, write: *write, tear: *tear }));
            images
        }
    }
}

/// The crash number `level`, the first being 0.
fn crash_at<Op>(scenario: &mut Scenario<Op>, level: usize) -> Option<&mut Crash<Op>> {
    let mut crash = scenario.crash.as_mut()?;
    for _ in 0..level {
        crash = crash.again.as_deref_mut()?;
    }
    Some(crash)
}

impl<S: Subject> Shrinker<'_, S> {
    pub(super) fn simplify_crashes(&mut self, best: &mut Counterexample<S::Op>) {
        self.remove_crashes(best);
        let mut level = 0;
        while level < best.scenario.crashes().count() && !self.is_exhausted() {
            self.remove_what_follows(best, level);
            self.plain_images(best, level);
            level += 1;
        }
    }

    /// All of them, or the first one, with what was done between.
    fn remove_crashes(&mut self, best: &mut Counterexample<S::Op>) {
        while let Some(crash) = best.scenario.crash.clone() {
            let mut fewer = best.scenario.clone();
            fewer.crash = None;
            if self.take(best, fewer) {
                return;
            }
            let again = crash.again.map_or_else(Crash::default, |again| *again);
            let mut fewer = best.scenario.clone();
            fewer.crash = Some(again);
            // What came after the crash may be all that there is to it.
            let mut later = fewer.clone();
            later.setup.clear();
            later.clients = vec![crash.then];
            if !self.take(best, fewer) && !self.take(best, later) {
                return;
            }
        }
    }

    /// What a client does after a crash: fewer actions, and simpler ones.
    fn remove_what_follows(&mut self, best: &mut Counterexample<S::Op>, level: usize) {
        let mut place = 0;
        loop {
            let mut fewer = best.scenario.clone();
            let Some(crash) = crash_at(&mut fewer, level) else { return };
            let Some(action) = crash.then.get(place).cloned() else { return };
            crash.then.remove(place);
            if self.take(best, fewer) {
                continue;
            }
            let Action::Call(op) = action else {
                place += 1;
                continue;
            };
            let simpler = op.simpler().into_iter().any(|simpler| {
                let mut candidate = best.scenario.clone();
                let crash = crash_at(&mut candidate, level);
                if let Some(slot) = crash.and_then(|crash| crash.then.get_mut(place)) {
                    *slot = Action::Call(simpler);
                }
                !self.is_exhausted() && self.take(best, candidate)
            });
            place += usize::from(!simpler);
        }
    }

    fn plain_images(&mut self, best: &mut Counterexample<S::Op>, level: usize) {
        // The plainest first, at whatever moment.
        for plain in ImageKind::ALL {
            let mut candidate = best.scenario.clone();
            let Some(crash) = crash_at(&mut candidate, level) else { return };
            (crash.after_steps, crash.image) = (None, Some(plain));
            if self.take_as_it_is(best, &candidate) {
                return;
            }
        }
        loop {
            let mut candidate = best.scenario.clone();
            let image = crash_at(&mut candidate, level).and_then(|crash| crash.image.clone());
            let taken = image.iter().flat_map(plainer).any(|plainer| {
                let mut candidate = best.scenario.clone();
                if let Some(crash) = crash_at(&mut candidate, level) {
                    crash.image = Some(plainer);
                }
                !self.is_exhausted() && self.take_as_it_is(best, &candidate)
            });
            if !taken {
                return;
            }
        }
    }
}
