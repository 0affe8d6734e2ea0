//! `bursar resolve` and `bursar resolve-image`

use bursar_kernel::secret::SecretJson;
use clap::Args;
use serde_json::{Value, json};

use crate::delivery::Delivery;
use crate::failure::Failure;
use crate::output::Column;
use crate::session::Session;

/// Find the credential that a consumer uses in a slot; the audit trail records it
///
/// It is the one bound there, or the account's default. With `--format` its files
/// are handed out, as by `bursar credential materialize`.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Resolve {
    /// Kind and name: `app:web`, `host:api.example.com`
    consumer: String,
    /// Where it is used: `image-pull`, `certificate`, ...
    slot: String,
    #[command(flatten)]
    files: Files,
}

impl Resolve {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.files.resolve(session, "resolve", json!({"consumer": self.consumer, "slot": self.slot})).await
    }
}

/// Find the credential for an image, by registry and longest path prefix
#[derive(Args, Debug)]
pub(crate) struct ResolveImage {
    /// Such as `ghcr.io/org/app:1`
    image: String,
    #[command(flatten)]
    files: Files,
}

impl ResolveImage {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Failure> {
        self.files.resolve(session, "resolve-image", json!({"image": self.image})).await
    }
}

/// Whether and how to deliver the files of the resolved credential.
#[derive(Args, Debug)]
struct Files {
    /// Also hand out its files in this format
    #[arg(long)]
    format: Option<String>,
    #[command(flatten)]
    delivery: Delivery,
}

impl Files {
    /// Resolves `question` at `path` of the account and prints the result.
    async fn resolve(&self, session: &Session, path: &str, mut question: Value) -> Result<(), Failure> {
        if self.format.is_none() && self.delivery.is_chosen() {
            return Err(Failure::Usage("--out, --manifest and --artifact require --format".to_owned()));
        }
        self.delivery.check()?;
        if let Some(format) = &self.format {
            question["format"] = json!(format);
        }
        let answer = SecretJson::new(session.client.post(&session.path(&[path]), &question).await?);
        if self.format.is_none() {
            return session.output.row(answer.expose(), COLUMNS, "/credential/id");
        }
        let name = answer.expose().pointer("/credential/name").and_then(Value::as_str).unwrap_or_default();
        self.delivery.deliver(session, &answer, name)
    }
}

const COLUMNS: &[Column] = &[
    ("NAME", "/credential/name"),
    ("TYPE", "/credential/type"),
    ("VERSION", "/credential/version"),
    ("SOURCE", "/source"),
    ("ID", "/credential/id"),
];

const EXAMPLES: &str = "Examples:
  # Which credential an app pulls its images with
  bursar resolve app:web image-pull

  # The same as a file for docker
  bursar resolve app:web image-pull --format docker/config.json --out ~/.docker";
