//! Tokens: made, listed, revoked. The text is told once, to whoever made it.

use std::collections::HashMap;
use std::sync::Mutex;

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{AccountId, Reference, TokenId};
use bursar_kernel::store::{Batch, Expect};
use bursar_kernel::{
    Caller, Counted, Created, Error, IdempotencyKey, Kernel, Operation, Page, Reservation, Right, Role, Submitted,
    TokenKind, Violation, clock, codec, gone, page,
};
use jiff::Timestamp;

use crate::command::parse_expiry;
use crate::members::member;
use crate::{CreateOperatorToken, CreateToken, OPERATORS, Token, TokenText, keys};

/// The use cases of tokens.
pub struct Tokens {
    pub(crate) kernel: Kernel,
    /// Uses that are not written yet: one commit a minute for all of them, not one
    /// a request.
    pub(crate) uses: Mutex<HashMap<(AccountId, TokenId), Timestamp>>,
}

/// A token and, once, its text.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// The text; `None` when the request is a repeated one.
    pub text: Option<TokenText>,
}

impl Tokens {
    /// Tokens in this store. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone(), uses: Mutex::default() }
    }

    /// Makes a token in an account.
    ///
    /// # Errors
    ///
    /// Wrong input, or the caller lacks the right.
    pub async fn create(
        &self,
        caller: &Caller,
        account: &Reference,
        mut submitted: Submitted<CreateToken>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<NewToken>, Error> {
        let authorizer = &self.kernel.authorizer;
        let account = authorizer.authorize_operation(caller, account, Operation::CreateToken).await?.id;
        let violations = submitted.command().validate(self.kernel.ports.now());
        submitted.complain(violations);
        let command = submitted.accept()?;
        if let Some(principal) = &command.principal
            && member(&self.kernel, account, principal).await?.is_none()
        {
            let message = "There is no such member: add them first.";
            return Err(Error::invalid(vec![Violation::new("/principal", "unknown", message)]));
        }
        let kind = if command.role == Some(Role::Workload) { TokenKind::Workload } else { TokenKind::User };
        self.make(caller, Some(account), kind, command, key).await
    }

    /// Makes a token for operators.
    ///
    /// # Errors
    ///
    /// Wrong input, or the caller is no operator.
    pub async fn create_for_operators(
        &self,
        caller: &Caller,
        mut submitted: Submitted<CreateOperatorToken>,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<NewToken>, Error> {
        self.kernel.authorizer.authorize_operator(caller, Operation::CreateOperatorToken.demand().1).await?;
        let violations = submitted.command().validate(self.kernel.ports.now());
        submitted.complain(violations);
        let CreateOperatorToken { name, expires_at } = submitted.accept()?;
        let command = CreateToken { name, expires_at, ..CreateToken::default() };
        self.make(caller, None, TokenKind::Operator, command, key).await
    }

    async fn make(
        &self,
        caller: &Caller,
        account: Option<AccountId>,
        kind: TokenKind,
        command: CreateToken,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<NewToken>, Error> {
        let kernel = &self.kernel;
        let owner = account.unwrap_or(OPERATORS);
        let mut room = None;
        let mut retry = kernel.journal.retry(&keys::tokens(owner));
        loop {
            retry.next().await?;
            let reserved = match (account, &room) {
                (Some(account), None) => kernel.quotas.reserve(account, Counted::Tokens).await.map(Some),
                _ => Ok(None),
            };
            if let Some(earlier) = kernel.idempotency.replayed(caller, key).await? {
                let record = kernel.ports.store().get(&keys::token(owner, TokenId(earlier))).await?;
                let value = NewToken { token: codec::decode(&record.ok_or_else(gone)?)?, text: None };
                return Ok(Created { value, replayed: true });
            }
            if let Some(reserved) = reserved? {
                room = Some(reserved);
            }
            let text = TokenText::generate(kind, &*kernel.ports.entropy);
            let token = self.token(account, kind, &command, &text)?;
            let batch = self.token_batch(caller, owner, &token).await?;
            let batch = kernel.idempotency.record(batch, caller, key, token.id.0)?;
            if retry.commit(batch).await?.is_some() {
                room.into_iter().for_each(Reservation::take);
                return Ok(Created { value: NewToken { token, text: Some(text) }, replayed: false });
            }
        }
    }

    fn token(
        &self,
        account: Option<AccountId>,
        kind: TokenKind,
        command: &CreateToken,
        text: &TokenText,
    ) -> Result<Token, Error> {
        let ports = &self.kernel.ports;
        let expires_at = parse_expiry(command.expires_at.as_deref(), ports.now());
        Ok(Token {
            id: TokenId(ports.new_id()),
            name: command.name.clone(),
            kind,
            account,
            role: command.role,
            principal: command.principal.clone(),
            scope: command.scope.clone(),
            created_at: ports.now(),
            expires_at: expires_at.map_err(|violation| Error::invalid(vec![violation]))?,
            hash_key: keys::token_hash(ports.blind(), text.expose()),
        })
    }

    async fn token_batch(&self, caller: &Caller, owner: AccountId, token: &Token) -> Result<Batch, Error> {
        let authorizer = &self.kernel.authorizer;
        let detail = serde_json::json!({
            "token": caller.token, "created": token.id, "name": token.name, "role": token.role,
            "principal": token.principal, "expiresAt": token.expires_at.map(clock::rfc3339),
        });
        let batch = match token.account {
            Some(account) => authorizer.require_account(Batch::default(), account).await?,
            None => Batch::default(),
        };
        let record_key = keys::token(owner, token.id);
        Ok(batch
            .put(token.hash_key.clone(), Expect::Absent, codec::encode(&record_key)?)
            .put(record_key, Expect::Absent, codec::encode(token)?)
            .event(Event {
                account: token.account,
                detail: Some(detail),
                ..authorizer.event(caller, Action::TokenCreate, Outcome::Ok)
            }))
    }

    /// Tokens with the time each was last used.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or the cursor is not ours.
    pub async fn list(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<(Token, Option<Timestamp>)>, Error> {
        let owner = self.account_of(caller, account, Action::TokenRead).await?.unwrap_or(OPERATORS);
        let after = page::after(cursor)?.map(|id| keys::token(owner, TokenId(id))).unwrap_or_default();
        let records = self.kernel.ports.store().scan(&keys::tokens(owner), &after, limit + 1).await?;
        let more = records.len() > limit;
        let mut items = Vec::new();
        for record in records.iter().take(limit) {
            let token: Token = codec::decode(record)?;
            let used = self.used_at(owner, token.id).await?;
            items.push((token, used));
        }
        let next_cursor = items.last().filter(|_| more).map(|(token, _)| token.id.to_string());
        Ok(Page { items, next_cursor })
    }

    /// Revokes a token, at once.
    ///
    /// # Errors
    ///
    /// Not found, or the caller lacks the right.
    pub async fn delete(&self, caller: &Caller, account: Option<&Reference>, id: TokenId) -> Result<(), Error> {
        let account = self.account_of(caller, account, Action::TokenDelete).await?;
        let owner = account.unwrap_or(OPERATORS);
        let key = keys::token(owner, id);
        let record = self.kernel.ports.store().get(&key).await?.ok_or_else(|| Error::not_found("token"))?;
        let token: Token = codec::decode(&record)?;
        let event = Event {
            account,
            detail: Some(serde_json::json!({ "token": caller.token, "deleted": id, "name": token.name })),
            ..self.kernel.authorizer.event(caller, Action::TokenDelete, Outcome::Ok)
        };
        let batch = Batch::default()
            .delete(key, Expect::At(record.revision))
            .delete(token.hash_key, Expect::Any)
            .delete(keys::token_use(owner, id), Expect::Any)
            .event(event);
        self.kernel.ports.store().commit(batch).await?;
        self.kernel.quotas.release_one(owner, Counted::Tokens);
        Ok(())
    }

    /// Writes down when tokens were used since the last time this was called.
    ///
    /// # Errors
    ///
    /// Where storage fails; the uses are then lost, which only makes
    /// `lastUsedAt` older than it is.
    pub async fn flush_uses(&self) -> Result<usize, Error> {
        let uses: HashMap<_, _> = self.uses.lock().map(|mut uses| std::mem::take(&mut *uses)).unwrap_or_default();
        if uses.is_empty() {
            return Ok(0);
        }
        let count = uses.len();
        let mut batch = Batch::default();
        for ((owner, id), at) in uses {
            // A token that was revoked meanwhile leaves nothing behind.
            if self.kernel.ports.store().get(&keys::token(owner, id)).await?.is_some() {
                batch = batch.put(keys::token_use(owner, id), Expect::Any, codec::encode(&at)?);
            }
        }
        self.kernel.ports.store().commit(batch).await?;
        Ok(count)
    }

    async fn used_at(&self, owner: AccountId, id: TokenId) -> Result<Option<Timestamp>, Error> {
        let pending = self.uses.lock().ok().and_then(|uses| uses.get(&(owner, id)).copied());
        if pending.is_some() {
            return Ok(pending);
        }
        self.kernel.ports.store().get(&keys::token_use(owner, id)).await?.as_ref().map(codec::decode).transpose()
    }

    async fn account_of(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        action: Action,
    ) -> Result<Option<AccountId>, Error> {
        match account {
            None => self.kernel.authorizer.authorize_operator(caller, action).await.map(|()| None),
            Some(account) => {
                Ok(Some(self.kernel.authorizer.authorize(caller, account, Right::ManageAccess, action).await?.id))
            }
        }
    }
}
