//! What the HTTP surface allows.

use std::net::IpAddr;

use bursar_server::{ForwardedHeader, RateLimit, ServerConfig, TrustedProxies};
use ipnet::IpNet;

use super::{flag, list, number, one_of, positive};
use crate::config::Configuration;
use crate::failure::Failure;

pub(super) fn read(from: &Configuration) -> Result<ServerConfig, Failure> {
    let rate_limit = RateLimit {
        requests_per_second: positive(from, "limits.requests_per_second")?,
        burst: positive(from, "limits.burst")?,
        operator_unlimited: flag(from, "limits.operator_unlimited"),
    };
    Ok(ServerConfig {
        max_body_bytes: number(from, "limits.body_bytes", 1)?,
        max_body_nodes: number(from, "limits.body_nodes", 1)?,
        body_bytes_in_flight_per_token: number(from, "limits.body_bytes_in_flight_per_token", 1)?,
        body_bytes_in_flight_total: number(from, "limits.body_bytes_in_flight_total", 1)?,
        connections_per_address: number(from, "limits.connections_per_address", 1)?,
        connections: number(from, "limits.connections", 1)?,
        trusted_proxies: trusted_proxies(from)?,
        rate_limit,
        metrics_public: flag(from, "server.metrics_public"),
        ..ServerConfig::default()
    })
}

fn trusted_proxies(from: &Configuration) -> Result<TrustedProxies, Failure> {
    let name = "server.trusted_proxies";
    let network = |text: String| {
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        parsed.map_err(|_| from.wrong(name, format!("has `{text}`: each is an address or a range such as 10.0.0.0/8")))
    };
    let networks = list(from.value(name)).into_iter().map(network).collect::<Result<_, Failure>>()?;
    Ok(TrustedProxies::new(networks, one_of(from, "server.forwarded_header", FORWARDED_HEADERS)?))
}

const FORWARDED_HEADERS: &[(&str, ForwardedHeader)] =
    &[("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)];
