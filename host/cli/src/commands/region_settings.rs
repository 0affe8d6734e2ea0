//! The settings of a region, given like a credential's data: the kind of target
//! says which there are and which are secret.

use std::io;

use bursar_kernel::Violation;
use bursar_kernel::secret::{SecretJson, put};
use clap::Args;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Problem};
use crate::form::{Ask, Form};
use crate::input::{self, DataArgs};
use crate::output::{Column, Format};
use crate::session::Session;
use crate::terminal::{self, Terminal};

/// Where the settings come from.
#[derive(Args, Debug)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Ask for this secret setting on the terminal, masked. Repeatable
    #[arg(long, value_name = "SETTING")]
    prompt: Vec<String>,
}

impl SettingsArgs {
    /// Whether nothing was given.
    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.prompt.is_empty()
    }

    /// All settings of a new region; on a terminal what it cannot do without is asked for.
    pub(super) fn whole(&self, session: &Session, kind: &Value) -> Result<SecretJson, Failure> {
        let described = described(kind);
        let mut settings = self.given(session, &described)?;
        if session.interactive {
            Form::new(&described).fill(&mut settings, Ask::Required, &mut Terminal)?;
        }
        Ok(settings)
    }

    /// The settings that change, as a merge patch; those of `unset` are removed.
    pub(super) fn changes(&self, session: &Session, kind: &Value, unset: &[String]) -> Result<SecretJson, Failure> {
        let described = described(kind);
        let mut settings = self.given(session, &described)?;
        for setting in unset {
            let pointer = input::field_pointer(Form::new(&described).schema(), setting);
            put(settings.expose_mut(), &pointer, Value::Null);
        }
        Ok(settings)
    }

    fn given(&self, session: &Session, described: &Value) -> Result<SecretJson, Failure> {
        let schema = Form::new(described).schema();
        let gathered = self.data.gather(schema, SecretJson::new(json!({})), &mut io::stdin().lock());
        let mut settings = gathered.map_err(of_settings)?;
        if !self.prompt.is_empty() && !session.interactive {
            return Err(Failure::Usage("--prompt needs a terminal: use --secret-file".to_owned()));
        }
        for setting in &self.prompt {
            let secret = terminal::ask_secret(setting)?;
            put(settings.expose_mut(), &input::field_pointer(schema, setting), json!(*secret));
        }
        Ok(settings)
    }
}

/// Lists the kinds of targets.
pub(super) async fn list_kinds(session: &Session) -> Result<(), Failure> {
    let page = session.client.list(KINDS, &[], None).await?;
    session.output.list(&page, KIND_COLUMNS, "/id")
}

/// Shows the settings of one kind of target.
pub(super) async fn show_kind(session: &Session, id: &str) -> Result<(), Failure> {
    let mut kind = kind(session, id).await?;
    if session.output.format() != Format::Table {
        return session.output.document(&kind);
    }
    session.output.list(&json!({"items": kind["settings"].take()}), SETTING_COLUMNS, "/name")
}

/// A kind of target by its id.
pub(super) async fn kind(session: &Session, id: &str) -> Result<Value, Failure> {
    let mut kinds = session.client.list(KINDS, &[], None).await?;
    let kinds = kinds["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
    let known: Vec<_> = kinds.iter().filter_map(|kind| kind["id"].as_str().map(str::to_owned)).collect();
    kinds.into_iter().find(|kind| kind["id"] == id).ok_or_else(|| {
        let message = format!("there is no kind of target `{id}`: known are {}", known.join(", "));
        Failure::Problem(Box::new(Problem::local(404, message)))
    })
}

/// The settings as the form of a type, so that they are read and asked for as one.
fn described(kind: &Value) -> Value {
    let settings = kind["settings"].as_array().map_or(&[][..], Vec::as_slice);
    let named = || settings.iter().filter_map(|setting| Some((setting["name"].as_str()?, setting)));
    let property = |name: &str, setting: &Value| {
        let mut property = json!({"description": setting["about"], "writeOnly": setting["secret"]});
        // A name that ends in a unit is a number's.
        if name.ends_with("Seconds") {
            property["type"] = json!("integer");
        }
        property
    };
    let properties: Map<String, Value> =
        named().map(|(name, setting)| (name.to_owned(), property(name, setting))).collect();
    let required: Vec<_> = named().filter(|(_, setting)| setting["required"] == true).map(|(name, _)| name).collect();
    json!({"schema": {"type": "object", "properties": properties, "required": required}})
}

/// What was found of data is of settings here.
fn of_settings(failure: Failure) -> Failure {
    let Failure::Input(violations) = failure else { return failure };
    let moved = |violation: Violation| {
        let pointer = violation.pointer.strip_prefix("/data").map(|rest| format!("/settings{rest}"));
        Violation { pointer: pointer.unwrap_or(violation.pointer), ..violation }
    };
    Failure::Input(violations.into_iter().map(moved).collect())
}

/// The path of the kinds.
const KINDS: &[&str] = &["v1", "region-targets"];
const KIND_COLUMNS: &[Column] = &[("TARGET", "/id"), ("TITLE", "/title"), ("SUMMARY", "/summary")];
const SETTING_COLUMNS: &[Column] =
    &[("SETTING", "/name"), ("REQUIRED", "/required"), ("SECRET", "/secret"), ("MOVES", "/moves"), ("ABOUT", "/about")];

#[cfg(test)]
mod tests {
    use super::*;

    fn kind() -> Value {
        json!({"id": "openbao", "settings": [
            {"name": "address", "about": "where it is", "secret": false, "required": true, "moves": true},
            {"name": "token", "about": "a token", "secret": true, "required": false, "moves": false},
            {"name": "timeoutSeconds", "about": "how long", "secret": false, "required": false, "moves": false},
            {"name": "headers", "about": "to send", "secret": false, "required": false, "moves": false},
        ]})
    }

    fn gather(set: &[&str]) -> Result<Value, Failure> {
        let args = DataArgs { set: set.iter().map(|one| (*one).to_owned()).collect(), ..DataArgs::default() };
        let described = described(&kind());
        let gathered = args.gather(Form::new(&described).schema(), SecretJson::new(json!({})), &mut io::empty());
        gathered.map(|settings| settings.expose().clone()).map_err(of_settings)
    }

    #[test]
    fn settings_are_typed_and_may_go_deep() {
        let settings = gather(&["address=https://bao", "timeoutSeconds=5", "headers.X-Env=01"]).unwrap();
        let wanted = json!({"address": "https://bao", "timeoutSeconds": 5, "headers": {"X-Env": "01"}});
        assert_eq!(settings, wanted);
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_by_its_setting() {
        let Err(Failure::Input(violations)) = gather(&["token=hunter2"]) else { panic!("it was taken") };
        assert_eq!((violations.len(), violations[0].pointer.as_str()), (1, "/settings/token"));
        assert!(!violations[0].message.contains("hunter2"));
    }
}
