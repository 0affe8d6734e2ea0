//! Replaces an author's secret by one of ours that the form and the plugin still
//! accept.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use super::needle::Needle;

/// A replacement for a secret, and what to search for.
pub(crate) struct Candidate {
    pub(crate) value: Value,
    pub(crate) needles: Vec<Needle>,
}

/// Makes values of our own, the same in every run, which keeps reports
/// comparable.
pub(crate) struct Planter(StdRng);

impl Planter {
    /// Different seeds make different values.
    pub(crate) fn new(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// Replacements for `value`, the best first: plainly ours, then ever more like
    /// the author's, since a form may require a pattern and a plugin a key that
    /// matches a certificate. Empty for what cannot hold a text.
    pub(crate) fn candidates(&mut self, value: &Value) -> Vec<Candidate> {
        match value {
            // A document may hold PEM, and not the other way round.
            Value::String(text) => match serde_json::from_str(text) {
                Ok(document @ Value::Object(_)) => self.inside_json(&document),
                _ if text.contains(PEM) => self.around_pem(text),
                _ => self.in_place_of(text),
            },
            Value::Object(_) | Value::Array(_) => self.in_each_text(value),
            Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
        }
    }

    /// A unique word.
    pub(crate) fn word(&mut self) -> String {
        let letters = b"abcdefghijkmnpqrstuvwxyz23456789";
        let word = (0..20).map(|_| char::from(letters[self.0.random_range(0..letters.len())]));
        "canary".chars().chain(word).collect()
    }

    fn in_place_of(&mut self, text: &str) -> Vec<Candidate> {
        let word = self.word();
        // A prefix such as `ghp_` is often what a pattern asks for.
        let prefix = text.char_indices().filter(|(at, _)| *at < text.len() / 2).rfind(|(_, c)| !c.is_alphanumeric());
        let prefix = prefix.map_or(0, |(at, c)| at + c.len_utf8());
        let alike = self.alike(text);
        let after_prefix = format!("{}{}", &text[..prefix], self.alike(&text[prefix..]));
        let longer = format!("{text}{word}");
        let texts = [word, alike, after_prefix, longer];
        let other = texts.into_iter().filter(|other| other != text);
        other
            .filter_map(|other| Some(Candidate { needles: vec![Needle::new(&other)?], value: Value::String(other) }))
            .collect()
    }

    /// Replaces every letter and digit by another of its kind, which keeps length
    /// and alphabet.
    fn alike(&mut self, text: &str) -> String {
        let is_hex = text.chars().all(|c| c.is_ascii_hexdigit() || !c.is_ascii_alphanumeric());
        let last = if is_hex { 6 } else { 26 };
        text.chars()
            .map(|c| match c {
                '0'..='9' => char::from(b'0' + self.0.random_range(0..10)),
                'a'..='z' => char::from(b'a' + self.0.random_range(0..last)),
                'A'..='Z' => char::from(b'A' + self.0.random_range(0..last)),
                other => other,
            })
            .collect()
    }

    /// Before the first block there may be explanations (RFC 7468, section 2).
    fn around_pem(&mut self, text: &str) -> Vec<Candidate> {
        let word = self.word();
        let mut needles = needles_of(&Value::String(text.to_owned()));
        needles.extend(Needle::new(&word));
        vec![
            Candidate { value: Value::String(format!("{word}\n{text}")), needles: needles.clone() },
            Candidate { value: Value::String(format!("{text}\n{word}\n")), needles },
        ]
    }

    /// A document may have a member more; if not, one of its texts is replaced.
    fn inside_json(&mut self, document: &Value) -> Vec<Candidate> {
        let word = self.word();
        let mut more = document.clone();
        more["canary"] = Value::String(word.clone());
        let mut needles = needles_of(&Value::String(document.to_string()));
        needles.extend(Needle::new(&word));
        vec![Candidate { value: Value::String(more.to_string()), needles }]
    }

    /// A secret that is a group: each of its texts by one of ours.
    fn in_each_text(&mut self, value: &Value) -> Vec<Candidate> {
        let mut needles = Vec::new();
        let mut planted = value.clone();
        self.plant(&mut planted, &mut needles);
        if needles.is_empty() { Vec::new() } else { vec![Candidate { value: planted, needles }] }
    }

    fn plant(&mut self, value: &mut Value, needles: &mut Vec<Needle>) {
        match value {
            Value::String(text) => {
                let word = self.word();
                needles.extend(Needle::new(&word));
                *text = word;
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.plant(item, needles)),
            Value::Object(fields) => fields.values_mut().for_each(|field| self.plant(field, needles)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// What gives an author's own secret away, where nothing can stand in for it:
/// the lines of PEM, the members of a JSON document that are named as secrets
/// are, or else the whole.
pub(crate) fn needles_of(value: &Value) -> Vec<Needle> {
    match value {
        Value::String(text) => match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => fields
                .iter()
                .filter(|(name, _)| is_secret_name(name))
                .flat_map(|(_, field)| needles_of(field))
                .collect(),
            _ if text.contains(PEM) => {
                let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
                lines.filter(|line| line.len() >= PEM_LINE_BYTES).filter_map(Needle::new).collect()
            }
            _ => Needle::new(text).into_iter().collect(),
        },
        Value::Array(items) => items.iter().flat_map(needles_of).collect(),
        Value::Object(fields) => fields.values().flat_map(needles_of).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) => Vec::new(),
    }
}

fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    // The id of a key goes into a token's header, and where tokens come from
    // into its claims: both are public.
    !["id", "uri", "url"].iter().any(|end| name.ends_with(end))
        && ["key", "secret", "token", "password"].iter().any(|word| name.contains(word))
}

const PEM: &str = "-----BEGIN ";
/// A shorter line, the last of a block, is nothing to go by.
const PEM_LINE_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stand_in_becomes_ever_more_like_the_original() {
        let candidates = Planter::new(0).candidates(&json!("ghp_0aB9xyzw12"));
        let texts: Vec<_> = candidates.iter().map(|it| it.value.as_str().unwrap()).collect();
        assert_eq!(texts.len(), 4);
        assert!(texts[0].starts_with("canary"));
        assert_eq!((texts[1].len(), texts[1].as_bytes()[3]), (14, b'_'));
        assert!(texts[2].starts_with("ghp_") && texts[2] != "ghp_0aB9xyzw12");
        assert!(texts[3].starts_with("ghp_0aB9xyzw12canary"));
        for candidate in &candidates {
            let text = candidate.value.as_str().unwrap();
            assert_eq!(candidate.needles[0].spelled_in(text.as_bytes()), Some("plain"));
        }
        let hex = Planter::new(0).candidates(&json!("00ff00ff00ff00ff"))[1].value.as_str().unwrap().to_owned();
        assert!(hex.chars().all(|c| c.is_ascii_hexdigit()), "{hex}");
    }

    #[test]
    fn it_goes_inside_pem_json_and_groups() {
        let pem = format!("-----BEGIN KEY-----\n{}\nAAAA\n-----END KEY-----\n", "q".repeat(64));
        let around = Planter::new(0).candidates(&json!(pem));
        assert!(around[0].value.as_str().unwrap().ends_with(&pem));
        assert_eq!(around[0].needles.len(), 2);

        let document = json!({
            "project": "p", "private_key_id": "0123456789ab", "private_key": pem, "token_uri": "https://a.example/token",
        }).to_string();
        let inside = Planter::new(0).candidates(&json!(document));
        let planted: Value = serde_json::from_str(inside[0].value.as_str().unwrap()).unwrap();
        assert_eq!(planted["project"], "p");
        assert!(planted["canary"].is_string());
        assert_eq!(inside[0].needles.len(), 2, "the member and the line, nothing public");

        let group = Planter::new(0).candidates(&json!({ "user": "a", "list": ["b", 1] }));
        assert_eq!(group[0].needles.len(), 2);
        assert_eq!(group[0].value["list"][1], 1);
        assert!(Planter::new(0).candidates(&json!(12345)).is_empty());
    }
}
