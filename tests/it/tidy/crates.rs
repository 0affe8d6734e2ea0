//! The dependency table of docs/architecture.md, read from the manifests.

use std::collections::{BTreeMap, BTreeSet};

use super::{files, none, read, root};

/// Which of our crates each of our crates may use, dev-dependencies aside.
const MAY_USE: &[(&str, &[&str])] = &[
    ("bursar-kernel", &[]),
    // The areas: each stands on those it names, never on one that stands on it.
    ("bursar-credentials", &["bursar-kernel"]),
    ("bursar-bindings", &["bursar-kernel", "bursar-credentials"]),
    ("bursar-dns", &["bursar-kernel", "bursar-credentials"]),
    ("bursar-regions", &["bursar-kernel", "bursar-credentials"]),
    ("bursar-access", &["bursar-kernel", "bursar-credentials"]),
    ("bursar-approvals", &["bursar-kernel"]),
    (
        "bursar-broker",
        &[
            "bursar-kernel",
            "bursar-credentials",
            "bursar-bindings",
            "bursar-dns",
            "bursar-regions",
            "bursar-access",
            "bursar-approvals",
        ],
    ),
    // The one mechanism that validates input.
    ("bursar-schema", &["bursar-kernel"]),
    ("bursar-scrub", &[]),
    // What reaches the world on the areas' behalf, behind their ports.
    ("bursar-store", &["bursar-kernel"]),
    ("bursar-plugin-host", &["bursar-kernel", "bursar-schema", "bursar-scrub"]),
    ("bursar-targets", &["bursar-kernel", "bursar-regions", "bursar-schema", "bursar-scrub"]),
    // It looks at a plugin on the real host, by the cases that authors write: a
    // port in between would let it look at something else.
    ("bursar-plugin-check", &["bursar-kernel", "bursar-plugin-cases", "bursar-plugin-host", "bursar-scrub"]),
    // The JSON of the API, from and to the areas' types.
    (
        "bursar-api",
        &[
            "bursar-kernel",
            "bursar-credentials",
            "bursar-bindings",
            "bursar-dns",
            "bursar-regions",
            "bursar-access",
            "bursar-schema",
        ],
    ),
    (
        "bursar-server",
        &[
            "bursar-api",
            "bursar-broker",
            "bursar-kernel",
            "bursar-credentials",
            "bursar-bindings",
            "bursar-dns",
            "bursar-regions",
            "bursar-access",
        ],
    ),
    // The commands, and the one place that joins everything to a broker.
    (
        "bursar",
        &[
            "bursar-api",
            "bursar-approvals",
            "bursar-broker",
            "bursar-dns",
            "bursar-kernel",
            "bursar-regions",
            "bursar-store",
            "bursar-plugin-host",
            "bursar-server",
            "bursar-targets",
            // `bursar plugin build` makes components as `cargo xtask plugins` does.
            "bursar-plugin-pack",
            // `bursar plugin check` is the project's own check of its plugins.
            "bursar-plugin-check",
        ],
    ),
];

/// The crates that hold the areas, and what they stand on.
const AREAS: &[&str] = &[
    "bursar-kernel",
    "bursar-credentials",
    "bursar-bindings",
    "bursar-dns",
    "bursar-regions",
    "bursar-access",
    "bursar-approvals",
    "bursar-broker",
];

/// Libraries that only these crates may use.
const BELONGS_TO: &[(&str, &[&str])] = &[
    ("wasmtime", &["bursar-plugin-host"]),
    ("wasmtime-wasi", &["bursar-plugin-host"]),
    ("jsonschema", &["bursar-schema"]),
    ("redb", &["bursar-store"]),
    ("sqlx", &["bursar-store"]),
    ("aes-gcm", &["bursar-store"]),
    ("axum", &["bursar-server"]),
    // The bodies are described where they are defined, the operations where they are.
    ("utoipa", &["bursar-api", "bursar-server"]),
    ("clap", &["bursar"]),
];

/// What would let an area reach the world on its own.
const NOT_IN_AREAS: &[&str] = &[
    "tokio",
    "axum",
    "http",
    "reqwest",
    "hyper",
    "redb",
    "sqlx",
    "wasmtime",
    "rand",
    "getrandom",
    "aws-lc-rs",
    "tracing",
];

#[test]
fn crates_depend_inward_and_only_the_cli_joins_them() {
    let mut findings = Vec::new();
    let crates = host_crates();
    for (name, dependencies) in &crates {
        let Some((_, allowed)) = MAY_USE.iter().find(|(known, _)| known == name) else {
            findings.push(format!("{name} is not in the dependency table"));
            continue;
        };
        for used in dependencies.iter().filter(|used| *used == "bursar" || used.starts_with("bursar-")) {
            if !allowed.contains(&used.as_str()) {
                findings.push(format!("{name} must not depend on {used}"));
            }
        }
    }
    for (name, _) in MAY_USE {
        assert!(crates.contains_key(*name), "{name} was not found under host/: mend the table");
    }
    none(&findings);
}

#[test]
fn each_engine_is_known_to_its_crates() {
    let mut findings = Vec::new();
    let crates = host_crates();
    for (library, owners) in BELONGS_TO {
        for owner in *owners {
            assert!(crates[*owner].contains(*library), "{owner} does not use {library}: mend the table");
        }
        for (name, dependencies) in &crates {
            if !owners.contains(&name.as_str()) && dependencies.contains(*library) {
                findings.push(format!("{name} uses {library}, which belongs to {}", owners.join(", ")));
            }
        }
    }
    none(&findings);
}

#[test]
fn no_area_can_reach_the_world() {
    let crates = host_crates();
    let mut findings = Vec::new();
    for area in AREAS {
        for library in NOT_IN_AREAS.iter().filter(|library| crates[*area].contains(**library)) {
            // The sync loop waits, and tells the operator what it did.
            let loop_of_regions = *area == "bursar-regions" && ["tokio", "tracing"].contains(library);
            if !loop_of_regions {
                findings.push(format!("{area} depends on {library}"));
            }
        }
    }
    none(&findings);
}

#[test]
fn every_crate_takes_the_workspaces_lints() {
    let mut findings = Vec::new();
    for folder in ["host", "plugins", "sdk", "examples", "xtask"] {
        for manifest in manifests(folder) {
            let parsed = parse(&manifest);
            if parsed.get("package").is_some()
                && parsed.get("workspace").is_none()
                && parsed.get("lints").and_then(|lints| lints.get("workspace")) != Some(&toml::Value::Boolean(true))
            {
                findings.push(format!("{}: [lints] workspace = true is missing", super::shown(&manifest)));
            }
        }
    }
    none(&findings);
}

/// Our crates under host/ and what each depends on in what it ships.
fn host_crates() -> BTreeMap<String, BTreeSet<String>> {
    let mut crates = BTreeMap::new();
    for manifest in manifests("host") {
        let parsed = parse(&manifest);
        // A crate of a workspace of its own is a test's guest.
        if parsed.get("workspace").is_some() {
            continue;
        }
        let Some(name) = parsed.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str)
        else {
            continue;
        };
        crates.insert(name.to_owned(), dependencies(&parsed));
    }
    crates
}

fn dependencies(manifest: &toml::Value) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flat_map(|table| table.values());
    let mut names = BTreeSet::new();
    for section in std::iter::once(manifest).chain(targets) {
        for kind in ["dependencies", "build-dependencies"] {
            let table = section.get(kind).and_then(toml::Value::as_table);
            for (name, value) in table.into_iter().flatten() {
                let renamed = value.get("package").and_then(toml::Value::as_str);
                names.insert(renamed.unwrap_or(name).to_owned());
            }
        }
    }
    names
}

fn manifests(folder: &str) -> Vec<std::path::PathBuf> {
    let manifests = files(&root().join(folder), &["toml"]);
    manifests.into_iter().filter(|path| path.ends_with("Cargo.toml")).collect()
}

fn parse(manifest: &std::path::Path) -> toml::Value {
    toml::from_str(&read(manifest)).unwrap_or_else(|error| panic!("{}: {error}", manifest.display()))
}
