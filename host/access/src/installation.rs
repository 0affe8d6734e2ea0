//! The first start.

use bursar_kernel::audit::Action;
use bursar_kernel::id::{AccountId, Name, TokenId};
use bursar_kernel::keys::{self, Key, Table};
use bursar_kernel::store::{Batch, Expect, StoreError};
use bursar_kernel::{Account, Caller, Error, Kernel, Kind, Scope, TokenKind, audit, codec};

use crate::keys::{token, token_hash};
use crate::{OPERATORS, Token, TokenText};

/// The installation as a whole.
pub struct Installation {
    kernel: Kernel,
}

impl Installation {
    /// The installation in this store. Does no I/O.
    #[must_use]
    pub fn new(kernel: &Kernel) -> Self {
        Self { kernel: kernel.clone() }
    }

    /// Whether the installation has been initialized.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn is_initialized(&self) -> Result<bool, Error> {
        Ok(!self.kernel.ports.store().scan(&Key::table(Table::Account).bytes(), &[], 1).await?.is_empty())
    }

    /// A fresh operator token, not valid before [`Installation::initialize`]: so its
    /// owner can keep it safe first, and a crash in between loses nothing.
    #[must_use]
    pub fn propose_operator_token(&self) -> TokenText {
        TokenText::generate(TokenKind::Operator, &*self.kernel.ports.entropy)
    }

    /// Makes the account `default` and lets the token `text` operate. Does nothing and
    /// answers false where that has happened.
    ///
    /// # Errors
    ///
    /// Where storage fails.
    pub async fn initialize(&self, text: &TokenText) -> Result<bool, Error> {
        if self.is_initialized().await? {
            return Ok(false);
        }
        let now = self.kernel.ports.now();
        let name = Name::parse(DEFAULT_ACCOUNT).map_err(|rule| Error::new(Kind::Internal, rule))?;
        let account = Account {
            id: AccountId(self.kernel.ports.new_id()),
            name,
            title: "Default".to_owned(),
            created_at: now,
            updated_at: now,
        };
        let hash_key = token_hash(self.kernel.ports.blind(), text.expose());
        let record = Token {
            id: TokenId(self.kernel.ports.new_id()),
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
        let token_key = token(OPERATORS, record.id);
        let batch = Batch::default()
            .put(keys::account(account.id), Expect::Absent, codec::encode(&account)?)
            .put(
                keys::account_name(self.kernel.ports.blind(), account.name.as_str()),
                Expect::Absent,
                codec::encode(&account.id)?,
            )
            .put(bursar_credentials::keys::live_indexed(account.id), Expect::Any, codec::encode(&true)?)
            .put(hash_key, Expect::Absent, codec::encode(&token_key)?)
            .put(token_key, Expect::Absent, codec::encode(&record)?)
            .event(self.kernel.ports.system_event(Action::InstallationInit));
        match self.kernel.ports.store().commit(batch).await {
            Ok(_) => Ok(true),
            // Another node was first.
            Err(StoreError::Conflict) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets an operator take a backup or rotate the root key, and records it
    /// before it happens.
    ///
    /// # Errors
    ///
    /// For all but operators, or where storage fails.
    pub async fn begin_operation(&self, caller: &Caller, action: Action) -> Result<(), Error> {
        let kernel = &self.kernel;
        kernel.authorizer.authorize_operator(caller, action).await?;
        kernel.journal.record(kernel.authorizer.event(caller, action, audit::Outcome::Ok)).await
    }
}

/// The account a new installation has.
const DEFAULT_ACCOUNT: &str = "default";
