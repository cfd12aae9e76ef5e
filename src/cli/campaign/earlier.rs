//! What an earlier campaign has left in the output directory.

use std::{fmt::Display, fs::File, time::Duration};

use super::super::{files::OutputDirectory, usage::Failure};
use crate::check::campaign_state::CampaignState;

/// The file with the state.
pub(super) const STATE: &str = "campaign.json";
const LOCK: &str = "campaign.lock";

/// What there is in the output directory.
pub(in crate::cli) struct Earlier {
    /// The state of the campaign that goes on; none: a new one begins.
    pub(super) state: Option<CampaignState>,
    /// After one that is over, which ran for so many seconds.
    pub(super) over: Option<f64>,
    /// Held as long as the campaign runs.
    pub(super) lock: File,
}

impl Earlier {
    /// Looks what there is.
    pub(in crate::cli) fn read(output: &OutputDirectory, time: Duration) -> Result<Self, Failure> {
        let place = output.path("").display().to_string();
        let Some(lock) = output.lock(LOCK)? else {
            return Err(Failure::new(format!("another campaign runs in {place}")));
        };
        let Some(text) = output.read(STATE)? else { return Ok(Self::nothing(lock)) };
        let state = CampaignState::read(&text).map_err(|error| does_not_fit(output, &error))?;
        let ran = Duration::try_from_secs_f64(state.seconds).unwrap_or(Duration::MAX);
        Ok(if ran < time || !state.finished {
            Self { state: Some(state), ..Self::nothing(lock) }
        } else {
            Self { over: Some(state.seconds), ..Self::nothing(lock) }
        })
    }

    const fn nothing(lock: File) -> Self {
        Self { state: None, over: None, lock }
    }

    /// The seed of the campaign that goes on.
    pub(in crate::cli) fn seed(&self) -> Option<u64> {
        self.state.as_ref().map(|state| state.identity.seed)
    }
}

/// The state in the directory is not that of this campaign.
pub(super) fn does_not_fit(output: &OutputDirectory, problem: &dyn Display) -> Failure {
    Failure::new(format!(
        "{}: {problem} (to begin anew, remove it or give another --out)",
        output.path(STATE).display()
    ))
}
