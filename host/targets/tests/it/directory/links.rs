//! A link at any component is neither followed nor removed.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;

use bursar_regions::{Owner, Seen, TargetError};
use serde_json::json;

use super::{World, files, foreign, open, ours, owner, put, remove, texts, write};

/// Something outside that looks like what is meant to be there, and is not to be touched.
struct Bait(PathBuf, (u32, i64, i64));

impl Bait {
    fn new(world: &World) -> Self {
        let path = world.outside.path().join("bait");
        write(&path.join("web/a"), "theirs");
        write(&path.join("a"), "theirs");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        Self(path, (metadata.mode(), metadata.mtime(), metadata.mtime_nsec()))
    }

    fn is_untouched(&self) {
        assert_eq!(files(&self.0), texts([("a", "theirs"), ("web/a", "theirs")]));
        let metadata = fs::metadata(&self.0).unwrap();
        assert_eq!((metadata.mode(), metadata.mtime(), metadata.mtime_nsec()), self.1);
    }
}

#[tokio::test]
async fn links_before_the_first_put_are_refused() {
    for place in ["team", "team/web", ".bursar", ".bursar/locks", ".bursar/accounts"] {
        let world = World::new().await;
        let web = owner("web");
        let bait = Bait::new(&world);
        let link = world.path().join(place);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(&bait.0, &link).unwrap();
        refused(&world, &web, place).await;
        let _ = world.remove(&web).await;
        bait.is_untouched();
        assert!(link.is_symlink(), "{place}");
        assert!(!files(&world.path()).values().any(|content| content == "2"), "{place}");
    }
}

#[tokio::test]
async fn links_in_place_of_what_is_ours_are_refused() {
    for place in ["team", "team/web", "team/web/a", ".bursar", "MANIFEST", "STAGING"] {
        let world = World::new().await;
        let web = owner("web");
        world.put(&web, &[("a", "1"), ("b", "1")]).await.unwrap();
        let bait = Bait::new(&world);
        let link = match place {
            "MANIFEST" => world.manifest(&web),
            "STAGING" => world.staging(&web),
            place => world.path().join(place),
        };
        let aside = world.outside.path().join("aside");
        let _ = fs::rename(&link, &aside);
        symlink(&bait.0, &link).unwrap();
        refused(&world, &web, place).await;
        foreign(world.look(&web).await);
        bait.is_untouched();

        // An artifact's place is given up; behind a directory's may be what we put there.
        let removed = world.remove(&web).await;
        assert_eq!(removed.is_ok(), place == "team/web/a", "{place}: {removed:?}");
        bait.is_untouched();
        assert!(link.is_symlink(), "{place}");

        fs::remove_file(&link).unwrap();
        if aside.exists() && place != "team/web/a" {
            fs::rename(&aside, &link).unwrap();
        }
        if place != "team/web/a" {
            world.put(&web, &[("a", "3")]).await.unwrap();
            assert_eq!(ours(world.look(&web).await), texts([("a", "3")]));
        }
        world.remove(&web).await.unwrap();
        bait.is_untouched();
    }
}

#[tokio::test]
async fn a_link_to_a_file_is_not_written_through() {
    let world = World::new().await;
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    let target = world.outside.path().join("target");
    write(&target, "1");
    let place = world.directory(&web).join("a");
    fs::remove_file(&place).unwrap();
    symlink(&target, &place).unwrap();
    refused(&world, &web, "artifact").await;
    assert_eq!(fs::read_to_string(&target).unwrap(), "1");

    // Also in our own corner, where a crash may have left things under these names.
    fs::remove_file(&place).unwrap();
    for name in [".bursar/locks/accounts", "MANIFEST.new"] {
        let link = match name {
            "MANIFEST.new" => world.manifest(&web).with_extension("json.new"),
            name => world.path().join(name),
        };
        let _ = fs::remove_file(&link);
        symlink(&target, &link).unwrap();
        let _ = world.put(&web, &[("new", "2")]).await;
        let _ = world.remove(&web).await;
        assert_eq!(fs::read_to_string(&target).unwrap(), "1", "{name}");
        let _ = fs::remove_file(&link);
    }
}

#[tokio::test]
async fn a_second_name_of_a_foreign_file_does_not_change_it() {
    let world = World::with(json!({"mode": "0640"})).await;
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    let theirs = world.outside.path().join("theirs");
    write(&theirs, "theirs");
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o604)).unwrap();
    let place = world.directory(&web).join("a");
    fs::remove_file(&place).unwrap();
    fs::hard_link(&theirs, &place).unwrap();
    world.put(&web, &[("a", "2")]).await.unwrap();
    assert_eq!(fs::read_to_string(&theirs).unwrap(), "theirs");
    assert_eq!(fs::metadata(&theirs).unwrap().mode() & 0o7777, 0o604);
    assert_eq!(fs::read_to_string(&place).unwrap(), "2");
}

#[tokio::test]
async fn the_path_itself_may_lead_through_links() {
    let outside = tempfile::tempdir().unwrap();
    fs::create_dir_all(outside.path().join("real/region")).unwrap();
    symlink(outside.path().join("real"), outside.path().join("link")).unwrap();
    let target = open(&outside.path().join("link/region"), json!({})).await;
    target.check().await.unwrap();
    let web = owner("web");
    put(&*target, &web, &[("a", "1")]).await.unwrap();
    assert_eq!(fs::read_to_string(outside.path().join("real/region/team/web/a")).unwrap(), "1");
    remove(&*target, &web).await.unwrap();
    assert!(!outside.path().join("real/region/team").exists());
}

async fn refused(world: &World, owner: &Owner, place: &str) {
    let refused = world.put(owner, &[("a", "2"), ("c", "2")]).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Foreign(text) if text.contains("symbolic link")), "{place}: {refused}");
    assert!(!matches!(world.look(owner).await, Seen::Ours(_)), "{place}");
}
