//! The distributed engine: any number of nodes over one `PostgreSQL`.
//!
//! Transactions run at READ COMMITTED with what they decide on locked: rows by
//! `FOR UPDATE`, or by `FOR SHARE` where they are only read, absent keys by an
//! advisory lock, always in one order. What still collides (a unique violation,
//! 40001, 40P01, a lock that does not come) is answered as retryable.
//!
//! A node may be stopped or cut off at any moment, in a transaction too. The
//! server then ends its session within [`IDLE_IN_TRANSACTION_MS`], and with it
//! its locks.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use bursar_domain::store::Revision;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection as _, Postgres, Row as _};
use tokio::sync::Mutex;

use super::{Engine, EngineError, Row, Snapshot, Transaction, Write, end_of};

/// A pool of connections to one database.
pub struct PostgresEngine {
    pool: PgPool,
    options: PgConnectOptions,
    /// Why the last connection did not come, and when that was found out.
    cause: Mutex<Option<(Instant, String)>>,
}

impl PostgresEngine {
    /// Connects and brings the tables up to date.
    ///
    /// # Errors
    ///
    /// Where the server cannot be reached, refuses, or the database was
    /// migrated by a newer version.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, EngineError> {
        let options = PgConnectOptions::from_str(url).map_err(failed)?;
        let connecting = tokio::time::timeout(ACQUIRE, PgConnection::connect_with(&options)).await;
        let mut first = connecting.map_err(|_| unanswered(ACQUIRE))?.map_err(failed)?;
        has_room(&mut first, max_connections).await?;
        // Another node may be at it, and large tables take their time.
        sqlx::migrate!().run(&mut first).await.map_err(EngineError::new)?;
        first.close().await.map_err(failed)?;
        let pool = PgPoolOptions::new().max_connections(max_connections).acquire_timeout(ACQUIRE);
        let pool = pool.after_connect(|connection, _| Box::pin(bound(connection)));
        // One that was given up on in the middle does not come back, nor keeps its place.
        let pool = pool.after_release(|connection, _| {
            Box::pin(
                async move { Ok(tokio::time::timeout(ACQUIRE, connection.ping()).await.is_ok_and(|it| it.is_ok())) },
            )
        });
        let pool = pool.connect_with(options.clone()).await.map_err(failed)?;
        Ok(Self { pool, options, cause: Mutex::default() })
    }

    /// A pool whose connections do not come says that it timed out: this says why.
    async fn explained(&self, error: EngineError) -> EngineError {
        if !matches!(error.source.downcast_ref(), Some(sqlx::Error::PoolTimedOut)) {
            return error;
        }
        // Those who come meanwhile share what one finds out.
        let mut cause = self.cause.lock().await;
        let known = cause.as_ref().filter(|(at, _)| at.elapsed() < CAUSE_HOLDS).map(|(_, why)| why.clone());
        let why = if let Some(why) = known {
            why
        } else {
            let why = self.why_none_comes().await;
            *cause = Some((Instant::now(), why.clone()));
            why
        };
        drop(cause);
        EngineError::new(format!("no connection to the database within {} s: {why}", ACQUIRE.as_secs()))
    }

    async fn why_none_comes(&self) -> String {
        match tokio::time::timeout(CAUSE_HOLDS, PgConnection::connect_with(&self.options)).await {
            Ok(Ok(connection)) => {
                // It was only to see whether one comes.
                drop(connection.close().await);
                "all that storage.max_connections allows are in use".to_owned()
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => "it does not answer".to_owned(),
        }
    }
}

/// Whether the server lets as many connections in as the pool may have.
async fn has_room(connection: &mut PgConnection, wanted: u32) -> Result<(), EngineError> {
    let query = sqlx::query_scalar(
        "SELECT sum(CASE name WHEN 'max_connections' THEN setting::bigint ELSE -setting::bigint END)::bigint
         FROM pg_settings WHERE name IN ('max_connections', 'superuser_reserved_connections')",
    );
    let room: Option<i64> = query.fetch_one(connection).await.map_err(failed)?;
    match room {
        Some(room) if i64::from(wanted) > room => Err(EngineError::new(format!(
            "storage.max_connections is {wanted}, and the server lets {room} in: lower it, so that those of all nodes \
             together fit, or raise max_connections of the server"
        ))),
        _ => Ok(()),
    }
}

/// Sets how long the server waits for a session. A server that does not know a
/// setting is left as it is.
async fn bound(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
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

#[async_trait]
impl Engine for PostgresEngine {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        let query = sqlx::query("SELECT key, revision, value FROM record WHERE key = ANY($1)").bind(keys);
        let found = match answered(query.fetch_all(&self.pool)).await {
            Ok(found) => found,
            Err(error) => return Err(self.explained(error).await),
        };
        let found = found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(keys.iter().map(|key| found.iter().find(|row| row.key == *key).cloned()).collect())
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        match scan_rows(&self.pool, prefix, after, limit).await {
            Err(error) => Err(self.explained(error).await),
            found => found,
        }
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        let tx = match answered(self.pool.begin()).await {
            Ok(tx) => tx,
            Err(error) => return Err(self.explained(error).await),
        };
        Ok(Box::new(PostgresTransaction { tx, existing: HashSet::new() }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        let mut tx = match answered(self.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")).await {
            Ok(tx) => tx,
            Err(error) => return Err(self.explained(error).await),
        };
        // It locks nothing, and whoever reads it may be slow.
        answered(sqlx::query(WAIT_FOR_CALLER).execute(&mut *tx)).await?;
        Ok(Box::new(PostgresSnapshot(tx)))
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}

struct PostgresTransaction {
    tx: sqlx::Transaction<'static, Postgres>,
    /// Locked keys that have a row: those are updated, all others inserted.
    existing: HashSet<Vec<u8>>,
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.take(keys, &EXCLUSIVE).await
    }

    async fn hold(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.take(keys, &SHARED).await
    }

    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        let query = sqlx::query("SELECT key, revision, value FROM record WHERE key = $1").bind(key);
        let found = answered(query.fetch_optional(&mut *self.tx)).await?;
        found.as_ref().map(row).transpose()
    }

    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        scan_rows(&mut *self.tx, prefix, after, limit).await
    }

    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError> {
        let count = i64::try_from(count).map_err(EngineError::new)?;
        let query = sqlx::query_scalar("SELECT nextval('record_revision') FROM generate_series(1, $1)").bind(count);
        let taken: Vec<i64> = answered(query.fetch_all(&mut *self.tx)).await?;
        taken.into_iter().map(|revision| u64::try_from(revision).map_err(EngineError::new)).collect()
    }

    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError> {
        let query = sqlx::query("SELECT setval('record_revision', greatest($1, nextval('record_revision')))");
        answered(query.bind(stored(revision)?).execute(&mut *self.tx)).await?;
        Ok(())
    }

    async fn wait_for_caller(&mut self) -> Result<(), EngineError> {
        answered(sqlx::query(WAIT_FOR_CALLER).execute(&mut *self.tx)).await.map(drop)
    }

    async fn apply(&mut self, writes: Vec<Write>) -> Result<(), EngineError> {
        let (mut inserts, mut updates, mut deletes) = (Columns::default(), Columns::default(), Vec::new());
        for Write { key, content } in writes {
            match content {
                None => deletes.push(key),
                Some((revision, value)) if self.existing.contains(&key) => updates.push(key, revision, value)?,
                Some((revision, value)) => inserts.push(key, revision, value)?,
            }
        }
        if !deletes.is_empty() {
            let delete = sqlx::query("DELETE FROM record WHERE key = ANY($1)").bind(deletes);
            answered(delete.execute(&mut *self.tx)).await?;
        }
        if !updates.keys.is_empty() {
            let update = sqlx::query(
                "UPDATE record SET revision = new.revision, value = new.value
                 FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS new (key, revision, value)
                 WHERE record.key = new.key",
            );
            answered(updates.bind(update).execute(&mut *self.tx)).await?;
        }
        if !inserts.keys.is_empty() {
            let insert = sqlx::query("INSERT INTO record SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])");
            answered(inserts.bind(insert).execute(&mut *self.tx)).await?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), EngineError> {
        let error = match tokio::time::timeout(ANSWER, self.tx.commit()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => failed(error),
            Err(_) => unanswered(ANSWER),
        };
        // Without an answer nobody knows whether it happened: trying again could
        // conflict with itself.
        let collided = code(&error).is_some_and(|code| COLLISIONS.contains(&code.as_str()));
        Err(EngineError { retryable: collided, ..error })
    }
}

impl PostgresTransaction {
    async fn take(&mut self, keys: &[Vec<u8>], kind: &LockKind) -> Result<Vec<Option<Revision>>, EngineError> {
        let mut found = self.take_rows(keys, kind).await?;
        let absent: Vec<Vec<u8>> =
            keys.iter().filter(|key| !found.iter().any(|(locked, _)| locked == *key)).cloned().collect();
        if !absent.is_empty() {
            answered(sqlx::query(kind.absent).bind(&absent).execute(&mut *self.tx)).await?;
            // Whoever held the lock before may have made the row.
            found.extend(self.take_rows(&absent, kind).await?);
        }
        self.existing.extend(found.iter().map(|(key, _)| key.clone()));
        let found: HashMap<_, _> = found.into_iter().collect();
        Ok(keys.iter().map(|key| found.get(key).copied()).collect())
    }

    async fn take_rows(&mut self, keys: &[Vec<u8>], kind: &LockKind) -> Result<Vec<(Vec<u8>, Revision)>, EngineError> {
        let rows = answered(sqlx::query(kind.rows).bind(keys).fetch_all(&mut *self.tx)).await?;
        rows.iter().map(|row| Ok((row.try_get(0).map_err(failed)?, revision(row)?))).collect()
    }
}

struct PostgresSnapshot(sqlx::Transaction<'static, Postgres>);

#[async_trait]
impl Snapshot for PostgresSnapshot {
    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        scan_rows(&mut *self.0, prefix, after, limit).await
    }
}

/// Rows as the arrays that `unnest` takes.
#[derive(Default)]
struct Columns {
    keys: Vec<Vec<u8>>,
    revisions: Vec<i64>,
    values: Vec<Vec<u8>>,
}

impl Columns {
    fn push(&mut self, key: Vec<u8>, revision: Revision, value: Vec<u8>) -> Result<(), EngineError> {
        self.revisions.push(stored(revision)?);
        self.keys.push(key);
        self.values.push(value);
        Ok(())
    }

    fn bind(self, query: Query) -> Query {
        query.bind(self.keys).bind(self.revisions).bind(self.values)
    }
}

type Query = sqlx::query::Query<'static, Postgres, sqlx::postgres::PgArguments>;

async fn scan_rows<'c>(
    executor: impl sqlx::Executor<'c, Database = Postgres>,
    prefix: &[u8],
    after: &[u8],
    limit: usize,
) -> Result<Vec<Row>, EngineError> {
    let query = sqlx::query(
        "SELECT key, revision, value FROM record
         WHERE key >= $1 AND ($2 = ''::bytea OR key > $2) AND ($3::bytea IS NULL OR key < $3)
         ORDER BY key LIMIT $4",
    );
    let query = query.bind(prefix).bind(after).bind(end_of(prefix)).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = answered(query.fetch_all(executor)).await?;
    rows.iter().map(row).collect()
}

fn row(row: &PgRow) -> Result<Row, EngineError> {
    Ok(Row { key: row.try_get(0).map_err(failed)?, revision: revision(row)?, value: row.try_get(2).map_err(failed)? })
}

fn revision(row: &PgRow) -> Result<Revision, EngineError> {
    let revision: i64 = row.try_get(1).map_err(failed)?;
    u64::try_from(revision).map_err(EngineError::new)
}

fn stored(revision: Revision) -> Result<i64, EngineError> {
    i64::try_from(revision).map_err(EngineError::new)
}

/// What comes of `asked`, within the time that the database has for an answer.
async fn answered<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, EngineError> {
    tokio::time::timeout(ANSWER, asked).await.map_or_else(|_| Err(unanswered(ANSWER)), |answer| answer.map_err(failed))
}

fn unanswered(within: Duration) -> EngineError {
    EngineError::new(format!("the database did not answer for {} s", within.as_secs()))
}

/// Before the commit nothing has happened, so what broke off can be tried again.
fn failed(error: sqlx::Error) -> EngineError {
    let retryable = match &error {
        sqlx::Error::Io(_) => true,
        error => database_code(error)
            .is_some_and(|code| COLLISIONS.contains(&code.as_str()) || ENDED.contains(&code.as_str())),
    };
    EngineError { retryable, source: Box::new(error) }
}

fn code(error: &EngineError) -> Option<String> {
    database_code(error.source.downcast_ref()?)
}

fn database_code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

/// How rows are locked, and keys that have none.
struct LockKind {
    rows: &'static str,
    absent: &'static str,
}

const EXCLUSIVE: LockKind = LockKind {
    rows: "SELECT key, revision FROM record WHERE key = ANY($1) ORDER BY key FOR UPDATE",
    absent: "SELECT pg_advisory_xact_lock(lock) FROM
             (SELECT DISTINCT hashtextextended(encode(key, 'hex'), 0) AS lock FROM unnest($1::bytea[]) AS key ORDER BY 1) AS locks",
};
const SHARED: LockKind = LockKind {
    rows: "SELECT key, revision FROM record WHERE key = ANY($1) ORDER BY key FOR SHARE",
    absent: "SELECT pg_advisory_xact_lock_shared(lock) FROM
             (SELECT DISTINCT hashtextextended(encode(key, 'hex'), 0) AS lock FROM unnest($1::bytea[]) AS key ORDER BY 1) AS locks",
};

/// For this transaction alone.
const WAIT_FOR_CALLER: &str = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)";
/// What a session is held to: `PostgreSQL`'s names, milliseconds and seconds as it
/// takes them.
const SESSION: [(&str, u32); 7] = [
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION_MS),
    ("lock_timeout", 1_000),
    ("statement_timeout", 30_000),
    ("tcp_keepalives_idle", 5),
    ("tcp_keepalives_interval", 1),
    ("tcp_keepalives_count", 3),
    ("tcp_user_timeout", 5_000),
];
/// Far longer than a commit takes between two of its statements.
const IDLE_IN_TRANSACTION_MS: u32 = 2_000;
/// For a connection: the database is away, or has none left.
const ACQUIRE: Duration = Duration::from_secs(2);
/// For an answer of any other kind: longer than a lock may take to come.
const ANSWER: Duration = Duration::from_secs(5);
/// Finding out why none comes takes no longer, and is not done more often.
const CAUSE_HOLDS: Duration = Duration::from_secs(1);
/// A unique violation, a serialization failure, a deadlock, a lock that did not
/// come.
const COLLISIONS: [&str; 4] = ["23505", "40001", "40P01", "55P03"];
/// The session was ended, or is of a server that goes down or comes up.
const ENDED: [&str; 4] = ["25P03", "57P01", "57P02", "57P03"];
