//! From a bearer token to a caller.

use super::{Broker, codec};
use crate::access::{Account, Bindable, Caller, Request, Role, Standing, Token, TokenText};
use crate::audit::{Action, Event, Outcome};
use crate::id::AccountId;
use crate::{Error, Kind, keys};

impl Broker {
    /// Finds out who sent `token`.
    ///
    /// # Errors
    ///
    /// [`Kind::Unauthenticated`] for a token that is not ours, expired, or of a
    /// member who is none any more; all alike, so that nothing can be probed.
    pub async fn authenticate(&self, token: &str, request: Request) -> Result<Caller, Error> {
        let text = TokenText::parse(token).ok_or_else(unauthenticated)?;
        let hash_key = keys::token_hash(self.blind(), text.expose());
        let index = self.store().get(&hash_key).await?.ok_or_else(unauthenticated)?;
        let key: Vec<u8> = codec::decode(&index)?;
        let record = self.store().get(&key).await?.ok_or_else(unauthenticated)?;
        let token: Token = codec::decode(&record)?;
        if token.expires_at.is_some_and(|expires_at| expires_at <= self.now()) {
            return Err(unauthenticated());
        }
        let (standing, bindable) = self.standing(&token).await?;
        self.note_token_use(&token);
        Ok(Caller {
            token: token.id,
            name: token.name,
            principal: token.principal,
            standing,
            scope: token.scope,
            bindable,
            expires_at: token.expires_at,
            request,
            permit: None,
        })
    }

    /// Who the caller is and where they stand: the accounts they may enter,
    /// with their role there (`None` for operators).
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn accounts_of(&self, caller: &Caller) -> Result<Vec<(Account, Option<Role>)>, Error> {
        match caller.standing {
            Standing::Operator => Ok(self.all_accounts().await?.into_iter().map(|account| (account, None)).collect()),
            Standing::InAccount { account, role } => {
                let record = self.account_record(account).await?;
                let account = record.as_ref().map(codec::decode::<Account>).transpose()?;
                Ok(account.map(|account| (account, Some(role))).into_iter().collect())
            }
        }
    }

    /// Records bearer tokens that were refused: one entry for many, so that
    /// recording them is no way to fill the disk.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn record_refused_tokens(&self, address_prefix: String, count: u64) -> Result<(), Error> {
        self.record(Event {
            actor: "anonymous".to_owned(),
            outcome: Outcome::Denied,
            client: Some(address_prefix),
            detail: Some(serde_json::json!({ "count": count })),
            ..Event::system(self.now(), Action::AuthRefused)
        })
        .await
    }

    /// Where the token stands, and what its member may bind.
    async fn standing(&self, token: &Token) -> Result<(Standing, Option<Bindable>), Error> {
        let Some(account) = token.account else { return Ok((Standing::Operator, None)) };
        let (role, bindable) = match &token.principal {
            None => (token.role.ok_or_else(unauthenticated)?, None),
            Some(principal) => {
                let member = self.member(account, principal).await?.ok_or_else(unauthenticated)?;
                (member.role, member.bindable)
            }
        };
        Ok((Standing::InAccount { account, role }, bindable))
    }

    fn note_token_use(&self, token: &Token) {
        let owner = token.account.unwrap_or(OPERATORS);
        // A poisoned map still holds only times; losing one is harmless.
        if let Ok(mut uses) = self.token_uses.lock() {
            uses.insert((owner, token.id), self.now());
        }
    }
}

fn unauthenticated() -> Error {
    Error::new(Kind::Unauthenticated, "a valid bearer token is needed")
}

/// Under which id operators' tokens are kept.
pub(super) const OPERATORS: AccountId = AccountId(uuid::Uuid::nil());
