//! `bursar login`

use serde_json::json;

use clap::Args;

use crate::client::Client;
use crate::failure::Failure;
use crate::profile::Profile;
use crate::session::{DEFAULT_ADDR, GlobalArgs, token_from, warn};
use crate::terminal;

/// Remember a broker and a token for later commands
///
/// The token comes from --token-file (`-` for stdin) or a masked prompt. It is
/// tested and stored in a file that only you can read.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Login {}

impl Login {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        let addr = global.addr.clone().filter(|addr| !addr.is_empty()).unwrap_or_else(|| DEFAULT_ADDR.to_owned());
        let token = match &global.token_file {
            Some(file) => token_from(file)?,
            None if global.is_interactive() => terminal::ask_secret(&format!("Token for {addr}"))?,
            None => {
                return Err(Failure::Usage("no terminal to ask for the token: give --token-file".to_owned()));
            }
        };
        let ca_file = match &global.ca_file {
            // A relative path would mean another file in another folder.
            Some(file) => Some(file.canonicalize().map_err(|e| Failure::io(format!("read {}", file.display()), e))?),
            None => None,
        };
        let client = Client::new(&addr, token.trim(), ca_file.as_deref())?;
        if client.is_exposed() {
            warn(&format!("the token goes to {addr} in plain text"));
        }
        let me = client.get(&["v1", "me"], &[]).await?;
        let path = Profile::path()?;
        let token = zeroize::Zeroizing::new(token.trim().to_owned());
        Profile { addr: addr.clone(), token, account: global.account.clone(), ca_file }.save(&path)?;
        let profile = json!({"addr": addr, "name": me["name"], "kind": me["kind"], "profile": path});
        global.output().one(&profile, "/name")
    }
}

const EXAMPLES: &str = "Examples:
  bursar login --addr https://bursar.example.com
  bursar login --token-file data/operator-token --account default";
