//! The commands, one file for each noun, and the parser over them.

mod account;
mod audit;
mod audit_chain;
mod backup;
mod binding;
mod certificate;
mod compile_plugin;
mod completions;
mod credential;
mod credential_data;
mod credential_secrets;
mod dns;
mod login;
mod member;
mod plugin;
mod plugin_author;
mod plugin_build;
mod plugin_sign;
mod region;
mod region_attachment;
mod region_progress;
mod region_settings;
mod rekey;
mod resolve;
mod restore;
pub(crate) mod serve;
mod status;
mod token;

use clap::{Parser, Subcommand};

pub(crate) use self::compile_plugin::COMPILE_PLUGIN;

use crate::failure::Failure;
use crate::session::{GlobalArgs, Session};

/// A credential broker that plugins extend
///
/// `bursar serve` runs the broker; every other command speaks to one over HTTP.
#[derive(Debug, Parser)]
#[command(name = "bursar", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Serve),
    Login(login::Login),
    #[command(subcommand, visible_alias = "cred")]
    Credential(credential::CredentialCommand),
    #[command(subcommand)]
    Region(region::RegionCommand),
    #[command(subcommand)]
    Binding(binding::BindingCommand),
    Resolve(resolve::Resolve),
    ResolveImage(resolve::ResolveImage),
    #[command(subcommand, visible_alias = "cert")]
    Certificate(certificate::CertificateCommand),
    #[command(subcommand)]
    Dns(dns::DnsCommand),
    #[command(subcommand)]
    Account(account::AccountCommand),
    #[command(subcommand)]
    Member(member::MemberCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    #[command(subcommand)]
    Plugin(plugin::PluginCommand),
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    Backup(backup::Backup),
    Restore(restore::Restore),
    Rekey(rekey::Rekey),
    Status(status::Status),
    Completions(completions::Completions),
    #[command(name = COMPILE_PLUGIN, hide = true)]
    CompilePlugin(compile_plugin::CompilePlugin),
}

impl Cli {
    /// Runs the parsed command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.command {
            Command::Completions(command) => command.run(),
            // Its limits apply from the start, so it runs without a runtime.
            Command::CompilePlugin(command) => command.run(),
            command => runtime()?.block_on(command.run(&self.global)),
        }
    }
}

impl Command {
    async fn run(self, global: &GlobalArgs) -> Result<(), Failure> {
        match self {
            Self::Serve(command) => command.run().await,
            Self::Login(command) => command.run(global).await,
            Self::Credential(command) => command.run(&Session::open(global)?).await,
            Self::Region(command) => command.run(&Session::open(global)?).await,
            Self::Binding(command) => command.run(&Session::open(global)?).await,
            Self::Resolve(command) => command.run(&Session::open(global)?).await,
            Self::ResolveImage(command) => command.run(&Session::open(global)?).await,
            Self::Certificate(command) => command.run(&Session::open(global)?).await,
            Self::Dns(command) => command.run(&Session::open(global)?).await,
            Self::Account(command) => command.run(&Session::open(global)?).await,
            Self::Member(command) => command.run(&Session::open(global)?).await,
            Self::Token(command) => command.run(&Session::open(global)?).await,
            Self::Plugin(command) => command.run(global).await,
            Self::Audit(command) => command.run(global).await,
            Self::Backup(command) => command.run(global).await,
            Self::Restore(command) => command.run(global).await,
            Self::Rekey(command) => command.run(global).await,
            Self::Status(command) => command.run(global).await,
            Self::Completions(command) => command.run(),
            Self::CompilePlugin(command) => command.run(),
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::io("start the runtime", error))
}

const EXIT_CODES: &str = "Exit codes: 0 done, 1 failed, 2 usage, 3 not found, 4 denied, 5 conflict.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_parser_is_well_formed() {
        Cli::command().debug_assert();
    }
}
