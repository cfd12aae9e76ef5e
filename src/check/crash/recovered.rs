//! What is seen of an image, and whether it may be so.

use std::{hash::Hasher, rc::Rc};

use super::{Explorer, Recovery};
use crate::{
    check::{
        backends::Crashes,
        explain,
        history::{Call, Deed, Phase},
        linearize::linearize,
        run::Place,
        scenario::Action,
        trace_hash::TraceHasher,
        untouched::{Differing, Untouched},
        verify::{LEFT_OPEN, NO_END, is_left_open},
        violation::{Kind, Signature, Violation},
    },
    model::subject::{Subject, Verdict},
    seam::Error,
};

/// What was seen of an image that was opened anew.
pub(super) struct Recovered<S: Subject> {
    /// Why it could not be opened, or asked.
    failure: Option<Signature>,
    /// What was asked of it, and a few calls to see that it works.
    calls: Vec<Call<S>>,
    /// Files of initial storage that are not as they were.
    differing: Differing,
    /// A file of ours that should be gone once a storage was opened.
    leftover: Option<String>,
    /// Whether opening it changed anything.
    pub(super) had_work: bool,
    /// The same where the same was seen.
    pub(super) digest: u64,
}

impl<S: Subject> Explorer<'_, S> {
    /// Opens the image that was made last, and looks at it; `disk` is its
    /// digest. What was seen before is not looked at again.
    pub(super) fn recover(&mut self, disk: u64, crashes: &mut dyn Crashes) -> Rc<Recovered<S>> {
        let key = (disk, self.run.clock.peek());
        if let Some(known) = self.known.get(&key) {
            return Rc::clone(known);
        }
        let recovered = Rc::new(self.look_at(crashes));
        self.known.insert(key, Rc::clone(&recovered));
        recovered
    }

    fn look_at(&self, crashes: &mut dyn Crashes) -> Recovered<S> {
        let mut recovered = Recovered {
            failure: None,
            calls: Vec::new(),
            differing: Differing::default(),
            leftover: None,
            had_work: false,
            digest: 0,
        };
        let Some(storage) = crashes.storage() else { return recovered };
        let asked = self.run.seat(&*storage).and_then(|mut seat| {
            recovered.had_work = storage.changes() > 0;
            for (action, op) in self.asked.iter().enumerate() {
                let place = Place::after_a_crash(Phase::Afterwards, action);
                let call = Action::Call(op.clone());
                self.run.alone(self.run.act(place, &call, &mut seat))??;
            }
            Ok::<(), Error>(())
        });
        recovered.failure = asked.err().map(|error| match self.run.is_endless() {
            true => Signature { kind: Kind::NoEnd, rule: NO_END.to_owned() },
            false => Signature { kind: Kind::Opening, rule: error.to_string() },
        });
        recovered.calls = self.run.take_calls();
        recovered.differing = Untouched::<S>::of(self.run.scenario).differing(&*storage);
        recovered.leftover = storage.leftover();
        let mut digest = TraceHasher::default();
        for call in &recovered.calls {
            if let Deed::Call { seen: Some(seen), .. } = &call.deed {
                seen.digest(&mut digest);
            }
        }
        let failure = recovered.failure.as_ref().map(|failure| &failure.rule);
        for part in failure.into_iter().chain(&recovered.leftover) {
            digest.write(part.as_bytes());
        }
        recovered.digest = digest.finish();
        recovered
    }

    /// What is wrong with what was seen after this past. `latest` is what a kill
    /// at the same moment would have left, where that is asked for.
    pub(super) fn judge(
        &mut self,
        past: usize,
        recovered: &Recovered<S>,
        is_explained: bool,
        latest: Option<u64>,
    ) -> Option<Violation> {
        let told = |signature| Violation { signature, steps: Vec::new(), crash: None };
        if let Some(failure) = &recovered.failure {
            return Some(told(failure.clone()));
        }
        let past = self.pasts.get(past)?;
        let mut history: Vec<Call<S>> = Vec::new();
        if !is_explained {
            history.extend(past.calls.iter().cloned());
            if self.check.recovery == Recovery::ExactlyAcknowledged {
                history.retain(|call| !call.is_optional());
            }
            history.extend(recovered.calls.iter().cloned().map(|call| Call {
                invoked: self.run.tick(),
                returned: self.run.tick(),
                ..call
            }));
            let divergences = self.run.target.divergences;
            if let Err(unexplained) = linearize(&history, &self.run.initial, divergences) {
                return Some(explain::history(Kind::Crash, &history, &unexplained));
            }
            if recovered.calls.iter().any(is_left_open) {
                let rule = LEFT_OPEN.to_owned();
                return Some(told(Signature { kind: Kind::Crash, rule }));
            }
        }
        if latest.is_some_and(|latest| latest != recovered.digest) {
            let rule = "what is recovered is exactly what was there".to_owned();
            return Some(told(Signature { kind: Kind::Crash, rule }));
        }
        if let Some(path) = &recovered.leftover {
            let rule = format!("nothing of an interrupted call outlives an opening: {path}");
            let violation = told(Signature { kind: Kind::Leftover, rule });
            return Some(explain::with_steps(violation, &past.calls));
        }
        if recovered.differing.is_empty() {
            return None;
        }
        let mut untouched = Untouched::of(self.run.scenario);
        untouched.followed(&past.calls);
        untouched.followed(&recovered.calls);
        let violation = untouched.violation_among(&recovered.differing)?;
        Some(explain::with_steps(violation, &past.calls))
    }
}
