use crate::{Error, Violation};

/// Collects everything that is wrong with the input, to report it all at once.
#[derive(Clone, Debug, Default)]
pub struct Violations(Vec<Violation>);

impl Violations {
    /// Without violations.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With one violation.
    #[must_use]
    pub fn one(pointer: &str, code: &str, message: impl Into<String>) -> Self {
        let mut violations = Self::new();
        violations.add(pointer, code, message);
        violations
    }

    /// Adds a violation of the field at `pointer`. `code` is one of the
    /// manifest's `messages`, or `required`, `format` or `invalid`. `message`
    /// names the cure; it is shown only if the call sees no secrets.
    pub fn add(&mut self, pointer: &str, code: &str, message: impl Into<String>) {
        self.0.push(Violation { pointer: pointer.to_owned(), code: code.to_owned(), message: message.into() });
    }

    /// Adds a violation unless the field already has one with this code.
    pub fn add_once(&mut self, pointer: &str, code: &str, message: impl Into<String>) {
        if !self.0.iter().any(|it| it.pointer == pointer && it.code == code) {
            self.add(pointer, code, message);
        }
    }

    /// Adds a violation unless `holds`.
    pub fn require(&mut self, holds: bool, pointer: &str, code: &str, message: &str) {
        if !holds {
            self.add(pointer, code, message);
        }
    }

    /// Whether there are no violations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Turns the violations into a result.
    ///
    /// # Errors
    ///
    /// [`Error::Invalid`] if there are violations.
    pub fn finish(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

impl From<Violations> for Error {
    fn from(violations: Violations) -> Self {
        Self::Invalid(violations.0)
    }
}

impl Error {
    /// For a format that the manifest lists but the code does not know, or vice
    /// versa.
    #[must_use]
    pub fn unknown_format() -> Self {
        Self::Unsupported("this type has no such format".into())
    }
}
