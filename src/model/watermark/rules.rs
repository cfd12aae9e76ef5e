//! The contract of the watermark store: what every call must return, and what
//! it leaves. Sentences in quotation marks are the contract's.

use super::{
    operation::{StateData, WatermarkOp},
    outcome::{WatermarkProblem, WatermarkSeen},
    read::{empty, read},
};
use crate::model::{failure::Failure, payload::PayloadInput, subject::Broken};

/// The state of the watermark store: what was saved last, or left by older
/// software, byte for byte.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct WatermarkModel {
    /// None: nothing yet.
    pub stored: Option<PayloadInput>,
}

impl WatermarkModel {
    /// "`load` gives an empty state where there is none, and where it is
    /// damaged or newer than we know": the state, and whether it is the latter.
    fn loaded(&self) -> (StateData, bool) {
        match &self.stored {
            None => (empty(), false),
            Some(stored) => match read(stored.payload().bytes()) {
                Some(state) => (state, false),
                None => (empty(), true),
            },
        }
    }
}

type Verdict = Result<(), Broken<WatermarkSeen>>;

/// Judges what a call returned, and brings the model to the state after it.
pub(super) fn step(model: &mut WatermarkModel, op: &WatermarkOp, seen: &WatermarkSeen) -> Verdict {
    match op {
        WatermarkOp::Load => {
            let (state, unusable) = model.loaded();
            let rule = "load gives the state that was saved last, in the present version; an empty one where there is none that can be used, and says so";
            gives(seen, WatermarkSeen::State { state: Box::new(state), unusable }, rule)
        }
        WatermarkOp::Save { state } if !is_object(state) => {
            let refused = WatermarkSeen::Failed(Failure::refused(WatermarkProblem::InvalidState));
            gives(seen, refused, "only a JSON object can be saved")
        }
        WatermarkOp::Save { state } => {
            gives(seen, WatermarkSeen::Done, "save stores any JSON object, of any version")?;
            model.stored = Some(state.clone());
            Ok(())
        }
    }
}

fn gives(seen: &WatermarkSeen, expected: WatermarkSeen, rule: &'static str) -> Verdict {
    if *seen == expected { Ok(()) } else { Err(Broken { expected: Box::new(expected), rule }) }
}

fn is_object(state: &PayloadInput) -> bool {
    let is_open = |byte: &&u8| !byte.is_ascii_whitespace();
    state.is_json() && state.payload().bytes().iter().find(is_open) == Some(&b'{')
}

/// The state that a call may leave, if it leaves another one.
pub(super) fn outcomes_unseen(model: &WatermarkModel, op: &WatermarkOp) -> Vec<WatermarkModel> {
    let mut states = Vec::new();
    if let WatermarkOp::Save { state } = op
        && is_object(state)
    {
        states.push(WatermarkModel { stored: Some(state.clone()) });
    }
    states.retain(|state| state != model);
    states
}

/// "The old bytes go to quarantine before the next `save` replaces them":
/// meanwhile there is nothing.
pub(super) fn partial_steps(model: &WatermarkModel, op: &WatermarkOp) -> Vec<WatermarkModel> {
    match op {
        WatermarkOp::Save { state } if is_object(state) && model.loaded().1 => {
            vec![WatermarkModel { stored: None }]
        }
        _ => Vec::new(),
    }
}
