//! Regions that a target is opened for, and parcels to put there.

use std::sync::Arc;

use bursar_kernel::id::{AccountId, CredentialId, Name, RegionId};
use bursar_kernel::plugin::Artifact;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{DriftPolicy, Login, Mode, Owner, Parcel, Region, Target, TargetError, Targets as _};
use bursar_targets::SystemTargets;
use serde_json::Value;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Opens the target of a region `eu` with these settings.
pub(crate) async fn open(kind: &str, settings: Value, login: Option<Login>) -> Result<Arc<dyn Target>, TargetError> {
    let time = "2026-01-02T03:04:05Z".parse().expect("a time");
    let region = Region {
        id: RegionId(Uuid::from_u128(1)),
        name: Name::parse("eu").expect("a name"),
        title: "Europe".to_owned(),
        target: kind.to_owned(),
        settings: SecretJson::new(settings),
        login: None,
        drift: DriftPolicy::Repair,
        mode: Mode::Active,
        accounts: None,
        created_at: time,
        updated_at: time,
    };
    SystemTargets::default().open(INSTALLATION, &region, login).await
}

/// What is wrong with settings: pointers and codes, and the texts.
pub(crate) fn judge(kind: &str, settings: Value) -> Vec<(String, String, String)> {
    let violations = SystemTargets::default().judge(kind, &SecretJson::new(settings));
    violations.into_iter().map(|it| (it.pointer, it.code, it.message)).collect()
}

/// An owner whose ids are made of the names.
pub(crate) fn owner(account: &str, credential: &str) -> Owner {
    let id = |name: &str| Uuid::from_u128(name.bytes().fold(1, |sum, byte| (sum << 8) + u128::from(byte)));
    Owner {
        installation: INSTALLATION,
        account: AccountId(id(account)),
        account_name: account.to_owned(),
        credential: CredentialId(id(credential)),
        credential_name: credential.to_owned(),
    }
}

/// A parcel with these artifacts.
pub(crate) fn parcel(owner: &Owner, artifacts: &[(&str, &[u8])]) -> Parcel {
    let artifact = |(name, content): &(&str, &[u8])| Artifact {
        name: (*name).to_owned(),
        media_type: "text/plain".to_owned(),
        content: Zeroizing::new(content.to_vec()),
        sensitive: true,
    };
    Parcel {
        owner: owner.clone(),
        type_id: "basic-auth".to_owned(),
        version: 3,
        formats: vec!["login".to_owned()],
        artifacts: artifacts.iter().map(artifact).collect(),
        idempotency_key: "push-1".to_owned(),
    }
}

/// A sign-in that is kept as a credential.
pub(crate) fn login(username: &str, password: &str) -> Login {
    Login { username: username.to_owned(), password: Zeroizing::new(password.to_owned()) }
}

const INSTALLATION: Uuid = Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0001);
