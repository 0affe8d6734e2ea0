//! Prompts on the terminal. They go to stderr, which leaves stdout to data.

use std::io::{self, IsTerminal, Write};

use dialoguer::{Confirm, Input, Select};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::form::Prompter;
use crate::input;
use crate::output::plain;

/// Whether there is a terminal to ask on.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a secret.
pub(crate) fn ask_secret(label: &str) -> Result<Zeroizing<String>, Failure> {
    Terminal.secret(label)
}

/// Asks for a new passphrase, twice.
pub(crate) fn ask_new_passphrase() -> Result<Zeroizing<String>, Failure> {
    let first = ask_secret("Passphrase")?;
    if first.is_empty() {
        return Err(Failure::Usage("the passphrase is empty".to_owned()));
    }
    if *first == *ask_secret("The same again")? {
        Ok(first)
    } else {
        Err(Failure::Usage("the two passphrases differ".to_owned()))
    }
}

/// [`Prompter`] on the terminal.
pub(crate) struct Terminal;

impl Prompter for Terminal {
    fn say(&mut self, line: &str) -> Result<(), Failure> {
        writeln!(io::stderr(), "{}", plain(line)).map_err(unavailable)
    }

    fn text(&mut self, label: &str, default: Option<&str>) -> Result<String, Failure> {
        let mut input = Input::<String>::new().with_prompt(plain(label)).allow_empty(true);
        if let Some(default) = default {
            // A default that cannot be displayed as it is must not be displayed at all.
            input = input.default(default.to_owned()).show_default(plain(default) == default);
        }
        input.interact_text().map_err(dialog)
    }

    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Failure> {
        rpassword::prompt_password(format!("{}: ", plain(label))).map(Zeroizing::new).map_err(unavailable)
    }

    fn choose(&mut self, label: &str, items: &[String], default: usize) -> Result<usize, Failure> {
        let items: Vec<String> = items.iter().map(|item| plain(item)).collect();
        Select::new().with_prompt(plain(label)).items(&items).default(default).interact().map_err(dialog)
    }

    fn confirm(&mut self, label: &str, default: bool) -> Result<bool, Failure> {
        Confirm::new().with_prompt(plain(label)).default(default).interact().map_err(dialog)
    }

    fn read(&mut self, path: &str) -> Result<Zeroizing<String>, Failure> {
        input::text(path, &mut io::empty())
    }
}

fn dialog(error: dialoguer::Error) -> Failure {
    let dialoguer::Error::IO(error) = error;
    unavailable(error)
}

fn unavailable(error: io::Error) -> Failure {
    Failure::io("use the terminal", error)
}
