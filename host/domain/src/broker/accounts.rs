//! Accounts: the tenants.

use serde_json::{Value, json};

use super::idempotency::gone;
use super::{Broker, Created, IdempotencyKey, Page, codec, page};
use crate::access::{Account, Caller, Operation, Right, Standing};
use crate::audit::{Action, Outcome};
use crate::credential::{judge_name, judge_title};
use crate::id::{AccountId, Name, Reference};
use crate::keys::{self, Key, Table};
use crate::region::Notice;
use crate::store::{Batch, Error as StoreError, Expect, Revision};
use crate::{Error, IfMatch, Kind, Violation};

impl Broker {
    /// The accounts the caller may enter.
    ///
    /// # Errors
    ///
    /// Where storage fails or the cursor is not ours.
    pub async fn list_accounts(
        &self,
        caller: &Caller,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Account>, Error> {
        if caller.standing != Standing::Operator {
            let own = self.accounts_of(caller).await?;
            return Ok(Page::whole(own.into_iter().map(|(account, _)| account).collect()));
        }
        let prefix = Key::table(Table::Account).bytes();
        let after = page::after(cursor)?.map(|id| keys::account(AccountId(id))).unwrap_or_default();
        let records = self.store().scan(&prefix, &after, limit + 1).await?;
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
    pub async fn account(&self, caller: &Caller, account: &Reference) -> Result<(Account, Revision), Error> {
        let account = self.authorize(caller, account, Right::ReadAccount, Action::AccountRead).await?;
        self.account_now(account.id).await
    }

    /// Makes an account.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] where the name is taken.
    pub async fn create_account(
        &self,
        caller: &Caller,
        body: &Value,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<(Account, Revision)>, Error> {
        self.authorize_operator(caller, Action::AccountCreate).await?;
        let change = AccountChange::read(body, true)?;
        let now = self.now();
        let id = AccountId(self.new_id());
        let Some(name) = change.name else { return Err(Error::not_found("name")) };
        let account = Account { id, name, title: change.title.unwrap_or_default(), created_at: now, updated_at: now };
        let mut attempts = self.attempts(&keys::account_name(self.blind(), account.name.as_str()));
        while attempts.again().await {
            let name_key = keys::account_name(self.blind(), account.name.as_str());
            let is_taken = self.store().get(&name_key).await?.is_some();
            if let Some(earlier) = self.replayed(caller, key).await? {
                let value = self.account_now(AccountId(earlier)).await.map_err(|_| gone())?;
                return Ok(Created { value, replayed: true });
            }
            if is_taken {
                return Err(name_taken());
            }
            let mut event = self.event(caller, Action::AccountCreate, Outcome::Ok);
            event.account = Some(id);
            event.detail = Some(json!({ "token": caller.token, "name": account.name }));
            let batch = Batch::default()
                .put(keys::account(id), Expect::Absent, codec::encode(&account)?)
                .put(name_key, Expect::Absent, codec::encode(&id)?)
                .put(keys::live_indexed(id), Expect::Any, codec::encode(&true)?)
                .event(event);
            match self.store().commit(self.keep(batch, caller, key, id.0)?).await {
                Ok(revision) => return Ok(Created { value: (account, revision), replayed: false }),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
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
    pub async fn update_account(
        &self,
        caller: &Caller,
        account: &Reference,
        body: &Value,
        if_match: Option<IfMatch>,
    ) -> Result<(Account, Revision), Error> {
        let id = self.authorize_operation(caller, account, Operation::UpdateAccount).await?.id;
        if caller.standing != Standing::Operator && body.get("name").is_some_and(|name| !name.is_null()) {
            self.refuse(caller, id, Action::AccountUpdate).await?;
            return Err(Error::new(
                Kind::Denied,
                "an account is renamed by operators alone: ask one, or leave the name out",
            ));
        }
        let change = AccountChange::read(body, false)?;
        let mut attempts = self.attempts(&keys::account(id));
        while attempts.again().await {
            let (old, revision) = self.account_now(id).await?;
            IfMatch::check(if_match.as_ref(), Some(revision))?;
            let mut account = old.clone();
            account.title = change.title.clone().unwrap_or(account.title);
            account.name = change.name.clone().unwrap_or(account.name);
            if account == old {
                return Ok((old, revision));
            }
            account.updated_at = self.now();
            let mut event = self.event(caller, Action::AccountUpdate, Outcome::Ok);
            event.account = Some(id);
            let mut told = json!({ "token": caller.token });
            if account.name != old.name {
                told["name"] = json!({ "from": old.name, "to": account.name });
            }
            if account.title != old.title {
                told["title"] = json!({ "from": old.title, "to": account.title });
            }
            event.detail = Some(told);
            let mut batch =
                Batch::default().put(keys::account(id), Expect::At(revision), codec::encode(&account)?).event(event);
            if account.name != old.name {
                let taken = keys::account_name(self.blind(), account.name.as_str());
                if self.store().get(&taken).await?.is_some() {
                    return Err(name_taken());
                }
                batch = batch.delete(keys::account_name(self.blind(), old.name.as_str()), Expect::Any).put(
                    taken,
                    Expect::Absent,
                    codec::encode(&id)?,
                );
            }
            match self.store().commit(batch).await {
                Ok(revision) => {
                    self.tell(&Notice::Account(id));
                    return Ok((account, revision));
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Deletes an empty account with its members and tokens.
    ///
    /// # Errors
    ///
    /// [`Kind::Conflict`] while it holds credentials, deleted ones included.
    pub async fn delete_account(
        &self,
        caller: &Caller,
        account: &Reference,
        if_match: Option<IfMatch>,
    ) -> Result<(), Error> {
        self.authorize_operator(caller, Action::AccountDelete).await?;
        let id = self.find_account(account).await?.ok_or_else(|| Error::not_found("account"))?.id;
        let (account, revision) = self.account_now(id).await?;
        IfMatch::check(if_match.as_ref(), Some(revision))?;
        if !self.store().scan(&keys::of_account(Table::Credential, id), &[], 1).await?.is_empty() {
            let message = "the account still holds credentials, perhaps deleted ones: purge them first";
            return Err(Error::new(Kind::Conflict, message));
        }
        if !self.store().scan(&keys::of_account(Table::Placed, id), &[], 1).await?.is_empty() {
            let message = "its credentials are still being removed from regions: wait for that, or delete the region";
            return Err(Error::new(Kind::Conflict, message));
        }
        let mut event = self.event(caller, Action::AccountDelete, Outcome::Ok);
        event.account = Some(id);
        event.detail = Some(json!({ "token": caller.token, "name": account.name }));
        let mut batch = Batch::default();
        for record in self.store().scan(&keys::tokens(id), &[], usize::MAX).await? {
            let token: crate::access::Token = codec::decode(&record)?;
            batch = batch.delete(token.hash_key, Expect::Any).delete(record.key, Expect::Any);
        }
        let own = [Table::Member, Table::Default, Table::Usage, Table::TokenUse, Table::DnsRecord, Table::DnsLease];
        let own = own.into_iter().chain([Table::Binding, Table::BindingOf, Table::UsedBy, Table::Selector]);
        let own = own.chain([Table::Attachment, Table::Placed, Table::LiveOfType]);
        for table in own {
            let prefix = keys::of_account(table, id);
            for record in self.store().scan(&prefix, &[], usize::MAX).await? {
                batch = batch.delete(record.key, Expect::Any);
            }
        }
        let batch = self
            .commit_front(batch, &event)
            .await?
            .delete(keys::account_name(self.blind(), account.name.as_str()), Expect::Any)
            .delete(keys::account(id), Expect::At(revision))
            .event(event);
        self.store().commit(batch).await?;
        Ok(())
    }

    pub(super) async fn all_accounts(&self) -> Result<Vec<Account>, Error> {
        let records = self.store().scan(&Key::table(Table::Account).bytes(), &[], usize::MAX).await?;
        records.iter().map(codec::decode).collect()
    }

    async fn account_now(&self, id: AccountId) -> Result<(Account, Revision), Error> {
        let record = self.account_record(id).await?.ok_or_else(|| Error::not_found("account"))?;
        Ok((codec::decode(&record)?, record.revision))
    }
}

pub(super) fn name_taken() -> Error {
    let violations = vec![Violation::new("/name", "taken", "This name is taken: choose another.")];
    Error { kind: Kind::Conflict, ..Error::invalid(violations) }
}

/// Too many others changed the same thing meanwhile.
pub(super) fn overtaken() -> Error {
    Error::new(Kind::Overtaken, "it kept changing while this was tried: try again")
}

#[derive(Debug)]
struct AccountChange {
    name: Option<Name>,
    title: Option<String>,
}

impl AccountChange {
    fn read(body: &Value, name_required: bool) -> Result<Self, Error> {
        let mut violations = Vec::new();
        let empty = json!({});
        let map = body.as_object().unwrap_or_else(|| {
            violations.push(Violation::new("", "type", "The body must be a JSON object."));
            empty.as_object().unwrap_or_else(|| unreachable!("a literal object"))
        });
        for key in map.keys().filter(|key| !["name", "title"].contains(&key.as_str())) {
            let message = "There is no such field: known are name, title.";
            violations.push(Violation::new(format!("/{key}"), "unknown", message));
        }
        let mut text = |key: &str| match map.get(key) {
            None | Some(Value::Null) => None,
            Some(Value::String(text)) => Some(text.clone()),
            Some(_) => {
                violations.push(Violation::new(format!("/{key}"), "type", "This must be a string."));
                None
            }
        };
        let (name, title) = (text("name"), text("title"));
        if name_required && map.get("name").is_none_or(Value::is_null) {
            violations.push(Violation::new("/name", "required", "This is required: give it a name."));
        }
        let name = name.and_then(|name| judge_name(&name, "/name").map_err(|v| violations.push(v)).ok());
        violations.extend(title.as_deref().and_then(judge_title));
        if violations.is_empty() { Ok(Self { name, title }) } else { Err(Error::invalid(violations)) }
    }
}
