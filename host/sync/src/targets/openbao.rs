//! `OpenBao` and `HashiCorp` Vault: one secret of the KV engine, version 2, for
//! each credential, with the artifacts' names as its keys.
//!
//! The engine checks and sets the *content* of a secret, and nothing ties its
//! metadata, where the mark of ownership is, to that. So a new secret comes to
//! be in three writes, each of which leaves a state that says whose it is:
//!
//! 1. The first version, by `cas` 0, which fails where there is any: whoever
//!    writes it has the path. It holds the artifacts and, under a key that no
//!    artifact can have, its owner.
//! 2. The mark in the metadata.
//! 3. The second version, without that key.
//!
//! Marking first would be two writes, but would put our mark on what somebody
//! else wrote between them; content first and without the owner in it would be
//! nobody's after a crash. A version of somebody else's over the first, when we
//! look at it to mark it, makes the path theirs: then ours is destroyed, and
//! nothing else touched. Whoever writes over it later changes what is ours,
//! which is drift; the engine keeps what they wrote as an older version.

mod api;
mod content;
mod kv;
mod session;
mod settings;

use std::sync::Arc;

use async_trait::async_trait;
use bursar_domain::Violation;
use bursar_domain::region::{Login, Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use serde_json::{Value, json};

use self::api::Api;
use self::content::{Content, Mark, UNMARKED, whose};
use self::kv::{Kv, Latest, Metadata, Wrote};
use self::session::Session;
use self::settings::{Place, read, sign_in};

/// The kind.
pub(super) const KIND: TargetKind = TargetKind {
    id: "openbao",
    title: "OpenBao or Vault",
    summary: "One secret of a KV engine, version 2, for each credential.",
    settings: &[
        Setting {
            name: "address",
            about: "where it is: https, or http for a loopback address",
            required: true,
            ..MOVES
        },
        Setting { name: "mount", about: "where the KV engine is mounted (default: secret)", ..MOVES },
        Setting { name: "prefix", about: "the path under the mount that is Bursar's (default: bursar)", ..MOVES },
        Setting { name: "namespace", about: "the namespace the mount is in (default: the root namespace)", ..MOVES },
        Setting { name: "caFile", about: "a file of root certificates in PEM, instead of the system's", ..PLAIN },
        Setting { name: "token", about: "a token to sign in with", secret: true, ..PLAIN },
        Setting { name: "roleId", about: "the role id of an AppRole to sign in with", ..PLAIN },
        Setting { name: "secretId", about: "its secret id", secret: true, ..PLAIN },
        Setting { name: "authMount", about: "where AppRole is mounted under auth/ (default: approle)", ..PLAIN },
        Setting { name: "timeoutSeconds", about: "how long a request may take (default: 10)", ..PLAIN },
    ],
    takes_login: true,
    preferred_formats: "",
};

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    read(settings).1
}

/// The target, which signs in when it is first used.
pub(super) fn open(settings: &SecretJson, login: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
    let (read, violations) = read(settings);
    let Some(read) = read.filter(|_| violations.is_empty()) else {
        return Err(TargetError::Invalid("the settings are not valid".to_owned()));
    };
    let sign_in = sign_in(read.sign_in, login, read.auth_mount)?;
    let api = Api::new(read.connection, read.namespace, Session::new(sign_in))?;
    Ok(Arc::new(OpenBao { kv: Kv::new(api, read.place.mount.clone()), place: read.place }))
}

struct OpenBao {
    kv: Kv,
    place: Place,
}

/// What is at a path.
enum Standing {
    Nothing,
    /// Ours by the mark, or, where there is none yet, by what the first version says.
    Ours {
        metadata: Metadata,
        marked: bool,
    },
    Foreign(String),
}

#[async_trait]
impl Target for OpenBao {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        Ok(format!("{}/{}/{}/{}", self.place.mount, self.place.prefix, owner.account_name, owner.credential_name))
    }

    async fn put(&self, place: &str, parcel: &Parcel, _receipt: Option<&Value>) -> Result<Value, TargetError> {
        let path = self.path(place)?;
        let content = Content::of(parcel)?;
        let mark = Mark::of(&parcel.owner, &content);
        self.kv.mount_is_known().await?;
        // When the first version was written, by us and in this call.
        let mut begun: Option<String> = None;
        for _ in 0..STEPS {
            match self.standing(path, &parcel.owner).await? {
                Standing::Foreign(whose) => {
                    if let Some(at) = &begun {
                        self.withdraw(path, at).await?;
                    }
                    return Err(TargetError::Foreign(foreign(place, &whose)));
                }
                Standing::Nothing => {
                    let first = content.with_owner(&parcel.owner);
                    if let Wrote::Version { created_time, .. } = self.kv.write(path, 0, &first).await? {
                        begun = Some(created_time);
                    }
                }
                Standing::Ours { metadata, marked } if !marked || !mark.is_in(&metadata) => {
                    self.kv.mark(path, &metadata, &mark.upon(&metadata)).await?;
                }
                Standing::Ours { metadata, .. } => {
                    let version = metadata.current_version;
                    if matches!(self.kv.read(path).await?, Latest::Content(there, at) if at == version && content.is(&there))
                    {
                        return Ok(receipt(version));
                    }
                    if let Wrote::Version { version, .. } = self.kv.write(path, version, content.data()).await? {
                        return Ok(receipt(version));
                    }
                }
            }
        }
        Err(busy(path))
    }

    async fn remove(&self, place: &str, removal: &Removal, _receipt: Option<&Value>) -> Result<(), TargetError> {
        let path = self.path(place)?;
        self.kv.mount_is_known().await?;
        match self.standing(path, &removal.owner).await? {
            Standing::Ours { .. } => self.kv.delete(path).await,
            Standing::Nothing | Standing::Foreign(_) => Ok(()),
        }
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let path = self.path(place)?;
        self.kv.mount_is_known().await?;
        Ok(match self.standing(path, owner).await? {
            Standing::Nothing => Seen::Nothing,
            Standing::Foreign(whose) => Seen::Foreign(foreign(place, &whose)),
            Standing::Ours { metadata, .. } => Seen::Ours(match self.kv.read(path).await? {
                Latest::Content(data, _) => content::artifacts(&data, &metadata),
                Latest::Gone => Vec::new(),
            }),
        })
    }

    async fn check(&self) -> Result<(), TargetError> {
        self.kv.look_at_mount().await?;
        self.kv.may_do_all(&self.place.prefix).await
    }
}

impl OpenBao {
    /// The path under the mount.
    fn path<'a>(&self, place: &'a str) -> Result<&'a str, TargetError> {
        place.strip_prefix(self.place.mount.as_str()).and_then(|rest| rest.strip_prefix('/')).ok_or_else(|| {
            TargetError::Invalid(format!("{place} is not under the mount `{}` of this region", self.place.mount))
        })
    }

    async fn standing(&self, path: &str, owner: &Owner) -> Result<Standing, TargetError> {
        for _ in 0..STEPS {
            let Some(metadata) = self.kv.metadata(path).await? else { return Ok(Standing::Nothing) };
            if !metadata.custom().is_empty() {
                return Ok(match whose(metadata.custom(), owner) {
                    None => Standing::Ours { metadata, marked: true },
                    Some(others) => Standing::Foreign(others),
                });
            }
            // Without a mark it is ours only as the first version of ours, and as long as that is the last.
            if metadata.current_version == 1 {
                match self.kv.read(path).await? {
                    Latest::Content(data, 1) if content::says_owner(&data, owner) => {
                        return Ok(Standing::Ours { metadata, marked: false });
                    }
                    // It went on while we looked, and may be marked now.
                    Latest::Content(_, 2..) => continue,
                    Latest::Content(..) | Latest::Gone => {}
                }
            }
            return Ok(Standing::Foreign(UNMARKED.to_owned()));
        }
        Err(busy(path))
    }

    /// Destroys the first version, where it is the one that was written then:
    /// it holds the artifacts, and somebody else has the path.
    async fn withdraw(&self, path: &str, created_time: &str) -> Result<(), TargetError> {
        match self.kv.metadata(path).await? {
            Some(metadata) if metadata.first_is_of(created_time) => self.kv.destroy_first(path).await,
            _ => Ok(()),
        }
    }
}

fn foreign(place: &str, whose: &str) -> String {
    format!(
        "{place} is not ours ({whose}): rename the credential, use another `prefix`, or remove that secret yourself"
    )
}

fn busy(path: &str) -> TargetError {
    TargetError::Conflict(format!("others keep writing to `{path}`: see who does, and give them another path"))
}

fn receipt(version: u64) -> Value {
    json!({ "version": version })
}

const PLAIN: Setting = Setting { name: "", about: "", secret: false, moves: false, required: false, lines: false };
const MOVES: Setting = Setting { moves: true, ..PLAIN };
/// A first put takes three looks; the rest is for races that are lost.
const STEPS: usize = 8;
