//! What people are told when the file system will not.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use bursar_regions::{Seen, TargetError};
use rustix::process::geteuid;
use serde_json::json;

use super::{World, child, files, names, open, ours, owner, put, remove, role, texts};

#[tokio::test]
async fn a_check_says_whether_it_could_be_and_leaves_nothing() {
    let world = World::new().await;
    world.target.check().await.unwrap();
    assert!(!world.path().exists());
    fs::create_dir(world.path()).unwrap();
    world.target.check().await.unwrap();
    assert!(names(&world.path()).is_empty());

    fs::remove_dir(world.path()).unwrap();
    fs::write(world.path(), "a file").unwrap();
    let refused = world.target.check().await.unwrap_err();
    assert!(matches!(&refused, TargetError::Foreign(text) if text.contains("not a directory")), "{refused}");
    let refused = world.put(&owner("web"), &[("a", "1")]).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Foreign(text) if text.contains("not a directory")), "{refused}");
}

#[tokio::test]
async fn a_path_whose_parent_is_missing_is_not_made() {
    let outside = tempfile::tempdir().unwrap();
    let path = outside.path().join("not/there");
    let target = open(&path, json!({})).await;
    let web = owner("web");
    for told in [target.check().await.unwrap_err(), put(&*target, &web, &[("a", "1")]).await.unwrap_err()] {
        assert!(matches!(&told, TargetError::Unreachable(text) if text.contains("not/there")), "{told}");
    }
    assert!(matches!(target.look("team/web", &web).await.unwrap(), Seen::Nothing));
    remove(&*target, &web).await.unwrap();
    assert!(names(outside.path()).is_empty());
}

#[tokio::test]
async fn who_may_not_write_is_told_where_and_what_to_do() {
    if let Some((who, path)) = role() {
        let web = owner("web");
        let mut regions = vec![("closed", "/closed"), ("closed/region", "/closed")];
        // Who owns the corner opens it again.
        regions.extend((who == "nobody").then_some(("in-the-corner", "/.bursar")));
        for (region, name) in regions {
            let target = open(&path.join(region), json!({})).await;
            for told in [target.check().await.unwrap_err(), put(&*target, &web, &[("a", "1")]).await.unwrap_err()] {
                assert!(matches!(&told, TargetError::Refused(text) if text.contains(name)), "{region}: {told}");
            }
        }
        let target = open(&path.join("open"), json!({"owner": "0"})).await;
        let told = put(&*target, &web, &[("a", "1")]).await.unwrap_err();
        assert!(matches!(&told, TargetError::Refused(text) if text.contains("`owner`")), "{told}");
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    for name in ["closed", "in-the-corner/.bursar", "open"] {
        fs::create_dir_all(outside.path().join(name)).unwrap();
        let mode = if name == "open" { 0o777 } else { 0o555 };
        fs::set_permissions(outside.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    fs::set_permissions(outside.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(outside.path().join("in-the-corner"), fs::Permissions::from_mode(0o777)).unwrap();
    let test = "directory::faults::who_may_not_write_is_told_where_and_what_to_do";
    let mut child = child(test, if geteuid().is_root() { "nobody" } else { "owner" }, outside.path());
    if geteuid().is_root() {
        child.uid(NOBODY).gid(NOBODY);
    }
    succeeds(child);
    fs::set_permissions(outside.path().join("closed"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn a_full_or_read_only_disk_is_told_and_costs_nothing() {
    if let Some((_, path)) = role() {
        let full = path.join("full");
        let target = open(&full, json!({})).await;
        let (web, mail) = (owner("web"), owner("mail"));
        put(&*target, &web, &[("a", "1")]).await.unwrap();
        let large = "x".repeat(300_000);
        for owner in [&web, &mail] {
            let told = put(&*target, owner, &[("a", "2"), ("b", &large), ("c", &large)]).await.unwrap_err();
            assert!(matches!(&told, TargetError::Unreachable(text) if text.contains("disk is full")), "{told}");
        }
        let seen = target.look("team/web", &web).await.unwrap();
        assert_eq!(ours(seen), texts([("a", "1")]));
        assert!(!files(&full).keys().any(|name| name.contains(".staging")));
        put(&*target, &web, &[("a", "2")]).await.unwrap();
        remove(&*target, &web).await.unwrap();

        let target = open(&path.join("fixed"), json!({})).await;
        for told in [target.check().await.unwrap_err(), put(&*target, &web, &[("a", "1")]).await.unwrap_err()] {
            assert!(matches!(&told, TargetError::Refused(text) if text.contains("read-only")), "{told}");
        }
        return;
    }
    let outside = tempfile::tempdir().unwrap();
    for name in ["full", "fixed"] {
        fs::create_dir(outside.path().join(name)).unwrap();
    }
    let test = "directory::faults::a_full_or_read_only_disk_is_told_and_costs_nothing";
    succeeds(in_a_mount_namespace(&child(test, "mounted", outside.path()), outside.path()));
}

/// The command with two small disks, in mounts that end with it.
fn in_a_mount_namespace(command: &Command, path: &Path) -> Command {
    let mut unshare = Command::new("unshare");
    if !geteuid().is_root() {
        unshare.arg("--map-root-user");
    }
    unshare.args(["--mount", "sh", "-ec", MOUNT, "sh"]).arg(path).arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        unshare.env(name, value.unwrap());
    }
    unshare
}

fn succeeds(mut command: Command) {
    let output = command.output().unwrap();
    let told = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&told));
    assert!(String::from_utf8_lossy(&told).contains("1 passed"));
}

const MOUNT: &str = "
    mount -t tmpfs -o size=512k bursar-full \"$1/full\"
    mount -t tmpfs -o ro bursar-fixed \"$1/fixed\"
    shift
    exec \"$@\"";
const NOBODY: u32 = 65534;
