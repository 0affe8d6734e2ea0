//! JSON whose secrets the host fills in.

use super::{Parts, Secret};
use crate::json::Value;

/// The text of `document`, with a secret in place of the value at each pointer
/// of `secrets`.
pub(super) fn json_with_secrets(document: &Value, secrets: &[(&str, Secret<'_>)]) -> Parts {
    write(document, "", secrets, Parts::new())
}

fn write(value: &Value, at: &str, secrets: &[(&str, Secret<'_>)], mut parts: Parts) -> Parts {
    if let Some((_, secret)) = secrets.iter().find(|(pointer, _)| *pointer == at) {
        return parts.text("\"").json_escaped(*secret).text("\"");
    }
    match value {
        Value::Object(members) => {
            parts = parts.text("{");
            for (number, (name, member)) in members.iter().enumerate() {
                let comma = if number == 0 { "" } else { "," };
                parts = parts.text(format!("{comma}{}:", Value::from(name.as_str())));
                let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                parts = write(member, &at, secrets, parts);
            }
            parts.text("}")
        }
        Value::Array(items) => {
            parts = parts.text("[");
            for (number, item) in items.iter().enumerate() {
                parts = write(item, &format!("{at}/{number}"), secrets, parts.text(if number == 0 { "" } else { "," }));
            }
            parts.text("]")
        }
        simple => parts.text(simple.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Part;
    use crate::json::json;

    #[test]
    fn a_secret_takes_the_place_of_a_string() {
        let document = json!({ "a": [1, "x\"y"], "b/c": { "key": null } });
        let parts = json_with_secrets(&document, &[("/b~1c/key", Secret("/password"))]);
        let expected = [
            Part::Text(r#"{"a":[1,"x\"y"],"b/c":{"key":""#.into()),
            Part::JsonEscaped("/password".into()),
            Part::Text("\"}}".into()),
        ];
        assert_eq!(parts.as_slice(), expected);
    }

    #[test]
    fn without_secrets_it_is_the_plain_text() {
        let document = json!({ "a": [], "b": {}, "c": "d" });
        assert_eq!(json_with_secrets(&document, &[]).as_text(), Some(document.to_string().as_str()));
    }
}
