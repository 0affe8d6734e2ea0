//! The store's own tables, beside those of `bursar_kernel::keys`.
//!
//! Keys hold inverted sequence numbers, so that the newest record sorts first and a
//! listing is a short ascending scan.

use bursar_kernel::keys::{SealScope, scope};
use uuid::Uuid;

/// What a start needs before any key is unwrapped, in plain text: the format, the node,
/// and how to derive and recognise the root key.
pub(crate) const INSTALLATION: u8 = 0xE0;
/// Keys that the root key wraps.
pub(crate) const KEYRING: u8 = 0xE1;
/// Data keys, each wrapped by its account's key.
pub(crate) const DATA_KEY: u8 = 0xE2;
/// Audit records, by node and inverted sequence number.
pub(crate) const AUDIT: u8 = 0xE3;
/// An index of them by account, node and inverted sequence number; without values.
pub(crate) const AUDIT_ACCOUNT: u8 = 0xE4;
/// Each node's chain head.
pub(crate) const HEAD: u8 = 0xE5;
/// Signed checkpoints, by node and inverted sequence number.
pub(crate) const CHECKPOINT: u8 = 0xE6;
/// The newest anchor of each chain in each other chain, by anchored node and recording
/// node: a starting node finds its own without a walk.
pub(crate) const ANCHOR: u8 = 0xE7;
/// The newest exported range of each node's chain, whose records are removed or about
/// to be.
pub(crate) const EXPORTED: u8 = 0xE8;

pub(crate) fn root() -> Vec<u8> {
    vec![INSTALLATION, 1]
}

pub(crate) fn node() -> Vec<u8> {
    vec![INSTALLATION, 2]
}

/// One of the installation's own wrapped keys.
pub(crate) fn installation_key(number: u8) -> Vec<u8> {
    vec![KEYRING, 0, number]
}

pub(crate) fn account_key(account: Uuid) -> Vec<u8> {
    [&[KEYRING, 1], account.as_bytes().as_slice()].concat()
}

/// The account whose wrapped key is stored under `key`.
pub(crate) fn account_of_key_row(key: &[u8]) -> Option<Uuid> {
    match key {
        [KEYRING, 1, id @ ..] => Uuid::from_slice(id).ok(),
        _ => None,
    }
}

/// The key of the wrapped data key for the record under `key`.
pub(crate) fn data_key(key: &[u8]) -> Vec<u8> {
    [&[DATA_KEY], key].concat()
}

pub(crate) fn audit(node: Uuid, seq: u64) -> Vec<u8> {
    numbered(&[&[AUDIT], node.as_bytes()], seq)
}

pub(crate) fn audit_of_node(node: Uuid) -> Vec<u8> {
    [&[AUDIT], node.as_bytes().as_slice()].concat()
}

pub(crate) fn audit_account(account: Uuid, node: Uuid, seq: u64) -> Vec<u8> {
    numbered(&[&[AUDIT_ACCOUNT], account.as_bytes(), node.as_bytes()], seq)
}

pub(crate) fn audit_account_of_node(account: Uuid, node: Uuid) -> Vec<u8> {
    [&[AUDIT_ACCOUNT], account.as_bytes().as_slice(), node.as_bytes()].concat()
}

pub(crate) fn head(node: Uuid) -> Vec<u8> {
    [&[HEAD], node.as_bytes().as_slice()].concat()
}

pub(crate) fn checkpoint(node: Uuid, seq: u64) -> Vec<u8> {
    numbered(&[&[CHECKPOINT], node.as_bytes()], seq)
}

pub(crate) fn anchor(node: Uuid, by: Uuid) -> Vec<u8> {
    [&[ANCHOR], node.as_bytes().as_slice(), by.as_bytes()].concat()
}

pub(crate) fn anchors_of(node: Uuid) -> Vec<u8> {
    [&[ANCHOR], node.as_bytes().as_slice()].concat()
}

pub(crate) fn exported(node: Uuid) -> Vec<u8> {
    [&[EXPORTED], node.as_bytes().as_slice()].concat()
}

/// The anchored and the recording node in a key of [`ANCHOR`].
pub(crate) fn nodes_of_anchor(key: &[u8]) -> Option<(Uuid, Uuid)> {
    let [ANCHOR, ids @ ..] = key else { return None };
    let (node, by) = ids.split_at_checked(16)?;
    Some((Uuid::from_slice(node).ok()?, Uuid::from_slice(by).ok()?))
}

/// The sequence number at the end of a key.
pub(crate) fn seq_of(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| !u64::from_be_bytes(*bytes))
}

/// The node in a key of [`AUDIT`], [`HEAD`] or [`CHECKPOINT`].
pub(crate) fn node_of(key: &[u8]) -> Option<Uuid> {
    Uuid::from_slice(key.get(1..17)?).ok()
}

/// The account whose own record is under `key`: deleting it deletes the account's key.
pub(crate) fn account_record(key: &[u8]) -> Option<Uuid> {
    match key {
        [ACCOUNT, id @ ..] => Uuid::from_slice(id).ok(),
        _ => None,
    }
}

/// Whether changes of the row are recorded in the trail. Readiness probes, which anyone
/// may cause, and heartbeats, one per second, are not.
pub(crate) fn is_recorded(key: &[u8]) -> bool {
    !matches!(key.first(), Some(&(READINESS | NODE)))
}

/// The rows of the keys that seal or open the record under `key`.
pub(crate) fn companions(key: &[u8]) -> Vec<Vec<u8>> {
    match scope(key) {
        Some(SealScope::Installation) => account_record(key).map(account_key).into_iter().collect(),
        Some(SealScope::Account(account)) => vec![account_key(account)],
        Some(SealScope::OwnKey(account)) => vec![account_key(account), data_key(key)],
        None => Vec::new(),
    }
}

/// The name of a table in the problems of a verification.
pub(crate) fn name(key: &[u8]) -> &'static str {
    match key.first() {
        Some(0x01) => "account",
        Some(0x02) => "account name",
        Some(0x03) => "token",
        Some(0x04) => "token hash",
        Some(0x05) => "idempotency",
        Some(0x10) => "member",
        Some(0x11) => "credential",
        Some(0x12) => "credential name",
        Some(0x13) => "default",
        Some(0x14) => "version",
        Some(0x15) => "usage",
        Some(0x18) => "secret",
        Some(0x20) => "region attachment",
        Some(0x21) => "region sync status",
        Some(0x22 | 0x23) => "binding",
        Some(&INSTALLATION) => "installation",
        Some(&KEYRING) => "keyring",
        Some(&DATA_KEY) => "data key",
        Some(&AUDIT) => "audit",
        Some(&AUDIT_ACCOUNT) => "audit by account",
        Some(&HEAD) => "chain head",
        Some(&CHECKPOINT) => "checkpoint",
        Some(&ANCHOR) => "anchor",
        Some(&EXPORTED) => "exported range",
        _ => "unknown table",
    }
}

fn numbered(parts: &[&[u8]], seq: u64) -> Vec<u8> {
    let mut key = parts.concat();
    key.extend_from_slice(&(!seq).to_be_bytes());
    key
}

const ACCOUNT: u8 = bursar_kernel::keys::Table::Account as u8;
const NODE: u8 = bursar_kernel::keys::Table::Node as u8;
const READINESS: u8 = bursar_kernel::keys::Table::Readiness as u8;
