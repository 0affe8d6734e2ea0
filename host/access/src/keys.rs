//! Where tokens and members are kept.

use bursar_kernel::id::{AccountId, TokenId};
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::BlindIndex;

/// Prefix of an account's tokens; the nil account for operators.
#[must_use]
pub fn tokens(account: AccountId) -> Vec<u8> {
    Key::table(Table::Token).id(account.0).bytes()
}

/// [`Table::Token`].
#[must_use]
pub fn token(account: AccountId, id: TokenId) -> Vec<u8> {
    Key::under(tokens(account)).id(id.0).bytes()
}

/// [`Table::TokenUse`].
#[must_use]
pub fn token_use(account: AccountId, id: TokenId) -> Vec<u8> {
    Key::table(Table::TokenUse).id(account.0).id(id.0).bytes()
}

/// [`Table::TokenHash`].
#[must_use]
pub fn token_hash(blind: &dyn BlindIndex, token: &str) -> Vec<u8> {
    Key::table(Table::TokenHash).name(blind, "token", token).bytes()
}

/// Prefix of an account's members.
#[must_use]
pub fn members(account: AccountId) -> Vec<u8> {
    Key::table(Table::Member).id(account.0).bytes()
}

/// [`Table::Member`].
#[must_use]
pub fn member(blind: &dyn BlindIndex, account: AccountId, principal: &str) -> Vec<u8> {
    Key::under(members(account)).name(blind, "principal", principal).bytes()
}
