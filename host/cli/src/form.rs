//! A credential type's form, filled in field by field on the terminal.
//!
//! Questions and their order follow from the type's schema, hints and variants; no
//! type is known here. The broker validates the answers, and fields it rejects are
//! asked for again.

use bursar_kernel::Violation;
use bursar_kernel::secret::{SecretJson, put, take};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::schema::{Choice, Field, FieldKind, Schema, pointer_to};

/// Asks the user: the terminal, or a script in tests.
pub(crate) trait Prompter {
    /// Shows a line of explanation.
    fn say(&mut self, line: &str) -> Result<(), Failure>;
    /// Asks for a line, which may be empty; an empty line means `default`.
    fn text(&mut self, label: &str, default: Option<&str>) -> Result<String, Failure>;
    /// Asks for a line that is not echoed and may be empty.
    fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Failure>;
    /// Asks for one of `items`; returns its index.
    fn choose(&mut self, label: &str, items: &[String], default: usize) -> Result<usize, Failure>;
    /// Asks a yes-or-no question.
    fn confirm(&mut self, label: &str, default: bool) -> Result<bool, Failure>;
    /// Reads the file at `path`.
    fn read(&mut self, path: &str) -> Result<Zeroizing<String>, Failure>;
}

/// A type's form.
pub(crate) struct Form<'a> {
    schema: Schema<'a>,
    fields: Vec<Field>,
}

/// Which missing fields to ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Ask {
    /// All fields.
    All,
    /// Required fields.
    Required,
}

impl<'a> Form<'a> {
    /// The form of a type as returned by `GET /v1/credential-types/{type}`.
    pub(crate) fn new(credential_type: &'a Value) -> Self {
        let schema = Schema::new(&credential_type["schema"]);
        let order = credential_type.pointer("/hints/order").and_then(Value::as_array);
        let order: Vec<String> =
            order.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect();
        Self { schema, fields: schema.fields(&order) }
    }

    /// Its schema.
    pub(crate) fn schema(&self) -> Schema<'a> {
        self.schema
    }

    /// Asks for the fields that `data` lacks.
    pub(crate) fn fill(&self, data: &mut SecretJson, ask: Ask, prompter: &mut dyn Prompter) -> Result<(), Failure> {
        for field in &self.fields {
            let pointer = pointer_to(&field.name);
            let given = data.expose().pointer(&pointer).is_some_and(|value| !value.is_null());
            if !given && (ask == Ask::All || field.required) {
                self.ask_into(data, field, prompter)?;
            }
        }
        Ok(())
    }

    /// Shows the violations and asks for their fields again. Returns `false` if none
    /// of them is about a field.
    pub(crate) fn ask_again(
        &self,
        data: &mut SecretJson,
        violations: &[Violation],
        prompter: &mut dyn Prompter,
    ) -> Result<bool, Failure> {
        let mut asked = false;
        for field in &self.fields {
            let place = format!("/data{}", pointer_to(&field.name));
            let within = format!("{place}/");
            let in_field: Vec<&Violation> = violations
                .iter()
                .filter(|violation| violation.pointer == place || violation.pointer.starts_with(&within))
                .collect();
            if in_field.is_empty() {
                continue;
            }
            for violation in in_field {
                prompter.say(&format!("{}: {}", field.title, violation.message))?;
            }
            self.ask_into(data, field, prompter)?;
            asked = true;
        }
        Ok(asked)
    }

    fn ask_into(&self, data: &mut SecretJson, field: &Field, prompter: &mut dyn Prompter) -> Result<(), Failure> {
        let pointer = pointer_to(&field.name);
        if !field.description.is_empty() {
            prompter.say(&field.description)?;
        }
        loop {
            match self.ask(field, &pointer, prompter)? {
                Answer::Value(value) => {
                    put(data.expose_mut(), &pointer, value);
                    return Ok(());
                }
                Answer::Skipped if field.required => prompter.say(&format!("{} is required", field.title))?,
                Answer::Skipped => {
                    take(data.expose_mut(), &pointer);
                    return Ok(());
                }
                Answer::Invalid(message) => prompter.say(&format!("{} {message}", field.title))?,
            }
        }
    }

    fn ask(&self, field: &Field, pointer: &str, prompter: &mut dyn Prompter) -> Result<Answer, Failure> {
        let label = label(field);
        let text = match &field.kind {
            FieldKind::Choice(choices) => return choose(field, choices, &label, prompter),
            FieldKind::Flag => {
                let default = field.default == Some(Value::Bool(true));
                return Ok(Answer::Value(Value::Bool(prompter.confirm(&label, default)?)));
            }
            FieldKind::Document => {
                let path = prompter.text(&format!("{label} - path of the file"), None)?;
                if path.is_empty() {
                    return Ok(Answer::Skipped);
                }
                match prompter.read(&path) {
                    Ok(text) => return Ok(Answer::Value(Value::String(text.to_string()))),
                    Err(failure) => return Ok(Answer::Invalid(format!("was not read: {failure}"))),
                }
            }
            _ if field.secret => prompter.secret(&label)?,
            _ => Zeroizing::new(prompter.text(&label, field.default.as_ref().map(shown).as_deref())?),
        };
        if text.is_empty() {
            return Ok(Answer::Skipped);
        }
        Ok(match self.schema.read(pointer, &text) {
            Ok(value) => Answer::Value(value),
            Err(message) => Answer::Invalid(message),
        })
    }
}

/// Asks for one of the type's variants; `None` if it has none.
pub(crate) fn choose_variant(credential_type: &Value, prompter: &mut dyn Prompter) -> Result<Option<String>, Failure> {
    let variants = credential_type["variants"].as_array().map_or(&[][..], Vec::as_slice);
    if variants.is_empty() {
        return Ok(None);
    }
    let titles: Vec<String> = variants.iter().map(|variant| shown(&variant["title"])).collect();
    let chosen = &variants[prompter.choose("Variant", &titles, 0)?.min(variants.len() - 1)];
    if let Some(how_to) = chosen["howTo"].as_str() {
        for line in how_to.lines().filter(|line| !line.is_empty()) {
            prompter.say(line)?;
        }
    }
    Ok(chosen["id"].as_str().map(str::to_owned))
}

/// A template's fixed values: drops empty values and placeholders in angle
/// brackets, which the user fills in.
pub(crate) fn without_placeholders(template: &Value) -> Value {
    match template {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(_, value)| !is_placeholder(value))
                .map(|(key, value)| (key.clone(), without_placeholders(value)))
                .collect(),
        ),
        other => other.clone(),
    }
}

/// The outcome of a question.
enum Answer {
    Value(Value),
    Skipped,
    /// Why.
    Invalid(String),
}

fn choose(field: &Field, choices: &[Choice], label: &str, prompter: &mut dyn Prompter) -> Result<Answer, Failure> {
    let mut items: Vec<String> = choices.iter().map(|choice| choice.title.clone()).collect();
    let default = field.default.as_ref().and_then(|wanted| choices.iter().position(|choice| choice.value == *wanted));
    if !field.required {
        items.push(LEAVE_OUT.to_owned());
    }
    let fallback = if field.required { 0 } else { choices.len() };
    let chosen = prompter.choose(label, &items, default.unwrap_or(fallback))?;
    Ok(choices.get(chosen).map_or(Answer::Skipped, |choice| Answer::Value(choice.value.clone())))
}

fn label(field: &Field) -> String {
    let form = match field.kind {
        FieldKind::List => " (a,b,...)",
        FieldKind::Json => " (JSON)",
        _ => "",
    };
    let optional = if field.required { "" } else { " (optional)" };
    format!("{}{form}{optional}", field.title)
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    }
}

fn is_placeholder(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty() || (text.contains('<') && text.contains('>')),
        Value::Array(items) => items.iter().all(is_placeholder),
        Value::Object(map) => map.values().all(is_placeholder),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

const LEAVE_OUT: &str = "(leave out)";

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use serde_json::json;

    use super::*;

    /// Answers from a script and records the questions.
    #[derive(Default)]
    struct Script {
        answers: VecDeque<&'static str>,
        asked: Vec<String>,
    }

    impl Script {
        fn new(answers: &[&'static str]) -> Self {
            Self { answers: answers.iter().copied().collect(), asked: Vec::new() }
        }

        fn answer(&mut self, asked: String) -> String {
            let answer = self.answers.pop_front().unwrap_or_else(|| panic!("no answer to {asked}"));
            self.asked.push(asked);
            answer.to_owned()
        }
    }

    impl Prompter for Script {
        fn say(&mut self, line: &str) -> Result<(), Failure> {
            self.asked.push(format!("# {line}"));
            Ok(())
        }

        fn text(&mut self, label: &str, default: Option<&str>) -> Result<String, Failure> {
            let answer = self.answer(format!("{label} [{}]", default.unwrap_or_default()));
            Ok(if answer.is_empty() { default.unwrap_or_default().to_owned() } else { answer })
        }

        fn secret(&mut self, label: &str) -> Result<Zeroizing<String>, Failure> {
            Ok(Zeroizing::new(self.answer(format!("{label} [masked]"))))
        }

        fn choose(&mut self, label: &str, items: &[String], default: usize) -> Result<usize, Failure> {
            let answer = self.answer(format!("{label} {items:?} [{default}]"));
            Ok(answer.parse().unwrap_or(default))
        }

        fn confirm(&mut self, label: &str, default: bool) -> Result<bool, Failure> {
            Ok(self.answer(format!("{label} [{default}]")) == "y")
        }

        fn read(&mut self, path: &str) -> Result<Zeroizing<String>, Failure> {
            if path == "missing" {
                Err(Failure::Failed("no such file".to_owned()))
            } else {
                Ok(Zeroizing::new(format!("text of {path}")))
            }
        }
    }

    fn sample() -> Value {
        json!({
            "hints": {"order": ["provider", "server", "password"]},
            "variants": [{"id": "a", "title": "Kind A"}, {"id": "b", "title": "Kind B", "howTo": "Make a token.\nCopy it."}],
            "schema": {
                "required": ["server", "password", "provider"],
                "properties": {
                    "provider": {"enum": ["a", "b"], "default": "b"},
                    "server": {"type": "string", "title": "Server", "description": "Where it listens.", "default": "example.com"},
                    "password": {"type": "string", "writeOnly": true, "title": "Password"},
                    "level": {"enum": ["low", "high"]},
                    "pem": {"type": "string", "contentMediaType": "application/x-pem-file"},
                    "port": {"type": "integer"},
                    "tls": {"type": "boolean"},
                    "zones": {"type": "array", "items": {"type": "string"}}
                }
            }
        })
    }

    #[test]
    fn every_field_is_asked_for_in_its_own_way() {
        let sample = sample();
        let mut script = Script::new(&["", "", "", "hunter2", "", "missing", "c.pem", "x", "5432", "y", "a, b"]);
        let mut data = SecretJson::new(json!({}));
        Form::new(&sample).fill(&mut data, Ask::All, &mut script).unwrap();
        assert_eq!(
            data.expose(),
            &json!({"provider": "b", "server": "example.com", "password": "hunter2", "pem": "text of c.pem",
                    "port": 5432, "tls": true, "zones": ["a", "b"]})
        );
        insta::assert_snapshot!(script.asked.join("\n"), @r#"
        provider ["a", "b"] [1]
        # Where it listens.
        Server [example.com]
        Password [masked]
        # Password is required
        Password [masked]
        level (optional) ["low", "high", "(leave out)"] [2]
        pem (optional) - path of the file []
        # pem was not read: no such file
        pem (optional) - path of the file []
        port (optional) []
        # port must be integer
        port (optional) []
        tls (optional) [false]
        zones (a,b,...) (optional) []
        "#);
    }

    #[test]
    fn what_was_given_is_not_asked_for() {
        let sample = sample();
        let mut script = Script::new(&["hunter2"]);
        let mut data = SecretJson::new(json!({"server": "s", "provider": "a"}));
        Form::new(&sample).fill(&mut data, Ask::Required, &mut script).unwrap();
        assert_eq!(script.asked, ["Password [masked]"]);
    }

    #[test]
    fn what_the_broker_refused_is_asked_for_again() {
        let sample = sample();
        let mut script = Script::new(&["other", ""]);
        let mut data = SecretJson::new(json!({"server": "s", "zones": ["bad"]}));
        let violations = [
            Violation::new("/data/server", "format", "must be a host name"),
            Violation::new("/data/zones/0", "format", "must be a zone"),
            Violation::new("/name", "taken", "is taken"),
        ];
        let form = Form::new(&sample);
        assert!(form.ask_again(&mut data, &violations, &mut script).unwrap());
        assert_eq!(data.expose(), &json!({"server": "other"}));
        assert!(!form.ask_again(&mut data, &violations[2..], &mut script).unwrap());
    }

    #[test]
    fn a_variant_is_chosen_and_explained() {
        let mut script = Script::new(&["1"]);
        assert_eq!(choose_variant(&sample(), &mut script).unwrap().as_deref(), Some("b"));
        assert_eq!(script.asked, [r#"Variant ["Kind A", "Kind B"] [0]"#, "# Make a token.", "# Copy it."]);
        assert_eq!(choose_variant(&json!({}), &mut script).unwrap(), None);
    }

    #[test]
    fn a_templates_placeholders_are_dropped() {
        let template = json!({"a": "x", "b": "<your name>", "c": "", "d": null, "e": {"f": ""}, "g": false, "h": ["<x>"], "i": {"j": 1, "k": ""}});
        assert_eq!(without_placeholders(&template), json!({"a": "x", "g": false, "i": {"j": 1}}));
    }
}
