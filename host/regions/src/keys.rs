//! Where regions, attachments and what is placed in them are kept.

use bursar_kernel::id::{AccountId, CredentialId, RegionId};
use bursar_kernel::keys::{Key, Table};
use bursar_kernel::store::BlindIndex;
use uuid::Uuid;

use crate::Pair;

/// [`Table::Region`].
#[must_use]
pub fn region(id: RegionId) -> Vec<u8> {
    Key::table(Table::Region).id(id.0).bytes()
}

/// [`Table::RegionName`].
#[must_use]
pub fn region_name(blind: &dyn BlindIndex, name: &str) -> Vec<u8> {
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
