//! What names on the command line stand for: stores, backends, divergences.

use std::path::Path;

use super::{files, usage::Failure};
use crate::{
    check::{
        backends::BackendUnderTest,
        registry::{STORES, StoreUnderTest, store_named},
    },
    model::divergence::{Divergence, Divergences},
};

/// The divergences of these names, and of those in the file.
pub(super) fn divergences(names: &[String], file: Option<&Path>) -> Result<Divergences, Failure> {
    let mut permitted = Vec::new();
    let mut permit = |name: &str, site: &str| -> Result<(), Failure> {
        permitted.push(Divergence::named(name).ok_or_else(|| {
            Failure::new(format!("{site}no divergence {name:?} (see check --list-divergences)"))
        })?);
        Ok(())
    };
    for name in names {
        permit(name, "")?;
    }
    if let Some(path) = file {
        for (number, line) in files::read(path)?.lines().enumerate() {
            let name = line.split('#').next().unwrap_or_default().trim();
            if !name.is_empty() {
                permit(name, &format!("{}:{}: ", path.display(), number + 1))?;
            }
        }
    }
    Ok(Divergences::of(permitted))
}

pub(super) fn stores<'a>(names: &[String]) -> Result<Vec<&'a dyn StoreUnderTest>, Failure> {
    if names.is_empty() {
        return Ok(STORES.to_vec());
    }
    let find = |name: &String| {
        store_named(name).ok_or_else(|| {
            let known: Vec<&str> = STORES.iter().map(|store| store.name()).collect();
            Failure::new(format!("no store {name:?}; there are: {}", known.join(" ")))
        })
    };
    distinct(names).map(find).collect()
}

pub(super) fn backends<'a>(
    names: &[String],
    all: &'a [Box<dyn BackendUnderTest + '_>],
) -> Result<Vec<&'a dyn BackendUnderTest>, Failure> {
    if names.is_empty() {
        return Ok(all.iter().map(AsRef::as_ref).collect());
    }
    let find = |name: &String| {
        let found = all.iter().map(AsRef::as_ref).find(|backend| backend.name() == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = all.iter().map(|backend| backend.name()).collect();
            Failure::new(format!("no backend {name:?}; there are: {}", known.join(" ")))
        })
    };
    distinct(names).map(find).collect()
}

/// Each once: who names something twice does not want it twice.
fn distinct(names: &[String]) -> impl Iterator<Item = &String> {
    let first = |place: usize, name: &String| !names.iter().take(place).any(|it| it == name);
    names.iter().enumerate().filter(move |(place, name)| first(*place, name)).map(|(_, name)| name)
}
