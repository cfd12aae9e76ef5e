//! A connection, and transactions on it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, TransactionBehavior};

use super::{
    declared::Declared,
    errors::{Step, is_busy, told},
};
use crate::seam::{Error, Outcome, Result, Site};

/// What one opened collection has.
pub(super) struct Handle {
    pub(super) collection: Arc<str>,
    seat: Mutex<Seat>,
    witness: Option<Witness>,
}

/// Who is told that a transaction is about to begin.
pub(super) type Witness = Arc<dyn Fn() + Send + Sync>;

struct Seat {
    connection: Connection,
    /// The keys that this handle last saw declared.
    declared: Arc<Declared>,
    /// Why it takes no more writes.
    closed: Option<&'static str>,
}

/// A transaction that is under way.
pub(super) struct Tx<'c> {
    pub(super) connection: &'c Connection,
    pub(super) collection: &'c str,
}

impl Handle {
    pub(super) fn new(
        connection: Connection,
        collection: Arc<str>,
        witness: Option<Witness>,
    ) -> Self {
        let seat = Seat { connection, declared: Arc::default(), closed: None };
        Self { collection, seat: Mutex::new(seat), witness }
    }

    /// A transaction is about to begin; nothing is held.
    fn tell(&self) {
        if let Some(witness) = &self.witness {
            witness();
        }
    }

    /// A panic can't leave more behind than a transaction, and dropping that
    /// undoes it.
    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads what is so at one moment.
    pub(super) fn read<T>(
        &self,
        site: impl Fn() -> Site,
        work: impl FnOnce(&Tx<'_>) -> Step<T>,
    ) -> Result<T> {
        self.tell();
        let mut seat = self.seat();
        let doing = "reading the database";
        let transaction = seat
            .connection
            .transaction()
            .map_err(|error| told(&error, &site(), doing, Outcome::NotDone))?;
        // Dropping it ends it.
        work(&Tx { connection: &transaction, collection: &self.collection })
            .map_err(|failed| failed.told(site, doing))
    }

    /// Reads and writes, while no other connection writes. Nothing is done where
    /// `work` fails.
    pub(super) fn write<T>(
        &self,
        site: impl Fn() -> Site,
        work: impl FnOnce(&Tx<'_>, &mut Arc<Declared>) -> Step<T>,
    ) -> Result<T> {
        self.tell();
        let mut seat = self.seat();
        let Seat { connection, declared, closed } = &mut *seat;
        if let Some(problem) = *closed {
            return Err(Error::Closed { site: site(), problem: problem.to_owned() });
        }
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(
                |error| told(&error, &site(), "waiting for the write lock", Outcome::NotDone),
            )?;
        let value = work(&Tx { connection: &transaction, collection: &self.collection }, declared)
            .map_err(|failed| failed.told(&site, "writing to the database"))?;
        let Err(error) = transaction.commit() else { return Ok(value) };
        let doing = "committing";
        if is_busy(&error) {
            return Err(told(&error, &site(), doing, Outcome::NotDone));
        }
        // The log may hold the commit, and whoever recovers from it takes it for
        // done; this connection takes it for undone.
        *closed = Some("a commit failed on the medium");
        Err(told(&error, &site(), doing, Outcome::Unknown))
    }
}
