//! Keeps the folders of the build machine out of a Rust guest's component.
//!
//! Panic messages name source files. Those of dependencies are in cargo's home,
//! which differs between machines, so the same source would get different
//! digests. These flags make rustc write fixed names instead.

use std::path::{Path, PathBuf};

/// The folders of a build on this machine.
#[derive(Clone, Debug)]
pub struct BuildFolders {
    /// Cargo's home: `$CARGO_HOME`, or `.cargo` in the home folder.
    pub cargo_home: PathBuf,
    /// The toolchain's, as `rustc --print sysroot` says.
    pub sysroot: PathBuf,
    /// The commit that rustc was built from, as `rustc -vV` says.
    pub rustc_commit: String,
    /// The workspace, or the plugin's own folder.
    pub source: PathBuf,
    /// Cargo's target folder.
    pub target: PathBuf,
}

/// Flags for rustc that give every path in the component a fixed name.
#[must_use]
pub fn remap_flags(folders: &BuildFolders) -> Vec<String> {
    let library = folders.sysroot.join("lib/rustlib/src/rust");
    // The name without the component rust-src; with it, rustc names its local
    // copy.
    let library_name = format!("/rustc/{}", folders.rustc_commit);
    // The last match wins, so the outer folders come first.
    let mut names = vec![
        (folders.source.clone(), "/source".to_owned()),
        (folders.target.clone(), "/target".to_owned()),
        (folders.cargo_home.clone(), "/cargo".to_owned()),
        (folders.cargo_home.join("git/checkouts"), "/git".to_owned()),
        (folders.sysroot.clone(), "/toolchain".to_owned()),
        (library, library_name),
    ];
    // One folder for each registry and mirror; their contents differ by name
    // and version.
    names.extend(registries(&folders.cargo_home).into_iter().map(|folder| (folder, "/registry".to_owned())));
    let both = names.into_iter().flat_map(|(folder, name)| {
        // Some tools follow a link and others do not.
        let real = folder.canonicalize().ok().filter(|real| *real != folder);
        [Some(folder), real].into_iter().flatten().map(move |folder| (folder, name.clone()))
    });
    both.map(|(folder, name)| format!("--remap-path-prefix={}={name}", folder.display())).collect()
}

/// The folders of this machine that a component names.
#[must_use]
pub fn named_in(component: &[u8], folders: &BuildFolders) -> Vec<PathBuf> {
    let candidates = [&folders.source, &folders.target, &folders.cargo_home, &folders.sysroot];
    let is_named = |folder: &Path| {
        let text = folder.as_os_str().as_encoded_bytes();
        text.len() > 1 && component.windows(text.len()).any(|window| window == text)
    };
    candidates.into_iter().filter(|folder| is_named(folder)).cloned().collect()
}

fn registries(cargo_home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(cargo_home.join("registry/src"));
    let mut folders: Vec<_> = entries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folders(home: &Path) -> BuildFolders {
        BuildFolders {
            cargo_home: home.join("cargo"),
            sysroot: home.join("toolchain"),
            rustc_commit: "abc".to_owned(),
            source: home.join("source"),
            target: home.join("source/target"),
        }
    }

    #[test]
    fn the_last_flag_that_fits_names_the_innermost_folder() {
        let home = tempfile::tempdir().expect("a temporary folder");
        let folders = folders(home.path());
        let registry = folders.cargo_home.join("registry/src/index.example-1");
        std::fs::create_dir_all(&registry).expect("a folder");
        let flags = remap_flags(&folders);
        let name_of = |path: PathBuf| {
            let fitting = flags.iter().rev().find_map(|flag| {
                let (folder, name) = flag.strip_prefix("--remap-path-prefix=")?.rsplit_once('=')?;
                Some(format!("{name}/{}", path.strip_prefix(folder).ok()?.display()))
            });
            fitting.expect("a name")
        };
        assert_eq!(name_of(registry.join("serde-1.0.0/src/lib.rs")), "/registry/serde-1.0.0/src/lib.rs");
        assert_eq!(name_of(folders.cargo_home.join("git/checkouts/x/lib.rs")), "/git/x/lib.rs");
        assert_eq!(name_of(folders.source.join("src/lib.rs")), "/source/src/lib.rs");
        assert_eq!(name_of(folders.target.join("out/x.rs")), "/target/out/x.rs");
        let library = folders.sysroot.join("lib/rustlib/src/rust/library/core/src/lib.rs");
        assert_eq!(name_of(library), "/rustc/abc/library/core/src/lib.rs");
    }

    #[test]
    fn a_folder_that_is_named_is_found() {
        let folders = folders(Path::new("/somewhere"));
        let named = named_in(b"panicked at /somewhere/cargo/registry/src/x.rs", &folders);
        assert_eq!(named, std::slice::from_ref(&folders.cargo_home));
        assert!(named_in(b"panicked at /registry/x.rs", &folders).is_empty());
    }
}
