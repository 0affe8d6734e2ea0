//! The one place where rights are decided. A refusal is recorded before it is
//! answered.

use std::sync::Arc;

use super::repeats::{Counted, Repeats};
use super::{Broker, codec};
use crate::access::{Account, Caller, Demand, Operation, Permit, Right, Standing};
use crate::audit::{Action, Event, Outcome};
use crate::id::{AccountId, Reference};
use crate::store::{Batch, Expect, Record};
use crate::{Error, Kind, keys};

impl Broker {
    /// Decides whether the caller may do `operation`, before its input is read:
    /// what comes back is the caller with that decision, which the use case
    /// takes as its own.
    ///
    /// # Errors
    ///
    /// As the use case's: [`Kind::Denied`], or [`Kind::NotFound`] for an account
    /// that is not theirs. The refusal is recorded, here and not again.
    pub async fn permit(
        &self,
        mut caller: Caller,
        account: Option<&Reference>,
        operation: Operation,
    ) -> Result<Caller, Error> {
        match account {
            None => self.authorize_operator(&caller, operation.demand().1).await?,
            Some(reference) => {
                let account = self.authorize_operation(&caller, reference, operation).await?;
                caller.permit = Some(Arc::new(Permit { operation, reference: reference.clone(), account }));
            }
        }
        Ok(caller)
    }

    /// The account, if the caller may do `operation` there; read once where that
    /// was decided before the input was read.
    pub(super) async fn authorize_operation(
        &self,
        caller: &Caller,
        account: &Reference,
        operation: Operation,
    ) -> Result<Account, Error> {
        if let Some(account) = caller.permitted(operation, account) {
            return Ok(account);
        }
        match operation.demand() {
            (Demand::InAccount(right), action) => self.authorize(caller, account, right, action).await,
            (Demand::Operator, action) => {
                self.authorize_operator(caller, action).await?;
                self.find_account(account).await?.ok_or_else(|| Error::not_found("account"))
            }
        }
    }

    /// The account, if the caller has the right there.
    ///
    /// An account that is not theirs does not exist to them. An attempt on one is
    /// recorded in the caller's own account, so that nobody writes into another
    /// tenant's trail, and tells the account as it was asked for: the record is
    /// the same whether it exists or not.
    pub(super) async fn authorize(
        &self,
        caller: &Caller,
        account: &Reference,
        right: Right,
        action: Action,
    ) -> Result<Account, Error> {
        let found = self.find_account(account).await?;
        let verdict = found.as_ref().and_then(|account| caller.may(right, account.id));
        match (found, verdict) {
            (Some(account), Some(true)) => Ok(account),
            (found, verdict) => {
                let mut event = self.event(caller, action, Outcome::Denied);
                event.account = caller.account().or(found.map(|account| account.id));
                if let (None, Some(detail)) = (verdict, &mut event.detail) {
                    detail["askedFor"] = asked_for(account).into();
                }
                self.record(event).await?;
                Err(match verdict {
                    Some(_) => denied(),
                    None => Error::not_found("account"),
                })
            }
        }
    }

    /// Refuses all but operators.
    pub(super) async fn authorize_operator(&self, caller: &Caller, action: Action) -> Result<(), Error> {
        match caller.standing {
            Standing::Operator => Ok(()),
            Standing::InAccount { account, .. } => Err(self.refuse(caller, account, action).await?),
        }
    }

    /// Records that a caller was refused in `account`, and answers the refusal.
    pub(super) async fn refuse(&self, caller: &Caller, account: AccountId, action: Action) -> Result<Error, Error> {
        let mut event = self.event(caller, action, Outcome::Denied);
        event.account = Some(account);
        self.record(event).await?;
        Ok(denied())
    }

    /// The account by id or name.
    pub(super) async fn find_account(&self, reference: &Reference) -> Result<Option<Account>, Error> {
        let id = match reference {
            Reference::Id(id) => AccountId(*id),
            Reference::Name(name) => {
                let key = keys::account_name(self.blind(), name);
                match self.store().get(&key).await? {
                    Some(index) => codec::decode(&index)?,
                    None => return Ok(None),
                }
            }
        };
        let record = self.account_record(id).await?;
        record.as_ref().map(codec::decode).transpose()
    }

    pub(super) async fn account_record(&self, id: AccountId) -> Result<Option<Record>, Error> {
        Ok(self.store().get(&keys::account(id)).await?)
    }

    /// Adds to `batch` that the account is still there when it is committed:
    /// nothing may be made in one that is deleted meanwhile.
    pub(super) async fn require_account(&self, batch: Batch, id: AccountId) -> Result<Batch, Error> {
        let record = self.account_record(id).await?.ok_or_else(|| Error::not_found("account"))?;
        Ok(batch.require(record.key, Expect::At(record.revision)))
    }

    /// An event of this caller's, now.
    pub(super) fn event(&self, caller: &Caller, action: Action, outcome: Outcome) -> Event {
        caller.event(self.now(), action, outcome)
    }

    /// Commits the front of `batch` in parts until the rest fits one commit:
    /// for removing much, where half of it done is a smaller thing to remove.
    pub(super) async fn commit_front(&self, mut batch: Batch, event: &Event) -> Result<Batch, Error> {
        while batch.changes.len() > MAX_CHANGES_AT_ONCE {
            let changes = batch.changes.drain(..MAX_CHANGES_AT_ONCE).collect();
            let part = Batch { changes, ..Batch::default() };
            self.store().commit(part.event(event.clone())).await?;
        }
        Ok(batch)
    }

    /// Commits an event that comes with no change. A refusal or failure that
    /// repeats one recorded within the minute is counted instead: see
    /// [`super::repeats`].
    pub(super) async fn record(&self, event: Event) -> Result<(), Error> {
        let Some(key) = Repeats::key(&event) else {
            self.store().commit(Batch::default().event(event)).await?;
            return Ok(());
        };
        let key = match self.repeats.count(key) {
            Counted::Repeated => return Ok(()),
            Counted::First(key) => key,
        };
        self.store().commit(Batch::default().event(event.clone())).await?;
        // Only now, so that nobody is answered who counts on a record that failed.
        self.repeats.recorded(key, event);
        Ok(())
    }
}

/// The account as the caller wrote it, cut to what a name may be.
fn asked_for(account: &Reference) -> String {
    match account {
        Reference::Id(id) => id.to_string(),
        Reference::Name(name) => name.chars().take(MAX_ASKED_FOR_CHARS).collect(),
    }
}

pub(super) fn denied() -> Error {
    Error::new(Kind::Denied, "your role does not allow this")
}

/// As long as a name may be.
const MAX_ASKED_FOR_CHARS: usize = 100;
/// Well under what a store takes in one batch.
const MAX_CHANGES_AT_ONCE: usize = 2_000;
