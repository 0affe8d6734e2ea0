//! What is told of regions.

use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::id::{Reference, RegionId};
use bursar_kernel::store::{Record, Revision};
use bursar_kernel::{Authority, Caller, Error, Kind, Right, codec, denied};
use serde_json::Value;

use crate::{LoginReference, Region, Regions, TargetKind, keys};

/// A region, as much of it as its caller may see.
#[derive(Clone, Debug)]
pub struct RegionView {
    /// As stored, its secrets included: show `settings` instead of its own.
    pub region: Region,
    /// The `ETag`.
    pub revision: Revision,
    /// Those of its settings that may be shown.
    pub settings: Value,
    /// Pointers of settings that it has and that are never shown.
    pub secret_settings: Vec<String>,
    /// Account and credential of its sign-in, by name where they are there.
    pub login: Option<(String, String)>,
    /// Names of the accounts that may use it; `None` for every account.
    pub accounts: Option<Vec<String>>,
    /// Why nobody is let through to it now, as far as this process knows.
    pub down: Option<String>,
    /// Whether the caller may see settings, sign-in and accounts.
    pub full: bool,
}

/// A region and the revision it was read at.
pub(crate) struct FoundRegion {
    pub(crate) region: Region,
    pub(crate) revision: Revision,
}

impl Regions {
    /// One region.
    ///
    /// # Errors
    ///
    /// Not found, also for a token that is narrowed to others; [`Kind::Denied`]
    /// for those who only use what they are bound to.
    pub async fn get(&self, caller: &Caller, region: &Reference) -> Result<RegionView, Error> {
        self.may_see_regions(caller).await?;
        let found = self.find_region(caller, region).await?;
        self.region_view(caller, found).await
    }

    /// Refuses those who have no business with regions.
    pub(crate) async fn may_see_regions(&self, caller: &Caller) -> Result<(), Error> {
        let Authority::InAccount { account, role } = caller.authority else { return Ok(()) };
        if role.may(Right::List) {
            return Ok(());
        }
        let event = self.kernel.authorizer.event(caller, Action::RegionRead, Outcome::Denied);
        self.kernel.journal.record(Event { account: Some(account), ..event }).await?;
        Err(denied())
    }

    /// The region by id or name. One that the token leaves out, or that the
    /// caller's account may not use, is not there.
    pub(crate) async fn find_region(&self, caller: &Caller, region: &Reference) -> Result<FoundRegion, Error> {
        let record = self.region_record(region).await?.ok_or_else(no_such_region)?;
        let region: Region = codec::decode(&record)?;
        if !may_know(caller, &region) {
            return Err(no_such_region());
        }
        Ok(FoundRegion { region, revision: record.revision })
    }

    pub(crate) async fn region_record(&self, region: &Reference) -> Result<Option<Record>, Error> {
        let id = match region {
            Reference::Id(id) => RegionId(*id),
            Reference::Name(name) => {
                let Some(index) =
                    self.kernel.ports.store().get(&keys::region_name(self.kernel.ports.blind(), name)).await?
                else {
                    return Ok(None);
                };
                codec::decode(&index)?
            }
        };
        Ok(self.kernel.ports.store().get(&keys::region(id)).await?)
    }

    pub(crate) async fn region_view(&self, caller: &Caller, found: FoundRegion) -> Result<RegionView, Error> {
        let FoundRegion { region, revision } = found;
        let full = caller.authority == Authority::Operator;
        let kind = self.reconciler.gateway.kind_of(&region);
        let (mut settings, mut secret_settings, mut login) = (serde_json::json!({}), Vec::new(), None);
        let mut accounts = None;
        if full {
            settings = region.public_settings(kind);
            secret_settings = kind.map(TargetKind::secret_pointers).unwrap_or_default();
            secret_settings.retain(|pointer| region.settings.expose().pointer(pointer).is_some());
            accounts = self.names_of_accounts(&region).await?;
            if let Some(reference) = &region.login {
                login = Some(self.login_names(reference).await?);
            }
        }
        // What the target's own words tell of it is for those who run it.
        let down = self.reconciler.gateway.breaker(region.id).why_open();
        let down = if full { down } else { down.map(|_| "not reachable".to_owned()) };
        Ok(RegionView { region, revision, settings, secret_settings, login, accounts, down, full })
    }

    async fn login_names(&self, reference: &LoginReference) -> Result<(String, String), Error> {
        let account = self.kernel.authorizer.account_name(reference.account).await?;
        let found = self.credentials.records().get(reference.account, reference.credential).await?;
        let credential = found.map(|found| found.credential.name.to_string());
        Ok((account, credential.unwrap_or_else(|| reference.credential.to_string())))
    }
}

/// Whether there is such a region for the caller: their account may use it, and
/// their token is not narrowed to others.
pub(crate) fn may_know(caller: &Caller, region: &Region) -> bool {
    let admitted = match caller.authority {
        Authority::Operator => true,
        Authority::InAccount { account, .. } => region.admits(account),
    };
    admitted && is_within_scope(caller, region)
}

/// Whether a token is narrowed to this region among others, or to none.
pub(crate) fn is_within_scope(caller: &Caller, region: &Region) -> bool {
    let named = &caller.scope.regions;
    let id = region.id.to_string();
    named.is_empty() || named.iter().any(|wanted| *wanted == id || wanted == region.name.as_str())
}

pub(crate) fn no_such_region() -> Error {
    Error::new(Kind::NotFound, "there is no such region")
}
