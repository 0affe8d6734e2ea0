//! The credential that signs the broker in at a region's target.

use serde_json::{Value, json};

use crate::failure::Failure;

/// Reads `ACCOUNT/CREDENTIAL`, each a name or an id.
pub(super) fn login(text: &str) -> Result<Value, Failure> {
    match text.split_once('/') {
        Some((account, credential)) if !account.is_empty() && !credential.is_empty() && !credential.contains('/') => {
            Ok(json!({"account": account, "credential": credential}))
        }
        _ => Err(Failure::Usage("--login takes ACCOUNT/CREDENTIAL, each a name or an id".to_owned())),
    }
}
