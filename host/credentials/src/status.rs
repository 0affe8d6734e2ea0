//! Whether a credential is usable now: the core's to say, at read time.

use std::borrow::Cow;

use bursar_kernel::clock::rfc3339;
use bursar_kernel::plugin::Manifest;
use jiff::Timestamp;
use serde_json::Value;

use crate::Credential;

/// Usable or not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// Usable, and for a while.
    Valid,
    /// Usable, but for less than 30 days or a third of its life, whichever is
    /// shorter.
    Expiring,
    /// No longer.
    Expired,
    /// Not before a time that is still to come.
    NotYetValid,
}

/// Something a person should know that is no error.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Warning {
    /// Stable and machine-readable.
    pub code: Cow<'static, str>,
    /// One sentence.
    pub message: String,
    /// What it is about, in the credential's JSON.
    pub pointer: Cow<'static, str>,
}

impl Credential {
    /// The status at `now`.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        let now = now.as_second();
        if self.not_before.is_some_and(|not_before| now < not_before) {
            return Status::NotYetValid;
        }
        let Some(not_after) = self.not_after else { return Status::Valid };
        if now > not_after {
            return Status::Expired;
        }
        let born = self.not_before.unwrap_or_else(|| self.updated_at.as_second());
        let notice = (not_after.saturating_sub(born) / 3).clamp(0, EXPIRY_NOTICE_SECONDS);
        if not_after.saturating_sub(now) < notice { Status::Expiring } else { Status::Valid }
    }

    /// What a person should know at `now`. `records` are the DNS records that a
    /// deleted one still has somewhere, `consumers` those that are bound to it
    /// (S4-26); `manifest` is the type's, where its plugin is loaded.
    #[must_use]
    pub fn warnings(
        &self,
        now: Timestamp,
        manifest: Option<&Manifest>,
        records: usize,
        consumers: usize,
    ) -> Vec<Warning> {
        let until = |seconds: Option<i64>| {
            seconds.and_then(|s| Timestamp::from_second(s).ok()).map_or_else(String::new, rfc3339)
        };
        let mut warnings = Vec::new();
        match self.status(now) {
            Status::Valid => {}
            Status::Expiring => warnings.push(Warning {
                code: "expiring".into(),
                message: format!("It expires on {}: replace it soon.", until(self.not_after)),
                pointer: "/expiresAt".into(),
            }),
            Status::Expired => warnings.push(Warning {
                code: "expired".into(),
                message: format!("It expired on {}: replace it.", until(self.not_after)),
                pointer: "/expiresAt".into(),
            }),
            Status::NotYetValid => warnings.push(Warning {
                code: "not-yet-valid".into(),
                message: format!("It is not valid before {}.", until(self.not_before)),
                pointer: "/attributes/notBefore".into(),
            }),
        }
        match manifest {
            Some(manifest) => warnings.extend(self.plugin_warnings(manifest)),
            None => warnings.push(Warning {
                code: "type-not-loaded".into(),
                message: format!("The plugin for type `{}` is not loaded: it can be read, not used.", self.type_id),
                pointer: "/type".into(),
            }),
        }
        if !self.revealable {
            warnings.push(Warning {
                code: "not-revealable".into(),
                message: "Nobody can reveal it, but who may use it still gets its secrets by materialize and resolve, \
                          and the regions of the account by sync."
                    .to_owned(),
                pointer: "/revealable".into(),
            });
        }
        if records > 0 {
            warnings.push(Warning {
                code: "dns-records".into(),
                message: format!("DNS records of it are still there ({records}): restore it and clean them up."),
                pointer: "/deletedAt".into(),
            });
        }
        if consumers > 0 {
            let of = if consumers == 1 { "1 consumer".to_owned() } else { format!("{consumers} consumers") };
            let message = match self.deleted_at {
                None => format!("Deleting it breaks authentication for {of}: bind them to another one first."),
                Some(_) => format!("It is deleted, and {of} cannot authenticate: restore it, or bind another one."),
            };
            warnings.push(Warning { code: "in-use".into(), message, pointer: "".into() });
        }
        warnings
    }

    /// What its type derives from the public data, without the plugin's warnings:
    /// those are among [`Credential::warnings`].
    #[must_use]
    pub fn public_attributes(&self) -> Value {
        let mut attributes = self.attributes.clone();
        if let Some(members) = attributes.as_object_mut() {
            members.remove(WARNINGS);
        }
        attributes
    }

    /// What the plugin found worth telling when it inspected the public data:
    /// the attribute [`WARNINGS`] has codes and places, the manifest the words.
    fn plugin_warnings(&self, manifest: &Manifest) -> Vec<Warning> {
        let told = self.attributes.get(WARNINGS).and_then(Value::as_array).into_iter().flatten();
        let warnings = told.filter_map(|told| {
            let (code, at) = (told["code"].as_str()?, told["pointer"].as_str()?);
            self.data.pointer(at)?;
            let message = manifest.messages.get(code)?.clone();
            Some(Warning { code: code.to_owned().into(), message, pointer: format!("/data{at}").into() })
        });
        warnings.take(MAX_PLUGIN_WARNINGS).collect()
    }
}

/// The attribute by which a plugin warns: `[{"pointer", "code"}]`, the code one
/// of its manifest's messages.
const WARNINGS: &str = "warnings";
const MAX_PLUGIN_WARNINGS: usize = 16;

const EXPIRY_NOTICE_SECONDS: i64 = 30 * 24 * 60 * 60;
