//! What is seen of an image, and whether it may be so.

use std::{hash::Hasher, rc::Rc};

use super::{Explorer, Recovery};
use crate::{
    check::{
        backends::{Crashes, Storage},
        explain, faults,
        history::{Call, Deed, Phase},
        run::{Place, Seat},
        scenario::Action,
        trace_hash::TraceHasher,
        untouched::{Differing, Untouched},
        verify::NO_END,
        violation::{Kind, Signature, Violation},
    },
    model::subject::{Handle, Subject, Verdict},
    seam::Error,
};

/// What was found out about an image.
pub(super) struct Recovered<S: Subject> {
    /// How many changes opening it made.
    pub(super) changes: usize,
    pub(super) seen: Rc<Seen<S>>,
}

impl<S: Subject> Clone for Recovered<S> {
    fn clone(&self) -> Self {
        Self { changes: self.changes, seen: Rc::clone(&self.seen) }
    }
}

/// What was seen of a storage that was opened anew.
pub(super) struct Seen<S: Subject> {
    /// Why it could not be opened, or asked.
    failure: Option<Signature>,
    /// What was asked of it, and a few calls to see that it works.
    calls: Vec<Call<S>>,
    /// Files of initial storage that are not as they were.
    differing: Differing,
    /// A file of ours that should be gone once a storage was opened.
    leftover: Option<String>,
    /// The same where the same was seen.
    pub(super) digest: u64,
}

impl<S: Subject> Explorer<'_, S> {
    /// Opens the image that was made last, and looks at it; `disk` is its
    /// digest. Neither is done again where it is known what comes of it. None:
    /// the image was given away.
    pub(super) fn recover(&mut self, disk: u64, crashes: &mut dyn Crashes) -> Option<Recovered<S>> {
        let now = self.run.clock.peek();
        if let Some(known) = self.known.get(&(disk, now)) {
            return Some(known.clone());
        }
        let storage = crashes.storage()?;
        let seat = self.run.seat(&*storage);
        let changes = storage.changes();
        let opened = storage.digest().filter(|_| seat.is_ok()).map(|opened| (opened, now));
        let known = opened.and_then(|opened| self.opened.get(&opened).cloned());
        let seen = known.unwrap_or_else(|| Rc::new(self.look_at(&*storage, seat)));
        if let Some(opened) = opened {
            self.opened.insert(opened, Rc::clone(&seen));
        }
        let recovered = Recovered { changes, seen };
        self.known.insert((disk, now), recovered.clone());
        Some(recovered)
    }

    /// Asks a storage that was opened for everything, and tries it.
    fn look_at(&self, storage: &dyn Storage, seat: Result<Seat<'_, S>, Error>) -> Seen<S> {
        let asked = seat.and_then(|mut seat| {
            for (action, op) in self.asked.iter().enumerate() {
                let place = Place::after_a_crash(Phase::Afterwards, action);
                let call = Action::Call(op.clone());
                self.run.alone(self.run.act(place, &call, &mut seat))??;
            }
            Ok(())
        });
        let failure = asked.err().map(|error| match self.run.is_endless() {
            true => Signature { kind: Kind::NoEnd, rule: NO_END.to_owned() },
            false => Signature { kind: Kind::Opening, rule: error.to_string() },
        });
        let calls = self.run.take_calls();
        let leftover = storage.leftover();
        let mut digest = TraceHasher::default();
        for call in &calls {
            if let Deed::Call { seen: Some(seen), .. } = &call.deed {
                seen.digest(&mut digest);
            }
        }
        let rule = failure.as_ref().map(|failure| &failure.rule);
        for part in rule.into_iter().chain(&leftover) {
            digest.write(part.as_bytes());
        }
        Seen {
            failure,
            calls,
            differing: Untouched::<S>::of(self.run.scenario).differing(storage),
            leftover,
            digest: digest.finish(),
        }
    }

    /// What is wrong with what was seen after this past. `latest` is what a kill
    /// at the same moment would have left, where that is asked for.
    pub(super) fn judge(
        &mut self,
        past: usize,
        seen: &Seen<S>,
        is_explained: bool,
        latest: Option<u64>,
    ) -> Option<Violation> {
        let told = |signature| Violation { signature, steps: Vec::new(), crash: None };
        if let Some(failure) = &seen.failure {
            return Some(told(failure.clone()));
        }
        let past = self.pasts.get(past)?;
        let mut history: Vec<Call<S>> = Vec::new();
        if !is_explained {
            history.extend(past.calls.iter().cloned());
            if self.recovery == Recovery::ExactlyAcknowledged {
                history.retain(|call| !call.is_optional());
            }
            // What was seen once stands for all that look alike: it was seen just now.
            let opened = self.run.tick();
            history.extend(seen.calls.iter().cloned().map(|call| Call {
                handle: Handle { opened, ..call.handle },
                invoked: self.run.tick(),
                returned: self.run.tick(),
                ..call
            }));
            let divergences = self.run.target.divergences;
            if let Err(unexplained) = faults::linearize(&history, &self.run.initial, divergences) {
                return Some(explain::history(Kind::Crash, &history, &unexplained));
            }
            let first = history.len() - seen.calls.len();
            let recovered = history.get(first..).unwrap_or_default();
            if let Some(unjustified) = faults::unjustified(recovered) {
                let unjustified = unjustified.after(first);
                return Some(explain::unjustified(Kind::Crash, &history, &unjustified));
            }
        }
        if latest.is_some_and(|latest| latest != seen.digest) {
            let rule = "what is recovered is exactly what was there".to_owned();
            return Some(told(Signature { kind: Kind::Crash, rule }));
        }
        if let Some(path) = &seen.leftover {
            let rule = format!("nothing of an interrupted call outlives an opening: {path}");
            let violation = told(Signature { kind: Kind::Leftover, rule });
            return Some(explain::with_steps(violation, &past.calls));
        }
        if seen.differing.is_empty() {
            return None;
        }
        let mut untouched = Untouched::of(self.run.scenario);
        untouched.followed(&past.calls);
        untouched.followed(&seen.calls);
        let violation = untouched.violation_among(&seen.differing)?;
        Some(explain::with_steps(violation, &past.calls))
    }
}
