//! Reading a folder of cases.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::Case;

/// A case with its place, for messages.
#[derive(Clone, Debug)]
pub struct Labelled {
    /// File name, number in the file and what the case shows.
    pub label: String,
    /// The case.
    pub case: Case,
}

/// Why cases cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// A file that is not JSON, or an invalid case.
    #[error("{file}{case}: {why}")]
    Case {
        /// The file.
        file: PathBuf,
        /// ` #2` for the second case of a list; else empty.
        case: String,
        /// Names the member and the cure.
        why: String,
    },
}

/// Reads every case of the `*.json` files in `folder`, in order of name. A file
/// holds one case or a list of them.
///
/// # Errors
///
/// The first file that cannot be read, or the first invalid case.
pub fn load(folder: &Path) -> Result<Vec<Labelled>, Error> {
    let unreadable = |error| Error::Io(folder.to_owned(), error);
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        read(&file, &mut cases)?;
    }
    Ok(cases)
}

fn read(file: &Path, cases: &mut Vec<Labelled>) -> Result<(), Error> {
    let text = fs::read_to_string(file).map_err(|error| Error::Io(file.to_owned(), error))?;
    let broken = |case: String, why: String| Error::Case { file: file.to_owned(), case, why };
    let content: Value = serde_json::from_str(&text).map_err(|error| broken(String::new(), error.to_string()))?;
    let (list, is_list) = match content {
        Value::Array(list) => (list, true),
        one => (vec![one], false),
    };
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    for (number, case) in list.into_iter().enumerate() {
        let place = if is_list { format!(" #{}", number + 1) } else { String::new() };
        let case: Case = serde_json::from_value(case).map_err(|error| broken(place.clone(), error.to_string()))?;
        case.check().map_err(|why| broken(place.clone(), why))?;
        cases.push(Labelled { label: format!("{name}{place}: {}", case.about), case });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refusal(case: &Value) -> String {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.json"), json!([case]).to_string()).unwrap();
        load(folder.path()).map(|_| ()).unwrap_err().to_string().split_once("a.json #1: ").unwrap().1.to_owned()
    }

    fn with(mut case: Value, pointer: &str, member: &str, value: Value) -> Value {
        case.pointer_mut(pointer).unwrap()[member] = value;
        case
    }

    #[test]
    fn reads_one_case_or_a_list_in_order_of_name() {
        let folder = tempfile::tempdir().unwrap();
        let case = |about: &str| json!({ "about": about, "call": "template", "ok": {} });
        fs::write(folder.path().join("b.json"), case("last").to_string()).unwrap();
        fs::write(folder.path().join("a.json"), json!([case("one"), case("two")]).to_string()).unwrap();
        fs::write(folder.path().join("cases.rs"), "").unwrap();
        let labels: Vec<_> = load(folder.path()).unwrap().into_iter().map(|it| it.label).collect();
        assert_eq!(labels, ["a.json #1: one", "a.json #2: two", "b.json: last"]);
    }

    #[test]
    fn a_mistake_is_named_with_its_cure() {
        let present = json!({
            "about": "", "call": "present", "data": {}, "txt": { "fqdn": "a.example", "value": "v" }, "ok": {},
            "http": [{ "request": { "method": "GET", "url": "https://a.example/" }, "answer": { "status": 200 } }],
        });
        let table = [
            (with(present.clone(), "", "colour", json!(1)), "unknown field `colour`"),
            (with(present.clone(), "/txt", "ttl", json!(1)), "unknown field `ttl`"),
            (with(present.clone(), "/http/0/request", "header", json!({})), "unknown field `header`"),
            (with(present.clone(), "", "format", json!("x")), "`format` has no effect in a case of `present`"),
            (with(present.clone(), "", "txt", json!(null)), "a case of `present` needs `txt`"),
            (with(present.clone(), "", "ok", json!({ "hanlde": "" })), "`ok.hanlde` is no member"),
            (with(present.clone(), "", "error", json!({ "kind": "denied" })), "either `ok` or `error`"),
            (with(present.clone(), "", "call", json!("delete")), "unknown variant `delete`"),
            (with(present.clone(), "", "data", json!([])), "`data` is not an object"),
            (with(present.clone(), "/http/0/request", "method", json!("get")), "write it in upper case"),
            (with(present.clone(), "/http/0/request", "url", json!("/a")), "relative URL"),
            (with(present.clone(), "/http/0/request", "url", json!("file:///a")), "`request.url` is file:///a"),
            (with(present.clone(), "/http/0/request", "headers", json!({ "Accept": "a" })), "write accept"),
            (with(present.clone(), "/http/0/request", "form", json!({ "a": 1 })), "`request.form.a` is neither"),
            (with(present.clone(), "/http/0/answer", "failure", json!("timeout")), "`answer.failure` excludes"),
            (with(present.clone(), "/http/0/answer", "status", json!(null)), "neither a `status` nor a `failure`"),
        ];
        for (case, says) in table {
            let said = refusal(&case);
            assert!(said.contains(says), "{said:?} does not say {says:?}");
        }
        let invalid = json!({ "about": "", "call": "check", "data": {}, "error": { "kind": "invalid" } });
        assert!(refusal(&invalid).contains("`error.violations`"));
        let poll = json!({ "about": "", "call": "poll", "data": {}, "handle": "", "ok": {} });
        assert!(refusal(&poll).contains("pendingSeconds"));
    }
}
