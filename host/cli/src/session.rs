//! What every command that speaks to a broker starts from: where it is, who we
//! are, in which account and how results are printed.

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

/// Flags of every command.
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
    /// Never ask: what is missing is an error
    #[arg(long, global = true, help_heading = HEADING)]
    pub(crate) no_input: bool,
}

impl GlobalArgs {
    /// The way to stdout.
    pub(crate) fn output(&self) -> Output {
        Output::new(self.output, self.quiet)
    }

    /// Whether somebody is there to ask, and may be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.no_input && terminal::is_interactive()
    }
}

/// A broker to speak to, and how.
pub(crate) struct Session {
    /// The API.
    pub(crate) client: Client,
    /// The account to work in.
    pub(crate) account: String,
    /// The way to stdout.
    pub(crate) output: Output,
    /// Whether somebody is there to ask.
    pub(crate) interactive: bool,
}

impl Session {
    /// From flags, environment and login profile, in this order.
    ///
    /// # Errors
    ///
    /// Where there is no token, or one of the sources is wrong.
    pub(crate) fn open(global: &GlobalArgs) -> Result<Self, Failure> {
        let environment = Environment {
            token: variable("BURSAR_TOKEN").map(Zeroizing::new),
            token_file: variable("BURSAR_TOKEN_FILE"),
        };
        let profile = Profile::load(&Profile::path()?)?;
        let target = Target::resolve(global, environment, profile)?;
        let client = Client::new(&target.addr, &target.token, target.ca_file.as_deref())?;
        if client.is_exposed() {
            warn(&format!("the token goes to {} in plain text", target.addr));
        }
        Ok(Self { client, account: target.account, output: global.output(), interactive: global.is_interactive() })
    }

    /// The parts of a path under the session's account.
    pub(crate) fn path<'a>(&'a self, rest: &[&'a str]) -> Vec<&'a str> {
        in_account(&self.account, rest)
    }

    /// The parts of a path to one of the account's credentials.
    pub(crate) fn credential<'a>(&'a self, credential: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
        [&["v1", "accounts", &self.account, "credentials", credential], rest].concat()
    }
}

/// A connection to the broker for what needs no token, from flags, environment and
/// login profile.
///
/// # Errors
///
/// Where one of the sources is wrong.
pub(crate) fn anonymous(global: &GlobalArgs) -> Result<Client, Failure> {
    // Not sent: it only stands where there has to be one.
    let nobody = Environment { token: Some(Zeroizing::new(String::new())), token_file: None };
    let without_token = GlobalArgs { token_file: None, ..global.clone() };
    let target = Target::resolve(&without_token, nobody, Profile::load(&Profile::path()?)?)?;
    Client::anonymous(&target.addr, target.ca_file.as_deref())
}

/// The parts of a path to a region of the installation.
pub(crate) fn region<'a>(region: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["v1", "regions", region], rest].concat()
}

/// Tells the person of something that is not an error, on stderr.
pub(crate) fn warn(line: &str) {
    anstream::eprintln!("warning: {}", plain(line));
}

/// Reads a token from a file or stdin.
///
/// # Errors
///
/// Where it cannot be read or is empty.
pub(crate) fn token_from(file: &str) -> Result<Zeroizing<String>, Failure> {
    let text = input::text(file, &mut io::stdin().lock())?;
    let token = Zeroizing::new(text.trim().to_owned());
    if token.is_empty() { Err(Failure::Usage(format!("{file} holds no token"))) } else { Ok(token) }
}

#[derive(Default)]
struct Environment {
    token: Option<Zeroizing<String>>,
    token_file: Option<String>,
}

struct Target {
    addr: String,
    token: Zeroizing<String>,
    account: String,
    ca_file: Option<PathBuf>,
}

impl Target {
    fn resolve(global: &GlobalArgs, environment: Environment, profile: Option<Profile>) -> Result<Self, Failure> {
        let given = |value: &Option<String>| value.clone().filter(|value| !value.is_empty());
        let addr = given(&global.addr)
            .or_else(|| profile.as_ref().map(|profile| profile.addr.clone()))
            .unwrap_or_else(|| DEFAULT_ADDR.to_owned());
        // A profile speaks for its own broker alone: its token goes nowhere else.
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
            return Err(Failure::Usage(format!("there is no token for {addr}: {advice}")));
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

/// Where `serve` listens unless told otherwise.
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

        let target = Target::resolve(&global(), Environment::default(), Some(profile())).unwrap();
        assert_eq!((target.addr.as_str(), target.token.as_str()), ("https://broker.example/", "of-profile"));
        assert_eq!((target.account.as_str(), target.ca_file), ("team", Some("ca.pem".into())));

        let target = Target::resolve(&global(), environment(), Some(profile())).unwrap();
        assert_eq!(target.token.as_str(), "of-env");

        let flags =
            GlobalArgs { token_file: Some(file.display().to_string()), account: Some("a".to_owned()), ..global() };
        let target = Target::resolve(&flags, environment(), Some(profile())).unwrap();
        assert_eq!((target.token.as_str(), target.account.as_str()), ("of-flag", "a"));
    }

    #[test]
    fn a_profiles_token_goes_to_its_own_broker_alone() {
        let elsewhere = GlobalArgs { addr: Some("https://elsewhere.example".to_owned()), ..global() };
        assert!(matches!(Target::resolve(&elsewhere, Environment::default(), Some(profile())), Err(Failure::Usage(_))));
        let same = GlobalArgs { addr: Some("https://broker.example".to_owned()), ..global() };
        assert!(Target::resolve(&same, Environment::default(), Some(profile())).is_ok());
    }
}
