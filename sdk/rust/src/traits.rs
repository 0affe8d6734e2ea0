//! What a plugin implements.

use serde::de::DeserializeOwned;

use crate::{Artifact, Context, Error, Inspection, Progress, Report, Rewrite, TxtRecord, json::Value};

/// A credential type: the pure functions beside its data files.
///
/// Implement it for a unit struct and call [`export_type!`](crate::export_type)
/// with it. Every function is pure: no network, clock, randomness or files, and
/// the same answer for the same arguments.
pub trait CredentialType {
    /// The data without its secrets.
    type Public: DeserializeOwned;
    /// The data with its secrets.
    type Full: DeserializeOwned;

    /// Normalises the public data and describes it. The host has checked it
    /// against the schema; check here what a schema cannot express.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] with every violation at once: see
    /// [`Violations`](crate::Violations). People see these messages.
    fn inspect(data: Self::Public, context: &Context) -> Result<Inspection, Error>;

    /// Runs the checks that need the secrets. A rewrite may tidy a secret (a
    /// key's line ends) and nothing else.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`]; people see the manifest's `messages[code]`.
    fn check(data: Self::Full, context: &Context) -> Result<Vec<Rewrite>, Error> {
        let _ = (data, context);
        Ok(Vec::new())
    }

    /// Creates the files of one of the manifest's formats.
    ///
    /// # Errors
    ///
    /// [`Error::Unsupported`] for an unknown format: see
    /// [`Error::unknown_format`].
    fn materialize(data: Self::Full, format: &str, context: &Context) -> Result<Vec<Artifact>, Error>;

    /// Like [`materialize`](Self::materialize), with the fields of a fresh
    /// `mint`, for types with that ability.
    ///
    /// # Errors
    ///
    /// As [`materialize`](Self::materialize); [`Error::Unsupported`] unless
    /// overridden.
    fn materialize_minted(
        data: Self::Full,
        minted: Value,
        format: &str,
        context: &Context,
    ) -> Result<Vec<Artifact>, Error> {
        let _ = (data, minted, format, context);
        Err(Error::Unsupported("this type has no minted credentials".into()))
    }
}

/// A type that can generate credentials. Export it with
/// [`export_generator!`](crate::export_generator) and list the ability
/// `generate` in the manifest.
pub trait Generator {
    /// What the person filled in; secrets may be missing.
    type Seed: DeserializeOwned;
    /// The whole data.
    type Generated: serde::Serialize;

    /// Completes the data with secrets drawn from `entropy`, 64 bytes from the
    /// host's random generator.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`]; people see the manifest's `messages[code]`.
    fn generate(data: Self::Seed, entropy: &[u8; 64], context: &Context) -> Result<Self::Generated, Error>;
}

/// A type that can test a credential against the live service. Export it with
/// [`export_prober!`](crate::export_prober) and list the ability `probe` in the
/// manifest.
pub trait Prober {
    /// The data without its secrets, as `inspect` normalised it.
    type Config: DeserializeOwned;

    /// Signs in and makes a harmless request.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] for a refused credential.
    fn probe(config: Self::Config, context: &Context) -> Result<Report, Error>;
}

/// A provider that proves control of a domain by TXT records (RFC 8555, section
/// 8.4). Export it with [`export_dns01!`](crate::export_dns01) and list the
/// ability `dns01` in the manifest. [`dns`](crate::dns) implements what
/// providers share.
pub trait Dns01 {
    /// The data without its secrets, as `inspect` normalised it.
    type Config: DeserializeOwned;

    /// Finds the zone for `fqdn`, or any zone, and proves that the credential
    /// may write there.
    ///
    /// # Errors
    ///
    /// [`Error::Denied`] for a refused credential, [`Error::NotFound`] without
    /// a zone. The message names the cure.
    fn check(config: Self::Config, fqdn: Option<&str>, context: &Context) -> Result<Report, Error>;

    /// Adds the value and keeps those that exist; succeeds if it is already
    /// present. Returns a handle of at most 4 KiB for `poll` and `cleanup`.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn present(config: Self::Config, txt: &TxtRecord, context: &Context) -> Result<String, Error>;

    /// How far the change of `present` is. Done, unless overridden.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn poll(config: Self::Config, handle: &str, context: &Context) -> Result<Progress, Error> {
        let _ = (config, handle, context);
        Ok(Progress::Done)
    }

    /// Removes this value and no other; succeeds if it is already absent. The
    /// handle is empty if the host lost it.
    ///
    /// # Errors
    ///
    /// As [`check`](Self::check).
    fn cleanup(config: Self::Config, txt: &TxtRecord, handle: &str, context: &Context) -> Result<(), Error>;
}

/// A type's data files. [`export_type!`](crate::export_type) implements it.
pub trait Files {
    /// `manifest.json`.
    const MANIFEST: &'static str;
    /// `schema.json`.
    const SCHEMA: &'static str;
    /// `template.json`: one skeleton, or for a manifest with variants an object
    /// from variant id to skeleton.
    const TEMPLATE: &'static str;
}
