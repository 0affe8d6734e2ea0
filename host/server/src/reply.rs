//! Shapes of successful answers.

use axum::Json;
use axum::response::{IntoResponse, Response};
use bursar_api as api;
use bursar_kernel::store::Revision;
use http::header::{ETAG, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;

/// A resource with its `ETag`: `"<revision>"`.
pub(crate) struct Tagged<T>(pub(crate) Revision, pub(crate) T);

/// A created resource.
pub(crate) struct Created<T> {
    /// Path of the list it is in.
    pub(crate) list: String,
    /// Its id.
    pub(crate) id: String,
    /// Its revision, where it has one.
    pub(crate) revision: Option<Revision>,
    /// Whether an earlier request with the same key created it.
    pub(crate) replayed: bool,
    /// The resource.
    pub(crate) body: T,
}

/// A page of a list.
pub(crate) fn page<T, U: Serialize>(page: bursar_kernel::Page<T>, item: impl FnMut(T) -> U) -> Json<api::Page<U>> {
    let page = page.map(item);
    Json(api::Page { items: page.items, next_cursor: page.next_cursor })
}

/// The part of a complete list, sorted by key, that comes after `cursor`.
pub(crate) fn part<T>(
    items: impl IntoIterator<Item = T>,
    key: impl Fn(&T) -> String,
    cursor: Option<&str>,
    limit: usize,
) -> bursar_kernel::Page<T> {
    let mut items: Vec<T> = items.into_iter().filter(|item| cursor.is_none_or(|after| *key(item) > *after)).collect();
    items.sort_by_key(&key);
    let more = items.len() > limit;
    items.truncate(limit);
    let next_cursor = items.last().filter(|_| more).map(key);
    bursar_kernel::Page { items, next_cursor }
}

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(ETAG, tag(self.0))], Json(self.1)).into_response()
    }
}

impl<T: Serialize> IntoResponse for Created<T> {
    fn into_response(self) -> Response {
        let location = format!("{}/{}", self.list.trim_end_matches('/'), self.id);
        let mut response = (StatusCode::CREATED, Json(self.body)).into_response();
        let headers = response.headers_mut();
        if let Ok(location) = HeaderValue::from_str(&location) {
            headers.insert(LOCATION, location);
        }
        if let Some(revision) = self.revision {
            headers.insert(ETAG, tag(revision));
        }
        if self.replayed {
            headers.insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
        }
        response
    }
}

fn tag(revision: Revision) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{revision}\"")).unwrap_or_else(|_| unreachable!("digits and quotes are visible"))
}

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_list_is_cut_into_pages() {
        let names = ["c", "a", "b"];
        let first = part(names, |name| (*name).to_owned(), None, 2);
        assert_eq!((first.items, first.next_cursor.as_deref()), (vec!["a", "b"], Some("b")));
        let second = part(names, |name| (*name).to_owned(), Some("b"), 2);
        assert_eq!((second.items, second.next_cursor), (vec!["c"], None));
    }
}
