//! A plugin's manifest: read strictly, then checked for consistency.
//!
//! `schemas/plugin-manifest.json` says the same for authors' editors.

use std::collections::BTreeSet;

use bursar_kernel::plugin::{Derived, HostWish, Manifest, SecretInjection};

use crate::names::{is_field_pointer, is_id, is_selector_kind};
use crate::network::endpoint;
use crate::text::{MAX_DESCRIPTION_BYTES, is_unprintable, sentence};

/// Reads what `describe` answered.
///
/// # Errors
///
/// The reason, for the plugin's author: it names the field.
pub fn parse_manifest(text: &str) -> Result<Manifest, String> {
    if text.len() > MAX_DESCRIPTION_BYTES {
        return Err("its manifest is larger than 64 KiB".to_owned());
    }
    let manifest: Manifest = serde_json::from_str(text)
        .map_err(|error| format!("its manifest is not valid: {}", sentence(&error.to_string())))?;
    check(&manifest).map_err(|reason| format!("its manifest is not valid: {reason}"))?;
    Ok(manifest)
}

fn check(manifest: &Manifest) -> Result<(), String> {
    require(is_id(&manifest.id), "id must be lower-case letters, digits and dashes")?;
    line(&manifest.title, 1, 100, "title")?;
    line(&manifest.summary, 1, 300, "summary")?;
    require(is_id(&manifest.category), "category must be lower-case letters, digits and dashes")?;
    require(semver::Version::parse(&manifest.version).is_ok(), "version must be a semantic version such as 1.0.0")?;
    line(&manifest.publisher, 0, 100, "publisher")?;
    line(&manifest.icon, 0, 64, "icon")?;
    line(&manifest.documentation, 0, 500, "documentation")?;
    require(
        manifest.documentation.is_empty() || manifest.documentation.starts_with("https://"),
        "documentation must be an https address",
    )?;
    unique(manifest.abilities.iter().map(|ability| format!("{ability:?}")), "abilities")?;
    check_slots_and_variants(manifest)?;
    check_formats(manifest)?;
    check_messages(manifest)?;
    check_hints(manifest)?;
    check_network(manifest)
}

fn check_slots_and_variants(manifest: &Manifest) -> Result<(), String> {
    unique(manifest.slots.iter().map(|slot| slot.id.clone()), "slots")?;
    for slot in &manifest.slots {
        require(is_id(&slot.id), "each of slots needs an id of lower-case letters, digits and dashes")?;
        let kind = slot.selector.as_deref();
        require(kind.is_none_or(is_selector_kind), "the selector of a slot must be a selector kind")?;
    }
    // Each has a template, which a broker asks for before anybody approved the plugin.
    require(manifest.variants.len() <= MAX_VARIANTS, "variants may have at most 32 entries")?;
    unique(manifest.variants.iter().map(|variant| variant.id.clone()), "variants")?;
    for variant in &manifest.variants {
        let named = !variant.id.is_empty() && variant.id.len() <= 64;
        require(
            named && variant.id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-'),
            "each of variants needs an id of letters, digits and dashes",
        )?;
        line(&variant.title, 1, 100, "the title of a variant")?;
        require(variant.how_to.len() <= 4096, "howTo of a variant may have at most 4096 bytes")?;
        require(
            !variant.how_to.chars().any(|c| is_unprintable(c) && c != '\n'),
            "howTo of a variant must be plain text",
        )?;
    }
    Ok(())
}

fn check_formats(manifest: &Manifest) -> Result<(), String> {
    require(!manifest.formats.is_empty(), "formats must not be empty")?;
    unique(manifest.formats.iter().map(|format| format.id.clone()), "formats")?;
    for format in &manifest.formats {
        let characters = format.id.bytes().all(|c| c.is_ascii_alphanumeric() || b"._/-".contains(&c));
        require(
            characters && (1..=100).contains(&format.id.len()),
            "each of formats needs an id of letters, digits and ._/-",
        )?;
        line(&format.title, 0, 100, "the title of a format")?;
    }
    Ok(())
}

fn check_messages(manifest: &Manifest) -> Result<(), String> {
    require(manifest.messages.len() <= 256, "messages may have at most 256 codes")?;
    for (code, message) in &manifest.messages {
        require(is_id(code), "each code of messages must be lower-case letters, digits and dashes")?;
        line(message, 1, 500, "each of messages")?;
    }
    let derived = manifest.derives.iter().map(Derived::field);
    for pointer in derived.clone().chain(manifest.hosts_from.iter().map(String::as_str)) {
        require(is_field_pointer(pointer), "derives and hostsFrom hold JSON pointers such as /publicKey")?;
    }
    for derived in &manifest.derives {
        let Derived::Copied(copied) = derived else { continue };
        let pointers = [&copied.secret, &copied.at].into_iter().all(|pointer| is_field_pointer(pointer));
        require(pointers, "the secret and the at of a derived field are JSON pointers such as /client_email")?;
    }
    unique(derived.map(str::to_owned), "derives")?;
    unique(manifest.hosts_from.iter().cloned(), "hostsFrom")
}

fn check_hints(manifest: &Manifest) -> Result<(), String> {
    unique(manifest.hints.order.iter().cloned(), "hints.order")?;
    for group in &manifest.hints.groups {
        line(&group.title, 1, 100, "the title of a hint group")?;
    }
    unique(manifest.hints.groups.iter().flat_map(|group| group.fields.iter().cloned()), "hints.groups")
}

fn check_network(manifest: &Manifest) -> Result<(), String> {
    for HostWish { host, reason } in &manifest.hosts {
        check_host(host)?;
        line(reason, 1, 300, "the reason of a host")?;
    }
    for placement in &manifest.placements {
        check_placement(placement)?;
        require(is_field_pointer(&placement.secret), "each of placements names its secret by a JSON pointer")?;
    }
    unique(manifest.token_endpoints.iter().map(|endpoint| endpoint.name.clone()), "tokenEndpoints")?;
    for endpoint in &manifest.token_endpoints {
        require(is_id(&endpoint.name), "each of tokenEndpoints needs a name of lower-case letters, digits and dashes")?;
        require(endpoint.url.starts_with("https://"), "the url of a token endpoint must be https")?;
        line(&endpoint.url, 9, 500, "the url of a token endpoint")?;
        endpoint::check(endpoint)?;
        require(!endpoint.capture.is_empty(), "a token endpoint that captures nothing is none")?;
        for (name, place) in endpoint.capture.iter().chain(&endpoint.expose) {
            require(
                is_id(name),
                "what a token endpoint captures or exposes is named in lower-case letters, digits and dashes",
            )?;
            line(place, 1, 300, "a place in a token endpoint's answer")?;
        }
        for placement in &endpoint.placements {
            check_placement(placement)?;
            require(
                endpoint.capture.contains_key(&placement.secret),
                "a placement of a token endpoint names something that it captures",
            )?;
        }
    }
    Ok(())
}

fn check_placement(placement: &SecretInjection) -> Result<(), String> {
    check_host(&placement.host)?;
    let methods = placement
        .methods
        .iter()
        .all(|method| (1..=16).contains(&method.len()) && method.bytes().all(|c| c.is_ascii_uppercase()));
    require(methods, "methods of a placement are written in capitals")?;
    require(
        placement.path_prefix.is_empty() || placement.path_prefix.starts_with('/'),
        "pathPrefix of a placement starts with /",
    )?;
    let token = |name: &str| {
        (1..=128).contains(&name.len()) && name.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.[]".contains(&c))
    };
    let place = match placement.place.split_once(':') {
        None => ["body", "key"].contains(&placement.place.as_str()),
        Some(("header", name)) => token(name) && !name.bytes().any(|c| c.is_ascii_uppercase()),
        Some(("query", name)) => token(name),
        Some(("body", pointer)) => is_field_pointer(pointer),
        Some(_) => false,
    };
    require(place, "place of a placement is header:<name>, query:<name>, body, body:<pointer> or key")
}

/// `api.example.com`, `*.example.com`, `host:port` or `{/url}`.
fn check_host(host: &str) -> Result<(), String> {
    let fits = if let Some(pointer) = host.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        is_field_pointer(pointer)
    } else {
        let (name, port) = host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port)));
        let name = name.strip_prefix("*.").unwrap_or(name);
        let labels = (1..=253).contains(&name.len())
            && name.split('.').all(|label| {
                (1..=63).contains(&label.len())
                    && label.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-')
                    && !label.starts_with('-')
                    && !label.ends_with('-')
            });
        labels && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0))
    };
    require(fits, "a host is api.example.com, *.example.com, host:port or {/pointer}")
}

fn line(text: &str, least: usize, most: usize, name: &str) -> Result<(), String> {
    let length = text.chars().count();
    require((least..=most).contains(&length), &format!("{name} must have {least} to {most} characters"))?;
    require(!text.chars().any(is_unprintable), &format!("{name} must be one line of plain text"))
}

fn unique(items: impl Iterator<Item = String>, name: &str) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for item in items {
        require(seen.insert(item), &format!("{name} has an entry twice"))?;
    }
    Ok(())
}

fn require(holds: bool, otherwise: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise.to_owned()) }
}

const MAX_VARIANTS: usize = 32;
