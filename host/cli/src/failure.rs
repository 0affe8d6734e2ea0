//! Every way a command can fail, with its message on stderr and its exit code.

use std::io;
use std::process::ExitCode;

use bursar_kernel::Violation;
use serde::Deserialize;

use crate::output::plain;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The command line, or something it refers to, is invalid. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// Invalid fields, found before anything was sent. Exit code 2.
    #[error("the input is not valid")]
    Input(Vec<Violation>),
    /// The broker refused; its status decides the exit code.
    #[error("{}", .0.message())]
    Problem(Box<Problem>),
    /// No response from the broker. Exit code 1.
    #[error("cannot reach the broker at {addr}: {reason}")]
    Unreachable {
        /// Scheme, host and port only.
        addr: String,
        /// The innermost cause.
        reason: String,
    },
    /// A file or the terminal. Exit code 1.
    #[error("cannot {doing}: {source}")]
    Io {
        /// Verb and object: `read data.json`.
        doing: String,
        /// The system's error.
        source: io::Error,
    },
    /// A conflict, such as with a running broker or an existing file. Exit code 5.
    #[error("{0}")]
    Conflict(String),
    /// Anything else. Exit code 1.
    #[error("{0}")]
    Failed(String),
    /// The command succeeded and already reported problems on stdout. Exit code 1,
    /// nothing on stderr.
    #[error("")]
    Reported,
}

impl Failure {
    /// An input or output failure while `doing` something.
    pub(crate) fn io(doing: impl Into<String>, source: io::Error) -> Self {
        Self::Io { doing: doing.into(), source }
    }

    /// 0 success, 1 failure, 2 usage, 3 not found, 4 denied, 5 conflict.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(match self {
            Self::Usage(_) | Self::Input(_) => USAGE,
            Self::Conflict(_) => CONFLICT,
            Self::Problem(problem) => match problem.status {
                404 => NOT_FOUND,
                401 | 403 => DENIED,
                409 | 412 => CONFLICT,
                _ => FAILED,
            },
            Self::Unreachable { .. } | Self::Io { .. } | Self::Failed(_) | Self::Reported => FAILED,
        })
    }

    /// Writes the message: one line, then one for each field.
    pub(crate) fn report(&self, mut stderr: impl io::Write) -> io::Result<()> {
        if matches!(self, Self::Reported) {
            return Ok(());
        }
        writeln!(stderr, "error: {}", plain(&self.to_string()))?;
        // A violation without a pointer is already the line above.
        for violation in self.violations().iter().filter(|violation| !violation.pointer.is_empty()) {
            writeln!(stderr, "  {}  {}", plain(&violation.pointer), plain(&violation.message))?;
        }
        if let Self::Problem(problem) = self {
            for conflict in &problem.conflicts {
                match conflict.kind.as_str() {
                    NODE => writeln!(stderr, "  node at work: {}", plain(&conflict.name))?,
                    DEFAULT => writeln!(stderr, "  falls back to it: {}", plain(&conflict.name))?,
                    kind => writeln!(stderr, "  in use by {} {}", plain(kind), plain(&conflict.name))?,
                }
            }
            if problem.status >= 500
                && let Some(request_id) = &problem.request_id
            {
                writeln!(stderr, "  request {}", plain(request_id))?;
            }
        }
        Ok(())
    }

    fn violations(&self) -> &[Violation] {
        match self {
            Self::Input(violations) => violations,
            Self::Problem(problem) => &problem.errors,
            _ => &[],
        }
    }
}

/// A problem document of the broker, RFC 9457.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Problem {
    /// HTTP status.
    #[serde(default)]
    pub(crate) status: u16,
    #[serde(default)]
    title: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    request_id: Option<String>,
    /// All violations.
    #[serde(default)]
    pub(crate) errors: Vec<Violation>,
    #[serde(default)]
    conflicts: Vec<Conflict>,
    /// From the `Retry-After` header of 429 and 503.
    #[serde(skip)]
    pub(crate) retry_after_seconds: Option<u64>,
}

impl Problem {
    /// A problem whose response has no readable body.
    pub(crate) fn bare(status: u16) -> Self {
        Self { status, title: format!("the server answered with HTTP status {status}"), ..Self::default() }
    }

    /// A problem found by the command line itself.
    pub(crate) fn local(status: u16, detail: String) -> Self {
        Self { status, detail, ..Self::default() }
    }

    /// Whether the only conflict is that consumers fall back to the credential as
    /// the account's default.
    pub(crate) fn is_only_a_default(&self) -> bool {
        !self.conflicts.is_empty() && self.conflicts.iter().all(|conflict| conflict.kind == DEFAULT)
    }

    /// How many conflicts are nodes at work.
    pub(crate) fn nodes_at_work(&self) -> usize {
        self.conflicts.iter().filter(|conflict| conflict.kind == NODE).count()
    }

    /// Removes the violations of the field `pointer`; `None` if no others remain.
    pub(crate) fn without(mut self, pointer: &str) -> Option<Self> {
        let before = self.errors.len();
        self.errors.retain(|violation| violation.pointer != pointer);
        match self.errors.len() {
            0 if before > 0 => None,
            after if after == before => Some(self),
            _ => Some(Self { detail: "the data is not valid".to_owned(), ..self }),
        }
    }

    fn message(&self) -> String {
        let message = if self.detail.is_empty() { &self.title } else { &self.detail };
        match (self.retry_after_seconds, self.status) {
            (Some(seconds), _) => format!("{message} (retry after {seconds} s)"),
            (None, 401) => format!("{message} (run `bursar login`, or set BURSAR_TOKEN or BURSAR_TOKEN_FILE)"),
            _ => message.clone(),
        }
    }
}

/// The conflict kind of a consumer that falls back to a default.
const DEFAULT: &str = "default";
/// The conflict kind of a node at work.
const NODE: &str = "node";

/// Something that still uses the resource.
#[derive(Debug, Deserialize)]
struct Conflict {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    name: String,
}

const FAILED: u8 = 1;
/// The code that clap uses too.
const USAGE: u8 = 2;
const NOT_FOUND: u8 = 3;
const DENIED: u8 = 4;
const CONFLICT: u8 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(status: u16) -> Failure {
        Failure::Problem(Box::new(Problem::bare(status)))
    }

    #[test]
    fn exit_codes_follow_the_contract() {
        let table = [
            (Failure::Usage(String::new()), 2),
            (problem(404), 3),
            (problem(401), 4),
            (problem(403), 4),
            (problem(409), 5),
            (problem(412), 5),
            (problem(422), 1),
            (problem(503), 1),
            (Failure::Reported, 1),
        ];
        for (failure, code) in table {
            assert_eq!(format!("{:?}", failure.exit_code()), format!("{:?}", ExitCode::from(code)), "{failure:?}");
        }
    }

    #[test]
    fn a_field_can_be_left_out_of_a_problem() {
        let problem = |pointers: &[&str]| Problem {
            detail: "as the API says".to_owned(),
            errors: pointers.iter().map(|pointer| Violation::new(*pointer, "required", "is required")).collect(),
            ..Problem::bare(422)
        };
        assert!(problem(&["/name"]).without("/name").is_none());
        let left = problem(&["/name", "/data/x"]).without("/name").unwrap();
        assert_eq!((left.errors.len(), left.detail.as_str()), (1, "the data is not valid"));
        assert_eq!(problem(&["/data/x"]).without("/name").unwrap().detail, "as the API says");
        assert_eq!(problem(&[]).without("/name").unwrap().detail, "as the API says");
    }

    #[test]
    fn a_problem_names_every_field_on_its_own_line() {
        let problem: Problem = serde_json::from_str(
            r#"{"status": 422, "title": "Invalid input", "detail": "2 fields are not valid", "errors": [
                {"pointer": "/data/password", "code": "required", "message": "is required"},
                {"pointer": "/name", "code": "format", "message": "must be\u001b[31m a slug"}]}"#,
        )
        .unwrap();
        let mut stderr = Vec::new();
        Failure::Problem(Box::new(problem)).report(&mut stderr).unwrap();
        insta::assert_snapshot!(String::from_utf8(stderr).unwrap(), @r"
        error: 2 fields are not valid
          /data/password  is required
          /name  must be[31m a slug
        ");
    }
}
