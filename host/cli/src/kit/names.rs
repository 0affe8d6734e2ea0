//! A plugin's name in the spellings that its files need.

use super::Kind;

/// A name, in every spelling.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Names {
    /// Of the type, the crate and the folder: `dns-my-host`.
    pub(crate) id: String,
    /// For people: `My host`.
    title: String,
    /// Of a Rust type: `MyHost`.
    type_name: String,
    /// Of environment variables, as a prefix: `MY_HOST`.
    variable: String,
    /// The function of the Rust SDK that replays the cases.
    replay: &'static str,
}

impl Names {
    /// Spells out `name`, `^[a-z][a-z0-9-]{0,63}$`. A provider's id starts with
    /// `dns-`, which is added where it is missing.
    ///
    /// # Errors
    ///
    /// What is wrong with the name, and the cure.
    pub(crate) fn new(name: &str, kind: Kind) -> Result<Self, String> {
        let is_provider = kind == Kind::DnsProvider;
        let stem = if is_provider { name.strip_prefix(PROVIDER).unwrap_or(name) } else { name };
        let id = if is_provider { format!("{PROVIDER}{stem}") } else { stem.to_owned() };
        if !is_name(stem) || id.len() > MAX_LENGTH {
            return Err(format!(
                "`{name}` cannot name a plugin: take a lower-case letter, then letters, digits and single hyphens, \
                 {MAX_LENGTH} characters in all, such as mqtt-login"
            ));
        }
        let words: Vec<&str> = stem.split('-').collect();
        Ok(Self {
            title: capitalized(&words.join(" ")),
            type_name: words.iter().map(|word| capitalized(word)).collect(),
            variable: words.join("_").to_uppercase(),
            replay: if is_provider { "replay_dns01" } else { "replay" },
            id,
        })
    }

    /// Puts the name in the place of `{{id}}` and the like.
    pub(super) fn fill(&self, text: &str) -> String {
        let spellings = [
            ("{{id}}", self.id.as_str()),
            ("{{title}}", &self.title),
            ("{{type}}", &self.type_name),
            ("{{crate}}", &self.id.replace('-', "_")),
            ("{{variable}}", &self.variable),
            ("{{replay}}", self.replay),
        ];
        spellings.iter().fold(text.to_owned(), |text, (placeholder, name)| text.replace(placeholder, name))
    }
}

/// The contract takes any hyphens; a type's and a crate's name take no empty
/// words, nor one that starts with a digit at the front.
fn is_name(stem: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    stem.starts_with(|first: char| first.is_ascii_lowercase()) && stem.split('-').all(is_word)
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

const PROVIDER: &str = "dns-";
const MAX_LENGTH: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_spelled_as_each_file_needs_it() {
        let names = Names::new("mqtt-5-login", Kind::CredentialType).expect("a good name");
        assert_eq!(
            names.fill("{{id}} {{title}} {{type}} {{crate}} {{variable}} {{replay}}"),
            "mqtt-5-login Mqtt 5 login Mqtt5Login mqtt_5_login MQTT_5_LOGIN replay"
        );
    }

    #[test]
    fn a_providers_prefix_is_added_once() {
        let plain = Names::new("my-host", Kind::DnsProvider).expect("a good name");
        assert_eq!(Names::new("dns-my-host", Kind::DnsProvider).as_ref(), Ok(&plain));
        assert_eq!(plain.fill("{{id}} {{type}} {{variable}} {{replay}}"), "dns-my-host MyHost MY_HOST replay_dns01");
        assert_eq!(Names::new("dns-x", Kind::CredentialType).expect("a good name").id, "dns-x");
    }

    #[test]
    fn a_bad_name_is_refused_with_the_cure() {
        let long = "a".repeat(65);
        let long_with_prefix = "a".repeat(61);
        for name in ["", "A", "1a", "-a", "a-", "a--b", "a_b", "a b", "../a", "ä", &long] {
            let refused = Names::new(name, Kind::CredentialType).expect_err(name);
            assert!(refused.contains("such as mqtt-login"), "{refused}");
        }
        for name in ["dns-", "dns-1a", &long_with_prefix] {
            assert!(Names::new(name, Kind::DnsProvider).is_err(), "{name}");
        }
        assert!(Names::new(&"a".repeat(64), Kind::CredentialType).is_ok());
    }
}
