//! The stream of one watcher.

use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse;
use bursar_domain::access::{self, Right, Standing};
use bursar_domain::id::{AccountId, Reference};
use futures::Stream;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

use super::{OpenStream, Subscription, Told};
use crate::app::App;
use crate::auth::Session;
use crate::sse::KEEP_ALIVE_EVERY;

/// What one watcher of an account is told, until they may not watch any more or
/// the server stops.
pub(crate) struct Feed {
    app: App,
    session: Session,
    account: AccountId,
    subscription: Subscription,
    /// The id that the client knows; empty before it knows any.
    told: String,
    may_read: bool,
    rests: Interval,
    checks: Interval,
    _open: OpenStream,
}

impl Feed {
    /// For a caller who was found to be allowed to watch `account`, from after
    /// the event with the id `last`, or from now.
    pub(crate) fn new(app: App, session: Session, account: AccountId, open: OpenStream, last: Option<&str>) -> Self {
        Self {
            _open: open,
            subscription: app.watchers().subscribe(last),
            told: String::new(),
            may_read: may_read(&session.caller),
            rests: every(KEEP_ALIVE_EVERY),
            checks: every(CHECK_EVERY),
            app,
            session,
            account,
        }
    }

    /// The events, to be sent.
    pub(crate) fn stream(self) -> impl Stream<Item = Result<sse::Event, Infallible>> + Send + 'static {
        futures::stream::unfold(self, |mut feed| async move {
            let event = feed.next().await?;
            Some((Ok(event), feed))
        })
    }

    async fn next(&mut self) -> Option<sse::Event> {
        if self.told.is_empty() && !self.subscription.begins_anew() {
            return Some(self.position());
        }
        loop {
            let app = self.app.clone();
            tokio::select! {
                biased;
                () = app.closing().cancelled() => return None,
                _ = self.checks.tick() => self.may_go_on().await?,
                told = self.subscription.next(self.account) => return Some(self.event(&told)),
                _ = self.rests.tick() => if self.subscription.id() != self.told {
                    return Some(self.position());
                },
            }
        }
    }

    /// Where the client is now, without an event: who comes back with it misses
    /// nothing, also where nothing was told meanwhile.
    fn position(&mut self) -> sse::Event {
        self.told = self.subscription.id();
        sse::Event::default().id(&self.told)
    }

    fn event(&mut self, told: &Told) -> sse::Event {
        self.rests.reset();
        self.told = self.subscription.id();
        let event = sse::Event::default().id(&self.told);
        match told {
            Told::Reset => event.event("reset").data("{}"),
            Told::Event(told) => event.event(told.name()).data(told.data(self.may_read).to_string()),
        }
    }

    /// Asks again whether the caller may watch: a revoked token, a lost role or
    /// a deleted account ends the stream. So does a store that cannot say; the
    /// client comes back and is told why.
    async fn may_go_on(&mut self) -> Option<()> {
        let caller = self.session.renewed(&self.app).await.ok()?;
        self.app.broker().watch(&caller, &Reference::Id(self.account.0)).await.ok()?;
        self.may_read = may_read(&caller);
        self.session.caller = caller;
        Some(())
    }
}

fn may_read(caller: &access::Caller) -> bool {
    match caller.standing {
        Standing::Operator => true,
        Standing::InAccount { role, .. } => role.may(Right::Read),
    }
}

fn every(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

const CHECK_EVERY: Duration = Duration::from_secs(15);
