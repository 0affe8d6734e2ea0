//! The calls that a type answers, as data: one function of the port for all.

use serde_json::Value;

use super::{Artifact, Context, Inspection, NetworkCall, ProbeReport, Progress, Rewrite, TxtRecord};
use crate::secret::SecretJson;

/// One call of a plugin; see the function of [`Plugins`](super::Plugins) with its
/// name.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "as the functions of the port describe them")]
pub enum PluginCall<'a> {
    Template { variant: Option<&'a str> },
    Inspect { public: &'a Value, context: &'a Context },
    Check { data: &'a SecretJson, secret_pointers: &'a [String], context: &'a Context },
    Materialize { data: &'a SecretJson, format: &'a str, context: &'a Context },
    Network { call: &'a NetworkCall<'a>, operation: NetworkOperation<'a> },
}

/// The calls of the network plane.
#[derive(Clone, Copy)]
#[expect(missing_docs, reason = "as the functions of the port describe them")]
pub enum NetworkOperation<'a> {
    Probe,
    DnsCheck { fqdn: Option<&'a str> },
    DnsPresent { txt: &'a TxtRecord },
    DnsPoll { handle: &'a str },
    DnsCleanup { txt: &'a TxtRecord, handle: &'a str },
}

/// What a plugin answers, by call.
#[expect(missing_docs, reason = "each is the type of its call's answer")]
pub enum PluginAnswer {
    Template(Value),
    Inspection(Inspection),
    Rewrites(Vec<Rewrite>),
    Artifacts(Vec<Artifact>),
    Report(ProbeReport),
    Handle(String),
    Progress(Progress),
    Done(()),
}

impl PluginCall<'_> {
    /// Its name in metrics.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Template { .. } => "template",
            Self::Inspect { .. } => "inspect",
            Self::Check { .. } => "check",
            Self::Materialize { .. } => "materialize",
            Self::Network { operation, .. } => match operation {
                NetworkOperation::Probe => "probe",
                NetworkOperation::DnsCheck { .. } => "dns-check",
                NetworkOperation::DnsPresent { .. } => "present",
                NetworkOperation::DnsPoll { .. } => "poll",
                NetworkOperation::DnsCleanup { .. } => "cleanup",
            },
        }
    }
}

/// The answer of one kind of call.
macro_rules! answer {
    ($answer:expr, $kind:ident) => {
        match $answer {
            PluginAnswer::$kind(answer) => Ok(answer),
            _ => Err(PluginError::Failed("it answered another call".to_owned())),
        }
    };
}

pub(super) use answer;
