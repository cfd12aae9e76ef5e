//! What an entity is, and how one is declared.

use std::fmt;

use tracing::Span;

use super::{
    entity_id::EntityId,
    error::{Error, Result},
    json::Json,
    kind::Kind,
};
use crate::{
    seam::{Instant, KeySpec, Payload, Record},
    store::{document::Document, instant_text::InstantText},
};

/// An entity: it states its kind, its id and its keys, and how it is written as JSON.
/// [`Repository`](super::repository::Repository) does the rest.
pub trait Entity: Clone + Default + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// Its kind.
    const KIND: Kind;

    /// The names of the fields that its id is made of, in order.
    const ID: &'static [&'static str];

    /// Makes an entity that is to be written depend on what is stored; none: it does not.
    const PREPARE: Option<Prepare<Self>>;

    /// What it is looked up by, declared to the seam.
    fn keys() -> Vec<KeySpec>;

    /// The parts of its id, in the order of [`Self::ID`].
    fn id_parts(&self) -> Vec<&str>;

    /// Gives it an id with these parts.
    fn set_id(&mut self, parts: &[&str]);

    /// When it was created, if it says.
    fn created_at(&self) -> Option<Instant>;

    /// Reads its JSON object.
    ///
    /// # Errors
    /// What is wrong, without any content.
    fn from_document(document: Document) -> Result<Self, String>;

    /// Its JSON object, with the members that this release does not know.
    fn to_document(&self) -> Document;

    /// A span for a change of it, named for the change and the entity.
    fn span(mutation: Mutation, id: &str) -> Span;

    /// Its id.
    ///
    /// # Errors
    /// `InvalidId`.
    fn id(&self) -> Result<EntityId> {
        EntityId::new(&self.id_parts())
    }

    /// Its JSON object, as the payload of a record.
    fn to_payload(&self) -> Payload {
        self.to_document().to_payload()
    }

    /// The entity that a record holds.
    ///
    /// # Errors
    /// What is wrong, without any content.
    fn from_record(record: &Record) -> Result<Self, String> {
        let document = Document::parse(record.data.bytes()).ok_or("it is no JSON object")?;
        let entity = Self::from_document(document)?;
        match entity.id() {
            Ok(id) if *id.record() == record.id => Ok(entity),
            _ => Err("its id is not the record's".to_owned()),
        }
    }
}

/// Changes an entity that is to be written: what is stored under its id, if anything, and
/// the time are given.
pub type Prepare<E> = fn(&mut E, Option<&E>, Instant);

/// What is done to entities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// One is written.
    Upsert,
    /// One is removed.
    Remove,
    /// Several are written, or written and removed, at once.
    BulkUpsert,
    /// Several are removed at once.
    BulkRemove,
}

/// The id of a call, checked for its number of parts.
pub(super) fn id_of_call<E: Entity>(parts: &[&str]) -> Result<EntityId> {
    if parts.len() != E::ID.len() {
        let (expected, given) = (E::ID.len(), parts.len());
        return Err(Error::WrongParts { kind: E::KIND, expected, given });
    }
    EntityId::new(parts)
}

/// The entity under the id of the call: its own must be that, or none.
pub(super) fn under_id<E: Entity>(id: &EntityId, mut entity: E) -> Result<E> {
    let parts: Vec<&str> = id.parts().collect();
    if entity.id_parts().iter().all(|part| part.is_empty()) {
        entity.set_id(&parts);
    }
    if entity.id_parts() != parts {
        return Err(Error::IdMismatch {
            kind: E::KIND,
            call: id.to_string(),
            entity: entity.id_parts().join(", "),
        });
    }
    Ok(entity)
}

/// A member of an entity's JSON object.
pub(super) trait Field: Sized {
    fn read(document: &Document, name: &str) -> Result<Self, String>;
    fn write(&self, document: &mut Document, name: &str);
}

impl Field for String {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        document.required_text(name)
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_text(name, self);
    }
}

impl Field for Option<String> {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        document.text(name)
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_or_remove_text(name, self.as_deref());
    }
}

impl Field for Option<InstantText> {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        document.instant(name)
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_or_remove_instant(name, self.as_ref());
    }
}

impl Field for bool {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        document.flag(name)?.ok_or_else(|| format!("{name:?} is missing"))
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_bool(name, *self);
    }
}

impl Field for i64 {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        document.whole_number(name)?.ok_or_else(|| format!("{name:?} is missing"))
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_whole_number(name, *self);
    }
}

/// Missing is `null`.
impl Field for Json {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        Ok(Option::<Self>::read(document, name)?.unwrap_or_default())
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set(name, self.to_raw());
    }
}

impl Field for Option<Json> {
    fn read(document: &Document, name: &str) -> Result<Self, String> {
        Ok(document.get(name).and_then(|raw| Json::parse(raw.get())))
    }

    fn write(&self, document: &mut Document, name: &str) {
        document.set_or_remove(name, self.as_ref().map(Json::to_raw));
    }
}

/// Declares an entity: its kind, what its id is made of, its keys, and the members of
/// its JSON object, in their order.
macro_rules! entity {
    (
        $(#[$doc:meta])*
        $name:ident {
            id: [$($id:ident),+],
            keys: [$($key:expr),*],
            created_at: $created_at:expr,
            prepare: $prepare:expr,
            $($(#[$member_doc:meta])* $member:ident: $type:ty = $json:literal,)+
        }
    ) => {
        $(#[$doc])*
        ///
        /// Its JSON has the members in this order.
        #[derive(Clone, Default, PartialEq)]
        pub struct $name {
            $($(#[$member_doc])* pub $member: $type,)+
            /// Members that this release does not know.
            pub unknown: $crate::store::document::Document,
        }

        impl $name {
            const KNOWN: &'static [&'static str] = &[$($json),+];
        }

        impl $crate::workspace::entity::Entity for $name {
            const KIND: $crate::workspace::kind::Kind = $crate::workspace::kind::Kind::$name;
            const ID: &'static [&'static str] = &[$(stringify!($id)),+];
            const PREPARE: Option<$crate::workspace::entity::Prepare<Self>> = $prepare;

            fn keys() -> Vec<$crate::seam::KeySpec> {
                vec![$($key),*]
            }

            fn id_parts(&self) -> Vec<&str> {
                vec![$(&self.$id),+]
            }

            fn set_id(&mut self, parts: &[&str]) {
                let mut parts = parts.iter();
                $(self.$id = parts.next().copied().unwrap_or_default().to_owned();)+
            }

            fn created_at(&self) -> Option<$crate::seam::Instant> {
                let created_at: fn(&Self) -> Option<&$crate::store::instant_text::InstantText> =
                    $created_at;
                created_at(self).map($crate::store::instant_text::InstantText::instant)
            }

            fn from_document(
                document: $crate::store::document::Document,
            ) -> Result<Self, String> {
                use $crate::workspace::entity::Field;
                Ok(Self {
                    $($member: <$type>::read(&document, $json)?,)+
                    unknown: document.without(Self::KNOWN),
                })
            }

            fn to_document(&self) -> $crate::store::document::Document {
                use $crate::workspace::entity::Field;
                let mut document = $crate::store::document::Document::default();
                $(self.$member.write(&mut document, $json);)+
                document.merge(&self.unknown.clone().without(Self::KNOWN));
                document
            }

            fn span(
                mutation: $crate::workspace::entity::Mutation,
                id: &str,
            ) -> tracing::Span {
                use $crate::workspace::{entity::Mutation, span::change_span};
                match mutation {
                    Mutation::Upsert => change_span!(concat!("Upsert", stringify!($name)), id),
                    Mutation::Remove => change_span!(concat!("Remove", stringify!($name)), id),
                    Mutation::BulkUpsert => {
                        change_span!(concat!("BulkUpsert", stringify!($name)), id)
                    }
                    Mutation::BulkRemove => {
                        change_span!(concat!("BulkRemove", stringify!($name)), id)
                    }
                }
            }
        }

        /// The id alone: the rest may be secret.
        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))
                    $(.field(stringify!($id), &self.$id))+
                    .finish_non_exhaustive()
            }
        }
    };
}
pub(super) use entity;
