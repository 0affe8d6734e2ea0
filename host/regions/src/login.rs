//! What a region is signed in by, and what its settings may hold.

use bursar_kernel::id::Reference;
use bursar_kernel::secret::SecretJson;
use bursar_kernel::{Error, Violation};

use crate::{ChosenLogin, LoginReference, Regions};

impl Regions {
    /// What is wrong with the settings of a kind of target.
    pub(crate) fn complaints(&self, target: &str, settings: &SecretJson) -> Vec<Violation> {
        let kinds = self.targets();
        if kinds.iter().all(|kind| kind.id != target) {
            let known: Vec<&str> = kinds.iter().map(|kind| kind.id).collect();
            let message = format!("There is no such kind of target: choose of {}.", known.join(", "));
            return vec![Violation::new("/target", "unknown", message)];
        }
        let in_body =
            |violation: Violation| Violation { pointer: format!("/settings{}", violation.pointer), ..violation };
        self.reconciler.gateway.complaints(target, settings).into_iter().map(in_body).collect()
    }

    /// The credential that a region is to sign in with.
    pub(crate) async fn chosen_login(
        &self,
        target: &str,
        login: &ChosenLogin,
        violations: &mut Vec<Violation>,
    ) -> Result<Option<LoginReference>, Error> {
        let ChosenLogin::Credential { account, credential } = login else { return Ok(None) };
        let mut complain = |pointer, code, message: String| violations.push(Violation::new(pointer, code, message));
        if self.targets().iter().any(|kind| kind.id == target && !kind.takes_login) {
            complain("/login", "unsupported", "This kind of target takes no login: its settings say all.".to_owned());
            return Ok(None);
        }
        let Some(account) = self.kernel.authorizer.find_account(&Reference::from(account.as_str())).await? else {
            complain("/login/account", "unknown", "There is no such account.".to_owned());
            return Ok(None);
        };
        let found = self
            .credentials
            .records()
            .find(account.id, &Reference::from(credential.as_str()))
            .await?
            .map(|found| found.credential);
        let Some(found) = found.filter(|found| found.deleted_at.is_none()) else {
            complain("/login/credential", "unknown", "There is no such credential in that account.".to_owned());
            return Ok(None);
        };
        if let Err(why) = self.reconciler.gateway.can_sign_in(&found) {
            complain("/login/credential", "unsupported", format!("This credential {why}."));
            return Ok(None);
        }
        Ok(Some(LoginReference { account: account.id, credential: found.id }))
    }
}
