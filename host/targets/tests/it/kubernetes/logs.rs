use std::io::{Result, Write};
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::filter::LevelFilter;

use super::lab::{Cluster, Given};

/// The libraries below log what they cannot read, and a Secret may be in there: not so here, at any level.
#[tokio::test]
async fn no_log_has_a_secret_in_it() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(LevelFilter::TRACE).with_writer(move || writer.clone());
    let _guard = tracing::subscriber::set_default(subscriber.finish());
    tracing::trace!("the log is kept");

    let cluster = Cluster::new().await;
    let target = cluster.target(json!({})).await;
    let given = Given::opaque("first-s3cret-content");
    let next = given.next("env", &[("token", "second-hidden-content")]);
    given.put(&target).await.expect("it is put");
    for kind in ["garbage", "html", "echo", "reset"] {
        for verb in ["get", "patch", "delete"] {
            given.put(&target).await.expect("it is put");
            cluster.fault(json!({ "kind": kind, "verb": verb, "resource": "secrets", "status": 422 })).await;
            let failed = if verb == "delete" { given.remove(&target).await } else { next.put(&target).await.map(drop) };
            failed.expect_err("it fails");
        }
    }
    let log = log.text();
    assert!(log.contains("the log is kept"));
    for secret in [
        "s3cret",
        "Zmlyc3QtczNjcmV0LWNvbnRlbnQ=",
        "second-hidden",
        "c2Vjb25kLWhpZGRlbi1jb250ZW50",
        cluster.token(),
        "certificate-authority-data",
    ] {
        assert!(!log.contains(secret), "{secret} is in the log:\n{log}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no writer panics")).into_owned()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.lock().expect("no writer panics").write(bytes)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
