//! The author's check of every plugin and example, in whatever language, against
//! the component that ships: every case holds, and no secret gets out.
//!
//! With `hostile` the only place of this binary that links the plugin host: what
//! a case asks is below HTTP.

use std::fs;
use std::path::{Path, PathBuf};

use bursar_plugin_check::{Level, Report, Subject, check};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_plugin_passes_its_authors_check() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace");
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("plugin-code");
    let mut failures = Vec::new();
    let mut looked_at = 0;
    for (parent, built) in PLACES {
        for folder in folders(&root.join(parent)) {
            let id = folder.file_name().expect("a folder").to_string_lossy().into_owned();
            let component = root.join(built).join(format!("{id}.wasm"));
            let subject = Subject::of_folder_with(&folder, component).expect("a plugin's folder");
            let report = check(&subject, Some(cache.clone())).await.unwrap_or_else(|error| panic!("{id}: {error}"));
            assert!(report.findings.iter().any(|it| it.summary.ends_with("hold")), "{id} has no case that holds");
            failures.extend(faults(&id, &report));
            looked_at += 1;
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(looked_at > 4, "found only {looked_at} plugins");
}

/// What an author would be told to mend.
fn faults(id: &str, report: &Report) -> Vec<String> {
    let faults = report.findings.iter().filter(|it| it.level == Level::Fail);
    faults.map(|it| format!("{id}: {}\n  {}", it.summary, it.details.join("\n  "))).collect()
}

fn folders(under: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(under).into_iter().flatten().map(|entry| entry.expect("the folder is readable").path());
    let mut folders: Vec<_> = listed.filter(|folder| folder.join("manifest.json").is_file()).collect();
    folders.sort();
    folders
}

/// Folders of plugins, and where their components are.
const PLACES: &[(&str, &str)] = &[
    ("plugins", "target/plugins"),
    ("plugins/examples", "target/plugins/examples"),
    ("examples", "target/plugins/examples"),
];
