//! The audit trail: events, the entries that list them, and the port that reads them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::{AccountId, CredentialId};

/// What was done or attempted. The wire form is `credential.reveal` and the like.
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
    /// A consumer asked for the credential it is bound to.
    #[serde(rename = "credential.resolve")]
    CredentialResolve,
    /// A credential was pushed to a region, removed from it, or refused by it.
    #[serde(rename = "credential.sync")]
    CredentialSync,
    /// A credential was bound to a consumer's slot.
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
    /// An account started using a region, or changed how it uses it.
    #[serde(rename = "region.attach")]
    RegionAttach,
    /// An account stopped using a region.
    #[serde(rename = "region.detach")]
    RegionDetach,
    /// A credential is about to be sent to a region; committed before it is sent.
    #[serde(rename = "region.push")]
    RegionPush,
    /// A credential is about to be removed from a region.
    #[serde(rename = "region.remove")]
    RegionRemove,
    /// A caller asked that a region be up to date before a deployment.
    #[serde(rename = "region.ensure")]
    RegionEnsure,
    /// A read or a listing; recorded only when refused.
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
    /// A plugin file was removed; its credentials remain.
    #[serde(rename = "plugin.remove")]
    PluginRemove,
    /// An operator granted the permissions that a plugin requests.
    #[serde(rename = "plugin.approve")]
    PluginApprove,
    /// An operator revoked a grant.
    #[serde(rename = "plugin.revoke")]
    PluginRevoke,
    /// An operator reactivated an earlier component.
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
    /// A chain records the heads of the other chains in `detail.heads`; with outcome
    /// `failed`, `detail.broken` names those that lost records.
    #[serde(rename = "audit.anchor")]
    AuditAnchor,
    /// The oldest records of a chain, given in `detail`, were exported to a file and
    /// leave the store. Records of this action carry over what the exported ones said
    /// about rows that have not changed since.
    #[serde(rename = "audit.prune")]
    AuditPrune,
    /// Unknown bearer tokens, counted per minute and address prefix.
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
    /// A change that the broker made on its own, such as deleting expired records.
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
#[expect(missing_docs, reason = "the names are self-explanatory")]
pub enum Outcome {
    Ok,
    Denied,
    Failed,
}

/// What a use case reports; the store adds the sequence number, the hashes and the
/// changed records. Never contains a secret value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When the decision was made.
    #[serde(with = "crate::clock::timestamp")]
    pub at: Timestamp,
    /// The actor: a token's display name and id, `operator`, `system`, `anonymous`.
    pub actor: String,
    /// The actor's account; `None` for operators, `system` and `anonymous`, and in
    /// records older than this field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor_account: Option<AccountId>,
    /// The action.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
    /// The account concerned.
    pub account: Option<AccountId>,
    /// The credential concerned.
    pub credential: Option<CredentialId>,
    /// The version of its data.
    pub version: Option<u32>,
    /// The region concerned.
    pub region: Option<String>,
    /// The id of the request.
    pub request_id: Option<String>,
    /// The client's address.
    pub client: Option<String>,
    /// The plugin involved: `ssh-login@sha256:...`.
    pub plugin: Option<String>,
    /// Public facts: the pointers of revealed fields, a format, a count, a member's
    /// name. Never a credential's value.
    pub detail: Option<serde_json::Value>,
}

impl Event {
    /// A successful action of the broker itself; callers override what differs.
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

/// A record of the chain, as listed. `hash` covers the record's content including
/// `prev_hash`; the store's chain module defines the exact bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Unique in the installation: `<node>-<seq>`.
    pub id: String,
    /// Position in its node's chain, from 1.
    pub seq: u64,
    /// The event.
    #[serde(flatten)]
    pub event: Event,
    /// `sha256:<hex>` of the previous record.
    pub prev_hash: String,
    /// `sha256:<hex>` of this record.
    pub hash: String,
}

/// Which entries to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only entries about this account.
    pub account: Option<AccountId>,
    /// Only this actor.
    pub actor: Option<String>,
    /// Only actors of this account.
    pub actor_account: Option<AccountId>,
    /// The wire form of an action, or a prefix of one followed by `*`.
    pub action: Option<String>,
    /// The actions that the caller may see, by prefix, in addition to the other
    /// conditions. Empty for all.
    pub only_actions: &'static [&'static str],
    /// Only entries about this credential.
    pub credential: Option<CredentialId>,
    /// Only entries about this region.
    pub region: Option<String>,
    /// At or after this time.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
}

impl Filter {
    /// Whether `event` satisfies all conditions.
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

/// A signed statement of a chain's newest record. Stored elsewhere, it proves that
/// nothing before it was removed or rolled back.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Checkpoint {
    /// The node whose chain it is.
    pub node: String,
    /// Sequence number of the newest record it covers.
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

/// The port that reads the audit chain; [`crate::store::Store::commit`] writes it.
#[async_trait::async_trait]
pub trait Trail: Send + Sync {
    /// Matching entries, newest first, and the cursor of the next page.
    ///
    /// # Errors
    ///
    /// As for [`crate::store::Store::scan`].
    async fn list(
        &self,
        filter: &Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<(Vec<Entry>, Option<String>), crate::store::StoreError>;

    /// Signs the current head of the chain.
    ///
    /// # Errors
    ///
    /// As for [`crate::store::Store::get`].
    async fn checkpoint(&self) -> Result<Checkpoint, crate::store::StoreError>;

    /// Verifies the whole chain and the live records, and that the chain still
    /// contains the record that the `trusted` checkpoint covers.
    ///
    /// # Errors
    ///
    /// Only if the store could not be read; what is wrong is in the report.
    async fn verify(&self, trusted: Option<&Checkpoint>) -> Result<Report, crate::store::StoreError>;
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Records walked.
    pub entries: u64,
    /// Live rows compared with the audit record of their last change.
    pub records: u64,
    /// Checkpoints with a valid signature and the right hash.
    pub checkpoints: u64,
    /// Statements of one chain about another that proved true.
    #[serde(default)]
    pub anchors: u64,
    /// Everything that is wrong, one sentence each, naming the record.
    pub problems: Vec<String>,
}

impl Report {
    /// Whether nothing is wrong.
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
    fn a_record_without_newer_fields_is_read_and_written_unchanged() {
        let event = Event::system(Timestamp::UNIX_EPOCH, Action::AccountCreate);
        let stored = serde_json::to_string(&event).unwrap();
        assert!(!stored.contains("actorAccount"), "{stored}");
        assert_eq!(serde_json::from_str::<Event>(&stored).unwrap(), event);
    }
}
