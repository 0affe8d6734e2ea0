/// Lines `NAME="value"` that a POSIX shell and the dotenv readers of Docker
/// Compose, Node.js, Ruby and Python read as the same text.
///
/// Single quotes where the value allows, since within them every reader takes
/// everything literally. Otherwise double quotes with backslashes before what
/// a shell would expand. Names are the caller's constants.
#[must_use]
pub fn env_file(variables: &[(&str, &str)]) -> String {
    variables.iter().flat_map(|(name, value)| [(*name).to_owned(), "=".into(), quote(value), "\n".into()]).collect()
}

fn quote(value: &str) -> String {
    if !value.is_empty() && value.bytes().all(is_plain) {
        return value.to_owned();
    }
    if !value.contains('\'') {
        return format!("'{value}'");
    }
    let mut quoted = String::with_capacity(value.len() + 2);
    quoted.push('"');
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '$' | '`') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-./:@%+,=".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::env_file;

    #[test]
    fn plain_values_stay_bare() {
        assert_eq!(env_file(&[("A", "ghcr.io/x"), ("B", "t0k-en_1")]), "A=ghcr.io/x\nB=t0k-en_1\n");
    }

    #[test]
    fn awkward_values_are_quoted() {
        assert_eq!(env_file(&[("A", "")]), "A=''\n");
        assert_eq!(env_file(&[("A", "a b#$`\"\\")]), "A='a b#$`\"\\'\n");
        assert_eq!(env_file(&[("A", "it's $5 \"now\"")]), "A=\"it's \\$5 \\\"now\\\"\"\n");
        assert_eq!(env_file(&[("A", "{\n}")]), "A='{\n}'\n");
    }

    #[test]
    fn a_shell_reads_back_what_went_in() {
        let value = "it's a $HOME `id` \"quote\" \\ back\nline \u{fc}";
        let script = format!("{}printf %s \"$A\"", env_file(&[("A", value)]));
        let output = std::process::Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap(), value);
    }
}
