//! What callers ask of regions: the part the core can judge. What a setting may
//! hold is the target's word.

use std::collections::BTreeMap;

use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Violation, parse_name, validate_title};

use crate::{Attachment, DriftPolicy, OnDetach};

/// A region to be made.
#[derive(Clone, Debug, Default)]
pub struct CreateRegion {
    /// Unique in the installation.
    pub name: String,
    /// Free text.
    pub title: String,
    /// The kind of target.
    pub target: String,
    /// Its settings.
    pub settings: SecretJson,
    /// The sign-in.
    pub login: ChosenLogin,
    /// What to do about what others changed.
    pub drift: DriftPolicy,
    /// The accounts that may use it, by id or name; `None` for every account.
    pub accounts: Option<Vec<String>>,
}

/// Changes to a region: JSON Merge Patch (RFC 7396).
#[derive(Clone, Debug, Default)]
pub struct UpdateRegion {
    /// The kind of target; repeating it is no change, another one is refused.
    pub target: Option<String>,
    /// A new name.
    pub name: Option<String>,
    /// A new title.
    pub title: Option<String>,
    /// A merge patch over the settings.
    pub settings: Option<SecretJson>,
    /// Another sign-in, or none any more.
    pub login: Option<ChosenLogin>,
    /// Another policy.
    pub drift: Option<DriftPolicy>,
    /// The accounts that may use it from now on, by id or name; `Some(None)` for
    /// every account.
    pub accounts: Option<Option<Vec<String>>>,
}

/// The sign-in of a region.
#[derive(Clone, Debug, Default)]
pub enum ChosenLogin {
    /// None, or one among the settings.
    #[default]
    None,
    /// A credential.
    Credential {
        /// Whose, by id or name.
        account: String,
        /// Which, by id or name.
        credential: String,
    },
}

/// How an account uses a region.
#[derive(Clone, Debug, Default)]
pub struct AttachRegion {
    /// Formats by type.
    pub formats: BTreeMap<String, Vec<String>>,
    /// The types that are put there; `None` for the default set.
    pub types: Option<Vec<String>>,
    /// What happens when it lets go.
    pub on_detach: OnDetach,
}

impl CreateRegion {
    /// What the core's own rules forbid.
    #[must_use]
    pub fn validate(&self) -> Vec<Violation> {
        parse_name(&self.name, "/name").err().into_iter().chain(validate_title(&self.title)).collect()
    }
}

impl UpdateRegion {
    /// What the core's own rules forbid of a region with this kind of target.
    #[must_use]
    pub fn validate(&self, target: &str) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.target.as_ref().is_some_and(|wanted| wanted != target) {
            let message = "A region keeps its kind of target: make another one.";
            violations.push(Violation::new("/target", "immutable", message));
        }
        violations.extend(self.name.as_deref().and_then(|name| parse_name(name, "/name").err()));
        violations.extend(self.title.as_deref().and_then(validate_title));
        violations
    }
}

impl From<Attachment> for AttachRegion {
    /// To use a region again as it was used.
    fn from(attachment: Attachment) -> Self {
        let Attachment { formats, types, on_detach, .. } = attachment;
        Self { formats, types: types.map(Vec::from_iter), on_detach }
    }
}

impl OnDetach {
    /// Reads the wire form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        ON_DETACH.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning)
    }
}

const ON_DETACH: [(&str, OnDetach); 2] = [("remove", OnDetach::Remove), ("keep", OnDetach::Keep)];
