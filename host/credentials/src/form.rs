//! Validating a form: the schema first, then the plugin, without the secrets and
//! with them.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use bursar_kernel::id::Name;
use bursar_kernel::plugin::{Context, CredentialType, Derived, Inspection, PluginError, State, Taints};
use bursar_kernel::secret::{SecretJson, put};
use bursar_kernel::text::drop_byte_order_marks;
use bursar_kernel::{Error, Kind, Ports, Violation};
use serde_json::Value;

use crate::probe::Candidate;

/// Data that passed, and what the plugin said of it.
pub(crate) struct Validated {
    /// Everything, normalised, secrets included.
    pub(crate) full: SecretJson,
    /// The same without its secrets.
    pub(crate) public: Value,
    /// Where the secrets are.
    pub(crate) secret_pointers: Vec<String>,
    /// What the plugin wrote of it.
    pub(crate) taints: Taints,
    /// What the public half says.
    pub(crate) inspection: Inspection,
}

impl Validated {
    /// What a preflight takes of it.
    pub(crate) fn candidate<'a>(&'a self, name: &'a Name) -> Candidate<'a> {
        Candidate { name, data: &self.full, secret_pointers: &self.secret_pointers, taints: &self.taints }
    }
}

/// Data that was stored before, on its way to a new version.
#[derive(Clone, Copy)]
pub(crate) struct Stored<'a> {
    /// What of it a plugin wrote.
    pub(crate) taints: &'a Taints,
    /// What a person gave with this change: a merge patch.
    pub(crate) given: &'a Value,
}

impl Stored<'_> {
    /// Fields of `data` that an earlier call may have derived from secrets: for
    /// people to read, not for a call that is to see no secret. It could copy
    /// them to where the network plane reads.
    fn derived(self, of: &CredentialType, data: &Value) -> Vec<String> {
        let computed = of.manifest.derives.iter().filter_map(|derived| match derived {
            Derived::Computed(field) if self.given.pointer(field).is_none() => Some(field.as_str()),
            Derived::Computed(_) | Derived::Copied(_) => None,
        });
        let places = self.taints.places().chain(computed).filter(|place| data.pointer(place).is_some());
        places.map(str::to_owned).collect()
    }
}

/// The forms of the loaded types. Cheap to clone.
#[derive(Clone)]
pub struct Forms {
    ports: Ports,
}

impl Forms {
    /// The forms of these plugins. Does no I/O.
    #[must_use]
    pub fn new(ports: Ports) -> Self {
        Self { ports }
    }

    /// The loaded type, or a violation that says there is none.
    pub(crate) fn type_for_writing(&self, type_id: &str) -> Result<Arc<CredentialType>, Violation> {
        self.ports.plugins().find(type_id).ok_or_else(|| {
            if let Some(why) = self.why_not_loaded(type_id) {
                return Violation::new("/type", "not-loaded", format!("The plugin for the type `{type_id}` {why}."));
            }
            let known: Vec<String> =
                self.ports.plugins().types().iter().map(|known| known.manifest.id.clone()).collect();
            let message = format!("No plugin for this type is loaded: known are {}.", known.join(", "));
            Violation::new("/type", "unknown", message)
        })
    }

    /// The loaded type of a stored credential.
    ///
    /// # Errors
    ///
    /// [`Kind::Unavailable`] where its plugin is not loaded.
    pub fn type_of_stored(&self, type_id: &str) -> Result<Arc<CredentialType>, Error> {
        self.ports.plugins().find(type_id).ok_or_else(|| self.type_not_loaded(type_id))
    }

    /// Every slot of every loaded type.
    #[must_use]
    pub fn slots(&self) -> BTreeSet<String> {
        let types = self.ports.plugins().types();
        types.iter().flat_map(|of| of.manifest.slots.iter().map(|slot| slot.id.clone())).collect()
    }

    /// The loaded types that are used in a slot.
    #[must_use]
    pub fn types_in_slot(&self, slot: &str) -> HashSet<String> {
        let types = self.ports.plugins().types();
        let used_there = types.iter().filter(|known| known.manifest.slots.iter().any(|known| known.id == slot));
        used_there.map(|known| known.manifest.id.clone()).collect()
    }

    /// What became of the plugin for a type, where there was one.
    pub(crate) fn why_not_loaded(&self, type_id: &str) -> Option<&'static str> {
        let entry = self.ports.plugins().status().into_iter().find(|entry| entry.id == type_id)?;
        Some(match entry.state {
            State::Active => return None,
            State::Compiling => "is still being compiled: try again in a moment",
            State::Pending => "waits for an operator's approval",
            State::NeedsReview => "waits for an operator's review",
            State::Rejected => "was rejected: an operator finds the reason under plugins",
            State::Removed => "was removed: an operator has to put its file back",
        })
    }

    /// The refusal to change or use a stored credential whose plugin is not loaded.
    #[must_use]
    pub fn type_not_loaded(&self, type_id: &str) -> Error {
        let why = self.why_not_loaded(type_id).unwrap_or("is not loaded");
        let message = format!(
            "the plugin for the type `{type_id}` {why}; until then the credential can be read, not changed or used"
        );
        Error::new(Kind::Unavailable, message)
    }

    /// Validates `data`. `known_secrets` are pointers that are secret whatever the
    /// schema says now: a plugin version that stops marking one gains nothing.
    /// `stored` tells what of `data` was stored before.
    pub(crate) async fn validate(
        &self,
        of: &CredentialType,
        data: SecretJson,
        known_secrets: &[String],
        stored: Option<Stored<'_>>,
        context: &Context,
    ) -> Result<Validated, Error> {
        let mut data = data;
        drop_byte_order_marks(data.expose_mut());
        let id = of.manifest.id.as_str();
        let report = self.ports.plugins().validate_form(id, &data)?;
        if !report.violations.is_empty() {
            return Err(Error::invalid(in_body(report.violations)));
        }
        let mut secret_pointers = report.secret_pointers;
        secret_pointers
            .extend(known_secrets.iter().filter(|pointer| data.expose().pointer(pointer).is_some()).cloned());
        secret_pointers.sort();
        secret_pointers.dedup();
        secret_pointers.retain(|pointer| !pointer.is_empty());

        let mut withheld = secret_pointers.clone();
        withheld.extend(stored.iter().flat_map(|stored| stored.derived(of, data.expose())));
        let inherited = stored.map(|stored| stored.taints.clone()).unwrap_or_default();
        let public = data.without(&withheld);
        let inspected = self.ports.plugins().inspect(id, &public, context).await;
        let mut violations = Vec::new();
        let inspection = collect(inspected, &mut violations)?;

        // What was withheld goes back into the normalised data where there is some.
        let mut full = data;
        if let Some(inspection) = &inspection {
            let normalised = SecretJson::new(inspection.data.clone());
            if secret_pointers.iter().any(|pointer| normalised.expose().pointer(pointer).is_some_and(|v| !v.is_null()))
            {
                return Err(Error::new(Kind::Plugin, "the plugin put a value where a secret belongs"));
            }
            let mut merged = normalised;
            for pointer in &withheld {
                if let Some(secret) = full.expose().pointer(pointer) {
                    put(merged.expose_mut(), pointer, secret.clone());
                }
            }
            full = merged;
        }
        let checked = self.ports.plugins().check(id, &full, &secret_pointers, context).await;
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
                let before = full.clone();
                for rewrite in &rewrites {
                    put(full.expose_mut(), &rewrite.pointer, rewrite.value.expose().clone());
                }
                // Else the next change to it would be refused.
                if !self.ports.plugins().validate_form(id, &full)?.violations.is_empty() {
                    return Err(Error::new(Kind::Plugin, "the plugin returned data its own schema rejects"));
                }
                let taints = inherited
                    .after_check(&rewrites, &secret_pointers, &of.manifest.derives, before.expose(), full.expose())
                    .map_err(|error| Error::new(Kind::Plugin, format!("the plugin's {error}")))?;
                let public = full.without(&secret_pointers);
                Ok(Validated { full, public, secret_pointers, taints, inspection })
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
