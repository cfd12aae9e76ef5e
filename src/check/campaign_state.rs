//! What a campaign has done so far, so that it can go on after it was interrupted:
//! `campaign.json`.
//!
//! Fresh cases are a function of the seed and their number: it is enough to know how
//! many were done. Those made from the corpus are as many as their number says, too;
//! the corpus itself lies beside this file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    campaign::WayOfFailing,
    findings::{CellFindings, Found},
    one_line::one_line,
    registry::StoreUnderTest,
    regression::RegressionResult,
    schema::unreadable_schema,
    shard::Shard,
    totals::Totals,
};

/// The version of the format that this program writes, and the only one that it reads.
pub const SCHEMA: u64 = 1;

/// The state of a campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CampaignState {
    /// [`SCHEMA`].
    pub schema: u64,
    /// What it is a campaign of.
    #[serde(flatten)]
    pub identity: Identity,
    /// How long it ran, in seconds.
    pub seconds: f64,
    /// How often `check::calibration`'s work was done in a second when it ran last, for the
    /// times of its cells. None: nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<f64>,
    /// Whether it ran for all the time that it was given.
    pub finished: bool,
    /// What came of saved scenarios.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub regressions: Vec<RegressionResult>,
    /// One for each store on each backend.
    pub cells: Vec<CellState>,
}

/// What must be the same for a campaign to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The version of storeproof.
    pub version: String,
    /// Tells the program from other builds of the same version: what the stores of one did
    /// is nothing that those of another one do. Empty: nobody knows.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub program: String,
    /// The seed of all cases.
    pub seed: u64,
    /// The profile's name.
    pub profile: String,
    /// Which part of the campaign it is, like `2/5`.
    pub shard: String,
    /// The divergences that are permitted.
    pub allowed: Vec<String>,
}

/// What came of a store on a backend so far.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CellState {
    /// The store.
    pub store: String,
    /// The backend.
    pub backend: String,
    /// How many fresh cases were done.
    pub fresh: u64,
    /// How many cases made from the corpus were done.
    pub mutated: u64,
    /// How many calls the fresh ones made.
    pub fresh_operations: u64,
    /// How long these took of a processor, in seconds.
    pub fresh_seconds: f64,
    /// What all of them did.
    #[serde(flatten)]
    pub totals: Totals,
    /// Of all cases, in hexadecimal.
    pub trace_hash: String,
    /// How often each `operation:outcome` was reached.
    pub reached: BTreeMap<String, u64>,
    /// The ways of failing that were looked at.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ways: Vec<WayOfFailing>,
    /// The counterexamples, whose replay files lie beside this file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found: Vec<Found>,
}

/// Why a text is not the state of a campaign, or not of this one.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// It is no JSON object, or one without what it needs.
    #[error("not the state of a campaign: {}", one_line(&.0.to_string()))]
    Malformed(#[from] serde_json::Error),
    /// It has another version.
    #[error(
        "it has schema version {}; this release of storeproof reads version {SCHEMA}",
        one_line(.0)
    )]
    Schema(String),
    /// Something in it can't be.
    #[error("not the state of a campaign: {}", one_line(.0))]
    Impossible(String),
    /// It is the state of another campaign.
    #[error("it is of a campaign with {}, and not with {}", one_line(found), one_line(expected))]
    Other {
        /// What it has.
        found: String,
        /// What it should have.
        expected: String,
    },
    /// It is the state of a campaign that another program ran.
    #[error("it is of another build of storeproof: what its stores did, this one's may not do")]
    OtherProgram,
}

impl CampaignState {
    /// Reads the text of a state.
    ///
    /// # Errors
    /// When it is none.
    pub fn read(text: &str) -> Result<Self, StateError> {
        if let Some(found) = unreadable_schema(text, SCHEMA..=SCHEMA)? {
            return Err(StateError::Schema(found));
        }
        let state: Self = serde_json::from_str(text)?;
        let impossible = |what: &str| Err(StateError::Impossible(what.to_owned()));
        if Shard::parse(&state.identity.shard).is_err() {
            return impossible("its shard is none");
        }
        let is_time = |seconds: f64| (0.0..1e12).contains(&seconds);
        if !is_time(state.seconds) || !state.cells.iter().all(|cell| is_time(cell.fresh_seconds)) {
            return impossible("a time in it is none");
        }
        if !state.calibration.is_none_or(|per_second| (1e-6..1e12).contains(&per_second)) {
            return impossible("its calibration is none");
        }
        if state.cells.iter().any(|cell| cell.fresh.max(cell.mutated) > MOST_CASES) {
            return impossible("it has more cases than can have been run");
        }
        Ok(state)
    }

    /// The text of `campaign.json`.
    ///
    /// # Errors
    /// Never: everything in it can be JSON.
    pub fn to_text(&self) -> Result<String, StateError> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Whether a campaign of `identity`, on these stores and backends, may go on from
    /// here.
    ///
    /// # Errors
    /// [`StateError::Other`] or [`StateError::OtherProgram`] where it may not.
    pub fn must_be_of(
        &self,
        identity: &Identity,
        cells: &[(&str, &str)],
    ) -> Result<(), StateError> {
        let differ = |what: &str, found: &str, expected: &str| {
            Err(StateError::Other {
                found: format!("{what} {found}"),
                expected: expected.to_owned(),
            })
        };
        let own = &self.identity;
        if own.version != identity.version {
            return differ("version", &own.version, &identity.version);
        }
        if own.program != identity.program {
            return Err(StateError::OtherProgram);
        }
        if own.seed != identity.seed {
            return differ("seed", &own.seed.to_string(), &identity.seed.to_string());
        }
        if own.profile != identity.profile {
            return differ("profile", &own.profile, &identity.profile);
        }
        if own.shard != identity.shard {
            return differ("shard", &own.shard, &identity.shard);
        }
        if own.allowed != identity.allowed {
            let list = |names: &[String]| format!("[{}]", names.join(" "));
            return differ("divergences", &list(&own.allowed), &list(&identity.allowed));
        }
        let its: Vec<(&str, &str)> =
            self.cells.iter().map(|cell| (&*cell.store, &*cell.backend)).collect();
        if its != cells {
            let list = |cells: &[(&str, &str)]| {
                let first = cells.iter().find(|cell| !its.contains(cell) || its.len() == 1);
                let first = first.or(cells.first());
                let first = first.map_or(String::new(), |(store, backend)| {
                    format!(", such as {store} on {backend}")
                });
                format!("{} stores on backends{first}", cells.len())
            };
            return Err(StateError::Other { found: list(&its), expected: list(cells) });
        }
        Ok(())
    }
}

/// How many cases a campaign can have had: a thousand years of a million a second.
const MOST_CASES: u64 = 1 << 55;

impl CellState {
    /// The state of a store on a backend.
    #[must_use]
    pub fn of(
        (store, backend): (&str, &str),
        (fresh, mutated): (u64, u64),
        (fresh_operations, fresh_seconds): (u64, f64),
        findings: &CellFindings,
    ) -> Self {
        Self {
            store: store.to_owned(),
            backend: backend.to_owned(),
            fresh,
            mutated,
            fresh_operations,
            fresh_seconds,
            totals: findings.totals,
            trace_hash: format!("{:016x}", findings.trace_hash),
            reached: findings.reached.table(),
            ways: findings.ways.clone(),
            found: findings.counterexamples.clone(),
        }
    }

    /// What was found so far; without the texts of replay files.
    ///
    /// # Errors
    /// When it names an outcome that the store does not have, or its hash is none.
    pub fn findings(&self, store: &dyn StoreUnderTest) -> Result<CellFindings, StateError> {
        let mut reached = store.nothing_reached();
        for (name, count) in &self.reached {
            if !reached.add_named(name, *count) {
                let what = format!("{} has no outcome {name:?}", self.store);
                return Err(StateError::Impossible(what));
            }
        }
        let trace_hash = u64::from_str_radix(&self.trace_hash, 16)
            .map_err(|_| StateError::Impossible("a trace hash in it is none".to_owned()))?;
        Ok(CellFindings {
            cases: self.fresh.saturating_add(self.mutated),
            totals: self.totals,
            reached,
            trace_hash,
            ways: self.ways.clone(),
            counterexamples: self.found.clone(),
        })
    }
}
