//! The map's layout: which key holds what, and under whose key it is sealed.
//!
//! A key is one table byte, then 16-byte ids, 32-byte keyed digests of names
//! and big-endian numbers; nothing in it can be read by one who holds the file.
//! Tables from `0xE0` on belong to the store itself (keyring, audit chain).

use uuid::Uuid;

use crate::binding::{Consumer, Place, Term};
use crate::id::{AccountId, CredentialId, NodeId, RegionId, TokenId};
use crate::region::Pair;
use crate::store::Blind;

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
pub enum Scope {
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
pub fn scope(key: &[u8]) -> Option<Scope> {
    let table = *key.first()?;
    let account = || key.get(1..17).and_then(|bytes| Uuid::from_slice(bytes).ok());
    match table {
        0x01..=0x0F => Some(Scope::Installation),
        0x10..=0x17 | 0x20..=0x2F => account().map(Scope::Account),
        0x18..=0x1F => account().map(Scope::OwnKey),
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
    pub fn name(mut self, blind: &dyn Blind, context: &str, name: &str) -> Self {
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
pub fn account_name(blind: &dyn Blind, name: &str) -> Vec<u8> {
    Key::table(Table::AccountName).name(blind, "account-name", name).bytes()
}

/// [`Table::Node`].
#[must_use]
pub fn node(id: NodeId) -> Vec<u8> {
    Key::table(Table::Node).id(id.0).bytes()
}

/// Prefix of an account's tokens; the nil account for operators.
#[must_use]
pub fn tokens(account: AccountId) -> Vec<u8> {
    Key::table(Table::Token).id(account.0).bytes()
}

/// [`Table::Token`].
#[must_use]
pub fn token(account: AccountId, id: TokenId) -> Vec<u8> {
    Key(tokens(account)).id(id.0).bytes()
}

/// [`Table::TokenUse`].
#[must_use]
pub fn token_use(account: AccountId, id: TokenId) -> Vec<u8> {
    Key::table(Table::TokenUse).id(account.0).id(id.0).bytes()
}

/// [`Table::TokenHash`].
#[must_use]
pub fn token_hash(blind: &dyn Blind, token: &str) -> Vec<u8> {
    Key::table(Table::TokenHash).name(blind, "token", token).bytes()
}

/// [`Table::PluginGrant`].
#[must_use]
pub fn plugin_grant(blind: &dyn Blind, plugin: &str) -> Vec<u8> {
    Key::table(Table::PluginGrant).name(blind, "plugin", plugin).bytes()
}

/// [`Table::Idempotency`]; `scope` says whose key it is and for what.
#[must_use]
pub fn idempotency(blind: &dyn Blind, scope: &str) -> Vec<u8> {
    Key::table(Table::Idempotency).name(blind, "idempotency", scope).bytes()
}

/// Prefix of an account's members.
#[must_use]
pub fn members(account: AccountId) -> Vec<u8> {
    Key::table(Table::Member).id(account.0).bytes()
}

/// [`Table::Member`].
#[must_use]
pub fn member(blind: &dyn Blind, account: AccountId, principal: &str) -> Vec<u8> {
    Key(members(account)).name(blind, "principal", principal).bytes()
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

/// A version's record in `table`.
#[must_use]
pub fn of_version(table: Table, account: AccountId, id: CredentialId, version: u32) -> Vec<u8> {
    Key::table(table).id(account.0).id(id.0).number(version).bytes()
}

/// [`Table::CredentialName`].
#[must_use]
pub fn credential_name(blind: &dyn Blind, account: AccountId, name: &str) -> Vec<u8> {
    Key::table(Table::CredentialName).id(account.0).name(blind, "credential-name", name).bytes()
}

/// [`Table::DnsRecord`].
#[must_use]
pub fn dns_record(blind: &dyn Blind, account: AccountId, id: CredentialId, fqdn: &str, value: &str) -> Vec<u8> {
    Key(of_credential(Table::DnsRecord, account, id)).name(blind, "dns-record", &format!("{fqdn}\n{value}")).bytes()
}

/// The credential whose record is under a key of [`Table::DnsRecord`].
#[must_use]
pub fn owner_of_dns_record(key: &[u8]) -> Option<(AccountId, CredentialId)> {
    let id = |from: usize| key.get(from..from + 16).and_then(|bytes| Uuid::from_slice(bytes).ok());
    Some((AccountId(id(1)?), CredentialId(id(17)?)))
}

/// [`Table::DnsLease`].
#[must_use]
pub fn dns_lease(blind: &dyn Blind, account: AccountId, type_id: &str, fqdn: &str) -> Vec<u8> {
    Key::table(Table::DnsLease).id(account.0).name(blind, "dns-lease", &format!("{type_id}\n{fqdn}")).bytes()
}

/// [`Table::Region`].
#[must_use]
pub fn region(id: RegionId) -> Vec<u8> {
    Key::table(Table::Region).id(id.0).bytes()
}

/// [`Table::RegionName`].
#[must_use]
pub fn region_name(blind: &dyn Blind, name: &str) -> Vec<u8> {
    Key::table(Table::RegionName).name(blind, "region-name", name).bytes()
}

/// [`Table::Attachment`].
#[must_use]
pub fn attachment(account: AccountId, region: RegionId) -> Vec<u8> {
    Key::table(Table::Attachment).id(account.0).id(region.0).bytes()
}

/// The region whose attachment is under a key of [`Table::Attachment`], and
/// whose it is.
#[must_use]
pub fn attached(key: &[u8]) -> Option<(AccountId, RegionId)> {
    let id = |from: usize| key.get(from..from + 16).and_then(|bytes| Uuid::from_slice(bytes).ok());
    Some((AccountId(id(1)?), RegionId(id(17)?)))
}

/// [`Table::Placed`].
#[must_use]
pub fn placed(pair: Pair) -> Vec<u8> {
    Key::table(Table::Placed).id(pair.account.0).id(pair.credential.0).id(pair.region.0).bytes()
}

/// The pair whose placement is under a key of [`Table::Placed`].
#[must_use]
pub fn pair_placed(key: &[u8]) -> Option<Pair> {
    let id = |from: usize| key.get(from..from + 16).and_then(|bytes| Uuid::from_slice(bytes).ok());
    Some(Pair { account: AccountId(id(1)?), credential: CredentialId(id(17)?), region: RegionId(id(33)?) })
}

/// [`Table::Default`].
#[must_use]
pub fn default_of(blind: &dyn Blind, account: AccountId, type_id: &str) -> Vec<u8> {
    Key::table(Table::Default).id(account.0).name(blind, "default", type_id).bytes()
}

/// Prefix of the live credentials of a type, in [`Table::LiveOfType`], and, as a
/// key, the type's mark: it changes whenever one becomes live while the type has
/// no live default.
#[must_use]
pub fn live_of_type_mark(blind: &dyn Blind, account: AccountId, type_id: &str) -> Vec<u8> {
    Key::table(Table::LiveOfType).id(account.0).name(blind, "live-of-type", type_id).bytes()
}

/// [`Table::LiveOfType`].
#[must_use]
pub fn live_of_type(blind: &dyn Blind, account: AccountId, type_id: &str, id: CredentialId) -> Vec<u8> {
    Key(live_of_type_mark(blind, account, type_id)).id(id.0).bytes()
}

/// That all live credentials of an account are in [`Table::LiveOfType`].
#[must_use]
pub fn live_indexed(account: AccountId) -> Vec<u8> {
    Key::table(Table::LiveOfType).id(account.0).bytes()
}

/// Prefix of what a consumer uses, in [`Table::Binding`].
#[must_use]
pub fn bindings_by(blind: &dyn Blind, account: AccountId, consumer: &Consumer) -> Vec<u8> {
    Key::table(Table::Binding).id(account.0).name(blind, "consumer", &consumer.to_string()).bytes()
}

/// [`Table::Binding`].
#[must_use]
pub fn binding(blind: &dyn Blind, account: AccountId, place: &Place) -> Vec<u8> {
    Key(bindings_by(blind, account, &place.consumer)).name(blind, "slot", place.slot.as_str()).bytes()
}

/// Prefix of what a consumer uses of one credential, in [`Table::BindingOf`].
#[must_use]
pub fn bindings_between(blind: &dyn Blind, account: AccountId, id: CredentialId, consumer: &Consumer) -> Vec<u8> {
    Key(of_credential(Table::BindingOf, account, id)).name(blind, "consumer", &consumer.to_string()).bytes()
}

/// [`Table::BindingOf`]. The key without the digests, which sorts before all of
/// them, tells when a credential was last bound: whoever deletes it requires it.
#[must_use]
pub fn binding_of(blind: &dyn Blind, account: AccountId, id: CredentialId, place: &Place) -> Vec<u8> {
    Key(bindings_between(blind, account, id, &place.consumer)).name(blind, "slot", place.slot.as_str()).bytes()
}

/// The consumer's and the slot's digest, in which keys of [`Table::Binding`] and
/// [`Table::BindingOf`] end.
#[must_use]
pub fn place_of(key: &[u8]) -> Option<&[u8; 64]> {
    key.last_chunk()
}

/// [`Table::UsedBy`].
#[must_use]
pub fn used_by(blind: &dyn Blind, account: AccountId, id: CredentialId, way: &str) -> Vec<u8> {
    Key(of_credential(Table::UsedBy, account, id)).name(blind, "way", way).bytes()
}

/// Prefix of the credentials that are found by this, in [`Table::Selector`].
#[must_use]
pub fn selected_by(blind: &dyn Blind, account: AccountId, term: &Term) -> Vec<u8> {
    Key::table(Table::Selector).id(account.0).name(blind, "selector", &format!("{}\n{}", term.kind, term.value)).bytes()
}

/// [`Table::Selector`].
#[must_use]
pub fn selector(blind: &dyn Blind, account: AccountId, term: &Term, id: CredentialId) -> Vec<u8> {
    Key(selected_by(blind, account, term)).id(id.0).bytes()
}

/// The credential that a key of [`Table::Selector`] ends in.
#[must_use]
pub fn selected(key: &[u8]) -> Option<CredentialId> {
    key.last_chunk().map(|id| CredentialId(Uuid::from_bytes(*id)))
}
