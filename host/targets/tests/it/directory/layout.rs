//! Where things go, and what of them is written again.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use bursar_regions::{Seen, TargetError};

use super::{World, names, ours, owner, renamed, texts};

#[tokio::test]
async fn a_credential_comes_changes_and_goes() {
    let world = World::new().await;
    let owner = owner("web");
    assert!(matches!(world.look(&owner).await, Seen::Nothing));

    world.put(&owner, &[("tls.crt", "c1"), ("tls.key", "k1")]).await.unwrap();
    assert_eq!(world.files(), texts([("team/web/tls.crt", "c1"), ("team/web/tls.key", "k1")]));
    assert_eq!(ours(world.look(&owner).await), texts([("tls.crt", "c1"), ("tls.key", "k1")]));

    world.put(&owner, &[("tls.crt", "c2"), ("ca.crt", "a2")]).await.unwrap();
    assert_eq!(world.files(), texts([("team/web/ca.crt", "a2"), ("team/web/tls.crt", "c2")]));

    world.remove(&owner).await.unwrap();
    assert!(world.tops().is_empty());
    assert!(!world.manifest(&owner).exists());
    assert!(matches!(world.look(&owner).await, Seen::Nothing));
    world.remove(&owner).await.unwrap();
}

#[tokio::test]
async fn what_is_right_is_not_written_again() {
    let world = World::new().await;
    let owner = owner("web");
    world.put(&owner, &[("a", "1"), ("b", "1")]).await.unwrap();
    let (a, b, manifest) =
        (world.directory(&owner).join("a"), world.directory(&owner).join("b"), world.manifest(&owner));
    let before = [stamp(&a), stamp(&b), stamp(&manifest), stamp(&world.directory(&owner))];
    world.put(&owner, &[("a", "1"), ("b", "1")]).await.unwrap();
    assert_eq!([stamp(&a), stamp(&b), stamp(&manifest), stamp(&world.directory(&owner))], before);

    world.put(&owner, &[("a", "1"), ("b", "2")]).await.unwrap();
    assert_eq!([stamp(&a), stamp(&manifest)], [before[0], before[2]]);
    assert_ne!(stamp(&b), before[1]);
}

#[tokio::test]
async fn a_rename_is_put_at_the_new_place_and_removed_at_the_old() {
    let world = World::new().await;
    let old = owner("old");
    let new = renamed(&old, "new");
    world.put(&old, &[("a", "1")]).await.unwrap();
    world.put(&new, &[("a", "1")]).await.unwrap();
    assert_eq!(world.files(), texts([("team/new/a", "1"), ("team/old/a", "1")]));
    assert_eq!(ours(world.look(&old).await), texts([("a", "1")]));
    world.remove(&old).await.unwrap();
    assert_eq!(world.files(), texts([("team/new/a", "1")]));
    assert_eq!(ours(world.look(&new).await), texts([("a", "1")]));
    world.remove(&new).await.unwrap();
    assert!(world.tops().is_empty());
}

#[tokio::test]
async fn what_was_edited_or_deleted_by_hand_is_told_and_put_right() {
    let world = World::new().await;
    let owner = owner("web");
    let wanted = [("a", "1"), ("b", "2")];
    world.put(&owner, &wanted).await.unwrap();

    fs::write(world.directory(&owner).join("a"), "by hand").unwrap();
    fs::remove_file(world.directory(&owner).join("b")).unwrap();
    assert_eq!(ours(world.look(&owner).await), texts([("a", "by hand")]));
    world.put(&owner, &wanted).await.unwrap();
    assert_eq!(ours(world.look(&owner).await), texts(wanted));

    fs::remove_dir_all(world.path().join("team")).unwrap();
    assert!(matches!(world.look(&owner).await, Seen::Nothing));
    world.put(&owner, &wanted).await.unwrap();
    assert_eq!(ours(world.look(&owner).await), texts(wanted));
    fs::remove_dir_all(world.directory(&owner)).unwrap();
    world.remove(&owner).await.unwrap();
    assert!(world.tops().is_empty());
}

#[tokio::test]
async fn an_account_directory_goes_only_if_the_broker_made_it() {
    let world = World::new().await;
    fs::create_dir_all(world.path().join("team")).unwrap();
    let owner = owner("web");
    world.put(&owner, &[("a", "1")]).await.unwrap();
    world.remove(&owner).await.unwrap();
    assert_eq!(world.tops(), ["team"]);
}

#[tokio::test]
async fn a_manifest_is_private_and_holds_no_content() {
    let world = World::new().await;
    let owner = owner("web");
    world.put(&owner, &[("token", "s3cret-token")]).await.unwrap();
    let manifest = fs::read_to_string(world.manifest(&owner)).unwrap();
    assert!(manifest.contains("team/web") && manifest.contains("token"));
    assert!(!manifest.contains("s3cret"));
    assert_eq!(fs::metadata(world.manifest(&owner)).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(fs::metadata(world.corner()).unwrap().mode() & 0o7777, 0o700);
    let mut left = names(&world.corner());
    left.retain(|name| *name != format!("{}.json", owner.credential));
    assert_eq!(left, ["accounts", "locks"]);
}

#[tokio::test]
async fn names_that_no_file_can_have_are_not_accepted() {
    let world = World::new().await;
    for name in ["", ".", "..", "a/b", "../../escaped", "a\0b", &"x".repeat(256)] {
        let refused = world.put(&owner("web"), &[("fine", "1"), (name, "2")]).await.unwrap_err();
        assert!(matches!(refused, TargetError::Invalid(_)), "{name:?}: {refused}");
    }
    let twice = world.put(&owner("web"), &[("a", "1"), ("a", "2")]).await.unwrap_err();
    assert!(matches!(twice, TargetError::Invalid(_)), "{twice}");
    for name in ["", "..", "a/b", ".hidden", &"x".repeat(256)] {
        assert!(matches!(world.target.place(&owner(name)), Err(TargetError::Invalid(_))), "{name:?}");
    }
    assert!(!world.path().exists());
    world.put(&owner("web"), &[(&"x".repeat(253), "1")]).await.unwrap();
}

/// Tells whether a file is the same one, untouched.
fn stamp(path: &Path) -> (u64, i64, i64) {
    let metadata = fs::metadata(path).unwrap();
    (metadata.ino(), metadata.mtime(), metadata.mtime_nsec())
}
