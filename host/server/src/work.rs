//! Long-running work: answered once at its end or, for a client that accepts events,
//! step by step.

use bursar_api as api;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response};
use bursar_kernel::Error;
use bursar_regions::Progress;
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

/// The result of the work.
pub(crate) struct Outcome {
    ready: bool,
    body: Value,
}

/// Called for each step.
pub(crate) type OnStep = Box<dyn Fn(Progress) + Send + Sync>;

impl Outcome {
    /// `ready`: whether everything is in place.
    pub(crate) fn new(ready: bool, body: &impl Serialize) -> Self {
        Self { ready, body: serde_json::to_value(body).unwrap_or_default() }
    }
}

impl IntoResponse for Outcome {
    /// 200, or 409 where not everything is in place; the body is the result in both
    /// cases, not a problem document.
    fn into_response(self) -> Response {
        let status = if self.ready { StatusCode::OK } else { StatusCode::CONFLICT };
        (status, Json(self.body)).into_response()
    }
}

/// Runs `work` to its end, even if the client disconnects, and answers its result. With
/// events: `progress` for each step, then one `result` or `problem`. An early refusal is
/// answered with its status.
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
    // Bounded by the number of credentials: a slow client must not delay pushes.
    let (sender, mut reports) = unbounded_channel();
    let steps = sender.clone();
    let work = work(Box::new(move |step| {
        // Fails when the client has disconnected; the work goes on.
        let _ = steps.send(Report::Step(step));
    }));
    let to_its_end = async move {
        let _ = sender.send(Report::End(work.await));
    };
    drop(tokio::spawn(to_its_end.in_current_span()));
    let first = match tokio::time::timeout(AT_ONCE, reports.recv()).await {
        Ok(Some(Report::End(Err(error)))) => return Err(error.into()),
        Ok(Some(first)) => Some(first),
        Ok(None) => return Err(work_failed()),
        Err(_) => None,
    };
    let closing = app.closing().clone();
    let stream = ReportStream { first, reports, closing, request_id: request_id::current(), is_over: false };
    Ok(sse::answer(stream.stream()))
}

/// What the work reports.
enum Report {
    Step(Progress),
    End(Result<Outcome, Error>),
}

/// The event stream of one client.
struct ReportStream {
    first: Option<Report>,
    reports: UnboundedReceiver<Report>,
    closing: CancellationToken,
    request_id: Option<String>,
    is_over: bool,
}

impl ReportStream {
    fn stream(self) -> impl futures::Stream<Item = Result<Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut stream| async move {
            let event = stream.next().await?;
            Some((Ok(event), stream))
        })
    }

    async fn next(&mut self) -> Option<Event> {
        if self.is_over {
            return None;
        }
        let report = if self.first.is_some() {
            self.first.take()
        } else {
            tokio::select! {
                biased;
                report = self.reports.recv() => report,
                () = self.closing.cancelled() => return Some(self.problem(&stopping())),
            }
        };
        Some(match report {
            Some(Report::Step(step)) => event("progress", &api::SyncProgress::from(step)),
            Some(Report::End(Ok(outcome))) => {
                self.is_over = true;
                event("result", &outcome.body)
            }
            Some(Report::End(Err(error))) => self.problem(&error.into()),
            // It panicked, which was logged then.
            None => self.problem(&work_failed()),
        })
    }

    fn problem(&mut self, problem: &Problem) -> Event {
        self.is_over = true;
        event("problem", &problem.report(self.request_id.clone()))
    }
}

fn event(name: &'static str, data: &impl Serialize) -> Event {
    Event::default().event(name).data(serde_json::to_string(data).unwrap_or_default())
}

fn stopping() -> Problem {
    Problem::new(ProblemType::Unavailable, "the broker is stopping: ask again, and it resumes where it stopped")
}

fn work_failed() -> Problem {
    Problem::new(ProblemType::Internal, "the request failed on our side: report it with the request's id")
}

/// How long a refusal may take to be answered with its status.
const AT_ONCE: Duration = Duration::from_secs(1);
