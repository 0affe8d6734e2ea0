//! The first start.

use super::authenticate::OPERATORS;
use super::{Broker, codec};
use crate::access::{Account, Scope, Token, TokenKind, TokenText};
use crate::audit::{Action, Event};
use crate::id::{AccountId, Name, TokenId};
use crate::keys::{self, Key, Table};
use crate::store::{Batch, Expect};
use crate::{Error, Kind};

impl Broker {
    /// Whether the installation has been initialized.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(!self.store().scan(&Key::table(Table::Account).bytes(), &[], 1).await?.is_empty())
    }

    /// A fresh operator token, not valid before [`Broker::initialize`]: so its
    /// owner can keep it safe first, and a crash in between loses nothing.
    #[must_use]
    pub fn propose_operator_token(&self) -> TokenText {
        TokenText::generate(TokenKind::Operator, &*self.ports.entropy)
    }

    /// Makes the account `default` and lets `token` operate. Does nothing and
    /// answers false where that has happened.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn initialize(&self, token: &TokenText) -> Result<bool, Error> {
        if self.is_initialized().await? {
            return Ok(false);
        }
        let now = self.now();
        let name = Name::parse(DEFAULT_ACCOUNT).map_err(|rule| Error::new(Kind::Internal, rule))?;
        let account = Account {
            id: AccountId(self.new_id()),
            name,
            title: "Default".to_owned(),
            created_at: now,
            updated_at: now,
        };
        let hash_key = keys::token_hash(self.blind(), token.expose());
        let record = Token {
            id: TokenId(self.new_id()),
            name: "initial".to_owned(),
            kind: TokenKind::Operator,
            account: None,
            role: None,
            principal: None,
            scope: Scope::default(),
            created_at: now,
            expires_at: None,
            hash_key: hash_key.clone(),
        };
        let token_key = keys::token(OPERATORS, record.id);
        let batch = Batch::default()
            .put(keys::account(account.id), Expect::Absent, codec::encode(&account)?)
            .put(keys::account_name(self.blind(), account.name.as_str()), Expect::Absent, codec::encode(&account.id)?)
            .put(keys::live_indexed(account.id), Expect::Any, codec::encode(&true)?)
            .put(hash_key, Expect::Absent, codec::encode(&token_key)?)
            .put(token_key, Expect::Absent, codec::encode(&record)?)
            .event(self.system_event(Action::InstallationInit));
        match self.store().commit(batch).await {
            Ok(_) => Ok(true),
            // Another node was first.
            Err(crate::store::Error::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Records something the broker did on its own.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn record_system(&self, action: Action, detail: serde_json::Value) -> Result<(), Error> {
        let mut event = self.system_event(action);
        if action == Action::PluginReject {
            event.outcome = crate::audit::Outcome::Denied;
        }
        event.detail = Some(detail);
        self.record(event).await
    }

    pub(super) fn system_event(&self, action: Action) -> Event {
        Event::system(self.now(), action)
    }
}

/// The account a new installation has.
const DEFAULT_ACCOUNT: &str = "default";
