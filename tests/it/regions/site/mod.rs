//! What stands behind a region, as its owner sees it: one view of all targets.

mod directory;
mod kubernetes;
mod openbao;
mod webhook;

use std::collections::BTreeMap;

use async_trait::async_trait;
use serde_json::Value;

pub(super) use directory::Directory;
pub(super) use kubernetes::Cluster;
pub(super) use openbao::Vault;
pub(super) use webhook::Webhook;

/// Names and bytes of a credential's artifacts.
pub(super) type Artifacts = BTreeMap<String, Vec<u8>>;

/// Artifacts by the credential's name.
pub(super) type Contents = BTreeMap<String, Artifacts>;

/// A place that a region leads to.
#[async_trait]
pub(super) trait Site: Send + Sync {
    /// The kind of target.
    fn target(&self) -> &'static str;

    /// The settings of a region that leads here.
    fn settings(&self) -> Value;

    /// Everything that Bursar keeps here of an account.
    async fn held(&self, account: &str) -> Contents;

    /// Somebody else puts something where the credential would go.
    async fn plant(&self, account: &str, name: &str);

    /// Takes that away again.
    async fn uproot(&self, account: &str, name: &str);

    /// What stands at a place, in all detail: equal texts mean that nobody has touched it.
    async fn trace(&self, account: &str, name: &str) -> String;

    /// Somebody changes what Bursar put there.
    async fn tamper(&self, account: &str, name: &str);

    /// Somebody removes what Bursar put there.
    async fn take(&self, account: &str, name: &str);
}
