//! The version that a JSON file of ours says that it has: looked at before all else in it,
//! for another version may have anything there.

use std::ops::RangeInclusive;

use serde::Deserialize;
use serde_json::value::RawValue;

/// How much is shown of what may be no version at all, in letters.
const MOST_SHOWN: usize = 40;

/// What `text` has as its version if that is none of those which can be read.
///
/// # Errors
/// When it is no JSON object, or one without a `schema`.
pub fn unreadable_schema(
    text: &str,
    readable: RangeInclusive<u64>,
) -> serde_json::Result<Option<String>> {
    #[derive(Deserialize)]
    struct SchemaOnly<'a> {
        #[serde(borrow)]
        schema: &'a RawValue,
    }

    let found = serde_json::from_str::<SchemaOnly<'_>>(text)?.schema.get();
    let is_readable = readable.into_iter().any(|version| found == version.to_string());
    Ok((!is_readable).then(|| found.chars().take(MOST_SHOWN).collect()))
}

#[cfg(test)]
mod tests {
    use super::unreadable_schema;

    #[test]
    fn a_version_is_told_as_it_is_written() {
        let found = |schema: &str| unreadable_schema(&format!(r#"{{"schema":{schema}}}"#), 1..=2);
        for readable in ["1", " 2 "] {
            assert_eq!(found(readable).unwrap(), None);
        }
        for other in ["0", "3", "1.0", "1e0", "\"1\"", "null", "[ 1 ]", "18446744073709551616"] {
            assert_eq!(found(other).unwrap().as_deref(), Some(other));
        }
        assert_eq!(found(&"1".repeat(99)).unwrap(), Some("1".repeat(40)));
        for malformed in ["", "[]", "{}", "{\"schema\":1"] {
            unreadable_schema(malformed, 1..=2).unwrap_err();
        }
    }
}
