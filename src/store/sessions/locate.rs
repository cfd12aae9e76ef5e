//! Which record an id means, with everything that older software and damage may have
//! put in its place.

use super::{ID, SessionStore, session::Stored};
use crate::seam::{Error, Record, RecordId};

/// What lies under a session's id.
pub(super) enum Located {
    Absent,
    Session(Record, Box<Stored>),
    /// A sound record that is no session, and why.
    Foreign(Record, String),
    /// A record that can't be read.
    Damaged(RecordId, Error),
}

impl SessionStore {
    /// What lies under the id, as one moment has it.
    pub(super) async fn locate(&self, id: &str, user_id: Option<&str>) -> Result<Located, Error> {
        let mut gone: Vec<RecordId> = Vec::new();
        let mut passed_over: Option<Record> = None;
        loop {
            let found = self.collection.find(ID, &[id]).await?;
            let is_users = |owner: &str| user_id.is_none_or(|user_id| user_id == owner);
            let (mut sessions, mut foreign) = (Vec::new(), None);
            for record in found.records {
                match Stored::of(&record) {
                    Ok(stored) if is_users(&stored.session.user_id) => {
                        sessions.push((stored, record));
                    }
                    Ok(_) => {}
                    Err(problem) if may_be(&record.id, id, user_id) => {
                        foreign.get_or_insert((record, problem));
                    }
                    Err(_) => {}
                }
            }
            let by_age = |(Stored { session, .. }, record): &(Stored, Record)| {
                (session.created_at.clone(), session.user_id.clone(), record.id.clone())
            };
            if let Some((stored, record)) = sessions.into_iter().min_by_key(by_age) {
                return Ok(Located::Session(record, Box::new(stored)));
            }
            if let Some((record, problem)) = foreign {
                return Ok(Located::Foreign(record, problem));
            }
            // What tells no id is known by its place alone.
            let mut places: Vec<RecordId> = found
                .damaged
                .into_iter()
                .map(|damaged| damaged.id)
                .filter(|place| may_be(place, id, user_id))
                .collect();
            let damaged = places.clone();
            if let Some(user_id) = user_id {
                places.extend(RecordId::new(format!("{user_id}/{id}")));
            }
            match self.nameless(places).await? {
                // It has come meanwhile, and is found now. If not, the key that it is found by
                // is not that of its content, or its payload names another session.
                Located::Session(record, stored) if passed_over.as_ref() == Some(&record) => {
                    let session = &stored.session;
                    return Ok(if session.id == id && is_users(&session.user_id) {
                        Located::Session(record, stored)
                    } else {
                        Located::Foreign(record, "its id is not the one of its place".to_owned())
                    });
                }
                Located::Session(record, _) => passed_over = Some(record),
                // The damage went meanwhile: a session may have come before that.
                Located::Absent if damaged.iter().any(|place| !gone.contains(place)) => {
                    gone.extend(damaged);
                }
                other => return Ok(other),
            }
        }
    }

    /// What lies at the first of these places that is taken.
    async fn nameless(&self, places: Vec<RecordId>) -> Result<Located, Error> {
        for place in places {
            match self.collection.get(&place).await {
                Ok(record) => {
                    return Ok(match Stored::of(&record) {
                        Ok(stored) => Located::Session(record, Box::new(stored)),
                        Err(problem) => Located::Foreign(record, problem),
                    });
                }
                Err(error @ Error::Corrupt { .. }) => return Ok(Located::Damaged(place, error)),
                Err(Error::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Located::Absent)
    }
}

/// Whether a record that tells no id may be this session, by its place.
fn may_be(place: &RecordId, id: &str, user_id: Option<&str>) -> bool {
    match place.as_str().rsplit_once('/') {
        None => place.as_str() == id,
        Some((owner, last)) => last == id && user_id.is_none_or(|user_id| user_id == owner),
    }
}
