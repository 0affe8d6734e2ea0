//! What an authenticated GET is held against: axum's hello-world, in a process
//! of its own.

use axum::Router;
use axum::routing::get;

/// Serves until it is killed.
pub(crate) fn serve(address: &str) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(address).await.expect("a free address");
        let router = Router::new().route("/", get(async || "Hello, World!"));
        axum::serve(listener, router).await.expect("it serves");
    });
}
