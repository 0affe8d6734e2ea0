//! Sealing: AES-256-GCM bound to the record's key and revision.
//!
//! A sealed value is `header (1) || nonce (12) || ciphertext and tag`. The
//! header holds the format in its high four bits and the generation of the
//! scope's key in its low four. Associated data is `header || revision
//! (big-endian u64) || key`, so that a value that is moved to another key, or copied
//! over a newer revision, cannot be opened.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use aws_lc_rs::{hkdf, rand};
use bursar_kernel::store::Revision;
use zeroize::Zeroizing;

/// A 256-bit secret that is wiped when dropped.
pub(crate) type Key256 = Zeroizing<[u8; 32]>;

/// A new random key.
pub(crate) fn random_key() -> Key256 {
    let mut key = Key256::default();
    fill_random(&mut *key);
    key
}

/// Fills `bytes` with random bytes from aws-lc.
pub(crate) fn fill_random(bytes: &mut [u8]) {
    rand::fill(bytes).expect("aws-lc's generator is seeded by the kernel and does not fail after start");
}

/// HKDF-SHA256 (RFC 5869) of `secret`, separated by `context`.
pub(crate) fn derive(secret: &[u8; 32], context: &[&[u8]]) -> Key256 {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bursar/v1").extract(secret);
    let mut key = Key256::default();
    prk.expand(context, hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .expect("32 bytes are within what HKDF-SHA256 gives");
    key
}

/// The cipher under `key`.
pub(crate) fn cipher(key: &Key256) -> Aes256Gcm {
    Aes256Gcm::new(&(**key).into())
}

/// Seals `value` as the content of `key` at `revision`.
pub(crate) fn seal(cipher: &Aes256Gcm, key: &[u8], revision: Revision, value: &[u8]) -> Vec<u8> {
    let mut nonce = [0; NONCE_BYTES];
    fill_random(&mut nonce);
    let aad = associated_data(key, revision);
    let sealed = cipher
        .encrypt(&Nonce::from(nonce), Payload { msg: value, aad: &aad })
        .expect("AES-GCM takes any value of less than 64 GiB");
    [&[HEADER], nonce.as_slice(), &sealed].concat()
}

/// Opens a value that [`seal`] sealed for the same `key` and `revision`.
pub(crate) fn open(cipher: &Aes256Gcm, key: &[u8], revision: Revision, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let (header, rest) = sealed.split_first()?;
    let (nonce, msg) = rest.split_first_chunk::<NONCE_BYTES>()?;
    if *header != HEADER {
        return None;
    }
    let aad = associated_data(key, revision);
    cipher.decrypt(&Nonce::from(*nonce), Payload { msg, aad: &aad }).ok().map(Zeroizing::new)
}

/// A scope's key. It does not seal values itself: each block of 2^20 revisions has a
/// subkey, and a batch has at most [`crate::MAX_CHANGES`] changes, so that no key seals
/// more than 2^32 values, the limit for random nonces.
pub(crate) struct ScopeKey {
    secret: Key256,
    context: &'static [u8],
    subkeys: Mutex<HashMap<u64, Arc<Aes256Gcm>>>,
}

impl ScopeKey {
    pub(crate) fn new(secret: Key256, context: &'static [u8]) -> Self {
        Self { secret, context, subkeys: Mutex::default() }
    }

    /// Seals under the subkey of `number`'s block.
    pub(crate) fn seal(&self, number: u64, key: &[u8], revision: Revision, value: &[u8]) -> Vec<u8> {
        seal(&self.subkey(number), key, revision, value)
    }

    /// Opens under the subkey of `number`'s block.
    pub(crate) fn open(
        &self,
        number: u64,
        key: &[u8],
        revision: Revision,
        sealed: &[u8],
    ) -> Option<Zeroizing<Vec<u8>>> {
        open(&self.subkey(number), key, revision, sealed)
    }

    fn subkey(&self, number: u64) -> Arc<Aes256Gcm> {
        let block = number >> BLOCK_BITS;
        let mut subkeys = self.subkeys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if subkeys.len() >= MAX_CACHED_SUBKEYS && !subkeys.contains_key(&block) {
            subkeys.clear();
        }
        let made = subkeys
            .entry(block)
            .or_insert_with(|| Arc::new(cipher(&derive(&self.secret, &[self.context, &block.to_be_bytes()]))));
        Arc::clone(made)
    }
}

fn associated_data(key: &[u8], revision: Revision) -> Vec<u8> {
    [&[HEADER], revision.to_be_bytes().as_slice(), key].concat()
}

/// Format 1, key generation 0.
const HEADER: u8 = 0x10;
const NONCE_BYTES: usize = 12;
const BLOCK_BITS: u32 = 20;
const MAX_CACHED_SUBKEYS: usize = 64;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope_key() -> ScopeKey {
        ScopeKey::new(Key256::new([7; 32]), b"test")
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(key: Vec<u8>, revision: u64, value: Vec<u8>) {
            let sealed = scope_key().seal(revision, &key, revision, &value);
            let opened = scope_key().open(revision, &key, revision, &sealed);
            prop_assert_eq!(opened.as_deref(), Some(&value));
        }

        #[test]
        fn any_flipped_bit_fails(key: Vec<u8>, revision: u64, value: Vec<u8>, at: prop::sample::Index, bit in 0..8_u8) {
            let mut sealed = scope_key().seal(revision, &key, revision, &value);
            let at = at.index(sealed.len());
            sealed[at] ^= 1 << bit;
            prop_assert!(scope_key().open(revision, &key, revision, &sealed).is_none());
        }

        #[test]
        fn it_opens_nowhere_else(key: Vec<u8>, other: Vec<u8>, revision: u64, later in 1..u64::MAX, value: Vec<u8>) {
            prop_assume!(key != other);
            let sealed = scope_key().seal(revision, &key, revision, &value);
            let elsewhen = revision.wrapping_add(later);
            prop_assert!(scope_key().open(revision, &other, revision, &sealed).is_none());
            prop_assert!(scope_key().open(revision, &key, elsewhen, &sealed).is_none());
            prop_assert!(scope_key().open(revision.wrapping_add(1 << BLOCK_BITS), &key, revision, &sealed).is_none());
        }

        #[test]
        fn no_cut_opens(value: Vec<u8>, keep: prop::sample::Index) {
            let sealed = scope_key().seal(1, b"k", 1, &value);
            let cut = &sealed[..keep.index(sealed.len())];
            prop_assert!(scope_key().open(1, b"k", 1, cut).is_none());
        }
    }
}
