//! Two nodes over one database: decisions are shared, files are each node's.

use super::guest::Guest;
use super::{Live, put, states, until};
use crate::support::Server;
use crate::support::postgres::database;

#[tokio::test]
async fn an_approval_on_one_node_reaches_the_other() {
    let url = database().await;
    let first = Live::start_with(|builder| builder.postgres(&url)).await;
    let (data, plugins) = (first.root.path().join("second"), first.root.path().join("second-plugins"));
    for folder in [&data, &plugins] {
        std::fs::create_dir(folder).expect("a folder");
    }
    for file in ["root.key", "operator-token"] {
        std::fs::copy(first.server.data_dir().join(file), data.join(file)).expect("the first node's file");
    }
    let second = Server::builder().postgres(&url).data_dir(&data).plugins(&plugins).start().await;
    let bytes = Guest::asking("1.0.0", "api.example.com").bytes();
    first.put("live.wasm", &bytes);
    put(first.root.path(), &plugins, "live.wasm", &bytes);
    first.until("pending here", |entries| states(entries) == [("pending", "1.0.0")]).await;
    until(&second.operator(), "pending there", |entries| states(entries) == [("pending", "1.0.0")]).await;
    first.operator().act("/v1/plugins/live-login/approve").await.expect(200);
    until(&second.operator(), "active there", |entries| states(entries) == [("active", "1.0.0")]).await;
    second.operator().act("/v1/plugins/live-login/revoke").await.expect(200);
    first.until("revoked here", |entries| states(entries) == [("pending", "1.0.0")]).await;
}
