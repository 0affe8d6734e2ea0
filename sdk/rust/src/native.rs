//! The calls of the contract as plain functions, JSON text in and out.
//!
//! The component's exports go through these, so a native caller (a test, a
//! benchmark) runs the same code without the sandbox.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::exports::bursar::plugin::form;
use crate::json::{self, Value};
use crate::{
    Artifact, Context, CredentialType, Dns01, Error, Files, Generator, Prober, Progress, Report, Rewrite, TxtRecord,
    Violations,
};

/// `form.template`.
///
/// # Errors
///
/// [`Error::NotFound`] when there is no such variant.
pub fn template<T: Files>(variant: Option<&str>) -> Result<String, Error> {
    let templates: Value = parse_own(T::TEMPLATE)?;
    let manifest: Value = parse_own(T::MANIFEST)?;
    let first = manifest.pointer("/variants/0/id").and_then(Value::as_str);
    let skeleton = match (first, variant) {
        (None, None) => Some(&templates),
        (None, Some(_)) => None,
        (Some(first), variant) => templates.get(variant.unwrap_or(first)),
    };
    let skeleton = skeleton.ok_or_else(|| Error::NotFound("there is no such variant".into()))?;
    to_text(skeleton)
}

/// `form.inspect`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn inspect<T: CredentialType>(data: &str, context: &Context) -> Result<form::Inspection, Error> {
    let found = T::inspect(parse(data)?, context)?;
    Ok(form::Inspection {
        data: to_text(&found.data)?,
        attributes: to_text(&found.attributes)?,
        selectors: found.selectors,
        order: found.order.as_ref().map(to_text).transpose()?,
        not_before: found.not_before,
        not_after: found.not_after,
    })
}

/// `form.check`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn check<T: CredentialType>(data: &str, context: &Context) -> Result<Vec<Rewrite>, Error> {
    T::check(parse(data)?, context)
}

/// `materializer.materialize`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn materialize<T: CredentialType>(
    data: &str,
    minted: Option<&str>,
    format: &str,
    context: &Context,
) -> Result<Vec<Artifact>, Error> {
    let data = parse(data)?;
    match minted {
        None => T::materialize(data, format, context),
        Some(minted) => T::materialize_minted(data, parse(minted)?, format, context),
    }
}

/// `generator.generate`.
///
/// # Errors
///
/// The type's; [`Error::Internal`] when `entropy` is not 64 bytes.
pub fn generate<T: Generator>(data: &str, entropy: &[u8], context: &Context) -> Result<String, Error> {
    let entropy = entropy.try_into().map_err(|_| Error::Internal("entropy is not 64 bytes".into()))?;
    to_text(&T::generate(parse(data)?, entropy, context)?)
}

/// `prober.probe`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn probe<T: Prober>(config: &str, context: &Context) -> Result<Report, Error> {
    T::probe(parse(config)?, context)
}

/// `dns01.check`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn dns_check<T: Dns01>(config: &str, fqdn: Option<&str>, context: &Context) -> Result<Report, Error> {
    T::check(parse(config)?, fqdn, context)
}

/// `dns01.present`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn present<T: Dns01>(config: &str, txt: &TxtRecord, context: &Context) -> Result<String, Error> {
    T::present(parse(config)?, txt, context)
}

/// `dns01.poll`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn poll<T: Dns01>(config: &str, handle: &str, context: &Context) -> Result<Progress, Error> {
    T::poll(parse(config)?, handle, context)
}

/// `dns01.cleanup`.
///
/// # Errors
///
/// The type's; [`Error::Invalid`] for data that does not have the form's shape.
pub fn cleanup<T: Dns01>(config: &str, txt: &TxtRecord, handle: &str, context: &Context) -> Result<(), Error> {
    T::cleanup(parse(config)?, txt, handle, context)
}

/// Drops the parser's own message, which could quote a secret.
fn parse<D: DeserializeOwned>(text: &str) -> Result<D, Error> {
    json::from_str(text).map_err(|_| Violations::one("", "format", "The data does not have the form's shape.").into())
}

fn parse_own(text: &str) -> Result<Value, Error> {
    json::from_str(text).map_err(|_| Error::Internal("an embedded file is not JSON".into()))
}

fn to_text(value: &impl Serialize) -> Result<String, Error> {
    json::to_string(value).map_err(|_| Error::Internal("the answer is not JSON".into()))
}
