use crate::Rewrite;
use crate::json::Value;

impl Rewrite {
    /// `value` for the field at `pointer`.
    #[must_use]
    pub fn new(pointer: &str, value: impl Into<Value>) -> Self {
        Self { pointer: pointer.to_owned(), value: value.into().to_string() }
    }

    /// A pasted secret without surrounding blanks and line breaks; `None` if
    /// there are none.
    #[must_use]
    pub fn trimmed(pointer: &str, secret: &str) -> Option<Self> {
        let trimmed = secret.trim();
        (trimmed.len() < secret.len()).then(|| Self::new(pointer, trimmed))
    }
}

#[cfg(test)]
mod tests {
    use super::Rewrite;

    #[test]
    fn a_line_break_that_came_along_goes() {
        let rewrite = Rewrite::trimmed("/token", "s3\"cret\r\n").unwrap();
        assert_eq!((rewrite.pointer.as_str(), rewrite.value.as_str()), ("/token", r#""s3\"cret""#));
        assert!(Rewrite::trimmed("/token", "s3cret").is_none());
    }
}
