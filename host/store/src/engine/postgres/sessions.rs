//! The connection pool: its size, session timeouts, which sessions are dropped, and the
//! diagnosis if no connection can be acquired.
//!
//! A session that was idle for a second is tested before use. One that was just in use is
//! not, since that would add a round trip to each statement.

use std::str::FromStr as _;
use std::sync::{Arc, Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions};
use tokio::sync::Mutex;

use super::{EngineError, failed, timed_out};

/// A pool of sessions.
pub(super) struct Sessions {
    pub(super) pool: PgPool,
    options: PgConnectOptions,
    /// Why no connection could be acquired, and when that was found out.
    cause: Mutex<Option<(Instant, String)>>,
    suspicion: ReadOnlySuspicion,
}

/// Whether pooled sessions may belong to a server that has become read-only: after
/// a failover they stay connected to the old one.
#[derive(Clone, Default)]
struct ReadOnlySuspicion(Arc<StdMutex<Option<Instant>>>);

impl Sessions {
    /// Connects once, migrates the tables, and opens the pool.
    pub(super) async fn open(url: &str, max_connections: u32) -> Result<Self, EngineError> {
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        let connecting = tokio::time::timeout(ACQUIRE_TIMEOUT, PgConnection::connect_with(&options)).await;
        let mut first = connecting.map_err(|_| timed_out(ACQUIRE_TIMEOUT))?.map_err(failed)?;
        check_connection_limit(&mut first, max_connections).await?;
        // Without a timeout: another node may be migrating, and large tables take time.
        sqlx::migrate!().run(&mut first).await.map_err(EngineError::new)?;
        first.close().await.map_err(failed)?;

        let suspicion = ReadOnlySuspicion::default();
        let pool = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE_TIMEOUT);
        let pool = pool.test_before_acquire(false);
        let shared = suspicion.clone();
        let pool = pool.after_connect(move |connection, _| {
            let is_suspected = shared.is_active();
            Box::pin(async move {
                set_timeouts(connection).await?;
                if is_suspected && is_read_only(connection).await? {
                    return Err(sqlx::Error::Configuration(READ_ONLY.into()));
                }
                Ok(())
            })
        });
        let shared = suspicion.clone();
        let pool = pool.before_acquire(move |connection, session| {
            let is_suspected = shared.is_active();
            Box::pin(async move {
                if is_suspected {
                    let asked = tokio::time::timeout(PROBE_TIMEOUT, is_read_only(connection)).await;
                    return asked.map_err(|_| no_response())?.map(|is_read_only| !is_read_only);
                }
                if session.idle_for > TRUSTED_WHEN_IDLE_FOR {
                    tokio::time::timeout(PROBE_TIMEOUT, connection.ping()).await.map_err(|_| no_response())??;
                }
                Ok(true)
            })
        });
        // A session whose statement was abandoned is closed and frees its place in the pool.
        let pool = pool.after_release(|connection, _| {
            Box::pin(async move {
                Ok(tokio::time::timeout(ACQUIRE_TIMEOUT, connection.ping()).await.is_ok_and(|answer| answer.is_ok()))
            })
        });
        let pool = pool.connect_with(options.clone()).await.map_err(failed)?;
        Ok(Self { pool, options, cause: Mutex::default(), suspicion })
    }

    /// Passes on the outcome of a statement. If the server refused it as read-only, the
    /// pool's sessions are checked before use, and dropped if read-only.
    pub(super) fn watch_read_only<T>(&self, outcome: Result<T, EngineError>) -> Result<T, EngineError> {
        if let Err(error) = &outcome
            && super::code(error).is_some_and(|code| code == READ_ONLY_TRANSACTION)
        {
            self.suspicion.raise();
        }
        outcome
    }

    /// Replaces the pool's timeout error by the reason why no connection was acquired.
    pub(super) async fn explain(&self, error: EngineError) -> EngineError {
        if !matches!(error.source.downcast_ref(), Some(sqlx::Error::PoolTimedOut)) {
            return error;
        }
        // Concurrent callers wait here and share one diagnosis.
        let mut cause = self.cause.lock().await;
        let known = cause.as_ref().filter(|(at, _)| at.elapsed() < PROBE_TIMEOUT).map(|(_, why)| why.clone());
        let why = if let Some(why) = known {
            why
        } else {
            let why = self.diagnose().await;
            *cause = Some((Instant::now(), why.clone()));
            why
        };
        drop(cause);
        EngineError::new(format!("no connection to the database within {} s: {why}", ACQUIRE_TIMEOUT.as_secs()))
    }

    /// Why the database has lately been unavailable.
    pub(super) fn outage(&self) -> Option<String> {
        if self.suspicion.is_active() {
            return Some(READ_ONLY.to_owned());
        }
        // While a diagnosis holds the lock, nothing is known yet.
        let cause = self.cause.try_lock().ok()?;
        cause.as_ref().filter(|(at, _)| at.elapsed() < OUTAGE_REMEMBERED).map(|(_, why)| why.clone())
    }

    async fn diagnose(&self) -> String {
        let connecting = async {
            let mut connection = PgConnection::connect_with(&self.options).await?;
            let is_read_only = is_read_only(&mut connection).await?;
            // It only served to test the connection.
            drop(connection.close().await);
            Ok::<_, sqlx::Error>(is_read_only)
        };
        match tokio::time::timeout(PROBE_TIMEOUT, connecting).await {
            Ok(Ok(true)) => READ_ONLY.to_owned(),
            Ok(Ok(false)) => "all connections that storage.max_connections allows are in use".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".to_owned(),
        }
    }
}

impl ReadOnlySuspicion {
    fn raise(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    fn is_active(&self) -> bool {
        let since = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() < SUSPICION_LASTS)
    }
}

/// Whether the server is a standby, or configured to be read-only.
async fn is_read_only(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let query = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::bool";
    sqlx::query_scalar(query).fetch_one(connection).await
}

fn no_response() -> sqlx::Error {
    sqlx::Error::Io(std::io::ErrorKind::TimedOut.into())
}

/// Refuses a pool that is larger than the number of connections that the server
/// allows.
async fn check_connection_limit(connection: &mut PgConnection, wanted: u32) -> Result<(), EngineError> {
    let query = sqlx::query_scalar(
        "SELECT sum(CASE name WHEN 'max_connections' THEN setting::bigint ELSE -setting::bigint END)::bigint
         FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections')",
    );
    let room: Option<i64> = query.fetch_one(connection).await.map_err(failed)?;
    match room {
        Some(room) if i64::from(wanted) > room => Err(EngineError::new(format!(
            "storage.max_connections is {wanted}, but the server allows {room}: lower it so that the connections of \
             all nodes fit, or raise the server's max_connections"
        ))),
        _ => Ok(()),
    }
}

/// Sets the session's timeouts, except those that the server does not know.
async fn set_timeouts(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    let (names, values): (Vec<&str>, Vec<String>) =
        SESSION.iter().map(|(name, value)| (*name, value.to_string())).unzip();
    sqlx::query(
        "SELECT set_config(name, wanted.value, false)
         FROM unnest($1::text[], $2::text[]) AS wanted (name, value) JOIN pg_settings USING (name)",
    )
    .bind(names)
    .bind(values)
    .execute(connection)
    .await?;
    Ok(())
}

/// The session's settings: `PostgreSQL`'s names, in its units, milliseconds or seconds.
const SESSION: [(&str, u32); 7] = [
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
    ("lock_timeout", 1_000),
    ("statement_timeout", 30_000),
    ("tcp_keepalives_idle", 5),
    ("tcp_keepalives_interval", 1),
    ("tcp_keepalives_count", 3),
    ("tcp_user_timeout", 5_000),
];
/// Far longer than a commit pauses between two statements.
const IDLE_IN_TRANSACTION_MS: u32 = 2_000;
/// For acquiring a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(2);
/// For testing a session, and for a diagnosis, which is not repeated more often
/// either.
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long a diagnosis is reported.
const OUTAGE_REMEMBERED: Duration = Duration::from_secs(5);
/// A session that was used more recently is not tested.
const TRUSTED_WHEN_IDLE_FOR: Duration = Duration::from_secs(1);
/// After a refused write: long enough for every session to be used once.
const SUSPICION_LASTS: Duration = Duration::from_mins(1);
pub(super) const READ_ONLY_TRANSACTION: &str = "25006";
const READ_ONLY: &str = "the database is read-only: it is a standby, or configured to be read-only";
