//! What should be in a region of one credential.

use std::sync::Arc;

use super::super::credentials::Found;
use super::super::{Broker, codec};
use crate::Error;
use crate::access::Account;
use crate::credential::Credential;
use crate::id::{AccountId, RegionId};
use crate::keys::{self, Table};
use crate::plugin::CredentialType;
use crate::region::{Attachment, Mode, OnDetach, Owner, Pair, Placement, Region, SyncState, TargetError, TargetKind};
use crate::store::{Record, Revision};

/// An account's use of a region, with what is the same for all its credentials.
#[derive(Clone)]
pub(super) struct Ground {
    pub(super) account: Account,
    pub(super) region: Region,
    pub(super) kind: Option<&'static TargetKind>,
    /// The revision the region was read at: what is begun is begun on it.
    pub(super) region_revision: Revision,
    /// The attachment with its revision; `None` where there is none any more.
    pub(super) attachment: Option<(Attachment, Revision)>,
    /// Stands for the settings that shape what is there.
    layout: String,
}

/// What should be there.
pub(super) enum Wanted {
    /// Whatever there is: the region is paused.
    Anything,
    /// What there is, since it cannot be made again, and is right.
    AsItIs,
    /// Nothing of ours, or nothing we look after.
    Gone {
        /// Whether what is there stays.
        keep: bool,
    },
    /// The credential.
    Put(Put),
    /// The credential, but it cannot be said in which form.
    Unclear(TargetError),
}

/// A credential as it should be there.
pub(super) struct Put {
    pub(super) of: Arc<CredentialType>,
    pub(super) formats: Vec<String>,
    /// Fingerprint of everything that decides the content.
    pub(super) input: String,
    /// Fingerprint of what decides its form.
    pub(super) form: String,
}

impl Broker {
    /// The ground of a pair; `None` where account or region are gone.
    pub(super) async fn ground(&self, account: AccountId, region: RegionId) -> Result<Option<Ground>, Error> {
        let Some(account_record) = self.account_record(account).await? else { return Ok(None) };
        let Some(region_record) = self.store().get(&keys::region(region)).await? else { return Ok(None) };
        let attachment = self.store().get(&keys::attachment(account, region)).await?;
        self.ground_of(codec::decode(&account_record)?, &region_record, attachment.as_ref()).map(Some)
    }

    /// The same of what was read.
    pub(super) fn ground_of(
        &self,
        account: Account,
        region: &Record,
        attachment: Option<&Record>,
    ) -> Result<Ground, Error> {
        let region_revision = region.revision;
        let region: Region = codec::decode(region)?;
        let attachment = attachment
            .map(|record| Ok::<_, Error>((codec::decode::<Attachment>(record)?, record.revision)))
            .transpose()?;
        let kind = self.kind_of(&region);
        // A sign-in that is rotated shapes nothing.
        let shaping = region.public_settings(kind);
        let layout = format!("{}\n{}\n{shaping}", region.id, region.target);
        Ok(Ground { account, region, kind, region_revision, attachment, layout })
    }

    /// What should be there of a credential, deleted ones too.
    pub(super) fn wanted(&self, ground: &Ground, credential: Option<&Credential>, placement: &Placement) -> Wanted {
        if ground.region.mode == Mode::Paused {
            return Wanted::Anything;
        }
        let Some((attachment, _)) = &ground.attachment else { return Wanted::Gone { keep: false } };
        if let Some(on_detach) = attachment.detaching {
            return Wanted::Gone { keep: on_detach == OnDetach::Keep };
        }
        // Whoever may not use it any more has let go of it; nothing of theirs is
        // put there, whatever the records say.
        if !ground.region.admits(ground.account.id) {
            return Wanted::Gone { keep: attachment.on_detach == OnDetach::Keep };
        }
        if ground.region.mode == Mode::Draining {
            return Wanted::Gone { keep: false };
        }
        let Some(credential) = credential.filter(|credential| credential.deleted_at.is_none()) else {
            return Wanted::Gone { keep: false };
        };
        let found = self.plugins().find(&credential.type_id);
        // What is chosen is known without the plugin, what is pushed by default is not.
        if found.is_none() && !attachment.pushes(&credential.type_id, true) {
            return Wanted::Gone { keep: false };
        }
        let Some(of) = found else {
            let names = (ground.account.name.as_str(), credential.name.as_str());
            let newest = placement.places.last();
            let named_so =
                newest.is_some_and(|place| (place.account_name.as_str(), place.credential_name.as_str()) == names);
            if placement.state == SyncState::Synced && placement.version == Some(credential.version) && named_so {
                return Wanted::AsItIs;
            }
            let what = format!("the plugin for type `{}` is not loaded: install it", credential.type_id);
            return Wanted::Unclear(TargetError::Failed(what));
        };
        let formats = match formats(attachment, &of, ground.kind) {
            Ok(formats) if formats.is_empty() => return Wanted::Gone { keep: false },
            Ok(formats) => formats,
            Err(error) => return Wanted::Unclear(error),
        };
        let input = self.input(ground, credential, &of, &formats);
        let shape = format!("{}\n{}", formats.join(","), ground.layout);
        let form = fingerprint(&self.blind().digest("sync-form", shape.as_bytes()));
        Wanted::Put(Put { of, formats, input, form })
    }

    /// Whether credentials of a type are put in a region that is used so.
    pub(super) fn belongs_there(&self, attachment: &Attachment, region: &Region, type_id: &str) -> bool {
        let Some(of) = self.plugins().find(type_id) else { return attachment.pushes(type_id, true) };
        formats(attachment, &of, self.kind_of(region)).map_or(true, |formats| !formats.is_empty())
    }

    fn input(&self, ground: &Ground, credential: &Credential, of: &CredentialType, formats: &[String]) -> String {
        let about = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{}",
            credential.id,
            credential.version,
            credential.name,
            ground.account.name,
            of.digest,
            formats.join(","),
            ground.layout
        );
        fingerprint(&self.blind().digest("sync-input", about.as_bytes()))
    }

    /// Whose a thing of this credential is.
    pub(super) fn owner(&self, ground: &Ground, pair: Pair, credential_name: &str) -> Owner {
        Owner {
            installation: self.installation_id(),
            account: pair.account,
            account_name: ground.account.name.to_string(),
            credential: pair.credential,
            credential_name: credential_name.to_owned(),
        }
    }

    /// A pair's credential, deleted ones too.
    pub(super) async fn credential_of(&self, pair: Pair) -> Result<Option<Found>, Error> {
        let key = keys::of_credential(Table::Credential, pair.account, pair.credential);
        let Some(record) = self.store().get(&key).await? else { return Ok(None) };
        Ok(Some(Found { credential: codec::decode(&record)?, revision: record.revision }))
    }
}

/// The formats in which credentials of a type are put there; none for a type
/// that is not pushed there.
fn formats(
    attachment: &Attachment,
    of: &CredentialType,
    kind: Option<&TargetKind>,
) -> Result<Vec<String>, TargetError> {
    if !attachment.pushes(&of.manifest.id, of.manifest.pushed_by_default) {
        return Ok(Vec::new());
    }
    let Some(chosen) = attachment.formats.get(&of.manifest.id) else {
        let preferred = kind.map_or("", |kind| kind.preferred_formats);
        let known = &of.manifest.formats;
        let of_kind = known.iter().find(|format| format.id.starts_with(preferred));
        return Ok(of_kind.or(known.first()).map(|format| format.id.clone()).into_iter().collect());
    };
    match chosen.iter().find(|format| of.manifest.format(format).is_none()) {
        None => Ok(chosen.clone()),
        Some(unknown) => {
            let known: Vec<&str> = of.manifest.formats.iter().map(|format| format.id.as_str()).collect();
            let what = format!("type `{}` has no format `{unknown}`: choose of {}", of.manifest.id, known.join(", "));
            Err(TargetError::Invalid(what))
        }
    }
}

/// Half of a keyed digest, in hex: enough to tell contents apart.
pub(super) fn fingerprint(digest: &[u8; 32]) -> String {
    use std::fmt::Write as _;
    digest[..16].iter().fold(String::with_capacity(32), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
