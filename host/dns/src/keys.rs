//! Where DNS records and leases are kept.

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_kernel::keys::{Key, Table, of_credential};
use bursar_kernel::store::BlindIndex;
use uuid::Uuid;

/// [`Table::DnsRecord`].
#[must_use]
pub fn dns_record(blind: &dyn BlindIndex, account: AccountId, id: CredentialId, fqdn: &str, value: &str) -> Vec<u8> {
    Key::under(of_credential(Table::DnsRecord, account, id))
        .name(blind, "dns-record", &format!("{fqdn}\n{value}"))
        .bytes()
}

/// The credential whose record is under a key of [`Table::DnsRecord`].
#[must_use]
pub fn owner_of_dns_record(key: &[u8]) -> Option<(AccountId, CredentialId)> {
    let id = |from: usize| key.get(from..from + 16).and_then(|bytes| Uuid::from_slice(bytes).ok());
    Some((AccountId(id(1)?), CredentialId(id(17)?)))
}

/// [`Table::DnsLease`].
#[must_use]
pub fn dns_lease(blind: &dyn BlindIndex, account: AccountId, type_id: &str, fqdn: &str) -> Vec<u8> {
    Key::table(Table::DnsLease).id(account.0).name(blind, "dns-lease", &format!("{type_id}\n{fqdn}")).bytes()
}
