//! Where a bug of the workspace can be planted: in the stores of some kinds, in the working
//! set below them.

use std::sync::Arc;

use crate::{
    backend::hybrid::HybridBackend,
    bugs::{flaws::MemoryFirst, plant::Place},
    check::{
        backends::{BackendUnderTest, Hybrid},
        verify::Opener,
    },
    model::{
        subject::Surroundings,
        workspace::{EntityCalls, Workspace, WorkspaceSubject, spec},
    },
    seam::{Clock, Collection},
    workspace::{changeset::Changeset, kind::Kind},
};

/// The sound store of a kind, and what it works with.
pub(super) struct Sound {
    pub(super) kind: Kind,
    pub(super) calls: Arc<dyn EntityCalls>,
    pub(super) changeset: Arc<Changeset>,
    pub(super) clock: Arc<dyn Clock>,
}

/// Makes a flawed store of a sound one.
type Flaw = fn(Sound) -> Arc<dyn EntityCalls>;

/// The stores of some kinds.
pub(super) struct InKinds {
    kinds: &'static [Kind],
    flaw: Flaw,
}

impl InKinds {
    pub(super) const fn new(kinds: &'static [Kind], flaw: Flaw) -> Self {
        Self { kinds, flaw }
    }
}

impl Place for InKinds {
    type Store = WorkspaceSubject;

    fn opener(&self) -> Box<Opener<WorkspaceSubject>> {
        let Self { kinds, flaw } = *self;
        Box::new(move |collection: Arc<dyn Collection>, surroundings: &Surroundings| {
            let clock = &surroundings.clock;
            let collections: Vec<_> =
                std::iter::once(collection).chain(surroundings.further.iter().cloned()).collect();
            let sound = Workspace::over(&collections, clock);
            Arc::new(sound.replaced(|kind, calls, changeset| {
                if !kinds.contains(&kind) {
                    return calls;
                }
                let (changeset, clock) = (Arc::clone(changeset), Arc::clone(clock));
                flaw(Sound { kind, calls, changeset, clock })
            }))
        })
    }
}

/// The working set of a hybrid below: memory changes before the durable half does, for
/// some kinds.
pub(super) struct InMemoryFirst {
    kinds: &'static [Kind],
}

impl InMemoryFirst {
    pub(super) const fn new(kinds: &'static [Kind]) -> Self {
        Self { kinds }
    }
}

impl Place for InMemoryFirst {
    type Store = WorkspaceSubject;

    fn backend<'b>(
        &self,
        sound: &'b dyn BackendUnderTest,
    ) -> Option<Box<dyn BackendUnderTest + 'b>> {
        if sound.name() != Hybrid::OVER_FILE {
            return None;
        }
        let kinds = self.kinds;
        Some(Box::new(Hybrid::over_file().with_working_set(Arc::new(
            move |durable, clock, page_size| {
                let sound = HybridBackend::new(Arc::clone(&durable), Arc::clone(&clock));
                let sound = Arc::new(match page_size {
                    Some(size) => sound.with_page_size(size),
                    None => sound,
                });
                let names = kinds.iter().map(|kind| spec(*kind).name).collect();
                Arc::new(MemoryFirst::new(sound, durable, clock, page_size, names))
            },
        ))))
    }
}
