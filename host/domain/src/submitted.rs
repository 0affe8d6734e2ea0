//! What a caller submitted: a command and everything that is wrong with it so far.

use crate::{Error, Violation};

/// A command as far as its body could be read, with the violations found so far.
///
/// Whoever reads a body cannot say everything that is wrong with it: a use case knows
/// further rules, after it has authorized the caller. So it gets the command with
/// placeholders for the members that are wrong, adds the violations of its own rules,
/// and [`accept`](Self::accept)s the command only where there are none.
#[derive(Clone, Debug, Default)]
pub struct Submitted<T> {
    command: T,
    violations: Vec<Violation>,
}

impl<T> Submitted<T> {
    /// A command with what is wrong with it. Members with a violation hold placeholders.
    #[must_use]
    pub fn new(command: T, violations: Vec<Violation>) -> Self {
        Self { command, violations }
    }

    /// The command, for further rules. Do not act on it: see [`Self::accept`].
    #[must_use]
    pub fn draft(&self) -> &T {
        &self.command
    }

    /// Adds violations. Those of a member that already has one are dropped, since
    /// they are about its placeholder.
    pub fn add(&mut self, violations: impl IntoIterator<Item = Violation>) {
        let known: Vec<String> = self.violations.iter().map(|known| member(&known.pointer).to_owned()).collect();
        let is_new =
            |found: &Violation| !known.iter().any(|known| known.is_empty() || *known == member(&found.pointer));
        self.violations.extend(violations.into_iter().filter(is_new));
    }

    /// The same with the command converted.
    #[must_use]
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Submitted<U> {
        Submitted { command: convert(self.command), violations: self.violations }
    }

    /// The command, where nothing is wrong with it.
    ///
    /// # Errors
    ///
    /// [`Kind::Invalid`](crate::Kind::Invalid) with all violations.
    pub fn accept(self) -> Result<T, Error> {
        if self.violations.is_empty() { Ok(self.command) } else { Err(Error::invalid(self.violations)) }
    }
}

impl<T> From<T> for Submitted<T> {
    fn from(command: T) -> Self {
        Self::new(command, Vec::new())
    }
}

/// `/a` of `/a/b`; empty for the whole document.
fn member(pointer: &str) -> &str {
    pointer.get(1..).and_then(|rest| rest.find('/')).map_or(pointer, |end| &pointer[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(pointer: &str) -> Violation {
        Violation::new(pointer, "format", "This is wrong.")
    }

    fn pointers(submitted: Submitted<()>) -> Vec<String> {
        let error = submitted.accept().unwrap_err();
        error.violations.into_iter().map(|violation| violation.pointer).collect()
    }

    #[test]
    fn further_violations_are_added_once_for_each_member() {
        let mut submitted = Submitted::new((), vec![violation("/name"), violation("/labels/a")]);
        submitted.add(["/name", "/names", "/labels", "/labels/b", "/data/x", "/data/y"].map(violation));
        assert_eq!(pointers(submitted), ["/name", "/labels/a", "/names", "/data/x", "/data/y"]);
    }

    #[test]
    fn a_body_of_another_shape_has_no_further_violations() {
        let mut submitted = Submitted::new((), vec![violation("")]);
        submitted.add(["/name", ""].map(violation));
        assert_eq!(pointers(submitted), [""]);
    }

    #[test]
    fn only_a_command_without_violations_is_accepted() {
        assert_eq!(Submitted::from(7).map(|number| number + 1).accept().unwrap(), 8);
        let mut submitted = Submitted::from(7);
        submitted.add([violation("/a")]);
        assert_eq!(*submitted.draft(), 7);
        assert!(submitted.accept().is_err());
    }
}
