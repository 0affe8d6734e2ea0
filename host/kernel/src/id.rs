//! Names and numbers by which things are told apart.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    };
}

id!(
    /// A tenant.
    AccountId
);
id!(
    /// A stored credential, through all of its versions.
    CredentialId
);
id!(
    /// A bearer token's record, never the token itself.
    TokenId
);

id!(
    /// A broker that shares a store with others, through all of its runs: its id
    /// in the audit chain.
    NodeId
);

id!(
    /// A place that credentials are pushed to.
    RegionId
);

/// A slug: `^[A-Za-z0-9][A-Za-z0-9_-]{0,99}$`, and nothing that parses as a
/// UUID, so that a path segment is either a name or an id.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name(String);

impl Name {
    /// Reads a name.
    ///
    /// # Errors
    ///
    /// One sentence saying which rule it breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let mut chars = text.chars();
        let starts_well = chars.next().is_some_and(|first| first.is_ascii_alphanumeric());
        let goes_on_well = chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
        if !starts_well || !goes_on_well || text.len() > MAX_NAME_BYTES {
            return Err("must be 1 to 100 letters, digits, `-` or `_`, starting with a letter or digit");
        }
        if Uuid::parse_str(text).is_ok() {
            return Err("must not be a UUID: those are ids");
        }
        Ok(Self(text.to_owned()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a path segment names: `{account}` and `{credential}` take either.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Reference {
    /// By id.
    Id(Uuid),
    /// By name; not checked, since what does not parse is not found either.
    Name(String),
}

impl From<&str> for Reference {
    fn from(text: &str) -> Self {
        Uuid::parse_str(text).map_or_else(|_| Self::Name(text.to_owned()), Self::Id)
    }
}

const MAX_NAME_BYTES: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    /// A name has 1 to 100 letters, digits, dashes and underscores (S2-12).
    #[test]
    fn names_follow_s2_12() {
        for good in ["ghcr", "a", "A-1_b", &"x".repeat(100)] {
            assert!(Name::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "-a", "_a", "a b", "ä", "a.b", &"x".repeat(101)] {
            assert!(Name::parse(bad).is_err(), "{bad}");
        }
        assert!(Name::parse("0190b5a0-0000-7000-8000-000000000000").is_err());
    }
}
