//! Files in a directory of this machine, or of whatever is mounted there:
//! `PATH/<account>/<credential>/<artifact>`.
//!
//! What is ours stands in a manifest for each credential ([`manifest`]), which
//! is durable before the files it speaks of. Everything else is foreign. No
//! symbolic link below `PATH` is ever followed ([`tree`]).
//!
//! Artifacts are staged under `PATH/.bursar` and renamed into place one by one,
//! not exchanged with their directory as a whole: a container that has mounted
//! the credential's directory would be left with the old one.

mod fault;
mod lock;
mod manifest;
mod options;
mod put;
mod remove;
mod root;
mod tree;
mod view;

use std::sync::Arc;

use async_trait::async_trait;
use bursar_domain::Violation;
use bursar_domain::region::{Owner, Parcel, Removal, Seen, Setting, Target, TargetError, TargetKind};
use bursar_domain::secret::SecretJson;
use serde_json::Value;

use manifest::Place;
use options::Options;

/// The kind.
pub(super) const KIND: TargetKind = TargetKind {
    id: "directory",
    title: "Directory",
    summary: "Files in a directory of the broker's machine, to be read there or mounted elsewhere.",
    settings: &[
        Setting {
            name: "path",
            about: "absolute path of the directory; it is made when only its parent exists",
            secret: false,
            moves: true,
            required: true,
            lines: false,
        },
        Setting {
            name: "mode",
            about: "mode of the files in octal, default 0600",
            secret: false,
            moves: false,
            required: false,
            lines: false,
        },
        Setting {
            name: "directoryMode",
            about: "mode of the directories in octal, default 0700",
            secret: false,
            moves: false,
            required: false,
            lines: false,
        },
        Setting {
            name: "owner",
            about: "UID or UID:GID of files and directories, as numbers; by default those of the broker",
            secret: false,
            moves: false,
            required: false,
            lines: false,
        },
    ],
    takes_login: false,
    preferred_formats: "",
};

/// What is wrong with settings.
pub(super) fn judge(settings: &SecretJson) -> Vec<Violation> {
    Options::read(settings).err().unwrap_or_default()
}

/// The directory that settings speak of. Does no I/O.
pub(super) fn open(settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    let options = Options::read(settings).map_err(|violations| {
        let messages: Vec<_> = violations.iter().map(|one| format!("{}: {}", one.pointer, one.message)).collect();
        TargetError::Invalid(messages.join(" "))
    })?;
    Ok(Arc::new(Directory(Arc::new(options))))
}

struct Directory(Arc<Options>);

#[async_trait]
impl Target for Directory {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        Place::new(&owner.account_name, &owner.credential_name).map(|place| place.to_string())
    }

    async fn put(&self, place: &str, parcel: &Parcel, _receipt: Option<&Value>) -> Result<Value, TargetError> {
        let place = Place::parse(place)?;
        let (owner, artifacts) = (parcel.owner.clone(), parcel.artifacts.clone());
        self.blocking(move |options| put::put(options, &place, &owner, &artifacts)).await?;
        Ok(Value::Null)
    }

    async fn remove(&self, place: &str, removal: &Removal, _receipt: Option<&Value>) -> Result<(), TargetError> {
        let place = Place::parse(place)?;
        let owner = removal.owner.clone();
        self.blocking(move |options| remove::remove(options, &place, &owner)).await
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let place = Place::parse(place)?;
        let owner = owner.clone();
        self.blocking(move |options| view::look(options, &place, &owner)).await
    }

    async fn check(&self) -> Result<(), TargetError> {
        self.blocking(view::check).await
    }
}

impl Directory {
    /// File systems block, some for long. Who gives up waiting leaves the work
    /// going; the next to come waits for its lock.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Options) -> Result<T, TargetError> + Send + 'static,
    ) -> Result<T, TargetError> {
        let options = self.0.clone();
        tokio::task::spawn_blocking(move || work(&options))
            .await
            .map_err(|_| TargetError::Failed("the work at the directory was broken off".into()))?
    }
}
