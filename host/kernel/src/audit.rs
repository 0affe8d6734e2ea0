//! What is recorded of every touch.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CredentialId};

/// What was done or tried. The wire form is `credential.reveal` and the like.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is named by its wire form")]
pub enum Action {
    #[serde(rename = "credential.create")]
    CredentialCreate,
    #[serde(rename = "credential.update")]
    CredentialUpdate,
    #[serde(rename = "credential.delete")]
    CredentialDelete,
    #[serde(rename = "credential.restore")]
    CredentialRestore,
    #[serde(rename = "credential.purge")]
    CredentialPurge,
    #[serde(rename = "credential.set-default")]
    CredentialSetDefault,
    #[serde(rename = "credential.reveal")]
    CredentialReveal,
    #[serde(rename = "credential.materialize")]
    CredentialMaterialize,
    #[serde(rename = "credential.probe")]
    CredentialProbe,
    /// A consumer asked for what it is bound to.
    #[serde(rename = "credential.resolve")]
    CredentialResolve,
    /// A credential was put in place in a region, removed there, or refused.
    #[serde(rename = "credential.sync")]
    CredentialSync,
    /// What a consumer uses in a slot was chosen.
    #[serde(rename = "binding.put")]
    BindingPut,
    #[serde(rename = "binding.delete")]
    BindingDelete,
    /// Recorded only when refused.
    #[serde(rename = "binding.read")]
    BindingRead,
    #[serde(rename = "region.create")]
    RegionCreate,
    #[serde(rename = "region.update")]
    RegionUpdate,
    #[serde(rename = "region.delete")]
    RegionDelete,
    /// Recorded only when refused.
    #[serde(rename = "region.read")]
    RegionRead,
    /// An account began to use a region, or changed how.
    #[serde(rename = "region.attach")]
    RegionAttach,
    /// An account no longer uses a region.
    #[serde(rename = "region.detach")]
    RegionDetach,
    /// A credential is about to be sent to a region: durable before it is.
    #[serde(rename = "region.push")]
    RegionPush,
    /// A credential is about to be removed from a region.
    #[serde(rename = "region.remove")]
    RegionRemove,
    /// A region was asked to be complete before a deployment.
    #[serde(rename = "region.ensure")]
    RegionEnsure,
    /// A read or listing, recorded only when refused.
    #[serde(rename = "credential.read")]
    CredentialRead,
    #[serde(rename = "account.create")]
    AccountCreate,
    #[serde(rename = "account.update")]
    AccountUpdate,
    #[serde(rename = "account.delete")]
    AccountDelete,
    /// Recorded only when refused.
    #[serde(rename = "account.read")]
    AccountRead,
    #[serde(rename = "member.put")]
    MemberPut,
    #[serde(rename = "member.delete")]
    MemberDelete,
    /// Recorded only when refused.
    #[serde(rename = "member.read")]
    MemberRead,
    #[serde(rename = "token.create")]
    TokenCreate,
    #[serde(rename = "token.delete")]
    TokenDelete,
    /// Recorded only when refused.
    #[serde(rename = "token.read")]
    TokenRead,
    #[serde(rename = "plugin.load")]
    PluginLoad,
    /// Recorded only when refused.
    #[serde(rename = "plugin.read")]
    PluginRead,
    #[serde(rename = "plugin.reject")]
    PluginReject,
    /// A file went away; its credentials stay.
    #[serde(rename = "plugin.remove")]
    PluginRemove,
    /// An operator granted what a plugin asks for.
    #[serde(rename = "plugin.approve")]
    PluginApprove,
    /// An operator took a grant back.
    #[serde(rename = "plugin.revoke")]
    PluginRevoke,
    /// An operator put an earlier component back in force.
    #[serde(rename = "plugin.rollback")]
    PluginRollback,
    /// A request that a plugin made through the host.
    #[serde(rename = "http.send")]
    HttpSend,
    #[serde(rename = "dns.present")]
    DnsPresent,
    #[serde(rename = "dns.cleanup")]
    DnsCleanup,
    /// Recorded only when refused.
    #[serde(rename = "audit.read")]
    AuditRead,
    /// A chain vouches for how far others have come, in `detail.heads`; or,
    /// failed, names in `detail.broken` those that are less than they were.
    #[serde(rename = "audit.anchor")]
    AuditAnchor,
    /// The oldest stretch of a chain, in `detail`, was written to a file and is
    /// removed from the store; what it said of rows that are unchanged since is
    /// carried over to such records.
    #[serde(rename = "audit.prune")]
    AuditPrune,
    /// Bearer tokens that were not ours, counted per minute and address prefix.
    #[serde(rename = "auth.refused")]
    AuthRefused,
    #[serde(rename = "installation.init")]
    InstallationInit,
    #[serde(rename = "installation.start")]
    InstallationStart,
    #[serde(rename = "installation.backup")]
    InstallationBackup,
    #[serde(rename = "installation.restore")]
    InstallationRestore,
    #[serde(rename = "installation.rekey")]
    InstallationRekey,
    /// A change the broker made on its own, such as clearing old records.
    #[serde(rename = "installation.housekeeping")]
    Housekeeping,
}

impl Action {
    /// The wire form.
    #[must_use]
    pub fn as_str(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(text)) => text,
            _ => String::new(),
        }
    }
}

/// How it ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the words say it")]
pub enum Outcome {
    Ok,
    Denied,
    Failed,
}

/// What a use case says of itself; the store adds sequence, hashes and the
/// records it touched. Never a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When it was decided.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
    /// Who: a token's display name and id, `operator`, `system`, `anonymous`.
    pub actor: String,
    /// The account the actor belongs to; `None` for operators, `system` and
    /// `anonymous`, and in records from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_account: Option<AccountId>,
    /// What.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// In which account.
    pub account: Option<AccountId>,
    /// About which credential.
    pub credential: Option<CredentialId>,
    /// Which version of its data.
    pub version: Option<u32>,
    /// For which region.
    pub region: Option<String>,
    /// The request that asked.
    pub request_id: Option<String>,
    /// The client's address.
    pub client: Option<String>,
    /// The plugin that took part: `ssh-login@sha256:...`.
    pub plugin: Option<String>,
    /// Public facts: field pointers that were revealed, a format, a count, the
    /// name of a member. Never a value of a credential.
    pub detail: Option<serde_json::Value>,
}

impl Event {
    /// Something the broker did on its own, well; others fill in what differs.
    #[must_use]
    pub fn system(at: Timestamp, action: Action) -> Self {
        Self {
            at,
            actor: "system".to_owned(),
            actor_account: None,
            action,
            outcome: Outcome::Ok,
            account: None,
            credential: None,
            version: None,
            region: None,
            request_id: None,
            client: None,
            plugin: None,
            detail: None,
        }
    }
}

/// A record of the chain, as listed. `hash` covers everything before it and
/// `prev_hash`; see the store's chain module for the exact bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Unique in the installation: `<node>-<seq>`.
    pub id: String,
    /// Place in its node's chain, from 1.
    pub seq: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// `sha256:<hex>` of the record before.
    pub prev_hash: String,
    /// `sha256:<hex>` of this one.
    pub hash: String,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only of this account.
    pub account: Option<AccountId>,
    /// Exactly this actor.
    pub actor: Option<String>,
    /// Only actors of this account.
    pub actor_account: Option<AccountId>,
    /// Exactly this action's wire form, or a prefix ending in `*`.
    pub action: Option<String>,
    /// Whatever else is asked for, only actions that start with one of these:
    /// what the caller may see. Empty for all.
    pub only_actions: &'static [&'static str],
    /// About this credential.
    pub credential: Option<CredentialId>,
    /// For this region.
    pub region: Option<String>,
    /// At or after.
    pub since: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether `event` is asked for.
    #[must_use]
    pub fn matches(&self, event: &Event) -> bool {
        let action_matches = |wanted: &String| match wanted.strip_suffix('*') {
            Some(prefix) => event.action.as_str().starts_with(prefix),
            None => event.action.as_str() == *wanted,
        };
        let starts_with = |prefix: &&str| event.action.as_str().starts_with(prefix);
        self.account.is_none_or(|account| event.account == Some(account))
            && self.actor.as_ref().is_none_or(|actor| event.actor == *actor)
            && self.actor_account.is_none_or(|account| event.actor_account == Some(account))
            && self.action.as_ref().is_none_or(action_matches)
            && (self.only_actions.is_empty() || self.only_actions.iter().any(starts_with))
            && self.credential.is_none_or(|credential| event.credential == Some(credential))
            && self.region.as_ref().is_none_or(|region| event.region.as_ref() == Some(region))
            && self.since.is_none_or(|since| event.at >= since)
            && self.until.is_none_or(|until| event.at < until)
    }
}

/// A signed statement of how far the chain has come: kept elsewhere, it
/// witnesses that nothing before it was cut off or put back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// Whose chain.
    pub node: String,
    /// The newest record it covers.
    pub seq: u64,
    /// That record's hash, `sha256:<hex>`.
    pub hash: String,
    /// When it was signed.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
    /// The installation's audit key, Ed25519, base64.
    pub public_key: String,
    /// Ed25519 over the other fields (see the store's checkpoint module), base64.
    pub signature: String,
}

/// The port to the audit chain's reading side; writing happens in
/// [`crate::store::Store::commit`].
#[async_trait::async_trait]
pub trait Trail: Send + Sync {
    /// Entries that match, newest first, and the cursor to go on from.
    ///
    /// # Errors
    ///
    /// As for [`crate::store::Store::scan`].
    async fn list(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), crate::store::Error>;

    /// Signs where the chain stands now.
    ///
    /// # Errors
    ///
    /// As for [`crate::store::Store::get`].
    async fn checkpoint(&self) -> Result<Checkpoint, crate::store::Error>;

    /// Walks the whole chain and the live records.
    ///
    /// # Errors
    ///
    /// Only where it could not be read; what is wrong with it is in the report.
    async fn verify(&self, trusted: Option<&Checkpoint>) -> Result<Report, crate::store::Error>;
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Records walked.
    pub entries: u64,
    /// Live values compared with the record of their last change.
    pub records: u64,
    /// Checkpoints whose signature and hash held.
    pub checkpoints: u64,
    /// Statements of one chain about another that held.
    #[serde(default)]
    pub anchors: u64,
    /// Everything that does not hold, one sentence each, naming the record.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether everything held.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.problems.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The chain's hash is over these bytes.
    #[test]
    fn a_record_of_before_is_read_and_written_as_it_was() {
        let event = Event::system(Timestamp::UNIX_EPOCH, Action::AccountCreate);
        let stored = serde_json::to_string(&event).unwrap();
        assert!(!stored.contains("actorAccount"), "{stored}");
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
    }
}
