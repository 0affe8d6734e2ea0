//! A credential's data: `bursar credential create`, `update` and `validate`.

use std::io;

use bursar_kernel::secret::{SecretJson, put};
use clap::Args;
use serde_json::{Map, Value, json};

use super::credential::{credential_type, print_written, template};
use crate::failure::Failure;
use crate::form::{self, Ask, Form};
use crate::input::{self, DataArgs};
use crate::session::Session;
use crate::terminal::{self, Terminal};

/// Store a new credential
///
/// On a terminal, missing fields are asked for one by one, secrets masked.
#[derive(Args, Debug)]
#[command(after_help = CREATE_EXAMPLES)]
pub(crate) struct CreateCredential {
    /// A slug, unique in the account: letters, digits, `-` and `_`
    #[arg(required_unless_present = "named")]
    name: Option<String>,
    /// The name, as an option
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
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Label it. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Make it the account's default of its type
    #[arg(long)]
    default: bool,
    /// Never reveal its secrets again, which cannot be undone; it can still be
    /// materialized
    #[arg(long)]
    no_reveal: bool,
    /// Probe the live service first, and store nothing that it refuses
    #[arg(long)]
    probe: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl CreateCredential {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let credential_type = credential_type(session, &self.type_id).await?;
        let form = Form::new(&credential_type);
        let ask = if self.data.is_empty() { Ask::All } else { Ask::Required };
        let mut variant = self.variant.clone();
        if session.interactive && variant.is_none() && ask == Ask::All {
            variant = form::choose_variant(&credential_type, &mut Terminal)?;
        }
        let base = match &variant {
            Some(_) => form::without_placeholders(&template(session, &self.type_id, variant.as_deref()).await?),
            None => json!({}),
        };
        let mut data = self.data.gather(form.schema(), SecretJson::new(base), &mut io::stdin().lock())?;
        if session.interactive {
            form.fill(&mut data, ask, &mut Terminal)?;
            self.revise(session, &form, &mut data).await?;
        }
        let body = self.body(&data)?;
        let query = preflight(self.probe);
        let created = session.client.post_with(&session.path(&["credentials"]), &query, body.expose()).await?;
        print_written(session, &created)
    }

    /// Has the broker validate the data, and asks again for the fields it rejects,
    /// until the data is valid.
    async fn revise(&self, session: &Session, form: &Form<'_>, data: &mut SecretJson) -> Result<(), Failure> {
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

/// Change a credential; other fields stay, including secrets
#[derive(Args, Debug)]
#[command(after_help = UPDATE_EXAMPLES)]
pub(crate) struct UpdateCredential {
    /// Name or id
    credential: String,
    /// Rename it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    /// What it is for
    #[arg(long)]
    description: Option<String>,
    /// Set a label; an empty value removes it. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Never reveal its secrets again, which cannot be undone
    #[arg(long)]
    no_reveal: bool,
    #[command(flatten)]
    data: DataArgs,
    /// Ask for this secret on the terminal, masked. Repeatable
    #[arg(long, value_name = "FIELD")]
    prompt: Vec<String>,
    /// Remove a field. Repeatable
    #[arg(long, value_name = "FIELD")]
    unset: Vec<String>,
    /// Probe the live service first, and store nothing that it refuses
    #[arg(long)]
    probe: bool,
    /// Only if the credential is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl UpdateCredential {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &[]);
        let mut changes = SecretJson::new(Value::Object(self.metadata()?));
        if self.changes_data() {
            let current = session.client.get(&path, &[]).await?;
            let type_id = current["type"].as_str().unwrap_or_default();
            let data = self.data(session, &credential_type(session, type_id).await?)?;
            put(changes.expose_mut(), "/data", data.expose().clone());
        }
        if changes.expose().as_object().is_some_and(Map::is_empty) {
            return Err(Failure::Usage("nothing to change: see `bursar credential update --help`".to_owned()));
        }
        let updated =
            session.client.patch(&path, &preflight(self.probe), changes.expose(), self.if_match.as_deref()).await?;
        print_written(session, &updated)
    }

    fn changes_data(&self) -> bool {
        !self.data.is_empty() || !self.prompt.is_empty() || !self.unset.is_empty()
    }

    fn metadata(&self) -> Result<Map<String, Value>, Failure> {
        let mut metadata = Map::new();
        for (key, value) in [("name", &self.name), ("title", &self.title), ("description", &self.description)] {
            if let Some(text) = value {
                metadata.insert(key.to_owned(), json!(text));
            }
        }
        if !self.labels.is_empty() {
            let mut labels = input::pairs("--label", &self.labels)?;
            labels.values_mut().filter(|value| **value == "").for_each(|value| *value = Value::Null);
            metadata.insert("labels".to_owned(), Value::Object(labels));
        }
        if self.no_reveal {
            metadata.insert("revealable".to_owned(), json!(false));
        }
        Ok(metadata)
    }

    /// The data to change, as a merge patch.
    fn data(&self, session: &Session, credential_type: &Value) -> Result<SecretJson, Failure> {
        let schema = Form::new(credential_type).schema();
        let empty = SecretJson::new(json!({}));
        let mut data = self.data.gather(schema, empty, &mut io::stdin().lock())?;
        for field in &self.unset {
            put(data.expose_mut(), &input::field_pointer(schema, field), Value::Null);
        }
        if !self.prompt.is_empty() && !session.interactive {
            return Err(Failure::Usage("--prompt requires a terminal: use --secret-file".to_owned()));
        }
        for field in &self.prompt {
            let secret = terminal::ask_secret(field)?;
            put(data.expose_mut(), &input::field_pointer(schema, field), json!(*secret));
        }
        Ok(data)
    }
}

/// Check data against a type without storing it
#[derive(Args, Debug)]
pub(crate) struct ValidateCredential {
    /// Check this name too: valid and free
    name: Option<String>,
    /// A type id, as `bursar credential types` lists them
    #[arg(long = "type", value_name = "TYPE")]
    type_id: String,
    /// Probe the live service too
    #[arg(long, requires = "name")]
    probe: bool,
    #[command(flatten)]
    data: DataArgs,
}

impl ValidateCredential {
    pub(super) async fn run(self, session: &Session) -> Result<(), Failure> {
        let credential_type = credential_type(session, &self.type_id).await?;
        let schema = Form::new(&credential_type).schema();
        let data = self.data.gather(schema, SecretJson::new(json!({})), &mut io::stdin().lock())?;
        let mut body = SecretJson::new(json!({"type": self.type_id}));
        put(body.expose_mut(), "/data", data.expose().clone());
        if let Some(name) = &self.name {
            put(body.expose_mut(), "/name", json!(name));
        }
        let query = preflight(self.probe);
        let path = session.path(&["credentials", "validate"]);
        let verdict = session.client.post_with(&path, &query, body.expose()).await;
        match verdict {
            Err(Failure::Problem(problem)) if self.name.is_none() && problem.status == 422 => {
                // The API requires a name, but none is to be validated here.
                match problem.without("/name") {
                    Some(problem) => return Err(Failure::Problem(Box::new(problem))),
                    None => return session.output.note("valid"),
                }
            }
            verdict => drop(verdict?),
        }
        if let Some(name) = &self.name {
            let path = session.path(&["credentials", "validate-name"]);
            session.client.get(&path, &[("name", name.clone())]).await?;
        }
        session.output.note("valid")
    }
}

/// The query that has the broker probe the live service first.
fn preflight(probe: bool) -> Vec<(&'static str, String)> {
    if probe { vec![("probe", "true".to_owned())] } else { Vec::new() }
}

const CREATE_EXAMPLES: &str = "Examples:
  # Answer the form, secrets masked
  bursar credential create --type TYPE my-name

  # From a script: public fields on the command line, secrets from files
  bursar credential create --type TYPE ghcr --title 'GitHub packages' \\
    --set server=ghcr.io --set username=octo --secret-file /password=token.txt

  # From another program
  vault-export | bursar credential create --type TYPE ghcr --data-file -

Secrets are never taken from the command line, where other processes see them.";

const UPDATE_EXAMPLES: &str = "Examples:
  # Rotate a secret
  bursar credential update ghcr --prompt password
  bursar credential update ghcr --secret-file /password=token.txt

  # Change a public field, unless the credential has changed meanwhile
  bursar credential update ghcr --set username=octo --if-match 42";
