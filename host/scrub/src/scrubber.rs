//! Looking for secrets, and putting a blot in their place.

use std::collections::HashMap;
use std::ops::Range;

use memchr::memmem::Finder;
use zeroize::Zeroizing;

use crate::spelling::{self, Spelling};

/// Knows secrets, and finds them in whatever others write.
#[derive(Clone, Default)]
pub struct Scrubber {
    matching: Matching,
    values: Vec<Zeroizing<Vec<u8>>>,
    /// Of [`Matching::Whole`], since it is asked again and again.
    patterns: Vec<Pattern>,
}

/// How much of a secret gives it away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Matching {
    /// All of it. Secrets of less than four bytes are in every text and are not
    /// looked for.
    #[default]
    Whole,
    /// Any six bytes of it in a row; of a shorter secret all of it.
    Pieces,
}

/// One spelling of a secret.
#[derive(Clone)]
struct Pattern {
    bytes: Zeroizing<Vec<u8>>,
    spelling: Spelling,
}

impl Matching {
    /// What is put in place of a secret. It fits into a JSON string and a header,
    /// and no piece of it can be one of a secret.
    #[must_use]
    pub fn blot(self) -> &'static str {
        match self {
            Self::Whole => "[secret]",
            Self::Pieces => "[...]",
        }
    }
}

impl Scrubber {
    /// Knows no secret yet.
    #[must_use]
    pub fn new(matching: Matching) -> Self {
        Self { matching, ..Self::default() }
    }

    /// Learns a secret.
    pub fn add(&mut self, value: &[u8]) {
        let least = if self.matching == Matching::Whole { MIN_BYTES } else { 1 };
        if value.len() < least || self.values.iter().any(|known| known.as_slice() == value) {
            return;
        }
        self.values.push(Zeroizing::new(value.to_vec()));
        if self.matching == Matching::Pieces {
            return;
        }
        let mut patterns = Vec::new();
        spelling::each(value, &mut |spelling, bytes| {
            if bytes.len() >= MIN_BYTES {
                patterns.push(Pattern { bytes: Zeroizing::new(bytes.to_vec()), spelling });
            }
        });
        // Of most values many spellings are the same.
        patterns.sort_unstable_by(|one: &Pattern, two| {
            (one.bytes.as_slice(), one.spelling).cmp(&(two.bytes.as_slice(), two.spelling))
        });
        patterns.dedup_by(|one, two| one.bytes == two.bytes && one.spelling.bleeds() == two.spelling.bleeds());
        self.patterns.append(&mut patterns);
    }

    /// How many secrets it knows.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.len()
    }

    /// Whether a secret is in `bytes`.
    #[must_use]
    pub fn is_in(&self, bytes: &[u8]) -> bool {
        match self.matching {
            Matching::Whole => self.patterns.iter().any(|pattern| pattern.is_in(bytes)),
            Matching::Pieces => !self.hits(bytes).is_empty(),
        }
    }

    /// How a secret is spelled in `bytes`, if one is there as a whole.
    #[must_use]
    pub fn spelling_in(&self, bytes: &[u8]) -> Option<Spelling> {
        self.patterns.iter().filter(|pattern| pattern.is_in(bytes)).map(|pattern| pattern.spelling).min()
    }

    /// How many bytes [`Scrubber::scrub`] leaves of `bytes`.
    #[must_use]
    pub fn scrubbed_bytes(&self, bytes: &[u8]) -> usize {
        self.hits(bytes).iter().fold(bytes.len(), |left, hit| left - hit.len() + self.matching.blot().len())
    }

    /// `bytes` with a blot in place of secrets: see [`Matching::blot`].
    #[must_use]
    pub fn scrub(&self, bytes: &[u8]) -> Vec<u8> {
        let mut clean = Vec::with_capacity(bytes.len());
        let mut at = 0;
        for hit in self.hits(bytes) {
            clean.extend_from_slice(&bytes[at..hit.start]);
            clean.extend_from_slice(self.matching.blot().as_bytes());
            at = hit.end;
        }
        clean.extend_from_slice(&bytes[at..]);
        clean
    }

    /// `text` with a blot in place of secrets: see [`Matching::blot`].
    #[must_use]
    pub fn scrub_text(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut at = 0;
        let mut hits = self.hits(text.as_bytes());
        for hit in &mut hits {
            // A piece of a secret may end within a character.
            hit.start = text.floor_char_boundary(hit.start);
            hit.end = text.ceil_char_boundary(hit.end);
        }
        for hit in apart(hits) {
            clean.push_str(&text[at..hit.start]);
            clean.push_str(self.matching.blot());
            at = hit.end;
        }
        clean.push_str(&text[at..]);
        clean
    }

    /// Where secrets are, in order and apart from each other.
    fn hits(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut hits = Vec::new();
        match self.matching {
            Matching::Whole => {
                for Pattern { bytes: pattern, spelling } in &self.patterns {
                    find(pattern, bytes, |hit| hits.push(with_neighbours(hit, *spelling, bytes)));
                }
            }
            Matching::Pieces => {
                let mut pieces: HashMap<&[u8], Vec<usize>> = HashMap::new();
                for (start, piece) in bytes.windows(PIECE_BYTES).enumerate() {
                    pieces.entry(piece).or_default().push(start);
                }
                let mut look = |spelling: Spelling, pattern: &[u8]| {
                    for piece in pattern.windows(PIECE_BYTES) {
                        let starts = pieces.get(piece).into_iter().flatten();
                        hits.extend(starts.map(|&start| with_neighbours(start..start + PIECE_BYTES, spelling, bytes)));
                    }
                    if pattern.len() < PIECE_BYTES && (pattern.len() >= MIN_BYTES || spelling == Spelling::Plain) {
                        find(pattern, bytes, |hit| hits.push(with_neighbours(hit, spelling, bytes)));
                    }
                };
                self.values.iter().for_each(|value| spelling::each(value, &mut look));
            }
        }
        hits.sort_by_key(|hit| hit.start);
        apart(hits)
    }
}

impl Pattern {
    fn is_in(&self, bytes: &[u8]) -> bool {
        Finder::new(self.bytes.as_slice()).find(bytes).is_some()
    }
}

/// Finds every occurrence; a pattern may overlap itself.
fn find(pattern: &[u8], bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
    let finder = Finder::new(pattern);
    let mut from = 0;
    while let Some(at) = finder.find(&bytes[from..]) {
        let start = from + at;
        found(start..start + pattern.len());
        from = start + 1;
    }
}

fn with_neighbours(mut hit: Range<usize>, spelling: Spelling, bytes: &[u8]) -> Range<usize> {
    if spelling.bleeds() {
        hit.start -= usize::from(hit.start > 0 && is_base64(bytes[hit.start - 1]));
        hit.end += usize::from(bytes.get(hit.end).copied().is_some_and(is_base64));
        hit.end += bytes[hit.end..].iter().take(2).take_while(|byte| **byte == b'=').count();
    }
    hit
}

/// Joins sorted ranges that touch.
fn apart(hits: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut apart: Vec<Range<usize>> = Vec::new();
    for hit in hits {
        match apart.last_mut() {
            Some(last) if hit.start <= last.end => last.end = last.end.max(hit.end),
            _ => apart.push(hit),
        }
    }
    apart
}

fn is_base64(c: u8) -> bool {
    c.is_ascii_alphanumeric() || b"+/-_".contains(&c)
}

/// Shorter values are in every text.
const MIN_BYTES: usize = 4;
/// Shorter pieces are in many words; longer ones would let more through.
const PIECE_BYTES: usize = 6;

#[cfg(test)]
mod tests;
