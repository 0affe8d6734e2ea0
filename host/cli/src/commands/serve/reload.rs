//! SIGHUP: reloads the configuration and applies what needs no restart.

use bursar_server::{TlsIdentity, TrustedProxies};
use tokio::signal::unix::Signal;

use super::Serve;
use super::log::Log;
use crate::broker::Installation;
use crate::config::{Configuration, Settings};
use crate::failure::Failure;

/// What can be changed in a running broker.
pub(super) struct Reloadable {
    pub(super) serve: Serve,
    pub(super) in_force: Configuration,
    pub(super) log: Log,
    pub(super) tls: Option<TlsIdentity>,
    pub(super) trusted_proxies: TrustedProxies,
}

impl Reloadable {
    /// Reloads whenever it is asked to. A configuration that is wrong changes
    /// nothing, and is no reason to end.
    pub(super) async fn on(mut self, mut hangups: Signal, installation: &Installation) {
        while hangups.recv().await.is_some() {
            match self.serve.load().and_then(|configuration| Ok((configuration.settings()?, configuration))) {
                Ok((settings, configuration)) => self.apply(&settings, &configuration, installation),
                Err(failure) => {
                    tracing::error!(%failure, "the configuration could not be read again: what is in force stays");
                }
            }
        }
    }

    fn apply(&mut self, settings: &Settings, configuration: &Configuration, installation: &Installation) {
        self.log.set_level(settings.log_level);
        self.trusted_proxies.replace(&settings.server.trusted_proxies);
        if let Err(failure) = installation.take_root_key_from(&settings.root_key) {
            tracing::error!(%failure, "the root key's source could not be read");
        }
        if let (Some(tls), Some(files)) = (&self.tls, &settings.tls)
            && let Err(error) = tls.replace(files.clone())
        {
            let cause = std::error::Error::source(&error);
            tracing::error!(%error, cause, "the listener's certificate is not used: the old one is in force");
        }
        let changed = self.in_force.changed_in(configuration);
        let at_the_next_start: Vec<&str> =
            changed.iter().filter(|name| !self.takes_effect(name, settings)).copied().collect();
        if !at_the_next_start.is_empty() {
            tracing::warn!(keys = at_the_next_start.join(", "), "these take effect at the next start");
        }
        // What waits for a start is told each time.
        tracing::info!(changed = changed.len() - at_the_next_start.len(), "the configuration was read again");
    }

    fn takes_effect(&self, name: &str, settings: &Settings) -> bool {
        match name {
            // A listener with TLS does not become one without.
            "server.tls_cert" | "server.tls_key" => self.tls.is_some() == settings.tls.is_some(),
            "server.trusted_proxies" | "server.forwarded_header" | "log.level" => true,
            name => name.starts_with("storage.root_key."),
        }
    }
}

impl Serve {
    /// Reads the configuration.
    pub(super) fn load(&self) -> Result<Configuration, Failure> {
        Configuration::load(self.config.as_deref(), super::environment(), self.flags())
    }
}
