//! The KV engine, version 2: the calls that are needed here.
//!
//! Source: <https://openbao.org/api-docs/secret/kv/kv-v2/>

use std::collections::BTreeMap;

use bursar_kernel::secret::SecretJson;
use bursar_regions::TargetError;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::api::{Operation, VaultApi, VaultResponse};

/// An engine.
pub(super) struct KvEngine {
    api: VaultApi,
    mount: String,
    checked: OnceCell<()>,
}

/// The metadata of a secret.
#[derive(Deserialize)]
pub(super) struct SecretMetadata {
    /// The latest version; 0 before the first.
    pub(super) current_version: u64,
    /// The version of the metadata, in `OpenBao`; Vault has none.
    current_metadata_version: Option<u64>,
    #[serde(rename = "custom_metadata")]
    custom: Option<BTreeMap<String, String>>,
    #[serde(default)]
    versions: BTreeMap<String, Version>,
}

#[derive(Deserialize)]
struct Version {
    created_time: String,
}

/// The latest version of a secret.
pub(super) enum LatestVersion {
    /// Its content and number.
    Content(SecretJson, u64),
    /// It was deleted or destroyed, or there is none.
    Deleted,
}

/// The outcome of a check-and-set write.
pub(super) enum WriteOutcome {
    /// It was written as this version.
    Version { version: u64, created_time: String },
    /// Somebody else was first; nothing was written.
    Lost,
}

impl SecretMetadata {
    /// The custom metadata.
    pub(super) fn custom(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.custom.as_ref().unwrap_or(&NONE)
    }

    /// Whether the first version was written at this time.
    pub(super) fn was_first_written_at(&self, created_time: &str) -> bool {
        self.versions.get("1").is_some_and(|version| version.created_time == created_time)
    }
}

impl KvEngine {
    pub(super) fn new(api: VaultApi, mount: String) -> Self {
        Self { api, mount, checked: OnceCell::new() }
    }

    /// Checks once that this is an engine of version 2. Another would take the
    /// paths for names of secrets, and writes would seem to succeed.
    pub(super) async fn ensure_mount(&self) -> Result<(), TargetError> {
        self.checked.get_or_try_init(|| self.check_mount()).await.copied()
    }

    /// Checks that this is an engine of version 2.
    pub(super) async fn check_mount(&self) -> Result<(), TargetError> {
        #[derive(Deserialize)]
        struct Mount {
            r#type: String,
            options: Option<MountOptions>,
        }
        #[derive(Deserialize)]
        struct MountOptions {
            version: Option<String>,
        }
        let mount = &self.mount;
        let path = format!("sys/internal/ui/mounts/{mount}");
        let answer = self.api.exchange(Method::GET, &path, None).await?;
        if answer.status == 403 {
            // Also the answer for a missing mount.
            return Err(TargetError::Refused(format!(
                "the token may not see the mount `{mount}`, or it does not exist: set `mount`, or grant the token's policy \
                 access to `{mount}/data/...` and `{mount}/metadata/...`"
            )));
        }
        let operation = Operation { does: "look at the mount at", path, needs: "any capability on paths under it" };
        let answer = self.api.accept(answer, &operation)?;
        let found: Mount = answer.data(&operation)?;
        let version = found.options.and_then(|options| options.version);
        if found.r#type == "kv" && version.as_deref() == Some("2") {
            return Ok(());
        }
        Err(TargetError::Invalid(format!(
            "the mount `{mount}` is not a KV engine of version 2: enable one with `bao secrets enable -path=PATH \
             -version=2 kv`, or upgrade it with `bao kv enable-versioning {mount}`, and set `mount`"
        )))
    }

    /// The metadata of a secret, if it exists.
    pub(super) async fn metadata(&self, path: &str) -> Result<Option<SecretMetadata>, TargetError> {
        let operation = self.operation("look at", "metadata", path, "read");
        match self.api.call(Method::GET, &operation, None).await? {
            VaultResponse { status: 404, .. } => Ok(None),
            answer => answer.data(&operation).map(Some),
        }
    }

    /// The latest version.
    pub(super) async fn read(&self, path: &str) -> Result<LatestVersion, TargetError> {
        let operation = self.operation("read", "data", path, "read");
        let mut answer = self.api.call(Method::GET, &operation, None).await?;
        if answer.status == 404 {
            return Ok(LatestVersion::Deleted);
        }
        let version = answer.body.expose().pointer("/data/metadata/version").and_then(Value::as_u64);
        let data = answer.body.expose_mut().pointer_mut("/data/data").map(Value::take);
        match (data, version) {
            (Some(data), Some(version)) => Ok(LatestVersion::Content(SecretJson::new(data), version)),
            _ => Err(operation.unexpected_answer()),
        }
    }

    /// Writes a version, if the latest one is `after`.
    pub(super) async fn write(&self, path: &str, after: u64, data: &SecretJson) -> Result<WriteOutcome, TargetError> {
        #[derive(Deserialize)]
        struct Written {
            version: u64,
            created_time: String,
        }
        let operation = self.operation("write", "data", path, if after == 0 { "create" } else { "update" });
        let options = json!({ "cas": after });
        let body = [("options".to_owned(), options), ("data".to_owned(), data.expose().clone())];
        let body = SecretJson::new(Value::Object(Map::from_iter(body)));
        let answer = match self.api.call(Method::POST, &operation, Some(&body)).await {
            Err(TargetError::Conflict(_)) => return Ok(WriteOutcome::Lost),
            answer => answer?,
        };
        if answer.status == 404 {
            return Err(operation.unexpected_answer());
        }
        let Written { version, created_time } = answer.data(&operation)?;
        Ok(WriteOutcome::Version { version, created_time })
    }

    /// Replaces the custom metadata of a secret, unless others changed it since it
    /// was read, where the server can tell. That is not reported: read it again.
    pub(super) async fn mark(
        &self,
        path: &str,
        read: &SecretMetadata,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), TargetError> {
        let operation = self.operation("mark", "metadata", path, "create and update");
        let mut body = json!({ "custom_metadata": entries });
        if let Some(version) = read.current_metadata_version {
            body["metadata_cas"] = version.into();
        }
        match self.api.call(Method::POST, &operation, Some(&SecretJson::new(body))).await {
            Err(TargetError::Conflict(_)) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Deletes a secret with all its versions.
    pub(super) async fn delete(&self, path: &str) -> Result<(), TargetError> {
        let operation = self.operation("delete", "metadata", path, "delete");
        self.api.call(Method::DELETE, &operation, None).await.map(drop)
    }

    /// Destroys the first version of a secret.
    pub(super) async fn destroy_first(&self, path: &str) -> Result<(), TargetError> {
        let operation = self.operation("destroy the first version of", "destroy", path, "update");
        let body = SecretJson::new(json!({ "versions": [1] }));
        self.api.call(Method::POST, &operation, Some(&body)).await.map(drop)
    }

    /// Checks that the token has every capability below `prefix`.
    ///
    /// # Errors
    ///
    /// [`TargetError::Refused`] with the policy that is missing.
    pub(super) async fn check_capabilities(&self, prefix: &str) -> Result<(), TargetError> {
        let path = |kind: &str| format!("{}/{kind}/{prefix}/account/credential", self.mount);
        let paths: Vec<String> = NEEDED.iter().map(|(kind, _)| path(kind)).collect();
        let endpoint = "sys/capabilities-self".to_owned();
        let operation = Operation { does: "ask for the token's capabilities at", path: endpoint, needs: "update" };
        let body = SecretJson::new(json!({ "paths": paths }));
        let answer = self.api.call(Method::POST, &operation, Some(&body)).await?;
        let granted: BTreeMap<String, Vec<String>> = answer.data(&operation)?;
        let mut missing = Vec::new();
        for (kind, needed) in NEEDED {
            let has = granted.get(&path(kind)).map(Vec::as_slice).unwrap_or_default();
            let may = |one: &str| has.iter().any(|has| has == one || has == "root");
            let lacks: Vec<String> = needed.iter().filter(|one| !may(one)).map(|one| format!("\"{one}\"")).collect();
            if !lacks.is_empty() {
                missing.push(format!(
                    "path \"{}/{kind}/{prefix}/*\" {{ capabilities = [{}] }}",
                    self.mount,
                    lacks.join(", ")
                ));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(TargetError::Refused(format!("the token's policy lacks: {}", missing.join(" "))))
    }

    fn operation(&self, does: &'static str, kind: &str, path: &str, needs: &'static str) -> Operation {
        Operation { does, path: format!("{}/{kind}/{path}", self.mount), needs }
    }
}

/// The capabilities a token needs, by kind of path below the mount.
const NEEDED: [(&str, &[&str]); 3] = [
    ("data", &["create", "read", "update"]),
    ("metadata", &["create", "read", "update", "delete"]),
    ("destroy", &["update"]),
];
