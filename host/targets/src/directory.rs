//! Files in a directory of this machine, or of a file system mounted there:
//! `PATH/<account>/<credential>/<artifact>`.
//!
//! A manifest for each credential ([`manifest`]) lists our files, and is durable
//! before they are. All other files are foreign. No symbolic link below `PATH` is
//! ever followed ([`tree`]).
//!
//! Artifacts are staged under `PATH/.bursar` and renamed into place one by one.
//! Their directory is not exchanged as a whole: a container that has mounted it
//! would keep the old one.

mod fault;
mod lock;
mod manifest;
mod options;
mod put;
mod remove;
mod root;
mod tree;
mod view;

use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Owner, Parcel, Removal, Seen, Target, TargetError, TargetKind};
use serde_json::Value;

use self::manifest::CredentialPath;
use self::options::DirectoryOptions;
use crate::settings::{CompiledKind, Violations};

/// The kind.
pub(super) static KIND: LazyLock<CompiledKind> = LazyLock::new(|| {
    CompiledKind::new(include_str!("directory/settings.json"), |settings| TargetKind {
        id: "directory",
        title: "Directory",
        summary: "Files in a directory of the broker's machine, to be read there or mounted elsewhere.",
        settings,
        takes_login: false,
        preferred_formats: "",
    })
});

/// Everything that is wrong with settings.
pub(super) fn validate(settings: &SecretJson) -> Violations {
    DirectoryOptions::read(settings).err().unwrap_or_default()
}

/// Opens a target. Does no I/O.
///
/// # Errors
///
/// [`TargetError::Invalid`] where the settings are not valid.
pub(super) fn open(settings: &SecretJson) -> Result<Arc<dyn Target>, TargetError> {
    Ok(Arc::new(Directory(Arc::new(DirectoryOptions::read(settings)?))))
}

struct Directory(Arc<DirectoryOptions>);

#[async_trait]
impl Target for Directory {
    fn place(&self, owner: &Owner) -> Result<String, TargetError> {
        CredentialPath::new(&owner.account_name, &owner.credential_name).map(|path| path.to_string())
    }

    async fn put(&self, place: &str, parcel: &Parcel, _receipt: Option<&Value>) -> Result<Value, TargetError> {
        let path = CredentialPath::parse(place)?;
        let (owner, artifacts) = (parcel.owner.clone(), parcel.artifacts.clone());
        self.blocking(move |options| put::put(options, &path, &owner, &artifacts)).await?;
        Ok(Value::Null)
    }

    async fn remove(&self, place: &str, removal: &Removal, _receipt: Option<&Value>) -> Result<(), TargetError> {
        let path = CredentialPath::parse(place)?;
        let owner = removal.owner.clone();
        self.blocking(move |options| remove::remove(options, &path, &owner)).await
    }

    async fn look(&self, place: &str, owner: &Owner) -> Result<Seen, TargetError> {
        let path = CredentialPath::parse(place)?;
        let owner = owner.clone();
        self.blocking(move |options| view::look(options, &path, &owner)).await
    }

    async fn check(&self) -> Result<(), TargetError> {
        self.blocking(view::check).await
    }
}

impl Directory {
    /// Runs blocking work. A caller that stops waiting does not stop the work; the
    /// next one waits for its lock.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&DirectoryOptions) -> Result<T, TargetError> + Send + 'static,
    ) -> Result<T, TargetError> {
        let options = self.0.clone();
        tokio::task::spawn_blocking(move || work(&options))
            .await
            .map_err(|_| TargetError::Failed("the work in the directory was interrupted".into()))?
    }
}
