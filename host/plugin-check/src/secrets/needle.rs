//! Looking for a secret in whatever a plugin says, in the spellings that things
//! leak in.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Something to look for.
#[derive(Clone, Debug)]
pub(crate) struct Needle {
    spellings: Vec<(&'static str, Vec<u8>)>,
}

impl Needle {
    /// Of a text that is long enough not to turn up by chance.
    pub(crate) fn new(text: &str) -> Option<Self> {
        if text.len() < MIN_BYTES {
            return None;
        }
        let bytes = text.as_bytes();
        let mut spellings = vec![
            ("plain", bytes.to_vec()),
            ("in hex", hex::encode(bytes).into_bytes()),
            ("in hex", hex::encode_upper(bytes).into_bytes()),
            ("reversed", text.chars().rev().collect::<String>().into_bytes()),
            ("URL-encoded", form_urlencoded::byte_serialize(bytes).collect::<String>().into_bytes()),
            (
                "URL-encoded",
                form_urlencoded::byte_serialize(bytes).collect::<String>().replace('+', "%20").into_bytes(),
            ),
            ("as JSON", json_inside(text).into_bytes()),
        ];
        for before in 0..3 {
            spellings.extend(base64_inside(bytes, before).map(|encoded| ("in base64", encoded)));
        }
        Some(Self { spellings })
    }

    /// How it is spelled in `text`, if it is there.
    pub(crate) fn spelled_in(&self, text: &[u8]) -> Option<&'static str> {
        self.spellings.iter().find(|(_, bytes)| contains(text, bytes)).map(|(spelling, _)| *spelling)
    }
}

/// What is the same in base64 whatever stands around the bytes, `before` of them
/// in front.
fn base64_inside(bytes: &[u8], before: usize) -> impl Iterator<Item = Vec<u8>> {
    let padded = [&vec![0; before], bytes].concat();
    let (from, to) = ((before * 8).div_ceil(6), padded.len() * 8 / 6);
    [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)]
        .into_iter()
        .map(move |encoded| encoded.as_bytes()[from..to].to_vec())
}

fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// Less would turn up by chance.
const MIN_BYTES: usize = 8;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    #[test]
    fn every_spelling_is_found_wherever_it_stands() {
        let needle = Needle::new("s3cret+/ tök€n?>").unwrap();
        let secret = "s3cret+/ tök€n?>";
        assert_eq!(needle.spelled_in(b"nothing to see s3cret+ here"), None);
        let found = |text: String| needle.spelled_in(text.as_bytes());
        assert_eq!(found(format!("a{secret}b")), Some("plain"));
        assert_eq!(found(hex::encode(format!("a{secret}b"))), Some("in hex"));
        assert_eq!(found(hex::encode_upper(format!("a{secret}b"))), Some("in hex"));
        assert_eq!(found(secret.chars().rev().collect()), Some("reversed"));
        assert_eq!(found("x=s3cret%2B%2F+t%C3%B6k%E2%82%ACn%3F%3E&".into()), Some("URL-encoded"));
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "x", "xy"] {
                let text = format!("{before}{secret}{after}");
                assert_eq!(found(STANDARD.encode(&text)), Some("in base64"), "{text}");
                assert_eq!(found(URL_SAFE.encode(&text)), Some("in base64"), "{text}");
            }
        }
        let quoted = Needle::new("a\"quoted\" secret").unwrap();
        assert_eq!(quoted.spelled_in(br#"{"x":"a\"quoted\" secret"}"#), Some("as JSON"));
        assert!(Needle::new("short").is_none());
    }
}
