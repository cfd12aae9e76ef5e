//! What goes with a session: its sub-sessions, damage in its place, and the oldest
//! ones of a user who has too many.

use std::collections::BTreeSet;

use super::{PARENT, Session, SessionStore, USER_ID, session::Stored};
use crate::seam::{Action, Condition, Error, Record, RecordId, Result, Write};

impl SessionStore {
    /// These sessions and their sub-sessions at every depth, each after its
    /// own.
    async fn with_sub_sessions(&self, roots: Vec<Record>) -> Result<Vec<Record>> {
        let mut known: BTreeSet<RecordId> = roots.iter().map(|root| root.id.clone()).collect();
        let mut ordered = Vec::new();
        // Each with whether those below it are on the list already.
        let mut ahead: Vec<_> = roots.into_iter().rev().map(|root| (root, false)).collect();
        while let Some((record, is_visited)) = ahead.pop() {
            if is_visited {
                ordered.push(record);
                continue;
            }
            // What is no session has no sub-sessions.
            let Ok(session) = Session::from_record(&record) else { continue };
            let found = self.collection.find(PARENT, &[&session.id]).await?;
            ahead.push((record, true));
            for record in found.records {
                if known.insert(record.id.clone()) {
                    ahead.push((record, false));
                }
            }
        }
        Ok(ordered)
    }

    /// Removes a session with its sub-sessions: all of them or none.
    pub(super) async fn remove(&self, record: Record) -> Result<()> {
        let doomed = self.with_sub_sessions(vec![record]).await?;
        let writes = doomed.into_iter().map(removal);
        self.collection.commit(writes.collect()).await
    }

    /// Removes what lies damaged at one of the two places of a user's session,
    /// unless there is a session at the other one by then. The seam quarantines
    /// the bytes.
    pub(super) async fn remove_damaged(
        &self,
        place: RecordId,
        id: &str,
        user_id: &str,
    ) -> Result<()> {
        let mut writes = Vec::new();
        for other in [id.to_owned(), format!("{user_id}/{id}")] {
            let Ok(other) = RecordId::new(other) else { continue };
            if other == place {
                continue;
            }
            let when = match self.collection.get(&other).await {
                Err(Error::NotFound(_)) => Condition::Absent,
                Err(Error::Corrupt { .. }) => Condition::Present,
                Err(error) => return Err(error),
                Ok(record) => match Stored::of(&record) {
                    // It has just come, and is what is to go: the commit fails.
                    Ok(stored) if stored.session.user_id == user_id => Condition::Absent,
                    _ => Condition::Data(record.data),
                },
            };
            writes.push(Write { action: Action::Check(other), when });
        }
        writes.push(Write { action: Action::Delete(place), when: Condition::Present });
        self.collection.commit(writes).await
    }

    /// Removes the user's oldest top-level sessions, as far as they are too
    /// many, but never `own`.
    ///
    /// Of two that are created at the same time only one removes the other: a
    /// session that is gone removes nothing.
    pub(super) async fn trim(&self, own: &RecordId, user_id: &str) -> Result<()> {
        loop {
            let found = self.collection.find(USER_ID, &[user_id]).await?;
            let mut sessions = Vec::new();
            for record in found.records {
                if let Ok(session) = Session::from_record(&record)
                    && session.is_top_level()
                {
                    sessions.push((session, record));
                }
            }
            let excess = sessions.len().saturating_sub(self.limit_per_user);
            if excess == 0 || !sessions.iter().any(|(_, record)| record.id == *own) {
                return Ok(());
            }
            sessions.retain(|(_, record)| record.id != *own);
            sessions.sort_by(|(a, _), (b, _)| (&a.created_at, &a.id).cmp(&(&b.created_at, &b.id)));
            let kept = sessions.split_off(excess.min(sessions.len()));
            // Only as long as all are there are these too many.
            let kept = kept.iter().map(|(_, record)| &record.id);
            let kept: Vec<&RecordId> = kept.chain([own]).collect();
            let oldest = sessions.into_iter().map(|(_, record)| record).collect();
            let going = self.with_sub_sessions(oldest).await?;
            if going.iter().any(|record| kept.contains(&&record.id)) {
                // By now another session has its id, below one that is to go.
                continue;
            }
            let mut writes: Vec<Write> = kept.into_iter().map(presence).collect();
            writes.extend(going.into_iter().map(removal));
            match self.collection.commit(writes).await {
                Err(Error::Conflict(_) | Error::NotFound(_)) => {}
                trimmed => return trimmed,
            }
        }
    }
}

fn removal(record: Record) -> Write {
    Write::compare_and_delete(record.id, record.data)
}

fn presence(id: &RecordId) -> Write {
    Write { action: Action::Check(id.clone()), when: Condition::Present }
}
