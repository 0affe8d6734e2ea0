use std::collections::BTreeSet;

use bursar_kernel::plugin::Selector;

use super::{host, image};

/// A selector in the form that it is looked up by.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Term {
    /// One of [`Term::IMAGE_PREFIX`] and [`Term::HOST`].
    pub kind: &'static str,
    /// Normal, so that equal is equal.
    pub value: String,
}

impl Term {
    /// The kind of selectors that images are matched by.
    pub const IMAGE_PREFIX: &'static str = "image-prefix";
    /// The kind of selectors that hosts are matched by.
    pub const HOST: &'static str = "host";

    /// What is looked up for an image's prefix.
    #[must_use]
    pub fn image_prefix(prefix: &str) -> Self {
        Self { kind: Self::IMAGE_PREFIX, value: prefix.to_owned() }
    }

    /// What is looked up for a host.
    #[must_use]
    pub fn host(pattern: &str) -> Self {
        Self { kind: Self::HOST, value: pattern.to_owned() }
    }

    /// A plugin's selector; `None` for one that nobody looks up.
    #[must_use]
    pub fn of(selector: &Selector) -> Option<Self> {
        match selector.kind.as_str() {
            Self::IMAGE_PREFIX => image::normal_prefix(&selector.value).map(|value| Self::image_prefix(&value)),
            Self::HOST => host::normal(&selector.value).ok().map(|value| Self::host(&value)),
            _ => None,
        }
    }

    /// All of a credential's selectors.
    #[must_use]
    pub fn all(selectors: &[Selector]) -> BTreeSet<Self> {
        selectors.iter().filter_map(Self::of).collect()
    }
}
