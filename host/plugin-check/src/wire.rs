//! A transport that leads nowhere: requests are compared with a case, or answered
//! by a server that echoes everything it receives.

use std::sync::Mutex;

use async_trait::async_trait;
use bursar_kernel::Error;
use bursar_kernel::audit::Outcome;
use bursar_kernel::plugin::{Exchange, ExchangeRecorder};
use bursar_plugin_cases::{Answer, Script, Sent, WireFailure};
use bursar_plugin_host::{Reach, Transport, TransportError, WireAnswer, WireRequest};
use zeroize::Zeroizing;

use crate::secrets::Echo;

/// The transport, and what it plays for the next call.
#[derive(Default)]
pub(crate) struct Wire(Mutex<Played>);

#[derive(Default)]
struct Played {
    play: Option<Play>,
    now: i64,
    refused: Vec<Exchange>,
}

/// What requests are answered with.
pub(crate) enum Play {
    /// What a case says.
    Script(Script),
    /// An echo of what was sent.
    Echo(Echo),
}

/// What went over the wire in one call.
pub(crate) struct Traffic {
    /// Whether the script was followed.
    pub(crate) script: Result<(), String>,
    /// What was sent to an echo.
    pub(crate) sent: Vec<Sent>,
    /// What the host refused to send, with its reason.
    pub(crate) refused: Vec<String>,
}

impl Wire {
    /// Plays this for the next call, at that time.
    pub(crate) fn play(&self, play: Play, now: i64) {
        *self.played() = Played { play: Some(play), now, refused: Vec::new() };
    }

    /// What went over it since then.
    pub(crate) fn traffic(&self) -> Traffic {
        let played = std::mem::take(&mut *self.played());
        let refused = played
            .refused
            .iter()
            .map(|it| {
                let reason = it.reason.as_deref().unwrap_or("it does not say why");
                format!("the host refused {} https://{}{}: {reason}", it.method, it.host, it.path)
            })
            .collect();
        match played.play {
            Some(Play::Script(script)) => Traffic { script: script.finish(), sent: Vec::new(), refused },
            Some(Play::Echo(echo)) => Traffic { script: Ok(()), sent: echo.into_sent(), refused },
            None => Traffic { script: Ok(()), sent: Vec::new(), refused },
        }
    }

    fn played(&self) -> std::sync::MutexGuard<'_, Played> {
        // The state is valid after every step.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[async_trait]
impl Transport for Wire {
    async fn exchange(&self, request: WireRequest, reach: &Reach) -> Result<WireAnswer, TransportError> {
        let sent = Sent {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|(name, value)| (name, value.to_vec())).collect(),
            body: request.body.map(|body| body.to_vec()).unwrap_or_default(),
        };
        let mut played = self.played();
        let answer = match &mut played.play {
            Some(Play::Script(script)) => script.answer(&sent).cloned(),
            Some(Play::Echo(echo)) => Some(echo.answer(sent)),
            None => None,
        };
        let answer = answer.ok_or_else(|| TransportError::Failed("the case has no such request".to_owned()))?;
        carry(&answer, reach)
    }

    fn now(&self) -> i64 {
        self.played().now
    }
}

fn carry(answer: &Answer, reach: &Reach) -> Result<WireAnswer, TransportError> {
    match answer.failure {
        Some(WireFailure::Timeout) => return Err(TransportError::Timeout(reach.timeout)),
        Some(WireFailure::Connection) => return Err(TransportError::Failed("connection refused".to_owned())),
        None => {}
    }
    let body = answer.bytes();
    if body.len() > reach.max_answer_bytes {
        return Err(TransportError::TooLarge(reach.max_answer_bytes));
    }
    let headers = answer.headers().into_iter().map(|(name, value)| (name, value.into_bytes())).collect();
    Ok(WireAnswer { status: answer.status.unwrap_or(200), headers, body: Zeroizing::new(body) })
}

#[async_trait]
impl ExchangeRecorder for Wire {
    async fn record(&self, exchange: Exchange) -> Result<(), Error> {
        if exchange.outcome == Outcome::Denied {
            self.played().refused.push(exchange);
        }
        Ok(())
    }
}
