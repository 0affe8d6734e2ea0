//! PEM text (RFC 7468) as people paste it: any order, any line ends, text and
//! blank lines around and inside.

use bursar_plugin_sdk::{Error, Violations};
use pem::{EncodeConfig, LineEnding, Pem};
use x509_parser::certificate::X509Certificate;

/// What is wrong with a field, without its pointer.
#[derive(Debug)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    pub(crate) fn at(self, pointer: &str) -> Error {
        Violations::one(pointer, self.code, self.message).into()
    }
}

/// The certificates in a public field, in DER and in their order.
pub(crate) fn read_certificates(text: &str) -> Result<Vec<Vec<u8>>, Problem> {
    // Checked first, to recognise a damaged key, too.
    if labels(text).any(|label| label.contains("PRIVATE KEY")) {
        let message = "There is a private key in this public field: paste the key into its own field.";
        return Err(Problem::new("private-key", message));
    }
    let blocks = read(text)?;
    if let Some(other) = blocks.iter().find(|block| !CERTIFICATE_LABELS.contains(&block.tag())) {
        let message = format!("There is a {} block; keep only CERTIFICATE blocks.", shown(other.tag()));
        return Err(Problem::new("unexpected-block", message));
    }
    if blocks.is_empty() {
        return Err(Problem::new("no-certificate", "Paste the certificate in PEM."));
    }
    Ok(blocks.into_iter().map(Pem::into_contents).collect())
}

/// The one private key in a secret field. Certificates and parameters that
/// tools write beside it are ignored.
pub(crate) fn read_private_key(text: &str) -> Result<Pem, Problem> {
    // RFC 1421, section 4.6: OpenSSL's traditional form of encryption.
    let is_encryption_header = |line: &str| line.starts_with("Proc-Type:") && line.ends_with("ENCRYPTED");
    if labels(text).any(|label| label.starts_with("ENCRYPTED")) || text.lines().map(str::trim).any(is_encryption_header)
    {
        return Err(Problem::new(
            "encrypted-key",
            "Remove the passphrase first: openssl pkey -in key.pem -out plain.pem",
        ));
    }
    let mut keys: Vec<Pem> = read(text)?;
    keys.retain(|block| block.tag().ends_with("PRIVATE KEY"));
    keys.dedup();
    match <[Pem; 1]>::try_from(keys) {
        Ok([key]) => Ok(key),
        Err(keys) if keys.is_empty() => Err(Problem::new("no-key", "Paste the private key in PEM.")),
        Err(_) => Err(Problem::new("several-keys", "Keep only the certificate's own key.")),
    }
}

/// The text of a block: LF, 64 columns.
pub(crate) fn write(block: &Pem) -> String {
    pem::encode_config(block, EncodeConfig::new().set_line_ending(LineEnding::LF))
}

/// The text of certificates, one after another.
pub(crate) fn write_certificates<'a>(certificates: impl IntoIterator<Item = &'a X509Certificate<'a>>) -> String {
    certificates.into_iter().map(|it| write(&Pem::new("CERTIFICATE", it.as_raw()))).collect()
}

fn read(text: &str) -> Result<Vec<Pem>, Problem> {
    let begun = labels(text).count();
    if begun == 0 {
        let message = "This is not PEM: paste text that starts with -----BEGIN.";
        return Err(Problem::new("not-pem", message));
    }
    let tidy: String =
        text.lines().map(str::trim).filter(|line| !line.is_empty()).flat_map(|line| [line, "\n"]).collect();
    match pem::parse_many(tidy) {
        Ok(blocks) if blocks.len() == begun => Ok(blocks),
        _ => Err(Problem::new("truncated", "Paste every block whole, from its BEGIN line to its END line.")),
    }
}

/// The labels of the blocks that begin in `text`.
fn labels(text: &str) -> impl Iterator<Item = &str> {
    text.split("-----BEGIN ").skip(1).map(|rest| rest.split("-----").next().unwrap_or_default())
}

/// A label is the user's text: shortened, without control characters.
fn shown(label: &str) -> String {
    label.chars().filter(|character| character.is_ascii_alphanumeric() || *character == ' ').take(40).collect()
}

const CERTIFICATE_LABELS: [&str; 2] = ["CERTIFICATE", "X509 CERTIFICATE"];
