//! A fixed piece of work, by which speeds on different machines are compared.
//!
//! It has nothing of ours in it that could become slower, but asks of a machine what
//! a campaign does: small allocations, searches in ordered maps, copies, hashing. It
//! has a name: another piece of work would get another one.

use std::{collections::BTreeMap, hash::Hasher};

use super::trace_hash::TraceHasher;

/// The name of the work that [`work`] does.
pub const NAME: &str = "ordered-texts-1";

/// How many texts are put in, and taken out.
const TEXTS: u64 = 40_000;
/// How many are there at a time, about.
const LIVE: u64 = 4_000;

/// Does it once; the number is always the same.
#[must_use]
pub fn work() -> u64 {
    let mut map: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let mut hasher = TraceHasher::default();
    let mut number = 1_u64;
    for step in 0..TEXTS {
        // Knuth's linear congruential generator (MMIX).
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let id = format!("text-{:05}", (number >> 33) % LIVE);
        match number >> 62 {
            0 => {
                if let Some(text) = map.remove(&id) {
                    hasher.write(&text);
                }
            }
            1 => {
                if let Some((id, text)) = map.range(id..).next() {
                    hasher.write(id.as_bytes());
                    hasher.write_usize(text.len());
                }
            }
            _ => {
                let length = usize::try_from(number >> 40 & 0x7f).unwrap_or(0);
                let text = format!("{{\"step\":{step},\"filler\":\"{:<length$}\"}}", "");
                map.insert(id, text.into_bytes());
            }
        }
    }
    hasher.write_usize(map.len());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::work;

    #[test]
    fn the_work_is_the_same_each_time() {
        assert_eq!(work(), work());
    }
}
