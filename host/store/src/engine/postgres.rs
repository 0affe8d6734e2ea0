//! The distributed engine: any number of nodes over one `PostgreSQL`.
//!
//! Transactions run at READ COMMITTED and lock whatever they decide on: rows by
//! `FOR UPDATE`, or by `FOR SHARE` if they are only read, absent keys by an advisory
//! lock, always in the same order. Collisions that remain (a unique violation, 40001,
//! 40P01, a lock timeout) are reported as retryable.
//!
//! A node may be suspended or disconnected at any moment, even in a transaction. The
//! server then ends its session, and releases its locks, within seconds: see
//! [`sessions`].

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bursar_kernel::store::Revision;
use jiff::Timestamp;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row as _};

use self::sessions::Sessions;
use super::{Engine, EngineError, Row, Scan, Snapshot, Transaction, Write, prefix_end};

mod sessions;

/// One database, through a pool of sessions.
pub struct PostgresEngine {
    sessions: Arc<Sessions>,
}

impl PostgresEngine {
    /// Connects and migrates the tables.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached or refuses, or a newer version migrated the
    /// database.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, EngineError> {
        Ok(Self { sessions: Arc::new(Sessions::open(url, max_connections).await?) })
    }

    async fn session(&self) -> Result<PoolConnection<Postgres>, EngineError> {
        match self.sessions.pool.acquire().await {
            Ok(session) => Ok(session),
            Err(error) => Err(self.sessions.explain(failed(error)).await),
        }
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        let mut tries = 0;
        let found = loop {
            let mut session = self.session().await?;
            let query = sqlx::query("SELECT key, revision, value FROM record WHERE key = ANY($1)").bind(keys);
            match bounded(query.fetch_all(&mut *session)).await {
                Err(error) if error.retryable && tries < READ_TRIES => tries += 1,
                found => break found?,
            }
        };
        let found = found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(keys.iter().map(|key| found.iter().find(|row| row.key == *key).cloned()).collect())
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        let mut tries = 0;
        loop {
            let mut session = self.session().await?;
            match scan_rows(&mut *session, prefix, after, limit).await {
                Err(error) if error.retryable && tries < READ_TRIES => tries += 1,
                found => return found,
            }
        }
    }

    async fn read_all(&self, keys: &[Vec<u8>], scans: &[Scan]) -> Result<(Vec<Row>, Vec<Vec<Row>>), EngineError> {
        let text = read_all_statement(scans.len());
        let mut tries = 0;
        let rows = loop {
            let mut session = self.session().await?;
            let mut query = sqlx::query(sqlx::AssertSqlSafe(text.as_str())).bind(keys);
            for Scan { prefix, after, limit } in scans {
                query = query.bind(prefix).bind(after).bind(prefix_end(prefix));
                query = query.bind(i64::try_from(*limit).unwrap_or(i64::MAX));
            }
            match bounded(query.fetch_all(&mut *session)).await {
                Err(error) if error.retryable && tries < READ_TRIES => tries += 1,
                rows => break rows?,
            }
        };
        let (mut of_keys, mut of_scans) = (Vec::new(), vec![Vec::new(); scans.len()]);
        for found in &rows {
            let part: i32 = found.try_get(3).map_err(failed)?;
            let scan = usize::try_from(part).ok().and_then(|part| part.checked_sub(1));
            let rows = scan.and_then(|scan| of_scans.get_mut(scan)).unwrap_or(&mut of_keys);
            rows.push(row(found)?);
        }
        Ok((of_keys, of_scans))
    }

    fn is_remote(&self) -> bool {
        true
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        let tx = match bounded(self.sessions.pool.begin()).await {
            Ok(tx) => tx,
            Err(error) => return Err(self.sessions.explain(error).await),
        };
        let (existing, sessions) = (HashSet::new(), Arc::clone(&self.sessions));
        Ok(Box::new(PostgresTransaction { tx, existing, sessions, timeout: ANSWER_TIMEOUT }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        let begin = self.sessions.pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
        let mut tx = match bounded(begin).await {
            Ok(tx) => tx,
            Err(error) => return Err(self.sessions.explain(error).await),
        };
        // It locks nothing, and its reader may be slow.
        bounded(sqlx::query(DISABLE_IDLE_TIMEOUT).execute(&mut *tx)).await?;
        Ok(Box::new(PostgresSnapshot(tx)))
    }

    async fn time(&self) -> Result<Option<Timestamp>, EngineError> {
        let mut session = self.session().await?;
        let query = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint");
        let micros = bounded(query.fetch_one(&mut *session)).await?;
        Timestamp::from_microsecond(micros).map(Some).map_err(EngineError::new)
    }

    fn outage(&self) -> Option<String> {
        self.sessions.outage()
    }

    async fn close(&self) {
        self.sessions.pool.close().await;
    }
}

struct PostgresTransaction {
    tx: sqlx::Transaction<'static, Postgres>,
    /// Locked keys that have a row: these are updated, all others inserted.
    existing: HashSet<Vec<u8>>,
    sessions: Arc<Sessions>,
    /// How long a statement may take.
    timeout: Duration,
}

#[async_trait]
impl Transaction for PostgresTransaction {
    async fn lock(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.lock_keys(keys, &EXCLUSIVE).await
    }

    async fn lock_shared(&mut self, keys: &[Vec<u8>]) -> Result<Vec<Option<Revision>>, EngineError> {
        self.lock_keys(keys, &SHARED).await
    }

    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        let query = sqlx::query("SELECT key, revision, value FROM record WHERE key = $1").bind(key);
        let found = bounded_by(self.timeout, query.fetch_optional(&mut *self.tx)).await?;
        found.as_ref().map(row).transpose()
    }

    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        scan_rows(&mut *self.tx, prefix, after, limit).await
    }

    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError> {
        let count = i64::try_from(count).map_err(EngineError::new)?;
        let query = sqlx::query_scalar("SELECT nextval('record_revision') FROM generate_series(1, $1)").bind(count);
        let taken: Vec<i64> =
            self.sessions.watch_read_only(bounded_by(self.timeout, query.fetch_all(&mut *self.tx)).await)?;
        taken.into_iter().map(|revision| u64::try_from(revision).map_err(EngineError::new)).collect()
    }

    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError> {
        let query = sqlx::query("SELECT setval('record_revision', greatest($1, nextval('record_revision')))");
        bounded_by(self.timeout, query.bind(to_bigint(revision)?).execute(&mut *self.tx)).await?;
        Ok(())
    }

    fn allow_long_statements(&mut self) {
        self.timeout = LONG_ANSWER_TIMEOUT;
    }

    async fn disable_idle_timeout(&mut self) -> Result<(), EngineError> {
        bounded_by(self.timeout, sqlx::query(DISABLE_IDLE_TIMEOUT).execute(&mut *self.tx)).await.map(drop)
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
            self.sessions.watch_read_only(bounded_by(self.timeout, delete.execute(&mut *self.tx)).await)?;
        }
        if !updates.keys.is_empty() {
            let update = sqlx::query(
                "UPDATE record SET revision = new.revision, value = new.value
                 FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS new (key, revision, value)
                 WHERE record.key = new.key",
            );
            self.sessions
                .watch_read_only(bounded_by(self.timeout, updates.bind(update).execute(&mut *self.tx)).await)?;
        }
        if !inserts.keys.is_empty() {
            let insert = sqlx::query("INSERT INTO record SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])");
            self.sessions
                .watch_read_only(bounded_by(self.timeout, inserts.bind(insert).execute(&mut *self.tx)).await)?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), EngineError> {
        let error = match tokio::time::timeout(self.timeout, self.tx.commit()).await {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) => failed(error),
            Err(_) => timed_out(self.timeout),
        };
        // Without an answer the commit may have happened: a retry could conflict with
        // itself.
        let collided = code(&error).is_some_and(|code| COLLISIONS.contains(&code.as_str()));
        let uncertain = code(&error).is_none_or(|code| SESSION_ENDED.contains(&code.as_str()));
        Err(EngineError { retryable: collided, uncertain, ..error })
    }
}

impl PostgresTransaction {
    async fn lock_keys(&mut self, keys: &[Vec<u8>], kind: &LockKind) -> Result<Vec<Option<Revision>>, EngineError> {
        let mut found = self.lock_rows(keys, kind).await?;
        let absent: Vec<Vec<u8>> =
            keys.iter().filter(|key| !found.iter().any(|(locked, _)| locked == *key)).cloned().collect();
        if !absent.is_empty() {
            bounded_by(self.timeout, sqlx::query(kind.absent).bind(&absent).execute(&mut *self.tx)).await?;
            // The previous holder of the lock may have created the row.
            found.extend(self.lock_rows(&absent, kind).await?);
        }
        self.existing.extend(found.iter().map(|(key, _)| key.clone()));
        let found: HashMap<_, _> = found.into_iter().collect();
        Ok(keys.iter().map(|key| found.get(key).copied()).collect())
    }

    async fn lock_rows(&mut self, keys: &[Vec<u8>], kind: &LockKind) -> Result<Vec<(Vec<u8>, Revision)>, EngineError> {
        let rows = bounded_by(self.timeout, sqlx::query(kind.rows).bind(keys).fetch_all(&mut *self.tx)).await;
        let rows = self.sessions.watch_read_only(rows)?;
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
        self.revisions.push(to_bigint(revision)?);
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
    let query = query.bind(prefix).bind(after).bind(prefix_end(prefix)).bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = bounded(query.fetch_all(executor)).await?;
    rows.iter().map(row).collect()
}

/// A statement for keys and a number of scans, as [`Engine::get_many`] and [`scan_rows`]
/// but as of one moment.
fn read_all_statement(scans: usize) -> String {
    let mut text = String::from("SELECT key, revision, value, 0 AS part FROM record WHERE key = ANY($1)");
    for scan in 1..=scans {
        let [prefix, after, end, limit] = [2, 3, 4, 5].map(|number| number + (scan - 1) * 4);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            " UNION ALL (SELECT key, revision, value, {scan} FROM record
             WHERE key >= ${prefix} AND (${after} = ''::bytea OR key > ${after})
             AND (${end}::bytea IS NULL OR key < ${end}) ORDER BY key LIMIT ${limit})"
        );
    }
    text
}

fn row(row: &PgRow) -> Result<Row, EngineError> {
    Ok(Row { key: row.try_get(0).map_err(failed)?, revision: revision(row)?, value: row.try_get(2).map_err(failed)? })
}

fn revision(row: &PgRow) -> Result<Revision, EngineError> {
    let revision: i64 = row.try_get(1).map_err(failed)?;
    u64::try_from(revision).map_err(EngineError::new)
}

fn to_bigint(revision: Revision) -> Result<i64, EngineError> {
    i64::try_from(revision).map_err(EngineError::new)
}

/// The result of `asked`, or an error after [`ANSWER_TIMEOUT`].
async fn bounded<T>(asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, EngineError> {
    bounded_by(ANSWER_TIMEOUT, asked).await
}

async fn bounded_by<T>(limit: Duration, asked: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, EngineError> {
    let answer = tokio::time::timeout(limit, asked).await;
    answer.map_or_else(|_| Err(timed_out(limit)), |answer| answer.map_err(failed))
}

fn timed_out(within: Duration) -> EngineError {
    EngineError::new(format!("the database did not answer within {} s", within.as_secs()))
}

/// Before the commit nothing has changed, so a lost session is retryable.
fn failed(error: sqlx::Error) -> EngineError {
    let retryable = match &error {
        sqlx::Error::Io(_) => true,
        error => database_code(error)
            .is_some_and(|code| COLLISIONS.contains(&code.as_str()) || SESSION_ENDED.contains(&code.as_str())),
    };
    EngineError { retryable, ..EngineError::new(error) }
}

fn code(error: &EngineError) -> Option<String> {
    database_code(error.source.downcast_ref()?)
}

fn database_code(error: &sqlx::Error) -> Option<String> {
    error.as_database_error().and_then(sqlx::error::DatabaseError::code).map(std::borrow::Cow::into_owned)
}

/// The statements that lock rows, and keys without a row.
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

/// Applies to the current transaction only.
const DISABLE_IDLE_TIMEOUT: &str = "SELECT set_config('idle_in_transaction_session_timeout', '0', true)";
/// For a statement: longer than the lock timeout.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);
/// For transactions that rewrite or fill a whole store.
const LONG_ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// For reads whose session had ended: other sessions in the pool may have ended too.
const READ_TRIES: u32 = 3;
/// A unique violation, a serialization failure, a deadlock, a lock timeout.
const COLLISIONS: [&str; 4] = ["23505", "40001", "40P01", "55P03"];
/// The session was ended, or its server is stopping, starting, or has become
/// read-only.
const SESSION_ENDED: [&str; 5] = ["25P03", "57P01", "57P02", "57P03", sessions::READ_ONLY_TRANSACTION];
