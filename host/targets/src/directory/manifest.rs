//! Which files belong to a credential: one small manifest for each,
//! `.bursar/<id>.json`.
//!
//! It is written before the files it lists, yet never claims a file that
//! somebody else created: names still in transit are listed separately as
//! `arriving`, and become ours only once they have left the staging directory.
//! A crash between the manifest and the rename therefore claims nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_regions::{Owner, TargetError};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The directory of a credential, relative to the region's path.
pub(super) struct CredentialPath {
    pub(super) account: String,
    pub(super) credential: String,
}

impl CredentialPath {
    /// Joins the two names.
    ///
    /// # Errors
    ///
    /// [`TargetError::Invalid`] where one cannot name a directory of ours.
    pub(super) fn new(account: &str, credential: &str) -> Result<Self, TargetError> {
        for name in [account, credential] {
            if !is_plain(name) || name.starts_with('.') {
                return Err(TargetError::Invalid(format!("`{name}` cannot name a directory; rename it")));
            }
        }
        Ok(Self { account: account.to_owned(), credential: credential.to_owned() })
    }

    /// Parses what [`fmt::Display`] wrote.
    pub(super) fn parse(text: &str) -> Result<Self, TargetError> {
        let (account, credential) = text
            .split_once('/')
            .ok_or_else(|| TargetError::Invalid(format!("`{text}` is not of the form account/credential")))?;
        Self::new(account, credential)
    }
}

impl fmt::Display for CredentialPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.account, self.credential)
    }
}

/// What belongs to one credential, in its current directory and in those from
/// before a rename.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) installation: Uuid,
    pub(super) account: AccountId,
    pub(super) credential: CredentialId,
    /// By path.
    pub(super) directories: BTreeMap<String, Contents>,
}

/// What belongs to the credential in one directory.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Contents {
    /// Names of files that are ours.
    pub(super) artifacts: BTreeSet<String>,
    /// Names of files that are ours unless they are still in staging.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) arriving: BTreeSet<String>,
}

/// Who owns the manifest of a credential.
pub(super) enum Claim {
    /// There is no manifest.
    Unclaimed,
    Ours(Manifest),
    /// It is another installation's or another credential's; the text says whose.
    Foreign(String),
    /// The file is not a manifest.
    Invalid(String),
}

impl Manifest {
    /// A manifest that claims nothing.
    pub(super) fn new(owner: &Owner) -> Self {
        Self {
            installation: owner.installation,
            account: owner.account,
            credential: owner.credential,
            directories: BTreeMap::new(),
        }
    }

    /// Parses a manifest without trusting that we wrote it.
    pub(super) fn parse(bytes: &[u8], shown: &str, owner: &Owner) -> Claim {
        let invalid = || Claim::Invalid(format!("{shown} is not a manifest; restore it, or move it away"));
        let Ok(manifest) = serde_json::from_slice::<Self>(bytes) else { return invalid() };
        let plain = manifest.directories.iter().all(|(path, contents)| {
            CredentialPath::parse(path).is_ok()
                && contents.artifacts.iter().chain(&contents.arriving).all(|name| is_plain(name))
        });
        if !plain {
            return invalid();
        }
        if manifest.installation != owner.installation {
            return Claim::Foreign(format!("{shown} belongs to the installation {}", manifest.installation));
        }
        if (manifest.account, manifest.credential) != (owner.account, owner.credential) {
            return Claim::Foreign(format!("{shown} belongs to the credential {}", manifest.credential));
        }
        Claim::Ours(manifest)
    }

    /// Resolves `arriving`: whatever is not among the `staged` names has arrived.
    pub(super) fn resolved(mut self, staged: &[String]) -> Self {
        for contents in self.directories.values_mut() {
            let arrived = std::mem::take(&mut contents.arriving).into_iter().filter(|name| !staged.contains(name));
            contents.artifacts.extend(arrived);
        }
        self.directories.retain(|_, contents| !contents.artifacts.is_empty());
        self
    }
}

/// Whether a name is a single path component that stays in its directory.
pub(super) fn is_plain(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains(['/', '\0'])
}

/// `NAME_MAX` of Linux's file systems.
const MAX_NAME_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_two_plain_names() {
        assert_eq!(CredentialPath::parse("default/ghcr").unwrap().to_string(), "default/ghcr");
        for bad in ["", "a", "/a", "a/", "../a", "a/..", "a/.b", ".bursar/a", "a/b/c", "a/b\0", &"x/".repeat(2)] {
            assert!(CredentialPath::parse(bad).is_err(), "{bad:?}");
        }
        assert!(CredentialPath::new("a", &"x".repeat(256)).is_err());
    }

    #[test]
    fn a_manifest_that_leads_elsewhere_is_invalid() {
        let owner = Owner {
            installation: Uuid::nil(),
            account: AccountId(Uuid::nil()),
            account_name: "a".into(),
            credential: CredentialId(Uuid::nil()),
            credential_name: "b".into(),
        };
        let manifest = |path: &str, artifact: &str| {
            let mut manifest = Manifest::new(&owner);
            let contents = Contents { artifacts: [artifact.to_owned()].into(), ..Contents::default() };
            manifest.directories.insert(path.to_owned(), contents);
            serde_json::to_vec(&manifest).unwrap()
        };
        assert!(matches!(Manifest::parse(&manifest("a/b", "c"), "m", &owner), Claim::Ours(_)));
        for (path, artifact) in [("../b", "c"), ("a/..", "c"), ("a/b", "../c"), ("a/b", ".."), (".bursar/b", "c")] {
            assert!(matches!(Manifest::parse(&manifest(path, artifact), "m", &owner), Claim::Invalid(_)));
        }
    }
}
