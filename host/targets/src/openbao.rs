//! `OpenBao` and `HashiCorp` Vault: one secret of a KV engine, version 2, per
//! credential, with the artifacts' names as its keys.
//!
//! The engine's check-and-set covers the *content* of a secret, not its metadata,
//! where the mark of ownership is. So a new secret takes three writes, each of
//! which leaves a state that names the owner:
//!
//! 1. The first version, with `cas` 0, which fails where a version exists: whoever
//!    writes it owns the path. It holds the artifacts and, under a key that no
//!    artifact can have, the owner.
//! 2. The mark in the metadata.
//! 3. The second version, without that key.
//!
//! To mark first would take only two writes, but could mark a secret that somebody
//! else wrote between them; content without the owner would belong to nobody after
//! a crash. If somebody else writes a version before we mark the first one, the
//! path is theirs: our version is destroyed, and nothing else touched. A later
//! write by others is drift; the engine keeps it as an older version.

mod api;
mod content;
mod kv;
mod session;
mod settings;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Login, Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind};
use serde_json::{Value, json};

use self::api::VaultApi;
use self::content::{Content, OwnershipMark, UNMARKED, foreign_owner};
use self::kv::{KvEngine, LatestVersion, SecretMetadata, WriteOutcome};
use self::session::Session;
use self::settings::{KvLocation, OpenBaoOptions, sign_in};
use crate::settings::{CompiledKind, Violations};

/// The kind.
pub(super) static KIND: LazyLock<CompiledKind> = LazyLock::new(|| {
    CompiledKind::new(include_str!("openbao/settings.json"), |settings| TargetKind {
        id: "openbao",
        title: "OpenBao or Vault",
        summary: "One secret of a KV engine, version 2, for each credential.",
        settings,
        takes_login: true,
        preferred_formats: "",
    })
});

/// Everything that is wrong with settings.
pub(super) fn validate(settings: &SecretJson) -> Violations {
    OpenBaoOptions::read(settings).err().unwrap_or_default()
}

/// Opens a target, which signs in on first use.
///
/// # Errors
///
/// [`TargetError::Invalid`] where settings or login cannot be used.
pub(super) fn open(settings: &SecretJson, login: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
    let options = OpenBaoOptions::read(settings)?;
    let sign_in = sign_in(options.sign_in, login, options.auth_mount)?;
    let api = VaultApi::new(options.connection, options.namespace, Session::new(sign_in))?;
    let location = options.location;
    Ok(Arc::new(OpenBao { kv: KvEngine::new(api, location.mount.clone()), location }))
}

struct OpenBao {
    kv: KvEngine,
    location: KvLocation,
}

/// What is at a path.
enum PathState {
    Empty,
    /// Ours by its mark, or, where it has none yet, by its first version.
    Ours {
        metadata: SecretMetadata,
        marked: bool,
    },
    Foreign(String),
}

#[async_trait]
impl Target for OpenBao {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        Ok(format!("{}/{}/{}/{}", self.location.mount, self.location.prefix, owner.account_name, owner.credential_name))
    }

    async fn put(&self, place: &str, parcel: &Parcel, _receipt: Option<&Value>) -> Result<Value, TargetError> {
        let path = self.path(place)?;
        let content = Content::new(parcel)?;
        let mark = OwnershipMark::new(&parcel.owner, &content);
        self.kv.ensure_mount().await?;
        // When this call wrote the first version.
        let mut begun: Option<String> = None;
        for _ in 0..STEPS {
            match self.state(path, &parcel.owner).await? {
                PathState::Foreign(owner) => {
                    if let Some(at) = &begun {
                        self.withdraw(path, at).await?;
                    }
                    return Err(TargetError::Foreign(foreign(place, &owner)));
                }
                PathState::Empty => {
                    let first = content.with_owner(&parcel.owner);
                    if let WriteOutcome::Version { created_time, .. } = self.kv.write(path, 0, &first).await? {
                        begun = Some(created_time);
                    }
                }
                PathState::Ours { metadata, marked } if !marked || !mark.is_on(&metadata) => {
                    self.kv.mark(path, &metadata, &mark.merged(&metadata)).await?;
                }
                PathState::Ours { metadata, .. } => {
                    let version = metadata.current_version;
                    if matches!(self.kv.read(path).await?, LatestVersion::Content(there, at) if at == version && content.is(&there))
                    {
                        return Ok(receipt(version));
                    }
                    if let WriteOutcome::Version { version, .. } = self.kv.write(path, version, content.data()).await? {
                        return Ok(receipt(version));
                    }
                }
            }
        }
        Err(busy(path))
    }

    async fn remove(&self, place: &str, removal: &Removal, _receipt: Option<&Value>) -> Result<(), TargetError> {
        let path = self.path(place)?;
        self.kv.ensure_mount().await?;
        match self.state(path, &removal.owner).await? {
            PathState::Ours { .. } => self.kv.delete(path).await,
            PathState::Empty | PathState::Foreign(_) => Ok(()),
        }
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let path = self.path(place)?;
        self.kv.ensure_mount().await?;
        Ok(match self.state(path, owner).await? {
            PathState::Empty => Seen::Nothing,
            PathState::Foreign(owner) => Seen::Foreign(foreign(place, &owner)),
            PathState::Ours { metadata, .. } => Seen::Ours(match self.kv.read(path).await? {
                LatestVersion::Content(data, _) => content::artifacts(&data, &metadata),
                LatestVersion::Deleted => Vec::new(),
            }),
        })
    }

    async fn check(&self) -> Result<(), TargetError> {
        self.kv.check_mount().await?;
        self.kv.check_capabilities(&self.location.prefix).await
    }
}

impl OpenBao {
    /// The path below the mount.
    fn path<'a>(&self, place: &'a str) -> Result<&'a str, TargetError> {
        place.strip_prefix(self.location.mount.as_str()).and_then(|rest| rest.strip_prefix('/')).ok_or_else(|| {
            TargetError::Invalid(format!("{place} is not below the mount `{}` of this region", self.location.mount))
        })
    }

    async fn state(&self, path: &str, owner: &Owner) -> Result<PathState, TargetError> {
        for _ in 0..STEPS {
            let Some(metadata) = self.kv.metadata(path).await? else { return Ok(PathState::Empty) };
            if !metadata.custom().is_empty() {
                return Ok(match foreign_owner(metadata.custom(), owner) {
                    None => PathState::Ours { metadata, marked: true },
                    Some(other) => PathState::Foreign(other),
                });
            }
            // Without a mark it is ours only while our first version is the latest.
            if metadata.current_version == 1 {
                match self.kv.read(path).await? {
                    LatestVersion::Content(data, 1) if content::names_owner(&data, owner) => {
                        return Ok(PathState::Ours { metadata, marked: false });
                    }
                    // It was written meanwhile, and may be marked by now.
                    LatestVersion::Content(_, 2..) => continue,
                    LatestVersion::Content(..) | LatestVersion::Deleted => {}
                }
            }
            return Ok(PathState::Foreign(UNMARKED.to_owned()));
        }
        Err(busy(path))
    }

    /// Destroys the first version, if it was written at that time: it holds the
    /// artifacts, and the path belongs to somebody else.
    async fn withdraw(&self, path: &str, created_time: &str) -> Result<(), TargetError> {
        match self.kv.metadata(path).await? {
            Some(metadata) if metadata.was_first_written_at(created_time) => self.kv.destroy_first(path).await,
            _ => Ok(()),
        }
    }
}

fn foreign(place: &str, owner: &str) -> String {
    format!(
        "{place} does not belong to Bursar ({owner}): rename the credential, use another `prefix`, or remove that secret yourself"
    )
}

fn busy(path: &str) -> TargetError {
    TargetError::Conflict(format!("others keep writing to `{path}`: find out who, and give them another path"))
}

fn receipt(version: u64) -> Value {
    json!({ "version": version })
}

/// A first put takes three; the rest is for lost races.
const STEPS: usize = 8;
