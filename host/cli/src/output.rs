//! Results on stdout: tables for people, the API's JSON or YAML for programs, only
//! ids for scripts.

use std::io::{self, Write};

use bursar_kernel::text::is_unprintable;
use clap::ValueEnum;
use comfy_table::{Attribute, Cell, Table, TableStyle};
use serde_json::Value;

use crate::failure::Failure;

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// Tables, for people.
    #[default]
    Table,
    /// The API's JSON.
    Json,
    /// The same as YAML.
    Yaml,
}

/// A column of a table: its heading and the JSON Pointer of its value.
pub(crate) type Column = (&'static str, &'static str);

/// Prints results.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    format: Format,
    quiet: bool,
}

impl Output {
    /// Prints in `format`, or only ids if `quiet`.
    pub(crate) fn new(format: Format, quiet: bool) -> Self {
        Self { format, quiet }
    }

    /// The format.
    pub(crate) fn format(self) -> Format {
        self.format
    }

    /// Whether only ids are printed.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Prints a page, `{"items": [...], "nextCursor": ...}`; `id` is the pointer of
    /// what `--quiet` prints.
    pub(crate) fn list(self, page: &Value, columns: &[Column], id: &str) -> Result<(), Failure> {
        let items = page["items"].as_array().map_or(&[][..], Vec::as_slice);
        if self.quiet {
            return items.iter().try_for_each(|item| self.line(&cell(item.pointer(id))));
        }
        match self.format {
            Format::Table => self.raw(rows(items, columns, &anstream::stdout()).as_bytes()),
            Format::Json | Format::Yaml => self.document(page),
        }
    }

    /// Prints a resource; `id` is the pointer of what `--quiet` prints.
    pub(crate) fn one(self, value: &Value, id: &str) -> Result<(), Failure> {
        if self.quiet {
            return self.line(&cell(value.pointer(id)));
        }
        match self.format {
            Format::Table => self.raw(properties(value).as_bytes()),
            Format::Json | Format::Yaml => self.document(value),
        }
    }

    /// Prints a resource as a table of one row; `id` as for [`Output::one`].
    pub(crate) fn row(self, value: &Value, columns: &[Column], id: &str) -> Result<(), Failure> {
        if self.quiet || self.format != Format::Table {
            return self.one(value, id);
        }
        self.raw(rows(std::slice::from_ref(value), columns, &anstream::stdout()).as_bytes())
    }

    /// Prints a document as JSON, or as YAML for YAML and tables.
    pub(crate) fn document(self, value: &Value) -> Result<(), Failure> {
        let text = match self.format {
            Format::Json => serde_json::to_string_pretty(value).map(|json| json + "\n").map_err(|e| e.to_string()),
            Format::Yaml => yaml(value),
            Format::Table => escaped(value),
        };
        self.raw(text.map_err(Failure::Failed)?.as_bytes())
    }

    /// Prints a line for people: nothing in other formats or when quiet.
    pub(crate) fn note(self, line: &str) -> Result<(), Failure> {
        if self.quiet || self.format != Format::Table {
            return Ok(());
        }
        self.line(line)
    }

    /// Prints a line without characters that could control the terminal.
    pub(crate) fn line(self, line: &str) -> Result<(), Failure> {
        self.raw(format!("{}\n", plain(line)).as_bytes())
    }

    /// Prints bytes as they are, whatever the format.
    #[expect(clippy::unused_self, reason = "all output goes through an `Output`")]
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            // The reader, such as `head`, has stopped reading.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            done => done.map_err(|error| Failure::io("write to stdout", error)),
        }
    }
}

/// A document as YAML.
///
/// # Errors
///
/// The writer's.
pub(crate) fn yaml(value: &Value) -> Result<String, String> {
    let mut text = serde_saphyr::to_string(value).map_err(|error| error.to_string())?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}

/// `text` without unprintable characters: foreign text must not control the
/// terminal or be displayed in another order than it is written.
pub(crate) fn plain(text: &str) -> String {
    text.chars().filter(|c| !is_unprintable(*c) || *c == '\t').collect()
}

/// A YAML document with unprintable characters escaped. Such a document is printed
/// in JSON's notation, which is valid YAML and quotes all strings.
fn escaped(value: &Value) -> Result<String, String> {
    let text = yaml(value)?;
    if !text.chars().any(|c| is_unprintable(c) && c != '\n') {
        return Ok(text);
    }
    let json = serde_json::to_string_pretty(value).map_err(|error| error.to_string())?;
    let escaped = json.chars().map(|c| match c {
        '\n' => c.to_string(),
        c if !is_unprintable(c) => c.to_string(),
        c if u32::from(c) <= 0xffff => format!("\\u{:04x}", u32::from(c)),
        c => format!("\\U{:08x}", u32::from(c)),
    });
    Ok(escaped.collect::<String>() + "\n")
}

/// A table of `items`, with bold headings if `stream` supports colour.
fn rows<S: anstream::stream::RawStream>(
    items: &[Value],
    columns: &[Column],
    stream: &anstream::AutoStream<S>,
) -> String {
    let styled = stream.current_choice() != anstream::ColorChoice::Never;
    let mut table = Table::new();
    table.load_style(TableStyle::new());
    if styled {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(columns.iter().map(|(title, _)| Cell::new(title).add_attribute(Attribute::Bold)));
    for item in items {
        table.add_row(columns.iter().map(|(_, pointer)| cell(item.pointer(pointer))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let mut text: String = table.lines().map(|line| line.trim_end().to_owned() + "\n").collect();
    if items.is_empty() {
        text.clear();
    }
    text
}

/// The properties of a resource, one a line, nested names joined by dots. Stored
/// secrets are named, never shown.
fn properties(value: &Value) -> String {
    let mut lines = Vec::new();
    flatten("", value, &mut lines);
    for pointer in value["secretFields"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        lines.push((format!("data{}", pointer.replace('/', ".")), "(secret)".to_owned()));
    }
    let width = lines.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    lines.into_iter().map(|(name, text)| format!("{name:width$}  {text}").trim_end().to_owned() + "\n").collect()
}

fn flatten(name: &str, value: &Value, lines: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map.iter().filter(|(key, _)| *key != "secretFields" && *key != "schema") {
                let name = if name.is_empty() { plain(key) } else { format!("{name}.{}", plain(key)) };
                flatten(&name, value, lines);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for (index, item) in items.iter().enumerate() {
                flatten(&format!("{name}.{index}"), item, lines);
            }
        }
        Value::String(text) if text.trim_end().contains('\n') => {
            let count = text.lines().count();
            let first = text.lines().next().unwrap_or_default();
            lines.push((name.to_owned(), format!("{} ({count} lines)", plain(first))));
        }
        other => lines.push((name.to_owned(), cell(Some(other)))),
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "-".to_owned(),
        Some(Value::String(text)) => plain(text),
        Some(Value::Bool(true)) => "yes".to_owned(),
        Some(Value::Bool(false)) => "no".to_owned(),
        Some(Value::Array(items)) if items.is_empty() => "-".to_owned(),
        Some(Value::Array(items)) => {
            items.iter().map(|item| cell(Some(item.get("id").unwrap_or(item)))).collect::<Vec<_>>().join(", ")
        }
        Some(Value::Object(map)) if map.is_empty() => "-".to_owned(),
        Some(Value::Object(map)) => {
            map.iter().map(|(key, value)| format!("{}={}", plain(key), cell(Some(value)))).collect::<Vec<_>>().join(" ")
        }
        Some(number @ Value::Number(_)) => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_table_has_aligned_columns_and_no_colour_off_a_terminal() {
        let items = [
            json!({"name": "short", "default": true, "labels": {"team": "web"}, "formats": [{"id": "a"}, {"id": "b"}]}),
            json!({"name": "a-longer-name\u{1b}[2J", "default": false, "labels": {}, "formats": []}),
        ];
        let columns = [("NAME", "/name"), ("DEFAULT", "/default"), ("LABELS", "/labels"), ("FORMATS", "/formats")];
        let text = rows(&items, &columns, &anstream::AutoStream::never(Vec::new()));
        insta::assert_snapshot!(text);
    }

    #[test]
    fn a_things_facts_name_its_secrets_without_showing_any() {
        let credential = json!({"name": "n", "data": {"server": "s", "pem": "-----BEGIN X-----\nabc\n"}, "secretFields": ["/password"],
            "labels": {}, "expiresAt": null, "selectors": [{"kind": "host", "value": "h"}], "version": 1});
        insta::assert_snapshot!(properties(&credential));
    }

    #[test]
    fn unprintable_characters_never_reach_a_terminal() {
        let hidden = "a\u{202e}b\u{2066}\u{2069}c\u{200b}\u{200f}\u{61c}\u{feff}\u{e0041}\u{1b}[2J\u{9b}d";
        let value = json!({ "name": hidden, "labels": { hidden: hidden }, "formats": [hidden], "pem": format!("{hidden}\n{hidden}\n") });
        let columns = [("NAME", "/name"), ("LABELS", "/labels"), ("FORMATS", "/formats")];
        let table = rows(std::slice::from_ref(&value), &columns, &anstream::AutoStream::never(Vec::new()));
        let document = escaped(&value).unwrap();
        for text in [table, properties(&value), plain(hidden), document.clone()] {
            assert!(!text.chars().any(|c| is_unprintable(c) && c != '\n'), "{text:?}");
        }
        assert_eq!(plain(hidden), "abc[2Jd");
        // The escaped document is YAML of the same value.
        assert_eq!(serde_saphyr::from_str::<Value>(&document).unwrap(), value, "{document}");
        assert_eq!(serde_saphyr::from_str::<Value>(&yaml(&value).unwrap()).unwrap(), value);
    }

    #[test]
    fn yaml_keeps_what_looks_like_another_type() {
        let value =
            json!({"a": "yes", "b": "1", "c": "x: y", "d": "two\nlines\n", "e": null, "f": "", "g": "0x10", "h": "~"});
        let text = yaml(&value).unwrap();
        assert_eq!(serde_saphyr::from_str::<Value>(&text).unwrap(), value, "{text}");
    }
}
