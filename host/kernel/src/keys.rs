//! The map's layout: which key holds what, and under whose key it is sealed.
//!
//! A key is one table byte, then 16-byte ids, 32-byte keyed digests of names
//! and big-endian numbers; nothing in it can be read by one who holds the file.
//! Tables from `0xE0` on belong to the store itself (keyring, audit chain).

use uuid::Uuid;

use crate::id::{AccountId, CredentialId, NodeId};
use crate::store::BlindIndex;

/// First byte of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub enum Table {
    /// Account by id.
    Account = 0x01,
    /// Account id by name.
    AccountName = 0x02,
    /// Token record by account and id; the nil account for operators.
    Token = 0x03,
    /// Token by its hash.
    TokenHash = 0x04,
    /// What a repeated `Idempotency-Key` is answered with.
    Idempotency = 0x05,
    /// When a token was last used, by account and id.
    TokenUse = 0x06,
    /// What operators decided about a plugin, by its id.
    PluginGrant = 0x07,
    /// Region by id.
    Region = 0x08,
    /// Region id by name.
    RegionName = 0x09,
    /// What a look at readiness writes: one row, written over.
    Readiness = 0x0B,
    /// What a node says of itself, by its id: written every second.
    Node = 0x0C,
    /// Member of an account by principal.
    Member = 0x10,
    /// Credential by account and id, without its secrets.
    Credential = 0x11,
    /// Credential id by account and name, live ones alone.
    CredentialName = 0x12,
    /// The default credential of an account and type. One that is deleted softly
    /// keeps the place until another takes it.
    Default = 0x13,
    /// History: who changed what, by credential and version; no data.
    Version = 0x14,
    /// Last use, by credential.
    Usage = 0x15,
    /// DNS record that a credential put somewhere, by credential and the digest
    /// of name and value.
    DnsRecord = 0x16,
    /// Who may change a set of DNS records now, by the digest of type and name.
    DnsLease = 0x17,
    /// The whole data of one version, secrets included.
    Secret = 0x18,
    /// That an account uses a region, by account and region.
    Attachment = 0x20,
    /// How a credential stands in a region, by account, credential and region.
    Placed = 0x21,
    /// What a consumer uses in a slot, by account and the digests of both.
    Binding = 0x22,
    /// The same by account, credential and those digests.
    BindingOf = 0x23,
    /// Last use of a credential in one way, by credential and the digest of the
    /// way.
    UsedBy = 0x24,
    /// What a credential is found by, by account, the digest of kind and value,
    /// and credential.
    Selector = 0x25,
    /// That a credential is live, by account, the digest of its type, and id.
    LiveOfType = 0x28,
}

/// Whose key seals a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SealScope {
    /// The installation's.
    Installation,
    /// The account's, whose id is bytes 1 to 16 of the key.
    Account(Uuid),
    /// A data key of this record's own, wrapped by the account's key and
    /// destroyed with the record.
    OwnKey(Uuid),
}

/// The first table byte that belongs to the store itself.
pub const FIRST_STORE_TABLE: u8 = 0xE0;

/// The scope of a key made here; `None` for keys of the store's own tables and
/// for what is no key.
#[must_use]
pub fn scope(key: &[u8]) -> Option<SealScope> {
    let table = *key.first()?;
    let account = || key.get(1..17).and_then(|bytes| Uuid::from_slice(bytes).ok());
    match table {
        0x01..=0x0F => Some(SealScope::Installation),
        0x10..=0x17 | 0x20..=0x2F => account().map(SealScope::Account),
        0x18..=0x1F => account().map(SealScope::OwnKey),
        _ => None,
    }
}

/// A key, built up piece by piece.
#[derive(Clone)]
pub struct Key(Vec<u8>);

impl Key {
    /// All of a table.
    #[must_use]
    pub fn table(table: Table) -> Self {
        Self(vec![table as u8])
    }

    /// Goes on from a key made before.
    #[must_use]
    pub fn under(key: Vec<u8>) -> Self {
        Self(key)
    }

    /// Narrows to an id.
    #[must_use]
    pub fn id(mut self, id: Uuid) -> Self {
        self.0.extend_from_slice(id.as_bytes());
        self
    }

    /// Narrows to a number.
    #[must_use]
    pub fn number(mut self, number: u32) -> Self {
        self.0.extend_from_slice(&number.to_be_bytes());
        self
    }

    /// Narrows to a name, by its keyed digest.
    #[must_use]
    pub fn name(mut self, blind: &dyn BlindIndex, context: &str, name: &str) -> Self {
        self.0.extend_from_slice(&blind.digest(context, name.as_bytes()));
        self
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(self) -> Vec<u8> {
        self.0
    }
}

/// [`Table::Account`].
#[must_use]
pub fn account(id: AccountId) -> Vec<u8> {
    Key::table(Table::Account).id(id.0).bytes()
}

/// [`Table::AccountName`].
#[must_use]
pub fn account_name(blind: &dyn BlindIndex, name: &str) -> Vec<u8> {
    Key::table(Table::AccountName).name(blind, "account-name", name).bytes()
}

/// [`Table::Node`].
#[must_use]
pub fn node(id: NodeId) -> Vec<u8> {
    Key::table(Table::Node).id(id.0).bytes()
}

/// [`Table::Idempotency`]; `scope` says whose key it is and for what.
#[must_use]
pub fn idempotency(blind: &dyn BlindIndex, scope: &str) -> Vec<u8> {
    Key::table(Table::Idempotency).name(blind, "idempotency", scope).bytes()
}

/// Prefix of an account's records in `table`.
#[must_use]
pub fn of_account(table: Table, account: AccountId) -> Vec<u8> {
    Key::table(table).id(account.0).bytes()
}

/// A credential's record in `table`.
#[must_use]
pub fn of_credential(table: Table, account: AccountId, id: CredentialId) -> Vec<u8> {
    Key::table(table).id(account.0).id(id.0).bytes()
}
