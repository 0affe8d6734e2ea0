//! The rules of each provider. Only rules that a provider really has: elsewhere
//! any name and password may be valid.

use bursar_plugin_sdk::json::{self, Map, Value};
use bursar_plugin_sdk::{BASE64_STANDARD, Base64Engine, Violations};

use crate::provider::Provider;
use crate::server::Server;

pub(crate) fn check_server(provider: Provider, server: &Server, violations: &mut Violations) {
    if provider.may_run(server) {
        return;
    }
    let cure = match provider {
        Provider::DockerHub => "Docker Hub's server is docker.io; correct it, or choose another provider.",
        Provider::Ecr => {
            "Amazon ECR's server is <12-digit account>.dkr.ecr.<region>.amazonaws.com; correct it, or choose another provider."
        }
        Provider::Gcr => {
            "Google's servers are gcr.io and <location>-docker.pkg.dev; correct it, or choose another provider."
        }
        Provider::Acr => "Azure's server is <registry>.azurecr.io; correct it, or choose another provider.",
        Provider::Github => "GitHub's server is ghcr.io; correct it, or choose another provider.",
        Provider::DigitalOcean => {
            "DigitalOcean's server is registry.digitalocean.com; correct it, or choose another provider."
        }
        _ => "The server belongs to another provider; choose that one, or correct the server.",
    };
    violations.add("/server", "server-provider", cure);
}

pub(crate) fn check_account(provider: Provider, email: Option<&str>, username: &str, violations: &mut Violations) {
    // RFC 7617, section 2: a user-id has neither.
    violations.require(!username.contains(':'), "/username", "colon", "Choose a user name without a colon.");
    let clean = !username.chars().any(char::is_control);
    violations.require(clean, "/username", "control-character", "Paste the user name without line breaks.");

    match provider {
        Provider::DockerHub => {
            let message = "Docker Hub requires the account's e-mail address.";
            violations.require(email.is_some(), "/email", "required", message);
            let message = "A Docker Hub user name has 1 to 39 letters, digits, dots, dashes and underscores, \
                           and starts and ends with a letter or digit.";
            violations.require(is_docker_id(username), "/username", "username-pattern", message);
        }
        Provider::Ecr => {
            violations.require(username == "AWS", "/username", "ecr-username", "The user name for Amazon ECR is AWS.");
        }
        Provider::Gcr => {
            let message = "Use _json_key with a JSON key file as password, _json_key_base64 with that file in base64, \
                           or oauth2accesstoken.";
            violations.require(GOOGLE_NAMES.contains(&username), "/username", "gcr-username", message);
        }
        Provider::Acr => {
            let message =
                "Give the appId that az ad sp create-for-rbac printed, or the registry's admin or token name.";
            violations.require(is_azure_name(username), "/username", "acr-username", message);
        }
        Provider::Harbor => {
            let named = username.strip_prefix("robot$").is_none_or(is_robot_name);
            violations.require(named, "/username", "robot-name", "A robot's user name is robot$project+name.");
        }
        Provider::Github
        | Provider::Gitlab
        | Provider::DigitalOcean
        | Provider::Artifactory
        | Provider::Quay
        | Provider::Custom => {}
    }
}

pub(crate) fn check_password(provider: Provider, username: &str, password: &str, violations: &mut Violations) {
    let file = match username {
        "_json_key" => Some(Some(password.as_bytes().to_vec())),
        "_json_key_base64" => {
            let unwrapped: String = password.split_ascii_whitespace().collect();
            Some(BASE64_STANDARD.decode(unwrapped).ok())
        }
        _ => None,
    };
    if let Some(file) = file {
        let is_object = file.is_some_and(|file| json::from_slice::<Map<String, Value>>(&file).is_ok());
        violations.require(is_object, "/password", "json-key", "Paste the whole JSON key file.");
        return;
    }
    let clean = !password.chars().any(char::is_control);
    violations.require(clean, "/password", "control-character", "Paste the password without line breaks.");
    if provider == Provider::DockerHub {
        let length = password.chars().count();
        violations.require(length >= 8, "/password", "too-short", "At least 8 characters.");
        violations.require(length <= 128, "/password", "too-long", "At most 128 characters.");
    }
}

/// `^(?=.{1,39}$)[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$`
fn is_docker_id(name: &str) -> bool {
    let ends = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    (1..=39).contains(&bytes.len())
        && ends(bytes.first())
        && ends(bytes.last())
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(byte))
}

/// A service principal's appId (a UUID), the admin user (the registry's name)
/// or a token: 5 to 50 letters, digits, dashes and underscores are all three.
fn is_azure_name(name: &str) -> bool {
    (5..=50).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// `project+name`, or `name` for a robot of the whole installation.
fn is_robot_name(name: &str) -> bool {
    name.split('+').count() <= 2 && name.split('+').all(|part| !part.is_empty() && !part.contains('$'))
}

const GOOGLE_NAMES: [&str; 3] = ["_json_key", "_json_key_base64", "oauth2accesstoken"];
