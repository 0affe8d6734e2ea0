//! The shapes of names that plugins give: ids, codes, pointers, file names.

use bursar_schema::pointer;

/// `^[a-z][a-z0-9-]{0,63}$`: ids of types and slots, violation codes.
pub(crate) fn is_id(text: &str) -> bool {
    starts_lower(text, 64, |c| c == b'-')
}

/// `^[a-z][a-z0-9-]{0,31}$`: kinds of selectors.
pub(crate) fn is_selector_kind(text: &str) -> bool {
    starts_lower(text, 32, |c| c == b'-')
}

/// `^[A-Za-z0-9._-]{1,253}$` and neither `.` nor `..`: names of artifacts, which
/// become file names and keys of Secrets.
pub(crate) fn is_artifact_name(text: &str) -> bool {
    (1..=253).contains(&text.len())
        && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"._-".contains(&c))
        && text != "."
        && text != ".."
}

/// `^[a-z0-9.+-]+/[a-z0-9.+-]+$`, perhaps with `; charset=utf-8`.
pub(crate) fn is_media_type(text: &str) -> bool {
    let essence = text.strip_suffix("; charset=utf-8").unwrap_or(text);
    let part = |part: &str| {
        !part.is_empty() && part.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b".+-".contains(&c))
    };
    essence.len() <= 127 && essence.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

/// A JSON Pointer (RFC 6901, section 3) that is not the whole document.
pub(crate) fn is_field_pointer(text: &str) -> bool {
    let mut characters = text.chars();
    if characters.next() != Some('/') || text.len() > pointer::MAX_BYTES {
        return false;
    }
    while let Some(character) = characters.next() {
        if character.is_control() || (character == '~' && !matches!(characters.next(), Some('0' | '1'))) {
            return false;
        }
    }
    true
}

fn starts_lower(text: &str, most: usize, extra: impl Fn(u8) -> bool) -> bool {
    text.len() <= most
        && text.bytes().next().is_some_and(|c| c.is_ascii_lowercase())
        && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || extra(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_good_names_from_bad() {
        assert!(is_id("a") && is_id("container-registry") && is_id(&"a".repeat(64)));
        assert!(!is_id("") && !is_id("A") && !is_id("-a") && !is_id("1a") && !is_id("a_b") && !is_id(&"a".repeat(65)));
        assert!(is_selector_kind("image-prefix") && !is_selector_kind(&"a".repeat(33)));
        assert!(is_artifact_name(".dockerconfigjson") && is_artifact_name("a") && is_artifact_name("..."));
        for bad in ["", ".", "..", "a/b", "a b", "ä", "a\0", &"a".repeat(254)] {
            assert!(!is_artifact_name(bad), "{bad:?}");
        }
        assert!(is_media_type("application/json") && is_media_type("text/plain; charset=utf-8"));
        for bad in ["", "text", "/x", "x/", "a/b/c", "Text/plain", "text/plain; charset=latin1", "text/plain\n"] {
            assert!(!is_media_type(bad), "{bad:?}");
        }
        assert!(is_field_pointer("/a") && is_field_pointer("/a~0b/~1") && is_field_pointer("/"));
        for bad in ["", "a", "/a~", "/a~2", "/a\n"] {
            assert!(!is_field_pointer(bad), "{bad:?}");
        }
    }
}
