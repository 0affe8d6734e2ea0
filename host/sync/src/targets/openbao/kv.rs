//! The KV engine, version 2: the few calls that this needs.
//!
//! Source: <https://openbao.org/api-docs/secret/kv/kv-v2/>

use std::collections::BTreeMap;

use bursar_domain::region::TargetError;
use bursar_domain::secret::SecretJson;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::api::{Answer, Api, Asked};

/// An engine.
pub(super) struct Kv {
    api: Api,
    mount: String,
    known: OnceCell<()>,
}

/// What is known of a secret beside its content.
#[derive(Deserialize)]
pub(super) struct Metadata {
    /// The latest version; 0 where none was ever written.
    pub(super) current_version: u64,
    /// Counts the changes of the metadata, in `OpenBao`; Vault has no such thing.
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

/// The content of a secret.
pub(super) enum Latest {
    /// What it is, and its version.
    Content(SecretJson, u64),
    /// The latest version was deleted or destroyed, or there is none.
    Gone,
}

/// How a checked write ended.
pub(super) enum Wrote {
    /// As this version.
    Version { version: u64, created_time: String },
    /// Somebody else was first; nothing was written.
    Lost,
}

impl Metadata {
    /// What people and programs noted about it.
    pub(super) fn custom(&self) -> &BTreeMap<String, String> {
        static NONE: BTreeMap<String, String> = BTreeMap::new();
        self.custom.as_ref().unwrap_or(&NONE)
    }

    /// Whether the first version was written at this time.
    pub(super) fn first_is_of(&self, created_time: &str) -> bool {
        self.versions.get("1").is_some_and(|version| version.created_time == created_time)
    }
}

impl Kv {
    pub(super) fn new(api: Api, mount: String) -> Self {
        Self { api, mount, known: OnceCell::new() }
    }

    /// Makes sure once that this is an engine of version 2: in another, the
    /// paths of one are names of secrets, and writing there would look well.
    pub(super) async fn mount_is_known(&self) -> Result<(), TargetError> {
        self.known.get_or_try_init(|| self.look_at_mount()).await.copied()
    }

    /// The same, and anew each time.
    pub(super) async fn look_at_mount(&self) -> Result<(), TargetError> {
        #[derive(Deserialize)]
        struct Mount {
            r#type: String,
            options: Option<Options>,
        }
        #[derive(Deserialize)]
        struct Options {
            version: Option<String>,
        }
        let mount = &self.mount;
        let path = format!("sys/internal/ui/mounts/{mount}");
        let answer = self.api.exchange(Method::GET, &path, None).await?;
        if answer.status == 403 {
            // It says so of a mount that is not there too.
            return Err(TargetError::Refused(format!(
                "the token may not see the mount `{mount}`, or there is none: set `mount`, or give the token's policy \
                 access to `{mount}/data/...` and `{mount}/metadata/...`"
            )));
        }
        let asked = Asked { does: "look at the mount at", path, needs: "any capability on paths under it" };
        let answer = self.api.accept(answer, &asked)?;
        let found: Mount = answer.data(&asked)?;
        let version = found.options.and_then(|options| options.version);
        if found.r#type == "kv" && version.as_deref() == Some("2") {
            return Ok(());
        }
        let cure = format!(
            "enable one with `bao secrets enable -path=PATH -version=2 kv`, or upgrade it with `bao kv \
                            enable-versioning {mount}`, and set `mount`"
        );
        Err(TargetError::Invalid(format!("the mount `{mount}` is no KV engine of version 2: {cure}")))
    }

    /// What is known of a secret; nothing where there is none.
    pub(super) async fn metadata(&self, path: &str) -> Result<Option<Metadata>, TargetError> {
        let asked = self.asked("look at", "metadata", path, "read");
        match self.api.call(Method::GET, &asked, None).await? {
            Answer { status: 404, .. } => Ok(None),
            answer => answer.data(&asked).map(Some),
        }
    }

    /// The latest content.
    pub(super) async fn read(&self, path: &str) -> Result<Latest, TargetError> {
        let asked = self.asked("read", "data", path, "read");
        let mut answer = self.api.call(Method::GET, &asked, None).await?;
        if answer.status == 404 {
            return Ok(Latest::Gone);
        }
        let version = answer.body.expose().pointer("/data/metadata/version").and_then(Value::as_u64);
        let data = answer.body.expose_mut().pointer_mut("/data/data").map(Value::take);
        match (data, version) {
            (Some(data), Some(version)) => Ok(Latest::Content(SecretJson::new(data), version)),
            _ => Err(asked.not_understood()),
        }
    }

    /// Writes a version, if the latest one is `after`.
    pub(super) async fn write(&self, path: &str, after: u64, data: &SecretJson) -> Result<Wrote, TargetError> {
        #[derive(Deserialize)]
        struct Written {
            version: u64,
            created_time: String,
        }
        let asked = self.asked("write", "data", path, if after == 0 { "create" } else { "update" });
        let options = json!({ "cas": after });
        let body = [("options".to_owned(), options), ("data".to_owned(), data.expose().clone())];
        let body = SecretJson::new(Value::Object(Map::from_iter(body)));
        let answer = match self.api.call(Method::POST, &asked, Some(&body)).await {
            Err(TargetError::Conflict(_)) => return Ok(Wrote::Lost),
            answer => answer?,
        };
        if answer.status == 404 {
            return Err(asked.not_understood());
        }
        let Written { version, created_time } = answer.data(&asked)?;
        Ok(Wrote::Version { version, created_time })
    }

    /// Notes entries about a secret in place of those that are there, unless
    /// others did meanwhile, where the server can tell. Nothing is said of that:
    /// who needs to know looks again.
    pub(super) async fn mark(
        &self,
        path: &str,
        seen: &Metadata,
        entries: &BTreeMap<String, String>,
    ) -> Result<(), TargetError> {
        let asked = self.asked("mark", "metadata", path, "create and update");
        let mut body = json!({ "custom_metadata": entries });
        if let Some(version) = seen.current_metadata_version {
            body["metadata_cas"] = version.into();
        }
        match self.api.call(Method::POST, &asked, Some(&SecretJson::new(body))).await {
            Err(TargetError::Conflict(_)) => Ok(()),
            answer => answer.map(drop),
        }
    }

    /// Deletes a secret with all its versions.
    pub(super) async fn delete(&self, path: &str) -> Result<(), TargetError> {
        let asked = self.asked("delete", "metadata", path, "delete");
        self.api.call(Method::DELETE, &asked, None).await.map(drop)
    }

    /// Destroys the first version of a secret.
    pub(super) async fn destroy_first(&self, path: &str) -> Result<(), TargetError> {
        let asked = self.asked("destroy the first version of", "destroy", path, "update");
        let body = SecretJson::new(json!({ "versions": [1] }));
        self.api.call(Method::POST, &asked, Some(&body)).await.map(drop)
    }

    /// Whether the token may do all of this under `prefix`.
    pub(super) async fn may_do_all(&self, prefix: &str) -> Result<(), TargetError> {
        let path = |kind: &str| format!("{}/{kind}/{prefix}/account/credential", self.mount);
        let paths: Vec<String> = NEEDED.iter().map(|(kind, _)| path(kind)).collect();
        let path_of_own = "sys/capabilities-self".to_owned();
        let asked = Asked { does: "ask what the token may do at", path: path_of_own, needs: "update" };
        let body = SecretJson::new(json!({ "paths": paths }));
        let answer = self.api.call(Method::POST, &asked, Some(&body)).await?;
        let granted: BTreeMap<String, Vec<String>> = answer.data(&asked)?;
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

    fn asked(&self, does: &'static str, kind: &str, path: &str, needs: &'static str) -> Asked {
        Asked { does, path: format!("{}/{kind}/{path}", self.mount), needs }
    }
}

/// What a token needs, by kind of path under the mount.
const NEEDED: [(&str, &[&str]); 3] = [
    ("data", &["create", "read", "update"]),
    ("metadata", &["create", "read", "update", "delete"]),
    ("destroy", &["update"]),
];
