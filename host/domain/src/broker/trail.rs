//! Reading and checking the audit trail.

use super::{Broker, Page};
use crate::Error;
use crate::access::{Caller, Right, Standing};
use crate::audit::{Action, Checkpoint, Entry, Filter, Outcome, Report};
use crate::id::Reference;

impl Broker {
    /// Entries of one account, or of the installation, newest first (S0-46).
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or storage fails.
    pub async fn audit(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        mut filter: Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Entry>, Error> {
        filter.account = match account {
            None => self.authorize_operator(caller, Action::AuditRead).await.map(|()| None)?,
            Some(account) => Some(self.authorize(caller, account, Right::ReadAudit, Action::AuditRead).await?.id),
        };
        if let Standing::InAccount { role: crate::access::Role::CredentialsManager, .. } = caller.standing {
            // Theirs is the audit of credentials and of what they are used for.
            filter.only_actions = &["credential.", "binding.", "region.", "dns.", "http."];
        }
        if let Some((of, actor)) = filter.actor.as_deref().and_then(actor_of_account) {
            // Nobody may find out whether an account exists by asking for its actors.
            let own = caller.account();
            let found = self.find_account(&of).await?.map(|account| account.id);
            let Some(found) = found.filter(|id| own.is_none_or(|own| own == *id)) else {
                return Ok(Page::whole(Vec::new()));
            };
            filter.actor = Some(actor);
            filter.actor_account = Some(found);
        }
        let (items, next_cursor) = self.ports.trail.list(&filter, cursor, limit).await?;
        Ok(Page { items, next_cursor })
    }

    /// Where the chain stands, signed.
    ///
    /// # Errors
    ///
    /// For all but operators.
    pub async fn checkpoint(&self, caller: &Caller) -> Result<Checkpoint, Error> {
        self.authorize_operator(caller, Action::AuditRead).await?;
        Ok(self.ports.trail.checkpoint().await?)
    }

    /// Walks the whole chain and compares the live records with it.
    ///
    /// # Errors
    ///
    /// For all but operators, or where storage cannot be read.
    pub async fn verify_audit(&self, caller: &Caller, witness: Option<&Checkpoint>) -> Result<Report, Error> {
        self.authorize_operator(caller, Action::AuditRead).await?;
        Ok(self.ports.trail.verify(witness).await?)
    }

    /// Lets an operator take a backup or rotate the root key, and records it
    /// before it happens.
    ///
    /// # Errors
    ///
    /// For all but operators, or where storage fails.
    pub async fn begin_operation(&self, caller: &Caller, action: Action) -> Result<(), Error> {
        self.authorize_operator(caller, action).await?;
        self.record(self.event(caller, action, Outcome::Ok)).await
    }
}

/// Reads `acme/user:ann`: an actor of one account. Names and ids of accounts have
/// no colon, the kind of an actor no slash.
fn actor_of_account(text: &str) -> Option<(Reference, String)> {
    let (account, actor) = text.split_once('/').filter(|(account, _)| !account.contains(':'))?;
    Some((Reference::from(account), actor.to_owned()))
}
