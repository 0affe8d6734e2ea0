//! Whole secrets and pieces of them, in every spelling.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};

use super::*;
use crate::RFC_3986;

fn knowing(matching: Matching, value: &str) -> Scrubber {
    let mut scrubber = Scrubber::new(matching);
    scrubber.add(value.as_bytes());
    scrubber
}

fn pieces(values: &[&str]) -> Scrubber {
    let mut scrubber = Scrubber::new(Matching::Pieces);
    for value in values {
        scrubber.add(value.as_bytes());
    }
    scrubber
}

#[test]
fn a_secret_is_found_in_every_spelling() {
    let secret = "p\u{e4}ss w/\"rd\"\\ <&'>\n+~*x";
    let known = knowing(Matching::Whole, secret);
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
        assert!(clean.contains("[secret]") && clean.contains("before ") && clean.contains(" after"), "{text}: {clean}");
        assert!(!clean.contains("ss") && !clean.contains("7373"), "{text}: {clean}");
    }
}

#[test]
fn base64_is_found_however_it_is_aligned() {
    let secret = "hunter2>>secret??";
    let known = knowing(Matching::Whole, secret);
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "z", "zz"] {
            let text = format!("{before}{secret}{after}");
            for encoded in [STANDARD.encode(&text), URL_SAFE.encode(&text), STANDARD_NO_PAD.encode(&text)] {
                let clean = known.scrub_text(&format!("Basic {encoded}"));
                let left = clean.replace("Basic ", "").replace("[secret]", "").replace('=', "");
                // Only the neighbours' own bits are left.
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
    let mut two = knowing(Matching::Whole, "aaaa");
    two.add(b"aaaabbbb");
    assert_eq!(two.scrub_text("xaaaaax aaaabbbb!"), "x[secret]x [secret]!");
    let short = knowing(Matching::Whole, "abc");
    assert_eq!(short.scrub_text("abc"), "abc");
    assert_eq!(Scrubber::default().scrub(b"\xff\0any"), b"\xff\0any");
    assert_eq!(two.scrubbed_bytes(b"xaaaaax"), two.scrub(b"xaaaaax").len());
}

#[test]
fn the_spelling_is_named_wherever_it_stands() {
    let secret = "s3cret+/ tök€n?>";
    let known = knowing(Matching::Whole, secret);
    assert_eq!(known.spelling_in(b"nothing to see s3cret+ here"), None);
    let found = |text: String| known.spelling_in(text.as_bytes());
    assert_eq!(found(format!("a{secret}b")), Some(Spelling::Plain));
    assert_eq!(found(hex::encode(format!("a{secret}b"))), Some(Spelling::Hex));
    assert_eq!(found(hex::encode_upper(format!("a{secret}b"))), Some(Spelling::Hex));
    assert_eq!(found(secret.chars().rev().collect()), Some(Spelling::Reversed));
    assert_eq!(found("x=s3cret%2B%2F+t%C3%B6k%E2%82%ACn%3F%3E&".into()), Some(Spelling::Percent));
    for before in ["", "a", "ab", "abc", "user:"] {
        for after in ["", "x", "xy"] {
            let text = format!("{before}{secret}{after}");
            assert_eq!(found(STANDARD.encode(&text)), Some(Spelling::Base64), "{text}");
            assert_eq!(found(URL_SAFE.encode(&text)), Some(Spelling::Base64), "{text}");
        }
    }
    let quoted = knowing(Matching::Whole, "a\"quoted\" secret");
    assert_eq!(quoted.spelling_in(br#"{"x":"a\"quoted\" secret"}"#), Some(Spelling::Json));
}

/// Letters of base64 that are of the text around the secret.
const BESIDE: usize = 10;

#[test]
fn a_secret_is_taken_out_of_each_spelling_by_its_pieces() {
    let secret = "pä\"ss\nword-of/some?length";
    let scrubber = pieces(&[secret]);
    let within = |before: &str| STANDARD.encode(format!("{before}{secret}!"));
    let texts = [
        secret.to_owned(),
        serde_json::to_string(secret).expect("JSON"),
        STANDARD.encode(secret),
        URL_SAFE.encode(secret),
        within("a"),
        within("ab"),
        within("abc"),
        hex::encode(secret),
        hex::encode_upper(secret),
        form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
    ];
    for text in texts {
        let left = scrubber.scrub_text(&format!("before {text} after"));
        assert!(left.starts_with("before ") && left.ends_with(" after"), "{left}");
        assert!(left.len() <= "before [...] after".len() + BESIDE, "{left}");
    }
}

#[test]
fn a_piece_of_a_secret_is_enough() {
    let scrubber = pieces(&["first line\nsecond line\n"]);
    assert_eq!(scrubber.scrub_text("bad: second line"), "bad: [...]");
    assert_eq!(scrubber.scrub_text("bad: first li"), "bad: [...]");
    assert_eq!(scrubber.scrub_text("nothing of it"), "nothing of it");
    assert_eq!(pieces(&["a secret line"]).scrub_text("[...] in [...]"), "[...] in [...]", "a second time");
    assert!(scrubber.is_in(b"econd lin"));
    assert!(!scrubber.is_in(b"econd"));
}

#[test]
fn a_short_secret_is_taken_out_as_a_whole() {
    assert_eq!(pieces(&["hey", ""]).scrub_text("they say hey"), "t[...] say [...]");
}

#[test]
fn a_piece_that_ends_within_a_character_takes_it_along() {
    // The first piece ends with the first byte of the last letter.
    assert_eq!(pieces(&["abcd\u{e4}\u{e4}"]).scrub_text("x abcd\u{e4}\u{e5} y"), "x [...] y");
}
