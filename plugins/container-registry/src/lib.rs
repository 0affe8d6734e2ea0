//! A login for a registry of container images, at any of the usual providers.
//!
//! Least privilege: an access token, robot account or service principal that
//! may only pull; `README.md` has a recipe per provider.
//!
//! Formats: <https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets>,
//! <https://docs.docker.com/reference/cli/docker/login/> and containers-auth.json(5).

#![forbid(unsafe_code)]

mod docker_config;
mod provider;
mod rules;
mod server;

use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Error, Inspection, Rewrite, Violations, export_type, serde, variable,
};
use serde::{Deserialize, Serialize};

use docker_config::{Login, auths};
use provider::Provider;
use server::Server;

export_type!(ContainerRegistry);

/// The credential type `container-registry`.
pub struct ContainerRegistry;

impl CredentialType for ContainerRegistry {
    type Public = Public;
    type Full = Full;

    fn inspect(mut data: Public, _: &Context) -> Result<Inspection, Error> {
        let mut violations = Violations::new();
        let resolved = data.resolve(&mut violations);
        if let Some((provider, server)) = &resolved {
            rules::check_server(*provider, server, &mut violations);
            rules::check_account(*provider, data.email.as_deref(), &data.username, &mut violations);
        }
        violations.finish()?;
        let Some((provider, server)) = resolved else { return Err(Error::Internal("unresolved".into())) };

        data.server = Some(server.to_string());
        Inspection::new(data)?
            .selector("image-prefix", server.to_string())
            .attribute("registry", server.authority())?
            .attribute("provider", provider)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        if let Some((provider, _)) = data.public.resolve(&mut violations) {
            rules::check_password(provider, &data.public.username, &data.password, &mut violations);
        }
        violations.finish()?;
        Ok(Vec::new())
    }

    fn materialize(data: Full, format: &str, _: &Context) -> Result<Vec<Artifact>, Error> {
        let mut violations = Violations::new();
        let resolved = data.public.resolve(&mut violations);
        violations.finish()?;
        let Some((_, server)) = resolved else { return Err(Error::Internal("unresolved".into())) };

        let Full { public: Public { email, username, .. }, password } = &data;
        let login = Login { username, password, email: email.as_deref() };
        match format {
            "kubernetes.io/dockerconfigjson" => {
                Ok(vec![Artifact::json(".dockerconfigjson", &auths(server.kubelet_key(), &login))?])
            }
            "docker/config.json" => Ok(vec![Artifact::json("config.json", &auths(server.docker_key(), &login))?]),
            "containers/auth.json" => {
                // The format has no e-mail: containers-auth.json(5).
                let login = Login { email: None, ..login };
                Ok(vec![Artifact::json("auth.json", &auths(server.containers_key(), &login))?])
            }
            "login" => Ok(Artifact::login(username, password)),
            "env" => Artifact::env(&[
                variable("REGISTRY_SERVER", "/server", &server.to_string()),
                variable("REGISTRY_USERNAME", "/username", username),
                variable("REGISTRY_PASSWORD", "/password", password),
            ]),
            _ => Err(Error::unknown_format()),
        }
    }
}

/// The form without its secret.
#[derive(Deserialize, Serialize)]
pub struct Public {
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Provider>,
    server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    username: String,
}

/// The whole form.
#[derive(Deserialize)]
pub struct Full {
    #[serde(flatten)]
    public: Public,
    password: String,
}

impl Public {
    /// The provider, given or detected, and the server, given or the provider's
    /// common one. `None` without either, with the violation added.
    fn resolve(&self, violations: &mut Violations) -> Option<(Provider, Server)> {
        let common = self.provider.unwrap_or(Provider::DockerHub).common_server();
        let Some(server) = self.server.as_deref().or(common) else {
            violations.add("/server", "required", "Give the registry's host name; this provider has no common one.");
            return None;
        };
        match server.parse::<Server>() {
            Ok(server) => Some((self.provider.unwrap_or_else(|| Provider::of(&server)), server)),
            Err(message) => {
                violations.add("/server", "server", message.to_string());
                None
            }
        }
    }
}
