//! Limits of the HTTP API.

use std::net::IpAddr;

use bursar_server::{EventStreams, ForwardedHeader, RateLimit, ServerConfig, TrustedProxies};
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
        account_rate_limit: account_rate_limit(from, rate_limit)?,
        event_streams: EventStreams {
            per_token: positive(from, "limits.event_streams_per_token")?.get(),
            per_account: positive(from, "limits.event_streams_per_account")?.get(),
        },
        metrics_public: flag(from, "server.metrics_public"),
        ..ServerConfig::default()
    })
}

fn account_rate_limit(from: &Configuration, of_token: RateLimit) -> Result<RateLimit, Failure> {
    let mut limit = RateLimit::of_account(of_token);
    for (name, rate) in [
        ("limits.account_requests_per_second", &mut limit.requests_per_second),
        ("limits.account_burst", &mut limit.burst),
    ] {
        if from.value(name).is_some() {
            *rate = positive(from, name)?;
        }
    }
    Ok(limit)
}

fn trusted_proxies(from: &Configuration) -> Result<TrustedProxies, Failure> {
    let name = "server.trusted_proxies";
    let network = |text: String| {
        let parsed = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        parsed
            .map_err(|_| from.invalid(name, format!("has `{text}`: each is an address or a range such as 10.0.0.0/8")))
    };
    let networks = list(from.value(name)).into_iter().map(network).collect::<Result<_, Failure>>()?;
    Ok(TrustedProxies::new(networks, one_of(from, "server.forwarded_header", FORWARDED_HEADERS)?))
}

const FORWARDED_HEADERS: &[(&str, ForwardedHeader)] =
    &[("x-forwarded-for", ForwardedHeader::XForwardedFor), ("forwarded", ForwardedHeader::Forwarded)];
