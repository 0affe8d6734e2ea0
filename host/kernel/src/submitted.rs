//! A command on its way in, with what is already known to be wrong with it.

use crate::{Error, Violation};

/// A command as it was submitted. Where the request's body violates its schema
/// the edge hands on what it could read, so that the use case can complete the
/// list of violations: a caller is told everything at once. What could not be
/// read holds its default.
#[derive(Clone, Debug, Default)]
pub struct Submitted<T> {
    command: T,
    violations: Vec<Violation>,
    /// How many of them the edge found.
    found_before: usize,
}

impl<T> Submitted<T> {
    /// A command with the violations found so far.
    #[must_use]
    pub fn new(command: T, violations: Vec<Violation>) -> Self {
        Self { command, found_before: violations.len(), violations }
    }

    /// The command, for judging it further.
    #[must_use]
    pub fn command(&self) -> &T {
        &self.command
    }

    /// The same, to take parts out.
    pub fn command_mut(&mut self) -> &mut T {
        &mut self.command
    }

    /// Whether the member at `pointer`, or one inside it, is known to be wrong.
    #[must_use]
    pub fn is_wrong(&self, pointer: &str) -> bool {
        self.violations.iter().any(|known| is_at(known, pointer))
    }

    /// Adds violations, but none of a member that could not even be read.
    pub fn complain(&mut self, violations: impl IntoIterator<Item = Violation>) {
        for violation in violations {
            let unread = &self.violations[..self.found_before];
            if !unread.iter().any(|known| known.pointer.is_empty() || is_at(&violation, &known.pointer)) {
                self.violations.push(violation);
            }
        }
    }

    /// The same with the command converted.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Submitted<U> {
        let Self { command, violations, found_before } = self;
        Submitted { command: convert(command), violations, found_before }
    }

    /// The command, if nothing is wrong with it.
    ///
    /// # Errors
    ///
    /// [`crate::Kind::Invalid`] with everything that is wrong.
    pub fn accept(self) -> Result<T, Error> {
        if self.violations.is_empty() { Ok(self.command) } else { Err(Error::invalid(self.violations)) }
    }
}

impl<T> From<T> for Submitted<T> {
    /// One that nothing is known to be wrong with.
    fn from(command: T) -> Self {
        Self::new(command, Vec::new())
    }
}

/// Whether a violation is at `pointer` or inside it.
fn is_at(violation: &Violation, pointer: &str) -> bool {
    violation.pointer.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_could_not_be_read_is_complained_of_once() {
        let told = |pointer: &str, code: &str| Violation::new(pointer, code, "No.");
        let mut submitted = Submitted::new((), vec![told("/name", "type")]);
        submitted.complain([told("/name", "reserved"), told("/data/a", "pattern"), told("/data/a", "minLength")]);
        assert!(submitted.is_wrong("/name") && submitted.is_wrong("/data") && !submitted.is_wrong("/na"));
        let error = submitted.accept().unwrap_err();
        let codes: Vec<_> = error.violations.iter().map(|violation| violation.code.as_str()).collect();
        assert_eq!(codes, ["type", "pattern", "minLength"]);
    }
}
