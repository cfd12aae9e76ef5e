//! Seats: a store on a handle of the storage, for a client, and what the client remembers.

use std::sync::{Arc, atomic::Ordering};

use super::{Place, Run};
use crate::{
    check::{
        backends::Storage,
        history::{ALONE, Phase},
    },
    model::subject::{Handle, Subject, Surroundings},
    seam::{Backend, Collection, CollectionSpec, Error},
    sim::scheduled::Scheduled,
};

/// A client's store, and what the client remembers.
pub(in crate::check) struct Seat<'a, S: Subject> {
    pub(super) storage: &'a dyn Storage,
    pub store: Arc<S::Store>,
    pub variant: u8,
    pub memory: S::Memory,
    pub handle: Handle,
}

impl<'a, S: Subject> Seat<'a, S> {
    fn new(storage: &'a dyn Storage, (store, handle): &(Arc<S::Store>, Handle)) -> Self {
        let (store, handle) = (Arc::clone(store), *handle);
        Self { storage, store, variant: 0, memory: S::Memory::default(), handle }
    }
}

impl<'a, S: Subject> Run<'a, S> {
    /// A seat at a store on a new handle of `storage`.
    pub fn seat<'b>(&self, storage: &'b dyn Storage) -> Result<Seat<'b, S>, Error> {
        self.alone(self.open(storage, 0))?.map(|opened| Seat::new(storage, &opened))
    }

    /// Opens the store in a variant on a new handle of `storage`.
    pub async fn open(
        &self,
        storage: &dyn Storage,
        variant: u8,
    ) -> Result<(Arc<S::Store>, Handle), Error> {
        let handle = self.next_handle();
        let backend = storage.handle()?;
        let collection = self.collection(&*backend, &self.spec).await?;
        let mut further = Vec::with_capacity(self.further.len());
        for spec in &self.further {
            further.push(self.collection(&*backend, spec).await?);
        }
        let surroundings = Surroundings {
            clock: Arc::new(self.clock.for_store()),
            entropy: Arc::clone(&self.entropy),
            variant,
            further,
        };
        Ok(((self.target.open)(collection, &surroundings), handle))
    }

    /// A handle that is about to be opened.
    pub fn next_handle(&self) -> Handle {
        let number = self.handles.fetch_add(1, Ordering::Relaxed);
        Handle { number, opened: self.tick() }
    }

    async fn collection(
        &self,
        backend: &dyn Backend,
        spec: &CollectionSpec,
    ) -> Result<Arc<dyn Collection>, Error> {
        let collection = backend.open(spec.clone()).await?;
        Ok(match self.target.backend.capabilities().has_points {
            true => collection,
            false => Arc::new(Scheduled::new(collection, self.sim.clone())),
        })
    }

    /// A seat for each client, at as many handles as the scenario says.
    fn seats(&self) -> Result<Vec<Seat<'_, S>>, Error> {
        let mut stores = Vec::new();
        for _ in 0..self.scenario.handles.max(1) {
            stores.push(self.alone(self.open(&*self.storage, 0))??);
        }
        let of_client = stores.iter().cycle().take(self.scenario.clients.len());
        Ok(of_client.map(|store| Seat::new(&*self.storage, store)).collect())
    }

    /// The seats when the setup is done.
    pub fn prepared_seats(&self) -> Result<Vec<Seat<'_, S>>, Error> {
        let mut seats = self.seats()?;
        if let Some(first) = seats.first_mut() {
            self.set_up(first)?;
        }
        Ok(seats)
    }

    /// Does the setup, one action after the other.
    pub(super) fn set_up(&self, seat: &mut Seat<'_, S>) -> Result<(), Error> {
        for (action, what) in self.scenario.setup.iter().enumerate() {
            let place = Place { phase: Phase::Setup, client: ALONE, action };
            self.sim.begin_setup(action);
            self.alone(self.act(place, what, seat))??;
        }
        Ok(())
    }
}
