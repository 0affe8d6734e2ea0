//! What is ours of a credential: one small file for each, `.bursar/<id>.json`.
//!
//! It is written before the files it speaks of, and still claims none that
//! somebody else made: names on their way stand apart as `arriving`, and are
//! ours only once they have left the staging directory. So a crash between the
//! manifest and the rename leaves a claim on nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bursar_domain::id::{AccountId, CredentialId};
use bursar_domain::region::{Owner, TargetError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Where a credential goes, below the region's path.
pub(super) struct Place {
    pub(super) account: String,
    pub(super) credential: String,
}

impl Place {
    /// The place of these names.
    pub(super) fn new(account: &str, credential: &str) -> Result<Self, TargetError> {
        for name in [account, credential] {
            if !is_plain(name) || name.starts_with('.') {
                return Err(TargetError::Invalid(format!("`{name}` cannot be the name of a directory; rename it")));
            }
        }
        Ok(Self { account: account.to_owned(), credential: credential.to_owned() })
    }

    /// Reads what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self, TargetError> {
        let (account, credential) = text
            .split_once('/')
            .ok_or_else(|| TargetError::Invalid(format!("`{text}` is not a place of the form account/credential")))?;
        Self::new(account, credential)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.credential)
    }
}

/// What is ours of one credential, at the place it is at and at those it was renamed from.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) installation: Uuid,
    pub(super) account: AccountId,
    pub(super) credential: CredentialId,
    /// By place.
    pub(super) directories: BTreeMap<String, Contents>,
}

/// What is ours in one directory.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Contents {
    /// Names of files that are ours.
    pub(super) artifacts: BTreeSet<String>,
    /// Names of files that are ours unless they are still in staging.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) arriving: BTreeSet<String>,
}

/// Whose a credential's manifest is.
pub(super) enum Held {
    Nobody,
    Us(Manifest),
    /// Another installation's, or no manifest at all; the text says which.
    Others(String),
    /// A file that is not what it should be.
    Broken(String),
}

impl Manifest {
    /// One that claims nothing.
    pub(super) fn new(owner: &Owner) -> Self {
        Self {
            installation: owner.installation,
            account: owner.account,
            credential: owner.credential,
            directories: BTreeMap::new(),
        }
    }

    /// Reads one, not believing that it was we who wrote it.
    pub(super) fn read(bytes: &[u8], shown: &str, owner: &Owner) -> Held {
        let broken = || Held::Broken(format!("{shown} is not a manifest; restore it, or move it away"));
        let Ok(manifest) = serde_json::from_slice::<Self>(bytes) else { return broken() };
        let plain = manifest.directories.iter().all(|(place, contents)| {
            Place::parse(place).is_ok()
                && contents.artifacts.iter().chain(&contents.arriving).all(|name| is_plain(name))
        });
        if !plain {
            return broken();
        }
        if manifest.installation != owner.installation {
            return Held::Others(format!("{shown} is of the installation {}", manifest.installation));
        }
        if (manifest.account, manifest.credential) != (owner.account, owner.credential) {
            return Held::Others(format!("{shown} is of the credential {}", manifest.credential));
        }
        Held::Us(manifest)
    }

    /// What is ours when these names are still in staging, and nothing is on its way.
    pub(super) fn settled(mut self, staged: &[String]) -> Self {
        for contents in self.directories.values_mut() {
            let arrived = std::mem::take(&mut contents.arriving).into_iter().filter(|name| !staged.contains(name));
            contents.artifacts.extend(arrived);
        }
        self.directories.retain(|_, contents| !contents.artifacts.is_empty());
        self
    }
}

/// Whether it is one component of a path, and not one that leads elsewhere.
pub(super) fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains(['/', '\0'])
}

/// `NAME_MAX` of Linux's file systems.
const MAX_NAME_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_two_plain_names() {
        assert_eq!(Place::parse("default/ghcr").unwrap().to_string(), "default/ghcr");
        for bad in ["", "a", "/a", "a/", "../a", "a/..", "a/.b", ".bursar/a", "a/b/c", "a/b\0", &"x/".repeat(2)] {
            assert!(Place::parse(bad).is_err(), "{bad:?}");
        }
        assert!(Place::new("a", &"x".repeat(256)).is_err());
    }

    #[test]
    fn a_manifest_that_leads_elsewhere_is_broken() {
        let owner = Owner {
            installation: Uuid::nil(),
            account: AccountId(Uuid::nil()),
            account_name: "a".into(),
            credential: CredentialId(Uuid::nil()),
            credential_name: "b".into(),
        };
        let manifest = |place: &str, artifact: &str| {
            let mut manifest = Manifest::new(&owner);
            let contents = Contents { artifacts: [artifact.to_owned()].into(), ..Contents::default() };
            manifest.directories.insert(place.to_owned(), contents);
            serde_json::to_vec(&manifest).unwrap()
        };
        assert!(matches!(Manifest::read(&manifest("a/b", "c"), "m", &owner), Held::Us(_)));
        for (place, artifact) in [("../b", "c"), ("a/..", "c"), ("a/b", "../c"), ("a/b", ".."), (".bursar/b", "c")] {
            assert!(matches!(Manifest::read(&manifest(place, artifact), "m", &owner), Held::Broken(_)));
        }
    }
}
