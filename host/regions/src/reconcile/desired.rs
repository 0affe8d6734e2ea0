//! What should be in a region of one credential.

use std::sync::Arc;

use bursar_credentials::Credential;
use bursar_kernel::SyncState;
use bursar_kernel::plugin::CredentialType;

use super::content::fingerprint;
use super::{Assignment, Reconciler};
use crate::{Attachment, Mode, OnDetach, Region, SyncStatus, TargetError, TargetKind};

/// What should be there.
pub(crate) enum Desired {
    /// Whatever there is: the region is paused.
    Unmanaged,
    /// What there is, since it cannot be made again, and is right.
    Keep,
    /// Nothing of ours, or nothing we look after.
    Absent {
        /// Whether what is there stays.
        keep: bool,
    },
    /// The credential.
    Present(Spec),
    /// The credential, but in which form cannot be determined.
    Undetermined(TargetError),
}

/// A credential as it should be there.
pub(crate) struct Spec {
    pub(crate) of: Arc<CredentialType>,
    pub(crate) formats: Vec<String>,
    /// Fingerprint of everything that decides the content.
    pub(crate) input: String,
    /// Fingerprint of what decides its form.
    pub(crate) form: String,
}

impl Desired {
    /// What a failure to bring this about is a failure of.
    pub(crate) fn wish(&self) -> &str {
        match self {
            Self::Present(spec) => &spec.input,
            Self::Absent { .. } => REMOVAL,
            Self::Unmanaged | Self::Keep | Self::Undetermined(_) => "",
        }
    }
}

impl Reconciler {
    /// What should be there of a credential, deleted ones too.
    pub(crate) fn desired(
        &self,
        assignment: &Assignment,
        credential: Option<&Credential>,
        status: &SyncStatus,
    ) -> Desired {
        if assignment.region.mode == Mode::Paused {
            return Desired::Unmanaged;
        }
        let Some((attachment, _)) = &assignment.attachment else { return Desired::Absent { keep: false } };
        if let Some(on_detach) = attachment.detaching {
            return Desired::Absent { keep: on_detach == OnDetach::Keep };
        }
        // Whoever may not use it any more has let go of it; nothing of theirs is
        // put there, whatever the records say.
        if !assignment.region.admits(assignment.account.id) {
            return Desired::Absent { keep: attachment.on_detach == OnDetach::Keep };
        }
        if assignment.region.mode == Mode::Draining {
            return Desired::Absent { keep: false };
        }
        let Some(credential) = credential.filter(|credential| credential.deleted_at.is_none()) else {
            return Desired::Absent { keep: false };
        };
        let found = self.kernel.ports.plugins().find(&credential.type_id);
        // What is chosen is known without the plugin, what is pushed by default is not.
        if found.is_none() && !attachment.pushes(&credential.type_id, true) {
            return Desired::Absent { keep: false };
        }
        let Some(of) = found else {
            let names = (assignment.account.name.as_str(), credential.name.as_str());
            let newest = status.locations.last();
            let named_so = newest.is_some_and(|at| (at.account_name.as_str(), at.credential_name.as_str()) == names);
            if status.state == SyncState::Synced && status.version == Some(credential.version) && named_so {
                return Desired::Keep;
            }
            let what = format!("the plugin for type `{}` is not loaded: install it", credential.type_id);
            return Desired::Undetermined(TargetError::Failed(what));
        };
        let formats = match formats(attachment, &of, assignment.kind) {
            Ok(formats) if formats.is_empty() => return Desired::Absent { keep: false },
            Ok(formats) => formats,
            Err(error) => return Desired::Undetermined(error),
        };
        let input = self.input(assignment, credential, &of, &formats);
        let shape = format!("{}\n{}", formats.join(","), assignment.layout);
        let form = fingerprint(&self.kernel.ports.blind().digest("sync-form", shape.as_bytes()));
        Desired::Present(Spec { of, formats, input, form })
    }

    /// Whether credentials of a type are put in a region that is used so.
    pub(crate) fn belongs_there(&self, attachment: &Attachment, region: &Region, type_id: &str) -> bool {
        let Some(of) = self.kernel.ports.plugins().find(type_id) else { return attachment.pushes(type_id, true) };
        formats(attachment, &of, self.gateway.kind_of(region)).map_or(true, |formats| !formats.is_empty())
    }

    fn input(
        &self,
        assignment: &Assignment,
        credential: &Credential,
        of: &CredentialType,
        formats: &[String],
    ) -> String {
        let about = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{}",
            credential.id,
            credential.version,
            credential.name,
            assignment.account.name,
            of.digest,
            formats.join(","),
            assignment.layout
        );
        fingerprint(&self.kernel.ports.blind().digest("sync-input", about.as_bytes()))
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

/// What is begun, or failed, that puts nothing. No fingerprint is it.
pub(crate) const REMOVAL: &str = "-";
