//! Points in time, over the whole range that data in the field uses.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: seconds since the Unix epoch and nanoseconds, in the years
/// 0000 to 9999 UTC.
///
/// The calendar libraries at hand stop short of the end of the year 9999 in
/// UTC (they keep room for any zone's offset), while a record may hold any
/// instant that RFC 3339 can write. The conversions here are the standard ones
/// for the proleptic Gregorian calendar (Howard Hinnant, "chrono-compatible
/// low-level date algorithms", `days_from_civil` and `civil_from_days`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant {
    seconds: i64,
    nanoseconds: u32,
}

const SECONDS_PER_DAY: i64 = 86_400;

impl Instant {
    /// 0000-01-01T00:00:00Z.
    pub const MIN: Self = Self { seconds: -62_167_219_200, nanoseconds: 0 };
    /// 9999-12-31T23:59:59.999999999Z.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanoseconds: 999_999_999 };
    /// 0001-01-01T00:00:00Z, which other languages write for "no time".
    pub const ZERO: Self = Self { seconds: -62_135_596_800, nanoseconds: 0 };
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanoseconds: 0 };

    /// The instant `seconds` and `nanoseconds` after the Unix epoch, or `None`
    /// outside the years 0000 to 9999 or when `nanoseconds` is a second or more.
    #[must_use]
    pub const fn new(seconds: i64, nanoseconds: u32) -> Option<Self> {
        if seconds < Self::MIN.seconds
            || seconds > Self::MAX.seconds
            || nanoseconds > Self::MAX.nanoseconds
        {
            return None;
        }
        Some(Self { seconds, nanoseconds })
    }

    /// Whole seconds since the Unix epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after [`Self::seconds`], below 1 000 000 000.
    #[must_use]
    pub const fn nanoseconds(self) -> u32 {
        self.nanoseconds
    }

    /// This instant moved by whole seconds, kept within the range.
    #[must_use]
    pub fn saturating_add_seconds(self, seconds: i64) -> Self {
        Self::new(self.seconds.saturating_add(seconds), self.nanoseconds)
            .unwrap_or(if seconds < 0 { Self::MIN } else { Self::MAX })
    }

    /// Reads an RFC 3339 date-time with any offset.
    ///
    /// Digits after the ninth of a fraction are dropped, as the software that
    /// wrote the data in the field does. Leap seconds (`:60`) are refused.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut rest = text.as_bytes();
        let year = digits(&mut rest, 4)?;
        literal(&mut rest, b"-")?;
        let month = digits(&mut rest, 2)?;
        literal(&mut rest, b"-")?;
        let day = digits(&mut rest, 2)?;
        literal(&mut rest, b"Tt")?;
        let hour = digits(&mut rest, 2)?;
        literal(&mut rest, b":")?;
        let minute = digits(&mut rest, 2)?;
        literal(&mut rest, b":")?;
        let second = digits(&mut rest, 2)?;
        let nanoseconds = fraction(&mut rest)?;
        let offset = offset_seconds(&mut rest)?;
        if !rest.is_empty()
            || !(1..=12).contains(&month)
            || day < 1
            || day > days_in_month(year, month)
            || hour > 23
            || minute > 59
            || second > 59
        {
            return None;
        }
        let local = days_from_civil(year, month, day) * SECONDS_PER_DAY
            + hour * 3_600
            + minute * 60
            + second;
        Self::new(local - offset, nanoseconds)
    }
}

fn literal(rest: &mut &[u8], accepted: &[u8]) -> Option<u8> {
    let (first, tail) = rest.split_first()?;
    if !accepted.contains(first) {
        return None;
    }
    *rest = tail;
    Some(*first)
}

fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (head, tail) = rest.split_at_checked(count)?;
    let mut value = 0;
    for byte in head {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + i64::from(byte - b'0');
    }
    *rest = tail;
    Some(value)
}

fn fraction(rest: &mut &[u8]) -> Option<u32> {
    let Some((b'.', tail)) = rest.split_first() else { return Some(0) };
    let length = tail.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if length == 0 {
        return None;
    }
    let (head, tail) = tail.split_at_checked(length)?;
    let mut nanoseconds = 0;
    for place in 0..9 {
        let digit = head.get(place).map_or(0, |byte| u32::from(byte - b'0'));
        nanoseconds = nanoseconds * 10 + digit;
    }
    *rest = tail;
    Some(nanoseconds)
}

fn offset_seconds(rest: &mut &[u8]) -> Option<i64> {
    let sign = match literal(rest, b"Zz+-")? {
        b'+' => 1,
        b'-' => -1,
        _ => return Some(0),
    };
    let hours = digits(rest, 2)?;
    literal(rest, b":")?;
    let minutes = digits(rest, 2)?;
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3_600 + minutes * 60))
}

const fn is_leap_year(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap_year(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to the given date.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The date (year, month, day) that lies `days` after 1970-01-01.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// RFC 3339 in UTC, with no more fraction digits than needed.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.seconds.div_euclid(SECONDS_PER_DAY);
        let in_day = self.seconds.rem_euclid(SECONDS_PER_DAY);
        let (year, month, day) = civil_from_days(days);
        let (hour, minute, second) = (in_day / 3_600, in_day / 60 % 60, in_day % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if self.nanoseconds != 0 {
            let fraction = format!("{:09}", self.nanoseconds);
            write!(f, ".{}", fraction.trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Instant {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Instant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format_args!(
                "{text:?} is not an RFC 3339 instant in the years 0000 to 9999"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Instant;

    #[test]
    fn the_range_ends_where_the_years_0000_and_9999_do() {
        assert_eq!(Instant::parse("0000-01-01T00:00:00Z"), Some(Instant::MIN));
        assert_eq!(Instant::parse("9999-12-31T23:59:59.999999999Z"), Some(Instant::MAX));
        assert_eq!(Instant::parse("0001-01-01T00:00:00Z"), Some(Instant::ZERO));
        assert_eq!(Instant::parse("0000-01-01T00:00:00+00:01"), None);
        assert_eq!(Instant::parse("9999-12-31T23:59:59-00:01"), None);
        assert_eq!(Instant::new(Instant::MAX.seconds() + 1, 0), None);
        assert_eq!(Instant::new(0, 1_000_000_000), None);
    }

    #[test]
    fn offsets_and_fractions_name_the_same_instant() {
        let expected = Instant::new(1_762_128_930, 123_456_789);
        for text in [
            "2025-11-03T09:15:30.123456789+09:00",
            "2025-11-03T00:15:30.1234567891Z",
            "2025-11-02t20:45:30.123456789-03:30",
        ] {
            assert_eq!(Instant::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_rfc_3339_is_refused() {
        for text in [
            "",
            "2025-11-03",
            "2025-11-03T09:15:30",
            "2025-11-03 09:15:30Z",
            "2025-13-03T09:15:30Z",
            "2025-02-29T09:15:30Z",
            "2025-11-03T24:15:30Z",
            "2025-11-03T23:59:60Z",
            "2025-11-03T09:15:30.Z",
            "2025-11-03T09:15:30,5Z",
            "2025-11-03T09:15:30+9:00",
            "2025-11-03T09:15:30+24:00",
            "2025-11-03T09:15:30Z ",
            "12025-11-03T09:15:30Z",
            "２025-11-03T09:15:30Z",
        ] {
            assert_eq!(Instant::parse(text), None, "{text:?} was read as an instant");
        }
    }

    proptest! {
        #[test]
        fn text_and_instant_are_inverse(
            seconds in Instant::MIN.seconds()..=Instant::MAX.seconds(),
            nanoseconds in 0_u32..1_000_000_000,
        ) {
            let instant = Instant::new(seconds, nanoseconds).unwrap();
            prop_assert_eq!(Instant::parse(&instant.to_string()), Some(instant));
        }
    }
}
