//! Work that lasts: answered once at its end or, to a client that asks for
//! events, step by step.

use bursar_api as api;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use bursar_domain::Error;
use bursar_domain::broker::Progress;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::app::App;
use crate::detached::to_the_end;
use crate::problem::{Problem, ProblemType};
use crate::{request_id, sse};

/// What came of it.
pub(crate) struct Outcome {
    ready: bool,
    body: Value,
}

/// Who is told of each step.
pub(crate) type OnStep = Box<dyn Fn(Progress) + Send + Sync>;

impl Outcome {
    /// `ready`: whether everything that was wanted came of it.
    pub(crate) fn new(ready: bool, body: &impl Serialize) -> Self {
        Self { ready, body: serde_json::to_value(body).unwrap_or_default() }
    }
}

impl IntoResponse for Outcome {
    /// 200, or 409 where not everything is as wanted: in either case what came
    /// of it, which is no problem document.
    fn into_response(self) -> Response {
        let status = if self.ready { StatusCode::OK } else { StatusCode::CONFLICT };
        (status, Json(self.body)).into_response()
    }
}

/// Does `work` to its end, whatever becomes of the client, and answers what
/// came of it. With events: `progress` for each step, then one `result` or
/// `problem`. A refusal that comes at once is answered by its status.
pub(crate) async fn answer<W>(
    app: &App,
    wants_events: bool,
    work: impl FnOnce(OnStep) -> W,
) -> Result<Response, Problem>
where
    W: Future<Output = Result<Outcome, Error>> + Send + 'static,
{
    if !wants_events {
        return Ok(to_the_end(work(Box::new(|_| {}))).await?.into_response());
    }
    // As many as there are credentials: a client that reads slowly holds up no
    // push.
    let (sender, mut told) = unbounded_channel();
    let steps = sender.clone();
    let work = work(Box::new(move |step| {
        // Nobody listens any more where it fails, and the work goes on.
        let _ = steps.send(Told::Step(step));
    }));
    let to_its_end = async move {
        let _ = sender.send(Told::End(work.await));
    };
    drop(tokio::spawn(to_its_end.in_current_span()));
    let first = match tokio::time::timeout(AT_ONCE, told.recv()).await {
        Ok(Some(Told::End(Err(error)))) => return Err(error.into()),
        Ok(Some(first)) => Some(first),
        Ok(None) => return Err(fallen()),
        Err(_) => None,
    };
    let closing = app.closing().clone();
    let telling = Telling { first, told, closing, request_id: request_id::current(), is_over: false };
    Ok(sse::answer(telling.stream()))
}

enum Told {
    Step(Progress),
    End(Result<Outcome, Error>),
}

/// The stream of one client.
struct Telling {
    first: Option<Told>,
    told: UnboundedReceiver<Told>,
    closing: CancellationToken,
    request_id: Option<String>,
    is_over: bool,
}

impl Telling {
    fn stream(self) -> impl futures::Stream<Item = Result<Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut telling| async move {
            let event = telling.next().await?;
            Some((Ok(event), telling))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        let told = if self.first.is_some() {
            self.first.take()
        } else {
            tokio::select! {
                biased;
                told = self.told.recv() => told,
                () = self.closing.cancelled() => return Some(self.problem(&stopping())),
            }
        };
        Some(match told {
            Some(Told::Step(step)) => event("progress", &api::SyncProgress::from(step)),
            Some(Told::End(Ok(outcome))) => {
                self.is_over = true;
                event("result", &outcome.body)
            }
            Some(Told::End(Err(error))) => self.problem(&error.into()),
            // It panicked, which was told then.
            None => self.problem(&fallen()),
        })
    }

    fn problem(&mut self, problem: &Problem) -> Event {
        self.is_over = true;
        event("problem", &problem.told(self.request_id.clone()))
    }
}

fn event(name: &'static str, data: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

fn stopping() -> Problem {
    Problem::new(ProblemType::Unavailable, "the broker is stopping: ask again, and it goes on from where it is")
}

fn fallen() -> Problem {
    Problem::new(ProblemType::Internal, "the request failed on our side: report it with the request's id")
}

/// Within which a refusal is answered by its status.
const AT_ONCE: Duration = Duration::from_secs(1);
