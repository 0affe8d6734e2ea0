//! The published description, as something answers are held against.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Client, Reply};

/// The document at `/openapi.json`.
pub(crate) struct Description {
    document: Value,
}

/// Fails where one of these answers is not as the document says.
pub(crate) async fn assert_as_described(client: &Client, replies: &[Reply]) {
    assert!(!replies.is_empty(), "there is nothing to compare");
    let description = Description::of(client).await;
    let differences: Vec<String> = replies.iter().flat_map(|reply| description.differences(reply)).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

impl Description {
    pub(crate) async fn of(client: &Client) -> Self {
        Self { document: client.get("/openapi.json").await.expect(200) }
    }

    pub(crate) fn document(&self) -> &Value {
        &self.document
    }

    /// Every `(METHOD, path template)`.
    pub(crate) fn operations(&self) -> BTreeSet<(String, String)> {
        let mut operations = BTreeSet::new();
        for (path, item) in self.paths() {
            let methods = item.as_object().expect("a path item").keys();
            operations.extend(
                methods.filter(|key| METHODS.contains(&key.as_str())).map(|key| (key.to_uppercase(), path.clone())),
            );
        }
        operations
    }

    /// The operation a request belongs to; literal segments win.
    pub(crate) fn template_of(&self, path: &str) -> Option<&str> {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |template: &str| {
            let (wanted, given): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
            wanted.len() == given.len()
                && wanted.iter().zip(&given).all(|(wanted, given)| wanted.starts_with('{') || wanted == given)
        };
        let candidates = self.paths().keys().map(String::as_str).filter(|template| fits(template));
        candidates.min_by_key(|template| template.matches('{').count())
    }

    /// Everything in which an answer differs from its description.
    pub(crate) fn differences(&self, reply: &Reply) -> Vec<String> {
        let at = format!("{} {} {}", reply.method, reply.path, reply.status);
        let Some(template) = self.template_of(&reply.path) else {
            return vec![format!("{at}: the path is not described")];
        };
        let operation = &self.document["paths"][template][reply.method.to_lowercase()];
        if operation.is_null() {
            return vec![format!("{at}: the method is not described")];
        }
        let response = self.resolve(&operation["responses"][reply.status.to_string()]);
        if response.is_null() {
            return vec![format!("{at}: the status is not described")];
        }
        let Some(content) = response["content"].as_object().filter(|content| !content.is_empty()) else {
            return if reply.bytes.is_empty() { Vec::new() } else { vec![format!("{at}: a body is not described")] };
        };
        self.judge_body(&at, content, reply)
    }

    fn judge_body(&self, at: &str, content: &Map<String, Value>, reply: &Reply) -> Vec<String> {
        let content_type = reply.header("content-type").unwrap_or_default();
        let essence = content_type.split(';').next().unwrap_or_default().trim();
        let Some(media) = content.get(essence) else {
            return vec![format!("{at}: the content type `{content_type}` is not described")];
        };
        if !essence.ends_with("json") || media["schema"].is_null() {
            return Vec::new();
        }
        // The document itself is the root, so that its references resolve.
        let mut root = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema", "allOf": [media["schema"]] });
        root["components"] = self.document["components"].clone();
        let validator = match jsonschema::options().build(&root) {
            Ok(validator) => validator,
            Err(error) => return vec![format!("{at}: its schema does not compile: {error}")],
        };
        validator.iter_errors(&reply.body).map(|error| format!("{at}: {}: {error}", error.instance_path())).collect()
    }

    fn resolve<'a>(&'a self, item: &'a Value) -> &'a Value {
        match item["$ref"].as_str().and_then(|reference| reference.strip_prefix('#')) {
            Some(pointer) => self.document.pointer(pointer).unwrap_or(&Value::Null),
            None => item,
        }
    }

    fn paths(&self) -> &Map<String, Value> {
        self.document["paths"].as_object().expect("paths")
    }
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
