//! The catalogue of planted bugs: real defects that the harness must find.
//!
//! Each was found by a reviewer of one of two real persistence refactorings, and
//! is planted as it was made, in the shape that our design gives it: a wrong
//! implementation of one call, or a flaw of the collection, the backend or the
//! file system below a sound store. Production code carries no switches. Where our
//! design makes the original mistake impossible to write, the nearest one with
//! the same symptom is planted, and its description says so.
//!
//! A bug is one small file, in the folder of the store that it is in, and one
//! line in [`catalogue`]. [`hunt`] looks for it.

mod api_keys;
pub mod beyond;
pub mod catalogue;
mod collection;
pub mod flawed_store;
pub mod flaws;
pub mod hunt;
mod plant;
mod rerouted;
mod secrets;
mod sessions;
mod users;
mod watermark;
mod webhooks;
mod worker_heartbeats;
mod workspace;

pub use plant::Planted;

/// A planted bug.
pub struct Bug {
    /// Its name in the catalogue; stable.
    pub id: &'static str,
    /// What goes wrong.
    pub title: &'static str,
    /// What kind of mistake it is.
    pub class: &'static str,
    /// What the harness must be able to do to see it.
    pub needs: Needs,
    /// The mistake, and what our design made of it.
    pub description: &'static str,
    /// The bug itself.
    pub planted: &'static dyn Planted,
}

/// What the harness must be able to do to see a bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Needs {
    /// One call after the other.
    Sequence,
    /// Strange ids, prefixes or data.
    AdversarialIds,
    /// Listings of several pages.
    SmallPages,
    /// What older software left.
    SeededFiles,
    /// Calls that overlap.
    Interleaving,
    /// A storage that fails.
    Fault,
}

impl Needs {
    /// In words.
    #[must_use]
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Sequence => "sequence",
            Self::AdversarialIds => "adversarial ids or data",
            Self::SmallPages => "small pages",
            Self::SeededFiles => "seeded files",
            Self::Interleaving => "interleaving",
            Self::Fault => "fault",
        }
    }
}
