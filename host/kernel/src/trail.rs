//! Reading and checking the audit trail.

use std::sync::Arc;

use crate::audit::{Action, Checkpoint, Entry, Filter, Report, Trail};
use crate::id::Reference;
use crate::{Authority, Authorizer, Caller, Error, Kernel, Page, Right, Role};

/// The audit trail, for those who may read it.
pub struct AuditTrail {
    trail: Arc<dyn Trail>,
    authorizer: Arc<Authorizer>,
}

impl AuditTrail {
    /// Reads `trail`. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel, trail: Arc<dyn Trail>) -> Self {
        Self { trail, authorizer: kernel.authorizer.clone() }
    }

    /// Entries of one account, or of the installation, newest first (S0-46).
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or storage fails.
    pub async fn list(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        mut filter: Filter,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<Entry>, Error> {
        filter.account = match account {
            None => self.authorizer.authorize_operator(caller, Action::AuditRead).await.map(|()| None)?,
            Some(account) => {
                Some(self.authorizer.authorize(caller, account, Right::ReadAudit, Action::AuditRead).await?.id)
            }
        };
        if let Authority::InAccount { role: Role::CredentialsManager, .. } = caller.authority {
            // Theirs is the audit of credentials and of what they are used for.
            filter.only_actions = &["credential.", "binding.", "region.", "dns.", "http."];
        }
        if let Some((of, actor)) = filter.actor.as_deref().and_then(actor_of_account) {
            // Nobody may find out whether an account exists by asking for its actors.
            let own = caller.account();
            let found = self.authorizer.find_account(&of).await?.map(|account| account.id);
            let Some(found) = found.filter(|id| own.is_none_or(|own| own == *id)) else {
                return Ok(Page::whole(Vec::new()));
            };
            filter.actor = Some(actor);
            filter.actor_account = Some(found);
        }
        let (items, next_cursor) = self.trail.list(&filter, cursor, limit).await?;
        Ok(Page { items, next_cursor })
    }

    /// Where the chain stands, signed.
    ///
    /// # Errors
    ///
    /// For all but operators.
    pub async fn checkpoint(&self, caller: &Caller) -> Result<Checkpoint, Error> {
        self.authorizer.authorize_operator(caller, Action::AuditRead).await?;
        Ok(self.trail.checkpoint().await?)
    }

    /// Walks the whole chain and compares the live records with it.
    ///
    /// # Errors
    ///
    /// For all but operators, or where storage cannot be read.
    pub async fn verify(&self, caller: &Caller, witness: Option<&Checkpoint>) -> Result<Report, Error> {
        self.authorizer.authorize_operator(caller, Action::AuditRead).await?;
        Ok(self.trail.verify(witness).await?)
    }
}

/// Reads `acme/user:ann`: an actor of one account. Names and ids of accounts have
/// no colon, the kind of an actor no slash.
fn actor_of_account(text: &str) -> Option<(Reference, String)> {
    let (account, actor) = text.split_once('/').filter(|(account, _)| !account.contains(':'))?;
    Some((Reference::from(account), actor.to_owned()))
}
