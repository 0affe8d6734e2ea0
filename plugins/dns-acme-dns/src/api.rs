//! The API of acme-dns: one call that sets a TXT value.

use bursar_plugin_sdk::dns::{Handle, Zone, normal};
use bursar_plugin_sdk::http::{Request, Response, Secret, Service};
use bursar_plugin_sdk::json::json;
use bursar_plugin_sdk::{Error, TxtRecord};
use serde::Deserialize;

use crate::Config;

/// Sets the value at the registration's name.
pub(crate) fn present(config: &Config, txt: &TxtRecord) -> Result<String, Error> {
    let Config { fulldomain, .. } = config;
    if normal(&txt.fqdn) != *fulldomain && !config.leads_here(&txt.fqdn) {
        return Err(Error::NotFound(format!(
            "This registration answers for {fulldomain} and not for {}. Make that a CNAME of {fulldomain}. Then list \
             the domain under domains.",
            txt.fqdn
        )));
    }
    let response = update(config, &txt.value)?.ok(&SERVICE)?;
    let Updated { txt: set } = response.json(&SERVICE)?;
    if set != txt.value {
        return Err(SERVICE.unreadable(&response));
    }
    Handle::new(Zone::new(&config.subdomain, fulldomain), None).text()
}

/// Signs in with a value that the server refuses for its length, which keeps
/// pending challenges in place. `true` if the server accepted it nevertheless.
pub(crate) fn try_account(config: &Config) -> Result<bool, Error> {
    let response = update(config, NOT_A_CHALLENGE)?;
    // The server checks user, password and subdomain first; before 0.4 it
    // called any other error `bad_subdomain`.
    let is_refused_for_its_length = response.status == 400
        && said(&response).is_some_and(|said| ["bad_txt", "bad_subdomain"].contains(&said.as_str()));
    if is_refused_for_its_length { Ok(false) } else { response.ok(&SERVICE)?.json::<Updated>(&SERVICE).map(|_| true) }
}

fn update(config: &Config, value: &str) -> Result<Response, Error> {
    Request::post(format!("{}/update", config.url()?))
        .header("X-Api-User", &config.username)
        .header("X-Api-Key", Secret("/password"))
        .json(&json!({ "subdomain": config.subdomain, "txt": value }))
        .send()
}

fn said(response: &Response) -> Option<String> {
    Some(response.value()?["error"].as_str()?.to_owned())
}

#[derive(Deserialize)]
struct Updated {
    txt: String,
}

const SERVICE: Service = Service {
    name: "acme-dns",
    cure: "Username, password and subdomain come from one registration; its allowfrom must include this system's address.",
    said,
};
/// A challenge's value has 43 characters.
const NOT_A_CHALLENGE: &str = "bursar-probe";
