//! What the other side says is told only without what repeats a secret.

use std::collections::HashMap;

use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE, Engine as _};
use bursar_kernel::text::is_unprintable;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Knows secrets, and finds them in every way that they are likely to be
/// repeated in.
#[derive(Default)]
pub(crate) struct Blotter {
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl Blotter {
    /// Learns secrets.
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut blotter = Self::default();
        secrets.for_each(|secret| blotter.add(secret));
        blotter
    }

    /// Learns one more.
    pub(crate) fn add(&mut self, secret: &[u8]) {
        if !secret.is_empty() {
            self.secrets.push(Zeroizing::new(secret.to_vec()));
        }
    }

    /// Whether any of a secret is in a text.
    pub(crate) fn finds_any(&self, text: &str) -> bool {
        self.found(text).contains(&true)
    }

    /// The beginning of a text of the other side, `most` characters on one line
    /// without what steers a terminal, and without any of a secret.
    pub(crate) fn excerpt(&self, text: &str, most: usize) -> String {
        let read = text.char_indices().nth(MAX_READ_CHARACTERS).map_or(text, |(end, _)| &text[..end]);
        let excerpt = shorten(&self.blot(read), most);
        // Once more: what stood on two lines may have been joined.
        self.blot(&excerpt)
    }

    /// The text with `[...]` in place of each piece of a secret: of any
    /// [`PIECE`] bytes in a row that are in one, or all of a shorter secret.
    fn blot(&self, text: &str) -> String {
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
        for form in self.secrets.iter().flat_map(|secret| forms(secret)) {
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

/// A secret as it is; as it stands within JSON, a URL, hexadecimal, the list of
/// numbers that Go prints bytes as, and base64 at each of the three places that
/// it can start at there.
fn forms(secret: &[u8]) -> Vec<Zeroizing<Vec<u8>>> {
    let json = serde_json::Value::String(String::from_utf8_lossy(secret).into_owned()).to_string();
    let mut forms = vec![
        secret.to_vec(),
        json.as_bytes()[1..json.len() - 1].to_vec(),
        form_urlencoded::byte_serialize(secret).collect::<String>().into_bytes(),
        hex::encode(secret).into_bytes(),
        hex::encode_upper(secret).into_bytes(),
        secret.iter().map(u8::to_string).collect::<Vec<_>>().join(" ").into_bytes(),
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

/// The beginning, on one line, without what steers a terminal or turns the
/// direction of writing.
fn shorten(text: &str, most: usize) -> String {
    let plain: String = text.chars().map(|c| if is_unprintable(c) { ' ' } else { c }).collect();
    let line = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(most) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// Shorter ones are in many words; longer ones would let more through.
const PIECE: usize = 6;
const BLOT: &str = "[...]";
const MAX_READ_CHARACTERS: usize = 16 << 10;

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

    #[test]
    fn bytes_as_go_prints_them_are_blotted_out() {
        let blotter = Blotter::new([&b"s3cret-token"[..]].into_iter());
        let text = "denied: [115 51 99 114 101 116 45 116 111 107 101 110] is not it";
        assert_eq!(blotter.excerpt(text, 400), "denied: [[...]] is not it");
        assert_eq!(blotter.excerpt("cut: s3cret-to...", 400), "cut: [...]...");
    }

    #[test]
    fn a_secret_on_two_lines_is_found_when_they_are_joined() {
        let blotter = Blotter::new([&b"ab cd ef gh"[..]].into_iter());
        assert_eq!(blotter.excerpt("no: ab\ncd\nef\ngh", 400), "no: [...]");
    }

    #[test]
    fn an_excerpt_is_short_and_on_one_line() {
        assert_eq!(shorten("a\r\nb\u{1b}[31m\tc\u{202e}d\0", 200), "a b [31m c d");
        let long = shorten(&"ä".repeat(1000), 200);
        assert_eq!(long.chars().count(), 203);
        assert!(long.ends_with("ä..."));
        assert_eq!(shorten(" \n ", 200), "");
    }
}
