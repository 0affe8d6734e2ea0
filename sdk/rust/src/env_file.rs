//! The well-known format `env`.

use crate::{Error, Violations};

/// One line of an environment file.
#[derive(Clone, Copy, Debug)]
pub struct Variable<'a> {
    /// Its name, chosen by the plugin.
    pub name: &'a str,
    /// The field that its value comes from, a JSON Pointer.
    pub pointer: &'a str,
    /// The value.
    pub value: &'a str,
}

/// A line of an environment file; see [`Variable`].
#[must_use]
pub fn variable<'a>(name: &'a str, pointer: &'a str, value: &'a str) -> Variable<'a> {
    Variable { name, pointer, value }
}

/// Lines `NAME='value'` that a POSIX shell, Docker Compose, Node.js
/// (`--env-file`), dotenv and python-dotenv all read as the same text.
///
/// They agree on plain words, on text in single quotes, and on text in double
/// quotes that contains nothing one of them expands. They agree on no escape,
/// so some values cannot be written.
///
/// # Errors
///
/// [`Error::Invalid`] with the code [`NOT_IN_ENV`] at each field whose value
/// cannot be written. The manifest needs a message for that code.
pub fn env_file(variables: &[Variable<'_>]) -> Result<String, Error> {
    let mut violations = Violations::new();
    let mut text = String::new();
    for Variable { name, pointer, value } in variables {
        match quoted(value) {
            Some(quoted) => text.extend([name, "=", &quoted, "\n"]),
            None => {
                violations.add_once(
                    pointer,
                    NOT_IN_ENV,
                    "Programs that read environment files disagree on this value.",
                );
            }
        }
    }
    violations.finish()?;
    Ok(text)
}

/// The code of a value that an environment file cannot hold.
pub const NOT_IN_ENV: &str = "not-in-env";

fn quoted(value: &str) -> Option<String> {
    if !value.is_empty() && value.bytes().all(is_plain) {
        return Some(value.to_owned());
    }
    // dotenv turns carriage returns into line feeds; python-dotenv expands
    // `${...}` in any quotes.
    if value.contains(['\r', '\0']) || value.contains("${") {
        return None;
    }
    // python-dotenv reads two backslashes as one, and Compose lets one before
    // the closing quote escape it.
    if !value.contains('\'') && !value.contains("\\\\") && !value.ends_with('\\') {
        return Some(format!("'{value}'"));
    }
    // Here Node.js and dotenv read no escapes, but the others require them.
    if !value.contains(['"', '\\', '$', '`']) {
        return Some(format!("\"{value}\""));
    }
    None
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: &str) -> Result<String, Error> {
        env_file(&[variable("A", "/a", value)])
    }

    #[test]
    fn plain_values_stay_bare() {
        let file = env_file(&[variable("A", "/a", "ghcr.io/x"), variable("B", "/b", "t0k-en_1")]).unwrap();
        assert_eq!(file, "A=ghcr.io/x\nB=t0k-en_1\n");
    }

    #[test]
    fn awkward_values_are_quoted() {
        for (value, written) in [
            ("", "A=''\n"),
            ("a b#$`\"\\x", "A='a b#$`\"\\x'\n"),
            ("it's #1", "A=\"it's #1\"\n"),
            ("{\n}", "A='{\n}'\n"),
            (" \u{feff}\u{fc} ", "A=' \u{feff}\u{fc} '\n"),
        ] {
            assert_eq!(line(value).unwrap(), written);
        }
    }

    #[test]
    fn what_readers_disagree_on_is_refused_at_its_field() {
        for value in ["it's $5", "a'b\"c", "pass\\", "a\\\\b", "${HOME}", "a\rb", "it's `x`", "'\\n"] {
            let Err(Error::Invalid(found)) = line(value) else { panic!("{value:?} was written") };
            assert_eq!((found[0].pointer.as_str(), found[0].code.as_str()), ("/a", NOT_IN_ENV), "{value:?}");
        }
        let twice = [variable("A", "/a", "\\"), variable("B", "/a", "\\"), variable("C", "/c", "\r")];
        let Err(Error::Invalid(found)) = env_file(&twice) else { panic!("it was written") };
        assert_eq!(found.iter().map(|it| it.pointer.as_str()).collect::<Vec<_>>(), ["/a", "/c"]);
    }

    #[test]
    fn a_shell_reads_back_what_went_in() {
        for value in ["a $HOME `id` \"quote\" \\ back\nline \u{fc}", "it's #1 ! ~ * & ;\n|"] {
            let script = format!("{}printf %s \"$A\"", line(value).unwrap());
            let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
            assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
        }
    }
}
