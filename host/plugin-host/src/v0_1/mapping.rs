//! Maps the contract's exported types to version-independent ones.

use bursar_kernel::plugin::{Context, Progress, TxtRecord};

use super::bindings::bursar::plugin::types;
use super::bindings::exports::bursar::plugin::{dns01, form, materializer};
use crate::answer::{RawArtifact, RawInspection, RawNetworkAnswer, RawRewrite, RawViolation, Refusal};

impl From<&Context> for types::Context {
    fn from(context: &Context) -> Self {
        Self {
            name: context.name.clone(),
            version: context.version,
            seed: context.seed.to_vec(),
            options: context.options.to_string(),
        }
    }
}

impl From<types::Error> for Refusal {
    fn from(error: types::Error) -> Self {
        match error {
            types::Error::Invalid(violations) => {
                Self::Invalid(violations.into_iter().map(RawViolation::from).collect())
            }
            types::Error::Denied(text) => Self::Denied(text),
            types::Error::NotFound(text) => Self::NotFound(text),
            types::Error::Throttled(seconds) => Self::Throttled(seconds),
            types::Error::Unavailable(text) => Self::Unavailable(text),
            types::Error::Unsupported(text) => Self::Unsupported(text),
            types::Error::Internal(text) => Self::Internal(text),
        }
    }
}

impl From<types::Violation> for RawViolation {
    fn from(raw: types::Violation) -> Self {
        Self { pointer: raw.pointer, code: raw.code, message: raw.message }
    }
}

impl From<form::Inspection> for RawInspection {
    fn from(raw: form::Inspection) -> Self {
        Self {
            data: raw.data,
            attributes: raw.attributes,
            selectors: raw.selectors.into_iter().map(|selector| (selector.kind, selector.value)).collect(),
            order: raw.order,
            not_before: raw.not_before,
            not_after: raw.not_after,
        }
    }
}

impl From<form::Rewrite> for RawRewrite {
    fn from(raw: form::Rewrite) -> Self {
        Self { pointer: raw.pointer, value: raw.value.into() }
    }
}

impl From<materializer::Artifact> for RawArtifact {
    fn from(raw: materializer::Artifact) -> Self {
        Self { name: raw.name, media_type: raw.media_type, content: raw.content.into(), sensitive: raw.sensitive }
    }
}

impl From<types::Report> for RawNetworkAnswer {
    fn from(raw: types::Report) -> Self {
        Self::Report { summary: raw.summary, details: raw.details }
    }
}

impl From<dns01::Progress> for Progress {
    fn from(raw: dns01::Progress) -> Self {
        match raw {
            dns01::Progress::Done => Self::Done,
            dns01::Progress::Pending(seconds) => Self::Pending(seconds),
        }
    }
}

impl From<&TxtRecord> for dns01::TxtRecord {
    fn from(record: &TxtRecord) -> Self {
        Self {
            fqdn: record.fqdn.clone(),
            zone_hint: record.zone_hint.clone(),
            value: record.value.clone(),
            ttl_seconds: record.ttl_seconds,
        }
    }
}
