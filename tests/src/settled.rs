//! What must be true of many orders once the dust has settled.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;
use uuid::Uuid;

use crate::{Platform, Wanted, eventually_within};

/// How long many orders may take to settle after a fault: a claim of the outbox (15 s) may have to
/// end, and the retry ladder to be climbed.
const PATIENCE: Duration = Duration::from_secs(90);

const UNSETTLED: &str = "SELECT wanted.id, COALESCE(status || '/' || compensation, 'does not exist') \
     FROM UNNEST($1::uuid[]) AS wanted (id) LEFT JOIN orders ON order_id = wanted.id \
     WHERE (status IN ('confirmed', 'shipped', 'delivered') OR compensation = 'complete') IS NOT TRUE";

/// Expired holds are said anew each time; everything else is said at most once for an order.
const SAID_TWICE: &str = "SELECT count(*) FROM (SELECT FROM outbox WHERE event_type NOT IN \
     ('inventory.hold.expired', 'inventory.stock.adjusted') \
     GROUP BY aggregate_id, event_type HAVING count(*) > 1) AS twice";

impl Platform {
    /// Waits until every one of these orders exists and is settled.
    pub async fn until_settled(&self, orders: &[Uuid]) {
        let mut database = self.database("order").await;
        eventually_within(PATIENCE, &format!("{} orders settle", orders.len()), async || {
            let unsettled: Vec<(Uuid, String)> =
                sqlx::query_as(UNSETTLED).bind(orders).fetch_all(&mut database).await.unwrap();
            match unsettled.first() {
                None => Ok(()),
                Some((id, status)) => Err(format!("{} do not; the first is {id}, {status}", unsettled.len())),
            }
        })
        .await;
    }

    /// Waits until all have settled, and asserts that each is where it had to end; that nothing was
    /// said, charged or booked twice; and that the platform is sound.
    pub async fn assert_all_ended_well(&self, orders: &[Wanted]) {
        let ids: Vec<Uuid> = orders.iter().map(|order| order.id).collect();
        self.until_settled(&ids).await;
        let stored = self.stored(&ids).await;
        for order in orders {
            assert_eq!(stored[&order.id].0, order.ends, "{}", self.order(order.id).await);
        }
        self.assert_nothing_was_said_twice().await;
        self.assert_money(orders).await;
        self.assert_sound().await;
    }

    /// Asserts that no service emitted two events of one type for one order.
    pub async fn assert_nothing_was_said_twice(&self) {
        for service in ["order", "inventory", "payment", "shipping"] {
            assert_eq!(self.count(service, SAID_TWICE).await, 0, "{service} said something twice");
        }
    }

    /// Asserts, by the gateway's own journal, that whoever has goods paid once, and nobody else did.
    async fn assert_money(&self, orders: &[Wanted]) {
        let journal = self.money().await;
        let stored = self.stored(&orders.iter().map(|order| order.id).collect::<Vec<_>>()).await;
        for order in orders {
            let number = |key: &str| journal.get(&order.id).map_or(0, |row| row[key].as_i64().unwrap());
            let (captures, kept) = (number("captures"), number("captured_minor") - number("refunded_minor"));
            let (_, total) = stored[&order.id];
            let owed = if order.ends == "failed" { 0 } else { total };
            assert_eq!(kept, owed, "order {} ({}) and its money", order.id, order.ends);
            assert!(captures <= 1, "order {} was charged {captures} times", order.id);
        }
    }

    /// Status and total of each of these orders, as the database has them.
    async fn stored(&self, orders: &[Uuid]) -> BTreeMap<Uuid, (String, i64)> {
        let rows: Vec<(Uuid, String, i64)> =
            sqlx::query_as("SELECT order_id, status, total_minor FROM orders WHERE order_id = ANY($1)")
                .bind(orders)
                .fetch_all(&mut self.database("order").await)
                .await
                .unwrap();
        rows.into_iter().map(|(id, status, total)| (id, (status, total))).collect()
    }

    /// The gateway's rows, by order.
    async fn money(&self) -> BTreeMap<Uuid, Value> {
        let mut rows = BTreeMap::new();
        let mut path = "/journal/money".to_owned();
        loop {
            let page = self.get("simulators", &path).await;
            for row in page["rows"].as_array().unwrap() {
                rows.insert(row["order_id"].as_str().unwrap().parse().unwrap(), row.clone());
            }
            match page["next_cursor"].as_str() {
                Some(cursor) => path = format!("/journal/money?after={cursor}"),
                None => return rows,
            }
        }
    }
}
