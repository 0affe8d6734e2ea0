//! A plugin's form: its schema, in the terms of the port.

use bursar_kernel::plugin::{FormReport, PluginError};
use bursar_schema::{CheckError, Report, Schema};
use serde_json::Value;

use crate::answer::broke;

/// A compiled form.
pub(crate) struct Form(Schema);

impl Form {
    /// Compiles the schema that a plugin answered.
    ///
    /// # Errors
    ///
    /// The reason, for the plugin's author.
    pub(crate) fn compile(schema: Value) -> Result<Self, String> {
        Schema::compile(schema).map(Self).map_err(|error| format!("its form's schema {error}"))
    }

    /// The schema as the plugin gave it.
    pub(crate) fn schema(&self) -> &Value {
        self.0.source()
    }

    /// Checks data: every violation, and where the secrets are.
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] when the schema cannot be applied within its bounds.
    pub(crate) fn check(&self, data: &Value) -> Result<FormReport, PluginError> {
        let Report { violations, secret_pointers } = self.0.check(data).map_err(failed)?;
        Ok(FormReport { violations, secret_pointers })
    }

    /// Where the secrets of `data` are: see [`Schema::secret_pointers`].
    ///
    /// # Errors
    ///
    /// [`PluginError::Failed`] when the schema marks the whole form as a secret.
    pub(crate) fn secret_pointers(&self, data: &Value) -> Result<Vec<String>, PluginError> {
        self.0.secret_pointers(data).map_err(failed)
    }

    /// Whether the schema has a property of that name, as a pointer spells it.
    pub(crate) fn declares(&self, token: &str) -> bool {
        self.0.declares(token)
    }
}

fn failed(error: CheckError) -> PluginError {
    broke(&format!("its form's schema cannot be applied: {error}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_that_cannot_be_applied_fails_the_plugin() {
        let form = Form::compile(json!({"pattern": r"^(a|a)+\1(?=b)$"})).unwrap();
        let failed = "its form's schema cannot be applied: a pattern exceeded its limits";
        assert_eq!(form.check(&json!("a".repeat(64))).err(), Some(PluginError::Failed(failed.to_owned())));
        assert!(
            Form::compile(json!({"$ref": "#"})).is_err_and(|reason| reason == "its form's schema refers to itself")
        );
    }
}
