//! Signed requests to the API, as the user or in a role.

use std::cell::OnceCell;

use bursar_plugin_sdk::http::{Parts, Request, Response, Secret};
use bursar_plugin_sdk::signing::sigv4::{self, Credentials};
use bursar_plugin_sdk::{Context, Error};

use crate::config::{Config, SECRET};
use crate::failure;
use crate::xml::Element;

/// The API for one call; assumes the role, if there is one, at the first
/// request.
pub(crate) struct Session {
    pub(crate) config: Config,
    /// The credential's name.
    name: String,
    credentials: OnceCell<Credentials>,
}

impl Session {
    pub(crate) fn new(config: Config, context: &Context) -> Self {
        Self { config, name: context.name.clone(), credentials: OnceCell::new() }
    }

    /// Reads `path` below the API's root.
    pub(crate) fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Element, Error> {
        let mut request = Request::get(format!("{API}{path}"));
        for (name, value) in query {
            request = request.query(name, *value);
        }
        let response = self.send(request)?;
        if response.is_success() { answer(&response) } else { Err(failure::of(&response, &self.config)) }
    }

    /// Posts a document and returns an answer of any status.
    pub(crate) fn post(&self, path: &str, document: &str) -> Result<Response, Error> {
        self.send(Request::post(format!("{API}{path}")).body("text/xml", document))
    }

    fn send(&self, request: Request) -> Result<Response, Error> {
        let credentials = if let Some(known) = self.credentials.get() {
            known
        } else {
            let fresh = self.sign_in()?;
            self.credentials.get_or_init(|| fresh)
        };
        sigv4::sign(request, credentials, REGION, "route53")?.send()
    }

    fn sign_in(&self) -> Result<Credentials, Error> {
        let user = Credentials::stored(self.config.access_key_id.as_str(), Secret(SECRET));
        match &self.config.role {
            None => Ok(user),
            Some(role) => self.assume(role, &user),
        }
    }

    /// `AssumeRole`, whose key and token stay at the host:
    /// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.
    fn assume(&self, role: &str, user: &Credentials) -> Result<Credentials, Error> {
        let mut fields: Vec<(&str, Parts)> = vec![
            ("Action", "AssumeRole".into()),
            ("Version", "2011-06-15".into()),
            ("RoleArn", role.into()),
            ("RoleSessionName", session_name(&self.name).into()),
            ("DurationSeconds", SESSION_SECONDS.into()),
        ];
        if let Some(id) = &self.config.external_id {
            fields.push(("ExternalId", id.into()));
        }
        let request = Request::post(STS).form(&fields).endpoint("assume-role");
        let response = sigv4::sign(request, user, REGION, "sts")?.send()?;
        if !response.is_success() {
            return Err(failure::of_role(&response, role));
        }
        let exposed = response.value().unwrap_or_default();
        match exposed["access-key-id"].as_str() {
            Some(id) if response.captured().len() == 2 => {
                Ok(Credentials::captured(id, "secret-access-key", "session-token"))
            }
            _ => Err(failure::STS.unreadable(&response)),
        }
    }
}

/// The document of a successful answer.
pub(crate) fn answer(response: &Response) -> Result<Element, Error> {
    Element::parse(response.text()).ok_or_else(|| failure::ROUTE_53.unreadable(response))
}

/// `bursar-` and the credential's name, which is made of letters, digits, dashes
/// and underscores: what `CloudTrail` shows. At most 64 characters.
fn session_name(name: &str) -> String {
    format!("bursar-{name}").chars().take(64).collect()
}

const API: &str = "https://route53.amazonaws.com/2013-04-01/";
const STS: &str = "https://sts.amazonaws.com/";
/// Both services use this region to sign, wherever the zone's records are used.
const REGION: &str = "us-east-1";
/// The minimum.
const SESSION_SECONDS: &str = "900";
