//! How secret values are kept at rest.
//!
//! AES-256-GCM (NIST SP 800-38D) without associated data. The cipher's key is
//! the SHA-256 of the key string; what is stored is standard base64 (RFC 4648
//! section 4) of nonce (12 bytes) ‖ ciphertext ‖ tag (16 bytes). The empty
//! string is stored as the empty string. This is the format of the software
//! whose data directories we read.

use std::{fmt, io, sync::Arc};

use aes_gcm::{Aes256Gcm, KeyInit, Nonce, Tag, aead::AeadInOut};
use base64::{Engine, engine::general_purpose::STANDARD};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::seam::Entropy;

/// A text that must not be shown: overwritten when dropped, hidden in `Debug`,
/// without `Display`.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes the text. What the caller keeps of it is the caller's to overwrite.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text, for those who must use it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(hidden)")
    }
}

/// A stored text that this key does not open: another key made it, or it was
/// changed. Which of them, nobody can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the stored ciphertext does not open with this key: use the key that it was made with")]
pub struct DecryptFailed;

/// A key for secret values. Cheap to clone; overwritten when the last clone is
/// dropped.
#[derive(Clone)]
pub struct EncryptionKey(Arc<Aes256Gcm>);

const NONCE_BYTES: usize = 12;
const TAG_BYTES: usize = 16;

impl EncryptionKey {
    /// The key of this key string, all of whose bytes count, a final newline
    /// included. The empty string is no key.
    #[must_use]
    pub fn new(key_string: &[u8]) -> Option<Self> {
        if key_string.is_empty() {
            return None;
        }
        let mut digest = Sha256::digest(key_string);
        let cipher = Aes256Gcm::new(&digest);
        digest.as_mut_slice().zeroize();
        Some(Self(Arc::new(cipher)))
    }

    /// The stored form of `plain`, under a new nonce. GCM is safe for 2³² texts
    /// under one key.
    ///
    /// # Errors
    /// When `entropy` gives no nonce.
    pub fn encrypt(&self, plain: &SecretText, entropy: &dyn Entropy) -> io::Result<String> {
        if plain.is_empty() {
            return Ok(String::new());
        }
        let mut nonce = [0; NONCE_BYTES];
        entropy.fill(&mut nonce)?;
        let text = plain.expose().as_bytes();
        // All the room at once: growing would leave copies behind.
        let mut stored = Zeroizing::new(Vec::with_capacity(NONCE_BYTES + text.len() + TAG_BYTES));
        stored.extend_from_slice(&nonce);
        stored.extend_from_slice(text);
        let body = stored.get_mut(NONCE_BYTES..).unwrap_or_default();
        let tag = self
            .0
            .encrypt_inout_detached(&Nonce::from(nonce), b"", body.into())
            .map_err(|_| io::Error::other("a secret value of 64 GiB or more can't be encrypted"))?;
        stored.extend_from_slice(&tag);
        Ok(STANDARD.encode(&*stored))
    }

    /// The text whose stored form this is.
    ///
    /// # Errors
    /// When this key does not open it, or what is inside is no UTF-8.
    pub fn decrypt(&self, stored: &str) -> Result<SecretText, DecryptFailed> {
        if stored.is_empty() {
            return Ok(SecretText::default());
        }
        let bytes = Zeroizing::new(STANDARD.decode(stored).map_err(|_| DecryptFailed)?);
        let (nonce, rest) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(DecryptFailed)?;
        let (body, tag) = rest.split_last_chunk::<TAG_BYTES>().ok_or(DecryptFailed)?;
        let mut body = Zeroizing::new(body.to_vec());
        let opened = self.0.decrypt_inout_detached(
            &Nonce::from(*nonce),
            b"",
            body.as_mut_slice().into(),
            &Tag::from(*tag),
        );
        opened.map_err(|_| DecryptFailed)?;
        String::from_utf8(std::mem::take(&mut *body)).map(SecretText::new).map_err(|error| {
            error.into_bytes().zeroize();
            DecryptFailed
        })
    }
}

/// What a store has to encrypt with: a key and a source of nonces, or no key.
#[derive(Clone)]
pub struct Encryption {
    key: Option<EncryptionKey>,
    entropy: Arc<dyn Entropy>,
}

/// Why a secret value was not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The store was opened without a key.
    #[error("the store has no encryption key: open it with the key of this data directory")]
    KeyRequired,
    /// The store's key does not open it.
    #[error(transparent)]
    DecryptFailed(#[from] DecryptFailed),
    /// There was no nonce to be had.
    #[error("no random bytes for encryption: {0}")]
    Entropy(#[source] io::Error),
}

impl Encryption {
    /// With this key, or with none: then secret values can be neither written
    /// nor read.
    #[must_use]
    pub fn new(key: Option<EncryptionKey>, entropy: Arc<dyn Entropy>) -> Self {
        Self { key, entropy }
    }

    /// The stored form of `plain`; needs a key whatever the text.
    ///
    /// # Errors
    /// `KeyRequired`, `Entropy`.
    pub fn encrypt(&self, plain: &SecretText) -> Result<String, EncryptionError> {
        let key = self.key.as_ref().ok_or(EncryptionError::KeyRequired)?;
        key.encrypt(plain, &*self.entropy).map_err(EncryptionError::Entropy)
    }

    /// The text whose stored form this is; needs a key whatever the text.
    ///
    /// # Errors
    /// `KeyRequired`, `DecryptFailed`.
    pub fn decrypt(&self, stored: &str) -> Result<SecretText, EncryptionError> {
        let key = self.key.as_ref().ok_or(EncryptionError::KeyRequired)?;
        Ok(key.decrypt(stored)?)
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine, engine::general_purpose::STANDARD};
    use proptest::prelude::*;

    use super::{DecryptFailed, EncryptionKey, SecretText};
    use crate::seam::{Entropy, OsEntropy};

    struct Fixed(u8);

    impl Entropy for Fixed {
        fn fill(&self, bytes: &mut [u8]) -> std::io::Result<()> {
            bytes.fill(self.0);
            Ok(())
        }
    }

    struct Dry;

    impl Entropy for Dry {
        fn fill(&self, _: &mut [u8]) -> std::io::Result<()> {
            Err(std::io::Error::other("dry"))
        }
    }

    fn key(text: &str) -> EncryptionKey {
        EncryptionKey::new(text.as_bytes()).expect("a key")
    }

    /// Made by another implementation (pyca/cryptography 48, over OpenSSL):
    /// key strings, nonces of twelve equal bytes, plaintexts.
    const MADE_ELSEWHERE: &[(&str, u8, &str, &str)] = &[
        ("k", 0, "x", "AAAAAAAAAAAAAAAAG+dlNMqXdf2LpwzSEgC9mKc="),
        (
            "k",
            7,
            "third\nmulti\nline\0nul",
            "BwcHBwcHBwcHBwcH18WEFmJqRfmfQuPAsVvjsZHm3GKm73qLq0RV+KxW651G9XJ1",
        ),
        (
            "a key with a newline\n",
            255,
            "秘密 <&> \" \\ 🙂",
            "////////////////McZHpUl6A9YgH8y5vGR+6sOETWBdDZi9RbB2yblPIh421A8=",
        ),
        (
            "ключ",
            1,
            "0123456789abcdef0123456789abcdef0123456789abcdef",
            "AQEBAQEBAQEBAQEB/CBhB63IOPqatNh9wxHrMZ2gaLyMJpOEYrbHF1ybOpfkD5gTKtYFsYf16aOXK35Es4VfRTsHruSG1fhV9kHtXA==",
        ),
    ];

    #[test]
    fn the_format_is_that_of_other_implementations() {
        for (key_string, nonce, plain, stored) in MADE_ELSEWHERE {
            let key = key(key_string);
            let ours = key.encrypt(&SecretText::new(*plain), &Fixed(*nonce)).unwrap();
            assert_eq!(ours, *stored, "what we write for {plain:?}");
            assert_eq!(key.decrypt(stored).unwrap().expose(), *plain, "what we read");
        }
    }

    #[test]
    fn the_empty_text_is_stored_as_it_is() {
        assert_eq!(key("k").encrypt(&SecretText::default(), &Dry).unwrap(), "");
        assert_eq!(key("k").decrypt(""), Ok(SecretText::default()));
    }

    #[test]
    fn an_empty_key_is_none_and_every_byte_of_a_key_counts() {
        assert!(EncryptionKey::new(b"").is_none());
        let stored = key("k").encrypt(&SecretText::new("x"), &OsEntropy).unwrap();
        assert_eq!(key("k\n").decrypt(&stored), Err(DecryptFailed));
    }

    #[test]
    fn what_is_no_ciphertext_does_not_open() {
        for stored in ["x", "====", "AAAA", "\u{e9}", " ", &"A".repeat(36), &"A".repeat(40)] {
            assert_eq!(key("k").decrypt(stored), Err(DecryptFailed), "{stored:?}");
        }
        // The three bytes 0xff 0xfe 0x41, which are no UTF-8; made elsewhere.
        assert_eq!(
            key("k").decrypt("AwMDAwMDAwMDAwMDb6pMCSNxC/ediFGPzQOd/v6i8Q=="),
            Err(DecryptFailed)
        );
    }

    #[test]
    fn without_a_nonce_nothing_is_encrypted() {
        let failed = key("k").encrypt(&SecretText::new("hunter2"), &Dry).unwrap_err();
        assert!(!failed.to_string().contains("hunter2"));
    }

    #[test]
    fn neither_values_nor_keys_are_shown() {
        let shown = format!("{:?} {:?}", key("hunter2"), SecretText::new("hunter2"));
        assert_eq!(shown, "EncryptionKey(hidden) SecretText(hidden)");
    }

    proptest! {
        #[test]
        fn what_is_encrypted_is_read_again(plain in any::<String>(), key_string in ".+") {
            let key = key(&key_string);
            let stored = key.encrypt(&SecretText::new(plain.clone()), &OsEntropy).unwrap();
            prop_assert_eq!(stored.is_empty(), plain.is_empty());
            prop_assert_eq!(key.decrypt(&stored), Ok(SecretText::new(plain)));
        }

        #[test]
        fn a_nonce_is_never_used_again(plain in ".+") {
            let once = key("k").encrypt(&SecretText::new(plain.clone()), &OsEntropy).unwrap();
            let twice = key("k").encrypt(&SecretText::new(plain), &OsEntropy).unwrap();
            prop_assert_ne!(once, twice);
        }

        #[test]
        fn any_change_is_noticed(plain in ".+", place in any::<prop::sample::Index>(), to in "[A-Za-z0-9+/=]") {
            let stored = key("k").encrypt(&SecretText::new(plain), &OsEntropy).unwrap();
            let place = place.index(stored.len());
            let changed = format!("{}{to}{}", &stored[..place], &stored[place + 1..]);
            prop_assume!(changed != stored);
            prop_assert_eq!(key("k").decrypt(&changed), Err(DecryptFailed));
        }

        /// Nonce, ciphertext and tag: whichever byte it is, and whichever bit.
        #[test]
        fn any_changed_byte_is_noticed(
            plain in ".+",
            place in any::<prop::sample::Index>(),
            change in 1..=u8::MAX,
        ) {
            let stored = key("k").encrypt(&SecretText::new(plain), &OsEntropy).unwrap();
            let mut bytes = STANDARD.decode(stored).unwrap();
            let place = place.index(bytes.len());
            bytes[place] ^= change;
            prop_assert_eq!(key("k").decrypt(&STANDARD.encode(&bytes)), Err(DecryptFailed));
        }

        #[test]
        fn whatever_is_cut_off_or_added_is_noticed(
            plain in ".+",
            keep in any::<prop::sample::Index>(),
            more in prop::collection::vec(any::<u8>(), 1..20),
        ) {
            let stored = key("k").encrypt(&SecretText::new(plain), &OsEntropy).unwrap();
            let bytes = STANDARD.decode(stored).unwrap();
            // To cut everything off leaves what the empty text is stored as.
            let short = STANDARD.encode(&bytes[..1 + keep.index(bytes.len() - 1)]);
            prop_assert_eq!(key("k").decrypt(&short), Err(DecryptFailed));
            let long = STANDARD.encode([bytes, more].concat());
            prop_assert_eq!(key("k").decrypt(&long), Err(DecryptFailed));
        }

        #[test]
        fn no_bytes_are_too_strange(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let opened = key("k").decrypt(&STANDARD.encode(&bytes));
            prop_assert_eq!(opened.is_ok(), bytes.is_empty());
        }

        #[test]
        fn another_key_opens_nothing(plain in ".+", one in ".+", other in ".+") {
            prop_assume!(one != other);
            let stored = key(&one).encrypt(&SecretText::new(plain), &OsEntropy).unwrap();
            prop_assert_eq!(key(&other).decrypt(&stored), Err(DecryptFailed));
        }

        #[test]
        fn no_text_is_too_strange(stored in any::<String>()) {
            prop_assert!(stored.is_empty() || key("k").decrypt(&stored).is_err());
        }
    }
}
