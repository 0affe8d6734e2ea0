//! Where bindings are kept.

use bursar_kernel::Consumer;
use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::keys::{Key, Table, of_credential};
use bursar_kernel::store::BlindIndex;

use crate::ConsumerSlot;

/// Prefix of what a consumer uses, in [`Table::Binding`].
#[must_use]
pub fn bindings_by(blind: &dyn BlindIndex, account: AccountId, consumer: &Consumer) -> Vec<u8> {
    Key::table(Table::Binding).id(account.0).name(blind, "consumer", &consumer.to_string()).bytes()
}

/// [`Table::Binding`].
#[must_use]
pub fn binding(blind: &dyn BlindIndex, account: AccountId, place: &ConsumerSlot) -> Vec<u8> {
    Key::under(bindings_by(blind, account, &place.consumer)).name(blind, "slot", place.slot.as_str()).bytes()
}

/// Prefix of what a consumer uses of one credential, in [`Table::BindingOf`].
#[must_use]
pub fn bindings_between(blind: &dyn BlindIndex, account: AccountId, id: CredentialId, consumer: &Consumer) -> Vec<u8> {
    Key::under(of_credential(Table::BindingOf, account, id)).name(blind, "consumer", &consumer.to_string()).bytes()
}

/// [`Table::BindingOf`]. The key without the digests, which sorts before all of
/// them, tells when a credential was last bound: whoever deletes it requires it.
#[must_use]
pub fn binding_of(blind: &dyn BlindIndex, account: AccountId, id: CredentialId, place: &ConsumerSlot) -> Vec<u8> {
    Key::under(bindings_between(blind, account, id, &place.consumer)).name(blind, "slot", place.slot.as_str()).bytes()
}

/// The consumer's and the slot's digest, in which keys of [`Table::Binding`] and
/// [`Table::BindingOf`] end.
#[must_use]
pub fn place_of(key: &[u8]) -> Option<&[u8; 64]> {
    key.last_chunk()
}
