//! Work in a region whose progress is streamed.

use reqwest::Method;
use serde_json::Value;

use super::world::{Region, World};

/// Everything that came over the stream.
#[derive(Debug)]
pub(super) struct Streamed {
    pub(super) progress: Vec<Value>,
    pub(super) result: Value,
}

/// Runs a work to its end.
pub(super) async fn streamed(world: &World, region: &Region, work: &str) -> Streamed {
    let path = format!("{}/{work}", region.path());
    let reply = world.client.call(Method::POST, &path).header("accept", "text/event-stream").send().await;
    reply.assert_status(200);
    assert!(reply.header("content-type").is_some_and(|kind| kind.starts_with("text/event-stream")));
    let mut events = events(&String::from_utf8_lossy(&reply.bytes));
    let (kind, result) = events.pop().expect("an event");
    assert_eq!(kind, "result", "{result}");
    let progress = events.into_iter().map(|(kind, event)| {
        assert_eq!(kind, "progress", "{event}");
        event
    });
    Streamed { progress: progress.collect(), result }
}

/// Kinds and data of events; comments are left out.
fn events(text: &str) -> Vec<(String, Value)> {
    let field = |block: &str, name: &str| {
        let of_it = block.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        of_it.map(str::trim_start).collect::<Vec<_>>().join("\n")
    };
    let blocks = text.split("\n\n").filter(|block| block.lines().any(|line| line.starts_with("data:")));
    blocks
        .map(|block| {
            let data = field(block, "data");
            (field(block, "event"), serde_json::from_str(&data).unwrap_or_else(|_| panic!("not JSON: {data}")))
        })
        .collect()
}
