//! Query parameters. All violations are reported at once, unknown parameters included.

use axum::extract::FromRequestParts;
use bursar_kernel::{Error, Violation};
use http::request::Parts;
use jiff::Timestamp;
use utoipa::IntoParams;

use crate::app::App;
use crate::problem::Problem;

/// The query's parameters.
pub(crate) struct Query<T>(pub(crate) T);

/// Reads a set of query parameters.
pub(crate) trait FromParameters {
    /// Takes the known ones; violations are noted in `parameters`.
    fn take(parameters: &mut Parameters) -> Self;
}

impl<T: FromParameters> FromRequestParts<App> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        let mut parameters = Parameters::read(parts.uri.query().unwrap_or_default());
        let values = T::take(&mut parameters);
        parameters.finish()?;
        Ok(Self(values))
    }
}

/// No query parameters: any is a violation.
pub(crate) struct NoQuery;

impl FromRequestParts<App> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Problem> {
        Parameters::read(parts.uri.query().unwrap_or_default()).finish()?;
        Ok(Self)
    }
}

/// Which part of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most so many items.
    #[param(minimum = 1, maximum = 500, default = 50, value_type = Option<u32>, example = 50)]
    pub(crate) limit: usize,
    /// The `nextCursor` of the page before.
    #[param(example = "0199f3c1-8a51-7c6b-9a0e-5a3c1f2b7d10")]
    pub(crate) cursor: Option<String>,
}

impl FromParameters for PageQuery {
    fn take(parameters: &mut Parameters) -> Self {
        Self { limit: parameters.limit(), cursor: parameters.text("cursor") }
    }
}

/// The parameters not taken yet, and the violations so far. An empty value counts as
/// absent.
pub(crate) struct Parameters {
    pairs: Vec<(String, String)>,
    violations: Vec<Violation>,
}

impl Parameters {
    fn read(query: &str) -> Self {
        Self { pairs: form_urlencoded::parse(query.as_bytes()).into_owned().collect(), violations: Vec::new() }
    }

    /// Every value of a parameter that may be repeated.
    pub(crate) fn all(&mut self, name: &str) -> Vec<String> {
        let taken = self.pairs.extract_if(.., |(key, _)| key == name).map(|(_, value)| value);
        taken.filter(|value| !value.is_empty()).collect()
    }

    /// The value of a parameter that may be given at most once.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        let mut values = self.all(name);
        if values.len() > 1 {
            self.complain(name, "duplicate", "This may be given once.");
        }
        values.pop()
    }

    /// The value of a required parameter; where it is missing, notes that and returns an
    /// empty text.
    pub(crate) fn required(&mut self, name: &str, cure: &str) -> String {
        let text = self.text(name);
        if text.is_none() {
            self.complain(name, "required", &format!("This is required: {cure}."));
        }
        text.unwrap_or_default()
    }

    /// `true` or `false`; absent is false.
    pub(crate) fn flag(&mut self, name: &str) -> bool {
        match self.text(name).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => {
                self.complain(name, "format", "This is `true` or `false`.");
                false
            }
        }
    }

    /// Whether a parameter is present and not `false`. Ignores all others, since load
    /// balancers may add their own.
    pub(crate) fn only_switch(&mut self, name: &str) -> bool {
        let pairs = std::mem::take(&mut self.pairs);
        pairs.iter().any(|(key, value)| key == name && value != "false")
    }

    /// A value that reads as a `T`.
    pub(crate) fn parsed<T: std::str::FromStr>(&mut self, name: &str, rule: &str) -> Option<T> {
        let text = self.text(name)?;
        text.parse().map_err(|_| self.complain(name, "format", rule)).ok()
    }

    /// An RFC 3339 time.
    pub(crate) fn time(&mut self, name: &str) -> Option<Timestamp> {
        self.parsed(name, "This must be an RFC 3339 time such as 2027-01-31T00:00:00Z.")
    }

    fn limit(&mut self) -> usize {
        let rule = format!("This is a number from 1 to {MAX_LIMIT}.");
        let limit = self.parsed("limit", &rule).unwrap_or(DEFAULT_LIMIT);
        if !(1..=MAX_LIMIT).contains(&limit) {
            self.complain("limit", "format", &rule);
        }
        limit
    }

    /// Notes a violation.
    pub(crate) fn complain(&mut self, name: &str, code: &str, message: &str) {
        self.violations.push(Violation::new(format!("?{name}"), code, message));
    }

    fn finish(mut self) -> Result<(), Error> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.complain(&name, "unknown", "There is no such query parameter here: see /docs.");
        }
        if self.violations.is_empty() { Ok(()) } else { Err(Error::invalid(self.violations)) }
    }
}

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    fn complaints(query: &str) -> Vec<(String, String)> {
        let mut parameters = Parameters::read(query);
        PageQuery::take(&mut parameters);
        let error = parameters.finish().err();
        error.into_iter().flat_map(|error| error.violations).map(|v| (v.pointer, v.code)).collect()
    }

    #[test]
    fn everything_wrong_is_told_at_once() {
        assert_eq!(complaints(""), []);
        assert_eq!(complaints("limit=500&cursor=x"), []);
        let expected = [("?limit", "format"), ("?cursor", "duplicate"), ("?colour", "unknown")];
        let expected = expected.map(|(pointer, code)| (pointer.to_owned(), code.to_owned()));
        assert_eq!(complaints("limit=501&cursor=a&cursor=b&colour=red"), expected);
        assert_eq!(complaints("limit=0").len(), 1);
        assert_eq!(complaints("limit=-1").len(), 1);
    }
}
