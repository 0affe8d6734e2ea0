//! What a start makes of a broken file.

use serde_json::json;

use super::guest::Guest;
use super::{Live, put, states, text, until};
use crate::crash::stop;
use crate::support::Server;

#[tokio::test]
async fn the_last_good_one_serves_after_a_start_with_a_broken_file() {
    let live = Live::start().await;
    live.put("live.wasm", &Guest::version("1.0.0").bytes());
    live.until("in use", |entries| states(entries) == [("active", "1.0.0")]).await;
    let body = json!({ "type": Guest::ID, "name": "one", "data": { "username": "u", "password": "p" } });
    live.operator().post("credentials", body).await.expect(201);
    let Live { server, folder, root, .. } = live;
    let data_dir = server.data_dir().to_owned();
    stop(server).await;

    put(root.path(), &folder, "live.wasm", b"junk");
    let server = Server::builder().data_dir(&data_dir).plugins(&folder).start().await;
    let both = |entries: &[serde_json::Value]| states(entries) == [("active", "1.0.0"), ("rejected", "")];
    let entries = until(&server.operator(), "served from what was kept", both).await;
    assert!(text(&entries[0]["reason"]).contains("keeps serving"));
    server.operator().post("credentials/one/materialize", json!({})).await.expect(200);
    stop(server).await;

    std::fs::remove_file(folder.join("live.wasm")).expect("the file was there");
    let server = Server::builder().data_dir(&data_dir).plugins(&folder).start().await;
    until(&server.operator(), "removed", |entries| states(entries) == [("removed", "1.0.0")]).await;
    server.operator().get("credentials/one").await.expect(200);
    stop(server).await;
}
