//! A token endpoint's answer, JSON or XML, and places in it.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use serde_json::Value;
use zeroize::Zeroizing;

use bursar_kernel::secret::SecretJson;

/// A parsed answer.
pub(super) enum Document<'a> {
    Json(SecretJson),
    Xml(&'a str),
    /// Neither, hence without places.
    Other,
}

impl<'a> Document<'a> {
    pub(super) fn parse(body: &'a [u8]) -> Self {
        if let Ok(value) = serde_json::from_slice(body) {
            return Self::Json(SecretJson::new(value));
        }
        match str::from_utf8(body) {
            Ok(text) if text.trim_start().starts_with('<') => Self::Xml(text),
            _ => Self::Other,
        }
    }

    /// The text at a place: a JSON pointer (RFC 6901), or the names of nested XML
    /// elements, `/Result/Credentials/AccessKeyId`, ignoring namespaces. A number
    /// counts as its digits.
    pub(super) fn text(&self, place: &str) -> Option<Zeroizing<String>> {
        match self.scalar(place)? {
            Value::String(text) => Some(Zeroizing::new(text)),
            Value::Number(number) => Some(Zeroizing::new(number.to_string())),
            _ => None,
        }
    }

    /// The text, number or truth at a place.
    pub(super) fn scalar(&self, place: &str) -> Option<Value> {
        match self {
            Self::Json(document) => {
                document.expose().pointer(place).filter(|value| !value.is_array() && !value.is_object()).cloned()
            }
            Self::Xml(text) => element(text, place).map(Value::String),
            Self::Other => None,
        }
    }
}

/// The text of the first element at `place`, where it holds nothing but text.
fn element(document: &str, place: &str) -> Option<String> {
    let wanted: Vec<&str> = place.strip_prefix('/')?.split('/').collect();
    let mut reader = Reader::from_str(document);
    let mut open: Vec<String> = Vec::new();
    let mut text: Option<String> = None;
    loop {
        let event = reader.read_event().ok()?;
        match (event, &mut text) {
            // The end of the document, or a nested element: not a text.
            (Event::Eof, _) | (Event::Start(_) | Event::Empty(_), Some(_)) => return None,
            (Event::Start(start), None) => {
                if open.len() >= MAX_DEPTH {
                    return None;
                }
                open.push(str::from_utf8(start.local_name().as_ref()).ok()?.to_owned());
                if open == wanted {
                    text = Some(String::new());
                }
            }
            (Event::End(_), Some(_)) => return text,
            (Event::End(_), None) => drop(open.pop()?),
            (Event::Text(piece), Some(text)) => text.push_str(&piece.decode().ok()?),
            (Event::CData(piece), Some(text)) => text.push_str(&piece.decode().ok()?),
            (Event::GeneralRef(name), Some(text)) => match name.resolve_char_ref().ok()? {
                Some(character) => text.push(character),
                // Entities that the document declares are not resolved: they could
                // expand without bound.
                None => text.push_str(resolve_predefined_entity(&name.decode().ok()?)?),
            },
            _ => {}
        }
    }
}

const MAX_DEPTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_in_json_and_in_xml() {
        let json = Document::parse(br#" {"a": {"b/c": "x"}, "n": 3, "t": true, "list": [1]} "#);
        assert_eq!(json.text("/a/b~1c").as_deref().map(String::as_str), Some("x"));
        assert_eq!(json.text("/n").as_deref().map(String::as_str), Some("3"));
        assert_eq!(json.scalar("/t"), Some(Value::Bool(true)));
        assert!(json.text("/t").is_none() && json.text("/list").is_none() && json.text("/none").is_none());

        let xml = Document::parse(
            br#"<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e "boom">]>
            <s:Response xmlns:s="urn:x"><s:Result><s:Key a="b">a&amp;b&#x21;<![CDATA[<c>]]></s:Key><Own>&e;</Own><Key>second</Key>
            <Nested><Key>no</Key></Nested><Empty/></s:Result></s:Response>"#,
        );
        let text = |place| xml.scalar(place).and_then(|value| value.as_str().map(str::to_owned));
        assert_eq!(text("/Response/Result/Key").as_deref(), Some("a&b!<c>"));
        for none in ["/Response/Result/Own", "/Response/Result/Nested", "/Result/Key", "Response", "/Response/Result/X"]
        {
            assert_eq!(text(none), None, "{none}");
        }
        assert!(Document::parse(b"plain").scalar("/a").is_none());
        assert!(Document::parse(b"<a><b>cut").scalar("/a/b").is_none());
    }
}
