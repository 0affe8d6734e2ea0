//! The broker's configuration: one table of keys, four sources.
//!
//! Each key has one name, `section.key`. Its value comes from a flag, the
//! environment variable `BURSAR_SECTION__KEY`, the TOML file or its default, in
//! this order. An unknown key is an error: a typing mistake must not leave a
//! default in force.

mod keys;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use toml::Value;

use crate::config::keys::{KEYS, Key};
pub(crate) use crate::config::settings::{LogFormat, LogLevel, ROOT_KEY_FILE, Retention, RootKey, Settings};
use crate::failure::Failure;
use crate::input::decoded;

/// The value of every key, and its source.
#[derive(Debug)]
pub(crate) struct Configuration {
    values: BTreeMap<&'static str, (Value, Source)>,
}

/// The source of a value.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Source {
    Flag(&'static str),
    Environment(String),
    File(PathBuf),
    Default,
}

/// A value set by a flag of `bursar serve`: the flag, the key, the value.
pub(crate) type FlagValue = (&'static str, &'static str, Value);

impl Configuration {
    /// Merges the sources.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or a source has an unknown key or a value of the
    /// wrong type.
    pub(crate) fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
        flags: Vec<FlagValue>,
    ) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for key in KEYS {
            if let Some(default) = key.default() {
                values.insert(key.name, (default, Source::Default));
            }
        }
        if let Some(path) = file {
            let bytes = std::fs::read(path).map_err(|error| Failure::io(format!("read {}", path.display()), error))?;
            let text = decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", path.display())))?;
            from_file(path, &text, &mut values)?;
        }
        for (variable, text) in environment {
            if let Some((key, value)) = from_variable(&variable, &text)? {
                values.insert(key.name, (value, Source::Environment(variable)));
            }
        }
        for (flag, name, value) in flags {
            values.insert(known(name).map_or(name, |key| key.name), (value, Source::Flag(flag)));
        }
        Ok(Self { values })
    }

    /// The values as the broker's settings.
    ///
    /// # Errors
    ///
    /// If a value is invalid, naming key and source.
    pub(crate) fn settings(&self) -> Result<Settings, Failure> {
        settings::read(self)
    }

    /// The keys whose values differ in `newer`.
    pub(crate) fn changed_in(&self, newer: &Self) -> Vec<&'static str> {
        KEYS.iter().map(|key| key.name).filter(|name| self.value(name) != newer.value(name)).collect()
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.values.get(name).map(|(value, _)| value)
    }

    /// A failure that names the key and the source of its value.
    fn invalid(&self, name: &str, message: impl fmt::Display) -> Failure {
        match self.values.get(name) {
            Some((_, source)) => Failure::Usage(format!("{name} ({source}) {message}")),
            None => Failure::Usage(format!("{name} {message}")),
        }
    }
}

/// As TOML, each value with its source, without passwords.
impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut section = "";
        for key in KEYS {
            let (its_section, rest) = key.name.split_once('.').unwrap_or(("", key.name));
            if its_section != section {
                if !section.is_empty() {
                    f.write_char('\n')?;
                }
                writeln!(f, "[{its_section}]")?;
                section = its_section;
            }
            match self.values.get(key.name) {
                Some((value, source)) => writeln!(f, "{rest} = {}  # {source}", printable(key, value))?,
                None => writeln!(f, "# {rest} is not set: {}", key.about)?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => f.write_str(flag),
            Self::Environment(variable) => f.write_str(variable),
            Self::File(path) => path.display().fmt(f),
            Self::Default => f.write_str("default"),
        }
    }
}

fn from_file(path: &Path, text: &str, values: &mut BTreeMap<&'static str, (Value, Source)>) -> Result<(), Failure> {
    // The parser's full message quotes the line, which may contain a database password.
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| text[..span.start.min(text.len())].lines().count().max(1));
        Failure::Usage(format!("{} is not valid TOML at line {line}: {}", path.display(), error.message()))
    })?;
    let mut pending: Vec<(String, Value)> = table.into_iter().collect();
    while let Some((name, value)) = pending.pop() {
        if let Some(key) = known(&name) {
            let value = key
                .check(value)
                .map_err(|message| Failure::Usage(format!("{name} in {} {message}", path.display())))?;
            values.insert(key.name, (value, Source::File(path.to_owned())));
            continue;
        }
        let inside = format!("{name}.");
        match value {
            Value::Table(table) if KEYS.iter().any(|key| key.name.starts_with(&inside)) => {
                pending.extend(table.into_iter().map(|(key, value)| (format!("{inside}{key}"), value)));
            }
            _ => {
                return Err(Failure::Usage(format!(
                    "unknown key `{name}` in {}{}",
                    path.display(),
                    known_names(&name)
                )));
            }
        }
    }
    Ok(())
}

/// Reads a variable with a double underscore. Others, such as `BURSAR_TOKEN`, are not
/// part of the configuration.
fn from_variable(variable: &str, text: &str) -> Result<Option<(&'static Key, Value)>, Failure> {
    let Some(rest) = variable.strip_prefix("BURSAR_").filter(|rest| rest.contains("__")) else { return Ok(None) };
    let name = rest.to_ascii_lowercase().replace("__", ".");
    let Some(key) = known(&name) else {
        return Err(Failure::Usage(format!(
            "the environment variable {variable} is not a known setting{}",
            known_names(&name)
        )));
    };
    match key.parse(text) {
        Ok(value) => Ok(Some((key, value))),
        Err(message) => Err(Failure::Usage(format!("the environment variable {variable} {message}"))),
    }
}

fn known(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The keys of the section, or the sections.
fn known_names(name: &str) -> String {
    let section = name.split('.').next().unwrap_or_default();
    let inside = format!("{section}.");
    let names: Vec<_> = KEYS.iter().map(|key| key.name).filter(|known| known.starts_with(&inside)).collect();
    if names.is_empty() {
        let mut sections: Vec<_> = KEYS.iter().filter_map(|key| key.name.split('.').next()).collect();
        sections.dedup();
        format!("; the sections are {}", sections.join(", "))
    } else {
        format!("; there are {}", names.join(", "))
    }
}

fn printable(key: &Key, value: &Value) -> String {
    match value {
        Value::String(url) if key.name == "storage.url" => Value::String(without_password(url)).to_string(),
        value => value.to_string(),
    }
}

fn without_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
    let mut printable = match rest.rsplit_once('@') {
        Some((user, host)) => format!("{scheme}://{}:***@{host}", user.split(':').next().unwrap_or_default()),
        None => format!("{scheme}://{rest}"),
    };
    if query.is_some() {
        // It may contain a password too.
        printable.push_str("?***");
    }
    printable
}

#[cfg(test)]
mod tests {
    use bursar_kernel::Fqdn;
    use bursar_plugin_host::Approval;

    use super::*;

    fn load(file: &str, environment: &[(&str, &str)], flags: Vec<FlagValue>) -> Result<Configuration, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bursar.toml");
        std::fs::write(&path, file).unwrap();
        let environment = environment.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Configuration::load(Some(&path), environment, flags)
    }

    #[test]
    fn flags_come_before_environment_before_file_before_defaults() {
        let file = "[limits]\nburst = 7\nbody_bytes = 1000\n[log]\nlevel = \"debug\"\n";
        let environment = [("BURSAR_LIMITS__BURST", "8"), ("BURSAR_LOG__LEVEL", "warn"), ("BURSAR_TOKEN", "x")];
        let flags = vec![("--listen", "server.listen", Value::from("127.0.0.1:1"))];
        let configuration = load(file, &environment, flags).unwrap();
        let settings = configuration.settings().unwrap();
        assert_eq!(settings.listen.to_string(), "127.0.0.1:1");
        assert_eq!((settings.server.rate_limit.burst.get(), settings.server.max_body_bytes), (8, 1000));
        assert_eq!(settings.log_level, LogLevel::Warn);
        assert_eq!(settings.server.rate_limit.requests_per_second.get(), 50);

        let printed = configuration.to_string();
        assert!(printed.contains("listen = \"127.0.0.1:1\"  # --listen\n"), "{printed}");
        assert!(printed.contains("burst = 8  # BURSAR_LIMITS__BURST\n"), "{printed}");
        assert!(printed.contains("bursar.toml\n"), "{printed}");
        assert!(printed.contains("requests_per_second = 50  # default\n"), "{printed}");
    }

    #[test]
    fn what_is_printed_can_be_read_again() {
        let printed = load("", &[], Vec::new()).unwrap().to_string();
        let again = load(&printed, &[], Vec::new()).unwrap();
        assert_eq!(again.values.len(), load("", &[], Vec::new()).unwrap().values.len());
    }

    #[test]
    fn unknown_keys_are_named() {
        let message = |file, environment: &[(&str, &str)]| load(file, environment, Vec::new()).unwrap_err().to_string();
        assert!(message("[server]\nlissten = 1\n", &[]).starts_with("unknown key `server.lissten` in "));
        assert!(message("[serve]\nlisten = 1\n", &[]).starts_with("unknown key `serve` in "));
        assert!(message("listen = 1\n", &[]).starts_with("unknown key `listen` in "));
        let variable = message("", &[("BURSAR_SERVER__LISSTEN", "x")]);
        assert!(
            variable.starts_with("the environment variable BURSAR_SERVER__LISSTEN is not a known setting; there are")
        );
    }

    #[test]
    fn values_of_a_wrong_type_or_range_are_named_with_their_source() {
        let message = |file, environment: &[(&str, &str)]| {
            load(file, environment, Vec::new()).and_then(|known| known.settings()).unwrap_err().to_string()
        };
        assert!(message("[server]\nlisten = 1\n", &[]).contains("server.listen in "));
        assert_eq!(
            message("", &[("BURSAR_LIMITS__BURST", "many")]),
            "the environment variable BURSAR_LIMITS__BURST must be a whole number"
        );
        assert_eq!(
            message("", &[("BURSAR_LIMITS__BURST", "0")]),
            "limits.burst (BURSAR_LIMITS__BURST) must be 1 or more"
        );
        assert_eq!(
            message("", &[("BURSAR_SERVER__LISTEN", "here")]),
            "server.listen (BURSAR_SERVER__LISTEN) must be ADDRESS:PORT, as in 127.0.0.1:8420"
        );
        assert!(
            message("", &[("BURSAR_LOG__LEVEL", "loud")]).contains("must be one of error, warn, info, debug, trace")
        );
    }

    #[test]
    fn a_password_in_the_storage_url_is_not_printed() {
        let urls = [
            "postgres://u:hunter2@h/db",
            "postgres://h/db?user=u&password=hunter2",
            "postgres://u:hunter2@x@h/db?password=hunter2",
        ];
        for url in urls {
            let printed = load("", &[("BURSAR_STORAGE__URL", url)], Vec::new()).unwrap().to_string();
            assert!(!printed.contains("hunter2"), "{printed}");
        }
        let broken = load("[storage]\nurl = \"postgres://u:hunter2@h\n", &[], Vec::new()).unwrap_err().to_string();
        assert!(!broken.contains("hunter2"), "{broken}");
    }

    #[test]
    fn lists_and_tables_come_from_the_environment_too() {
        let environment =
            [("BURSAR_PLUGINS__FOLDERS", "/a,/b"), ("BURSAR_PLUGINS__GRANTED_DERIVES", r#"{ x = ["/public"] }"#)];
        let settings = load("", &environment, Vec::new()).unwrap().settings().unwrap();
        assert_eq!(settings.plugin_folders, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert_eq!(settings.granted_derives["x"], ["/public"]);
    }

    #[test]
    fn signed_only_requires_trusted_keys() {
        let settings = |environment: &[(&str, &str)]| load("", environment, Vec::new()).unwrap().settings();
        let signed = ("BURSAR_PLUGINS__APPROVAL", "signed-only");
        let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
        let message = |environment: &[(&str, &str)]| settings(environment).unwrap_err().to_string();
        assert!(message(&[signed]).contains("needs plugins.trusted_keys"));
        assert!(message(&[("BURSAR_PLUGINS__TRUSTED_KEYS", "RWnope")]).contains("RWnope is not a minisign public key"));
        assert!(message(&[("BURSAR_PLUGINS__APPROVAL", "maybe")]).contains("must be one of ask, allow, signed-only"));
        let settings = settings(&[signed, ("BURSAR_PLUGINS__TRUSTED_KEYS", key)]).unwrap();
        assert_eq!((settings.approval, settings.trusted_keys[0].to_string().as_str()), (Approval::SignedOnly, key));
    }

    #[test]
    fn invalid_name_rules_are_refused_at_the_start() {
        let settings = |table: &str| {
            let configuration = load("", &[("BURSAR_PLUGINS__GRANTED_DNS_NAMES", table)], Vec::new()).unwrap();
            configuration.settings()
        };
        let granted = settings(r#"{ x = ["*.lab.example.com", "_validation.example.com"] }"#).unwrap().dns_grants;
        assert!(granted.allow("x", &Fqdn::parse("a.lab.example.com").unwrap()));
        assert!(!granted.allow("y", &Fqdn::parse("a.lab.example.com").unwrap()));
        for wrong in [r#"{ x = ["a.*.com"] }"#, r#"{ x = ["*"] }"#, r#"{ x = "example.com" }"#] {
            let message = settings(wrong).unwrap_err().to_string();
            let named = message.starts_with("plugins.granted_dns_names (BURSAR_PLUGINS__GRANTED_DNS_NAMES)");
            assert!(named, "{message}");
        }
    }

    #[test]
    fn remote_connections_without_tls_must_be_allowed() {
        let listen = ("BURSAR_SERVER__LISTEN", "0.0.0.0:8420");
        let settings = |environment: &[(&str, &str)]| load("", environment, Vec::new()).unwrap().settings();
        assert!(settings(&[listen]).unwrap_err().to_string().contains("insecure_listen"));
        assert!(settings(&[listen, ("BURSAR_SERVER__INSECURE_LISTEN", "true")]).is_ok());
        let tls = [("BURSAR_SERVER__TLS_CERT", "c.pem"), ("BURSAR_SERVER__TLS_KEY", "k.pem")];
        assert!(settings(&[listen, tls[0], tls[1]]).is_ok());
        assert!(settings(&[tls[0]]).unwrap_err().to_string().contains("server.tls_key"));
    }
}
