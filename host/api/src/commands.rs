//! From the bodies of requests to the commands of the areas.

use bursar_access as access;
use bursar_credentials as credentials;
use bursar_dns as dns;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{self as kernel, Submitted, Violation};
use bursar_regions as regions;

use super::{
    AttachRegion, Change, CleanupDnsRecord, CreateAccount, CreateCredential, CreateOperatorToken, CreateRegion,
    CreateToken, DriftPolicy, OnDetach, PatchAccount, PatchCredential, PatchRegion, PresentDnsRecord, PutMember,
    RegionLogin, Scope,
};

impl From<CreateAccount> for access::CreateAccount {
    fn from(body: CreateAccount) -> Self {
        Self { name: body.name, title: body.title.unwrap_or_default() }
    }
}

impl From<PatchAccount> for access::UpdateAccount {
    fn from(body: PatchAccount) -> Self {
        Self { name: body.name, title: body.title }
    }
}

impl From<PutMember> for access::PutMember {
    fn from(body: PutMember) -> Self {
        Self { role: body.role.into(), bindable: body.bindable.into() }
    }
}

impl From<CreateToken> for access::CreateToken {
    fn from(body: CreateToken) -> Self {
        Self {
            name: body.name,
            role: body.role.map(Into::into),
            principal: body.principal,
            scope: body.scope.map(Into::into).unwrap_or_default(),
            expires_at: body.expires_at,
        }
    }
}

impl From<CreateOperatorToken> for access::CreateOperatorToken {
    fn from(body: CreateOperatorToken) -> Self {
        Self { name: body.name, expires_at: body.expires_at }
    }
}

impl From<Scope> for kernel::Scope {
    fn from(scope: Scope) -> Self {
        let Scope { credentials, labels, regions, consumers } = scope;
        Self { credentials, labels, regions, consumers }
    }
}

impl From<CreateCredential> for credentials::CreateCredential {
    fn from(body: CreateCredential) -> Self {
        Self {
            type_id: body.r#type,
            name: body.name,
            title: body.title.unwrap_or_default(),
            description: body.description.unwrap_or_default(),
            labels: body.labels.unwrap_or_default(),
            default: body.default,
            revealable: body.revealable.unwrap_or(true),
            data: body.data.into(),
        }
    }
}

impl From<PatchCredential> for credentials::UpdateCredential {
    fn from(body: PatchCredential) -> Self {
        Self {
            type_id: body.r#type,
            name: body.name,
            title: body.title,
            description: body.description,
            labels: body.labels,
            revealable: body.revealable,
            data: body.data.map(Into::into),
        }
    }
}

impl From<PresentDnsRecord> for dns::PresentRecord {
    fn from(body: PresentDnsRecord) -> Self {
        Self { fqdn: body.fqdn, value: body.value, ttl_seconds: body.ttl_seconds }
    }
}

impl From<CleanupDnsRecord> for dns::CleanUpRecord {
    fn from(body: CleanupDnsRecord) -> Self {
        Self { fqdn: body.fqdn, value: body.value }
    }
}

impl From<CreateRegion> for regions::CreateRegion {
    fn from(body: CreateRegion) -> Self {
        Self {
            name: body.name,
            title: body.title.unwrap_or_default(),
            target: body.target,
            settings: body.settings.map_or_else(|| SecretJson::new(serde_json::json!({})), Into::into),
            login: body.login.map(Into::into).unwrap_or_default(),
            drift: body.drift.map(Into::into).unwrap_or_default(),
            accounts: body.accounts,
        }
    }
}

impl From<AttachRegion> for regions::AttachRegion {
    fn from(body: AttachRegion) -> Self {
        Self {
            formats: body.formats.unwrap_or_default(),
            types: body.types,
            on_detach: body.on_detach.map(Into::into).unwrap_or_default(),
        }
    }
}

impl From<RegionLogin> for regions::ChosenLogin {
    fn from(login: RegionLogin) -> Self {
        Self::Credential { account: login.account, credential: login.credential }
    }
}

impl From<DriftPolicy> for regions::DriftPolicy {
    fn from(policy: DriftPolicy) -> Self {
        match policy {
            DriftPolicy::Repair => Self::Repair,
            DriftPolicy::Report => Self::Report,
        }
    }
}

impl From<OnDetach> for regions::OnDetach {
    fn from(on_detach: OnDetach) -> Self {
        match on_detach {
            OnDetach::Remove => Self::Remove,
            OnDetach::Keep => Self::Keep,
        }
    }
}

impl PatchRegion {
    /// The command. Null is for what has a default; nothing else can be taken away.
    #[must_use]
    pub fn command(submitted: Submitted<Self>) -> Submitted<regions::UpdateRegion> {
        let body = submitted.command();
        let needed =
            [("/name", matches!(body.name, Change::Clear)), ("/settings", matches!(body.settings, Change::Clear))];
        let message = "A region has this: leave it out to keep it.";
        let cleared = needed.into_iter().filter(|(_, cleared)| *cleared);
        let violations: Vec<_> = cleared.map(|(at, _)| Violation::new(at, "required", message)).collect();
        let mut submitted = submitted.map(|body| regions::UpdateRegion {
            target: body.target,
            name: set(body.name),
            title: or_default(body.title),
            settings: set(body.settings).map(Into::into),
            login: or_default(body.login.map(Into::into)),
            drift: or_default(body.drift.map(Into::into)),
            accounts: match body.accounts {
                Change::Keep => None,
                Change::Clear => Some(None),
                Change::Set(accounts) => Some(Some(accounts)),
            },
        });
        submitted.complain(violations);
        submitted
    }
}

fn set<T>(change: Change<T>) -> Option<T> {
    if let Change::Set(value) = change { Some(value) } else { None }
}

fn or_default<T: Default>(change: Change<T>) -> Option<T> {
    match change {
        Change::Keep => None,
        Change::Clear => Some(T::default()),
        Change::Set(value) => Some(value),
    }
}
