//! Known secrets are blotted out of whatever reaches a plugin, a log or a
//! screen, in every encoding that services are known to echo them in.
//!
//! The first line of defence is that a secret goes to its declared places
//! alone. This is the second: a service may repeat what it was sent.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use zeroize::Zeroizing;

/// The values to blot out.
#[derive(Clone, Default)]
pub(crate) struct Known {
    values: Vec<Zeroizing<Vec<u8>>>,
    patterns: Vec<Pattern>,
}

/// One spelling of a value.
#[derive(Clone)]
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    /// The characters beside it hold some of its bits, as in base64.
    bleeds: bool,
}

impl Known {
    /// Learns a value. One of less than four bytes would blot out everything
    /// and is not looked for.
    pub(crate) fn add(&mut self, value: &[u8]) {
        if value.len() < MIN_BYTES || self.values.iter().any(|known| known.as_slice() == value) {
            return;
        }
        let plain = spellings(value).into_iter().map(|bytes| Pattern { bytes, bleeds: false });
        let encoded = base64_spellings(value).into_iter().map(|bytes| Pattern { bytes, bleeds: true });
        let mut patterns: Vec<Pattern> = plain.chain(encoded).filter(|one| one.bytes.len() >= MIN_BYTES).collect();
        // Of most values many spellings are the same.
        patterns
            .sort_unstable_by(|one, two| (one.bytes.as_slice(), one.bleeds).cmp(&(two.bytes.as_slice(), two.bleeds)));
        patterns.dedup_by(|one, two| one.bytes == two.bytes && one.bleeds == two.bleeds);
        self.patterns.append(&mut patterns);
        self.values.push(Zeroizing::new(value.to_vec()));
    }

    /// How many values it knows.
    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether a known value is in `bytes`.
    pub(crate) fn is_in(&self, bytes: &[u8]) -> bool {
        self.patterns.iter().any(|pattern| memmem::find(bytes, &pattern.bytes).is_some())
    }

    /// How many bytes of `bytes` are left, blots included, once they are
    /// scrubbed.
    pub(crate) fn shown_bytes(&self, bytes: &[u8]) -> usize {
        self.hits(bytes).iter().fold(bytes.len(), |left, hit| left - hit.len() + BLOT.len())
    }

    /// `bytes` without any known value.
    pub(crate) fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for hit in self.hits(bytes) {
            clean.extend_from_slice(&bytes[at..hit.start]);
            clean.extend_from_slice(BLOT);
            at = hit.end;
        }
        clean.extend_from_slice(&bytes[at..]);
        clean
    }

    /// `text` without any known value.
    pub(crate) fn scrub_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.scrub(text.as_bytes())).into_owned()
    }

    /// Where known values are, in order and apart from each other.
    fn hits(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        for pattern in &self.patterns {
            let finder = memmem::Finder::new(pattern.bytes.as_slice());
            let mut from = 0;
            while let Some(found) = finder.find(&bytes[from..]) {
                let start = from + found;
                let mut hit = start..start + pattern.bytes.len();
                if pattern.bleeds {
                    hit.start -= usize::from(start > 0 && is_base64(bytes[start - 1]));
                    hit.end += usize::from(bytes.get(hit.end).copied().is_some_and(is_base64));
                }
                hits.push(hit);
                // A value may overlap itself.
                from = start + 1;
            }
        }
        hits.sort_by_key(|hit| hit.start);
        let mut apart: Vec<Range<usize>> = Vec::new();
        for hit in hits {
            match apart.last_mut() {
                Some(last) if hit.start <= last.end => last.end = last.end.max(hit.end),
                _ => apart.push(hit),
            }
        }
        apart
    }
}

/// The spellings of a value that stand by themselves.
fn spellings(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut found = vec![value.to_vec(), hex::encode(value).into_bytes(), hex::encode_upper(value).into_bytes()];
    for set in [RFC_3986, FORM, NON_ALPHANUMERIC] {
        let upper = percent_encode(value, set).to_string();
        found.push(upper.replace("%20", "+").into_bytes());
        found.push(percent_lower(&upper).into_bytes());
        found.push(upper.into_bytes());
    }
    let every = value.iter().fold(String::new(), |every, byte| every + &format!("%{byte:02X}"));
    found.push(percent_lower(&every).into_bytes());
    found.push(every.into_bytes());
    if let Ok(text) = str::from_utf8(value) {
        let once = json_spellings(text);
        // A service that answers with what it was sent as a JSON string.
        found.extend(once.iter().flat_map(|text| json_spellings(text)).map(String::into_bytes));
        found.extend(once.into_iter().map(String::into_bytes));
        found.push(markup(text, "&#39;").into_bytes());
        found.push(markup(text, "&apos;").into_bytes());
    }
    found.into_iter().map(Zeroizing::new).collect()
}

/// The inside of a JSON string, as the writers in use spell it: plainly, with
/// escaped slashes (PHP), in ASCII alone (Python), fit for HTML (Go).
fn json_spellings(text: &str) -> Vec<String> {
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

/// `text` as the inside of a JSON string (RFC 8259, section 7).
pub(crate) fn json_inside(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn markup(text: &str, apostrophe: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', apostrophe)
}

/// The part of a value's base64 that is the same whatever stands around it, for
/// each of the three ways it may be aligned.
fn base64_spellings(value: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let mut found = Vec::new();
    for before in 0..3 {
        let mut bytes = Zeroizing::new(vec![0; before]);
        bytes.extend_from_slice(value);
        let whole = bytes.len() * 8 / 6;
        let skipped = (before * 8).div_ceil(6);
        for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
            let encoded = Zeroizing::new(encoded);
            found.push(Zeroizing::new(encoded[skipped..whole].as_bytes().to_vec()));
            // As a query or form field, in which nothing but letters is plain.
            found.push(Zeroizing::new(
                percent_encode(encoded[skipped..whole].as_bytes(), NON_ALPHANUMERIC).to_string().into_bytes(),
            ));
        }
    }
    found
}

/// Percent-encoding with small letters; only the escapes have hex digits to
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

fn is_base64(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"+/-_".contains(&c)
}

/// All but the unreserved characters (RFC 3986, section 2.3).
pub(crate) const RFC_3986: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// All but what `application/x-www-form-urlencoded` leaves as it is.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');
/// Fits into a JSON string and a header.
const BLOT: &[u8] = b"[secret]";
/// Shorter values are in every text.
pub(crate) const MIN_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};

    use super::*;

    fn known(value: &str) -> Known {
        let mut known = Known::default();
        known.add(value.as_bytes());
        known
    }

    #[test]
    fn a_secret_is_found_in_every_spelling() {
        let secret = "p\u{e4}ss w/\"rd\"\\ <&'>\n+~*x";
        let known = known(secret);
        let json = serde_json::Value::from(secret).to_string();
        let twice = serde_json::Value::from(json.as_str()).to_string();
        for text in [
            secret.to_owned(),
            hex::encode(secret),
            hex::encode_upper(secret),
            percent_encode(secret.as_bytes(), RFC_3986).to_string(),
            percent_encode(secret.as_bytes(), NON_ALPHANUMERIC).to_string().to_lowercase(),
            form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
            json.clone(),
            json.replace("\\u00e4", "\u{e4}").replace('/', "\\/"),
            json.replace('\u{e4}', "\\u00e4"),
            json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026"),
            twice,
        ] {
            let clean = known.scrub_text(&format!("before {text} after"));
            assert!(
                clean.contains("[secret]") && clean.contains("before ") && clean.contains(" after"),
                "{text}: {clean}"
            );
            assert!(!clean.contains("ss") && !clean.contains("7373"), "{text}: {clean}");
        }
    }

    #[test]
    fn base64_is_found_however_it_is_aligned() {
        let secret = "hunter2>>secret??";
        let known = known(secret);
        for before in ["", "a", "ab", "abc", "user:"] {
            for after in ["", "z", "zz"] {
                let text = format!("{before}{secret}{after}");
                for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text), STANDARD_NO_PAD.encode(&text)] {
                    let clean = known.scrub_text(&format!("Basic {encoded}"));
                    let left = clean.replace("Basic ", "").replace("[secret]", "").replace('=', "");
                    // What is left holds the neighbours' own bits alone.
                    assert!(
                        clean.contains("[secret]") && left.len() <= ((before.len() + after.len()) * 8).div_ceil(6),
                        "{clean}"
                    );
                }
            }
        }
    }

    #[test]
    fn overlaps_and_neighbours_go_and_the_rest_stays() {
        let mut two = known("aaaa");
        two.add(b"aaaabbbb");
        assert_eq!(two.scrub_text("xaaaaax aaaabbbb!"), "x[secret]x [secret]!");
        let short = known("abc");
        assert_eq!(short.scrub_text("abc"), "abc");
        assert_eq!(Known::default().scrub(b"\xff\0any"), b"\xff\0any");
    }
}
