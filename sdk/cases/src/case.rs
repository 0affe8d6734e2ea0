//! The format of a case.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Exchange;

/// One case: a call and its expected outcome.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// What the case shows, for people.
    pub about: String,
    /// The call to make.
    pub call: Call,
    /// The data: public for `inspect`, whole for the others.
    #[serde(default)]
    pub data: Value,
    /// For `template`.
    #[serde(default)]
    pub variant: Option<String>,
    /// For `materialize`.
    #[serde(default)]
    pub format: Option<String>,
    /// For `generate`: 64 bytes, hexadecimal.
    #[serde(default)]
    pub entropy: Option<String>,
    /// For `present` and `cleanup`.
    #[serde(default)]
    pub txt: Option<Txt>,
    /// For `dns-check`.
    #[serde(default)]
    pub fqdn: Option<String>,
    /// For `poll` and `cleanup`.
    #[serde(default)]
    pub handle: Option<String>,
    #[serde(default)]
    pub(crate) now: Option<i64>,
    #[serde(default)]
    pub(crate) http: Option<Vec<Exchange>>,
    #[serde(default)]
    pub(crate) context: Option<Context>,
    /// The expected answer.
    #[serde(default)]
    pub(crate) ok: Option<Value>,
    /// The expected failure.
    #[serde(default)]
    pub(crate) error: Option<Failure>,
}

impl Case {
    /// The time for a call of the network plane, in Unix seconds.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.now.unwrap_or(DEFAULT_NOW)
    }

    /// The expected exchanges, in order.
    #[must_use]
    pub fn exchanges(&self) -> &[Exchange] {
        self.http.as_deref().unwrap_or_default()
    }

    /// The context of the call.
    #[must_use]
    pub fn context(&self) -> Context {
        self.context.clone().unwrap_or_default()
    }

    /// The expected failure, if any.
    #[must_use]
    pub fn expected_failure(&self) -> Option<&Failure> {
        self.error.as_ref()
    }
}

/// The call of a [`Case`].
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(rename_all = "kebab-case")]
pub enum Call {
    /// Validation against the schema, before any plugin code runs.
    Form,
    /// `form.template`.
    Template,
    /// `form.inspect`.
    Inspect,
    /// `form.check`.
    Check,
    /// `materializer.materialize`.
    Materialize,
    /// `generator.generate`.
    Generate,
    /// `prober.probe`.
    Probe,
    /// `dns01.check`.
    DnsCheck,
    /// `dns01.present`.
    Present,
    /// `dns01.poll`.
    Poll,
    /// `dns01.cleanup`.
    Cleanup,
}

impl Call {
    /// As a case spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Form => "form",
            Self::Template => "template",
            Self::Inspect => "inspect",
            Self::Check => "check",
            Self::Materialize => "materialize",
            Self::Generate => "generate",
            Self::Probe => "probe",
            Self::DnsCheck => "dns-check",
            Self::Present => "present",
            Self::Poll => "poll",
            Self::Cleanup => "cleanup",
        }
    }

    /// Whether the call may use the network, and so needs the component and a
    /// host around it.
    #[must_use]
    pub fn is_network(self) -> bool {
        matches!(self, Self::Probe | Self::DnsCheck | Self::Present | Self::Poll | Self::Cleanup)
    }

    /// Whether the plugin sees secrets; of a failure, only codes and pointers
    /// then leave the call.
    #[must_use]
    pub fn sees_secrets(self) -> bool {
        matches!(self, Self::Check | Self::Materialize | Self::Generate)
    }
}

/// The record of a challenge.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Txt {
    /// Fully qualified, lower case, no trailing dot.
    pub fqdn: String,
    /// The zone cut that the host found.
    #[serde(default)]
    pub zone_hint: Option<String>,
    /// Unquoted.
    pub value: String,
    /// How long resolvers may cache it.
    #[serde(default = "default_ttl_seconds")]
    pub ttl_seconds: u32,
}

/// The context of a call; each member may be left out.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub struct Context {
    /// The credential's slug.
    pub name: String,
    /// The version of the data.
    pub version: u32,
    seed: u8,
    /// The caller's settings.
    pub options: Map<String, Value>,
}

impl Context {
    /// 32 bytes, each the one that the case gives.
    #[must_use]
    pub fn seed(&self) -> [u8; 32] {
        [self.seed; 32]
    }
}

impl Default for Context {
    fn default() -> Self {
        Self { name: "example".into(), version: 1, seed: 7, options: Map::new() }
    }
}

/// A failure that a case expects.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// One of the contract's kinds.
    pub kind: Kind,
    /// For `invalid`: all of them, in any order.
    #[serde(default)]
    pub violations: Vec<Place>,
    /// For `throttled`: how long to wait; compared if given.
    #[serde(default)]
    pub seconds: Option<u32>,
    /// What the message must contain; compared if given.
    #[serde(default)]
    pub contains: Option<String>,
}

/// A kind of failure.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the contract's words; see the WIT")]
pub enum Kind {
    Invalid,
    Denied,
    NotFound,
    Throttled,
    Unavailable,
    Unsupported,
    Internal,
}

impl Kind {
    /// As a case spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Denied => "denied",
            Self::NotFound => "not-found",
            Self::Throttled => "throttled",
            Self::Unavailable => "unavailable",
            Self::Unsupported => "unsupported",
            Self::Internal => "internal",
        }
    }
}

/// A violation by pointer and code; messages are for people and may change.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The field.
    pub pointer: String,
    /// What is wrong with it.
    pub code: String,
}

fn default_ttl_seconds() -> u32 {
    60
}

/// 2025-06-15T15:06:40Z.
const DEFAULT_NOW: i64 = 1_750_000_000;
