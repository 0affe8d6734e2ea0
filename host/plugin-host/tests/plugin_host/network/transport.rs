//! A wire that is not the real one, for replays and benches.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bursar_plugin_host::{Reach, Transport, TransportError, WireAnswer, WireRequest};
use serde_json::json;
use zeroize::Zeroizing;

use super::lab::{Lab, TOKEN};

/// Answers at once, at a time of its own.
#[derive(Default)]
struct Instant(Mutex<Vec<(WireRequest, Reach)>>);

#[async_trait]
impl Transport for Instant {
    async fn exchange(&self, request: WireRequest, reach: &Reach) -> Result<WireAnswer, TransportError> {
        self.0.lock().expect("no panic here").push((request, reach.clone()));
        let headers = vec![("x-echo".to_owned(), TOKEN.as_bytes().to_vec())];
        Ok(WireAnswer { status: 201, headers, body: Zeroizing::new(TOKEN.as_bytes().to_vec()) })
    }

    fn now(&self) -> i64 {
        1_440_938_160
    }
}

#[tokio::test]
async fn a_wire_of_ones_own_gets_what_would_have_left_and_its_answers_are_cleaned() {
    let wire = Arc::new(Instant::default());
    let lab = Lab::with(|_, network, _| {
        let wire: Arc<dyn Transport> = Arc::<Instant>::clone(&wire);
        network.transport = Some(wire);
        network.granted_addresses.insert("talker".to_owned(), vec!["10.0.0.0/8".parse().unwrap()]);
    })
    .await;
    let results = lab
        .run(json!([
            {"clock": true},
            {"send": {"url": "https://api.example.com/echo", "query": {"a": "b"},
                "headers": {"Authorization": ["Bearer ", {"secret": "/token"}]}}},
        ]))
        .await;
    assert_eq!(results[0], 1_440_938_160);
    assert_eq!((&results[1]["status"], &results[1]["body"]), (&json!(201), &json!("[secret]")));
    assert_eq!(results[1]["headers"], json!({"x-echo": "[secret]"}));
    assert!(lab.seen().is_empty());

    let (request, reach) = wire.0.lock().unwrap().remove(0);
    assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", "https://api.example.com/echo?a=b"));
    let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["accept-encoding", "authorization", "user-agent"]);
    assert_eq!(request.headers[1].1.as_slice(), format!("Bearer {TOKEN}").as_bytes());
    assert!(request.body.is_none());
    assert_eq!((reach.addresses.len(), reach.max_answer_bytes, reach.timeout.as_secs()), (1, 2 << 20, 15));
}
