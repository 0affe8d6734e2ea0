use serde_json::json;

use crate::support::postgres::Postgres;
use crate::support::samples::{artifact, credential};
use crate::support::server::example;
use crate::support::tools::{run, tool};
use crate::support::{Account, Server};

/// The type from outside the project: psql signs in with the file and with the
/// address that it makes.
#[tokio::test]
async fn psql_signs_in_with_the_example_s_files() {
    let postgres = Postgres::shared().await;
    postgres.sql("postgres", r"CREATE ROLE asked_app LOGIN PASSWORD 'p:ss\w@rd/?'").output();
    let plugin = example("postgres-login");
    let account = Account::on(&Server::builder().plugins(plugin.path()).start().await).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let login = async |name: &str, password: &str| {
        let data = json!({
            "host": "127.0.0.1", "port": postgres.port(), "database": "postgres", "username": "asked_app",
            "password": password, "sslMode": "disable",
        });
        account.create(credential("postgres-login", name, data)).await;
        let path = format!("credentials/{name}/materialize");
        let pgpass = account.manager.post(&path, json!({ "format": "postgres/pgpass" })).await.expect(200);
        let uri = account.manager.post(&path, json!({ "format": "postgres/uri" })).await.expect(200);
        let file = folder.path().join(name);
        std::fs::write(&file, artifact(&pgpass, ".pgpass")).expect("a file");
        // libpq ignores a file that others may read.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, mode).expect("its mode can be set");
        let psql = || {
            let mut psql = tool("psql", "postgresql-client");
            psql.args(["--no-psqlrc", "--no-password", "--tuples-only", "--no-align", "--command=SELECT current_user"]);
            psql
        };
        let mut by_file = psql();
        by_file.env("PGPASSFILE", &file).args(["--host=127.0.0.1", "--username=asked_app", "--dbname=postgres"]);
        let by_file = run(by_file.arg(format!("--port={}", postgres.port())));
        let by_uri = run(psql().arg(artifact(&uri, "uri")));
        (by_file, by_uri)
    };
    let (by_file, by_uri) = login("right", r"p:ss\w@rd/?").await;
    assert_eq!((by_file.output().trim(), by_uri.output().trim()), ("asked_app", "asked_app"));
    let (by_file, by_uri) = login("wrong", "another").await;
    assert!(!by_file.ok && !by_uri.ok);
}
