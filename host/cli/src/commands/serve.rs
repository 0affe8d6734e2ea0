//! `bursar serve`

mod log;
mod reload;

use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;

use bursar_server::{App, TlsIdentity};
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use toml::Value;

use self::log::Log;
use self::reload::Reloadable;
use crate::broker::{Installation, chain};
use crate::config::{FlagValue, Settings};
use crate::failure::Failure;
use crate::process;
use crate::system::SystemEntropy;

/// Run the broker
///
/// An empty data dir is initialised: a root key, the account `default` and an
/// operator token, whose file's path is printed.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// TOML file; each key can also be set as `BURSAR_SECTION__KEY`
    #[arg(long, env = "BURSAR_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where keys and data are
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port [default: `127.0.0.1:8420`]
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// A folder of plugins beside the built-in ones. Repeatable
    #[arg(long = "plugins", value_name = "DIR")]
    plugins: Vec<PathBuf>,
    /// Begin a new store although the data dir tells of one that is gone
    #[arg(long)]
    init: bool,
    /// Print what is in force and where each value came from, then exit
    #[arg(long)]
    print_config: bool,
}

impl Serve {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let configuration = self.load()?;
        if self.print_config {
            return std::io::stdout()
                .write_all(configuration.to_string().as_bytes())
                .map_err(|error| Failure::io("write to stdout", error));
        }
        let settings = configuration.settings()?;
        let log = Log::start(&settings);
        process::forbid_core_dumps()?;
        process::raise_open_files();
        let shutdown = CancellationToken::new();
        cancel_on_signal(&shutdown)?;
        // From now on it ends nothing.
        let hangups = signal(SignalKind::hangup()).map_err(|error| Failure::io("listen for signals", error))?;
        let tls = settings.tls.clone().map(TlsIdentity::read).transpose();
        let tls = tls.map_err(|error| Failure::Failed(chain(&error)))?;
        // Before anything is made or changed on disk.
        let socket = TcpListener::bind(settings.listen)
            .map_err(|error| Failure::io(format!("listen on {}", settings.listen), error))?;
        let installation = Installation::open(&settings, self.init).await?;
        announce(&settings, &socket, &installation)?;
        let app = App::new(
            installation.broker.clone(),
            installation.operations.clone(),
            Arc::new(SystemEntropy),
            installation.watchers.clone(),
            settings.server.clone(),
        );
        let trusted_proxies = settings.server.trusted_proxies.clone();
        let reloadable = Reloadable { serve: self, in_force: configuration, log, tls: tls.clone(), trusted_proxies };
        let serving = bursar_server::serve(app, socket, tls, shutdown);
        let served = tokio::select! {
            served = serving => served,
            () = reloadable.on(hangups, &installation) => unreachable!("the signal's stream does not end"),
        };
        installation.close().await;
        tracing::info!("stopped");
        served.map_err(|error| Failure::Failed(chain(&error)))
    }

    fn flags(&self) -> Vec<FlagValue> {
        let mut flags: Vec<FlagValue> = Vec::new();
        if let Some(folder) = &self.data_dir {
            flags.push(("--data-dir", "storage.data_dir", Value::from(folder.display().to_string())));
        }
        if let Some(address) = &self.listen {
            flags.push(("--listen", "server.listen", Value::from(address.to_string())));
        }
        if !self.plugins.is_empty() {
            let folders = self.plugins.iter().map(|folder| Value::from(folder.display().to_string()));
            flags.push(("--plugins", "plugins.folders", Value::Array(folders.collect())));
        }
        flags
    }
}

/// The process's environment, as far as it is text.
pub(crate) fn environment() -> impl Iterator<Item = (String, String)> {
    std::env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
}

fn cancel_on_signal(shutdown: &CancellationToken) -> Result<(), Failure> {
    let listen = |kind| signal(kind).map_err(|error| Failure::io("listen for signals", error));
    let (mut terminate, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    let shutdown = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("stopping: requests in flight may end");
        shutdown.cancel();
    });
    Ok(())
}

/// Where it listens, and on the first start where the token is; never a token.
fn announce(settings: &Settings, socket: &TcpListener, installation: &Installation) -> Result<(), Failure> {
    let address = socket.local_addr().map_err(|error| Failure::io("ask where it listens", error))?;
    let scheme = if settings.tls.is_some() { "https" } else { "http" };
    let mut lines = format!("listening on {scheme}://{address}\n");
    if let Some(file) = &installation.new_token_file {
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "operator token in {}", file.display());
    }
    // A service may have no stdout: it serves all the same.
    let _ = std::io::stdout().write_all(lines.as_bytes());
    Ok(())
}

const EXAMPLES: &str = "Examples:
  bursar serve --data-dir ./data
  bursar serve --config /etc/bursar.toml --print-config
  BURSAR_LOG__LEVEL=debug bursar serve --data-dir ./data --plugins ./plugins";
