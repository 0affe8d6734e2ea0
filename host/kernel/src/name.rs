//! Rules of names and titles that all areas share.

use crate::Violation;
use crate::id::Name;

/// Reads a name (S2-06). `pointer` says where it stands.
///
/// # Errors
///
/// Which rule it breaks.
pub fn parse_name(text: &str, pointer: &str) -> Result<Name, Violation> {
    Name::parse(text).map_err(|rule| Violation::new(pointer, "format", format!("The name {rule}.")))
}

/// What is wrong with a title.
#[must_use]
pub fn validate_title(text: &str) -> Option<Violation> {
    (text.chars().count() > MAX_TITLE_CHARS)
        .then(|| Violation::new("/title", "too-long", format!("At most {MAX_TITLE_CHARS} characters.")))
}

/// Of a title.
pub const MAX_TITLE_CHARS: usize = 255;
