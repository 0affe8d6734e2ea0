//! How a plugin's error is told: the one place where it becomes a failure of a
//! use case. It never looks like the caller's own 403 or 404: what was refused
//! is our stored credential, and what is missing is missing over there.

use crate::plugin::PluginError;
use crate::{Error, Kind, Violation};

/// What in the request, or beside it, a plugin complains of: JSON Pointers.
#[derive(Clone, Copy, Debug)]
pub struct Blame {
    /// The credential that the other side refused.
    pub credential: &'static str,
    /// What was asked for and is not there.
    pub wanted: &'static str,
    /// What pointers into the credential's data are put behind.
    pub data: &'static str,
}

impl Blame {
    /// A stored credential: no part of the request can be blamed for it.
    pub const STORED: Self = Self { credential: "", wanted: "", data: "/data" };
    /// The same, where a DNS name was asked for.
    pub const STORED_AT_NAME: Self = Self { wanted: "/fqdn", ..Self::STORED };
    /// Data that came with the request.
    pub const DRAFT: Self = Self { credential: "/data", wanted: "/data", data: "/data" };
}

/// A plugin's error as the caller is told it.
#[must_use]
pub fn refusal(error: PluginError, blame: Blame) -> Error {
    let one = |pointer: &str, code: &str, message: String| Error::invalid(vec![Violation::new(pointer, code, message)]);
    match error {
        PluginError::Invalid(violations) => {
            let placed = |violation: Violation| Violation {
                pointer: format!("{}{}", blame.data, violation.pointer),
                ..violation
            };
            Error::invalid(violations.into_iter().map(placed).collect())
        }
        PluginError::Denied(said) => {
            one(blame.credential, "refused", format!("The service refused the credential: {said}"))
        }
        PluginError::NotFound(said) => one(blame.wanted, "not-found", format!("The service does not have it: {said}")),
        PluginError::Throttled(seconds) => Error {
            retry_after_seconds: Some(seconds.unwrap_or(THROTTLED_SECONDS)),
            ..Error::new(Kind::Throttled, "the service behind the credential asks to wait")
        },
        PluginError::Unavailable(_) => {
            Error { retry_after_seconds: Some(UNAVAILABLE_SECONDS), ..Error::new(Kind::Unavailable, error) }
        }
        PluginError::Unsupported(said) => {
            let error = one("", "unsupported", format!("The plugin does not do this: {said}"));
            Error { kind: Kind::Unsupported, ..error }
        }
        PluginError::Busy => {
            let message = "too many requests of this account wait for a plugin: send fewer at once, or try again";
            Error { retry_after_seconds: Some(BUSY_SECONDS), ..Error::new(Kind::Throttled, message) }
        }
        PluginError::Failed(_) => Error::new(Kind::Plugin, error),
    }
}

/// The error's code, for the audit trail.
#[must_use]
pub fn code(error: &PluginError) -> &'static str {
    match error {
        PluginError::Invalid(_) => "invalid",
        PluginError::Denied(_) => "refused",
        PluginError::NotFound(_) => "not-found",
        PluginError::Throttled(_) => "throttled",
        PluginError::Unavailable(_) => "unavailable",
        PluginError::Unsupported(_) => "unsupported",
        PluginError::Busy => "busy",
        PluginError::Failed(_) => "failed",
    }
}

impl From<PluginError> for Error {
    /// Of the pure plane, whose violations are placed by whoever asked.
    fn from(error: PluginError) -> Self {
        refusal(error, Blame { credential: "", wanted: "", data: "" })
    }
}

/// How long to wait where the service did not say.
const THROTTLED_SECONDS: u32 = 30;
const UNAVAILABLE_SECONDS: u32 = 10;
/// A pure call takes a fraction of it.
const BUSY_SECONDS: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_kind_looks_like_the_callers_own_fault_of_access() {
        let violation = Violation::new("/zone", "format", "no");
        let table = [
            (PluginError::Invalid(vec![violation]), Kind::Invalid, Some(("/data/zone", "format")), None),
            (PluginError::Denied("no".to_owned()), Kind::Invalid, Some(("", "refused")), None),
            (PluginError::NotFound("no".to_owned()), Kind::Invalid, Some(("/fqdn", "not-found")), None),
            (PluginError::Throttled(Some(7)), Kind::Throttled, None, Some(7)),
            (PluginError::Throttled(None), Kind::Throttled, None, Some(THROTTLED_SECONDS)),
            (PluginError::Unavailable("no".to_owned()), Kind::Unavailable, None, Some(UNAVAILABLE_SECONDS)),
            (PluginError::Unsupported("no".to_owned()), Kind::Unsupported, Some(("", "unsupported")), None),
            (PluginError::Busy, Kind::Throttled, None, Some(BUSY_SECONDS)),
            (PluginError::Failed("no".to_owned()), Kind::Plugin, None, None),
        ];
        for (error, kind, violation, retry_after_seconds) in table {
            let told = refusal(error.clone(), Blame::STORED_AT_NAME);
            assert_eq!((told.kind, told.retry_after_seconds), (kind, retry_after_seconds), "{error:?}");
            let first = told.violations.first().map(|first| (first.pointer.as_str(), first.code.as_str()));
            assert_eq!(first, violation, "{error:?}");
        }
        let denied = refusal(PluginError::Denied("no".to_owned()), Blame::DRAFT);
        assert_eq!(denied.violations[0].pointer, "/data");
    }
}
