//! A hash for traces: the same everywhere, fast, and not for secrets.

use std::hash::Hasher;

/// Multiplies and rotates a word at a time (the scheme of the hasher that
/// Firefox and rustc use for small keys), with a finishing mix (Stafford's
/// variant 13 of the `MurmurHash3` finaliser).
#[derive(Clone, Copy, Debug, Default)]
pub struct TraceHasher(u64);

const MULTIPLIER: u64 = 0x517c_c1b7_2722_0a95;

impl Hasher for TraceHasher {
    fn write(&mut self, bytes: &[u8]) {
        let mut words = bytes.chunks_exact(8);
        for word in &mut words {
            self.write_u64(word.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte)));
        }
        let rest = words.remainder();
        self.write_u64(
            rest.iter().fold(rest.len() as u64, |sum, byte| sum << 8 | u64::from(*byte)),
        );
    }

    fn write_u8(&mut self, value: u8) {
        self.write_u64(u64::from(value));
    }

    fn write_usize(&mut self, value: usize) {
        self.write_u64(value as u64);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (self.0.rotate_left(5) ^ value).wrapping_mul(MULTIPLIER);
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

/// Spreads a number over all 64 bits; a bijection.
#[must_use]
pub fn mix(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// A number that depends on every part.
#[must_use]
pub fn hash_of(parts: &[&[u8]]) -> u64 {
    let mut hasher = TraceHasher::default();
    for part in parts {
        hasher.write(part);
    }
    hasher.finish()
}
