//! Excerpts of what the other side says, without what repeats a secret.

use bursar_kernel::text::is_unprintable;
use bursar_scrub::{Matching, Scrubber};

/// Knows secrets, and takes any piece of them out of text.
pub(crate) struct Blotter(Scrubber);

impl Default for Blotter {
    fn default() -> Self {
        Self(Scrubber::new(Matching::Pieces))
    }
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
        self.0.add(secret);
    }

    /// Whether a piece of a secret is in a text.
    pub(crate) fn finds_any(&self, text: &str) -> bool {
        self.0.is_in(text.as_bytes())
    }

    /// The beginning of a text of the other side, `most` characters on one line
    /// without what steers a terminal, and without any piece of a secret.
    pub(crate) fn excerpt(&self, text: &str, most: usize) -> String {
        let read = text.char_indices().nth(MAX_READ_CHARACTERS).map_or(text, |(end, _)| &text[..end]);
        let excerpt = shorten(&self.0.scrub_text(read), most);
        // Once more: what was on two lines may have been joined.
        self.0.scrub_text(&excerpt)
    }
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

const MAX_READ_CHARACTERS: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

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
