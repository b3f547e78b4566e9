//! What making a delivery again means: which attempt was cut off, until when it may be made again, and how often somebody
//! had it made anew.

use sqlx::{Sqlite, Transaction};
use trunkline_core::Result;

use super::SqliteStore;
use crate::{
    events::{Attempted, DeliveryState, Redelivered, Redelivery, Standing, Step},
    trouble,
};

type Tx = Transaction<'static, Sqlite>;

impl SqliteStore {
    pub(super) async fn begins_in(tx: &mut Tx, number: u64, until_ms: i64) -> Result<()> {
        // Of one that is not there any more nothing is kept.
        let begun = sqlx::query(
            "INSERT INTO begun (delivery, until_ms) SELECT number, ?2 FROM deliveries WHERE number = ?1
             ON CONFLICT (delivery) DO UPDATE SET until_ms = min(until_ms, ?2)",
        );
        let begun = begun.bind(number.cast_signed()).bind(until_ms).execute(&mut **tx).await;
        begun.map(drop).map_err(|error| trouble::sql("write to the store", error))
    }

    /// An attempt has ended: what was said when it began is of this round if it may have been done. What a service does once, or
    /// refuses under a key that it knows, is in doubt no more.
    pub(super) async fn ends_in(tx: &mut Tx, number: u64, attempted: &Attempted<'_>) -> Result<()> {
        let failed = |error| trouble::sql("write to the store", error);
        let begun: Option<i64> =
            sqlx::query_scalar("DELETE FROM begun WHERE delivery = ?1 RETURNING until_ms")
                .bind(number.cast_signed())
                .fetch_optional(&mut **tx)
                .await
                .map_err(failed)?;
        let known = attempted.refused || attempted.state == DeliveryState::Forwarded;
        let sql = match begun {
            _ if known => "UPDATE rounds SET until_ms = NULL WHERE delivery = ?1",
            Some(_) if attempted.doubtful => {
                "INSERT INTO rounds (delivery, round, until_ms) VALUES (?1, 0, ?2)
                 ON CONFLICT (delivery) DO UPDATE SET until_ms = min(coalesce(until_ms, ?2), ?2)"
            }
            _ => return Ok(()),
        };
        let ended = sqlx::query(sql).bind(number.cast_signed()).bind(begun).execute(&mut **tx).await;
        ended.map(drop).map_err(failed)
    }

    pub(super) async fn redeliver_in(
        tx: &mut Tx,
        integration: &str,
        id: &str,
        asked: Redelivery<'_>,
    ) -> Result<Option<Redelivered>> {
        let event: Option<i64> =
            sqlx::query_scalar("SELECT number FROM events WHERE integration = ?1 AND id = ?2")
                .bind(integration)
                .bind(id)
                .fetch_optional(&mut **tx)
                .await
                .map_err(|error| trouble::sql("write to the store", error))?;
        let Some(event) = event else { return Ok(None) };
        let mut said = Redelivered::default();
        for target in asked.targets {
            let step = Self::again_in(tx, event, target, asked).await?;
            if step.is_none() {
                Self::deliver_in(tx, event, integration, &[target], asked.now_ms).await?;
            }
            said.add(target, step.unwrap_or(Step::OnItsWay));
        }
        Ok(Some(said))
    }

    /// Makes the delivery of an event to a target once more, if there is one.
    async fn again_in(tx: &mut Tx, event: i64, target: &str, asked: Redelivery<'_>) -> Result<Option<Step>> {
        let failed = |error| trouble::sql("write to the store", error);
        let found: Option<(i64, i64, u32, bool, Option<i64>)> = sqlx::query_as(
            "SELECT d.number, d.state, coalesce(r.round, 0), b.delivery IS NOT NULL, r.until_ms FROM deliveries d
             LEFT JOIN rounds r ON r.delivery = d.number LEFT JOIN begun b ON b.delivery = d.number
             WHERE d.event = ?1 AND d.target = ?2",
        )
        .bind(event)
        .bind(target)
        .fetch_optional(&mut **tx)
        .await
        .map_err(failed)?;
        let Some((number, state, round, begun, until_ms)) = found else { return Ok(None) };
        let step = asked.step(Standing { state: DeliveryState::of(state), round, begun, until_ms });
        let Step::Waits { round, until_ms } = step else { return Ok(Some(step)) };
        sqlx::query("UPDATE deliveries SET state = 0, attempts = 0, due_ms = ?2, generation = 0, sealed = NULL WHERE number = ?1")
            .bind(number)
            .bind(asked.now_ms)
            .execute(&mut **tx)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO rounds (delivery, round, until_ms) VALUES (?1, ?2, ?3)
             ON CONFLICT (delivery) DO UPDATE SET round = ?2, until_ms = ?3",
        )
        .bind(number)
        .bind(round)
        .bind(until_ms)
        .execute(&mut **tx)
        .await
        .map_err(failed)?;
        Ok(Some(step))
    }
}
