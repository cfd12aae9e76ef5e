//! Declared divergences: what an implementation may do differently without
//! being in the wrong. This table is the only place that says so.

use std::fmt;

/// One permitted difference from the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Divergence {
    /// See [`Divergence::permits`].
    CreatedAtOnPut,
    /// See [`Divergence::permits`].
    ExpiryIgnored,
    /// See [`Divergence::permits`].
    ListUnbounded,
    /// See [`Divergence::permits`].
    StaleReads,
}

impl Divergence {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::CreatedAtOnPut, Self::ExpiryIgnored, Self::ListUnbounded, Self::StaleReads];

    /// The name for `--allow` and for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreatedAtOnPut => "created_at_on_put",
            Self::ExpiryIgnored => "expiry_ignored",
            Self::ListUnbounded => "list_unbounded",
            Self::StaleReads => "stale_reads",
        }
    }

    /// What it permits.
    #[must_use]
    pub const fn permits(self) -> &'static str {
        match self {
            Self::CreatedAtOnPut => "a put over a record replaces its created_at",
            Self::ExpiryIgnored => "expires_at is stored, but records never expire",
            Self::ListUnbounded => "a page may hold more records than its limit",
            Self::StaleReads => {
                "a read of a working set gives what was there before others changed it, until a \
                 refresh or a refused write (always permitted, and only, in working_sets)"
            }
        }
    }

    /// The divergence of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|divergence| divergence.name() == name)
    }
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The divergences that are permitted in a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Divergences(Vec<Divergence>);

impl Divergences {
    /// Permits these.
    #[must_use]
    pub fn of(mut permitted: Vec<Divergence>) -> Self {
        permitted.sort_unstable();
        permitted.dedup();
        Self(permitted)
    }

    /// Permits these as well.
    #[must_use]
    pub fn with(&self, more: &[Divergence]) -> Self {
        Self::of([&self.0, more].concat())
    }

    /// Whether this one is permitted.
    #[must_use]
    pub fn permit(&self, divergence: Divergence) -> bool {
        self.0.contains(&divergence)
    }

    /// The permitted ones, in order.
    pub fn iter(&self) -> impl Iterator<Item = Divergence> {
        self.0.iter().copied()
    }
}
