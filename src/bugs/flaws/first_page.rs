//! A listing that ends with its first page.

use async_trait::async_trait;

use super::Flaw;
use crate::seam::{Collection, ListQuery, Page, Result};

/// No page ever says that another one follows.
#[derive(Clone, Copy, Debug)]
pub struct FirstPage;

#[async_trait]
impl Flaw for FirstPage {
    async fn list(&self, sound: &dyn Collection, query: &ListQuery) -> Result<Page> {
        let mut page = sound.list(query).await?;
        page.next_cursor = None;
        Ok(page)
    }
}
