//! The configuration as what the broker is built from, every value in range.

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

use bursar_domain::access::Quotas;
use bursar_domain::dns::{DnsGrants, NameRule};
use bursar_plugin_host::{Approval, Limits, NetworkConfig, TrustedKey};
use bursar_server::{ServerConfig, TlsFiles};
use bursar_sync::engine::Pace;
use etcetera::BaseStrategy;
use toml::Value;

use crate::config::Configuration;
use crate::failure::Failure;

/// What the broker is built from.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// With TLS, where these are given.
    pub(crate) tls: Option<TlsFiles>,
    /// What the HTTP surface allows.
    pub(crate) server: ServerConfig,
    /// Where keys and data are.
    pub(crate) data_dir: PathBuf,
    /// `postgres://...`, or a file in the data dir.
    pub(crate) database_url: Option<String>,
    /// Memory for the file's pages.
    pub(crate) cache_bytes: usize,
    /// Most connections to the database.
    pub(crate) max_connections: u32,
    /// Where the root key comes from.
    pub(crate) root_key: RootKey,
    /// Whose `*.wasm` files are plugins beside the built-in ones.
    pub(crate) plugin_folders: Vec<PathBuf>,
    /// Which of them need an operator's word.
    pub(crate) approval: Approval,
    /// Whose signatures of plugins count.
    pub(crate) trusted_keys: Vec<TrustedKey>,
    /// Which public fields each type of a folder may derive from secrets.
    pub(crate) granted_derives: BTreeMap<String, Vec<String>>,
    /// Which DNS names beside challenges each type may write.
    pub(crate) dns_grants: DnsGrants,
    /// What plugins may reach.
    pub(crate) network: NetworkConfig,
    /// What plugins may consist of and use up.
    pub(crate) plugin_limits: Limits,
    /// How long a start waits for plugins that have to be compiled.
    pub(crate) plugin_start_wait: Duration,
    /// How regions are kept in place.
    pub(crate) sync: SyncSettings,
    /// What each account may take.
    pub(crate) quotas: Quotas,
    /// How much of the audit trail the store keeps.
    pub(crate) retention: Retention,
    /// How much is logged.
    pub(crate) log_level: LogLevel,
    /// In which form.
    pub(crate) log_format: LogFormat,
}

/// How regions are kept in place.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SyncSettings {
    /// How often what should be is compared with what is recorded, and what is
    /// there is looked at.
    pub(crate) pace: Pace,
    /// Calls of one region's target at once.
    pub(crate) concurrency: usize,
}

/// How much of the audit trail the store keeps.
#[derive(Clone, Debug)]
pub(crate) struct Retention {
    /// About so much of each node's chain.
    pub(crate) max_bytes: u64,
    /// Where older stretches go.
    pub(crate) segments: PathBuf,
}

/// Where the root key comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum RootKey {
    /// A file of ours.
    File(PathBuf),
    /// Derived from the passphrase in this file.
    Passphrase(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A folder of systemd's.
    CredentialsDirectory(PathBuf),
}

/// How much is logged.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogLevel {
    /// Only what failed.
    Error,
    /// And what should not be.
    Warn,
    /// And what happened.
    Info,
    /// And why.
    Debug,
    /// Everything.
    Trace,
}

/// The form of the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum LogFormat {
    /// Lines for people.
    Text,
    /// A JSON object a line.
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
    let wrong = || from.wrong(name, "must be ADDRESS:PORT, as in 127.0.0.1:8420");
    let listen: SocketAddr = text(from, name).unwrap_or_default().parse().map_err(|_| wrong())?;
    if !listen.ip().is_loopback() && !has_tls && !flag(from, "server.insecure_listen") {
        return Err(from.wrong(
            name,
            "lets other machines in without TLS: set server.tls_cert and server.tls_key, or \
             server.insecure_listen = true where something in front of it does TLS",
        ));
    }
    Ok(listen)
}

fn tls(from: &Configuration) -> Result<Option<TlsFiles>, Failure> {
    match (path(from, "server.tls_cert"), path(from, "server.tls_key")) {
        (Some(certificate), Some(private_key)) => Ok(Some(TlsFiles { certificate, private_key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(from.wrong("server.tls_cert", "needs server.tls_key too")),
        (None, Some(_)) => Err(from.wrong("server.tls_key", "needs server.tls_cert too")),
    }
}

fn database_url(from: &Configuration) -> Result<Option<String>, Failure> {
    match text(from, "storage.url") {
        None | Some("") => Ok(None),
        Some(url) if url.starts_with("postgres://") || url.starts_with("postgresql://") => Ok(Some(url.to_owned())),
        Some(_) => Err(from.wrong("storage.url", "must be postgres://...; leave it out for a file in the data dir")),
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
            None => Err(from.wrong(name, "needs storage.root_key.passphrase_file")),
        },
        "env" => Ok(RootKey::Variable(text(from, "storage.root_key.variable").unwrap_or_default().to_owned())),
        "credentials-directory" => match env::var_os("CREDENTIALS_DIRECTORY") {
            Some(folder) => Ok(RootKey::CredentialsDirectory(PathBuf::from(folder))),
            None => Err(from.wrong(name, "needs $CREDENTIALS_DIRECTORY, which systemd sets for LoadCredential=")),
        },
        _ => Err(from.wrong(name, "must be one of file, passphrase, env, credentials-directory")),
    }
}

fn approval(from: &Configuration) -> Result<Approval, Failure> {
    let name = "plugins.approval";
    let approval = one_of(from, name, APPROVALS)?;
    if approval == Approval::SignedOnly && list(from.value("plugins.trusted_keys")).is_empty() {
        return Err(from.wrong(name, "needs plugins.trusted_keys: the minisign public keys whose signatures count"));
    }
    Ok(approval)
}

fn trusted_keys(from: &Configuration) -> Result<Vec<TrustedKey>, Failure> {
    let name = "plugins.trusted_keys";
    let keys = list(from.value(name)).into_iter().map(|text| text.parse());
    keys.collect::<Result<_, String>>().map_err(|wrong| from.wrong(name, format!("has a wrong entry: {wrong}")))
}

/// A table of lists of texts.
fn lists(from: &Configuration, name: &str, shape: &str) -> Result<BTreeMap<String, Vec<String>>, Failure> {
    let table = from.value(name).and_then(Value::as_table);
    let lists = table.into_iter().flatten().map(|(key, items)| {
        let all_texts = items.as_array().is_some_and(|items| items.iter().all(Value::is_str));
        all_texts.then(|| (key.clone(), list(Some(items))))
    });
    lists.collect::<Option<_>>().ok_or_else(|| from.wrong(name, shape))
}

fn dns_grants(from: &Configuration) -> Result<DnsGrants, Failure> {
    let name = "plugins.granted_dns_names";
    let texts = lists(from, name, "must map a plugin's id to a list of names and suffixes such as *.example.com")?;
    let parse = |text: &String| {
        text.parse::<NameRule>().map_err(|rule| from.wrong(name, format!("has `{text}`, which is no name: {rule}")))
    };
    let rules = texts.into_iter().map(|(plugin, rules)| {
        let rules = rules.iter().map(parse).collect::<Result<Vec<_>, Failure>>()?;
        Ok((plugin, rules))
    });
    rules.collect::<Result<_, Failure>>().map(DnsGrants::new)
}

fn default_data_dir() -> Result<PathBuf, Failure> {
    let base = etcetera::choose_base_strategy()
        .map_err(|_| Failure::Usage("there is no home directory for the data: give --data-dir".to_owned()))?;
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
        .ok_or_else(|| from.wrong(name, format!("must be {least} or more")))
}

fn positive(from: &Configuration, name: &str) -> Result<NonZeroU32, Failure> {
    let value = u32::try_from(number(from, name, 1)?).ok().and_then(NonZeroU32::new);
    value.ok_or_else(|| from.wrong(name, "is too large"))
}

fn one_of<T: Copy>(from: &Configuration, name: &str, words: &[(&str, T)]) -> Result<T, Failure> {
    let said = text(from, name).unwrap_or_default();
    words.iter().find(|(word, _)| *word == said).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        from.wrong(name, format!("must be one of {}", known.join(", ")))
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
