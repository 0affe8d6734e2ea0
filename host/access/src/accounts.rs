//! Accounts: the tenants.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, Reference};
use bursar_kernel::keys::{self, Key, Table, of_account};
use bursar_kernel::store::{Batch, Expect, Revision};
use bursar_kernel::{
    Account, Authority, Caller, Created, Error, IdempotencyKey, IfMatch, Kernel, Kind, Notice, Operation, Page, Right,
    Role, Submitted, codec, gone, name_taken, page, parse_name,
};
use serde_json::json;
use uuid::Uuid;

use crate::keys::tokens;
use crate::{CreateAccount, Token, UpdateAccount};

/// The use cases of accounts.
pub struct Accounts {
    kernel: Kernel,
}

impl Accounts {
    /// Accounts in this store. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone() }
    }

    /// The accounts a caller may enter, with their role there (`None` for
    /// operators).
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn of(&self, caller: &Caller) -> Result<Vec<(Account, Option<Role>)>, Error> {
        let authorizer = &self.kernel.authorizer;
        match caller.authority {
            Authority::Operator => {
                Ok(authorizer.all_accounts().await?.into_iter().map(|account| (account, None)).collect())
            }
            Authority::InAccount { account, role } => {
                let record = authorizer.account_record(account).await?;
                let account = record.as_ref().map(codec::decode::<Account>).transpose()?;
                Ok(account.map(|account| (account, Some(role))).into_iter().collect())
            }
        }
    }

    /// The accounts the caller may enter.
    ///
    /// # Errors
    ///
    /// Where storage fails or the cursor is not ours.
    pub async fn list(&self, caller: &Caller, cursor: Option<&str>, limit: usize) -> Result<Page<Account>, Error> {
        if caller.authority != Authority::Operator {
            let own = self.of(caller).await?;
            return Ok(Page::whole(own.into_iter().map(|(account, _)| account).collect()));
        }
        let prefix = Key::table(Table::Account).bytes();
        let after = page::after(cursor)?.map(|id| keys::account(AccountId(id))).unwrap_or_default();
        let records = self.kernel.ports.store().scan(&prefix, &after, limit + 1).await?;
        let more = records.len() > limit;
        let items = records.iter().take(limit).map(codec::decode).collect::<Result<Vec<Account>, _>>()?;
        let next_cursor = items.last().filter(|_| more).map(|account| account.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// One account with its revision.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] also for what is not the caller's.
    pub async fn get(&self, caller: &Caller, account: &Reference) -> Result<(Account, Revision), Error> {
        let account =
            self.kernel.authorizer.authorize(caller, account, Right::ReadAccount, Action::AccountRead).await?;
        self.account_now(account.id).await
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where the name is taken.
    pub async fn create(
        &self,
        caller: &Caller,
        mut submitted: Submitted<CreateAccount>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<(Account, Revision)>, Error> {
        let kernel = &self.kernel;
        kernel.authorizer.authorize_operator(caller, Action::AccountCreate).await?;
        let violations = submitted.command().validate();
        submitted.complain(violations);
        let CreateAccount { name, title } = submitted.accept()?;
        let name = parse_name(&name, "/name").map_err(|violation| Error::invalid(vec![violation]))?;
        let now = kernel.ports.now();
        let account = Account { id: AccountId(kernel.ports.new_id()), name, title, created_at: now, updated_at: now };
        let name_key = keys::account_name(kernel.ports.blind(), account.name.as_str());
        let mut retry = kernel.journal.retry(&name_key);
        loop {
            retry.next().await?;
            let is_taken = kernel.ports.store().get(&name_key).await?.is_some();
            if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
                return self.replay(earlier).await;
            }
            if is_taken {
                return Err(name_taken());
            }
            let batch = Batch::default()
                .put(keys::account(account.id), Expect::Absent, codec::encode(&account)?)
                .put(name_key.clone(), Expect::Absent, codec::encode(&account.id)?)
                .put(bursar_credentials::keys::live_indexed(account.id), Expect::Any, codec::encode(&true)?)
                .event(Event {
                    account: Some(account.id),
                    detail: Some(json!({ "token": caller.token, "name": account.name })),
                    ..kernel.authorizer.event(caller, Action::AccountCreate, Outcome::Ok)
                });
            if let Some(revision) = retry.commit(kernel.idempotency.record(batch, caller, key, account.id.0)?).await? {
                return Ok(Created { value: (account, revision), replayed: false });
            }
        }
    }

    /// Changes an account's title, or, for operators, its name.
    ///
    /// A name is part of where an account's credentials are in regions, and names
    /// are unique in the installation: a tenant who could change it would learn
    /// which others there are, and could take over a name that was given up.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`] for a name from anybody but an operator, whatever it is;
    /// [`Kind::Stale`] where `if_match` names another revision,
    /// [`Kind::Conflict`] where the name is taken.
    pub async fn update(
        &self,
        caller: &Caller,
        account: &Reference,
        mut submitted: Submitted<UpdateAccount>,
        if_match: Option<IfMatch>,
    ) -> Result<(Account, Revision), Error> {
        let kernel = &self.kernel;
        let id = kernel.authorizer.authorize_operation(caller, account, Operation::UpdateAccount).await?.id;
        let renames = submitted.command().name.is_some() || submitted.is_wrong("/name");
        if caller.authority != Authority::Operator && renames {
            kernel.authorizer.refuse(caller, id, Action::AccountUpdate).await?;
            let message = "an account is renamed by operators alone: ask one, or leave the name out";
            return Err(Error::new(Kind::Denied, message));
        }
        let violations = submitted.command().validate();
        submitted.complain(violations);
        let command = submitted.accept()?;
        let mut retry = kernel.journal.retry(&keys::account(id));
        loop {
            retry.next().await?;
            let (old, revision) = self.account_now(id).await?;
            IfMatch::check(if_match.as_ref(), Some(revision))?;
            let mut account = command.applied_to(&old)?;
            if account == old {
                return Ok((old, revision));
            }
            account.updated_at = kernel.ports.now();
            let batch = self.change(caller, &old, &account, revision).await?;
            if let Some(revision) = retry.commit(batch).await? {
                kernel.ports.tell(&Notice::Account(id));
                return Ok((account, revision));
            }
        }
    }

    async fn change(&self, caller: &Caller, old: &Account, new: &Account, revision: Revision) -> Result<Batch, Error> {
        let kernel = &self.kernel;
        let mut detail = json!({ "token": caller.token });
        if new.name != old.name {
            detail["name"] = json!({ "from": old.name, "to": new.name });
        }
        if new.title != old.title {
            detail["title"] = json!({ "from": old.title, "to": new.title });
        }
        let batch =
            Batch::default().put(keys::account(new.id), Expect::At(revision), codec::encode(new)?).event(Event {
                account: Some(new.id),
                detail: Some(detail),
                ..kernel.authorizer.event(caller, Action::AccountUpdate, Outcome::Ok)
            });
        if new.name == old.name {
            return Ok(batch);
        }
        let name_key = keys::account_name(kernel.ports.blind(), new.name.as_str());
        if kernel.ports.store().get(&name_key).await?.is_some() {
            return Err(name_taken());
        }
        let old_key = keys::account_name(kernel.ports.blind(), old.name.as_str());
        Ok(batch.delete(old_key, Expect::Any).put(name_key, Expect::Absent, codec::encode(&new.id)?))
    }

    /// Deletes an empty account with its members and tokens.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] while it holds credentials, deleted ones included.
    pub async fn delete(&self, caller: &Caller, account: &Reference, if_match: Option<IfMatch>) -> Result<(), Error> {
        self.kernel.authorizer.authorize_operator(caller, Action::AccountDelete).await?;
        let id = self.kernel.authorizer.find_account(account).await?.ok_or_else(|| Error::not_found("account"))?.id;
        let (account, revision) = self.account_now(id).await?;
        IfMatch::check(if_match.as_ref(), Some(revision))?;
        if !self.kernel.ports.store().scan(&of_account(Table::Credential, id), &[], 1).await?.is_empty() {
            let message = "the account still holds credentials, perhaps deleted ones: purge them first";
            return Err(Error::new(Kind::Conflict, message));
        }
        if !self.kernel.ports.store().scan(&of_account(Table::Placed, id), &[], 1).await?.is_empty() {
            let message = "its credentials are still being removed from regions: wait for that, or delete the region";
            return Err(Error::new(Kind::Conflict, message));
        }
        let event = Event {
            account: Some(id),
            detail: Some(json!({ "token": caller.token, "name": account.name })),
            ..self.kernel.authorizer.event(caller, Action::AccountDelete, Outcome::Ok)
        };
        let mut batch = Batch::default();
        for record in self.kernel.ports.store().scan(&tokens(id), &[], usize::MAX).await? {
            let token: Token = codec::decode(&record)?;
            batch = batch.delete(token.hash_key, Expect::Any).delete(record.key, Expect::Any);
        }
        let own = [Table::Member, Table::Default, Table::Usage, Table::TokenUse, Table::DnsRecord, Table::DnsLease];
        let own = own.into_iter().chain([Table::Binding, Table::BindingOf, Table::UsedBy, Table::Selector]);
        let own = own.chain([Table::Attachment, Table::Placed, Table::LiveOfType]);
        for table in own {
            let prefix = of_account(table, id);
            for record in self.kernel.ports.store().scan(&prefix, &[], usize::MAX).await? {
                batch = batch.delete(record.key, Expect::Any);
            }
        }
        let batch = self
            .kernel
            .journal
            .commit_front(batch, &event)
            .await?
            .delete(keys::account_name(self.kernel.ports.blind(), account.name.as_str()), Expect::Any)
            .delete(keys::account(id), Expect::At(revision))
            .event(event);
        self.kernel.ports.store().commit(batch).await?;
        Ok(())
    }

    async fn replay(&self, earlier: Uuid) -> Result<Created<(Account, Revision)>, Error> {
        let value = self.account_now(AccountId(earlier)).await.map_err(|_| gone())?;
        Ok(Created { value, replayed: true })
    }

    async fn account_now(&self, id: AccountId) -> Result<(Account, Revision), Error> {
        let record = self.kernel.authorizer.account_record(id).await?.ok_or_else(|| Error::not_found("account"))?;
        Ok((codec::decode(&record)?, record.revision))
    }
}
