//! Which credential an image is pulled with (D-5).

use bursar_credentials::selector::{Image, Term};
use bursar_credentials::{Match, Protocol, Way};
use bursar_kernel::id::{CredentialId, Reference};
use bursar_kernel::keys::{Table, of_account};
use bursar_kernel::{Account, Caller, Error, Kind, Operation, Violation, codec};
use serde_json::json;

use crate::resolve::Answer;
use crate::{Bindings, Resolved, Source};

impl Bindings {
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
    /// [`bursar_credentials::Credentials::materialize`].
    pub async fn resolve_image(
        &self,
        caller: &Caller,
        account: &Reference,
        image: &str,
        format: Option<&str>,
    ) -> Result<Resolved, Error> {
        let account = self.kernel.authorizer.authorize_operation(caller, account, Operation::ResolveImage).await?;
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
        let answer = Answer { credential: found.credential, source: Source::Image, selector: Some(selector), way };
        self.answer(caller, answer, format, detail).await
    }

    async fn best_match(&self, caller: &Caller, account: &Account, image: &Image) -> Result<Option<Match>, Error> {
        let defaults = self.kernel.ports.store().scan(&of_account(Table::Default, account.id), &[], usize::MAX).await?;
        let mut defaults = defaults.iter().map(codec::decode).collect::<Result<Vec<CredentialId>, _>>()?;
        // Ids are in the order of creation.
        defaults.sort();
        for prefix in image.prefixes() {
            let term = Term::image_prefix(prefix);
            let Some(oldest) = self.credentials.found_by(caller, account, &term, 1).await?.pop() else { continue };
            for default in &defaults {
                if let Some(default) = self.credentials.matched(caller, account, *default, &term).await? {
                    return Ok(Some(default));
                }
            }
            return Ok(Some(oldest));
        }
        Ok(None)
    }
}
