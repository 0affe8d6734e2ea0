//! The settings of a region, given like a credential's data. The broker lists the
//! settings of each kind of target; their types come from the kind's schema.

use std::io;

use bursar_kernel::Violation;
use bursar_kernel::secret::{SecretJson, put};
use bursar_regions::Targets as _;
use bursar_targets::SystemTargets;
use clap::Args;
use serde_json::{Map, Value, json};

use crate::failure::{Failure, Problem};
use crate::form::{Ask, Form};
use crate::input::{self, DataArgs};
use crate::output::{Column, Format};
use crate::session::Session;
use crate::terminal::{self, Terminal};

/// The sources of the settings.
#[derive(Args, Debug)]
pub(crate) struct SettingsArgs {
    #[command(flatten)]
    data: DataArgs,
    /// Ask for this secret setting on the terminal, masked. Repeatable
    #[arg(long, value_name = "SETTING")]
    prompt: Vec<String>,
}

impl SettingsArgs {
    /// Whether no source was given.
    pub(super) fn is_empty(&self) -> bool {
        self.data.is_empty() && self.prompt.is_empty()
    }

    /// The settings of a new region. On a terminal, missing required ones are asked for.
    pub(super) fn complete(&self, session: &Session, kind: &Value) -> Result<SecretJson, Failure> {
        let form = form_of(kind, schema_of(kind));
        let mut settings = self.gather(session, &form)?;
        if session.interactive {
            Form::new(&form).fill(&mut settings, Ask::Required, &mut Terminal)?;
        }
        Ok(settings)
    }

    /// The changed settings as a merge patch, which removes those of `unset`.
    pub(super) fn changes(&self, session: &Session, kind: &Value, unset: &[String]) -> Result<SecretJson, Failure> {
        let form = form_of(kind, schema_of(kind));
        let mut settings = self.gather(session, &form)?;
        for setting in unset {
            let pointer = input::field_pointer(Form::new(&form).schema(), setting);
            put(settings.expose_mut(), &pointer, Value::Null);
        }
        Ok(settings)
    }

    fn gather(&self, session: &Session, form: &Value) -> Result<SecretJson, Failure> {
        let schema = Form::new(form).schema();
        let gathered = self.data.gather(schema, SecretJson::new(json!({})), &mut io::stdin().lock());
        let mut settings = gathered.map_err(in_settings)?;
        if !self.prompt.is_empty() && !session.interactive {
            return Err(Failure::Usage("--prompt requires a terminal: use --secret-file".to_owned()));
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
        let message = format!("no kind of target `{id}`; known are {}", known.join(", "));
        Failure::Problem(Box::new(Problem::local(404, message)))
    })
}

/// The schema of the settings of a kind, if this binary knows the kind.
fn schema_of(kind: &Value) -> Option<&'static Value> {
    let kinds = SystemTargets::default().kinds();
    kinds.iter().find(|known| kind["id"] == known.id).map(|known| known.settings.document())
}

/// The settings that the broker lists, as a form. A setting that `schema` does not
/// know is text.
fn form_of(kind: &Value, schema: Option<&Value>) -> Value {
    let settings = kind["settings"].as_array().map_or(&[][..], Vec::as_slice);
    let named = || settings.iter().filter_map(|setting| Some((setting["name"].as_str()?, setting)));
    let property = |name: &str, setting: &Value| {
        let known = schema.and_then(|schema| schema["properties"].get(name));
        let mut property = known.cloned().unwrap_or_else(|| json!({}));
        property["description"] = setting["about"].clone();
        if setting["secret"] == true {
            property["writeOnly"] = json!(true);
        }
        property
    };
    let properties: Map<String, Value> =
        named().map(|(name, setting)| (name.to_owned(), property(name, setting))).collect();
    let required: Vec<_> = named().filter(|(_, setting)| setting["required"] == true).map(|(name, _)| name).collect();
    let definitions = schema.map(|schema| &schema["$defs"]);
    json!({"schema": {"type": "object", "properties": properties, "required": required, "$defs": definitions}})
}

/// Moves violations of `/data` to `/settings`.
fn in_settings(failure: Failure) -> Failure {
    let Failure::Input(violations) = failure else { return failure };
    let moved = |violation: Violation| {
        let pointer = violation.pointer.strip_prefix("/data").map(|rest| format!("/settings{rest}"));
        Violation { pointer: pointer.unwrap_or(violation.pointer), ..violation }
    };
    Failure::Input(violations.into_iter().map(moved).collect())
}

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
            {"name": "verify", "about": "whether", "secret": false, "required": false, "moves": false},
            {"name": "headers", "about": "to send", "secret": false, "required": false, "moves": false},
            {"name": "later", "about": "of a newer broker", "secret": false, "required": false, "moves": false},
        ]})
    }

    fn schema() -> Value {
        json!({
            "properties": {
                "address": {"$ref": "#/$defs/text"},
                "token": {"$ref": "#/$defs/text"},
                "timeoutSeconds": {"type": ["integer", "null"]},
                "verify": {"type": "boolean"},
                "headers": {"type": "object", "additionalProperties": {"type": "string"}}
            },
            "$defs": {"text": {"type": ["string", "null"]}}
        })
    }

    fn gather(set: &[&str], schema: Option<&Value>) -> Result<Value, Failure> {
        let args = DataArgs { set: set.iter().map(|one| (*one).to_owned()).collect(), ..DataArgs::default() };
        let form = form_of(&kind(), schema);
        let gathered = args.gather(Form::new(&form).schema(), SecretJson::new(json!({})), &mut io::empty());
        gathered.map(|settings| settings.expose().clone()).map_err(in_settings)
    }

    #[test]
    fn settings_are_typed_and_may_go_deep() {
        let set = ["address=https://bao", "timeoutSeconds=5", "verify=true", "headers.X-Env=01", "later=5"];
        let expected = json!({
            "address": "https://bao", "timeoutSeconds": 5, "verify": true, "headers": {"X-Env": "01"}, "later": "5"
        });
        assert_eq!(gather(&set, Some(&schema())).unwrap(), expected);
        let Err(Failure::Input(violations)) = gather(&["timeoutSeconds=soon"], Some(&schema())) else {
            panic!("it was accepted")
        };
        assert_eq!(violations[0].pointer, "/settings/timeoutSeconds");
    }

    #[test]
    fn settings_of_an_unknown_kind_are_text() {
        assert_eq!(gather(&["timeoutSeconds=5"], None).unwrap(), json!({"timeoutSeconds": "5"}));
    }

    #[test]
    fn the_schemas_of_the_kinds_give_the_types() {
        let schema = schema_of(&json!({"id": "openbao"})).unwrap();
        assert_eq!(schema["properties"]["timeoutSeconds"]["type"][0], "integer");
        assert_eq!(schema_of(&json!({"id": "other"})), None);
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_by_its_setting() {
        for schema in [None, Some(&schema())] {
            let Err(Failure::Input(violations)) = gather(&["token=hunter2"], schema) else { panic!("it was accepted") };
            assert_eq!((violations.len(), violations[0].pointer.as_str()), (1, "/settings/token"));
            assert!(!violations[0].message.contains("hunter2"));
        }
    }
}
