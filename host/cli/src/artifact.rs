//! Materialized files, and their output as a folder of files or a Kubernetes
//! Secret.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::profile::write_private;

/// One materialized file.
pub(crate) struct Artifact {
    /// File name, validated.
    pub(crate) name: String,
    /// The content.
    pub(crate) content: Zeroizing<Vec<u8>>,
}

/// Reads the artifacts of a `materialize` response. Their names are validated here
/// too, since they become paths on this machine.
///
/// # Errors
///
/// If the response does not follow the API.
pub(crate) fn artifacts(answer: &Value) -> Result<Vec<Artifact>, Failure> {
    let malformed = || Failure::Failed("the server's artifacts do not follow the API".to_owned());
    let items = answer["artifacts"].as_array().ok_or_else(malformed)?;
    items
        .iter()
        .map(|item| {
            let name = item["name"].as_str().filter(|name| is_file_name(name)).ok_or_else(malformed)?;
            let content = item["content"].as_str().ok_or_else(malformed)?;
            let content = match item["encoding"].as_str() {
                Some("utf-8") => content.as_bytes().to_vec(),
                Some("base64") => STANDARD.decode(content).map_err(|_| malformed())?,
                _ => return Err(malformed()),
            };
            Ok(Artifact { name: name.to_owned(), content: Zeroizing::new(content) })
        })
        .collect()
}

/// Writes each artifact to a file of mode 0600 in `folder`, which is created with
/// mode 0700 if missing. Existing files are replaced atomically.
///
/// # Errors
///
/// If a file cannot be written; earlier files remain.
pub(crate) fn write(artifacts: &[Artifact], folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|error| Failure::io(format!("create {}", folder.display()), error))?;
    let mut written = Vec::new();
    for artifact in artifacts {
        let path = folder.join(&artifact.name);
        write_private(&path, &artifact.content, true)
            .map_err(|error| Failure::io(format!("write {}", path.display()), error))?;
        written.push(path);
    }
    Ok(written)
}

/// A Kubernetes Secret that contains the artifacts. A format under
/// `kubernetes.io/` is also the Secret's type; any other format gives `Opaque`.
pub(crate) fn secret(artifacts: &[Artifact], format: &str, name: &str, namespace: Option<&str>) -> Value {
    let data: BTreeMap<&str, String> =
        artifacts.iter().map(|artifact| (artifact.name.as_str(), STANDARD.encode(&*artifact.content))).collect();
    let secret_type = if format.starts_with(KUBERNETES) { format } else { "Opaque" };
    let mut metadata = json!({"name": name});
    if let Some(namespace) = namespace {
        metadata["namespace"] = json!(namespace);
    }
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": secret_type, "data": data})
}

/// The DNS-1123 subdomain (RFC 1123, as Kubernetes narrows it) closest to `name`.
pub(crate) fn dns_name(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' });
    let name: String = letters.take(MAX_DNS_NAME).collect();
    name.trim_matches('-').to_owned()
}

/// Whether `name` is a DNS-1123 subdomain.
pub(crate) fn is_dns_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        !label.is_empty() && !label.starts_with('-') && !label.ends_with('-') && label.chars().all(inside)
    };
    name.len() <= MAX_DNS_NAME && name.split('.').all(is_label)
}

fn is_file_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    !matches!(name, "" | "." | "..") && name.len() <= MAX_DNS_NAME && name.chars().all(allowed)
}

const KUBERNETES: &str = "kubernetes.io/";
const MAX_DNS_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn answer() -> Value {
        json!({"format": "kubernetes.io/tls", "artifacts": [
            {"name": "tls.crt", "mediaType": "text/plain", "encoding": "utf-8", "content": "cert", "sensitive": false},
            {"name": "tls.key", "mediaType": "text/plain", "encoding": "base64", "content": "a2V5AP8=", "sensitive": true}]})
    }

    #[test]
    fn a_folder_gets_private_files() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        let artifacts = artifacts(&answer()).unwrap();
        write(&artifacts, &folder).unwrap();
        assert_eq!(write(&artifacts, &folder).unwrap(), [folder.join("tls.crt"), folder.join("tls.key")]);
        assert_eq!(fs::read(folder.join("tls.key")).unwrap(), b"key\0\xff");
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&folder.join("tls.key"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn a_name_that_is_a_path_is_refused() {
        for name in ["../x", "/etc/x", "..", "", "a/b", "a b"] {
            let mut answer = answer();
            answer["artifacts"][0]["name"] = json!(name);
            assert!(artifacts(&answer).is_err(), "{name}");
        }
    }

    #[test]
    fn a_secret_keeps_its_type_and_bytes() {
        let artifacts = artifacts(&answer()).unwrap();
        let manifest = secret(&artifacts, "kubernetes.io/tls", &dns_name("My_Cert"), Some("prod"));
        insta::assert_snapshot!(crate::output::yaml(&manifest).unwrap());
        assert_eq!(secret(&artifacts, "pem", "x", None)["type"], "Opaque");
        assert_eq!(secret(&artifacts, "pem", "x", None)["metadata"], json!({"name": "x"}));
    }

    #[test]
    fn names_become_dns_names() {
        for (name, dns) in [("ghcr", "ghcr"), ("My_Cert", "my-cert"), ("a__", "a")] {
            assert_eq!(dns_name(name), dns);
            assert!(is_dns_name(dns));
        }
        for bad in ["", "-a", "a..b", "A", "a_b"] {
            assert!(!is_dns_name(bad), "{bad}");
        }
    }
}
