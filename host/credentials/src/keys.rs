//! Where credentials, their versions, defaults, selectors and uses are kept.

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::keys::{Key, Table, of_credential};
use bursar_kernel::store::BlindIndex;
use uuid::Uuid;

use crate::Credential;
use crate::selector::Term;

/// [`Table::CredentialName`].
#[must_use]
pub fn credential_name(blind: &dyn BlindIndex, account: AccountId, name: &str) -> Vec<u8> {
    Key::table(Table::CredentialName).id(account.0).name(blind, "credential-name", name).bytes()
}

/// [`Table::Default`].
#[must_use]
pub fn default_of(blind: &dyn BlindIndex, account: AccountId, type_id: &str) -> Vec<u8> {
    Key::table(Table::Default).id(account.0).name(blind, "default", type_id).bytes()
}

/// Prefix of the live credentials of a type, in [`Table::LiveOfType`], and, as a
/// key, the type's mark: it changes whenever one becomes live while the type has
/// no live default.
#[must_use]
pub fn live_of_type_mark(blind: &dyn BlindIndex, account: AccountId, type_id: &str) -> Vec<u8> {
    Key::table(Table::LiveOfType).id(account.0).name(blind, "live-of-type", type_id).bytes()
}

/// [`Table::LiveOfType`].
#[must_use]
pub fn live_of_type(blind: &dyn BlindIndex, account: AccountId, type_id: &str, id: CredentialId) -> Vec<u8> {
    Key::under(live_of_type_mark(blind, account, type_id)).id(id.0).bytes()
}

/// That all live credentials of an account are in [`Table::LiveOfType`].
#[must_use]
pub fn live_indexed(account: AccountId) -> Vec<u8> {
    Key::table(Table::LiveOfType).id(account.0).bytes()
}

/// A version's record in `table`.
#[must_use]
pub fn of_version(table: Table, account: AccountId, id: CredentialId, version: u32) -> Vec<u8> {
    Key::table(table).id(account.0).id(id.0).number(version).bytes()
}

/// [`Table::UsedBy`].
#[must_use]
pub fn used_by(blind: &dyn BlindIndex, account: AccountId, id: CredentialId, way: &str) -> Vec<u8> {
    Key::under(of_credential(Table::UsedBy, account, id)).name(blind, "way", way).bytes()
}

/// Prefix of the credentials that are found by this, in [`Table::Selector`].
#[must_use]
pub fn selected_by(blind: &dyn BlindIndex, account: AccountId, term: &Term) -> Vec<u8> {
    Key::table(Table::Selector).id(account.0).name(blind, "selector", &format!("{}\n{}", term.kind, term.value)).bytes()
}

/// [`Table::Selector`].
#[must_use]
pub fn selector(blind: &dyn BlindIndex, account: AccountId, term: &Term, id: CredentialId) -> Vec<u8> {
    Key::under(selected_by(blind, account, term)).id(id.0).bytes()
}

/// The credential that a key of [`Table::Selector`] ends in.
#[must_use]
pub fn selected(key: &[u8]) -> Option<CredentialId> {
    key.last_chunk().map(|id| CredentialId(Uuid::from_bytes(*id)))
}

/// A credential's record in `table`.
#[must_use]
pub fn for_credential(credential: &Credential, table: Table) -> Vec<u8> {
    of_credential(table, credential.account, credential.id)
}
