//! From a bearer token to a caller.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::{Authority, Bindable, Caller, Error, Kind, Request, codec};

use crate::members::member;
use crate::{OPERATORS, Token, TokenText, Tokens, keys};

impl Tokens {
    /// Finds out who sent `token`.
    ///
    /// # Errors
    ///
    /// [`Kind::Unauthenticated`] for a token that is not ours, has expired, or
    /// whose member was removed; all alike, so that nothing can be probed.
    pub async fn authenticate(&self, token: &str, request: Request) -> Result<Caller, Error> {
        let text = TokenText::parse(token).ok_or_else(unauthenticated)?;
        let hash_key = keys::token_hash(self.kernel.ports.blind(), text.expose());
        let index = self.kernel.ports.store().get(&hash_key).await?.ok_or_else(unauthenticated)?;
        let key: Vec<u8> = codec::decode(&index)?;
        let record = self.kernel.ports.store().get(&key).await?.ok_or_else(unauthenticated)?;
        let token: Token = codec::decode(&record)?;
        if token.expires_at.is_some_and(|expires_at| expires_at <= self.kernel.ports.now()) {
            return Err(unauthenticated());
        }
        let (authority, bindable) = self.authority(&token).await?;
        self.note_token_use(&token);
        Ok(Caller {
            token: token.id,
            name: token.name,
            principal: token.principal,
            authority,
            scope: token.scope,
            bindable,
            expires_at: token.expires_at,
            request,
            permit: None,
        })
    }

    /// Records bearer tokens that were refused: one entry for many, so that
    /// recording them is no way to fill the disk.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn record_refused(&self, address_prefix: String, count: u64) -> Result<(), Error> {
        self.kernel
            .journal
            .record(Event {
                actor: "anonymous".to_owned(),
                outcome: Outcome::Denied,
                client: Some(address_prefix),
                detail: Some(serde_json::json!({ "count": count })),
                ..Event::system(self.kernel.ports.now(), Action::AuthRefused)
            })
            .await
    }

    /// A token's rights, and what its member may bind.
    async fn authority(&self, token: &Token) -> Result<(Authority, Option<Bindable>), Error> {
        let Some(account) = token.account else { return Ok((Authority::Operator, None)) };
        let (role, bindable) = match &token.principal {
            None => (token.role.ok_or_else(unauthenticated)?, None),
            Some(principal) => {
                let member = member(&self.kernel, account, principal).await?.ok_or_else(unauthenticated)?;
                (member.role, member.bindable)
            }
        };
        Ok((Authority::InAccount { account, role }, bindable))
    }

    fn note_token_use(&self, token: &Token) {
        let owner = token.account.unwrap_or(OPERATORS);
        // A poisoned map still holds only times; losing one is harmless.
        if let Ok(mut uses) = self.uses.lock() {
            uses.insert((owner, token.id), self.kernel.ports.now());
        }
    }
}

fn unauthenticated() -> Error {
    Error::new(Kind::Unauthenticated, "a valid bearer token is needed")
}
