//! What others made survives everything.

use std::fs;
use std::os::unix::net::UnixListener;

use bursar_regions::{Owner, TargetError};
use uuid::Uuid;

use super::{Now as _, World, foreign, ours, owner, renamed, texts, write};

#[tokio::test]
async fn foreign_files_survive_put_rename_and_remove() {
    let world = World::new().await;
    let web = owner("web");
    world.put(&web, &[("a", "1"), ("b", "1")]).await.unwrap();
    let mut theirs = texts([]);
    for place in ["note", "team/note", "team/web/note", "team/web/sub/deep", "other/web/a", ".bursar/note"] {
        write(&world.path().join(place), place);
        if !place.starts_with(".bursar") {
            theirs.insert(place.to_owned(), place.to_owned());
        }
    }
    let new = renamed(&web, "new");
    world.put(&web, &[("a", "2"), ("c", "2")]).await.unwrap();
    world.put(&new, &[("a", "2")]).await.unwrap();
    world.remove(&web).await.unwrap();
    world.put(&new, &[("b", "3")]).await.unwrap();
    let mut all = theirs.clone();
    all.insert("team/new/b".into(), "3".into());
    assert_eq!(world.files(), all);

    world.remove(&new).await.unwrap();
    assert_eq!(world.files(), theirs);
    assert_eq!(fs::read_to_string(world.corner().join("note")).unwrap(), ".bursar/note");
}

#[tokio::test]
async fn a_directory_that_is_not_ours_is_a_collision() {
    let world = World::new().await;
    let web = owner("web");
    write(&world.path().join("team/web/a"), "theirs");
    let refused = world.put(&web, &[("a", "ours"), ("b", "ours")]).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Foreign(text) if text.contains("team/web")), "{refused}");
    assert!(foreign(world.look(&web).await).contains("team/web"));
    world.remove(&web).await.unwrap();
    assert_eq!(world.files(), texts([("team/web/a", "theirs")]));
    assert!(!world.manifest(&web).exists() && !world.staging(&web).exists());

    fs::remove_file(world.path().join("team/web/a")).unwrap();
    let refused = world.put(&web, &[("a", "ours")]).await.unwrap_err();
    assert!(matches!(refused, TargetError::Foreign(_)), "an empty directory is somebody's too: {refused}");

    fs::remove_dir(world.path().join("team/web")).unwrap();
    world.put(&web, &[("a", "ours")]).await.unwrap();
    assert_eq!(ours(world.look(&web).await), texts([("a", "ours")]));
}

#[tokio::test]
async fn a_file_that_is_not_ours_is_a_collision_and_nothing_is_written() {
    let world = World::new().await;
    let web = owner("web");
    world.put(&web, &[("a", "1")]).await.unwrap();
    write(&world.directory(&web).join("b"), "theirs");
    let refused = world.put(&web, &[("a", "2"), ("b", "2")]).await.unwrap_err();
    assert!(matches!(&refused, TargetError::Foreign(text) if text.contains("team/web/b")), "{refused}");
    assert_eq!(world.files(), texts([("team/web/a", "1"), ("team/web/b", "theirs")]));
    world.remove(&web).await.unwrap();
    assert_eq!(world.files(), texts([("team/web/b", "theirs")]));
}

#[tokio::test]
async fn things_of_other_kinds_in_the_way_are_left() {
    for kind in ["directory", "socket", "pipe"] {
        let world = World::new().await;
        let web = owner("web");
        world.put(&web, &[("a", "1"), ("b", "1")]).await.unwrap();
        let place = world.directory(&web).join("a");
        fs::remove_file(&place).unwrap();
        match kind {
            "directory" => fs::create_dir(&place).unwrap(),
            "socket" => drop(UnixListener::bind(&place).unwrap()),
            _ => rustix::fs::mknodat(rustix::fs::CWD, &place, rustix::fs::FileType::Fifo, rustix::fs::Mode::RWXU, 0)
                .unwrap(),
        }
        let refused = world.put(&web, &[("a", "2"), ("b", "2")]).await.unwrap_err();
        assert!(matches!(&refused, TargetError::Foreign(_)), "{kind}: {refused}");
        assert!(foreign(world.look(&web).await).contains("team/web/a"));
        assert_eq!(world.files(), texts([("team/web/b", "1")]));
        world.remove(&web).await.unwrap();
        assert!(place.symlink_metadata().is_ok(), "{kind}");
        assert!(world.files().is_empty());
    }
}

#[tokio::test]
async fn a_credential_of_a_name_that_another_left_behind_is_a_collision() {
    let world = World::new().await;
    let (first, second) = (owner("web"), owner("web"));
    world.put(&first, &[("a", "first")]).await.unwrap();
    let refused = world.put(&second, &[("a", "second")]).await.unwrap_err();
    assert!(matches!(refused, TargetError::Foreign(_)), "{refused}");
    world.remove(&second).await.unwrap();
    assert_eq!(ours(world.look(&first).await), texts([("a", "first")]));
    world.remove(&first).await.unwrap();
    world.put(&second, &[("a", "second")]).await.unwrap();
    assert_eq!(world.files(), texts([("team/web/a", "second")]));
}

#[tokio::test]
async fn two_installations_share_a_directory_and_never_meet() {
    let world = World::new().await;
    let one = owner("web");
    let two = Owner { installation: Uuid::now(), ..owner("web") };
    let two_beside = Owner { credential_name: "mail".into(), ..two.clone() };
    world.put(&one, &[("a", "one")]).await.unwrap();
    assert!(matches!(world.put(&two, &[("a", "two")]).await, Err(TargetError::Foreign(_))));
    world.put(&two_beside, &[("a", "two")]).await.unwrap();
    world.remove(&two).await.unwrap();
    assert_eq!(world.files(), texts([("team/mail/a", "two"), ("team/web/a", "one")]));

    // A copy of the same records that became another installation.
    let copy = Owner { installation: Uuid::now(), ..one.clone() };
    assert!(matches!(world.put(&copy, &[("a", "copy")]).await, Err(TargetError::Foreign(_))));
    foreign(world.look(&copy).await);
    world.remove(&copy).await.unwrap();
    assert_eq!(ours(world.look(&one).await), texts([("a", "one")]));

    // The account's directory stays until the last of them is gone.
    world.remove(&one).await.unwrap();
    assert_eq!(world.files(), texts([("team/mail/a", "two")]));
    world.remove(&two_beside).await.unwrap();
    assert!(world.tops().is_empty());
}

#[tokio::test]
async fn a_manifest_that_cannot_be_read_claims_nothing() {
    for content in ["", "{}", "not json", "[1, 2]"] {
        let world = World::new().await;
        let web = owner("web");
        world.put(&web, &[("a", "1")]).await.unwrap();
        fs::write(world.manifest(&web), content).unwrap();
        assert!(matches!(world.put(&web, &[("a", "2")]).await, Err(TargetError::Foreign(_))), "{content}");
        assert!(matches!(world.remove(&web).await, Err(TargetError::Foreign(_))), "{content}");
        foreign(world.look(&web).await);
        assert_eq!(world.files(), texts([("team/web/a", "1")]));
        assert_eq!(fs::read_to_string(world.manifest(&web)).unwrap(), content);
    }
}
