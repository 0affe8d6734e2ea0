//! The `auths` document that Docker, Kubernetes and Podman all read.

use bursar_plugin_sdk::base64;
use bursar_plugin_sdk::json::{Map, Value, json};

pub(crate) struct Login<'a> {
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
    pub(crate) email: Option<&'a str>,
}

/// One entry under `key`. `auth` repeats the pair because some readers know
/// only that (containers-auth.json(5)) and others only the fields.
pub(crate) fn auths(key: String, login: &Login<'_>) -> Value {
    let Login { username, password, email } = login;
    let mut entry = Map::new();
    entry.insert("username".into(), json!(username));
    entry.insert("password".into(), json!(password));
    if let Some(email) = email {
        entry.insert("email".into(), json!(email));
    }
    entry.insert("auth".into(), json!(base64(format!("{username}:{password}"))));
    let mut auths = Map::new();
    auths.insert(key, Value::Object(entry));
    json!({ "auths": auths })
}
