//! The distributed engine: any number of nodes over one `PostgreSQL`.
//!
//! Transactions run at READ COMMITTED with what they decide on locked: rows by
//! `FOR UPDATE`, absent keys by an advisory lock, always in one order. What
//! still collides (a unique violation, 40001, 40P01) is answered as retryable.

use std::collections::HashSet;

use async_trait::async_trait;
use bursar_domain::store::Revision;
use sqlx::postgres::{PgPool, PgPoolOptions, PgRow};
use sqlx::{Postgres, Row as _};

use super::{Engine, EngineError, Row, Snapshot, Transaction, Write, end_of};

/// A pool of connections to one database.
pub struct PostgresEngine(PgPool);

impl PostgresEngine {
    /// Connects and brings the tables up to date.
    ///
    /// # Errors
    ///
    /// Where the server cannot be reached, refuses, or the database was
    /// migrated by a newer version.
    pub async fn connect(url: &str, max_connections: u32) -> Result<Self, EngineError> {
        let pool = PgPoolOptions::new().max_connections(max_connections).connect(url).await.map_err(failed)?;
        sqlx::migrate!().run(&pool).await.map_err(EngineError::new)?;
        Ok(Self(pool))
    }
}

#[async_trait]
impl Engine for PostgresEngine {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Row>>, EngineError> {
        let found = sqlx::query("SELECT key, revision, value FROM record WHERE key = ANY($1)")
            .bind(keys)
            .fetch_all(&self.0)
            .await
            .map_err(failed)?;
        let found = found.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        Ok(keys.iter().map(|key| found.iter().find(|row| row.key == *key).cloned()).collect())
    }

    async fn scan(&self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        scan_rows(&self.0, prefix, after, limit).await
    }

    async fn begin(&self) -> Result<Box<dyn Transaction>, EngineError> {
        let tx = self.0.begin().await.map_err(failed)?;
        Ok(Box::new(PostgresTransaction { tx, existing: HashSet::new() }))
    }

    async fn snapshot(&self) -> Result<Box<dyn Snapshot>, EngineError> {
        let tx = self.0.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await.map_err(failed)?;
        Ok(Box::new(PostgresSnapshot(tx)))
    }

    async fn close(&self) {
        self.0.close().await;
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
        let mut found = self.lock_rows(keys).await?;
        let absent: Vec<Vec<u8>> =
            keys.iter().filter(|key| !found.iter().any(|(locked, _)| locked == *key)).cloned().collect();
        if !absent.is_empty() {
            sqlx::query(
                "SELECT pg_advisory_xact_lock(lock) FROM
                 (SELECT DISTINCT hashtextextended(encode(key, 'hex'), 0) AS lock FROM unnest($1::bytea[]) AS key ORDER BY 1) AS locks",
            )
            .bind(&absent)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
            // Whoever held the lock before may have made the row.
            found.extend(self.lock_rows(&absent).await?);
        }
        self.existing.extend(found.iter().map(|(key, _)| key.clone()));
        let found: std::collections::HashMap<_, _> = found.into_iter().collect();
        Ok(keys.iter().map(|key| found.get(key).copied()).collect())
    }

    async fn get(&mut self, key: &[u8]) -> Result<Option<Row>, EngineError> {
        let found = sqlx::query("SELECT key, revision, value FROM record WHERE key = $1")
            .bind(key)
            .fetch_optional(&mut *self.tx)
            .await
            .map_err(failed)?;
        found.as_ref().map(row).transpose()
    }

    async fn scan(&mut self, prefix: &[u8], after: &[u8], limit: usize) -> Result<Vec<Row>, EngineError> {
        scan_rows(&mut *self.tx, prefix, after, limit).await
    }

    async fn revisions(&mut self, count: usize) -> Result<Vec<Revision>, EngineError> {
        let count = i64::try_from(count).map_err(EngineError::new)?;
        let taken: Vec<i64> = sqlx::query_scalar("SELECT nextval('record_revision') FROM generate_series(1, $1)")
            .bind(count)
            .fetch_all(&mut *self.tx)
            .await
            .map_err(failed)?;
        taken.into_iter().map(|revision| u64::try_from(revision).map_err(EngineError::new)).collect()
    }

    async fn raise_revision(&mut self, revision: Revision) -> Result<(), EngineError> {
        sqlx::query("SELECT setval('record_revision', greatest($1, nextval('record_revision')))")
            .bind(stored(revision)?)
            .execute(&mut *self.tx)
            .await
            .map_err(failed)?;
        Ok(())
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
            delete.execute(&mut *self.tx).await.map_err(failed)?;
        }
        if !updates.keys.is_empty() {
            let update = sqlx::query(
                "UPDATE record SET revision = new.revision, value = new.value
                 FROM unnest($1::bytea[], $2::bigint[], $3::bytea[]) AS new (key, revision, value)
                 WHERE record.key = new.key",
            );
            updates.bind(update).execute(&mut *self.tx).await.map_err(failed)?;
        }
        if !inserts.keys.is_empty() {
            let insert = sqlx::query("INSERT INTO record SELECT * FROM unnest($1::bytea[], $2::bigint[], $3::bytea[])");
            inserts.bind(insert).execute(&mut *self.tx).await.map_err(failed)?;
        }
        Ok(())
    }

    async fn commit(self: Box<Self>) -> Result<(), EngineError> {
        self.tx.commit().await.map_err(failed)
    }
}

impl PostgresTransaction {
    async fn lock_rows(&mut self, keys: &[Vec<u8>]) -> Result<Vec<(Vec<u8>, Revision)>, EngineError> {
        let rows = sqlx::query("SELECT key, revision FROM record WHERE key = ANY($1) ORDER BY key FOR UPDATE")
            .bind(keys)
            .fetch_all(&mut *self.tx)
            .await
            .map_err(failed)?;
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
    let rows = sqlx::query(
        "SELECT key, revision, value FROM record
         WHERE key >= $1 AND ($2 = ''::bytea OR key > $2) AND ($3::bytea IS NULL OR key < $3)
         ORDER BY key LIMIT $4",
    )
    .bind(prefix)
    .bind(after)
    .bind(end_of(prefix))
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(executor)
    .await
    .map_err(failed)?;
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

fn failed(error: sqlx::Error) -> EngineError {
    let retryable = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| RETRYABLE.contains(&code.as_ref()));
    EngineError { retryable, source: Box::new(error) }
}

/// A unique violation, a serialization failure, a deadlock.
const RETRYABLE: [&str; 3] = ["23505", "40001", "40P01"];
