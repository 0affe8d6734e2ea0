//! The network addresses that plugins may reach.

use std::collections::BTreeMap;
use std::fs;

use bursar_plugin_host::{AddressRule, NetworkConfig};
use toml::Value;

use super::{list, lists};
use crate::config::Configuration;
use crate::failure::Failure;

pub(super) fn read(from: &Configuration) -> Result<NetworkConfig, Failure> {
    Ok(NetworkConfig {
        connect_overrides: connect_overrides(from)?,
        extra_roots: extra_roots(from)?,
        granted_addresses: granted_addresses(from)?,
        granted_plain_http: lists(from, "plugins.granted_plain_http", "must map a plugin's id to a list of host:port")?,
        transport: None,
    })
}

fn connect_overrides(from: &Configuration) -> Result<BTreeMap<String, std::net::SocketAddr>, Failure> {
    let name = "plugins.connect_overrides";
    let table = from.value(name).and_then(Value::as_table);
    let overrides = table.into_iter().flatten().map(|(host, address)| {
        let (name, port) = host.rsplit_once(':')?;
        port.parse::<u16>().ok().filter(|port| *port != 0 && !name.is_empty())?;
        Some((host.to_ascii_lowercase(), address.as_str()?.parse().ok()?))
    });
    let shape = "must map host:port, such as api.example.com:443, to ADDRESS:PORT, such as 127.0.0.1:8443";
    overrides.collect::<Option<_>>().ok_or_else(|| from.invalid(name, shape))
}

fn extra_roots(from: &Configuration) -> Result<Vec<Vec<u8>>, Failure> {
    let name = "plugins.extra_roots";
    let read = |path: String| fs::read(&path).map_err(|error| from.invalid(name, format!("{path}: {error}")));
    list(from.value(name)).into_iter().map(read).collect()
}

fn granted_addresses(from: &Configuration) -> Result<BTreeMap<String, Vec<AddressRule>>, Failure> {
    let name = "plugins.granted_addresses";
    let texts = lists(from, name, "must map a plugin's id to a list of host:port and ranges such as 10.0.0.0/8")?;
    let parse = |text: &String| text.parse::<AddressRule>().map_err(|error| from.invalid(name, error));
    texts
        .into_iter()
        .map(|(plugin, rules)| Ok((plugin, rules.iter().map(parse).collect::<Result<_, Failure>>()?)))
        .collect()
}
