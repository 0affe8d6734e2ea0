//! `bursar credential update`

use std::io;

use bursar_domain::secret::{SecretJson, put};
use clap::Args;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::form::Form;
use crate::input::{self, DataArgs};
use crate::session::Session;
use crate::terminal;

/// Change a credential; what is not named stays, secrets too
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Update {
    /// Name or id
    credential: String,
    /// Rename it
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Shown in lists
    #[arg(long)]
    title: Option<String>,
    /// For whoever wonders what this is
    #[arg(long)]
    description: Option<String>,
    /// Set a label; an empty value removes it. Repeatable
    #[arg(long = "label", value_name = "KEY=VALUE")]
    labels: Vec<String>,
    /// Never let anybody read its secrets again, for ever
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
    /// Ask the live service first; what it refuses is not stored
    #[arg(long)]
    probe: bool,
    /// Only if the credential is still at this revision (its `ETag`)
    #[arg(long, value_name = "REVISION")]
    if_match: Option<String>,
}

impl Update {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        let path = session.credential(&self.credential, &[]);
        let mut changes = SecretJson::new(Value::Object(self.facts()?));
        if self.changes_data() {
            let current = session.client.get(&path, &[]).await?;
            let type_id = current["type"].as_str().unwrap_or_default();
            let data = self.data(session, &super::credential_type(session, type_id).await?)?;
            put(changes.expose_mut(), "/data", data.expose().clone());
        }
        if changes.expose().as_object().is_some_and(serde_json::Map::is_empty) {
            return Err(Failure::Usage("there is nothing to change: see `bursar credential update --help`".to_owned()));
        }
        let updated = session
            .client
            .patch(&path, &super::preflight(self.probe), changes.expose(), self.if_match.as_deref())
            .await?;
        super::written(session, &updated)
    }

    fn changes_data(&self) -> bool {
        !self.data.is_empty() || !self.prompt.is_empty() || !self.unset.is_empty()
    }

    fn facts(&self) -> Result<serde_json::Map<String, Value>, Failure> {
        let mut facts = serde_json::Map::new();
        for (key, value) in [("name", &self.name), ("title", &self.title), ("description", &self.description)] {
            if let Some(text) = value {
                facts.insert(key.to_owned(), json!(text));
            }
        }
        if !self.labels.is_empty() {
            let mut labels = input::pairs("--label", &self.labels)?;
            labels.values_mut().filter(|value| **value == "").for_each(|value| *value = Value::Null);
            facts.insert("labels".to_owned(), Value::Object(labels));
        }
        if self.no_reveal {
            facts.insert("revealable".to_owned(), json!(false));
        }
        Ok(facts)
    }

    /// The merge patch of the data.
    fn data(&self, session: &Session, credential_type: &Value) -> Result<SecretJson, Failure> {
        let schema = Form::new(credential_type).schema();
        let empty = SecretJson::new(json!({}));
        let mut data = self.data.gather(schema, empty, &mut io::stdin().lock())?;
        for field in &self.unset {
            put(data.expose_mut(), &input::field_pointer(schema, field), Value::Null);
        }
        if !self.prompt.is_empty() && !session.interactive {
            return Err(Failure::Usage("--prompt needs a terminal: use --secret-file".to_owned()));
        }
        for field in &self.prompt {
            let secret = terminal::ask_secret(field)?;
            put(data.expose_mut(), &input::field_pointer(schema, field), json!(*secret));
        }
        Ok(data)
    }
}

const EXAMPLES: &str = "Examples:
  # Rotate a secret
  bursar credential update ghcr --prompt password
  bursar credential update ghcr --secret-file /password=token.txt

  # Change a public field, unless somebody else was faster
  bursar credential update ghcr --set username=octo --if-match 42";
