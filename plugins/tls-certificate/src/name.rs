//! Names of subjects and issuers: as text, and compared by value.

use x509_parser::asn1_rs::Tag;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::x509::{AttributeTypeAndValue, X509Name};

/// The text of a name's part, of any string type; `None` for anything but a
/// string.
///
/// `BMPString` and `UniversalString` are two and four bytes a character (X.690,
/// section 8.23). A `TeletexString` (T61) is Latin-1 in practice: OpenSSL,
/// `GnuTLS` and NSS read it that way, despite T.61.
pub(crate) fn text(part: &AttributeTypeAndValue<'_>) -> Option<String> {
    let value = part.attr_value();
    let bytes = value.data;
    let text = match value.tag() {
        Tag::Utf8String => String::from_utf8(bytes.to_vec()).ok()?,
        Tag::NumericString | Tag::PrintableString | Tag::Ia5String | Tag::VisibleString => {
            String::from_utf8(bytes.to_vec()).unwrap_or_else(|_| latin1(bytes))
        }
        Tag::T61String => latin1(bytes),
        Tag::BmpString => {
            let (units, rest) = bytes.as_chunks::<2>();
            let units: Vec<u16> = units.iter().map(|unit| u16::from_be_bytes(*unit)).collect();
            if rest.is_empty() { String::from_utf16(&units).ok()? } else { return None }
        }
        Tag::UniversalString => {
            let (units, rest) = bytes.as_chunks::<4>();
            let text = units.iter().map(|unit| char::from_u32(u32::from_be_bytes(*unit))).collect::<Option<_>>()?;
            if rest.is_empty() { text } else { return None }
        }
        _ => return None,
    };
    Some(text).filter(|text| !text.is_empty())
}

/// A name for people: `O=Example, CN=R10`.
pub(crate) fn shown(name: &X509Name<'_>) -> String {
    let parts = name.iter_rdn().map(|parts| parts.iter().map(part).collect::<Vec<_>>().join(" + "));
    parts.collect::<Vec<_>>().join(", ")
}

fn part(part: &AttributeTypeAndValue<'_>) -> String {
    let kind =
        oid2abbrev(part.attr_type(), oid_registry()).map_or_else(|_| part.attr_type().to_id_string(), Into::into);
    let value = text(part).unwrap_or_else(|| crate::attributes::hex(part.attr_value().data));
    format!("{kind}={value}")
}

/// Whether two names are equal by RFC 5280, section 7.1: part by part, by
/// value, regardless of string type, case and number of blanks.
pub(crate) fn same(one: &X509Name<'_>, other: &X509Name<'_>) -> bool {
    one.as_raw() == other.as_raw() || folded(one) == folded(other)
}

/// Each relative name as the set of its parts.
fn folded(name: &X509Name<'_>) -> Vec<Vec<(String, Value)>> {
    name.iter_rdn()
        .map(|parts| {
            let mut parts: Vec<_> = parts
                .iter()
                .map(|part| {
                    let value = text(part).map_or_else(|| Value::other(part), |text| Value::Text(fold(&text)));
                    (part.attr_type().to_id_string(), value)
                })
                .collect();
            parts.sort();
            parts
        })
        .collect()
}

#[derive(Eq, Ord, PartialEq, PartialOrd)]
enum Value {
    Text(String),
    /// Its tag and bytes.
    Other(u32, Vec<u8>),
}

impl Value {
    fn other(part: &AttributeTypeAndValue<'_>) -> Self {
        Self::Other(part.attr_value().tag().0, part.attr_value().data.to_vec())
    }
}

fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}
