//! Tokens: made, listed, revoked. The text is told once, to whoever made it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;

use super::accounts::overtaken;
use super::authenticate::OPERATORS;
use super::idempotency::gone;
use super::quota::{Counted, Reservation};
use super::{Broker, Created, IdempotencyKey, Page, codec, page};
use crate::access::{Caller, Operation, Right, Role, Scope, Token, TokenKind, TokenText};
use crate::audit::{Action, Outcome};
use crate::binding::Consumer;
use crate::credential::{MAX_LABEL_BYTES, MAX_LABELS, judge_name};
use crate::id::{AccountId, Reference, TokenId};
use crate::keys;
use crate::store::{Batch, Error as StoreError, Expect};
use crate::{Error, Violation};

/// A token to be made.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    name: String,
    role: Option<Role>,
    principal: Option<String>,
    scope: Scope,
    expires_at: Option<Timestamp>,
}

/// A token and, once, its text.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What is kept of it.
    pub token: Token,
    /// The text; `None` when the request is a repeated one.
    pub text: Option<TokenText>,
}

impl TokenRequest {
    /// Reads a request body. Operators' tokens have neither role nor scope.
    ///
    /// # Errors
    ///
    /// Everything that is wrong, at once.
    pub fn read(body: &Value, operator: bool, now: Timestamp) -> Result<Self, Error> {
        let mut violations = Vec::new();
        let known: &[&str] =
            if operator { &["name", "expiresAt"] } else { &["name", "role", "principal", "scope", "expiresAt"] };
        let map = body.as_object().cloned().unwrap_or_else(|| {
            violations.push(Violation::new("", "type", "The body must be a JSON object."));
            serde_json::Map::new()
        });
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let message = format!("There is no such field: known are {}.", known.join(", "));
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
        let (name, role, principal, expires_at) = (text("name"), text("role"), text("principal"), text("expiresAt"));
        match &name {
            Some(name) => violations.extend(judge_name(name, "/name").err()),
            None if violations.iter().all(|v| v.pointer != "/name" && !v.pointer.is_empty()) => {
                violations.push(Violation::new("/name", "required", "This is required: name what the token is for."));
            }
            None => {}
        }
        let parsed_role = role.as_deref().and_then(Role::parse);
        if role.is_some() && parsed_role.is_none() {
            violations.push(Violation::new("/role", "format", roles_sentence()));
        }
        if !operator && role.is_none() && principal.is_none() {
            violations.push(Violation::new("/role", "required", roles_sentence()));
        }
        if role.is_some() && principal.is_some() {
            let message = "A principal's token carries the member's own role: leave the role out.";
            violations.push(Violation::new("/role", "conflict", message));
        }
        let expires_at = expires_at.and_then(|text| match text.parse::<Timestamp>() {
            Ok(at) if at > now => Some(at),
            Ok(_) => {
                violations.push(Violation::new("/expiresAt", "format", "This time is past: give one to come."));
                None
            }
            Err(_) => {
                let message = "This must be an RFC 3339 time such as 2027-01-31T00:00:00Z.";
                violations.push(Violation::new("/expiresAt", "format", message));
                None
            }
        });
        let scope: Scope = match map.get("scope") {
            None | Some(Value::Null) => Scope::default(),
            Some(scope) => serde_json::from_value(scope.clone()).unwrap_or_else(|_| {
                let message =
                    "A scope has credentials (list), labels (object of strings), regions (list), consumers (list).";
                violations.push(Violation::new("/scope", "type", message));
                Scope::default()
            }),
        };
        violations.extend(scope_bounds(&scope));
        for (index, consumer) in scope.consumers.iter().enumerate() {
            let wrong = Consumer::parse(consumer).err();
            let told = wrong.map(|rule| Violation::new(format!("/scope/consumers/{index}"), "format", rule));
            violations.extend(told);
        }
        if !violations.is_empty() {
            return Err(Error::invalid(violations));
        }
        Ok(Self { name: name.unwrap_or_default(), role: parsed_role, principal, scope, expires_at })
    }
}

impl Broker {
    /// Makes a token: in an account, or for operators where `account` is none.
    ///
    /// # Errors
    ///
    /// Wrong input, or the caller lacks the right.
    pub async fn create_token(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        body: &Value,
        key: Option<&IdempotencyKey>,
    ) -> Result<Created<NewToken>, Error> {
        let account = match account {
            None => {
                self.authorize_operator(caller, Operation::CreateOperatorToken.demand().1).await?;
                None
            }
            Some(account) => Some(self.authorize_operation(caller, account, Operation::CreateToken).await?.id),
        };
        let request = TokenRequest::read(body, account.is_none(), self.now())?;
        if let (Some(account), Some(principal)) = (account, &request.principal)
            && self.member(account, principal).await?.is_none()
        {
            let message = "There is no such member: add them first.";
            return Err(Error::invalid(vec![Violation::new("/principal", "unknown", message)]));
        }
        let kind = match (account, request.role) {
            (None, _) => TokenKind::Operator,
            (Some(_), Some(Role::Workload)) => TokenKind::Workload,
            (Some(_), _) => TokenKind::User,
        };
        let owner = account.unwrap_or(OPERATORS);
        let mut room = None;
        let mut attempts = self.attempts(&keys::tokens(owner));
        while attempts.again().await {
            let reserved = match (account, &room) {
                (Some(account), None) => self.reserve(account, Counted::Tokens).await.map(Some),
                _ => Ok(None),
            };
            if let Some(earlier) = self.replayed(caller, key).await? {
                let record = self.store().get(&keys::token(owner, TokenId(earlier))).await?.ok_or_else(gone)?;
                let value = NewToken { token: codec::decode(&record)?, text: None };
                return Ok(Created { value, replayed: true });
            }
            if let Some(reserved) = reserved? {
                room = Some(reserved);
            }
            let text = TokenText::generate(kind, &*self.ports.entropy);
            let token = Token {
                id: TokenId(self.new_id()),
                name: request.name.clone(),
                kind,
                account,
                role: request.role,
                principal: request.principal.clone(),
                scope: request.scope.clone(),
                created_at: self.now(),
                expires_at: request.expires_at,
                hash_key: keys::token_hash(self.blind(), text.expose()),
            };
            let record_key = keys::token(owner, token.id);
            let mut event = self.event(caller, Action::TokenCreate, Outcome::Ok);
            event.account = account;
            event.detail = Some(serde_json::json!({
                "token": caller.token, "created": token.id, "name": token.name, "role": token.role,
                "principal": token.principal, "expiresAt": token.expires_at.map(crate::clock::rfc3339),
            }));
            let batch = match account {
                Some(account) => self.require_account(Batch::default(), account).await?,
                None => Batch::default(),
            };
            let batch = batch
                .put(token.hash_key.clone(), Expect::Absent, codec::encode(&record_key)?)
                .put(record_key, Expect::Absent, codec::encode(&token)?)
                .event(event);
            match self.store().commit(self.keep(batch, caller, key, token.id.0)?).await {
                Ok(_) => {
                    room.into_iter().for_each(Reservation::take);
                    return Ok(Created { value: NewToken { token, text: Some(text) }, replayed: false });
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(overtaken())
    }

    /// Tokens with the time each was last used.
    ///
    /// # Errors
    ///
    /// The caller lacks the right, or the cursor is not ours.
    pub async fn list_tokens(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        cursor: Option<&str>,
        limit: usize,
    ) -> Result<Page<(Token, Option<Timestamp>)>, Error> {
        let owner = self.authorize_tokens(caller, account, Action::TokenRead).await?.unwrap_or(OPERATORS);
        let after = page::after(cursor)?.map(|id| keys::token(owner, TokenId(id))).unwrap_or_default();
        let records = self.store().scan(&keys::tokens(owner), &after, limit + 1).await?;
        let more = records.len() > limit;
        let mut items = Vec::new();
        for record in records.iter().take(limit) {
            let token: Token = codec::decode(record)?;
            let used = self.token_used_at(owner, token.id).await?;
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
    pub async fn delete_token(&self, caller: &Caller, account: Option<&Reference>, id: TokenId) -> Result<(), Error> {
        let account = self.authorize_tokens(caller, account, Action::TokenDelete).await?;
        let owner = account.unwrap_or(OPERATORS);
        let key = keys::token(owner, id);
        let record = self.store().get(&key).await?.ok_or_else(|| Error::not_found("token"))?;
        let token: Token = codec::decode(&record)?;
        let mut event = self.event(caller, Action::TokenDelete, Outcome::Ok);
        event.account = account;
        event.detail = Some(serde_json::json!({ "token": caller.token, "deleted": id, "name": token.name }));
        let batch = Batch::default()
            .delete(key, Expect::At(record.revision))
            .delete(token.hash_key, Expect::Any)
            .delete(keys::token_use(owner, id), Expect::Any)
            .event(event);
        self.store().commit(batch).await?;
        self.release_one(owner, Counted::Tokens);
        Ok(())
    }

    /// Writes down when tokens were used since the last time this was called.
    ///
    /// # Errors
    ///
    /// Where storage fails; the uses are then lost, which only makes
    /// `lastUsedAt` older than it is.
    pub async fn flush_token_uses(&self) -> Result<usize, Error> {
        let uses: HashMap<_, _> = self.token_uses.lock().map(|mut uses| std::mem::take(&mut *uses)).unwrap_or_default();
        if uses.is_empty() {
            return Ok(0);
        }
        let count = uses.len();
        let mut batch = Batch::default();
        for ((owner, id), at) in uses {
            // A token that was revoked meanwhile leaves nothing behind.
            if self.store().get(&keys::token(owner, id)).await?.is_some() {
                batch = batch.put(keys::token_use(owner, id), Expect::Any, codec::encode(&at)?);
            }
        }
        self.store().commit(batch).await?;
        Ok(count)
    }

    async fn token_used_at(&self, owner: AccountId, id: TokenId) -> Result<Option<Timestamp>, Error> {
        let pending = self.token_uses.lock().ok().and_then(|uses| uses.get(&(owner, id)).copied());
        if pending.is_some() {
            return Ok(pending);
        }
        self.store().get(&keys::token_use(owner, id)).await?.as_ref().map(codec::decode).transpose()
    }

    async fn authorize_tokens(
        &self,
        caller: &Caller,
        account: Option<&Reference>,
        action: Action,
    ) -> Result<Option<AccountId>, Error> {
        match account {
            None => self.authorize_operator(caller, action).await.map(|()| None),
            Some(account) => Ok(Some(self.authorize(caller, account, Right::ManageAccess, action).await?.id)),
        }
    }
}

fn roles_sentence() -> String {
    let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
    format!("Choose one of {}, or name a principal.", roles.join(", "))
}

/// What is too much about a scope: it is read with each request of the token.
fn scope_bounds(scope: &Scope) -> Vec<Violation> {
    let Scope { credentials, labels, regions, consumers } = scope;
    let mut violations = Vec::new();
    for (part, texts) in [("credentials", credentials), ("regions", regions), ("consumers", consumers)] {
        if texts.len() > MAX_SCOPE_ITEMS {
            let message = format!("At most {MAX_SCOPE_ITEMS}: narrow by labels instead, or make several tokens.");
            violations.push(Violation::new(format!("/scope/{part}"), "too-long", message));
        } else if texts.iter().any(|text| text.len() > MAX_SCOPE_TEXT_BYTES) {
            let message = format!("At most {MAX_SCOPE_TEXT_BYTES} bytes each.");
            violations.push(Violation::new(format!("/scope/{part}"), "too-long", message));
        }
    }
    let too_long = |text: &String| text.len() > MAX_LABEL_BYTES;
    if labels.len() > MAX_LABELS || labels.iter().any(|(key, value)| too_long(key) || too_long(value)) {
        let message = format!("At most {MAX_LABELS} labels of {MAX_LABEL_BYTES} bytes each.");
        violations.push(Violation::new("/scope/labels", "too-long", message));
    }
    violations
}

const MAX_SCOPE_ITEMS: usize = 100;
/// Longer than any name, id or consumer.
const MAX_SCOPE_TEXT_BYTES: usize = 512;
