//! A DNS provider is a credential type; as a provider it goes by a shorter id.

use std::sync::Arc;

use bursar_kernel::plugin::{Ability, CredentialType};

/// The id as a provider of a type that is one: the type's without `dns-`.
#[must_use]
pub fn id(of: &CredentialType) -> Option<&str> {
    let type_id = of.manifest.id.as_str();
    of.manifest.has(Ability::Dns01).then(|| type_id.strip_prefix(PREFIX).unwrap_or(type_id))
}

/// The type of the provider with this id.
pub(crate) fn find(types: Vec<Arc<CredentialType>>, provider: &str) -> Option<Arc<CredentialType>> {
    types.into_iter().find(|of| id(of) == Some(provider))
}

const PREFIX: &str = "dns-";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(id: &str, abilities: &[&str]) -> Arc<CredentialType> {
        let manifest = json!({
            "id": id, "title": "T", "summary": "S.", "category": "c", "version": "1.0.0", "formats": [],
            "abilities": abilities
        });
        let (schema, digest, contract_version) = (json!({}), String::new(), String::new());
        Arc::new(CredentialType {
            manifest: serde_json::from_value(manifest).unwrap(),
            schema,
            digest,
            contract_version,
        })
    }

    #[test]
    fn a_provider_goes_by_its_types_id_without_the_prefix() {
        let types = vec![of("dns-one", &["dns01"]), of("two", &["dns01"]), of("dns-three", &["probe"])];
        let ids: Vec<_> = types.iter().map(|of| id(of)).collect();
        assert_eq!(ids, [Some("one"), Some("two"), None]);
        let found = |provider: &str| find(types.clone(), provider).map(|of| of.manifest.id.clone());
        assert_eq!(found("one").as_deref(), Some("dns-one"));
        assert_eq!(found("two").as_deref(), Some("two"));
        assert_eq!((found("three"), found("dns-one")), (None, None));
    }
}
