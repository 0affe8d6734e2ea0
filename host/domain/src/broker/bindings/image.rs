//! Which credential an image is pulled with (D-5).

use serde_json::json;

use super::super::{Broker, codec};
use super::index::Match;
use super::resolve::{Resolved, Source};
use crate::access::{Account, Caller, Operation};
use crate::binding::{Image, Protocol, Term, Way};
use crate::id::{CredentialId, Reference};
use crate::keys::{self, Table};
use crate::{Error, Kind, Violation};

impl Broker {
    /// Finds the credential for an image: by the registry and the longest path
    /// prefix on whole segments; of equals the default wins, then the oldest.
    /// With `format` it is handed out too.
    ///
    /// Where none matches the default does not step in: it is for another
    /// registry, which would be sent a secret that is none of its business.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`] for what is no image reference, [`Kind::NotFound`] where
    /// no credential is for its registry; otherwise as for
    /// [`Broker::materialize`].
    pub async fn resolve_image(
        &self,
        caller: &Caller,
        account: &Reference,
        image: &str,
        format: Option<&str>,
    ) -> Result<Resolved, Error> {
        let account = self.authorize_operation(caller, account, Operation::ResolveImage).await?;
        let image =
            Image::parse(image).map_err(|rule| Error::invalid(vec![Violation::new("/image", "format", rule)]))?;
        let Some(Match { found, selector }) = self.best_match(caller, &account, &image).await? else {
            let registry = image.prefixes().last().unwrap_or_default();
            let message = format!(
                "no credential that may be used here is for {}: store one whose registry is {registry} or a path of it",
                image.as_str()
            );
            return Err(Error::new(Kind::NotFound, message));
        };
        let way = Way { protocol: Protocol::ResolveImage, consumer: None, actor: caller.actor(), fallback: false };
        let detail = json!({ "token": caller.token, "image": image.as_str(), "matched": selector.value });
        self.answer(caller, &found.credential, Source::Image, Some(selector), way, format, detail).await
    }

    async fn best_match(&self, caller: &Caller, account: &Account, image: &Image) -> Result<Option<Match>, Error> {
        let defaults = self.store().scan(&keys::of_account(Table::Default, account.id), &[], usize::MAX).await?;
        let mut defaults = defaults.iter().map(codec::decode).collect::<Result<Vec<CredentialId>, _>>()?;
        // Ids are in the order of creation.
        defaults.sort();
        for prefix in image.prefixes() {
            let term = Term::image_prefix(prefix);
            let Some(oldest) = self.found_by(caller, account, &term, 1).await?.pop() else { continue };
            for default in &defaults {
                if let Some(default) = self.matched(caller, account, *default, &term).await? {
                    return Ok(Some(default));
                }
            }
            return Ok(Some(oldest));
        }
        Ok(None)
    }
}
