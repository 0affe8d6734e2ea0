//! The ways in which programs write a value.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// How a value is written.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Spelling {
    /// As it is.
    Plain,
    /// Hexadecimal digits.
    Hex,
    /// Its characters in reverse.
    Reversed,
    /// Percent-encoded, as in a URL or a form.
    Percent,
    /// The inside of a JSON string, perhaps of one within another.
    Json,
    /// The text of XML or HTML.
    Markup,
    /// The list of numbers that Go prints bytes as.
    Numbers,
    /// Base64, whatever stands around the value.
    Base64,
}

impl Spelling {
    /// Continues a sentence such as "it is there".
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Hex => "in hex",
            Self::Reversed => "reversed",
            Self::Percent => "URL-encoded",
            Self::Json => "as JSON",
            Self::Markup => "as XML or HTML",
            Self::Numbers => "as numbers",
            Self::Base64 => "in base64",
        }
    }

    /// Whether the characters beside it hold some of the value's bits.
    pub(crate) fn bleeds(self) -> bool {
        self == Self::Base64
    }
}

/// Visits every spelling of a value, one at a time: a large value has many.
pub(crate) fn each(value: &[u8], visit: &mut impl FnMut(Spelling, &[u8])) {
    visit(Spelling::Plain, value);
    let mut visit = |spelling, text: String| visit(spelling, Zeroizing::new(text).as_bytes());
    visit(Spelling::Hex, hex::encode(value));
    visit(Spelling::Hex, hex::encode_upper(value));
    for set in [RFC_3986, FORM, NON_ALPHANUMERIC] {
        let upper = percent_encode(value, set).to_string();
        visit(Spelling::Percent, upper.replace("%20", "+"));
        visit(Spelling::Percent, percent_lower(&upper));
        visit(Spelling::Percent, upper);
    }
    let every = value.iter().fold(String::new(), |every, byte| every + &format!("%{byte:02X}"));
    visit(Spelling::Percent, percent_lower(&every));
    visit(Spelling::Percent, every);
    // What is no text is echoed with replacement characters.
    let text = &*String::from_utf8_lossy(value);
    visit(Spelling::Reversed, text.chars().rev().collect());
    for once in json(text) {
        // A service may answer with what it was sent as a JSON string.
        for twice in json(&once) {
            visit(Spelling::Json, twice);
        }
        visit(Spelling::Json, once);
    }
    visit(Spelling::Markup, markup(text, "&#39;"));
    visit(Spelling::Markup, markup(text, "&apos;"));
    visit(Spelling::Numbers, value.iter().map(u8::to_string).collect::<Vec<_>>().join(" "));
    for before in 0..3 {
        base64(value, before, &mut visit);
    }
}

/// `text` as the inside of a JSON string (RFC 8259, section 7).
#[must_use]
pub fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

/// The inside of a JSON string, as the writers in use spell it: plainly, with
/// escaped slashes (PHP), in ASCII only (Python), fit for HTML (Go).
fn json(text: &str) -> Vec<String> {
    let plain = json_inside(text);
    let ascii = plain.chars().fold(String::new(), |mut ascii, c| {
        if c.is_ascii() {
            ascii.push(c);
        } else {
            let mut units = [0; 2];
            ascii.extend(c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")));
        }
        ascii
    });
    let html = plain.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    vec![plain.replace('/', "\\/"), ascii.replace('/', "\\/"), ascii, html, plain]
}

fn markup(text: &str, apostrophe: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
}

/// The part of a value's base64 that does not depend on what surrounds it, with
/// `before` bytes in front of it.
fn base64(value: &[u8], before: usize, visit: &mut impl FnMut(Spelling, String)) {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(value);
    let whole = bytes.len() * 8 / 6;
    let skipped = (before * 8).div_ceil(6);
    for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
        let encoded = Zeroizing::new(encoded);
        let own = &encoded[skipped..whole];
        visit(Spelling::Base64, own.to_owned());
        // As a query or form field, in which only letters and digits are plain.
        visit(Spelling::Base64, percent_encode(own.as_bytes(), NON_ALPHANUMERIC).to_string());
    }
}

/// Percent-encoding with lower-case digits; only the escapes have hex digits to
/// change.
fn percent_lower(text: &str) -> String {
    let mut parts = text.split('%');
    let mut lower = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (digits, rest) = part.split_at(part.len().min(2));
        lower.push('%');
        lower.push_str(&digits.to_ascii_lowercase());
        lower.push_str(rest);
    }
    lower
}

/// All but the unreserved characters (RFC 3986, section 2.3).
pub const RFC_3986: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// All but what `application/x-www-form-urlencoded` leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
