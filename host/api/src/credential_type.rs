use std::collections::BTreeMap;

use bursar_kernel::plugin;
use bursar_kernel::plugin::Ability;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// A credential type: everything a form, a prompt or a validator needs.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct CredentialType {
    /// Never changes.
    pub id: String,
    /// For people.
    pub title: String,
    /// One sentence.
    pub summary: String,
    /// What it groups under.
    pub category: String,
    /// The plugin's version.
    pub version: String,
    /// `sha256:<hex>` of the component.
    pub digest: String,
    /// The name of one of the UI's icons, or nothing.
    pub icon: String,
    /// Who made it.
    pub publisher: String,
    /// Where to read more.
    pub documentation: String,
    /// What it can beyond form and formats.
    pub abilities: Vec<String>,
    /// Where its credentials are used.
    pub slots: Vec<Slot>,
    /// Presets of the form; the first is the default.
    pub variants: Vec<Variant>,
    /// What it materializes to; the first is the default.
    pub formats: Vec<Format>,
    /// Whether its credentials are pushed to a region whose attachment lists no
    /// types.
    #[serde(rename = "pushedByDefault")]
    pub pushed_by_default: bool,
    /// Texts of the violation codes that its checks of secrets answer with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub messages: BTreeMap<String, String>,
    /// Field order and grouping.
    pub hints: Hints,
    /// The form: JSON Schema 2020-12. Secret fields are `writeOnly`.
    #[schema(value_type = Object)]
    pub schema: Value,
}

/// A place where credentials are picked.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Slot {
    /// Such as `image-pull`.
    pub id: String,
    /// Whether the account's default serves when nothing is bound.
    pub default_fallback: bool,
    /// The selector kind by which it is looked up.
    #[schema(required)]
    pub selector: Option<String>,
}

/// A preset of the form.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    /// Its id.
    pub id: String,
    /// For people.
    pub title: String,
    /// What a person must create over there, plain text.
    pub how_to: String,
}

/// A form in which credentials are handed out.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Format {
    /// Such as `kubernetes.io/tls`.
    pub id: String,
    /// For people.
    pub title: String,
}

/// How a form shows its fields.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
pub struct Hints {
    /// Property names in order.
    pub order: Vec<String>,
    /// Named groups of property names.
    pub groups: Vec<HintGroup>,
}

/// A named group of fields.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct HintGroup {
    /// Heading.
    pub title: String,
    /// Property names.
    pub fields: Vec<String>,
}

/// A ready-to-edit skeleton.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
pub struct Template {
    /// Which preset; null where the type has none.
    #[schema(required)]
    pub variant: Option<String>,
    /// To be filled in and sent as a credential's `data`.
    #[schema(value_type = Object)]
    pub data: Value,
}

impl From<&plugin::CredentialType> for CredentialType {
    fn from(of: &plugin::CredentialType) -> Self {
        let manifest = &of.manifest;
        let slots = manifest.slots.iter().map(|slot| Slot {
            id: slot.id.clone(),
            default_fallback: slot.default_fallback,
            selector: slot.selector.clone(),
        });
        let variants = manifest.variants.iter().map(|variant| Variant {
            id: variant.id.clone(),
            title: variant.title.clone(),
            how_to: variant.how_to.clone(),
        });
        let formats =
            manifest.formats.iter().map(|format| Format { id: format.id.clone(), title: format.title.clone() });
        let groups = manifest
            .hints
            .groups
            .iter()
            .map(|group| HintGroup { title: group.title.clone(), fields: group.fields.clone() });
        Self {
            id: manifest.id.clone(),
            title: manifest.title.clone(),
            summary: manifest.summary.clone(),
            category: manifest.category.clone(),
            version: manifest.version.clone(),
            digest: of.digest.clone(),
            icon: manifest.icon.clone(),
            publisher: manifest.publisher.clone(),
            documentation: manifest.documentation.clone(),
            pushed_by_default: manifest.pushed_by_default,
            abilities: manifest.abilities.iter().map(|ability| ability_name(*ability).to_owned()).collect(),
            slots: slots.collect(),
            variants: variants.collect(),
            formats: formats.collect(),
            messages: manifest.messages.clone(),
            hints: Hints { order: manifest.hints.order.clone(), groups: groups.collect() },
            schema: of.schema.clone(),
        }
    }
}

fn ability_name(ability: Ability) -> &'static str {
    match ability {
        Ability::Defaultable => "defaultable",
        Ability::Probe => "probe",
        Ability::Mint => "mint",
        Ability::Generate => "generate",
        Ability::AcmeOrder => "acme-order",
        Ability::Dns01 => "dns01",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abilities_are_named_as_in_manifests() {
        let all = [
            Ability::Defaultable,
            Ability::Probe,
            Ability::Mint,
            Ability::Generate,
            Ability::AcmeOrder,
            Ability::Dns01,
        ];
        for ability in all {
            assert_eq!(serde_json::to_value(ability).unwrap(), ability_name(ability));
        }
    }
}
