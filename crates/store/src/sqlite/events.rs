//! Webhooks in SQLite: added once, read, and taken away when their time is over.

use sqlx::{Row as _, Sqlite, Transaction, sqlite::SqliteRow};
use trunkline_core::{BoxFuture, Result, now_ms};

use super::{SqliteStore, finish, generation, place};
use crate::{
    Events, Keyring, NewEvent, StoredEvent, WholeEvent,
    events::{Attempted, Delivery, DeliveryState, Lane, Redelivered, Redelivery, Tries, Waiting, full},
    seal, trouble,
};

/// The tables, as envelopes are bound to them.
pub(super) const EVENTS: &str = "events";
pub(super) const DELIVERIES: &str = "deliveries";

/// A delivery that waits: its number, its event's id, attempts, when it is due, its round, until when it may be made again, and until
/// when one that was cut off may.
type Row = (i64, String, u32, i64, u32, Option<i64>, Option<i64>);

/// How many that are over an event takes away: more than the one that it is, and never all at once.
const PRUNED: i64 = 8;
/// How many are taken away at a time where nobody waits for it.
const EXPIRED: i64 = 256;

impl SqliteStore {
    async fn add_event_in(&self, tx: &mut Transaction<'static, Sqlite>, event: NewEvent<'_>) -> Result<bool> {
        let failed = |error| trouble::sql("write to the store", error);
        Self::expire_in(tx, event.now_ms, PRUNED).await?;
        let known: bool =
            sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM events WHERE integration = ?1 AND id = ?2)")
                .bind(event.integration)
                .bind(event.id)
                .fetch_one(&mut **tx)
                .await
                .map_err(failed)?;
        if known {
            return Ok(false);
        }
        Self::make_room(tx, event).await?;
        let next = Self::next(tx).await?;
        let name = name(event.integration, event.id);
        let sealed = seal::seal(&self.keyring(), place(EVENTS, &name, generation(next)), event.document)?;
        let number: i64 = sqlx::query_scalar(
            "INSERT INTO events (integration, id, type, generation, updated_at_ms, until_ms, sealed)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING number",
        )
        .bind(event.integration)
        .bind(event.id)
        .bind(event.r#type)
        .bind(next)
        .bind(event.now_ms)
        .bind(event.until_ms)
        .bind(sealed)
        .fetch_one(&mut **tx)
        .await
        .map_err(failed)?;
        Self::deliver_in(tx, number, event.integration, event.targets, event.now_ms).await?;
        Ok(true)
    }

    /// Takes at most so many events whose time is over away. Says how many.
    async fn expire_in(tx: &mut Transaction<'static, Sqlite>, now_ms: i64, most: i64) -> Result<u64> {
        let gone = sqlx::query(
            "DELETE FROM events WHERE number IN
             (SELECT number FROM events WHERE until_ms <= ?1 ORDER BY until_ms LIMIT ?2)",
        )
        .bind(now_ms)
        .bind(most)
        .execute(&mut **tx)
        .await;
        gone.map(|gone| gone.rows_affected()).map_err(|error| trouble::sql("write to the store", error))
    }

    /// Takes the oldest event that waits for nothing away where there are as many as may be.
    async fn make_room(tx: &mut Transaction<'static, Sqlite>, event: NewEvent<'_>) -> Result<()> {
        let failed = |error| trouble::sql("write to the store", error);
        let full_now: bool = sqlx::query_scalar(
            "SELECT EXISTS (SELECT 1 FROM events WHERE integration = ?1 LIMIT 1 OFFSET ?2)",
        )
        .bind(event.integration)
        .bind(i64::from(event.most.max(1)) - 1)
        .fetch_one(&mut **tx)
        .await
        .map_err(failed)?;
        if !full_now {
            return Ok(());
        }
        let gone = sqlx::query(
            "DELETE FROM events WHERE number =
             (SELECT number FROM events e WHERE integration = ?1
              AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = e.number AND state = 0)
              ORDER BY number LIMIT 1)",
        )
        .bind(event.integration)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        if gone.rows_affected() == 1 { Ok(()) } else { Err(full(event.most)) }
    }

    pub(super) async fn deliver_in(
        tx: &mut Transaction<'static, Sqlite>,
        event: i64,
        integration: &str,
        targets: &[&str],
        now_ms: i64,
    ) -> Result<()> {
        for target in targets {
            sqlx::query(
                "INSERT INTO deliveries (event, integration, target, state, attempts, due_ms, generation)
                 VALUES (?1, ?2, ?3, 0, 0, ?4, 0)",
            )
            .bind(event)
            .bind(integration)
            .bind(*target)
            .bind(now_ms)
            .execute(&mut **tx)
            .await
            .map_err(|error| trouble::sql("write to the store", error))?;
        }
        Ok(())
    }

    async fn attempted_in(
        &self,
        tx: &mut Transaction<'static, Sqlite>,
        number: u64,
        attempted: Attempted<'_>,
    ) -> Result<()> {
        let next = Self::next(tx).await?;
        let name = number.to_string();
        let failed = |error| trouble::sql("write to the store", error);
        let keyring = self.keyring();
        let before: Option<(i64, Option<Vec<u8>>)> =
            sqlx::query_as("SELECT generation, sealed FROM deliveries WHERE number = ?1 AND state = 0")
                .bind(number.cast_signed())
                .fetch_optional(&mut **tx)
                .await
                .map_err(failed)?;
        Self::ends_in(tx, number, &attempted).await?;
        // What was put aside or forwarded meanwhile stays so.
        let Some((at, sealed)) = before else { return Ok(()) };
        let mut tries = self.tries(&keyring, &name, at, sealed.as_deref());
        tries.push(attempted.tried);
        let place = place(DELIVERIES, &name, generation(next));
        let sealed = seal::seal(&self.keyring(), place, &tries.write())?;
        sqlx::query(
            "UPDATE deliveries SET state = ?2, attempts = attempts + 1, due_ms = ?3, generation = ?4, sealed = ?5
             WHERE number = ?1",
        )
        .bind(number.cast_signed())
        .bind(attempted.state.number())
        .bind(attempted.due_ms)
        .bind(next)
        .bind(sealed)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(failed)
    }

    /// The attempts at a delivery. Those that do not open are no reason to show nothing.
    fn tries(&self, keyring: &Keyring, name: &str, at: i64, sealed: Option<&[u8]>) -> Tries {
        let place = place(DELIVERIES, name, generation(at));
        let opened = sealed.and_then(|sealed| self.opened(keyring, place, sealed).ok());
        Tries::read(opened.as_deref().map_or(&[], Vec::as_slice))
    }

    /// Deletes all events of an integration.
    pub(super) async fn delete_events_in(
        tx: &mut Transaction<'static, Sqlite>,
        integration: &str,
    ) -> Result<()> {
        let gone = sqlx::query("DELETE FROM events WHERE integration = ?1").bind(integration);
        gone.execute(&mut **tx).await.map(drop).map_err(|error| trouble::sql("write to the store", error))
    }

    /// What is known of an event, of a row that begins with its number, id, type and time.
    async fn event_of(&self, row: &SqliteRow) -> Result<StoredEvent> {
        let failed = |error| trouble::sql("read the store", error);
        let number: i64 = row.try_get(0).map_err(failed)?;
        let keyring = self.keyring();
        let rows = sqlx::query(
            "SELECT number, target, state, attempts, due_ms, generation, sealed FROM deliveries
             WHERE event = ?1 ORDER BY number",
        )
        .bind(number)
        .fetch_all(&self.reader)
        .await
        .map_err(failed)?;
        let delivery = |row: &SqliteRow| {
            let name: i64 = row.try_get(0)?;
            let (at, sealed): (i64, Option<&[u8]>) = (row.try_get(5)?, row.try_get(6)?);
            Ok(Delivery {
                target: row.try_get(1)?,
                state: DeliveryState::of(row.try_get(2)?),
                attempts: row.try_get(3)?,
                due_ms: row.try_get(4)?,
                tries: self.tries(&keyring, &name.to_string(), at, sealed).0,
            })
        };
        let deliveries = rows.iter().map(delivery).collect::<sqlx::Result<_>>().map_err(failed)?;
        Ok(StoredEvent {
            number: generation(number),
            id: row.try_get(1).map_err(failed)?,
            r#type: row.try_get(2).map_err(failed)?,
            received_ms: row.try_get(3).map_err(failed)?,
            deliveries,
        })
    }
}

/// What an event is called in its place. No id of an integration has a slash in it.
fn name(integration: &str, id: &str) -> String {
    format!("{integration}/{id}")
}

impl Events for SqliteStore {
    fn add_event<'a>(&'a self, event: NewEvent<'a>) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.add_event_in(&mut tx, event).await;
            finish(tx, result).await
        })
    }

    fn events<'a>(
        &'a self,
        integration: &'a str,
        before: Option<u64>,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<StoredEvent>>> {
        Box::pin(async move {
            let rows = sqlx::query(
                "SELECT number, id, type, updated_at_ms FROM events
                 WHERE integration = ?1 AND number < ?2 AND until_ms > ?3 ORDER BY number DESC LIMIT ?4",
            )
            .bind(integration)
            .bind(before.and_then(|before| i64::try_from(before).ok()).unwrap_or(i64::MAX))
            .bind(now_ms())
            .bind(most)
            .fetch_all(&self.reader)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
            let mut events = Vec::with_capacity(rows.len());
            for row in &rows {
                events.push(self.event_of(row).await?);
            }
            Ok(events)
        })
    }

    fn event<'a>(&'a self, integration: &'a str, id: &'a str) -> BoxFuture<'a, Result<Option<WholeEvent>>> {
        Box::pin(async move {
            let (keyring, failed) = (self.keyring(), |error| trouble::sql("read the store", error));
            let row = sqlx::query(
                "SELECT number, id, type, updated_at_ms, generation, sealed FROM events
                 WHERE integration = ?1 AND id = ?2",
            )
            .bind(integration)
            .bind(id)
            .fetch_optional(&self.reader)
            .await
            .map_err(failed)?;
            let Some(row) = row else { return Ok(None) };
            let at: i64 = row.try_get(4).map_err(failed)?;
            let sealed: &[u8] = row.try_get(5).map_err(failed)?;
            let document =
                self.opened(&keyring, place(EVENTS, &name(integration, id), generation(at)), sealed);
            Ok(Some(WholeEvent { event: self.event_of(&row).await?, document }))
        })
    }

    fn lanes(&self) -> BoxFuture<'_, Result<Vec<Lane>>> {
        Box::pin(async {
            let rows: Vec<(String, String, i64)> = sqlx::query_as(
                "SELECT integration, target, min(due_ms) FROM deliveries WHERE state = 0 GROUP BY 1, 2",
            )
            .fetch_all(&self.reader)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
            let lane = |(integration, target, due_ms)| Lane { integration, target, due_ms };
            Ok(rows.into_iter().map(lane).collect())
        })
    }

    fn waiting<'a>(
        &'a self,
        integration: &'a str,
        target: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Waiting>>> {
        Box::pin(async move {
            let rows: Vec<Row> = sqlx::query_as(
                "SELECT d.number, e.id, d.attempts, d.due_ms, coalesce(r.round, 0), r.until_ms, b.until_ms
                 FROM deliveries d JOIN events e ON e.number = d.event
                 LEFT JOIN rounds r ON r.delivery = d.number LEFT JOIN begun b ON b.delivery = d.number
                 WHERE d.integration = ?1 AND d.target = ?2 AND d.state = 0 ORDER BY d.due_ms, d.number LIMIT ?3",
            )
            .bind(integration)
            .bind(target)
            .bind(most)
            .fetch_all(&self.reader)
            .await
            .map_err(|error| trouble::sql("read the store", error))?;
            let waiting = |(number, event, attempts, due_ms, round, until_ms, cut_off): Row| {
                let (number, begun) = (generation(number), cut_off.is_some());
                let until_ms = cut_off.into_iter().chain(until_ms).min();
                Waiting { number, event, attempts, due_ms, round, until_ms, begun }
            };
            Ok(rows.into_iter().map(waiting).collect())
        })
    }

    fn expire(&self, now_ms: i64) -> BoxFuture<'_, Result<bool>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::expire_in(&mut tx, now_ms, EXPIRED).await;
            finish(tx, result).await.map(|gone| gone == EXPIRED.unsigned_abs())
        })
    }

    fn begins(&self, number: u64, until_ms: i64) -> BoxFuture<'_, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::begins_in(&mut tx, number, until_ms).await;
            finish(tx, result).await
        })
    }

    fn attempted<'a>(&'a self, number: u64, attempted: Attempted<'a>) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = self.attempted_in(&mut tx, number, attempted).await;
            finish(tx, result).await
        })
    }

    fn redeliver<'a>(
        &'a self,
        integration: &'a str,
        id: &'a str,
        asked: Redelivery<'a>,
    ) -> BoxFuture<'a, Result<Option<Redelivered>>> {
        Box::pin(async move {
            let mut tx = self.begin().await?;
            let result = Self::redeliver_in(&mut tx, integration, id, asked).await;
            finish(tx, result).await
        })
    }
}
