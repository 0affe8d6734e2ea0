//! How a credential is used, and for whom.

use bursar_kernel::Consumer;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// By which use case a credential was used.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the use cases' own names")]
pub enum Protocol {
    Reveal,
    Materialize,
    Resolve,
    ResolveImage,
    Probe,
    Dns,
}

/// A way in which a credential is used.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Way {
    /// How.
    pub protocol: Protocol,
    /// For whom, where that was said.
    pub consumer: Option<Consumer>,
    /// By whom: `workload:deployer`.
    pub actor: String,
    /// Whether it was the answer as the default, since nothing was bound.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
}

/// The last use in one way.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Use {
    /// In which.
    #[serde(flatten)]
    pub way: Way,
    /// When, to the minute: uses in between are not written down.
    #[serde(with = "bursar_kernel::clock::timestamp")]
    pub last_used_at: Timestamp,
}
