//! The kinds of targets, one module each.

mod directory;
mod kubernetes;
mod openbao;
mod webhook;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA256, digest};
use bursar_domain::Violation;
use bursar_domain::id::RegionId;
use bursar_domain::region::{Login, Region, Setting, Target, TargetError, TargetKind, Targets};
use bursar_domain::secret::SecretJson;
use serde_json::Value;
use uuid::Uuid;

/// The targets of this system: its file system and its network.
#[derive(Default)]
pub struct SystemTargets {
    open: Mutex<HashMap<RegionId, Opened>>,
}

/// A target that is ready, and the digest of what it was made of.
type Opened = (Vec<u8>, Arc<dyn Target>);

/// Every kind. The order is the one people see.
static KINDS: [TargetKind; 4] = [directory::KIND, kubernetes::KIND, openbao::KIND, webhook::KIND];

#[async_trait]
impl Targets for SystemTargets {
    fn kinds(&self) -> &'static [TargetKind] {
        &KINDS
    }

    fn judge(&self, kind: &str, settings: &SecretJson) -> Vec<Violation> {
        let mut violations = match kind {
            "directory" => directory::judge(settings),
            "kubernetes" => kubernetes::judge(settings),
            "openbao" => openbao::judge(settings),
            "webhook" => webhook::judge(settings),
            _ => return Vec::new(),
        };
        let described = KINDS.iter().find(|known| known.id == kind).map_or(&[][..], |kind| kind.settings);
        violations.extend(control_characters(described, settings, &violations));
        violations
    }

    async fn open(
        &self,
        installation: Uuid,
        region: &Region,
        login: Option<Login>,
    ) -> Result<Arc<dyn Target>, TargetError> {
        let made_of = made_of(region, login.as_ref());
        let open = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, target)) = open().get(&region.id)
            && *from == made_of
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
        open().insert(region.id, (made_of, target.clone()));
        Ok(target)
    }
}

/// Complains of texts that must be on one line and are not, such as a token that
/// was read from a file with its line end.
///
/// This is asked when settings are written. What was stored before is used as it
/// is, as long as its target can.
fn control_characters(described: &[Setting], settings: &SecretJson, before: &[Violation]) -> Vec<Violation> {
    let pointer = |setting: &Setting| format!("/{}", setting.name);
    let has_controls = |setting: &&Setting| {
        let value = settings.expose().get(setting.name);
        value.and_then(Value::as_str).is_some_and(|text| text.chars().any(char::is_control))
    };
    let wrong = described.iter().filter(|setting| !setting.lines).filter(has_controls);
    let wrong = wrong.filter(|setting| before.iter().all(|violation| violation.pointer != pointer(setting)));
    let message = "This holds a line break or another control character: give it on one line, without one at its end.";
    wrong.map(|setting| Violation::new(pointer(setting), "format", message)).collect()
}

/// Tells whether a target was opened with the same settings and login.
fn made_of(region: &Region, login: Option<&Login>) -> Vec<u8> {
    let mut text =
        zeroize::Zeroizing::new(format!("{}\n{}\n{}\n", region.target, region.name, region.settings.expose()));
    if let Some(login) = login {
        text.push_str(&login.username);
        text.push('\n');
        text.push_str(&login.password);
    }
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}
