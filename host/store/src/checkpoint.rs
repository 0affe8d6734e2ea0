//! Signed checkpoints: Ed25519 (RFC 8032) over
//! `"bursar checkpoint 1\n" || node text || "\n" || seq (decimal) || "\n" ||
//! hash text || "\n" || time (RFC 3339, milliseconds, UTC)`.
//!
//! Stored outside the database, a checkpoint proves that nothing before it was removed
//! or rolled back, which nothing inside the database can.

use aws_lc_rs::signature::{ED25519, KeyPair, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bursar_kernel::audit::Checkpoint;
use bursar_kernel::clock::rfc3339;
use jiff::Timestamp;

use crate::anchor::Anchor;
use crate::chain::hash_text;
use crate::keyring::Keyring;

/// Signs the newest record of a chain.
pub(crate) fn sign(keyring: &Keyring, head: &Anchor, at: Timestamp) -> Checkpoint {
    let mut checkpoint = Checkpoint {
        node: head.node.to_string(),
        seq: head.seq,
        hash: hash_text(&head.hash),
        at,
        public_key: STANDARD.encode(keyring.signing.public_key().as_ref()),
        signature: String::new(),
    };
    checkpoint.signature = STANDARD.encode(keyring.signing.sign(message(&checkpoint).as_bytes()).as_ref());
    checkpoint
}

/// Whether this installation signed `checkpoint`.
pub(crate) fn is_ours(keyring: &Keyring, checkpoint: &Checkpoint) -> bool {
    checkpoint.public_key == STANDARD.encode(keyring.signing.public_key().as_ref()) && is_signed(checkpoint)
}

/// Whether the signature is valid under the key that the checkpoint itself names.
/// Callers outside the installation must compare that key with one they trust.
#[must_use]
pub fn is_signed(checkpoint: &Checkpoint) -> bool {
    let (Ok(key), Ok(signature)) = (STANDARD.decode(&checkpoint.public_key), STANDARD.decode(&checkpoint.signature))
    else {
        return false;
    };
    UnparsedPublicKey::new(&ED25519, key).verify(message(checkpoint).as_bytes(), &signature).is_ok()
}

fn message(checkpoint: &Checkpoint) -> String {
    let Checkpoint { node, seq, hash, at, .. } = checkpoint;
    format!("bursar checkpoint 1\n{node}\n{seq}\n{hash}\n{}", rfc3339(*at))
}
