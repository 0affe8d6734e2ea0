//! Pages of lists.

use uuid::Uuid;

use crate::{Error, Violation};

/// A part of a list and where the next one starts.
#[derive(Clone, Debug)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to ask with for the next page; `None` at the end.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// A list that fits one page.
    #[must_use]
    pub fn whole(items: Vec<T>) -> Self {
        Self { items, next_cursor: None }
    }

    /// The page with each item turned into something else.
    #[must_use]
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(turn).collect(), next_cursor: self.next_cursor }
    }
}

/// Cursors are the last id of the page before.
///
/// # Errors
///
/// [`crate::Kind::Invalid`] for a cursor that is not ours.
pub fn after(cursor: Option<&str>) -> Result<Option<Uuid>, Error> {
    cursor
        .map(|text| {
            Uuid::parse_str(text).map_err(|_| {
                let message = "This cursor is not one of ours: start over without.";
                Error::invalid(vec![Violation::new("?cursor", "format", message)])
            })
        })
        .transpose()
}
