//! The broker's settings, with every value validated.

mod limits;
mod network;
mod quotas;
mod server;

use std::collections::BTreeMap;
use std::env;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use bursar_dns::{DnsGrants, NameRule};
use bursar_kernel::Quotas;
use bursar_plugin_host::{Approval, Limits, NetworkConfig, TrustedKey};
use bursar_regions::engine::Pace;
use bursar_server::{ServerConfig, TlsFiles};
use etcetera::BaseStrategy;
use toml::Value;

use crate::config::Configuration;
use crate::failure::Failure;

/// The broker's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Certificate and key, if TLS is on.
    pub(crate) tls: Option<TlsFiles>,
    /// Limits of the HTTP API.
    pub(crate) server: ServerConfig,
    /// The folder of keys and data.
    pub(crate) data_dir: PathBuf,
    /// `postgres://...`; `None` for a file in the data dir.
    pub(crate) database_url: Option<String>,
    /// Size of the file's page cache.
    pub(crate) cache_bytes: usize,
    /// Maximum number of database connections.
    pub(crate) max_connections: u32,
    /// The source of the root key.
    pub(crate) root_key: RootKey,
    /// Folders whose `*.wasm` files are plugins, in addition to the built-in ones.
    pub(crate) plugin_folders: Vec<PathBuf>,
    /// Which of their plugins need an operator's approval.
    pub(crate) approval: Approval,
    /// Keys whose signatures of plugins are trusted.
    pub(crate) trusted_keys: Vec<TrustedKey>,
    /// The public fields that each plugin may derive from secrets.
    pub(crate) granted_derives: BTreeMap<String, Vec<String>>,
    /// The DNS names that each plugin may write in addition to challenges.
    pub(crate) dns_grants: DnsGrants,
    /// The network addresses that plugins may reach.
    pub(crate) network: NetworkConfig,
    /// Limits of plugins' components and of compiling them.
    pub(crate) plugin_limits: Limits,
    /// How long the start waits for plugins to compile.
    pub(crate) plugin_start_wait: Duration,
    /// How regions are reconciled.
    pub(crate) sync: SyncSettings,
    /// Quotas of each account.
    pub(crate) quotas: Quotas,
    /// How much of the audit trail stays in the store.
    pub(crate) retention: Retention,
    /// The level of the log.
    pub(crate) log_level: LogLevel,
    /// The format of the log.
    pub(crate) log_format: LogFormat,
}

/// How regions are reconciled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncSettings {
    /// How often desired and recorded state are compared, and targets are verified.
    pub(crate) pace: Pace,
    /// Maximum number of concurrent calls to the target of one region.
    pub(crate) concurrency: usize,
}

/// How much of the audit trail stays in the store.
#[derive(Clone, Debug)]
pub(crate) struct Retention {
    /// Approximate size of each node's chain.
    pub(crate) max_bytes: u64,
    /// The folder that older segments are exported to.
    pub(crate) segments: PathBuf,
}

/// The source of the root key.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RootKey {
    /// A file of the broker.
    File(PathBuf),
    /// Derived from the passphrase in this file.
    Passphrase(PathBuf),
    /// An environment variable.
    Variable(String),
    /// The folder of systemd's credentials.
    CredentialsDirectory(PathBuf),
}

/// The level of the log; each includes the ones before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogLevel {
    /// Failures.
    Error,
    /// Irregularities.
    Warn,
    /// Events.
    Info,
    /// Their reasons.
    Debug,
    /// Everything.
    Trace,
}

/// The format of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// Readable lines.
    Text,
    /// One JSON object a line.
    Json,
}

pub(super) fn read(from: &Configuration) -> Result<Settings, Failure> {
    let data_dir = match path(from, "storage.data_dir") {
        Some(data_dir) => data_dir,
        None => default_data_dir()?,
    };
    let tls = tls(from)?;
    let listen = listen(from, tls.is_some())?;
    let server = server::read(from)?;
    let retention = Retention {
        max_bytes: number(from, "audit.max_bytes", 1)? as u64,
        segments: path(from, "audit.segments_dir").unwrap_or_else(|| data_dir.join("audit-segments")),
    };
    Ok(Settings {
        listen,
        tls,
        server,
        database_url: database_url(from)?,
        cache_bytes: number(from, "storage.cache_mib", 1)?.saturating_mul(1 << 20),
        max_connections: positive(from, "storage.max_connections")?.get(),
        root_key: root_key(from, &data_dir)?,
        data_dir,
        plugin_folders: list(from.value("plugins.folders")).into_iter().map(PathBuf::from).collect(),
        approval: approval(from)?,
        trusted_keys: trusted_keys(from)?,
        granted_derives: lists(from, "plugins.granted_derives", "must map a plugin's id to a list of JSON Pointers")?,
        dns_grants: dns_grants(from)?,
        network: network::read(from)?,
        plugin_limits: limits::read(from)?,
        plugin_start_wait: Duration::from_secs(positive(from, "plugins.start_wait_seconds")?.get().into()),
        sync: sync(from)?,
        quotas: quotas::read(from)?,
        retention,
        log_level: one_of(from, "log.level", LOG_LEVELS)?,
        log_format: one_of(from, "log.format", LOG_FORMATS)?,
    })
}

fn sync(from: &Configuration) -> Result<SyncSettings, Failure> {
    let seconds = |name| Ok::<_, Failure>(Duration::from_secs(positive(from, name)?.get().into()));
    let pace =
        Pace { interval: seconds("sync.interval_seconds")?, verify_interval: seconds("sync.verify_interval_seconds")? };
    Ok(SyncSettings { pace, concurrency: number(from, "sync.concurrency", 1)? })
}

fn listen(from: &Configuration, has_tls: bool) -> Result<SocketAddr, Failure> {
    let name = "server.listen";
    let invalid = || from.invalid(name, "must be ADDRESS:PORT, as in 127.0.0.1:8420");
    let listen: SocketAddr = text(from, name).unwrap_or_default().parse().map_err(|_| invalid())?;
    if !listen.ip().is_loopback() && !has_tls && !flag(from, "server.insecure_listen") {
        return Err(from.invalid(
            name,
            "accepts remote connections without TLS: set server.tls_cert and server.tls_key, or \
             server.insecure_listen = true behind a proxy that terminates TLS",
        ));
    }
    Ok(listen)
}

fn tls(from: &Configuration) -> Result<Option<TlsFiles>, Failure> {
    match (path(from, "server.tls_cert"), path(from, "server.tls_key")) {
        (Some(certificate), Some(private_key)) => Ok(Some(TlsFiles { certificate, private_key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(from.invalid("server.tls_cert", "needs server.tls_key too")),
        (None, Some(_)) => Err(from.invalid("server.tls_key", "needs server.tls_cert too")),
    }
}

fn database_url(from: &Configuration) -> Result<Option<String>, Failure> {
    match text(from, "storage.url") {
        None | Some("") => Ok(None),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(Some(url.to_owned())),
        Some(_) => Err(from.invalid("storage.url", "must be postgres://...; leave it out for a file in the data dir")),
    }
}

fn root_key(from: &Configuration, data_dir: &std::path::Path) -> Result<RootKey, Failure> {
    let name = "storage.root_key.source";
    match text(from, name).unwrap_or_default() {
        "file" => {
            let path = path(from, "storage.root_key.path");
            Ok(RootKey::File(path.unwrap_or_else(|| data_dir.join(ROOT_KEY_FILE))))
        }
        "passphrase" => match path(from, "storage.root_key.passphrase_file") {
            Some(path) => Ok(RootKey::Passphrase(path)),
            None => Err(from.invalid(name, "needs storage.root_key.passphrase_file")),
        },
        "env" => Ok(RootKey::Variable(text(from, "storage.root_key.variable").unwrap_or_default().to_owned())),
        "credentials-directory" => match env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Ok(RootKey::CredentialsDirectory(PathBuf::from(folder))),
            None => Err(from.invalid(name, "needs $CREDENTIALS_DIRECTORY, which systemd sets for LoadCredential=")),
        },
        _ => Err(from.invalid(name, "must be one of file, passphrase, env, credentials-directory")),
    }
}

fn approval(from: &Configuration) -> Result<Approval, Failure> {
    let name = "plugins.approval";
    let approval = one_of(from, name, APPROVALS)?;
    if approval == Approval::SignedOnly && list(from.value("plugins.trusted_keys")).is_empty() {
        return Err(
            from.invalid(name, "needs plugins.trusted_keys: the minisign public keys whose signatures are trusted")
        );
    }
    Ok(approval)
}

fn trusted_keys(from: &Configuration) -> Result<Vec<TrustedKey>, Failure> {
    let name = "plugins.trusted_keys";
    let keys = list(from.value(name)).into_iter().map(|text| text.parse());
    keys.collect::<Result<_, String>>().map_err(|error| from.invalid(name, format!("has an invalid entry: {error}")))
}

/// Reads a table of lists of strings.
fn lists(from: &Configuration, name: &str, shape: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let table = from.value(name).and_then(Value::as_table);
    let lists = table.into_iter().flatten().map(|(key, items)| {
        let all_texts = items.as_array().is_some_and(|items| items.iter().all(Value::is_str));
        all_texts.then(|| (key.clone(), list(Some(items))))
    });
    lists.collect::<Option<_>>().ok_or_else(|| from.invalid(name, shape))
}

fn dns_grants(from: &Configuration) -> Result<DnsGrants, Failure> {
    let name = "plugins.granted_dns_names";
    let texts = lists(from, name, "must map a plugin's id to a list of names and suffixes such as *.example.com")?;
    let parse = |text: &String| {
        text.parse::<NameRule>().map_err(|error| from.invalid(name, format!("has the invalid name `{text}`: {error}")))
    };
    let rules = texts.into_iter().map(|(plugin, rules)| {
        let rules = rules.iter().map(parse).collect::<Result<Vec<_>, Failure>>()?;
        Ok((plugin, rules))
    });
    rules.collect::<Result<_, Failure>>().map(DnsGrants::new)
}

fn default_data_dir() -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy()
        .map_err(|_| Failure::Usage("no home directory for the data: give --data-dir".to_owned()))?;
    Ok(base.data_dir().join("bursar"))
}

fn text<'a>(from: &'a Configuration, name: &str) -> Option<&'a str> {
    from.value(name).and_then(Value::as_str)
}

fn path(from: &Configuration, name: &str) -> Option<PathBuf> {
    text(from, name).filter(|path| !path.is_empty()).map(PathBuf::from)
}

fn flag(from: &Configuration, name: &str) -> bool {
    from.value(name).and_then(Value::as_bool).unwrap_or(false)
}

fn list(value: Option<&Value>) -> Vec<String> {
    value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn number(from: &Configuration, name: &str, least: usize) -> Result<usize, Failure> {
    let value = from.value(name).and_then(Value::as_integer).unwrap_or_default();
    usize::try_from(value)
        .ok()
        .filter(|value| *value >= least)
        .ok_or_else(|| from.invalid(name, format!("must be {least} or more")))
}

fn positive(from: &Configuration, name: &str) -> Result<NonZeroU32, Failure> {
    let value = u32::try_from(number(from, name, 1)?).ok().and_then(NonZeroU32::new);
    value.ok_or_else(|| from.invalid(name, "is too large"))
}

fn one_of<T: Copy>(from: &Configuration, name: &str, choices: &[(&str, T)]) -> Result<T, Failure> {
    let value = text(from, name).unwrap_or_default();
    choices.iter().find(|(known, _)| *known == value).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = choices.iter().map(|(known, _)| *known).collect();
        from.invalid(name, format!("must be one of {}", known.join(", ")))
    })
}

/// In the data dir.
pub(crate) const ROOT_KEY_FILE: &str = "root.key";
const APPROVALS: &[(&str, Approval)] =
    &[("ask", Approval::Ask), ("allow", Approval::Allow), ("signed-only", Approval::SignedOnly)];
const LOG_LEVELS: &[(&str, LogLevel)] = &[
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
];
const LOG_FORMATS: &[(&str, LogFormat)] = &[("text", LogFormat::Text), ("json", LogFormat::Json)];
