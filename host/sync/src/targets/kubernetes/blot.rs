//! Keeps what is secret out of texts of the other side, which may quote it.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

/// What must not be passed on.
#[derive(Default)]
pub(super) struct Blot {
    secrets: Vec<Zeroizing<Vec<u8>>>,
}

impl Blot {
    /// Adds a secret.
    pub(super) fn add(&mut self, secret: &[u8]) {
        self.secrets.push(Zeroizing::new(secret.to_vec()));
    }

    /// The beginning of `text` without any piece of a secret: neither as it is, nor in base64, in hexadecimal, or as
    /// the list of numbers that Go prints bytes as. A piece is a few bytes in a row, since a quotation may be cut.
    pub(super) fn clean(&self, text: &str) -> String {
        let text: String =
            text.chars().take(MAX_READ).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
        let mut hidden = vec![false; text.len()];
        for secret in &self.secrets {
            for form in forms(secret) {
                mark(text.as_bytes(), &form, &mut hidden);
            }
        }
        let mut clean = String::new();
        let mut was_hidden = false;
        for (at, letter) in text.char_indices() {
            let hide = hidden[at..at + letter.len_utf8()].contains(&true);
            match (hide, was_hidden) {
                (false, _) => clean.push(letter),
                (true, false) => clean.push_str(HIDDEN),
                (true, true) => {}
            }
            was_hidden = hide;
        }
        if let Some((end, _)) = clean.char_indices().nth(MAX_SHOWN) {
            clean.truncate(end);
            clean.push_str("...");
        }
        clean
    }
}

fn forms(secret: &[u8]) -> [Zeroizing<Vec<u8>>; 4] {
    let numbers = secret.iter().map(u8::to_string).collect::<Vec<_>>().join(" ");
    [
        Zeroizing::new(secret.to_vec()),
        Zeroizing::new(STANDARD.encode(secret).into_bytes()),
        Zeroizing::new(hex::encode(secret).into_bytes()),
        Zeroizing::new(numbers.into_bytes()),
    ]
}

/// Marks what `text` has of `form`.
fn mark(text: &[u8], form: &[u8], hidden: &mut [bool]) {
    // A short one only as a whole, and a single letter not at all: it is in every text.
    let piece = form.len().min(PIECE);
    if piece < 2 {
        return;
    }
    let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (at, window) in text.windows(piece).enumerate() {
        places.entry(window).or_default().push(at);
    }
    for window in form.windows(piece) {
        for at in places.get(window).into_iter().flatten() {
            hidden[*at..at + piece].fill(true);
        }
    }
}

/// Shorter ones are in many words; longer ones would let more through.
const PIECE: usize = 6;
const MAX_READ: usize = 2000;
const MAX_SHOWN: usize = 400;
const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use super::*;

    fn blot(secret: &str) -> Blot {
        let mut blot = Blot::default();
        blot.add(secret.as_bytes());
        blot
    }

    #[test]
    fn secrets_go_in_every_form() {
        let secret = "s3cret-token";
        for form in [
            secret.to_owned(),
            STANDARD.encode(secret),
            hex::encode(secret),
            "[115 51 99 114 101 116 45 116 111 107 101 110]".to_owned(),
            "s3cret-to...".to_owned(),
        ] {
            let clean = blot(secret).clean(&format!("denied: {form} is not it"));
            assert!(clean.starts_with("denied: "), "{clean}");
            assert!(clean.contains(HIDDEN) && !clean.contains(&form), "{clean}");
            assert!(!clean.contains("s3cret"), "{clean}");
        }
    }

    #[test]
    fn short_secrets_go_as_a_whole() {
        assert_eq!(blot("bob").clean("user bob is not known"), "user (hidden) is not known");
        assert_eq!(blot("x").clean("user x"), "user x");
    }

    #[test]
    fn letters_of_many_bytes_go_as_a_whole() {
        assert_eq!(blot("pässwört").clean("no: pässwört!"), "no: (hidden)!");
    }

    #[test]
    fn texts_are_short_and_on_one_line() {
        let clean = blot("nothing-in-it").clean(&"a\n".repeat(5000));
        assert!(clean.len() <= MAX_SHOWN + 3 && !clean.contains('\n'));
    }
}
