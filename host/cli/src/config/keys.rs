//! The table of keys.

use toml::Value;

/// A key of the configuration.
#[derive(Debug)]
pub(crate) struct Key {
    /// `section.key`.
    pub(crate) name: &'static str,
    /// What it sets, for keys without a default.
    pub(crate) about: &'static str,
    shape: Shape,
    /// As TOML; empty for none.
    default: &'static str,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Shape {
    Text,
    Flag,
    Number,
    List,
    Table,
}

impl Key {
    /// Its default value.
    pub(crate) fn default(&self) -> Option<Value> {
        if self.default.is_empty() { None } else { self.parse(self.default).ok() }
    }

    /// Checks the type of a value of the file.
    pub(crate) fn check(&self, value: Value) -> Result<Value, String> {
        let fits = match self.shape {
            Shape::Text => value.is_str(),
            Shape::Flag => value.is_bool(),
            Shape::Number => value.is_integer(),
            Shape::List => value.as_array().is_some_and(|items| items.iter().all(Value::is_str)),
            Shape::Table => value.is_table(),
        };
        if fits { Ok(value) } else { Err(format!("must be {}", self.shape.name())) }
    }

    /// Parses a value of the environment: plain text, or TOML for lists and tables.
    pub(crate) fn parse(&self, text: &str) -> Result<Value, String> {
        let invalid = || format!("must be {}", self.shape.name());
        match self.shape {
            Shape::Text => Ok(Value::from(text)),
            Shape::Flag => match text {
                "true" | "1" => Ok(Value::from(true)),
                "false" | "0" => Ok(Value::from(false)),
                _ => Err(invalid()),
            },
            Shape::Number => text.parse::<i64>().map(Value::from).map_err(|_| invalid()),
            Shape::List if !text.trim_start().starts_with('[') => {
                Ok(Value::Array(text.split(',').filter(|item| !item.is_empty()).map(Value::from).collect()))
            }
            Shape::List | Shape::Table => {
                let document: toml::Table = toml::from_str(&format!("value = {text}")).map_err(|_| invalid())?;
                document.get("value").cloned().ok_or_else(invalid).and_then(|value| self.check(value))
            }
        }
    }
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Flag => "true or false",
            Self::Number => "a whole number",
            Self::List => "a list of texts",
            Self::Table => "a table",
        }
    }
}

const fn key(name: &'static str, shape: Shape, default: &'static str, about: &'static str) -> Key {
    Key { name, about, shape, default }
}

/// In the order they are printed, grouped by section.
pub(crate) const KEYS: &[Key] = &[
    key("server.listen", Shape::Text, "127.0.0.1:8420", ""),
    key("server.tls_cert", Shape::Text, "", "the certificate chain's PEM file, for TLS"),
    key("server.tls_key", Shape::Text, "", "the private key's PEM file, for TLS"),
    key("server.insecure_listen", Shape::Flag, "false", ""),
    key("server.metrics_public", Shape::Flag, "false", ""),
    key("server.trusted_proxies", Shape::List, "[]", ""),
    key("server.forwarded_header", Shape::Text, "x-forwarded-for", ""),
    key("storage.data_dir", Shape::Text, "", "where keys and data are; a folder of the user's without it"),
    key("storage.url", Shape::Text, "", "postgres://...; a file in the data dir without it"),
    key("storage.cache_mib", Shape::Number, "64", ""),
    key("storage.max_connections", Shape::Number, "16", ""),
    key("storage.root_key.source", Shape::Text, "file", ""),
    key("storage.root_key.path", Shape::Text, "", "the root key's file; root.key in the data dir without it"),
    key("storage.root_key.passphrase_file", Shape::Text, "", "the passphrase's file, for source passphrase"),
    key("storage.root_key.variable", Shape::Text, "BURSAR_ROOT_KEY", ""),
    key("plugins.folders", Shape::List, "[]", ""),
    key("plugins.approval", Shape::Text, "ask", ""),
    key("plugins.trusted_keys", Shape::List, "[]", ""),
    key("plugins.granted_derives", Shape::Table, "{}", ""),
    key("plugins.granted_dns_names", Shape::Table, "{}", ""),
    key("plugins.granted_addresses", Shape::Table, "{}", ""),
    key("plugins.granted_plain_http", Shape::Table, "{}", ""),
    key("plugins.connect_overrides", Shape::Table, "{}", ""),
    key("plugins.extra_roots", Shape::List, "[]", ""),
    key("plugins.start_wait_seconds", Shape::Number, "30", ""),
    key("plugins.limits.bytes", Shape::Number, "25165824", ""),
    key("plugins.limits.nesting", Shape::Number, "6", ""),
    key("plugins.limits.modules", Shape::Number, "52", ""),
    key("plugins.limits.components", Shape::Number, "36", ""),
    key("plugins.limits.sections", Shape::Number, "1300", ""),
    key("plugins.limits.functions", Shape::Number, "18000", ""),
    key("plugins.limits.function_bytes", Shape::Number, "570000", ""),
    key("plugins.limits.locals", Shape::Number, "1000", ""),
    key("plugins.limits.code_bytes", Shape::Number, "8800000", ""),
    key("plugins.limits.declaration_bytes", Shape::Number, "312000", ""),
    key("plugins.limits.definition_bytes", Shape::Number, "120000", ""),
    key("plugins.limits.data_segments", Shape::Number, "10700", ""),
    key("plugins.limits.custom_bytes", Shape::Number, "600000", ""),
    key("plugins.limits.compile_memory_mib", Shape::Number, "512", ""),
    key("plugins.limits.compile_seconds", Shape::Number, "60", ""),
    key("sync.interval_seconds", Shape::Number, "60", ""),
    key("sync.verify_interval_seconds", Shape::Number, "600", ""),
    key("sync.concurrency", Shape::Number, "8", ""),
    key("limits.body_bytes", Shape::Number, "262144", ""),
    key("limits.body_nodes", Shape::Number, "20000", ""),
    key("limits.body_bytes_in_flight_per_token", Shape::Number, "16777216", ""),
    key("limits.body_bytes_in_flight_total", Shape::Number, "134217728", ""),
    key("limits.connections_per_address", Shape::Number, "256", ""),
    key("limits.connections", Shape::Number, "4096", ""),
    key("limits.requests_per_second", Shape::Number, "50", ""),
    key("limits.burst", Shape::Number, "200", ""),
    key("limits.account_requests_per_second", Shape::Number, "", "ten times limits.requests_per_second without it"),
    key("limits.account_burst", Shape::Number, "", "ten times limits.burst without it"),
    key("limits.event_streams_per_token", Shape::Number, "16", ""),
    key("limits.event_streams_per_account", Shape::Number, "256", ""),
    key("limits.operator_unlimited", Shape::Flag, "true", ""),
    key("quotas.tokens", Shape::Number, "1000", ""),
    key("quotas.members", Shape::Number, "1000", ""),
    key("quotas.credentials", Shape::Number, "10000", ""),
    key("quotas.bindings", Shape::Number, "10000", ""),
    key("quotas.versions", Shape::Number, "100", ""),
    key("audit.max_bytes", Shape::Number, "4294967296", ""),
    key(
        "audit.segments_dir",
        Shape::Text,
        "",
        "where exported stretches go; audit-segments in the data dir without it",
    ),
    key("log.level", Shape::Text, "info", ""),
    key("log.format", Shape::Text, "text", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_has_a_default_or_a_description() {
        for key in KEYS {
            assert_eq!(key.default().is_some(), key.about.is_empty(), "{}", key.name);
            if let Some(default) = key.default() {
                assert!(key.check(default).is_ok(), "{}", key.name);
            }
        }
    }
}
