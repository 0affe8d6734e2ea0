//! Assembles a body whose secrets may appear only in named fields.
//!
//! The body is first assembled with a random placeholder for each secret and
//! parsed by its content type. A secret allowed at `/token` must be the whole
//! value there and appear nowhere else. Only then are the placeholders replaced
//! by the secrets, escaped to keep the parse valid whatever a secret holds.

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use serde_json::Value;
use zeroize::Zeroizing;

use super::assemble::{Assembly, Filled, FilledPart, form_encoded, json_escaped};
use super::call_secrets::Origin;
use super::placements::InBody;
use super::request::{Denial, Part};

/// Assembles a body. `content_type` is the request's, if it has one without
/// secrets.
///
/// # Errors
///
/// The rule it breaks.
pub(crate) fn assemble(
    assembly: &Assembly<'_>,
    parts: &[Part],
    content_type: Option<&str>,
) -> Result<Filled<Zeroizing<Vec<u8>>>, Denial> {
    let mut slots = Vec::with_capacity(parts.len());
    let mut bound = false;
    let mut filled = Filled::new(Zeroizing::new(Vec::new()));
    for piece in assembly.pieces(parts)? {
        filled.counted += piece.counted();
        filled.note(&piece);
        slots.push(match piece {
            FilledPart::Plain(bytes) | FilledPart::Made(bytes) => Slot::Ready(bytes),
            FilledPart::Secret { origin, user: Some(_), .. } => {
                return Err(Denial::new(format!("{origin} as `basic` goes into header:authorization alone")));
            }
            FilledPart::Secret { origin, value, written, .. } => match assembly.rules.in_body(&origin)? {
                InBody::Anywhere => Slot::Ready(written),
                InBody::At(pointers) => {
                    bound = true;
                    Slot::Bound { origin, value, pointers, placeholder: placeholder()? }
                }
            },
        });
    }
    if !bound {
        return Ok(Filled { value: join(&slots, None)?, ..filled });
    }
    let shape = Shape::of(content_type, &join(&slots, None)?)?;
    for slot in &slots {
        if let Slot::Bound { origin, pointers, placeholder, .. } = slot
            && !pointers.iter().any(|pointer| shape.is_at(pointer, placeholder))
        {
            return Err(nowhere(origin));
        }
    }
    Ok(Filled { value: join(&slots, Some(&shape))?, ..filled })
}

/// One piece of a body.
enum Slot<'a> {
    Ready(Zeroizing<Vec<u8>>),
    Bound { origin: Origin, value: Zeroizing<Vec<u8>>, pointers: Vec<&'a str>, placeholder: String },
}

/// A body with placeholders, as its content type reads it.
enum Shape {
    Json(Value),
    Form(Vec<(String, String)>),
}

impl Shape {
    fn of(content_type: Option<&str>, body: &[u8]) -> Result<Self, Denial> {
        let (essence, parameters) = content_type.unwrap_or_default().split_once(';').map_or_else(
            || (content_type.unwrap_or_default(), None),
            |(essence, parameters)| (essence, Some(parameters.trim().to_ascii_lowercase())),
        );
        // In another charset the same bytes could have another meaning.
        if parameters.is_some_and(|parameters| parameters.replace('"', "") != "charset=utf-8") {
            return Err(Denial::new("a secret's body field needs a content-type without parameters but charset=utf-8"));
        }
        match essence.trim().to_ascii_lowercase().as_str() {
            "application/json" => serde_json::from_slice(body)
                .map(Self::Json)
                .map_err(|_| Denial::new("the body is not the JSON that its content-type says")),
            "application/x-www-form-urlencoded" => Ok(Self::Form(form_urlencoded::parse(body).into_owned().collect())),
            _ => Err(Denial::new(
                "a secret may stand at a field of a body only as application/json or application/x-www-form-urlencoded",
            )),
        }
    }

    /// Whether `placeholder` is the whole value at `pointer`. It occurs in the body
    /// once, hence nowhere else.
    fn is_at(&self, pointer: &str, placeholder: &str) -> bool {
        match self {
            Self::Json(document) => document.pointer(pointer).and_then(Value::as_str) == Some(placeholder),
            Self::Form(fields) => {
                let name = pointer.strip_prefix('/').unwrap_or(pointer).replace("~1", "/").replace("~0", "~");
                fields.iter().any(|(field, value)| *field == name && value == placeholder)
            }
        }
    }
}

/// Without a shape the placeholders stay.
fn join(slots: &[Slot<'_>], shape: Option<&Shape>) -> Result<Zeroizing<Vec<u8>>, Denial> {
    let mut body = Zeroizing::new(Vec::new());
    for slot in slots {
        match (slot, shape) {
            (Slot::Ready(bytes), _) => body.extend_from_slice(bytes),
            (Slot::Bound { placeholder, .. }, None) => body.extend_from_slice(placeholder.as_bytes()),
            (Slot::Bound { value, .. }, Some(Shape::Json(_))) => {
                body.extend_from_slice(Zeroizing::new(json_escaped(value)?).as_bytes());
            }
            (Slot::Bound { value, .. }, Some(Shape::Form(_))) => {
                body.extend_from_slice(Zeroizing::new(form_encoded(value)).as_bytes());
            }
        }
    }
    Ok(body)
}

/// Letters and digits that no plugin can guess.
fn placeholder() -> Result<String, Denial> {
    let mut random = [0; 16];
    SystemRandom::new().fill(&mut random).map_err(|_| Denial::new("the host has no randomness"))?;
    Ok(format!("x{}", hex::encode(random)))
}

fn nowhere(origin: &Origin) -> Denial {
    Denial::new(format!("{origin} is not the whole value of a body field that a placement names"))
}
