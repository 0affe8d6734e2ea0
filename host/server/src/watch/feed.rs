//! The stream of one watcher.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse;
use bursar_kernel::id::{AccountId, Reference};
use bursar_kernel::{Authority, Right};
use futures::Stream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{OpenStream, Subscription, Update};
use crate::app::App;
use crate::auth::Session;
use crate::sse::KEEP_ALIVE_EVERY;

/// The updates of one watcher of an account, until they may no longer watch or the
/// server stops.
pub(crate) struct Feed {
    app: App,
    session: Session,
    account: AccountId,
    subscription: Subscription,
    /// The last id sent to the client; empty before the first.
    sent: String,
    may_read: bool,
    rests: Interval,
    checks: Interval,
    _open: OpenStream,
}

impl Feed {
    /// For a caller who may watch `account`, from after the event with the id `last`, or
    /// from now.
    pub(crate) fn new(app: App, session: Session, account: AccountId, open: OpenStream, last: Option<&str>) -> Self {
        Self {
            _open: open,
            subscription: app.watchers().subscribe(last),
            sent: String::new(),
            may_read: may_read(&session.caller),
            rests: every(KEEP_ALIVE_EVERY),
            checks: every(CHECK_EVERY),
            app,
            session,
            account,
        }
    }

    /// The events.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        if self.sent.is_empty() && !self.subscription.begins_anew() {
            return Some(self.position());
        }
        loop {
            let app = self.app.clone();
            tokio::select! {
                biased;
                () = app.closing().cancelled() => return None,
                _ = self.checks.tick() => self.may_go_on().await?,
                update = self.subscription.next(self.account) => return Some(self.event(&update)),
                _ = self.rests.tick() => if self.subscription.id() != self.sent {
                    return Some(self.position());
                },
            }
        }
    }

    /// The current id without an event, so that a client can resume even where nothing
    /// has happened.
    fn position(&mut self) -> sse::Event {
        self.sent = self.subscription.id();
        sse::Event::default().id(&self.sent)
    }

    fn event(&mut self, update: &Update) -> sse::Event {
        self.rests.reset();
        self.sent = self.subscription.id();
        let event = sse::Event::default().id(&self.sent);
        match update {
            Update::Reset => event.event("reset").data("{}"),
            Update::Event(changed) => event.event(changed.name()).data(changed.data(self.may_read).to_string()),
        }
    }

    /// Authorizes the caller again: a revoked token, a lost role or a deleted account
    /// ends the stream. So does a store that is not available; the client reconnects
    /// and gets the reason.
    async fn may_go_on(&mut self) -> Option<()> {
        let caller = self.session.renewed(&self.app).await.ok()?;
        self.app.broker().regions.watch(&caller, &Reference::Id(self.account.0)).await.ok()?;
        self.may_read = may_read(&caller);
        self.session.caller = caller;
        Some(())
    }
}

fn may_read(caller: &bursar_kernel::Caller) -> bool {
    match caller.authority {
        Authority::Operator => true,
        Authority::InAccount { role, .. } => role.may(Right::Read),
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

const CHECK_EVERY: Duration = Duration::from_secs(15);
