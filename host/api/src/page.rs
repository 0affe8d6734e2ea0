use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a list, stable under concurrent writes.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Ask with this as `cursor` for the next part; null at the end.
    #[schema(required)]
    pub next_cursor: Option<String>,
}
