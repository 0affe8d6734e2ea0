//! Judging a form: the schema first, then the plugin, without the secrets and
//! with them.

use std::sync::Arc;

use serde_json::Value;

use super::super::Broker;
use super::probe::Candidate;
use crate::id::Name;
use crate::plugin::{Context, CredentialType, Inspection, PluginError, State};
use crate::secret::{SecretJson, put};
use crate::text::drop_byte_order_marks;
use crate::{Error, Kind, Violation};

/// Data that passed, and what the plugin said of it.
pub(super) struct Judged {
    /// Everything, normalised, secrets included.
    pub(super) full: SecretJson,
    /// The same without its secrets.
    pub(super) public: Value,
    /// Where the secrets are.
    pub(super) secret_pointers: Vec<String>,
    /// What the public half says.
    pub(super) inspection: Inspection,
}

impl Judged {
    /// What a preflight takes of it.
    pub(super) fn candidate<'a>(&'a self, name: &'a Name) -> Candidate<'a> {
        Candidate { name, data: &self.full, secret_pointers: &self.secret_pointers }
    }
}

impl Broker {
    /// The loaded type, or a violation that says there is none.
    pub(super) fn type_for_writing(&self, type_id: &str) -> Result<Arc<CredentialType>, Violation> {
        self.plugins().find(type_id).ok_or_else(|| {
            if let Some(why) = self.why_not_loaded(type_id) {
                return Violation::new("/type", "not-loaded", format!("The plugin for the type `{type_id}` {why}."));
            }
            let known: Vec<String> = self.plugins().types().iter().map(|known| known.manifest.id.clone()).collect();
            let message = format!("No plugin for this type is loaded: known are {}.", known.join(", "));
            Violation::new("/type", "unknown", message)
        })
    }

    /// What became of the plugin for a type, where there was one.
    pub(super) fn why_not_loaded(&self, type_id: &str) -> Option<&'static str> {
        let entry = self.plugins().status().into_iter().find(|entry| entry.id == type_id)?;
        Some(match entry.state {
            State::Active => return None,
            State::Compiling => "is still being compiled: try again in a moment",
            State::Pending => "waits for an operator's approval",
            State::NeedsReview => "waits for an operator's review",
            State::Rejected => "was rejected: an operator finds the reason under plugins",
            State::Removed => "was removed: an operator has to put its file back",
        })
    }

    /// That a stored credential cannot be changed or used for want of its plugin.
    pub(in crate::broker) fn type_not_loaded(&self, type_id: &str) -> Error {
        let why = self.why_not_loaded(type_id).unwrap_or("is not loaded");
        let message = format!(
            "the plugin for the type `{type_id}` {why}; until then the credential can be read, not changed or used"
        );
        Error::new(Kind::Unavailable, message)
    }

    /// Judges `data`. `known_secrets` are pointers that are secret whatever the
    /// schema says now: a plugin version that stops marking one gains nothing.
    pub(super) async fn judge(
        &self,
        of: &CredentialType,
        data: SecretJson,
        known_secrets: &[String],
        context: &Context,
    ) -> Result<Judged, Error> {
        let mut data = data;
        drop_byte_order_marks(data.expose_mut());
        let id = of.manifest.id.as_str();
        let report = self.plugins().validate_form(id, &data)?;
        if !report.violations.is_empty() {
            return Err(Error::invalid(in_body(report.violations)));
        }
        let mut secret_pointers = report.secret_pointers;
        secret_pointers
            .extend(known_secrets.iter().filter(|pointer| data.expose().pointer(pointer).is_some()).cloned());
        secret_pointers.sort();
        secret_pointers.dedup();
        secret_pointers.retain(|pointer| !pointer.is_empty());

        let public = data.without(&secret_pointers);
        let inspected = self.plugins().inspect(id, &public, context).await;
        let mut violations = Vec::new();
        let inspection = collect(inspected, &mut violations)?;

        // The secrets go back into the normalised data where there is some.
        let mut full = data;
        if let Some(inspection) = &inspection {
            let normalised = SecretJson::new(inspection.data.clone());
            if secret_pointers.iter().any(|pointer| normalised.expose().pointer(pointer).is_some_and(|v| !v.is_null()))
            {
                return Err(Error::new(Kind::Plugin, "the plugin put a value where a secret belongs"));
            }
            let mut merged = normalised;
            for pointer in &secret_pointers {
                if let Some(secret) = full.expose().pointer(pointer) {
                    put(merged.expose_mut(), pointer, secret.clone());
                }
            }
            full = merged;
        }
        let checked = self.plugins().check(id, &full, &secret_pointers, context).await;
        // Most types read the public half once more here. What `inspect` said of
        // it stands: it had words of its own for it.
        let mut found_with_secrets = Vec::new();
        let rewrites = collect(checked, &mut found_with_secrets)?;
        let is_told = |found: &Violation| {
            violations.iter().any(|told| (&told.pointer, &told.code) == (&found.pointer, &found.code))
        };
        found_with_secrets.retain(|found| !is_told(found));
        violations.extend(found_with_secrets);
        match (inspection, rewrites) {
            (Some(inspection), Some(rewrites)) if violations.is_empty() => {
                for rewrite in &rewrites {
                    put(full.expose_mut(), &rewrite.pointer, rewrite.value.expose().clone());
                }
                // Else the next change to it would be refused.
                if !self.plugins().validate_form(id, &full)?.violations.is_empty() {
                    return Err(Error::new(Kind::Plugin, "the plugin made data of it that its own form refuses"));
                }
                let public = full.without(&secret_pointers);
                Ok(Judged { full, public, secret_pointers, inspection })
            }
            _ => Err(Error::invalid(in_body(without_repeats(violations)))),
        }
    }
}

/// Keeps violations for later, so that both calls' are told at once.
fn collect<T>(answer: Result<T, PluginError>, violations: &mut Vec<Violation>) -> Result<Option<T>, Error> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(PluginError::Invalid(found)) => {
            violations.extend(found);
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// Each violation once, in the order they were found.
fn without_repeats(violations: Vec<Violation>) -> Vec<Violation> {
    violations.into_iter().fold(Vec::new(), |mut once, violation| {
        if !once.contains(&violation) {
            once.push(violation);
        }
        once
    })
}

/// From pointers into the data to pointers into the request body.
fn in_body(violations: Vec<Violation>) -> Vec<Violation> {
    violations
        .into_iter()
        .map(|violation| Violation { pointer: format!("/data{}", violation.pointer), ..violation })
        .collect()
}
