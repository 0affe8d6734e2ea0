use bursar_kernel::secret::SecretJson;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// A JSON object of a request that may hold secrets: `Debug` does not show its
/// content, and it is wiped when dropped.
#[derive(Clone, Debug, Default)]
pub struct SecretObject(SecretJson);

impl From<SecretObject> for SecretJson {
    fn from(object: SecretObject) -> Self {
        object.0
    }
}

impl From<Value> for SecretObject {
    fn from(object: Value) -> Self {
        Self(SecretJson::new(object))
    }
}

impl<'de> Deserialize<'de> for SecretObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for SecretObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.expose().serialize(serializer)
    }
}
