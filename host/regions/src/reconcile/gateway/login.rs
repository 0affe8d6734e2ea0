//! Opening a region's target: its settings and, where it has one, its login.

use std::sync::Arc;

use bursar_credentials::Credential;
use bursar_kernel::Error;
use bursar_kernel::audit::{Action, Event, Outcome};
use bursar_kernel::plugin::Artifact;
use zeroize::Zeroizing;

use super::TargetGateway;
use crate::{Login, LoginReference, Region, Target, TargetError};

impl TargetGateway {
    /// The region's target, ready to be used.
    ///
    /// # Errors
    ///
    /// The outer one where the store fails, the inner one where the region
    /// cannot be used as it is.
    pub(crate) async fn open_target(&self, region: &Region) -> Result<Result<Arc<dyn Target>, TargetError>, Error> {
        let login = match &region.login {
            None => None,
            Some(reference) => match self.login(region, reference).await? {
                Ok(login) => Some(login),
                Err(error) => return Ok(Err(error)),
            },
        };
        Ok(self.open_settings(region, login).await)
    }

    /// Whether a credential is one that can sign in; if not, why.
    pub(crate) fn can_sign_in(&self, credential: &Credential) -> Result<(), &'static str> {
        let Some(of) = self.kernel.ports.plugins().find(&credential.type_id) else {
            return Err("has a type that is not loaded");
        };
        match of.manifest.format(LOGIN) {
            Some(_) => Ok(()),
            None => Err("has a type that is no login: choose one with the format `login`"),
        }
    }

    /// The login a credential holds. That it is used is recorded once for each
    /// version of it: what follows is in the pushes' records.
    async fn login(&self, region: &Region, reference: &LoginReference) -> Result<Result<Login, TargetError>, Error> {
        let refused = |why: &str| {
            let what = format!("the credential that signs in to region `{}` {why}", region.name);
            Ok(Err(TargetError::Refused(what)))
        };
        let Some(found) = self.records.get(reference.account, reference.credential).await? else {
            return refused("is gone: choose another");
        };
        let credential = found.credential;
        if credential.deleted_at.is_some() {
            return refused("is deleted: restore it, or choose another");
        }
        let known = self.login_of(region.id, &credential);
        if let Some(login) = known {
            return Ok(Ok(login));
        }
        if let Err(why) = self.can_sign_in(&credential) {
            return refused(why);
        }
        let data = self.records.secret_data(&credential, credential.version).await?;
        let context = self.records.materialize_context(&credential, LOGIN);
        let answer = self.kernel.ports.plugins().materialize(&credential.type_id, &data, LOGIN, &context).await;
        self.kernel
            .journal
            .record(Event {
                account: Some(credential.account),
                credential: Some(credential.id),
                version: Some(credential.version),
                region: Some(region.name.to_string()),
                outcome: if answer.is_err() { Outcome::Failed } else { Outcome::Ok },
                detail: Some(serde_json::json!({ "format": LOGIN, "for": "region" })),
                ..self.kernel.ports.system_event(Action::CredentialMaterialize)
            })
            .await?;
        let Ok(artifacts) = answer else { return refused("could not be read by its plugin") };
        let text = |name: &str| -> Option<Zeroizing<String>> {
            let artifact: &Artifact = artifacts.iter().find(|artifact| artifact.name == name)?;
            String::from_utf8(artifact.content.to_vec()).ok().map(Zeroizing::new)
        };
        let (Some(username), Some(password)) = (text("username"), text("password")) else {
            return refused("holds no user name and password as text");
        };
        let login = Login { username: username.to_string(), password };
        self.cache_login(region.id, &credential, login.clone());
        Ok(Ok(login))
    }
}

/// The well-known format of a user name and a password.
const LOGIN: &str = "login";
