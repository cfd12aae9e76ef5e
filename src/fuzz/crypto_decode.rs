//! Secret values at rest: `store::encryption`.
//!
//! An input is a key string, NUL, and a text, which is both taken for what is stored and
//! stored itself. How it is changed then, and the key, is chosen by its last bytes.

use std::io;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::Check;
use crate::{
    seam::Entropy,
    store::encryption::{EncryptionKey, SecretText},
};

/// What must hold of secret values.
pub(super) struct CryptoDecode;

pub(super) static SOUND: CryptoDecode = CryptoDecode;

/// The lengths of the parts around a ciphertext, as the format has them.
const NONCE: usize = 12;
const TAG: usize = 16;

/// Gives this nonce.
struct Given([u8; NONCE]);

impl Entropy for Given {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        bytes.iter_mut().zip(self.0).for_each(|(byte, given)| *byte = given);
        Ok(())
    }
}

impl Check for CryptoDecode {
    fn problem(&self, input: &[u8]) -> Option<String> {
        let nul = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
        let (key_string, rest) = input.split_at_checked(nul)?;
        let key = EncryptionKey::new(key_string);
        if key.is_some() == key_string.is_empty() {
            return Some(format!("{key_string:?} is a key, or it is none"));
        }
        let key = key?;
        let text = String::from_utf8_lossy(rest.get(1..).unwrap_or_default());
        let problem = opening(&key, &text).or_else(|| storing(&key, key_string, &text, input));
        problem.map(str::to_owned)
    }
}

/// What opens was stored so, to the letter.
fn opening(key: &EncryptionKey, stored: &str) -> Option<&'static str> {
    let Ok(plain) = key.decrypt(stored) else { return None };
    if stored.is_empty() || plain.is_empty() {
        return (stored.is_empty() != plain.is_empty())
            .then_some("the empty text alone is stored as the empty text");
    }
    let bytes = STANDARD.decode(stored).unwrap_or_default();
    let Some((nonce, _)) = bytes.split_first_chunk::<NONCE>() else {
        return Some("what opens has no nonce");
    };
    match key.encrypt(&plain, &Given(*nonce)) {
        Ok(again) if again == stored => None,
        _ => Some("what opens is not what would be stored"),
    }
}

/// What is stored has the format's parts and opens again; changed in any place, cut or
/// with another key it does not.
fn storing(
    key: &EncryptionKey,
    key_string: &[u8],
    text: &str,
    choices: &[u8],
) -> Option<&'static str> {
    let mut choice = choices.iter().rev().copied().chain(std::iter::repeat(0));
    let mut nonce = [0; NONCE];
    nonce.iter_mut().zip(&mut choice).for_each(|(byte, chosen)| *byte = chosen);
    let Ok(stored) = key.encrypt(&SecretText::new(text), &Given(nonce)) else {
        return Some("there was a nonce, and nothing is stored");
    };
    if !key.decrypt(&stored).is_ok_and(|plain| plain.expose() == text) {
        return Some("what is stored does not open as it was");
    }
    if text.is_empty() {
        return (!stored.is_empty()).then_some("the empty text is stored as the empty text");
    }
    let Ok(mut bytes) = STANDARD.decode(&stored) else {
        return Some("what is stored is not standard base64");
    };
    if bytes.len() != NONCE + text.len() + TAG || !bytes.starts_with(&nonce) {
        return Some("what is stored is not nonce, ciphertext and tag");
    }
    let place = usize::from(choice.next()?) * 256 + usize::from(choice.next()?);
    let place = place % bytes.len();
    let change = choice.next()?.max(1);
    let cut = bytes.get(..place).map(|bytes| STANDARD.encode(bytes));
    if cut.is_some_and(|cut| !cut.is_empty() && key.decrypt(&cut).is_ok()) {
        return Some("a part of what is stored opens");
    }
    if let Some(byte) = bytes.get_mut(place) {
        *byte ^= change;
    }
    if key.decrypt(&STANDARD.encode(&bytes)).is_ok() {
        return Some("what was changed opens");
    }
    // The text itself, with another letter of the alphabet, or one of none.
    let mut letters = stored.clone().into_bytes();
    let letter = usize::from(choice.next()?) % letters.len();
    if let Some(letter) = letters.get_mut(letter) {
        *letter = if *letter == b'A' { choice.next()? & 0x7f } else { b'A' };
    }
    let changed = String::from_utf8(letters).unwrap_or_default();
    if changed != stored && key.decrypt(&changed).is_ok() {
        return Some("another text opens");
    }
    // Every byte of a key counts.
    let mut other = key_string.to_vec();
    match choice.next()? % 3 {
        0 => _ = other.pop(),
        1 => other.push(b'\n'),
        _ => {
            let place = usize::from(choice.next()?) % other.len();
            other.iter_mut().skip(place).take(1).for_each(|byte| *byte ^= change);
        }
    }
    let other = EncryptionKey::new(&other);
    other.is_some_and(|other| other.decrypt(&stored).is_ok()).then_some("another key opens it")
}
