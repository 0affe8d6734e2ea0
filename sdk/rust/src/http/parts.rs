use crate::Part;
use crate::signing::Output;

/// A secret of the form, by its pointer (`/apiToken`).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Secret<'a>(pub &'a str);

/// A header's value, a query value or a body: pieces that the host joins after
/// filling in the secrets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parts(Vec<Part>);

impl Parts {
    /// Without pieces.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies of existing pieces.
    #[must_use]
    pub fn from_parts(parts: &[Part]) -> Self {
        Self(parts.to_vec())
    }

    /// Literal text.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { self } else { self.part(Part::Text(text)) }
    }

    /// A secret, unencoded.
    #[must_use]
    pub fn secret(self, secret: Secret<'_>) -> Self {
        self.part(Part::Secret(secret.0.to_owned()))
    }

    /// `Basic` and base64 of `user:secret` (RFC 7617).
    #[must_use]
    pub fn basic(self, user: &str, secret: Secret<'_>) -> Self {
        self.part(Part::Basic((user.to_owned(), secret.0.to_owned())))
    }

    /// A secret as `application/x-www-form-urlencoded`.
    #[must_use]
    pub fn form_encoded(self, secret: Secret<'_>) -> Self {
        self.part(Part::FormEncoded(secret.0.to_owned()))
    }

    /// A secret, escaped for the inside of a JSON string.
    #[must_use]
    pub fn json_escaped(self, secret: Secret<'_>) -> Self {
        self.part(Part::JsonEscaped(secret.0.to_owned()))
    }

    /// What an earlier request of this call captured under `name`.
    #[must_use]
    pub fn captured(self, name: &str) -> Self {
        self.part(Part::Captured(name.to_owned()))
    }

    /// A signature or digest in lower-case hex.
    #[must_use]
    pub fn hex(self, output: Output) -> Self {
        self.part(Part::Hex(output.handle()))
    }

    /// A signature or digest in base64 with padding.
    #[must_use]
    pub fn base64(self, output: Output) -> Self {
        self.part(Part::Base64(output.handle()))
    }

    /// A signature or digest in base64url without padding.
    #[must_use]
    pub fn base64url(self, output: Output) -> Self {
        self.part(Part::Base64url(output.handle()))
    }

    /// Appends all of `other`.
    #[must_use]
    pub fn then(mut self, other: impl Into<Self>) -> Self {
        for part in other.into().0 {
            self = self.part(part);
        }
        self
    }

    /// The pieces.
    #[must_use]
    pub fn as_slice(&self) -> &[Part] {
        &self.0
    }

    /// The pieces, by value.
    #[must_use]
    pub fn into_vec(self) -> Vec<Part> {
        self.0
    }

    /// The text, if there are only text pieces.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    fn part(mut self, part: Part) -> Self {
        // Merges adjacent text, which `as_text` relies on.
        if let (Part::Text(more), Some(Part::Text(text))) = (&part, self.0.last_mut()) {
            text.push_str(more);
        } else {
            self.0.push(part);
        }
        self
    }
}

impl From<&str> for Parts {
    fn from(text: &str) -> Self {
        Self::new().text(text)
    }
}

impl From<String> for Parts {
    fn from(text: String) -> Self {
        Self::new().text(text)
    }
}

impl From<&String> for Parts {
    fn from(text: &String) -> Self {
        Self::new().text(text.as_str())
    }
}

impl From<Secret<'_>> for Parts {
    fn from(secret: Secret<'_>) -> Self {
        Self::new().secret(secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbouring_texts_become_one() {
        let parts = Parts::from("a").text("").text("b").secret(Secret("/s")).then("c").text("d");
        let expected = [Part::Text("ab".into()), Part::Secret("/s".into()), Part::Text("cd".into())];
        assert_eq!(parts.as_slice(), expected);
        assert_eq!(Parts::from("ab").text("c").as_text(), Some("abc"));
        assert_eq!(parts.as_text(), None);
    }
}
