//! What a crash leaves is known as ours, cleaned up, and claims nothing else.

use std::fs;
use std::time::Duration;

use bursar_kernel::id::{AccountId, CredentialId};
use bursar_regions::{Owner, Seen, TargetError};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{World, child, foreign, names, open, ours, owner, put, role, texts, write};

/// A state on the disk, made by hand as a crash would leave it.
type State = (&'static str, fn(&World, &Owner));

/// Of a first put of `a` and `b`.
const FIRST: &[State] = &[
    ("while staging", |world, owner| write(&world.staging(owner).join("a"), "ne")),
    ("with half a manifest", |world, owner| {
        write(&world.staging(owner).join("a"), "new");
        write(&world.manifest(owner).with_extension("json.new"), "{\"installa");
    }),
    ("after the manifest", |world, owner| {
        stage(world, owner, &["a", "b"]);
        claim(world, owner, &json!({"artifacts": [], "arriving": ["a", "b"]}));
    }),
    ("after the account's directory", |world, owner| {
        stage(world, owner, &["a", "b"]);
        claim(world, owner, &json!({"artifacts": [], "arriving": ["a", "b"]}));
        write(&world.corner().join("accounts/team"), &owner.installation.to_string());
        fs::create_dir_all(world.path().join("team")).unwrap();
    }),
    ("after the rename", |world, owner| {
        arrive(world, owner, &["a", "b"]);
        claim(world, owner, &json!({"artifacts": [], "arriving": ["a", "b"]}));
    }),
];

/// Of a put of `a` and `b` over `a` and `old`.
const SECOND: &[State] = &[
    ("while staging", |world, owner| write(&world.staging(owner).join("b"), "ne")),
    ("after the manifest", |world, owner| {
        stage(world, owner, &["a", "b"]);
        claim(world, owner, &json!({"artifacts": ["a", "old"], "arriving": ["b"]}));
    }),
    ("after one rename", |world, owner| {
        stage(world, owner, &["a"]);
        arrive(world, owner, &["b"]);
        claim(world, owner, &json!({"artifacts": ["a", "old"], "arriving": ["b"]}));
    }),
    ("after all renames", |world, owner| {
        stage(world, owner, &[]);
        arrive(world, owner, &["a", "b"]);
        claim(world, owner, &json!({"artifacts": ["a", "old"], "arriving": ["b"]}));
    }),
    ("after what is no longer wanted went", |world, owner| {
        arrive(world, owner, &["a", "b"]);
        fs::remove_file(world.directory(owner).join("old")).unwrap();
        claim(world, owner, &json!({"artifacts": ["a", "old"], "arriving": ["b"]}));
    }),
];

/// Of a removal of `a` and `old`.
const REMOVAL: &[State] = &[
    ("after one file", |world, owner| fs::remove_file(world.directory(owner).join("a")).unwrap()),
    ("after the directory", |world, owner| fs::remove_dir_all(world.directory(owner)).unwrap()),
    ("after the account's directory", |world, _| fs::remove_dir_all(world.path().join("team")).unwrap()),
];

#[tokio::test]
async fn a_first_put_goes_on_or_is_taken_back() {
    for (name, state) in FIRST {
        for again in [true, false] {
            let world = World::new().await;
            let web = owner("web");
            state(&world, &web);
            ends_well(&world, &web, again, name).await;
        }
    }
}

#[tokio::test]
async fn a_second_put_and_a_removal_go_on_or_are_taken_back() {
    for (name, state) in SECOND.iter().chain(REMOVAL) {
        for again in [true, false] {
            let world = World::new().await;
            let web = owner("web");
            world.put(&web, &[("a", "was"), ("old", "was")]).await.unwrap();
            state(&world, &web);
            ends_well(&world, &web, again, name).await;
        }
    }
}

#[tokio::test]
async fn what_others_make_after_a_crash_is_theirs() {
    for (name, state) in &FIRST[..4] {
        let world = World::new().await;
        let web = owner("web");
        state(&world, &web);
        write(&world.directory(&web).join("a"), "theirs");
        foreign(world.look(&web).await);
        assert!(matches!(world.put(&web, &NEW).await, Err(TargetError::Foreign(_))), "{name}");
        world.remove(&web).await.unwrap();
        assert_eq!(world.files(), texts([("team/web/a", "theirs")]), "{name}");
    }
    for (name, state) in &SECOND[..2] {
        let world = World::new().await;
        let web = owner("web");
        world.put(&web, &[("a", "was"), ("old", "was")]).await.unwrap();
        state(&world, &web);
        write(&world.directory(&web).join("b"), "theirs");
        assert_eq!(ours(world.look(&web).await), texts([]), "{name}: something is to be cleared");
        assert!(matches!(world.put(&web, &NEW).await, Err(TargetError::Foreign(_))), "{name}");
        let files = texts([("team/web/a", "was"), ("team/web/b", "theirs"), ("team/web/old", "was")]);
        assert_eq!(world.files(), files, "{name}");
        world.remove(&web).await.unwrap();
        assert_eq!(world.files(), texts([("team/web/b", "theirs")]), "{name}");
    }
}

#[tokio::test]
async fn a_look_sees_what_a_crash_left_and_changes_nothing() {
    for (name, state) in FIRST {
        let world = World::new().await;
        let web = owner("web");
        state(&world, &web);
        let before = super::files(&world.path());
        match world.look(&web).await {
            Seen::Ours(_) => assert_eq!(*name, "after the rename"),
            seen => assert_eq!(super::tell(&seen), "nothing", "{name}"),
        }
        assert_eq!(super::files(&world.path()), before, "{name}");
    }
}

/// Else nobody would put again, and what waits, which may be a secret that went
/// nowhere, would stay.
#[tokio::test]
async fn what_a_crash_left_beside_what_is_right_is_cleared_by_another_put() {
    for left in ["staging", "json.new"] {
        let world = World::new().await;
        let web = owner("web");
        world.put(&web, &NEW).await.unwrap();
        assert_eq!(ours(world.look(&web).await), texts(NEW));
        let file = world.corner().join(format!("{}.{left}", web.credential));
        write(&if left == "staging" { file.join("a") } else { file.clone() }, "another secret");
        assert_eq!(ours(world.look(&web).await), texts([]), "{left}");
        world.put(&web, &NEW).await.unwrap();
        assert_eq!((ours(world.look(&web).await), file.exists()), (texts(NEW), false), "{left}");
    }
}

#[tokio::test]
async fn killed_at_any_moment_nothing_is_half_there_and_nothing_stays() {
    let web = |name: &str| Owner {
        installation: Uuid::from_u128(1),
        account: AccountId(Uuid::from_u128(2)),
        account_name: "team".into(),
        credential: CredentialId(Uuid::from_u128(3)),
        credential_name: name.into(),
    };
    let content = |letter: &str| letter.repeat(50_000);
    if let Some((_, path)) = role() {
        let target = open(&path, json!({})).await;
        for round in 0.. {
            let owner = web(if round % 2 == 0 { "web" } else { "mail" });
            for letter in ["x", "y"] {
                let names: &[&str] = if letter == "x" { &["a", "b"] } else { &["b", "c"] };
                let content = content(letter);
                let files: Vec<_> = names.iter().map(|name| (*name, content.as_str())).collect();
                put(&*target, &owner, &files).await.unwrap();
            }
            super::remove(&*target, &owner).await.unwrap();
        }
    }
    let world = World::new().await;
    write(&world.path().join("team/web2/a"), "theirs");
    for round in 0..20 {
        let test = "directory::crash::killed_at_any_moment_nothing_is_half_there_and_nothing_stays";
        let mut child = child(test, "put", &world.path()).stdout(std::process::Stdio::null()).spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(30 + rand::random::<u64>() % 60)).await;
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        child.kill().unwrap();
        child.wait().unwrap();
        for (name, text) in world.files() {
            assert!(text == "theirs" || text == content("x") || text == content("y"), "round {round}: half of {name}");
        }
        if round % 2 == 0 {
            world.put(&web("web"), &[("c", "z")]).await.unwrap();
            assert_eq!(ours(world.look(&web("web")).await), texts([("c", "z")]));
        }
        for name in ["web", "mail"] {
            world.remove(&web(name)).await.unwrap();
        }
        assert_eq!(world.files(), texts([("team/web2/a", "theirs")]), "round {round}");
        assert_eq!(names(&world.path().join("team")), ["web2"]);
        is_clean(&world, &web("web"));
    }
}

async fn ends_well(world: &World, owner: &Owner, again: bool, state: &str) {
    if again {
        world.put(owner, &NEW).await.unwrap_or_else(|error| panic!("{state}: {error}"));
        assert_eq!(world.files(), texts([("team/web/a", "new"), ("team/web/b", "new")]), "{state}");
        assert_eq!(ours(world.look(owner).await), texts(NEW), "{state}");
        assert!(!world.staging(owner).exists(), "{state}");
    }
    world.remove(owner).await.unwrap_or_else(|error| panic!("{state}: {error}"));
    assert!(world.files().is_empty(), "{state}");
    is_clean(world, owner);
    let left = world.path().join("team");
    assert!(!left.exists() || state == "after the rename", "{state}");
}

fn is_clean(world: &World, owner: &Owner) {
    assert!(!world.manifest(owner).exists() && !world.staging(owner).exists());
    assert!(names(&world.corner()).iter().all(|name| name == "locks" || name == "accounts"));
}

fn stage(world: &World, owner: &Owner, names: &[&str]) {
    fs::create_dir_all(world.staging(owner)).unwrap();
    for name in names {
        write(&world.staging(owner).join(name), "new");
    }
}

fn arrive(world: &World, owner: &Owner, names: &[&str]) {
    for name in names {
        write(&world.directory(owner).join(name), "new");
    }
}

fn claim(world: &World, owner: &Owner, contents: &Value) {
    let manifest = json!({
        "installation": owner.installation,
        "account": owner.account,
        "credential": owner.credential,
        "directories": {"team/web": contents},
    });
    write(&world.manifest(owner), &manifest.to_string());
}

const NEW: [(&str, &str); 2] = [("a", "new"), ("b", "new")];
