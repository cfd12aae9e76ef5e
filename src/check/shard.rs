//! Which cases are whose, where several machines share them.

use std::{fmt, ops::Range};

/// One of several equal parts of a campaign. No case belongs to two of them, and
/// each to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// From 1.
    number: u64,
    /// How many there are.
    of: u64,
}

/// How many parts there may be.
const MOST: u64 = 10_000;

/// How many cases in a row are one part's, where there is no end to them: cases have
/// their purposes by turns, the rarest one in so many.
const BLOCK: u64 = 512;

impl Shard {
    /// All of it.
    pub const WHOLE: Self = Self { number: 1, of: 1 };

    /// Part `number` (from 1) of so many; none: there is no such part.
    #[must_use]
    pub fn new(number: u64, of: u64) -> Option<Self> {
        ((1..=of).contains(&number) && of <= MOST).then_some(Self { number, of })
    }

    /// Reads `2/5`.
    ///
    /// # Errors
    /// When it is nothing of the kind.
    pub fn parse(text: &str) -> Result<Self, String> {
        let expected = || format!("expected a part like 2/5, of {MOST} parts at most");
        let (number, of) = text.split_once('/').ok_or_else(expected)?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let parsed = (number.parse(), of.parse());
        match parsed {
            (Ok(number), Ok(of)) if is_number(text.replace('/', "").as_str()) => {
                Self::new(number, of).ok_or_else(expected)
            }
            _ => Err(expected()),
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    /// How many parts there are.
    #[must_use]
    pub const fn of(self) -> u64 {
        self.of
    }

    /// Whether it is all there is.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of == 1
    }

    /// Its part of so many cases: as many as the others have, or one more.
    #[must_use]
    pub fn part(self, cases: u64) -> Range<u64> {
        let until = |number: u64| {
            let place = u128::from(cases) * u128::from(number) / u128::from(self.of);
            // At most `cases`.
            u64::try_from(place).unwrap_or(cases)
        };
        until(self.number - 1)..until(self.number)
    }

    /// The number of its own case at `place`, from 0, where there is no end to them.
    #[must_use]
    pub const fn case(self, place: u64) -> u64 {
        let block = (place / BLOCK).wrapping_mul(self.of).wrapping_add(self.number - 1);
        block.wrapping_mul(BLOCK).wrapping_add(place % BLOCK)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Shard;

    #[test]
    fn each_case_belongs_to_one_part() {
        for cases in [0, 1, 5, 64, 1_001] {
            for of in [1, 2, 3, 7] {
                let parts = (1..=of).map(|number| Shard::new(number, of).unwrap().part(cases));
                let all: Vec<u64> = parts.flatten().collect();
                assert_eq!(all, (0..cases).collect::<Vec<_>>(), "{cases} cases, {of} parts");
            }
        }
        let largest = Shard::new(2, 2).unwrap().part(u64::MAX);
        assert_eq!(largest.end, u64::MAX);
    }

    #[test]
    fn each_case_belongs_to_one_part_where_there_is_no_end_to_them() {
        let shards = [1, 2, 3].map(|number| Shard::new(number, 3).unwrap());
        let cases = shards.iter().flat_map(|shard| (0..2_048).map(|place| shard.case(place)));
        let distinct: BTreeSet<u64> = cases.collect();
        assert_eq!(distinct.len(), 3 * 2_048);
        assert_eq!(distinct.last(), Some(&(3 * 2_048 - 1)), "none is left out");
        assert_eq!(Shard::WHOLE.case(12_345), 12_345);
    }

    #[test]
    fn a_part_is_written_with_a_slash() {
        assert_eq!(Shard::parse("2/5").unwrap().to_string(), "2/5");
        for text in ["", "/", "1", "0/2", "3/2", "1/0", "+1/2", "1/2/3", "a/b", "1/99999999999"] {
            assert!(Shard::parse(text).is_err(), "{text:?}");
        }
    }
}
