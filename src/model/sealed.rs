//! Encryption as the models see it: a stored text opens with the key that it
//! was made with, and with no other.

use std::sync::Arc;

use crate::{
    model::subject::Surroundings,
    store::encryption::{Encryption, EncryptionKey},
};

/// A key that a stored text may have been made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// The key of variant 0.
    Own,
    /// The key of variant 2.
    Other,
    /// A key that no variant has.
    Lost,
}

/// The variants in which stores of secret values are opened: with the key of
/// the data directory, without one, with another one.
pub(super) const VARIANTS: u8 = 3;

/// The key that a store has in a variant.
pub(super) fn key_of(variant: u8) -> Option<Key> {
    match variant {
        0 => Some(Key::Own),
        1 => None,
        _ => Some(Key::Other),
    }
}

/// What a store is opened with in a variant.
pub(super) fn encryption(surroundings: &Surroundings) -> Encryption {
    let key = key_of(surroundings.variant).and_then(|key| {
        EncryptionKey::new(match key {
            Key::Own => b"the key of this data directory",
            Key::Other => b"another key\n",
            Key::Lost => b"nobody has this key",
        })
    });
    Encryption::new(key, Arc::clone(&surroundings.entropy))
}

/// What older software left: the key, the text, and its stored form. Made by
/// another implementation (pyca/cryptography 48, over OpenSSL).
pub(super) const OLDER: &[(Key, &str, &str)] = &[
    (Key::Own, "s1", "CQkJCQkJCQkJCQkJhowHmeJnd4YS18Q3aQLLm+Th"),
    (Key::Own, "秘密 <&>\0", "CQkJCQkJCQkJCQkJEhqeD7bpHWOjfdZ28hBxmsx2IwFx/5Ixna5C"),
    (Key::Other, "s1", "CQkJCQkJCQkJCQkJZcLXpPxuD9nyVu9CZgyRIZ6Y"),
    (Key::Lost, "s1", "CQkJCQkJCQkJCQkJBK6RFUZxQKNLyjjDEYjatNiZ"),
];

/// What the stored form holds, if older software left it.
pub(super) fn older(stored: &str) -> Option<(Key, &'static str)> {
    let found = OLDER.iter().find(|(_, _, form)| *form == stored);
    found.map(|(key, text, _)| (*key, *text))
}
