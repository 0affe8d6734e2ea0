//! Creating a credential, and validating one without creating it.

use std::collections::BTreeSet;
use std::sync::Arc;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, CredentialId, Name, Reference};
use bursar_kernel::keys::Table;
use bursar_kernel::plugin::{Ability, Context, CredentialType};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{
    Account, Caller, Counted, Created, Error, IdempotencyKey, Kind, Operation, Right, Submitted, Violation, codec,
    gone, name_taken,
};
use serde_json::Value;
use uuid::Uuid;

use crate::default::promotion_event;
use crate::form::Validated;
use crate::{
    CreateCredential, Credential, Credentials, Extras, Found, MadeBy, Version, VersionAction, View, announce, index,
    keys, parse_credential_name,
};

/// A command that may be carried out.
struct Draft {
    command: CreateCredential,
    name: Name,
    of: Arc<CredentialType>,
    validated: Validated,
}

impl Credentials {
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
    pub async fn create(
        &self,
        caller: &Caller,
        account: &Reference,
        submitted: Submitted<CreateCredential>,
        key: Option<&IdempotencyKey>,
        probe: bool,
    ) -> Result<Created<View>, Error> {
        let kernel = &self.kernel;
        let account = kernel.authorizer.authorize_operation(caller, account, Operation::CreateCredential).await?;
        if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
            return self.replay(caller, &account, earlier).await;
        }
        let room = kernel.quotas.reserve(account.id, Counted::Credentials).await;
        let room = match (room, kernel.idempotency.replayed(caller, key).await?) {
            (_, Some(earlier)) => return self.replay(caller, &account, earlier).await,
            (room, None) => room?,
        };
        let draft = self.draft(caller, &account, submitted).await?;
        if probe {
            let free = self.name_is_free(account.id, &draft.name).await;
            if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
                return self.replay(caller, &account, earlier).await;
            }
            free?;
            self.preflight(caller, &account, None, &draft.of, draft.validated.candidate(&draft.name)).await?;
        }
        let credential = self.new_credential(&account, &draft);
        let name_key = keys::credential_name(kernel.ports.blind(), account.id, credential.name.as_str());
        let mut retry = kernel.journal.retry(&name_key);
        loop {
            retry.next().await?;
            let is_taken = kernel.ports.store().get(&name_key).await?.is_some();
            if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
                return self.replay(caller, &account, earlier).await;
            }
            if is_taken {
                return Err(name_taken());
            }
            let (batch, is_default) = self.creation(caller, &credential, &draft, name_key.clone()).await?;
            let batch = kernel.idempotency.record(batch, caller, key, credential.id.0)?;
            if let Some(revision) = retry.commit(batch).await? {
                room.take();
                announce(&self.kernel.ports, &credential, "created");
                let mut extras = [Extras { is_default, ..Extras::default() }];
                self.describe(caller, &account, &[&credential], &mut extras, true).await?;
                let [extras] = extras;
                let value = self.assemble(caller, &account, Found { credential, revision }, extras);
                return Ok(Created { value, replayed: false });
            }
        }
    }

    /// Reports what [`Credentials::create`] would report, and stores nothing.
    /// With `probe` the live service is asked too.
    ///
    /// # Errors
    ///
    /// The same; [`Kind::Unsupported`] for a type that cannot be probed.
    pub async fn validate(
        &self,
        caller: &Caller,
        account: &Reference,
        submitted: Submitted<CreateCredential>,
        probe: bool,
    ) -> Result<(), Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize_operation(caller, account, Operation::ValidateCredential).await?;
        let draft = self.draft(caller, &account, submitted).await?;
        self.name_is_free(account.id, &draft.name).await?;
        if !probe {
            return Ok(());
        }
        self.preflight(caller, &account, None, &draft.of, draft.validated.candidate(&draft.name)).await
    }

    /// Whether a name could be given (S2-06). A narrowed token, which cannot
    /// give one, learns nothing of the names of others.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for a narrowed token, whatever the name;
    /// [`Kind::Invalid`] for a malformed one, [`Kind::Conflict`] for a taken one.
    pub async fn validate_name(&self, caller: &Caller, account: &Reference, name: &str) -> Result<(), Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize(caller, account, Right::Write, Action::CredentialCreate).await?;
        if !caller.scope.is_everything() {
            let message = "a token that is narrowed to some credentials names no others";
            return Err(self.refuse_narrowed(caller, account.id, Action::CredentialCreate, message).await);
        }
        let name = parse_credential_name(name, "?name").map_err(|violation| Error::invalid(vec![violation]))?;
        self.name_is_free(account.id, &name).await
    }

    /// Records that a narrowed token was refused what is about all of an account.
    /// Returns the refusal, or why it could not be recorded.
    pub(crate) async fn refuse_narrowed(
        &self,
        caller: &Caller,
        account: AccountId,
        action: Action,
        message: &str,
    ) -> Error {
        match self.kernel.authorizer.refuse(caller, account, action).await {
            Ok(_) => Error::new(Kind::Denied, message),
            Err(error) => error,
        }
    }

    /// Collects what is wrong with the core's fields *and* with the data.
    async fn draft(
        &self,
        caller: &Caller,
        account: &Account,
        mut submitted: Submitted<CreateCredential>,
    ) -> Result<Draft, Error> {
        if !caller.scope.is_everything() {
            let message = "a token that is narrowed to some credentials cannot create others";
            return Err(self.refuse_narrowed(caller, account.id, Action::CredentialCreate, message).await);
        }
        let violations = submitted.command().validate();
        submitted.complain(violations);
        let of = match self.forms.type_for_writing(&submitted.command().type_id) {
            Ok(of) => of,
            Err(violation) => {
                submitted.complain([violation]);
                return Err(refusal(submitted));
            }
        };
        if submitted.command().default == Some(true) && !of.manifest.has(Ability::Defaultable) {
            let message = "Credentials of this type are never a default.";
            submitted.complain([Violation::new("/default", "unsupported", message)]);
        }
        if submitted.is_wrong("/data") {
            return Err(refusal(submitted));
        }
        let context = Context {
            account: Some(account.id),
            name: submitted.command().name.clone(),
            version: 0,
            seed: [0; 32],
            options: serde_json::json!({}),
        };
        let data = std::mem::take(&mut submitted.command_mut().data);
        let validated = match self.forms.validate(&of, data, &[], None, &context).await {
            Ok(validated) => validated,
            Err(error) if error.kind == Kind::Invalid => {
                submitted.complain(error.violations);
                return Err(refusal(submitted));
            }
            Err(error) => return Err(error),
        };
        let command = submitted.accept()?;
        let name =
            parse_credential_name(&command.name, "/name").map_err(|violation| Error::invalid(vec![violation]))?;
        Ok(Draft { command, name, of, validated })
    }

    /// What is committed for a new credential, and whether it becomes the default.
    async fn creation(
        &self,
        caller: &Caller,
        credential: &Credential,
        draft: &Draft,
        name_key: Vec<u8>,
    ) -> Result<(Batch, bool), Error> {
        let kernel = &self.kernel;
        let validated = &draft.validated;
        let version = Version {
            version: 1,
            created_at: credential.created_at,
            actor: caller.actor(),
            action: VersionAction::Create,
            changed: crate::versions::changed(&Value::Null, validated.full.expose()),
            secret_pointers: validated.secret_pointers.clone(),
            taints: Some(validated.taints.clone()),
            plugin: credential.plugin.clone(),
        };
        let key = |table| keys::of_version(table, credential.account, credential.id, credential.version);
        let batch = kernel
            .authorizer
            .require_account(Batch::default(), credential.account)
            .await?
            .put(keys::for_credential(credential, Table::Credential), Expect::Absent, codec::encode(credential)?)
            .put(name_key, Expect::Absent, codec::encode(&credential.id)?)
            .put(key(Table::Version), Expect::Absent, codec::encode(&version)?)
            .put(key(Table::Secret), Expect::Absent, codec::encode(validated.full.expose())?);
        let batch = index::write(kernel.ports.blind(), batch, credential, &BTreeSet::new())?;
        let defaultable = draft.of.manifest.has(Ability::Defaultable);
        let asked = draft.command.default == Some(true);
        let (batch, promoted) = self.defaults.promote_new(batch, credential, defaultable, asked).await?;
        let mut batch = batch.event(Event {
            account: Some(credential.account),
            credential: Some(credential.id),
            version: Some(1),
            plugin: Some(credential.plugin.for_audit()),
            ..kernel.authorizer.event(caller, Action::CredentialCreate, Outcome::Ok)
        });
        if promoted {
            batch = batch.event(promotion_event(&self.kernel.authorizer, caller, credential));
        }
        Ok((batch, promoted))
    }

    async fn name_is_free(&self, account: AccountId, name: &Name) -> Result<(), Error> {
        let ports = &self.kernel.ports;
        let key = keys::credential_name(ports.blind(), account, name.as_str());
        if ports.store().get(&key).await?.is_some() { Err(name_taken()) } else { Ok(()) }
    }

    fn new_credential(&self, account: &Account, draft: &Draft) -> Credential {
        let Draft { command, name, of, validated } = draft;
        let now = self.kernel.ports.now();
        let inspection = &validated.inspection;
        Credential {
            id: CredentialId(self.kernel.ports.new_id()),
            account: account.id,
            type_id: of.manifest.id.clone(),
            category: of.manifest.category.clone(),
            name: name.clone(),
            title: command.title.clone(),
            description: command.description.clone(),
            labels: command.labels.clone(),
            revealable: command.revealable,
            data: validated.public.clone(),
            secret_pointers: validated.secret_pointers.clone(),
            taints: Some(validated.taints.clone()),
            attributes: inspection.attributes.clone(),
            selectors: inspection.selectors.clone(),
            order: inspection.order.clone(),
            not_before: inspection.not_before,
            not_after: inspection.not_after,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
            plugin: MadeBy::from(&**of),
        }
    }

    async fn replay(&self, caller: &Caller, account: &Account, id: Uuid) -> Result<Created<View>, Error> {
        let found = self.find(caller, account, &Reference::Id(id)).await.map_err(|_| gone())?;
        Ok(Created { value: self.view(caller, account, found).await?, replayed: true })
    }
}

/// The error of a command that was complained of.
fn refusal(submitted: Submitted<CreateCredential>) -> Error {
    submitted.accept().err().unwrap_or_else(|| Error::invalid(Vec::new()))
}
