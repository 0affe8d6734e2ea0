//! Creating a credential, and judging one without creating it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::accounts::{name_taken, overtaken};
use super::super::idempotency::gone;
use super::super::quota::Counted;
use super::super::{Broker, Created, IdempotencyKey, codec, keys_for};
use super::find::{Found, Kept};
use super::form::Judged;
use crate::access::{Account, Caller, Operation, Right};
use crate::audit::{Action, Outcome};
use crate::credential::{Credential, Draft, MadeBy, Version, VersionAction, View, judge_credential_name};
use crate::id::{AccountId, CredentialId, Name, Reference};
use crate::keys::{self, Table};
use crate::plugin::{Ability, Context, CredentialType};
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, Kind, Violation};

impl Broker {
    /// Stores a new credential.
    ///
    /// The only live one of a defaultable type in its account becomes the default
    /// (S0-24), others only when asked (S0-25). With `probe` the live
    /// service is asked first, and nothing is stored that it refuses.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] with everything that is wrong, [`Kind::Conflict`]
    /// where the name is taken, [`Kind::Unsupported`] where a type that cannot
    /// be probed is to be.
    pub async fn create_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        body: Value,
        key: Option<&IdempotencyKey>,
        probe: bool,
    ) -> Result<Created<View>, Error> {
        let account = self.authorize_operation(caller, account, Operation::CreateCredential).await?;
        if let Some(earlier) = self.replayed(caller, key).await? {
            return self.replay(caller, &account, earlier).await;
        }
        let room = self.reserve(account.id, Counted::Credentials).await;
        let room = match (room, self.replayed(caller, key).await?) {
            (_, Some(earlier)) => return self.replay(caller, &account, earlier).await,
            (room, None) => room?,
        };
        let (draft, name, of, judged) = self.judge_draft(caller, &account, body).await?;
        if probe {
            let free = self.name_is_free(&account, &name).await;
            if let Some(earlier) = self.replayed(caller, key).await? {
                return self.replay(caller, &account, earlier).await;
            }
            free?;
            self.preflight(caller, &account, None, &of, judged.candidate(&name)).await?;
        }
        let credential = self.new_credential(&account, &draft, name, &of, &judged);
        let version = Version {
            version: 1,
            created_at: credential.created_at,
            actor: caller.actor(),
            action: VersionAction::Create,
            changed: super::versions::changed(&Value::Null, judged.full.expose()),
            secret_pointers: judged.secret_pointers.clone(),
            taints: Some(judged.taints.clone()),
            plugin: credential.plugin.clone(),
        };
        let name_key = keys::credential_name(self.blind(), account.id, credential.name.as_str());
        let mut attempts = self.attempts(&name_key);
        while attempts.again().await {
            let is_taken = self.store().get(&name_key).await?.is_some();
            if let Some(earlier) = self.replayed(caller, key).await? {
                return self.replay(caller, &account, earlier).await;
            }
            if is_taken {
                return Err(name_taken());
            }
            let mut event = self.event(caller, Action::CredentialCreate, Outcome::Ok);
            event.account = Some(account.id);
            event.credential = Some(credential.id);
            event.version = Some(1);
            event.plugin = Some(credential.plugin.for_audit());
            let mut batch = self
                .require_account(Batch::default(), account.id)
                .await?
                .put(keys_for(&credential, Table::Credential), Expect::Absent, codec::encode(&credential)?)
                .put(name_key.clone(), Expect::Absent, codec::encode(&credential.id)?)
                .put(version_key(&credential, Table::Version), Expect::Absent, codec::encode(&version)?)
                .put(version_key(&credential, Table::Secret), Expect::Absent, codec::encode(judged.full.expose())?);
            batch = self.index(batch, &credential, &BTreeSet::new())?;
            let defaultable = of.manifest.has(Ability::Defaultable);
            let (mut batch, promoted) =
                self.promote_new(batch, &credential, defaultable, draft.default == Some(true)).await?;
            batch = batch.event(event);
            if promoted {
                batch = batch.event(self.promotion_event(caller, &credential));
            }
            match self.store().commit(self.keep(batch, caller, key, credential.id.0)?).await {
                Ok(revision) => {
                    room.take();
                    self.tell_credential(&credential, "created");
                    let sync = self.sync_rows(&self.standings(caller, &account).await?, &credential).await?;
                    let found = Found { credential, revision };
                    let kept = Kept { is_default: promoted, sync, ..Kept::default() };
                    let value = self.assemble(caller, &account, found, kept);
                    return Ok(Created { value, replayed: false });
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Says what [`Broker::create_credential`] would say, and stores nothing.
    /// With `probe` the live service is asked too.
    ///
    /// # Errors
    ///
    /// The same; [`Kind::Unsupported`] for a type that cannot be probed.
    pub async fn validate_credential(
        &self,
        caller: &Caller,
        account: &Reference,
        body: Value,
        probe: bool,
    ) -> Result<(), Error> {
        let account = self.authorize_operation(caller, account, Operation::ValidateCredential).await?;
        let (_, name, of, judged) = self.judge_draft(caller, &account, body).await?;
        self.name_is_free(&account, &name).await?;
        if probe { self.preflight(caller, &account, None, &of, judged.candidate(&name)).await } else { Ok(()) }
    }

    /// Whether a name could be given (S2-06). A narrowed token, which cannot
    /// give one, is told nothing of what others are called.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for a narrowed token, whatever the name;
    /// [`Kind::Invalid`] for a malformed one, [`Kind::Conflict`] for a taken one.
    pub async fn validate_name(&self, caller: &Caller, account: &Reference, name: &str) -> Result<(), Error> {
        let account = self.authorize(caller, account, Right::Write, Action::CredentialCreate).await?;
        if !caller.scope.is_everything() {
            let message = "a token that is narrowed to some credentials names no others";
            return Err(self.refuse_narrowed(caller, account.id, Action::CredentialCreate, message).await);
        }
        let name = judge_credential_name(name, "?name").map_err(|violation| Error::invalid(vec![violation]))?;
        self.name_is_free(&account, &name).await
    }

    /// Records that a narrowed token was refused what is about all of an account.
    /// Answers it, or why it could not be recorded.
    pub(super) async fn refuse_narrowed(
        &self,
        caller: &Caller,
        account: AccountId,
        action: Action,
        message: &str,
    ) -> Error {
        match self.refuse(caller, account, action).await {
            Ok(_) => Error::new(Kind::Denied, message),
            Err(error) => error,
        }
    }

    async fn name_is_free(&self, account: &Account, name: &Name) -> Result<(), Error> {
        let key = keys::credential_name(self.blind(), account.id, name.as_str());
        if self.store().get(&key).await?.is_some() { Err(name_taken()) } else { Ok(()) }
    }

    /// Collects what is wrong with the core's fields *and* with the data.
    async fn judge_draft(
        &self,
        caller: &Caller,
        account: &Account,
        body: Value,
    ) -> Result<(Draft, Name, std::sync::Arc<CredentialType>, Judged), Error> {
        if !caller.scope.is_everything() {
            let message = "a token that is narrowed to some credentials cannot create others";
            return Err(self.refuse_narrowed(caller, account.id, Action::CredentialCreate, message).await);
        }
        let (mut draft, mut violations) = Draft::read(body);
        let of = if draft.type_id.is_empty() {
            None
        } else {
            self.type_for_writing(&draft.type_id).map_err(|violation| violations.push(violation)).ok()
        };
        let Some(of) = of else { return Err(Error::invalid(violations)) };
        if draft.default == Some(true) && !of.manifest.has(Ability::Defaultable) {
            let message = "Credentials of this type are never a default.";
            violations.push(Violation::new("/default", "unsupported", message));
        }
        if violations.iter().any(|violation| violation.pointer == "/data") {
            return Err(Error::invalid(violations));
        }
        let context = Context {
            account: Some(account.id),
            name: draft.name.as_ref().map(ToString::to_string).unwrap_or_default(),
            version: 0,
            seed: [0; 32],
            options: serde_json::json!({}),
        };
        let judged = match self.judge(&of, std::mem::take(&mut draft.data), &[], None, &context).await {
            Ok(judged) => judged,
            Err(error) if error.kind == Kind::Invalid => {
                violations.extend(error.violations);
                return Err(Error::invalid(violations));
            }
            Err(error) => return Err(error),
        };
        match draft.name.clone() {
            Some(name) if violations.is_empty() => Ok((draft, name, of, judged)),
            _ => Err(Error::invalid(violations)),
        }
    }

    fn new_credential(
        &self,
        account: &Account,
        draft: &Draft,
        name: Name,
        of: &CredentialType,
        judged: &Judged,
    ) -> Credential {
        let now = self.now();
        let inspection = &judged.inspection;
        Credential {
            id: CredentialId(self.new_id()),
            account: account.id,
            type_id: of.manifest.id.clone(),
            category: of.manifest.category.clone(),
            name,
            title: draft.title.clone(),
            description: draft.description.clone(),
            labels: draft.labels.clone(),
            revealable: draft.revealable,
            data: judged.public.clone(),
            secret_pointers: judged.secret_pointers.clone(),
            taints: Some(judged.taints.clone()),
            attributes: inspection.attributes.clone(),
            selectors: inspection.selectors.clone(),
            order: inspection.order.clone(),
            not_before: inspection.not_before,
            not_after: inspection.not_after,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            plugin: MadeBy::from(of),
        }
    }

    async fn replay(&self, caller: &Caller, account: &Account, id: uuid::Uuid) -> Result<Created<View>, Error> {
        let found = self.find(caller, account, &Reference::Id(id)).await.map_err(|_| gone())?;
        Ok(Created { value: self.view(caller, account, found).await?, replayed: true })
    }
}

fn version_key(credential: &Credential, table: Table) -> Vec<u8> {
    keys::of_version(table, credential.account, credential.id, credential.version)
}
