//! The logical content of a data directory as one JSON document:
//!
//! ```text
//! {"schema":1,"users":[…],"api_keys":[…],"watermark":{…}|null,…,"problems":[…]}
//! ```
//!
//! Each entity is as its store gives it, with what older software left out
//! filled in, on a line of its own; what its store does not know is kept. Lists
//! are ordered by id.

use std::collections::BTreeMap;

use super::{
    content::{Content, Holding, StoreContent},
    layout::{Entity, Member},
    problem::Problem,
};

/// The schema of an export.
pub const SCHEMA: u64 = 1;

/// What `export` prints.
pub struct Export {
    /// The document, with a final newline.
    pub text: String,
    /// What is wrong, by path: also in the document.
    pub problems: Vec<Problem>,
}

/// Makes the document of a data directory's content.
#[must_use]
pub fn export(content: Content) -> Export {
    let problems = content.problems();
    let mut text = format!("{{\"schema\":{SCHEMA}");
    for store in content.stores {
        text += &format!(",\n\"{}\":", store.layout.name);
        match store.layout.member {
            Member::Single => {
                let entity = entities(store).into_iter().next();
                text += &entity.map_or("null".to_owned(), |entity| entity.document.to_text());
            }
            Member::List => push_list(&mut text, entities(store)),
            Member::FreshestList => push_list(&mut text, freshest(entities(store))),
        }
    }
    text += ",\n\"problems\":";
    push_items(&mut text, problems.iter().filter_map(|found| serde_json::to_string(found).ok()));
    text += "}\n";
    Export { text, problems }
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

fn push_list(text: &mut String, entities: Vec<Entity>) {
    push_items(text, entities.iter().map(|entity| entity.document.to_text()));
}

/// A JSON array, an item a line.
fn push_items(text: &mut String, items: impl Iterator<Item = String>) {
    text.push('[');
    for (place, item) in items.enumerate() {
        text.push_str(if place == 0 { "\n" } else { ",\n" });
        text.push_str(&item);
    }
    text.push(']');
}
