//! The plugin contract documents itself.

use wit_parser::{Docs, Resolve, TypeDefKind, WorldItem};

use super::{none, root};

#[test]
fn every_item_of_the_contract_is_documented() {
    let mut findings = Vec::new();
    for version in std::fs::read_dir(root().join("wit")).expect("the workspace has a folder wit").flatten() {
        let mut resolve = Resolve::default();
        resolve.push_dir(version.path()).unwrap_or_else(|error| panic!("{}: {error:#}", version.path().display()));
        assert!(resolve.interfaces.len() > 5, "the contract was not read");
        for (_, interface) in &resolve.interfaces {
            let name = interface.name.clone().unwrap_or_default();
            note(&mut findings, &interface.docs, &name);
            for (function, definition) in &interface.functions {
                note(&mut findings, &definition.docs, &format!("{name}.{function}"));
            }
        }
        for (_, definition) in &resolve.types {
            let Some(name) = &definition.name else { continue };
            // `use types.{json}` makes a type without a text of its own.
            let is_use = matches!(definition.kind, TypeDefKind::Type(wit_parser::Type::Id(of))
                if resolve.types[of].name.as_ref() == Some(name));
            if !is_use {
                note(&mut findings, &definition.docs, name);
            }
        }
        for (_, world) in &resolve.worlds {
            note(&mut findings, &world.docs, &world.name);
            assert!(world.exports.values().all(|item| matches!(item, WorldItem::Interface { .. })));
        }
    }
    none(&findings);
}

fn note(findings: &mut Vec<String>, docs: &Docs, item: &str) {
    if docs.contents.as_deref().is_none_or(|text| text.trim().is_empty()) {
        findings.push(format!("{item} has no comment"));
    }
}
