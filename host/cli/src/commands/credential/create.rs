//! `bursar credential create`

use std::io;

use bursar_domain::secret::{SecretJson, put};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::form::{self, Ask, Form};
use crate::input::{self, DataArgs};
use crate::session::Session;
use crate::terminal::Terminal;

/// Store a new credential
///
/// On a terminal, what is missing is asked for field by field, secrets masked.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Create {
    /// A slug, unique in the account: letters, digits, `-` and `_`
    #[arg(required_unless_present = "named")]
    name: Option<String>,
    /// The same as a flag
    #[arg(long = "name", value_name = "NAME", conflicts_with = "name")]
    named: Option<String>,
    /// A type id, as `bursar credential types` lists them
    #[arg(long = "type", value_name = "TYPE")]
    type_id: String,
    /// Start from one of the type's variants
    #[arg(long)]
    variant: Option<String>,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    /// For whoever wonders what this is
    #[arg(long)]
    description: Option<String>,
    /// Label it. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Make it the account's default of its type
    #[arg(long)]
    default: bool,
    /// Never let anybody read its secrets again, for ever; it can still be
    /// materialized
    #[arg(long)]
    no_reveal: bool,
    /// Ask the live service first; what it refuses is not stored
    #[arg(long)]
    probe: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl Create {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let credential_type = super::credential_type(session, &self.type_id).await?;
        let form = Form::new(&credential_type);
        let ask = if self.data.is_empty() { Ask::All } else { Ask::Required };
        let mut variant = self.variant.clone();
        if session.interactive && variant.is_none() && ask == Ask::All {
            variant = form::choose_variant(&credential_type, &mut Terminal)?;
        }
        let base = match &variant {
            Some(_) => form::settled(&super::skeleton(session, &self.type_id, variant.as_deref()).await?),
            None => json!({}),
        };
        let mut data = self.data.gather(form.schema(), SecretJson::new(base), &mut io::stdin().lock())?;
        if session.interactive {
            form.fill(&mut data, ask, &mut Terminal)?;
            self.settle(session, &form, &mut data).await?;
        }
        let body = self.body(&data)?;
        let query = super::preflight(self.probe);
        let created = session.client.post_with(&session.path(&["credentials"]), &query, body.expose()).await?;
        super::written(session, &created)
    }

    /// Asks the broker what it thinks of the data, and the person for what it
    /// refuses, until it holds.
    async fn settle(&self, session: &Session, form: &Form<'_>, data: &mut SecretJson) -> Result<(), Failure> {
        loop {
            let body = self.body(data)?;
            let verdict = session.client.post(&session.path(&["credentials", "validate"]), body.expose()).await;
            match verdict {
                Ok(_) => return Ok(()),
                Err(Failure::Problem(problem)) if problem.status == 422 => {
                    if !form.ask_again(data, &problem.errors, &mut Terminal)? {
                        return Err(Failure::Problem(problem));
                    }
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn body(&self, data: &SecretJson) -> Result<SecretJson, Failure> {
        let mut body =
            SecretJson::new(json!({"type": self.type_id, "name": self.name.as_ref().or(self.named.as_ref())}));
        let mut set = |pointer: &str, value: Value| put(body.expose_mut(), pointer, value);
        set("/data", data.expose().clone());
        if let Some(title) = &self.title {
            set("/title", json!(title));
        }
        if let Some(description) = &self.description {
            set("/description", json!(description));
        }
        if !self.labels.is_empty() {
            set("/labels", Value::Object(input::pairs("--label", &self.labels)?));
        }
        if self.default {
            set("/default", json!(true));
        }
        if self.no_reveal {
            set("/revealable", json!(false));
        }
        Ok(body)
    }
}

const EXAMPLES: &str = "Examples:
  # Answer the form, secrets masked
  bursar credential create --type TYPE my-name

  # From a script: what is public on the command line, secrets from files
  bursar credential create --type TYPE ghcr --title 'GitHub packages' \\
    --set server=ghcr.io --set username=octo --secret-file /password=token.txt

  # From another program
  vault-export | bursar credential create --type TYPE ghcr --data-file -

Secrets are never taken from the command line, where other processes see them.";
