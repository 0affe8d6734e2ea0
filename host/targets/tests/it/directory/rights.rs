//! Modes and owners are as the settings say, whatever was there or is set by others.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;

use rustix::process::{getegid, geteuid, umask};
use serde_json::json;

use super::{World, child, open, ours, owner, put, role, texts};

#[tokio::test]
async fn no_umask_changes_them() {
    if let Some((mask, path)) = role() {
        umask(rustix::fs::Mode::from_raw_mode(u32::from_str_radix(&mask, 8).unwrap()));
        for (name, settings) in [("plain", json!({})), ("open", json!({"mode": "0664", "directoryMode": "0775"}))] {
            let target = open(&path.join(name), settings).await;
            let owner = owner("web");
            put(&*target, &owner, &[("a", "1")]).await.unwrap();
            put(&*target, &owner, &[("a", "2"), ("b", "2")]).await.unwrap();
        }
        return;
    }
    for mask in ["000", "027", "077"] {
        let outside = tempfile::tempdir().unwrap();
        let test = "directory::rights::no_umask_changes_them";
        assert!(child(test, mask, outside.path()).output().unwrap().status.success());
        for (name, file, directory) in [("plain", 0o600, 0o700), ("open", 0o664, 0o775)] {
            let region = outside.path().join(name);
            for place in ["", "team", "team/web"] {
                assert_eq!(mode(&region.join(place)), directory, "{mask} {name}/{place}");
            }
            assert_eq!(mode(&region.join("team/web/a")), file, "{mask} {name}");
            assert_eq!(mode(&region.join("team/web/b")), file, "{mask} {name}");
            assert_eq!(mode(&region.join(".bursar")), 0o700, "{mask} {name}");
        }
    }
}

#[tokio::test]
async fn a_changed_mode_is_drift_and_put_right() {
    let world = World::new().await;
    let web = owner("web");
    let wanted = [("a", "1"), ("b", "2")];
    world.put(&web, &wanted).await.unwrap();
    let directory = world.directory(&web);

    set_mode(&directory.join("a"), 0o644);
    assert_eq!(ours(world.look(&web).await), texts([("b", "2")]));
    world.put(&web, &wanted).await.unwrap();
    assert_eq!(mode(&directory.join("a")), 0o600);
    assert_eq!(ours(world.look(&web).await), texts(wanted));

    for place in [&directory, &world.path().join("team")] {
        set_mode(place, 0o755);
        assert_eq!(ours(world.look(&web).await), BTreeMap::new());
        world.put(&web, &wanted).await.unwrap();
        assert_eq!(mode(place), 0o700);
        assert_eq!(ours(world.look(&web).await), texts(wanted));
    }
}

#[tokio::test]
async fn new_settings_are_put_in_force() {
    let world = World::new().await;
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    let opened = open(&world.path(), json!({"mode": "0640", "directoryMode": "0750"})).await;
    put(&*opened, &web, &[("a", "1")]).await.unwrap();
    assert_eq!(mode(&world.directory(&web).join("a")), 0o640);
    assert_eq!(mode(&world.directory(&web)), 0o750);
}

#[tokio::test]
async fn the_directory_of_an_account_that_others_made_keeps_its_mode() {
    let world = World::new().await;
    let team = world.path().join("team");
    fs::create_dir_all(&team).unwrap();
    set_mode(&team, 0o755);
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    world.put(&web, &[("a", "2")]).await.unwrap();
    assert_eq!(mode(&team), 0o755);
    assert_eq!(ours(world.look(&web).await), texts([("a", "2")]));
}

#[tokio::test]
async fn the_owner_is_as_wanted() {
    // Only root can give files away; everybody can keep them.
    let (uid, gid) = if geteuid().is_root() { (12345, 23456) } else { (geteuid().as_raw(), getegid().as_raw()) };
    let world = World::with(json!({"owner": format!("{uid}:{gid}")})).await;
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    let directory = world.directory(&web);
    for place in [world.path(), world.path().join("team"), directory.clone(), directory.join("a")] {
        let metadata = fs::metadata(&place).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (uid, gid), "{}", place.display());
    }
    assert_eq!(mode(&directory.join("a")), 0o600);
    assert_eq!(ours(world.look(&web).await), texts([("a", "1")]));
    if geteuid().is_root() {
        chown(directory.join("a"), Some(0), None).unwrap();
        assert_eq!(ours(world.look(&web).await), BTreeMap::new());
    }
    world.put(&web, &[("a", "1")]).await.unwrap();
    assert_eq!(fs::metadata(directory.join("a")).unwrap().uid(), uid);
    world.remove(&web).await.unwrap();
    assert!(world.tops().is_empty());
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
