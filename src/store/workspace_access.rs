//! Which workspaces a user or an API key may see, and its JSON.

use serde_json::value::RawValue;

use super::document::Document;

/// Which workspaces may be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkspaceAccess {
    /// All of them.
    pub all: bool,
    /// These, each in a role.
    pub grants: Option<Vec<Grant>>,
    /// Members that this release does not know.
    pub unknown: Document,
}

/// A role in a workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// Where.
    pub workspace: String,
    /// As what.
    pub role: String,
    /// Members that this release does not know.
    pub unknown: Document,
}

impl WorkspaceAccess {
    /// Reads the member `workspace_access` of an entity.
    ///
    /// # Errors
    /// What is wrong, without any content.
    pub(super) fn of(entity: &Document) -> Result<Option<Self>, String> {
        entity.object("workspace_access")?.map(Self::from_document).transpose()
    }

    fn from_document(document: Document) -> Result<Self, String> {
        let grants = document
            .value::<Vec<Document>>("grants")
            .map_err(|_| "\"grants\" is not an array of objects".to_owned())?
            .map(|grants| grants.into_iter().map(Grant::from_document).collect::<Result<_, _>>())
            .transpose()?;
        let all = document.flag("all")?.unwrap_or_default();
        Ok(Self { all, grants, unknown: document.without(&["all", "grants"]) })
    }

    /// Its JSON object.
    pub(super) fn to_raw(&self) -> Option<Box<RawValue>> {
        let mut document = Document::default();
        document.set_bool("all", self.all);
        if let Some(grants) = &self.grants {
            let grants: Vec<_> = grants.iter().filter_map(Grant::to_raw).collect();
            document.set_or_remove("grants", serde_json::value::to_raw_value(&grants).ok());
        }
        document.merge(&self.unknown.clone().without(&["all", "grants"]));
        document.to_raw()
    }
}

impl Grant {
    fn from_document(document: Document) -> Result<Self, String> {
        Ok(Self {
            workspace: document.text("workspace")?.unwrap_or_default(),
            role: document.text("role")?.unwrap_or_default(),
            unknown: document.without(&["workspace", "role"]),
        })
    }

    fn to_raw(&self) -> Option<Box<RawValue>> {
        let mut document = Document::default();
        document.set_text("workspace", &self.workspace);
        document.set_text("role", &self.role);
        document.merge(&self.unknown.clone().without(&["workspace", "role"]));
        document.to_raw()
    }
}
