//! Compiled code is kept, and only ours is loaded.

use std::borrow::Cow;
use std::fs;
use std::path::{Path, PathBuf};

use bursar_kernel::plugin::Plugins as _;
use bursar_plugin_host::{PluginHost, PluginHostConfig};

use crate::support::{Guest, config, context, data};

async fn from_cache(folder: &Path, key: [u8; 32]) -> bool {
    let built_ins = vec![("hostile", Cow::Owned(Guest::new().bytes()))];
    let config = PluginHostConfig { built_ins, cache_dir: Some(folder.to_owned()), cache_key: key, ..config() };
    let (host, events) = PluginHost::load(config).await.expect("the host starts");
    host.materialize("hostile", &data(""), "login", &context())
        .await
        .unwrap_or_else(|error| panic!("{error}: {events:?}"));
    host.info("hostile").expect("it is active").from_cache
}

fn entry(folder: &Path) -> PathBuf {
    let entries = fs::read_dir(folder).expect("the folder");
    let mut entries: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    assert_eq!(entries.len(), 1, "one entry, no leftovers");
    entries.remove(0)
}

#[tokio::test]
async fn the_second_start_does_not_compile() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("code");
    assert!(!from_cache(&cache, [1; 32]).await);
    assert!(from_cache(&cache, [1; 32]).await);
}

#[tokio::test]
async fn altered_code_is_compiled_anew() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!from_cache(folder.path(), [1; 32]).await);
    let file = entry(folder.path());
    let good = fs::read(&file).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    for bad in
        [flipped(0), flipped(40), flipped(good.len() / 2), flipped(good.len() - 1), good[..10].to_vec(), Vec::new()]
    {
        fs::write(&file, bad).unwrap();
        assert!(!from_cache(folder.path(), [1; 32]).await);
        assert_eq!(fs::read(entry(folder.path())).unwrap().len(), good.len(), "mended");
        assert!(from_cache(folder.path(), [1; 32]).await);
    }
}

#[tokio::test]
async fn code_under_another_key_is_not_loaded() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!from_cache(folder.path(), [1; 32]).await);
    assert!(!from_cache(folder.path(), [2; 32]).await);
}

#[cfg(unix)]
#[tokio::test]
async fn the_folder_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("code");
    from_cache(&cache, [1; 32]).await;
    assert_eq!(fs::metadata(&cache).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::metadata(entry(&cache)).unwrap().permissions().mode() & 0o777, 0o600);
}
