//! The context of every command that calls a broker: its address, the token, the
//! account and how results are printed.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use zeroize::Zeroizing;

use crate::client::{Client, in_account};
use crate::failure::Failure;
use crate::input;
use crate::output::{Format, Output, plain};
use crate::profile::Profile;
use crate::terminal;

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct GlobalArgs {
    /// The broker's address [default: the login profile's, or `http://127.0.0.1:8420`]
    #[arg(long, global = true, env = "BURSAR_ADDR", value_name = "URL", help_heading = HEADING)]
    pub(crate) addr: Option<String>,
    /// File with the token, `-` for stdin [also: `BURSAR_TOKEN`, `BURSAR_TOKEN_FILE`, the login profile]
    #[arg(long, global = true, value_name = "FILE", help_heading = HEADING)]
    pub(crate) token_file: Option<String>,
    /// Trust only the certificates in this PEM file
    #[arg(long, global = true, env = "BURSAR_CA_FILE", value_name = "FILE", help_heading = HEADING)]
    pub(crate) ca_file: Option<PathBuf>,
    /// The account to work in, by name or id [default: the login profile's, or `default`]
    #[arg(long, global = true, env = "BURSAR_ACCOUNT", value_name = "ACCOUNT", help_heading = HEADING)]
    pub(crate) account: Option<String>,
    /// How to print results
    #[arg(long, short, global = true, value_enum, default_value_t, help_heading = HEADING)]
    pub(crate) output: Format,
    /// Print only ids
    #[arg(long, short, global = true, help_heading = HEADING)]
    pub(crate) quiet: bool,
    /// Never prompt: missing input is an error
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) no_input: bool,
}

impl GlobalArgs {
    /// Prints results.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.output, self.quiet)
    }

    /// Whether the user can be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.no_input && terminal::is_interactive()
    }
}

/// A connection to a broker, and the options of the command.
pub(crate) struct Session {
    /// The API.
    pub(crate) client: Client,
    /// The account to work in.
    pub(crate) account: String,
    /// Prints results.
    pub(crate) output: Output,
    /// Whether the user can be asked.
    pub(crate) interactive: bool,
}

impl Session {
    /// Opens a session by options, environment and login profile, in this order.
    ///
    /// # Errors
    ///
    /// If there is no token, or one of the sources is invalid.
    pub(crate) fn open(global: &GlobalArgs) -> Result<Self, Failure> {
        let environment = Environment {
            token: variable("BURSAR_TOKEN").map(Zeroizing::new),
            token_file: variable("BURSAR_TOKEN_FILE"),
        };
        let profile = Profile::load(&Profile::path()?)?;
        let endpoint = Endpoint::resolve(global, environment, profile)?;
        let client = Client::new(&endpoint.addr, &endpoint.token, endpoint.ca_file.as_deref())?;
        if client.is_exposed() {
            warn(&format!("the token goes to {} in plain text", endpoint.addr));
        }
        Ok(Self { client, account: endpoint.account, output: global.output(), interactive: global.is_interactive() })
    }

    /// The segments of a path under the session's account.
    pub(crate) fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        in_account(&self.account, rest)
    }

    /// The segments of a path to one of the account's credentials.
    pub(crate) fn credential<'a>(&'a self, credential: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["v1", "accounts", &self.account, "credentials", credential], rest].concat()
    }
}

/// A client without a token, by options, environment and login profile.
///
/// # Errors
///
/// If one of the sources is invalid.
pub(crate) fn anonymous(global: &GlobalArgs) -> Result<Client, Failure> {
    // A placeholder, which is not sent.
    let no_token = Environment { token: Some(Zeroizing::new(String::new())), token_file: None };
    let without_token = GlobalArgs { token_file: None, ..global.clone() };
    let endpoint = Endpoint::resolve(&without_token, no_token, Profile::load(&Profile::path()?)?)?;
    Client::anonymous(&endpoint.addr, endpoint.ca_file.as_deref())
}

/// The segments of a path to a region of the installation.
pub(crate) fn region<'a>(region: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["v1", "regions", region], rest].concat()
}

/// Prints a warning to stderr.
pub(crate) fn warn(line: &str) {
    anstream::eprintln!("warning: {}", plain(line));
}

/// Reads a token from a file or stdin.
///
/// # Errors
///
/// If it cannot be read or is empty.
pub(crate) fn token_from(file: &str) -> Result<Zeroizing<String>, Failure> {
    let text = input::text(file, &mut io::stdin().lock())?;
    let token = Zeroizing::new(text.trim().to_owned());
    if token.is_empty() { Err(Failure::Usage(format!("{file} contains no token"))) } else { Ok(token) }
}

#[derive(Default)]
struct Environment {
    token: Option<Zeroizing<String>>,
    token_file: Option<String>,
}

struct Endpoint {
    addr: String,
    token: Zeroizing<String>,
    account: String,
    ca_file: Option<PathBuf>,
}

impl Endpoint {
    fn resolve(global: &GlobalArgs, environment: Environment, profile: Option<Profile>) -> Result<Self, Failure> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let addr = given(&global.addr)
            .or_else(|| profile.as_ref().map(|profile| profile.addr.clone()))
            .unwrap_or_else(|| DEFAULT_ADDR.to_owned());
        // A profile's token goes to its own broker only.
        let profile = profile.filter(|profile| profile.addr.trim_end_matches('/') == addr.trim_end_matches('/'));
        let token = if let Some(file) = &global.token_file {
            token_from(file)?
        } else if let Some(token) = environment.token {
            token
        } else if let Some(file) = &environment.token_file {
            token_from(file)?
        } else if let Some(profile) = &profile {
            profile.token.clone()
        } else {
            let advice = "run `bursar login`, or give --token-file, BURSAR_TOKEN or BURSAR_TOKEN_FILE";
            return Err(Failure::Usage(format!("no token for {addr}: {advice}")));
        };
        let ca_file = global.ca_file.clone().filter(|file| file != Path::new(""));
        Ok(Self {
            addr,
            token,
            account: given(&global.account)
                .or_else(|| profile.as_ref()?.account.clone())
                .unwrap_or_else(|| DEFAULT_ACCOUNT.to_owned()),
            ca_file: ca_file.or_else(|| profile?.ca_file),
        })
    }
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where `serve` listens by default.
pub(crate) const DEFAULT_ADDR: &str = "http://127.0.0.1:8420";
const DEFAULT_ACCOUNT: &str = "default";
const HEADING: &str = "Common options";

#[cfg(test)]
mod tests {
    use super::*;

    fn global() -> GlobalArgs {
        GlobalArgs {
            addr: None,
            token_file: None,
            ca_file: None,
            account: None,
            output: Format::Table,
            quiet: false,
            no_input: true,
        }
    }

    fn profile() -> Profile {
        Profile {
            addr: "https://broker.example/".to_owned(),
            token: Zeroizing::new("of-profile".to_owned()),
            account: Some("team".to_owned()),
            ca_file: Some("ca.pem".into()),
        }
    }

    #[test]
    fn flags_come_before_environment_before_profile() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "of-flag\n").unwrap();
        let environment = || Environment { token: Some(Zeroizing::new("of-env".to_owned())), token_file: None };

        let endpoint = Endpoint::resolve(&global(), Environment::default(), Some(profile())).unwrap();
        assert_eq!((endpoint.addr.as_str(), endpoint.token.as_str()), ("https://broker.example/", "of-profile"));
        assert_eq!((endpoint.account.as_str(), endpoint.ca_file), ("team", Some("ca.pem".into())));

        let endpoint = Endpoint::resolve(&global(), environment(), Some(profile())).unwrap();
        assert_eq!(endpoint.token.as_str(), "of-env");

        let flags =
            GlobalArgs { token_file: Some(file.display().to_string()), account: Some("a".to_owned()), ..global() };
        let endpoint = Endpoint::resolve(&flags, environment(), Some(profile())).unwrap();
        assert_eq!((endpoint.token.as_str(), endpoint.account.as_str()), ("of-flag", "a"));
    }

    #[test]
    fn a_profiles_token_goes_to_its_own_broker_alone() {
        let elsewhere = GlobalArgs { addr: Some("https://elsewhere.example".to_owned()), ..global() };
        assert!(matches!(
            Endpoint::resolve(&elsewhere, Environment::default(), Some(profile())),
            Err(Failure::Usage(_))
        ));
        let same = GlobalArgs { addr: Some("https://broker.example".to_owned()), ..global() };
        assert!(Endpoint::resolve(&same, Environment::default(), Some(profile())).is_ok());
    }
}
