//! The `directory` target on real file systems.

mod atomic;
mod crash;
mod faults;
mod foreign;
mod layout;
mod links;
mod rights;
mod settings;
mod shared;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bursar_kernel::id::{AccountId, CredentialId, Name, RegionId};
use bursar_kernel::plugin::Artifact;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{DriftPolicy, Mode, Owner, Parcel, Region, Removal, Seen, Target, TargetError, Targets as _};
use bursar_targets::SystemTargets;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;
use zeroize::Zeroizing;

/// A region's directory in a temporary one, which also holds what lies outside.
struct World {
    outside: TempDir,
    target: Arc<dyn Target>,
}

impl World {
    async fn new() -> Self {
        Self::with(json!({})).await
    }

    /// With settings beside the path.
    async fn with(settings: Value) -> Self {
        let outside = tempfile::tempdir().unwrap();
        let target = open(&outside.path().join("region"), settings).await;
        Self { outside, target }
    }

    fn path(&self) -> PathBuf {
        self.outside.path().join("region")
    }

    async fn put(&self, owner: &Owner, files: &[(&str, &str)]) -> Result<(), TargetError> {
        put(&*self.target, owner, files).await
    }

    async fn remove(&self, owner: &Owner) -> Result<(), TargetError> {
        remove(&*self.target, owner).await
    }

    async fn look(&self, owner: &Owner) -> Seen {
        let place = self.target.place(owner).unwrap();
        self.target.look(&place, owner).await.unwrap()
    }

    /// Where an owner's artifacts are.
    fn directory(&self, owner: &Owner) -> PathBuf {
        self.path().join(&owner.account_name).join(&owner.credential_name)
    }

    fn corner(&self) -> PathBuf {
        self.path().join(".bursar")
    }

    fn manifest(&self, owner: &Owner) -> PathBuf {
        self.corner().join(format!("{}.json", owner.credential))
    }

    fn staging(&self, owner: &Owner) -> PathBuf {
        self.corner().join(format!("{}.staging", owner.credential))
    }

    /// Every file below the path but those of the broker's corner.
    fn files(&self) -> BTreeMap<String, String> {
        files(&self.path()).into_iter().filter(|(name, _)| !name.starts_with(".bursar")).collect()
    }

    /// What stands directly below the path but the broker's corner.
    fn tops(&self) -> Vec<String> {
        names(&self.path()).into_iter().filter(|name| name != ".bursar").collect()
    }
}

async fn open(path: &Path, settings: Value) -> Arc<dyn Target> {
    let mut settings = settings;
    settings["path"] = path.to_str().unwrap().into();
    let settings = SecretJson::new(settings);
    let targets = SystemTargets::default();
    assert_eq!(targets.judge("directory", &settings), Vec::new());
    targets.open(Uuid::now(), &region(settings), None).await.unwrap()
}

fn region(settings: SecretJson) -> Region {
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    Region {
        id: RegionId(Uuid::now()),
        name: Name::parse("eu").unwrap(),
        title: String::new(),
        target: "directory".into(),
        settings,
        login: None,
        drift: DriftPolicy::Repair,
        mode: Mode::Active,
        accounts: None,
        created_at: at,
        updated_at: at,
    }
}

/// A new credential of account `team` in one installation.
fn owner(name: &str) -> Owner {
    Owner {
        installation: Uuid::from_u128(1),
        account: AccountId(Uuid::from_u128(2)),
        account_name: "team".into(),
        credential: CredentialId(Uuid::now()),
        credential_name: name.into(),
    }
}

fn renamed(owner: &Owner, name: &str) -> Owner {
    Owner { credential_name: name.into(), ..owner.clone() }
}

fn parcel(owner: &Owner, files: &[(&str, &str)]) -> Parcel {
    let artifacts = files.iter().map(|(name, content)| Artifact {
        name: (*name).into(),
        media_type: "text/plain".into(),
        content: Zeroizing::new(content.as_bytes().to_vec()),
        sensitive: true,
    });
    Parcel {
        owner: owner.clone(),
        type_id: "basic-auth".into(),
        version: 1,
        formats: vec!["login".into()],
        artifacts: artifacts.collect(),
        idempotency_key: "key".into(),
    }
}

async fn put(target: &dyn Target, owner: &Owner, files: &[(&str, &str)]) -> Result<(), TargetError> {
    let place = target.place(owner)?;
    target.put(&place, &parcel(owner, files), None).await.map(|_| ())
}

async fn remove(target: &dyn Target, owner: &Owner) -> Result<(), TargetError> {
    let place = target.place(owner)?;
    let removal = Removal { owner: owner.clone(), idempotency_key: "key".into() };
    target.remove(&place, &removal, None).await
}

/// What of it is ours, as texts.
fn ours(seen: Seen) -> BTreeMap<String, String> {
    let Seen::Ours(files) = seen else { panic!("not ours: {}", tell(&seen)) };
    files.into_iter().map(|(name, content)| (name, String::from_utf8(content.to_vec()).unwrap())).collect()
}

fn foreign(seen: Seen) -> String {
    let Seen::Foreign(what) = seen else { panic!("not foreign: {}", tell(&seen)) };
    what
}

fn tell(seen: &Seen) -> String {
    match seen {
        Seen::Nothing => "nothing".into(),
        Seen::Ours(files) => format!("ours: {:?}", files.iter().map(|(name, _)| name).collect::<Vec<_>>()),
        Seen::Foreign(what) => format!("foreign: {what}"),
        Seen::CannotTell => "cannot tell".into(),
    }
}

fn texts<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
    pairs.into_iter().map(|(name, content)| (name.to_owned(), content.to_owned())).collect()
}

fn write(path: &Path, content: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn names(path: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every regular file below, by its path.
fn files(path: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for name in names(path) {
        let below = path.join(&name);
        let kind = fs::symlink_metadata(&below).unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&below).into_iter().map(|(rest, content)| (format!("{name}/{rest}"), content)));
        } else if kind.is_file() {
            found.insert(name, fs::read_to_string(&below).unwrap());
        }
    }
    found
}

/// Ids for tests; the order does not matter there.
trait Now {
    fn now() -> Self;
}

impl Now for Uuid {
    fn now() -> Self {
        Self::from_bytes(rand::random())
    }
}

/// This test binary once more, for one test in a role of its own.
fn child(test: &str, role: &str, path: &Path) -> std::process::Command {
    let mut command = std::process::Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(ROLE, role).env(PATH, path);
    command
}

/// The role and path, in a child.
fn role() -> Option<(String, PathBuf)> {
    Some((std::env::var(ROLE).ok()?, std::env::var_os(PATH)?.into()))
}

const ROLE: &str = "BURSAR_TEST_ROLE";
const PATH: &str = "BURSAR_TEST_PATH";
