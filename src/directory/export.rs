//! The logical content of a data directory as one JSON document:
//!
//! ```text
//! {"schema":1,"users":[…],"api_keys":[…],…,"watermark":{…}|null,…,"problems":[…]}
//! ```
//!
//! Each entity is as its store gives it, with what older software left out
//! filled in, on a line of its own; what its store does not know is kept. Lists
//! are ordered by id.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::{
    content::{Content, Holding, StoreContent},
    entity::Entity,
    layout::Member,
    problem::Problem,
    sealed::{SealedText, joined},
};

/// The schema of an export.
pub const SCHEMA: u64 = 1;

/// What `export` prints.
pub struct Export {
    /// The document, with a final newline. It may hold secret values.
    pub text: Zeroizing<String>,
    /// What is wrong, by path: also in the document.
    pub problems: Vec<Problem>,
}

/// Makes the document of a data directory's content.
#[must_use]
pub fn export(content: Content) -> Export {
    let problems = content.problems();
    let mut parts = vec![plain(format!("{{\"schema\":{SCHEMA}"))];
    for store in content.stores {
        parts.push(plain(format!(",\n\"{}\":", store.layout.name)));
        let texts = |entities: Vec<Entity>| entities.into_iter().map(|entity| entity.text);
        match store.layout.member {
            Member::Single => {
                let text = texts(entities(store)).next();
                parts.push(text.unwrap_or_else(|| plain("null".to_owned())));
            }
            Member::List => push_list(&mut parts, texts(entities(store))),
            Member::FreshestList => push_list(&mut parts, texts(freshest(entities(store)))),
        }
    }
    parts.push(plain(",\n\"problems\":".to_owned()));
    let named = problems.iter().filter_map(|problem| serde_json::to_string(problem).ok());
    push_list(&mut parts, named.map(plain));
    parts.push(plain("}\n".to_owned()));
    let parts: Vec<&str> = parts.iter().map(|part| part.as_str()).collect();
    Export { text: joined(&parts), problems }
}

fn plain(text: String) -> SealedText {
    SealedText::new(text)
}

/// The store's entities, by their order.
fn entities(store: StoreContent) -> Vec<Entity> {
    let mut entities: Vec<(Entity, String)> = store
        .files
        .into_iter()
        .filter_map(|file| match file.holding {
            Holding::Entity(entity) => Some((entity, file.path)),
            _ => None,
        })
        .collect();
    entities.sort_by(|(a, a_path), (b, b_path)| (&a.order, a_path).cmp(&(&b.order, b_path)));
    entities.into_iter().map(|(entity, _)| entity).collect()
}

/// Of several entities of one order the freshest.
fn freshest(entities: Vec<Entity>) -> Vec<Entity> {
    let mut kept: BTreeMap<[String; 2], Entity> = BTreeMap::new();
    for entity in entities {
        let is_fresher = |other: &Entity| other.freshness < entity.freshness;
        if kept.get(&entity.order).is_none_or(is_fresher) {
            kept.insert(entity.order.clone(), entity);
        }
    }
    kept.into_values().collect()
}

/// A JSON array, an item a line.
fn push_list(parts: &mut Vec<SealedText>, items: impl Iterator<Item = SealedText>) {
    parts.push(plain("[".to_owned()));
    for (place, item) in items.enumerate() {
        parts.push(plain(if place == 0 { "\n" } else { ",\n" }.to_owned()));
        parts.push(item);
    }
    parts.push(plain("]".to_owned()));
}
