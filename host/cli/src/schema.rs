//! What the command line needs from a credential type's schema: its fields, which
//! of them are secret, and the type of each value.
//!
//! Only the broker validates data. Here a schema (JSON Schema 2020-12) is read for
//! prompting, typing and refusing secrets on the command line. A field that is
//! secret in any branch (`oneOf`, `if`) is secret.

use serde_json::Value;

/// A credential type's schema.
#[derive(Clone, Copy)]
pub(crate) struct Schema<'a> {
    root: &'a Value,
}

/// One field of the form.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    /// Property name.
    pub(crate) name: String,
    /// Its title in the form.
    pub(crate) title: String,
    /// Its description, may be empty.
    pub(crate) description: String,
    /// How to ask for it.
    pub(crate) kind: FieldKind,
    /// Whether it is `writeOnly`.
    pub(crate) secret: bool,
    /// Whether the form requires it.
    pub(crate) required: bool,
    /// Its value when left out.
    pub(crate) default: Option<Value>,
}

/// The kinds of fields, by how to ask for them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum FieldKind {
    /// A line of text.
    Text,
    /// Text of several lines, asked for as the path of a file.
    Document,
    /// One of these.
    Choice(Vec<Choice>),
    /// Yes or no.
    Flag,
    /// A number.
    Number,
    /// A list of lines.
    List,
    /// A nested value, asked for as JSON.
    Json,
}

/// A value that a field can have.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    /// The value.
    pub(crate) value: Value,
    /// Its title in the form.
    pub(crate) title: String,
}

impl<'a> Schema<'a> {
    /// Reads a schema document.
    pub(crate) fn new(root: &'a Value) -> Self {
        Self { root }
    }

    /// The top-level fields: those of `order` first, then the others by name.
    pub(crate) fn fields(self, order: &[String]) -> Vec<Field> {
        let required = self.required();
        let mut names: Vec<&String> = Vec::new();
        for node in self.expand(vec![self.root]) {
            for name in node.get("properties").and_then(Value::as_object).into_iter().flat_map(|map| map.keys()) {
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
        names.sort_by_key(|name| (order.iter().position(|wanted| wanted == *name).unwrap_or(usize::MAX), *name));
        names.into_iter().map(|name| self.field(name, required.contains(&name.as_str()))).collect()
    }

    /// Whether the value at `pointer` is secret, is part of a secret or contains one.
    pub(crate) fn holds_secret(self, pointer: &str) -> bool {
        let mut nodes = vec![self.root];
        for token in tokens(pointer) {
            nodes = self.step(nodes, &token);
            if self.expand(nodes.clone()).iter().any(|node| is_write_only(node)) {
                return true;
            }
        }
        self.contains_secret(nodes)
    }

    /// Whether the schema declares a field at `pointer`.
    pub(crate) fn knows(self, pointer: &str) -> bool {
        let mut nodes = vec![self.root];
        for token in tokens(pointer) {
            nodes = self.step(nodes, &token);
        }
        !nodes.is_empty()
    }

    /// Parses `text` as the type that the schema gives the field at `pointer`; a
    /// string if it gives none.
    ///
    /// # Errors
    ///
    /// A message that does not contain the text.
    pub(crate) fn read(self, pointer: &str, text: &str) -> Result<Value, String> {
        let mut nodes = vec![self.root];
        for token in tokens(pointer) {
            nodes = self.step(nodes, &token);
        }
        let nodes = self.expand(nodes);
        let types: Vec<&str> = nodes.iter().flat_map(|node| types(node)).collect();
        if types.is_empty() || types.contains(&"string") {
            return Ok(Value::String(text.to_owned()));
        }
        if types.contains(&"array") && !text.trim_start().starts_with('[') {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            return Ok(Value::Array(items.map(|item| Value::String(item.to_owned())).collect()));
        }
        let value: Value = serde_json::from_str(text).map_err(|_| format!("must be {}", types.join(" or ")))?;
        if types.iter().any(|wanted| is_of(&value, wanted)) {
            Ok(value)
        } else {
            Err(format!("must be {}", types.join(" or ")))
        }
    }

    fn field(self, name: &str, required: bool) -> Field {
        let nodes = self.expand(self.step(vec![self.root], name));
        let text = |key: &str| nodes.iter().find_map(|node| node.get(key)?.as_str()).unwrap_or_default().to_owned();
        let title = text("title");
        Field {
            name: name.to_owned(),
            title: if title.is_empty() { name.to_owned() } else { title },
            description: text("description"),
            kind: kind(&nodes),
            secret: nodes.iter().any(|node| is_write_only(node)),
            required,
            default: nodes.iter().find_map(|node| node.get("default")).cloned(),
        }
    }

    /// The properties required in every branch.
    fn required(self) -> Vec<&'a str> {
        let mut names = Vec::new();
        let mut pending = vec![self.root];
        for _ in 0..MAX_NODES {
            let Some(node) = pending.pop() else { break };
            names
                .extend(node.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str));
            pending.extend(self.referenced(node));
            pending.extend(node.get("allOf").and_then(Value::as_array).into_iter().flatten());
        }
        names
    }

    /// The nodes and all subschemas that apply to the same value.
    fn expand(self, mut pending: Vec<&'a Value>) -> Vec<&'a Value> {
        pending.reverse();
        let mut nodes: Vec<&Value> = Vec::new();
        while let Some(node) = pending.pop() {
            if nodes.len() == MAX_NODES || nodes.iter().any(|known| std::ptr::eq(*known, node)) {
                continue;
            }
            nodes.push(node);
            for key in ["else", "then", "if"] {
                pending.extend(node.get(key));
            }
            for key in ["oneOf", "anyOf", "allOf"] {
                pending.extend(node.get(key).and_then(Value::as_array).into_iter().flatten().rev());
            }
            pending.extend(self.referenced(node));
        }
        nodes
    }

    /// The schemas of the child `token` of the value that `nodes` describe.
    fn step(self, nodes: Vec<&'a Value>, token: &str) -> Vec<&'a Value> {
        let mut children = Vec::new();
        for node in self.expand(nodes) {
            children.extend(node.get("properties").and_then(|properties| properties.get(token)));
            if let Ok(index) = token.parse::<usize>() {
                children.extend(node.get("items"));
                children.extend(node.get("prefixItems").and_then(|items| items.get(index)));
            }
            children.extend(node.get("additionalProperties").filter(|schema| schema.is_object()));
        }
        children
    }

    fn contains_secret(self, mut pending: Vec<&'a Value>) -> bool {
        let mut seen: Vec<&Value> = Vec::new();
        while let Some(node) = pending.pop() {
            if seen.len() == MAX_NODES {
                return true;
            }
            if seen.iter().any(|known| std::ptr::eq(*known, node)) {
                continue;
            }
            seen.push(node);
            if is_write_only(node) {
                return true;
            }
            pending.extend(self.referenced(node));
            match node {
                Value::Object(map) => {
                    pending.extend(map.values().filter(|value| value.is_object() || value.is_array()));
                }
                Value::Array(items) => pending.extend(items),
                _ => {}
            }
        }
        false
    }

    fn referenced(self, node: &Value) -> Option<&'a Value> {
        self.root.pointer(node.get("$ref")?.as_str()?.strip_prefix('#')?)
    }
}

/// `name` as a JSON Pointer of one token, RFC 6901.
pub(crate) fn pointer_to(name: &str) -> String {
    format!("/{}", name.replace('~', "~0").replace('/', "~1"))
}

fn tokens(pointer: &str) -> impl Iterator<Item = String> {
    pointer.split('/').skip(1).map(|token| token.replace("~1", "/").replace("~0", "~"))
}

fn kind(nodes: &[&Value]) -> FieldKind {
    if let Some(choices) = nodes.iter().find_map(|node| choices(node)) {
        return FieldKind::Choice(choices);
    }
    let types: Vec<&str> = nodes.iter().flat_map(|node| types(node)).collect();
    let is = |wanted: &str| types.contains(&wanted);
    if is("string") || types.is_empty() {
        let many_lines = nodes.iter().any(|node| node.get("contentMediaType").is_some());
        if many_lines { FieldKind::Document } else { FieldKind::Text }
    } else if is("boolean") {
        FieldKind::Flag
    } else if is("integer") || is("number") {
        FieldKind::Number
    } else if is("array") && nodes.iter().any(|node| node.pointer("/items/type").is_some_and(|of| of == "string")) {
        FieldKind::List
    } else {
        FieldKind::Json
    }
}

/// The values of an `enum`, or of a `oneOf` of constants with titles.
fn choices(node: &Value) -> Option<Vec<Choice>> {
    if let Some(values) = node.get("enum").and_then(Value::as_array) {
        return Some(values.iter().map(|value| Choice { value: value.clone(), title: label(value) }).collect());
    }
    let branches = node.get("oneOf")?.as_array()?;
    branches
        .iter()
        .map(|branch| {
            let value = branch.get("const")?.clone();
            let title = branch.get("title").and_then(Value::as_str).map_or_else(|| label(&value), str::to_owned);
            Some(Choice { value, title })
        })
        .collect()
}

fn label(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn types(node: &Value) -> Vec<&str> {
    match node.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn is_of(value: &Value, wanted: &str) -> bool {
    match wanted {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        _ => value.is_string(),
    }
}

fn is_write_only(node: &Value) -> bool {
    node.get("writeOnly") == Some(&Value::Bool(true))
}

/// Bounds the cost of a hostile schema; no sensible one has as many.
const MAX_NODES: usize = 4096;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sample() -> Value {
        json!({
            "type": "object",
            "required": ["server"],
            "properties": {
                "server": {"type": "string", "title": "Server", "default": "example.com"},
                "port": {"type": "integer"},
                "tls": {"type": "boolean"},
                "names": {"type": "array", "items": {"type": "string"}},
                "mode": {"oneOf": [{"const": "a", "title": "Mode A"}, {"const": "b"}]},
                "password": {"$ref": "#/$defs/secret"},
                "pem": {"type": "string", "contentMediaType": "application/x-pem-file"},
                "login": {"oneOf": [
                    {"properties": {"user": {"type": "string"}, "key": {"type": "string", "writeOnly": true}}},
                    {"type": "null"}
                ]}
            },
            "if": {"properties": {"mode": {"const": "b"}}},
            "then": {"properties": {"extra": {"type": "string", "writeOnly": true}}},
            "$defs": {"secret": {"type": "string", "writeOnly": true, "title": "Password"}, "loop": {"$ref": "#/$defs/loop"}}
        })
    }

    #[test]
    fn fields_come_in_the_hinted_order_with_their_kind() {
        let sample = sample();
        let fields = Schema::new(&sample).fields(&["server".to_owned(), "password".to_owned()]);
        let lines: Vec<String> = fields
            .iter()
            .map(|field| format!("{} {:?} secret={} required={}", field.name, field.kind, field.secret, field.required))
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        server Text secret=false required=true
        password Text secret=true required=false
        extra Text secret=true required=false
        login Json secret=false required=false
        mode Choice([Choice { value: String("a"), title: "Mode A" }, Choice { value: String("b"), title: "b" }]) secret=false required=false
        names List secret=false required=false
        pem Document secret=false required=false
        port Number secret=false required=false
        tls Flag secret=false required=false
        "#);
    }

    #[test]
    fn secrets_are_seen_through_references_branches_and_parents() {
        let sample = sample();
        let schema = Schema::new(&sample);
        for secret in ["/password", "/password/x", "/login", "/login/key", "/extra"] {
            assert!(schema.holds_secret(secret), "{secret}");
        }
        for public in ["/server", "/login/user", "/unheard-of", "/names/0"] {
            assert!(!schema.holds_secret(public), "{public}");
        }
    }

    #[test]
    fn text_is_read_as_the_type_the_form_wants() {
        let sample = sample();
        let schema = Schema::new(&sample);
        assert_eq!(schema.read("/server", "1").unwrap(), json!("1"));
        assert_eq!(schema.read("/port", "443").unwrap(), json!(443));
        assert_eq!(schema.read("/tls", "true").unwrap(), json!(true));
        assert_eq!(schema.read("/names", "a, b").unwrap(), json!(["a", "b"]));
        assert_eq!(schema.read("/names", r#"["a,b"]"#).unwrap(), json!(["a,b"]));
        assert_eq!(schema.read("/unheard-of", "x").unwrap(), json!("x"));
        assert_eq!(schema.read("/port", "hunter2").unwrap_err(), "must be integer");
        assert_eq!(schema.read("/port", "1.5").unwrap_err(), "must be integer");
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let looping = json!({"$ref": "#", "properties": {"a": {"$ref": "#/properties/a"}}});
        let schema = Schema::new(&looping);
        assert_eq!(schema.fields(&[]).len(), 1);
        assert!(!schema.holds_secret("/a/a/a"));
    }
}
