//! The supported kinds of targets, as one port.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use bursar_kernel::Violation;
use bursar_kernel::id::RegionId;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{Login, Region, Target, TargetError, TargetKind, Targets};
use uuid::Uuid;

use crate::{directory, kubernetes, openbao, webhook};

/// The targets of this system: its file system and its network.
#[derive(Default)]
pub struct SystemTargets {
    open: Mutex<HashMap<RegionId, Opened>>,
}

/// An open target, and the digest of what it was opened with.
type Opened = (Vec<u8>, Arc<dyn Target>);

/// Every kind, in the order people see.
static KINDS: LazyLock<[TargetKind; 4]> = LazyLock::new(|| {
    [&directory::KIND, &kubernetes::KIND, &openbao::KIND, &webhook::KIND].map(|kind| kind.description.clone())
});

#[async_trait]
impl Targets for SystemTargets {
    fn kinds(&self) -> &'static [TargetKind] {
        &*KINDS
    }

    fn judge(&self, kind: &str, settings: &SecretJson) -> Vec<Violation> {
        let (kind, violations) = match kind {
            "directory" => (&directory::KIND, directory::validate(settings)),
            "kubernetes" => (&kubernetes::KIND, kubernetes::validate(settings)),
            "openbao" => (&openbao::KIND, openbao::validate(settings)),
            "webhook" => (&webhook::KIND, webhook::validate(settings)),
            _ => return Vec::new(),
        };
        kind.complete(settings, violations)
    }

    async fn open(
        &self,
        installation: Uuid,
        region: &Region,
        login: Option<Login>,
    ) -> Result<Arc<dyn Target>, TargetError> {
        let digest = opening_digest(region, login.as_ref());
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((opened_with, target)) = open().get(&region.id)
            && *opened_with == digest
        {
            return Ok(target.clone());
        }
        let settings = &region.settings;
        let target: Arc<dyn Target> = match region.target.as_str() {
            "directory" => directory::open(settings)?,
            "kubernetes" => kubernetes::open(installation, settings).await?,
            "openbao" => openbao::open(settings, login)?,
            "webhook" => webhook::open(&region.name, settings, login)?,
            other => return Err(TargetError::Failed(format!("there is no target `{other}`"))),
        };
        open().insert(region.id, (digest, target.clone()));
        Ok(target)
    }
}

/// A digest of everything that a target is opened with.
fn opening_digest(region: &Region, login: Option<&Login>) -> Vec<u8> {
    let mut text =
        zeroize::Zeroizing::new(format!("{}\n{}\n{}\n", region.target, region.name, region.settings.expose()));
    if let Some(login) = login {
        text.push_str(&login.username);
        text.push('\n');
        text.push_str(&login.password);
    }
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_describes_its_settings() {
        for kind in KINDS.iter() {
            let mut names = Vec::new();
            for setting in kind.settings.iter() {
                assert!(!setting.about.is_empty(), "{} {}", kind.id, setting.name);
                names.push(format!(
                    "{}{}{}{}",
                    setting.name,
                    if setting.secret { " secret" } else { "" },
                    if setting.moves { " moves" } else { "" },
                    if setting.required { " required" } else { "" },
                ));
            }
            let expected: &[&str] = match kind.id {
                "directory" => &["path moves required", "mode", "directoryMode", "owner"],
                "kubernetes" => &[
                    "kubeconfig secret",
                    "kubeconfigFile",
                    "context moves",
                    "namespace moves",
                    "name moves",
                    "createNamespaces",
                    "labels",
                    "annotations",
                    "timeoutSeconds",
                ],
                "openbao" => &[
                    "address moves required",
                    "mount moves",
                    "prefix moves",
                    "namespace moves",
                    "caFile",
                    "token secret",
                    "roleId",
                    "secretId secret",
                    "authMount",
                    "timeoutSeconds",
                ],
                _ => &["url moves required", "secret secret", "caFile", "timeoutSeconds", "headers"],
            };
            assert_eq!(names, expected, "{}", kind.id);
        }
    }
}
