//! The one place where rights are decided. A refusal is recorded before it is
//! answered.

use std::sync::Arc;

use crate::audit::{Action, Event, Outcome};
use crate::id::{AccountId, Reference};
use crate::keys::{self, Key, Table};
use crate::store::{Batch, Expect, Record};
use crate::{Account, Authority, Caller, Demand, Error, Journal, Kind, Operation, Permit, Right, codec};

/// Decides what callers may do, and records what it refuses.
pub struct Authorizer {
    journal: Arc<Journal>,
}

impl Authorizer {
    /// An authorizer that records through `journal`. Does no I/O.
    #[must_use]
    pub fn new(journal: Arc<Journal>) -> Self {
        Self { journal }
    }

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
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`], or [`Kind::NotFound`] for an account that is not theirs.
    pub async fn authorize_operation(
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
    /// tenant's trail, and names the account as it was asked for: the record is
    /// the same whether it exists or not.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`], or [`Kind::NotFound`] for an account that is not theirs.
    pub async fn authorize(
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
                self.journal.record(event).await?;
                Err(match verdict {
                    Some(_) => denied(),
                    None => Error::not_found("account"),
                })
            }
        }
    }

    /// Refuses all but operators.
    ///
    /// # Errors
    ///
    /// [`Kind::Denied`].
    pub async fn authorize_operator(&self, caller: &Caller, action: Action) -> Result<(), Error> {
        match caller.authority {
            Authority::Operator => Ok(()),
            Authority::InAccount { account, .. } => Err(self.refuse(caller, account, action).await?),
        }
    }

    /// Records that a caller was refused in `account`, and returns the refusal.
    ///
    /// # Errors
    ///
    /// Where it could not be recorded.
    pub async fn refuse(&self, caller: &Caller, account: AccountId, action: Action) -> Result<Error, Error> {
        let mut event = self.event(caller, action, Outcome::Denied);
        event.account = Some(account);
        self.journal.record(event).await?;
        Ok(denied())
    }

    /// The account by id or name.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn find_account(&self, reference: &Reference) -> Result<Option<Account>, Error> {
        let id = match reference {
            Reference::Id(id) => AccountId(*id),
            Reference::Name(name) => {
                let key = keys::account_name(self.journal.ports().blind(), name);
                match self.journal.ports().store().get(&key).await? {
                    Some(index) => codec::decode(&index)?,
                    None => return Ok(None),
                }
            }
        };
        let record = self.account_record(id).await?;
        record.as_ref().map(codec::decode).transpose()
    }

    /// An account's record.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn account_record(&self, id: AccountId) -> Result<Option<Record>, Error> {
        Ok(self.journal.ports().store().get(&keys::account(id)).await?)
    }

    /// Adds to `batch` that the account is still there when it is committed:
    /// nothing may be made in one that is deleted meanwhile.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`] where it is gone already.
    pub async fn require_account(&self, batch: Batch, id: AccountId) -> Result<Batch, Error> {
        let record = self.account_record(id).await?.ok_or_else(|| Error::not_found("account"))?;
        Ok(batch.require(record.key, Expect::At(record.revision)))
    }

    /// An event of this caller's, now.
    #[must_use]
    pub fn event(&self, caller: &Caller, action: Action, outcome: Outcome) -> Event {
        caller.event(self.journal.ports().now(), action, outcome)
    }

    /// Every account.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn all_accounts(&self) -> Result<Vec<Account>, Error> {
        let records = self.journal.ports().store().scan(&Key::table(Table::Account).bytes(), &[], usize::MAX).await?;
        records.iter().map(codec::decode).collect()
    }

    /// An account's name, or its id where it is gone.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn account_name(&self, id: AccountId) -> Result<String, Error> {
        let record = self.account_record(id).await?;
        let account = record.as_ref().map(codec::decode::<Account>).transpose()?;
        Ok(account.map_or_else(|| id.to_string(), |account| account.name.to_string()))
    }
}

/// The account as the caller wrote it, cut to what a name may be.
fn asked_for(account: &Reference) -> String {
    match account {
        Reference::Id(id) => id.to_string(),
        Reference::Name(name) => name.chars().take(MAX_ASKED_FOR_CHARS).collect(),
    }
}

/// The refusal of a caller whose role does not allow it.
#[must_use]
pub fn denied() -> Error {
    Error::new(Kind::Denied, "your role does not allow this")
}

/// As long as a name may be.
const MAX_ASKED_FOR_CHARS: usize = 100;
