//! How a collection is opened.

use std::sync::Arc;

use super::{
    error::{Error, Result, Site},
    keys::KeySpec,
    payload::Payload,
};

/// What a collection is: its name, its keys, and what is to be known of its
/// older layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionSpec {
    /// 1 to 64 of `A-Z a-z 0-9 - _`.
    pub name: Arc<str>,
    /// For the file backend: the directories, below its root, where the
    /// collection lies; none: one of its name.
    pub directory: Option<Arc<[Arc<str>]>>,
    /// The declared keys; their order decides which of several taken ones is
    /// named.
    pub keys: Arc<[KeySpec]>,
    /// What files without an envelope tell.
    pub legacy: LegacySpec,
}

/// What is to be known of records that older software left as bare payloads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LegacySpec {
    /// Where a payload has its id; none: it has none, and any payload is right.
    pub id: Option<PayloadId>,
    /// JSON pointer to the time of creation in a payload.
    pub created_at: Option<&'static str>,
    /// JSON pointer to the time of the last change in a payload.
    pub updated_at: Option<&'static str>,
}

/// Which record ids a payload may lie under. A flat file under any other id is
/// damaged, not silently another record.
#[derive(Clone, Copy, Debug)]
pub struct PayloadId {
    /// The name of the rule, for messages: what the id is made of.
    pub description: &'static str,
    /// All the ids that are right for a payload, by preference; none when it
    /// lacks what they are made of.
    pub ids_of: fn(&Payload) -> Vec<String>,
}

/// Two rules are the same when they are called the same: functions have no
/// equality of their own.
impl PartialEq for PayloadId {
    fn eq(&self, other: &Self) -> bool {
        self.description == other.description
    }
}

impl Eq for PayloadId {}

impl CollectionSpec {
    /// A collection without keys, in a directory of its name.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            directory: None,
            keys: Arc::from([]),
            legacy: LegacySpec::default(),
        }
    }

    /// With these keys.
    #[must_use]
    pub fn with_keys(mut self, keys: impl Into<Arc<[KeySpec]>>) -> Self {
        self.keys = keys.into();
        self
    }

    /// The directories, from the backend's root, where the file backend keeps
    /// the collection.
    pub fn directories(&self) -> impl Iterator<Item = &str> {
        let levels = self.directory.as_deref().unwrap_or(std::slice::from_ref(&self.name));
        levels.iter().map(AsRef::as_ref)
    }

    /// The declared key of that name, with its place.
    #[must_use]
    pub fn key(&self, name: &str) -> Option<(usize, &KeySpec)> {
        self.keys.iter().enumerate().find(|(_, key)| &*key.name == name)
    }

    /// Whether the spec keeps its own rules.
    ///
    /// # Errors
    /// `InvalidName` for the name; `InvalidArgument` for a key declared twice,
    /// a key without parts, or a part that is not a JSON pointer (RFC 6901).
    pub fn validate(&self) -> Result<()> {
        let legal = |text: &str| {
            let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            !text.is_empty() && text.bytes().all(legal)
        };
        if self.name.len() > 64 || !legal(&self.name) {
            return Err(Error::InvalidName { name: self.name.chars().take(80).collect() });
        }
        if let Some(level) = self.directories().find(|level| !legal(level)) {
            return Err(self.invalid(format!("{level:?} can't be a collection's directory")));
        }
        for (place, key) in self.keys.iter().enumerate() {
            if self.keys.iter().take(place).any(|other| other.name == key.name) {
                return Err(self.invalid(format!("the key {:?} is declared twice", key.name)));
            }
            if let Some(problem) = key.problem() {
                return Err(self.invalid(format!("the key {:?}: {problem}", key.name)));
            }
        }
        Ok(())
    }

    fn invalid(&self, problem: String) -> Error {
        Error::InvalidArgument { site: Site::new("open", &self.name, None), problem }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::{CollectionSpec, PayloadId};
    use crate::seam::{Error, ErrorKind};

    #[test]
    fn directories_have_names_that_every_file_system_takes() {
        let of = |levels: &[&str]| {
            let levels: Vec<Arc<str>> = levels.iter().copied().map(Arc::from).collect();
            CollectionSpec { directory: Some(levels.into()), ..CollectionSpec::new("c") }.validate()
        };
        of(&["agent", "sessions_2"]).expect("legal names");
        for levels in [&["a", ".."][..], &["a/b"], &[""], &["a", "b c"], &["Å"]] {
            let error = of(levels).expect_err("an illegal name");
            assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{levels:?}: {error}");
        }
        let name = "n".repeat(65);
        assert!(matches!(CollectionSpec::new(name).validate(), Err(Error::InvalidName { .. })));
        CollectionSpec::new("n".repeat(64)).validate().expect("the longest name");
    }

    #[test]
    fn rules_for_ids_are_told_apart_by_what_they_are_called() {
        let rule = |description| PayloadId { description, ids_of: |_| Vec::new() };
        assert_eq!(rule("its `id`"), rule("its `id`"));
        assert_ne!(rule("its `id`"), rule("its `ID`"));
    }
}
