//! A Postgres role's login, as an example of a type from outside the project.
//!
//! Least privilege: a role that owns nothing and was granted what the
//! application needs, never `postgres`.
//!
//! Formats: <https://www.postgresql.org/docs/current/libpq-pgpass.html> and
//! <https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>.

#![forbid(unsafe_code)]

mod percent;

use bursar_plugin_sdk::{
    Artifact, Context, CredentialType, Error, Generator, Inspection, Rewrite, Violations, export_generator,
    export_type, serde, variable,
};
use percent::percent_encode;
use serde::{Deserialize, Serialize};

export_type!(PostgresLogin);
export_generator!(PostgresLogin);

/// The credential type `postgres-login`.
pub struct PostgresLogin;

impl CredentialType for PostgresLogin {
    type Public = Public;
    type Full = Full;

    fn inspect(data: Public, _: &Context) -> Result<Inspection, Error> {
        let mut violations = Violations::new();
        for (pointer, text) in [("/database", &data.database), ("/username", &data.username)] {
            violations.require(!has_control(text), pointer, "control-character", "Paste it without line breaks.");
        }
        violations.finish()?;
        let address = format!("{}:{}", data.host, data.port);
        Inspection::new(data)?.attribute("address", address)
    }

    fn check(data: Full, _: &Context) -> Result<Vec<Rewrite>, Error> {
        let mut violations = Violations::new();
        violations.require(
            !has_control(&data.password),
            "/password",
            "control-character",
            "Paste it without line breaks.",
        );
        violations.finish()?;
        Ok(Vec::new())
    }

    fn materialize(data: Full, format: &str, _: &Context) -> Result<Vec<Artifact>, Error> {
        let Full { public, password } = &data;
        match format {
            "postgres/pgpass" => Ok(vec![Artifact::text(".pgpass", data.pgpass())]),
            "postgres/uri" => Ok(vec![Artifact::text("uri", data.uri())]),
            "env" => Artifact::env(&[
                variable("PGHOST", "/host", &public.host),
                variable("PGPORT", "/port", &public.port.to_string()),
                variable("PGDATABASE", "/database", &public.database),
                variable("PGUSER", "/username", &public.username),
                variable("PGPASSWORD", "/password", password),
                variable("PGSSLMODE", "/sslMode", &public.ssl_mode),
            ]),
            "login" => Ok(Artifact::login(&public.username, password)),
            _ => Err(Error::unknown_format()),
        }
    }
}

impl Generator for PostgresLogin {
    type Seed = Public;
    type Generated = Full;

    /// A password of 43 letters and digits: 256 bits, and nothing that a
    /// connection string would have to escape.
    fn generate(data: Public, entropy: &[u8; 64], _: &Context) -> Result<Full, Error> {
        // 62 does not divide 256, so the few values that would favour the first
        // letters are passed over.
        let unbiased = entropy.iter().filter(|byte| usize::from(**byte) < 256 / ALPHABET.len() * ALPHABET.len());
        let password: String = unbiased
            .take(PASSWORD_CHARACTERS)
            .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
            .collect();
        if password.len() < PASSWORD_CHARACTERS {
            return Err(Error::Internal("the entropy has too few usable bytes".into()));
        }
        Ok(Full { public: data, password })
    }
}

/// The form without its secret.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Public {
    host: String,
    #[serde(default = "default_port")]
    port: u16,
    database: String,
    username: String,
    #[serde(default = "default_ssl_mode")]
    ssl_mode: String,
}

/// The whole form.
#[derive(Deserialize, Serialize)]
pub struct Full {
    #[serde(flatten)]
    public: Public,
    password: String,
}

impl Full {
    fn pgpass(&self) -> String {
        let Public { host, port, database, username, .. } = &self.public;
        let escape = |text: &str| text.replace('\\', "\\\\").replace(':', "\\:");
        format!("{host}:{port}:{}:{}:{}\n", escape(database), escape(username), escape(&self.password))
    }

    fn uri(&self) -> String {
        let Public { host, port, database, username, ssl_mode } = &self.public;
        let (user, password) = (percent_encode(username), percent_encode(&self.password));
        format!("postgresql://{user}:{password}@{host}:{port}/{}?sslmode={ssl_mode}", percent_encode(database))
    }
}

fn has_control(text: &str) -> bool {
    text.chars().any(char::is_control)
}

fn default_port() -> u16 {
    5432
}

fn default_ssl_mode() -> String {
    "verify-full".to_owned()
}

const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const PASSWORD_CHARACTERS: usize = 43;
