//! A store some calls of which go to another one.

use std::sync::Arc;

use crate::model::subject::Subject;

/// Two stores over one collection: a flawed one for some calls, a sound one for
/// all others.
pub(super) struct Rerouted<T: ?Sized> {
    pub(super) sound: Arc<T>,
    pub(super) flawed: Arc<T>,
    /// The calls that go to the flawed one, as the store's
    /// [`Subject::OPERATIONS`] name them.
    pub(super) calls: &'static [&'static str],
}

impl<T: ?Sized> Rerouted<T> {
    /// The store that a call goes to.
    pub(super) fn of(&self, call: &str) -> &T {
        if self.calls.contains(&call) { &self.flawed } else { &self.sound }
    }
}

/// A store whose calls can be rerouted, each by its name.
pub(super) trait Reroute: Subject {
    /// The two stores as one.
    fn reroute(stores: Rerouted<Self::Store>) -> Arc<Self::Store>;
}
