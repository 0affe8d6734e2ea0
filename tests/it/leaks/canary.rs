//! Values that can be recognised however they are written.

use std::sync::Mutex;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use uuid::Uuid;

/// A secret that occurs nowhere else in the world.
#[derive(Clone)]
pub(crate) struct Canary {
    place: String,
    text: String,
    traces: Vec<String>,
}

impl Canary {
    /// A new one, with characters that JSON, URLs and forms write differently.
    pub(crate) fn new(place: &str) -> Self {
        Self::of(place, &format!("{}/+\"", Uuid::new_v4().simple()))
    }

    /// An existing value. Only its longest run of letters and digits is looked
    /// for, which is the same in all the encodings that keep those.
    pub(crate) fn of(place: &str, text: &str) -> Self {
        let core = text.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default();
        assert!(core.len() >= 16, "too short to be told from chance");
        Self { place: place.to_owned(), text: text.to_owned(), traces: traces(core) }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_in(&self, haystack: &[u8]) -> bool {
        // All traces are ASCII, which a lossy reading keeps.
        let text = String::from_utf8_lossy(haystack);
        self.traces.iter().any(|trace| text.contains(trace))
    }

    /// Fails where the canary is in there; the message tells which, not what.
    #[track_caller]
    pub(crate) fn not_in(&self, what: &str, haystack: &[u8]) {
        assert!(!self.is_in(haystack), "the canary planted as {} is in {what}", self.place);
    }
}

/// What to look for: the text, and what it looks like inside encodings.
fn traces(core: &str) -> Vec<String> {
    let reversed = core.chars().rev().collect();
    let listed = core.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    let mut traces = vec![core.to_owned(), reversed, hex::encode(core), hex::encode_upper(core), listed];
    let once = inside_base64(core);
    traces.extend(once.iter().flat_map(|encoded| inside_base64(encoded)));
    traces.extend(once);
    traces
}

/// The part of a base64 text that does not depend on what stands around the
/// value, for each of the three places it may start at. Letters and digits are
/// the same in both alphabets, so the longest run of them is enough.
fn inside_base64(text: &str) -> Vec<String> {
    let encodings = (0..3).map(|before| {
        let padded = [vec![0; before], text.as_bytes().to_vec()].concat();
        let encoded = BASE64_STANDARD.encode(&padded[..padded.len() - padded.len() % 3]);
        let known = &encoded[if before == 0 { 0 } else { 4 }..];
        known.split(|c: char| !c.is_ascii_alphanumeric()).max_by_key(|run| run.len()).unwrap_or_default().to_owned()
    });
    encodings.filter(|run| run.len() >= 10).collect()
}

/// Every canary planted so far.
#[derive(Default)]
pub(crate) struct Canaries {
    secrets: Mutex<Vec<Canary>>,
    names: Mutex<Vec<Canary>>,
}

impl Canaries {
    /// A new secret.
    pub(crate) fn secret(&self, place: &str) -> String {
        let canary = Canary::new(place);
        let text = canary.text().to_owned();
        self.secrets.lock().expect("no thread panicked").push(canary);
        text
    }

    /// Takes note of a secret that was made elsewhere.
    pub(crate) fn adopt(&self, place: &str, text: &str) {
        self.secrets.lock().expect("no thread panicked").push(Canary::of(place, text));
    }

    /// A new name or title: no secret, but nothing to read off the disk either.
    pub(crate) fn name(&self, place: &str) -> String {
        let text = format!("n{}", Uuid::new_v4().simple());
        self.names.lock().expect("no thread panicked").push(Canary::of(place, &text));
        text
    }

    pub(crate) fn all(&self) -> Vec<Canary> {
        self.secrets.lock().expect("no thread panicked").clone()
    }

    pub(crate) fn names(&self) -> Vec<Canary> {
        self.names.lock().expect("no thread panicked").clone()
    }
}
