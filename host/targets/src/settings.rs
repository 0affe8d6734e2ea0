//! Settings of regions: a JSON Schema for each kind of target, then a typed
//! struct, then the rules that a schema cannot say.

use bursar_kernel::Violation;
use bursar_kernel::integer::whole_number;
use bursar_kernel::secret::SecretJson;
use bursar_regions::{SettingsSchema, TargetError, TargetKind};
use bursar_schema::{Input, Schema};
use serde::Deserialize as _;
use serde::de::value::MapDeserializer;
use serde::de::{DeserializeOwned, Deserializer};
use serde_json::{Error, Value};

/// A kind of target, with its schema compiled.
pub(crate) struct CompiledKind {
    pub(crate) description: TargetKind,
    schema: Schema,
}

/// What is wrong with settings. No message quotes a value.
#[derive(Default)]
pub(crate) struct Violations(Vec<Violation>);

impl CompiledKind {
    /// Compiles the `schema` of a kind that `describe` describes.
    pub(crate) fn new(schema: &str, describe: impl FnOnce(SettingsSchema) -> TargetKind) -> Self {
        let settings = SettingsSchema::parse(schema).expect("our own schema, which a test parses");
        let schema = Schema::trusted(settings.document().clone(), Input::Settings)
            .expect("our own schema, which a test compiles");
        Self { description: describe(settings), schema }
    }

    /// Reads the settings that match the schema, and leaves the others at their
    /// default, so that code can report what is wrong beyond the schema at once.
    pub(crate) fn read<T: DeserializeOwned + Default>(&self, settings: &SecretJson) -> (T, Violations) {
        let settings = settings.expose();
        let mut violations = Violations(match self.schema.check(settings) {
            Ok(report) => report.violations,
            Err(error) => vec![Violation::new("", "invalid", format!("The settings cannot be checked: {error}."))],
        });
        self.attribute(&mut violations);
        let members = settings.as_object().into_iter().flatten().map(|(name, value)| (name.as_str(), value));
        let members = members.filter(|(name, _)| !violations.concern(name));
        let read = T::deserialize(MapDeserializer::<_, Error>::new(members)).unwrap_or_else(|_| {
            violations.add("", "invalid", "The settings hold a value that is out of range.");
            T::default()
        });
        (read, violations)
    }

    /// Every violation in the order of the schema, those of unknown settings first.
    ///
    /// Adds texts that must be on one line (without `x-multiline`) and are not, such as
    /// a token read from a file with its newline. Only new settings are checked for
    /// this: stored ones are used as they are, as long as their target can.
    pub(crate) fn complete(&self, settings: &SecretJson, mut violations: Violations) -> Vec<Violation> {
        for setting in self.description.settings.iter() {
            let text = settings.expose().get(&setting.name).and_then(Value::as_str);
            let is_multiline = self.schema.source()["properties"][&setting.name]["x-multiline"] == true;
            if !is_multiline
                && text.is_some_and(|text| text.chars().any(char::is_control))
                && !violations.concern(&setting.name)
            {
                violations.add(format!("/{}", setting.name), "format", ONE_LINE);
            }
        }
        violations.0.sort_by_key(|violation| self.position(&violation.pointer));
        violations.0
    }

    /// Attributes what is wrong inside a setting to the setting, and drops what
    /// follows from its type.
    fn attribute(&self, Violations(violations): &mut Violations) {
        for Violation { pointer, .. } in violations.iter_mut() {
            if self.position(pointer).is_some()
                && let Some(inside) = pointer[1..].find('/')
            {
                pointer.truncate(1 + inside);
            }
        }
        let mistyped: Vec<String> =
            violations.iter().filter(|violation| violation.code == "type").map(|one| one.pointer.clone()).collect();
        violations.retain(|violation| violation.code == "type" || !mistyped.contains(&violation.pointer));
        violations.dedup_by(|one, before| one.pointer == before.pointer && one.code == before.code);
    }

    /// The position of the setting that a pointer leads to.
    fn position(&self, pointer: &str) -> Option<usize> {
        let name = pointer.split('/').nth(1)?;
        self.description.settings.iter().position(|setting| setting.name == name)
    }
}

impl Violations {
    /// Adds one.
    pub(crate) fn add(&mut self, pointer: impl Into<String>, code: &str, message: impl Into<String>) {
        self.0.push(Violation::new(pointer, code, message));
    }

    /// `value`, where there are none.
    ///
    /// # Errors
    ///
    /// Every violation.
    pub(crate) fn none_or<T>(self, value: Option<T>) -> Result<T, Self> {
        value.filter(|_| self.0.is_empty()).ok_or(self)
    }

    fn concern(&self, setting: &str) -> bool {
        self.0.iter().any(|violation| violation.pointer.strip_prefix('/') == Some(setting))
    }
}

impl From<Violations> for TargetError {
    /// For stored settings that are no longer valid.
    fn from(Violations(violations): Violations) -> Self {
        let messages: Vec<_> = violations.iter().map(|one| format!("{}: {}", one.pointer, one.message)).collect();
        Self::Invalid(format!("its settings are not valid: {}", messages.join(" ")))
    }
}

/// Reads a whole number, 0 or more, which may be written with a zero fraction.
/// `None` for any other, which the schema refuses.
pub(crate) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(whole_number(&Value::deserialize(deserializer)?))
}

const ONE_LINE: &str =
    "This holds a line break or another control character: give it on one line, without one at its end.";
