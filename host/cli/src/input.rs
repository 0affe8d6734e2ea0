//! A credential's data from the command line: `--set`, `--data-file`,
//! `--file` and `--secret-file`.

use std::io::Read;
use std::path::Path;

use bursar_kernel::Violation;
use bursar_kernel::secret::{SecretJson, put};
use bursar_kernel::text::without_byte_order_mark;
use clap::Args;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::schema::{Schema, pointer_to};

/// The sources of the data.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DataArgs {
    /// Set a field that is not secret, as in `server=ghcr.io`; the name may be a
    /// property, a dotted path or a JSON Pointer. Its type follows
    /// from the form; lists as `a,b` or JSON. Repeatable
    #[arg(long, value_name = "FIELD=VALUE")]
    pub(crate) set: Vec<String>,
    /// Read the data from a JSON or YAML file, `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) data_file: Option<String>,
    /// Read one field's text from a file, such as a certificate's PEM. Repeatable
    #[arg(long, value_name = "POINTER=FILE")]
    pub(crate) file: Vec<String>,
    /// Read one secret from a file, `-` for stdin; the newline that ends a
    /// single line is dropped. Repeatable
    #[arg(long, value_name = "POINTER=FILE")]
    pub(crate) secret_file: Vec<String>,
}

impl DataArgs {
    /// Whether no source was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.data_file.is_none() && self.file.is_empty() && self.secret_file.is_empty()
    }

    /// Merges all sources into `base`; later ones override earlier ones: data file,
    /// `--set`, files.
    ///
    /// # Errors
    ///
    /// All violations at once; no message contains a value.
    pub(crate) fn gather(
        &self,
        schema: Schema<'_>,
        base: SecretJson,
        stdin: &mut dyn Read,
    ) -> Result<SecretJson, Failure> {
        self.refuse_reading_stdin_twice()?;
        let mut data = base;
        if let Some(file) = &self.data_file {
            merge(data.expose_mut(), document(file, stdin)?.expose());
        }
        let mut violations = Vec::new();
        for argument in &self.set {
            match assignment(schema, argument) {
                Ok((pointer, value)) => put(data.expose_mut(), &pointer, value),
                Err(violation) => violations.push(violation),
            }
        }
        for (flag, argument) in self.files() {
            let (pointer, file) = pointer_and_file(flag, argument)?;
            let text = text(file, stdin)?;
            match schema.read(&pointer, &text) {
                Ok(value) => put(data.expose_mut(), &pointer, value),
                Err(message) => violations.push(Violation::new(format!("/data{pointer}"), "type", message)),
            }
        }
        if violations.is_empty() { Ok(data) } else { Err(Failure::Input(violations)) }
    }

    fn files(&self) -> impl Iterator<Item = (&'static str, &String)> {
        let public = self.file.iter().map(|argument| ("--file", argument));
        public.chain(self.secret_file.iter().map(|argument| ("--secret-file", argument)))
    }

    fn refuse_reading_stdin_twice(&self) -> Result<(), Failure> {
        let from_files = self.files().filter(|(_, argument)| argument.ends_with("=-")).count();
        if from_files + usize::from(self.data_file.as_deref() == Some("-")) > 1 {
            return Err(Failure::Usage("only one of the inputs can be read from stdin".to_owned()));
        }
        Ok(())
    }
}

/// Splits `key=value` pairs such as labels.
///
/// # Errors
///
/// If an argument has no `=`.
pub(crate) fn pairs(flag: &str, arguments: &[String]) -> Result<Map<String, Value>, Failure> {
    arguments
        .iter()
        .map(|argument| match argument.split_once('=') {
            Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), Value::String(value.to_owned()))),
            _ => Err(Failure::Usage(format!("{flag} takes KEY=VALUE"))),
        })
        .collect()
}

/// The JSON Pointer of a field named on the command line.
pub(crate) fn field_pointer(schema: Schema<'_>, field: &str) -> String {
    let whole = pointer_to(field);
    if field.starts_with('/') {
        field.to_owned()
    } else if schema.knows(&whole) {
        whole
    } else {
        field.split('.').map(pointer_to).collect()
    }
}

/// Reads a file, or stdin for `-`, without the newline that ends a single line.
///
/// # Errors
///
/// If it cannot be read, is too large or not UTF-8.
pub(crate) fn text(file: &str, stdin: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    let mut text = read_all(file, stdin)?;
    let line = text.strip_suffix('\n').map(|line| line.strip_suffix('\r').unwrap_or(line));
    if let Some(line) = line
        && !line.contains('\n')
    {
        let length = line.len();
        text.truncate(length);
    }
    Ok(text)
}

fn assignment(schema: Schema<'_>, argument: &str) -> Result<(String, Value), Violation> {
    let Some((field, value)) = argument.split_once('=').filter(|(field, _)| !field.is_empty()) else {
        return Err(Violation::new("--set", "format", "takes FIELD=VALUE"));
    };
    let pointer = field_pointer(schema, field);
    if schema.holds_secret(&pointer) {
        let cure = format!("secrets never on the command line: use --secret-file {pointer}=FILE or the prompt");
        return Err(Violation::new(format!("/data{pointer}"), "secret", cure));
    }
    match schema.read(&pointer, value) {
        Ok(value) => Ok((pointer, value)),
        Err(message) => Err(Violation::new(format!("/data{pointer}"), "type", message)),
    }
}

fn pointer_and_file<'a>(flag: &str, argument: &'a str) -> Result<(String, &'a str), Failure> {
    match argument.split_once('=') {
        Some((pointer, file)) if pointer.starts_with('/') && !file.is_empty() => Ok((pointer.to_owned(), file)),
        Some((name, file)) if !name.is_empty() && !file.is_empty() => Ok((pointer_to(name), file)),
        _ => Err(Failure::Usage(format!("{flag} takes POINTER=FILE, as in {flag} /field=path"))),
    }
}

/// A JSON or YAML object.
fn document(file: &str, stdin: &mut dyn Read) -> Result<SecretJson, Failure> {
    let text = read_all(file, stdin)?;
    let parsed = match serde_json::from_str::<Value>(&text) {
        Ok(value) => Ok(value),
        // Text that looks like JSON gets the JSON parser's position.
        Err(error) if text.trim_start().starts_with('{') => Err(format!("line {}", error.line())),
        // Only the position: the parser's message quotes the text.
        Err(_) => serde_saphyr::from_str::<Value>(&text)
            .map_err(|error| error.location().map_or_else(String::new, |at| format!("line {}", at.line()))),
    };
    match parsed {
        Ok(value) if value.is_object() => Ok(SecretJson::new(value)),
        Ok(_) => Err(Failure::Usage(format!("{}: the data must be an object", display_name(file)))),
        Err(position) if position.is_empty() => {
            Err(Failure::Usage(format!("{}: not valid JSON or YAML", display_name(file))))
        }
        Err(position) => Err(Failure::Usage(format!("{}: not valid JSON or YAML at {position}", display_name(file)))),
    }
}

fn read_all(file: &str, stdin: &mut dyn Read) -> Result<Zeroizing<String>, Failure> {
    let doing = || format!("read {}", display_name(file));
    // Growing the buffer would leave copies of the secret behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(INITIAL_BYTES));
    let read = if file == "-" {
        stdin.take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        let opened = std::fs::File::open(Path::new(file)).map_err(|error| Failure::io(doing(), error))?;
        opened.take(MAX_BYTES + 1).read_to_end(&mut bytes)
    };
    let length = read.map_err(|error| Failure::io(doing(), error))?;
    if length as u64 > MAX_BYTES {
        return Err(Failure::Usage(format!("{} is larger than 2 MiB", display_name(file))));
    }
    decoded(&bytes).map_err(|why| Failure::Usage(format!("{} {why}", display_name(file))))
}

/// Decodes a file as UTF-8, without the byte order mark that some editors and
/// shells add.
///
/// # Errors
///
/// What the bytes are instead, and the cure.
pub(crate) fn decoded(bytes: &[u8]) -> Result<Zeroizing<String>, &'static str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Zeroizing::new(without_byte_order_mark(text).to_owned())),
        // PowerShell's `>` writes this.
        Err(_) if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) => {
            Err("is encoded as UTF-16: save it as UTF-8")
        }
        Err(_) => Err("is not text in UTF-8"),
    }
}

fn display_name(file: &str) -> &str {
    if file == "-" { "stdin" } else { file }
}

/// Objects are merged, everything else is replaced.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}

/// The API's limit on a body.
const MAX_BYTES: u64 = 2 << 20;
const INITIAL_BYTES: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({"properties": {
            "server": {"type": "string"},
            "port": {"type": "integer"},
            "dotted.name": {"type": "string"},
            "nested": {"properties": {"deep": {"type": "boolean"}}},
            "certificate": {"type": "string"},
            "password": {"type": "string", "writeOnly": true}
        }})
    }

    fn gather(args: &DataArgs, stdin: &str) -> Result<Value, Failure> {
        let base = SecretJson::new(json!({"server": "base", "kept": 1}));
        args.gather(Schema::new(&schema()), base, &mut stdin.as_bytes()).map(|data| data.expose().clone())
    }

    #[test]
    fn assignments_are_typed_and_may_go_deep() {
        let args = DataArgs {
            set: ["server=a=b", "port=8", "dotted.name=x", "nested.deep=true"].map(str::to_owned).into(),
            ..DataArgs::default()
        };
        assert_eq!(
            gather(&args, "").unwrap(),
            json!({"server": "a=b", "kept": 1, "port": 8, "dotted.name": "x", "nested": {"deep": true}})
        );
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_without_repeating_it() {
        let args = DataArgs {
            set: ["password=hunter2", "/password=hunter2", "port=hunter2"].map(str::to_owned).into(),
            ..DataArgs::default()
        };
        let failure = gather(&args, "").unwrap_err();
        let mut stderr = Vec::new();
        failure.report(&mut stderr).unwrap();
        insta::assert_snapshot!(String::from_utf8(stderr).unwrap(), @r"
        error: the input is not valid
          /data/password  secrets never on the command line: use --secret-file /password=FILE or the prompt
          /data/password  secrets never on the command line: use --secret-file /password=FILE or the prompt
          /data/port  must be integer
        ");
    }

    #[test]
    fn data_comes_as_json_or_yaml_from_file_or_stdin() {
        let args = DataArgs { data_file: Some("-".to_owned()), ..DataArgs::default() };
        assert_eq!(gather(&args, r#"{"port": 1}"#).unwrap()["port"], json!(1));
        assert_eq!(gather(&args, "port: 1\nnested:\n  deep: no\n").unwrap()["port"], json!(1));
        let failure = gather(&args, "{\"password\": \"hunter2\n").unwrap_err().to_string();
        assert!(failure.starts_with("stdin: not valid JSON or YAML at line"), "{failure}");
        assert_eq!(gather(&args, "[1]").unwrap_err().to_string(), "stdin: the data must be an object");
        for broken in ["password: hunter2\n  :\n - [", "password: \"hunter2", "a: &x [*x, hunter2]\n}"] {
            let failure = gather(&args, broken).unwrap_err().to_string();
            assert!(!failure.contains("hunter2"), "{failure}");
        }
    }

    #[test]
    fn a_single_line_loses_its_newline_and_a_document_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("certificate.pem");
        std::fs::write(&file, "-----BEGIN-----\nx\n").unwrap();
        let args = DataArgs {
            file: vec![format!("/certificate={}", file.display())],
            secret_file: vec!["/password=-".to_owned()],
            ..DataArgs::default()
        };
        let data = gather(&args, "hunter2\r\n").unwrap();
        assert_eq!(data["password"], json!("hunter2"));
        assert_eq!(data["certificate"], json!("-----BEGIN-----\nx\n"));
    }

    /// The case C1: PowerShell and Notepad write such files.
    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            path.display().to_string()
        };
        let mark = "\u{feff}";
        let args = DataArgs {
            data_file: Some(file("data.json", format!("{mark}{{\"port\": 1}}").as_bytes())),
            file: vec![format!("/certificate={}", file("pem", format!("{mark}-----BEGIN-----\r\nx\r\n").as_bytes()))],
            secret_file: vec!["/password=-".to_owned()],
            ..DataArgs::default()
        };
        let data = gather(&args, &format!("{mark}hunter2\r\n")).unwrap();
        assert_eq!(data["password"], json!("hunter2"));
        assert_eq!(data["certificate"], json!("-----BEGIN-----\r\nx\r\n"));
        assert_eq!(data["port"], json!(1));
        let yaml = DataArgs { data_file: Some("-".to_owned()), ..DataArgs::default() };
        assert_eq!(gather(&yaml, &format!("{mark}port: 2\n")).unwrap()["port"], json!(2));
        let utf16: Vec<u8> =
            mark.encode_utf16().chain("hunter2\r\n".encode_utf16()).flat_map(u16::to_le_bytes).collect();
        let args =
            DataArgs { secret_file: vec![format!("/password={}", file("utf16", &utf16))], ..DataArgs::default() };
        let failure = gather(&args, "").unwrap_err().to_string();
        assert!(failure.ends_with("is encoded as UTF-16: save it as UTF-8"), "{failure}");
    }

    #[test]
    fn stdin_is_read_once() {
        let args = DataArgs {
            data_file: Some("-".to_owned()),
            secret_file: vec!["/password=-".to_owned()],
            ..DataArgs::default()
        };
        assert!(matches!(gather(&args, ""), Err(Failure::Usage(_))));
    }

    #[test]
    fn labels_are_pairs() {
        assert_eq!(Value::Object(pairs("--label", &["team=web=1".to_owned()]).unwrap()), json!({"team": "web=1"}));
        assert!(pairs("--label", &["team".to_owned()]).is_err());
    }
}
