//! A violation, ready to be read.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What kind of promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A call alone returned what the model does not allow.
    Outcome,
    /// No order of the concurrent calls explains what they returned.
    NotLinearizable,
    /// What a crash left is not what it may leave.
    Crash,
    /// A file changed that no call was about.
    OtherFiles,
    /// What an interrupted call left is still there after recovery.
    Leftover,
    /// The storage could not be opened.
    Opening,
    /// The clients wait for each other.
    Deadlock,
    /// A call goes on for ever.
    NoEnd,
    /// The store panicked.
    Panic,
}

impl Kind {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Outcome => "wrong outcome",
            Self::NotLinearizable => "no order of the calls explains the outcomes",
            Self::Crash => "wrong state after a crash",
            Self::OtherFiles => "a file changed that no call was about",
            Self::Leftover => "a leftover outlives recovery",
            Self::Opening => "the storage does not open",
            Self::Deadlock => "deadlock",
            Self::NoEnd => "a call does not come to an end",
            Self::Panic => "panic",
        }
    }
}

/// What tells violations apart while a scenario is made smaller: it must stay
/// the same failure.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Signature {
    /// The kind of promise.
    pub kind: Kind,
    /// The rule of the model that broke.
    pub rule: String,
}

/// A broken promise, with the steps that lead to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// What broke.
    #[serde(flatten)]
    pub signature: Signature,
    /// The steps, in the order in which they began.
    pub steps: Vec<Step>,
    /// Where a crash came, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash: Option<String>,
}

/// One row of the table of steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Who: `setup`, a client's number, `then` (who goes on after a crash), or
    /// `after`.
    pub client: String,
    /// What was called.
    pub operation: String,
    /// What the model expected; the same as `got` where it agreed.
    pub expected: String,
    /// What came back.
    pub got: String,
    /// Whether this is where no explanation goes on.
    pub broken: bool,
}

impl Signature {
    /// Whether it may be the same mistake that shows. Of concurrent calls and of
    /// crashes the rule says only where the longest explanation ended, and of
    /// other files it names one: there, the kind decides.
    #[must_use]
    pub fn resembles(&self, other: &Self) -> bool {
        let is_known_by_its_rule =
            !matches!(self.kind, Kind::NotLinearizable | Kind::Crash | Kind::OtherFiles);
        self.kind == other.kind && (self.rule == other.rule || !is_known_by_its_rule)
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.describe(), self.rule)
    }
}
