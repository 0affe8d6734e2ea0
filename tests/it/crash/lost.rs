//! A store that is gone is not a first start: whoever finds an empty broker where
//! theirs was must not be given one in silence.

use crate::cli::Cli;
use crate::support::Server;
use crate::support::postgres::{Postgres, database};

use super::stop;

#[tokio::test]
async fn a_lost_file_is_named_with_the_ways_out() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    stop(Server::builder().data_dir(&data).start().await).await;
    let store = data.join("bursar.redb");
    let (kept, token) = (std::fs::read(&store).expect("the store"), data.join("operator-token"));
    let kept_token = std::fs::read(&token).expect("the token");
    std::fs::remove_file(&store).expect("it was there");

    let cli = Cli::bare();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().expect("text")];
    for gone in ["operator-token", "plugin-cache", "plugins"] {
        let said = cli.run(&serve).code(5).stderr;
        for part in ["bursar.redb is not in", "put bursar.redb back", "bursar restore", "--init"] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!store.exists(), "nothing was made");
        // Whatever is left of it tells.
        let path = data.join(gone);
        let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
        assert!(removed.is_ok() || gone == "plugins", "{gone}");
    }
    let said = cli.run(&serve).code(5).stderr;
    assert!(said.contains("root.key tells that there was a store"), "{said}");

    std::fs::write(&store, kept).expect("it is put back");
    std::fs::write(&token, kept_token).expect("it is put back");
    let server = Server::builder().data_dir(&data).start().await;
    stop(server).await;
}

#[tokio::test]
async fn a_new_store_is_begun_where_that_is_asked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    let server = Server::builder().data_dir(&data).start().await;
    let before = server.operator_token().to_owned();
    stop(server).await;
    std::fs::remove_file(data.join("bursar.redb")).expect("it was there");
    let server = Server::builder().data_dir(&data).flag("--init").start().await;
    assert_ne!(server.operator_token(), before);
    server.operator().get("/v1/me").await.expect(200);
    stop(server).await;
    // It opens what is there, whatever is asked.
    let server = Server::builder().data_dir(&data).flag("--init").start().await;
    server.operator().get("/v1/me").await.expect(200);
}

#[tokio::test]
async fn a_database_that_is_empty_is_not_this_nodes() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (url, data) = (database().await, folder.path().join("data"));
    stop(Server::builder().postgres(&url).data_dir(&data).start().await).await;
    let name = url.rsplit('/').next().expect("a database");
    Postgres::shared().await.sql(name, "TRUNCATE record").output();
    let cli = Cli::bare().env("BURSAR_STORAGE__URL", &url);
    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data.to_str().expect("text")];
    let said = cli.run(&serve).code(5).stderr;
    assert!(said.contains("the database is empty") && said.contains("storage.url"), "{said}");
}
