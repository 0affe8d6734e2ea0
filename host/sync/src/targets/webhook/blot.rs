//! Takes out of a text what repeats a secret.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Knows secrets in every way that they are likely to be repeated in.
pub(super) struct Blotter {
    forms: Vec<Zeroizing<Vec<u8>>>,
}

impl Blotter {
    /// Learns secrets.
    pub(super) fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        Self { forms: secrets.filter(|secret| !secret.is_empty()).flat_map(forms).collect() }
    }

    /// Whether any of a secret is in a text.
    pub(super) fn finds_any(&self, text: &str) -> bool {
        self.found(text).contains(&true)
    }

    /// The text with `[...]` in place of each piece of a secret: of any
    /// [`PIECE`] bytes in a row that are in one, or all of a shorter secret.
    pub(super) fn blot(&self, text: &str) -> String {
        let found = self.found(text);
        let mut blotted = String::with_capacity(text.len());
        let mut within = false;
        for (start, c) in text.char_indices() {
            let secret = found[start..start + c.len_utf8()].contains(&true);
            if !secret {
                blotted.push(c);
            } else if !within {
                blotted.push_str(BLOT);
            }
            within = secret;
        }
        blotted
    }

    /// Which bytes are of a secret.
    fn found(&self, text: &str) -> Vec<bool> {
        let bytes = text.as_bytes();
        let mut found = vec![false; bytes.len()];
        let mut pieces: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (start, piece) in bytes.windows(PIECE).enumerate() {
            pieces.entry(piece).or_default().push(start);
        }
        for form in &self.forms {
            if form.len() < PIECE {
                for (start, piece) in bytes.windows(form.len()).enumerate() {
                    if piece == form.as_slice() {
                        found[start..start + form.len()].fill(true);
                    }
                }
                continue;
            }
            for piece in form.windows(PIECE) {
                for &start in pieces.get(piece).into_iter().flatten() {
                    found[start..start + PIECE].fill(true);
                }
            }
        }
        found
    }
}

/// A secret as it is; as it stands within JSON, a URL, hexadecimal, and base64
/// at each of the three places that it can start at there.
fn forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let json = serde_json::Value::String(String::from_utf8_lossy(secret).into_owned()).to_string();
    let mut forms = vec![
        secret.to_vec(),
        json.as_bytes()[1..json.len() - 1].to_vec(),
        form_urlencoded::byte_serialize(secret).collect::<String>().into_bytes(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
    ];
    for before in 0..3 {
        let shifted = Zeroizing::new([&[0; 2][..before], secret].concat());
        for engine in [BASE64_STANDARD, BASE64_URL_SAFE] {
            let text = engine.encode(&*shifted);
            // The first letters and the last one may also be of what stands beside it.
            let letters = text.as_bytes().get([0, 2, 3][before]..).unwrap_or_default();
            let unpadded = text.trim_end_matches('=').len() - (text.len() - letters.len());
            let own = unpadded - usize::from(shifted.len() % 3 != 0);
            forms.extend([letters, &letters[..unpadded], &letters[..own]].map(<[u8]>::to_vec));
        }
    }
    forms.retain(|form| !form.is_empty());
    forms.into_iter().map(Zeroizing::new).collect()
}

/// Few texts have so many bytes in common by chance.
const PIECE: usize = 8;
const BLOT: &str = "[...]";

#[cfg(test)]
mod tests {
    use super::*;

    /// Letters of base64 that are of the text around the secret.
    const BESIDE: usize = 10;

    #[test]
    fn a_secret_is_blotted_out_in_each_form() {
        let secret = "pä\"ss\nword-of/some?length";
        let blotter = Blotter::new([secret.as_bytes()].into_iter());
        let within = |before: &str| BASE64_STANDARD.encode(format!("{before}{secret}!"));
        let texts = [
            secret.to_owned(),
            serde_json::to_string(secret).expect("JSON"),
            BASE64_STANDARD.encode(secret),
            BASE64_URL_SAFE.encode(secret),
            within("a"),
            within("ab"),
            within("abc"),
            hex::encode(secret),
            hex::encode_upper(secret),
            form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ];
        for text in texts {
            let left = blotter.blot(&format!("before {text} after"));
            assert!(left.starts_with("before ") && left.ends_with(" after"), "{left}");
            assert!(left.len() <= "before [...] after".len() + BESIDE, "{left}");
        }
    }

    #[test]
    fn a_piece_of_a_secret_is_enough() {
        let blotter = Blotter::new([&b"first line\nsecond line\n"[..]].into_iter());
        assert_eq!(blotter.blot("bad: second line"), "bad: [...]");
        assert_eq!(blotter.blot("bad: first li"), "bad: [...]");
        assert_eq!(blotter.blot("nothing of it"), "nothing of it");
        assert!(blotter.finds_any("econd lin"));
        assert!(!blotter.finds_any("econd"));
    }

    #[test]
    fn a_short_secret_is_blotted_out_whole() {
        let blotter = Blotter::new([&b"hey"[..], &b""[..]].into_iter());
        assert_eq!(blotter.blot("they say hey"), "t[...] say [...]");
    }
}
